//! The platform's own keys, and what is derived from them: one file, the same on all nodes, never
//! in the database.

mod derived;
mod error;
mod file;
mod keyring;
mod store;

#[cfg(test)]
mod tests;

pub use derived::TagKey;
pub use error::KeyringError;
pub use keyring::{Entry, Keyring, State};

/// The id of an entry of the keyring, 1 to 255; it stands in each token, secret, sealed text and
/// journal row that was made under the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub u8);

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
