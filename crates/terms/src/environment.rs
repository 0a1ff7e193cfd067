//! The two environments of the regulation: kết nối thử nghiệm and kết nối chính thức.

use serde::{Deserialize, Serialize};

/// Where a credential is valid and a call is served (An Giang regulation, article 11.2c and 11.2đ).
/// A credential belongs to one environment; its tokens do not verify on the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Môi trường thử nghiệm (kỹ thuật).
    Trial,
    /// Môi trường chính thức.
    Live,
}

impl Environment {
    /// Both, in the order of a connection's life.
    pub const ALL: [Environment; 2] = [Environment::Trial, Environment::Live];

    /// The word used in files, tables and journal rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Environment::Trial => "trial",
            Environment::Live => "live",
        }
    }

    /// Reads the word back; `None` for anything else.
    pub fn parse(text: &str) -> Option<Environment> {
        Environment::ALL.into_iter().find(|e| e.as_str() == text)
    }
}

impl std::fmt::Display for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
