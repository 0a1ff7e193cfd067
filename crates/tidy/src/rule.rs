//! What `tidy.toml` sets: the ladder, the words, and the exceptions, each with its reason.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The crates from the top: each may need only those before it.
    pub ladder: Vec<String>,
    /// Words that no file, module or type may be called.
    pub names_banned: Vec<String>,
    /// First folders of absolute paths that would belong to one machine.
    pub machine_folders: Vec<String>,
    /// Words that may stand nowhere.
    #[serde(default)]
    pub word: Vec<Word>,
    /// Sizes that are allowed all the same.
    #[serde(default)]
    pub size: Vec<Size>,
    /// Tests that wait for real time all the same.
    #[serde(default)]
    pub sleep: Vec<Excuse>,
}

/// A word that may stand nowhere.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// The word, whole, as written.
    pub text: String,
    /// What to do instead.
    pub instead: String,
}

/// A file, or a function in it, that may be longer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Path from the root.
    pub file: String,
    /// The function; absent: the file itself.
    pub function: Option<String>,
    /// Up to so many lines.
    pub lines: usize,
    /// Why.
    pub reason: String,
}

/// A file that is excused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excuse {
    /// Path from the root.
    pub file: String,
    /// Why.
    pub reason: String,
}

impl Rules {
    /// Reads `tidy.toml` at the root of the repository.
    pub fn read(root: &Path) -> Result<Rules> {
        let text = std::fs::read_to_string(root.join("tidy.toml")).context("tidy.toml")?;
        toml::from_str(&text).context("tidy.toml")
    }
}
