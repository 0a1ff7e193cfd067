//! Who may speak: credentials of systems, tokens, revocation, and the limit on guessing.

mod access;
pub mod credential;
mod follow;
pub mod limiter;
mod snapshot;
pub mod token;

pub use access::{Access, AccessError};

#[cfg(test)]
mod tests;
