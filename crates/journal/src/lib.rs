//! What passed: the append-only log of every exchange, its group commit, tree, verification and
//! scan, and the outbox through which changes of the registry reach it. No payload has a place
//! here: rows carry sizes, times, ids, outcomes and keyed digests.

pub mod audit;
mod deny;
mod disk;
mod durable;
mod entry;
mod error;
mod export;
mod filter;
mod frame;
mod key;
mod manifest;
mod opening;
mod queue;
mod recovery;
mod row;
mod search;
mod segment;
mod stats;
mod tree;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use durable::Durable;
pub use entry::{Class, Config, Entry, Health, Journal, Sync};
pub use error::{JournalError, Unavailable};
pub use export::{Format, export};
pub use filter::Filter;
pub use recovery::{Damage, Recovery};
pub use row::{Digest, Document, Row, RowFault, Word};
pub use search::{Counted, Search, count_since, search};
pub use stats::{By, Group, stats};
pub use verify::{Verdict, verify};
