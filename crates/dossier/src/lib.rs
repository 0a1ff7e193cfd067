//! Facts of dossiers for the statistics of QCVN 120:2019, Table 5: kept only on a written legal
//! ground, without personal data, and counted by day so that the figures of any period are sums.
//!
//! A dossier is known by a keyed digest of its code. What a packet tells joins what is known
//! ([`fact`]), the difference is put into the daily counters ([`mark`]), and the figures of a
//! period are sums over them ([`figure`]). Month and year packets are handed out when due
//! ([`schedule`]). `docs/protocol/statistics.md` says what is kept and how each figure is counted.

pub mod desk;
mod dossiers;
mod erase;
mod error;
pub mod fact;
pub mod figure;
mod gap;
mod keeping;
pub mod mark;
pub mod message;
mod moment;
pub mod packet;
mod period;
mod recount;
pub mod schedule;
mod store;
mod tally;
pub mod unit;

#[cfg(test)]
mod tests;

pub use desk::{Carried, Desk};
pub use dossiers::{Dossiers, Opening};
pub use erase::{Erasure, erase_all};
pub use error::DossierError;
pub use figure::{Figures, Unit};
pub use gap::{Cause, Gaps, Settlement};
pub use keeping::{Config, Ground, Keeping, is_reason};
pub use moment::{Day, Moment};
pub use packet::{Due, PacketSeen};
pub use period::{Period, Span};
pub use recount::Recount;
pub use tally::{Expected, Tally};
