//! Where the database is: the configured URL, read once.

use std::path::{Path, PathBuf};

use crate::{Engine, StoreError};

/// A database that can be opened. `Display` never shows a password.
#[derive(Clone)]
pub(crate) enum Address {
    /// The file, absolute.
    Sqlite(PathBuf),
    /// The URL as configured.
    Postgres(String),
}

impl Address {
    /// Reads `sqlite:PATH` (also `sqlite://PATH`; taken byte for byte, not percent-decoded) or
    /// `postgres://…` (also `postgresql://…`).
    pub(crate) fn parse(url: &str) -> Result<Address, StoreError> {
        let refuse = |reason| StoreError::Url { url: redact(url), reason };
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Address::Postgres(url.to_owned()));
        }
        let Some(path) = url.strip_prefix("sqlite:") else {
            return Err(refuse("write sqlite:/path/lgsp.db or postgres://user@host/database"));
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.ends_with('/') {
            return Err(refuse("the path of the file is missing"));
        }
        if path.contains(":memory:") || path.contains('?') {
            return Err(refuse("takes the path of a file and nothing else"));
        }
        match std::path::absolute(path) {
            Ok(path) => Ok(Address::Sqlite(path)),
            Err(_) => Err(refuse("the current folder cannot be read")),
        }
    }

    pub(crate) fn engine(&self) -> Engine {
        match self {
            Address::Sqlite(_) => Engine::Sqlite,
            Address::Postgres(_) => Engine::Postgres,
        }
    }

    /// The form sqlx takes.
    pub(crate) fn url(&self) -> String {
        match self {
            Address::Sqlite(path) => format!("sqlite://{}?mode=rwc", encode(path)),
            Address::Postgres(url) => url.clone(),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Address::Postgres(url) => f.write_str(&redact(url)),
        }
    }
}

/// Percent-encodes what a URL would read otherwise; sqlx decodes it again.
fn encode(path: &Path) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b);
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        if plain(*byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// The URL without its password and without its parameters (one of them may be a password too).
fn redact(url: &str) -> String {
    let url = url.split('?').next().unwrap_or(url);
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((login, place)) => {
            let user = login.split(':').next().unwrap_or(login);
            format!("{scheme}://{user}@{place}")
        }
        None => url.to_owned(),
    }
}
