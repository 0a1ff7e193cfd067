//! How much a check may refuse, and what it says in the end.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// What a subscription lets the check of its packets do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is refused; what was found is told.
    #[default]
    Report,
    /// Refused is what breaks a rule whose evidence is firm (seen in code or on a page).
    Refuse,
    /// Refused is what breaks any rule on a known field: for certification.
    Strict,
}

impl Mode {
    /// All modes, the mildest first.
    pub const ALL: [Mode; 3] = [Mode::Report, Mode::Refuse, Mode::Strict];

    /// Its word in the registry file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::Report => "report",
            Mode::Refuse => "refuse",
            Mode::Strict => "strict",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is no mode, or no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMode;

impl FromStr for Mode {
    type Err = NoMode;

    fn from_str(text: &str) -> Result<Mode, NoMode> {
        Mode::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or(NoMode)
    }
}

/// What a report comes to in a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing was found.
    Ok,
    /// Something was found and the packet passes.
    Report,
    /// The packet does not pass.
    Refused,
}

impl Verdict {
    /// Its word in answers, headers and the journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Report => "report",
            Verdict::Refused => "refused",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Verdict {
    type Err = NoMode;

    fn from_str(text: &str) -> Result<Verdict, NoMode> {
        let all = [Verdict::Ok, Verdict::Report, Verdict::Refused];
        all.into_iter().find(|verdict| verdict.as_str() == text).ok_or(NoMode)
    }
}
