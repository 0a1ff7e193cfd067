//! The database door on both engines.
