//! The keyring and what is derived from it.
