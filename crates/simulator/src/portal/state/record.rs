//! What was pushed, packet by packet, as it was sent.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use terms::clock::Timestamp;

use super::{Moment, Refusal, Row};

/// Records held of one packet at the most; more are refused.
const RECORDS_MAX: usize = 100_000;

/// One record that was taken.
#[derive(Clone, Debug, Serialize)]
pub struct Kept {
    /// When.
    pub at: Timestamp,
    /// By which call: its id in `/inspect/calls`.
    pub call: u64,
    /// `madonvi` of the call.
    pub madonvi: String,
    /// The record, byte for byte.
    pub record: Box<RawValue>,
}

#[derive(Debug, Default)]
pub(super) struct Records {
    packets: BTreeMap<String, Vec<Kept>>,
}

impl Records {
    pub(super) fn of(&self, packet: &str) -> &[Kept] {
        self.packets.get(packet).map_or(&[], Vec::as_slice)
    }

    pub(super) fn counts(&self) -> BTreeMap<&str, usize> {
        self.packets.iter().map(|(packet, kept)| (packet.as_str(), kept.len())).collect()
    }

    pub(super) fn keep(
        &mut self,
        packet: &str,
        rows: Vec<Row>,
        unit: &str,
        now: Moment,
    ) -> Result<(), Refusal> {
        let kept = self.packets.entry(packet.to_owned()).or_default();
        if kept.len() + rows.len() > RECORDS_MAX {
            return Err(Refusal::failed("Quá nhiều bản ghi trong mô phỏng"));
        }
        kept.extend(rows.into_iter().map(|row| Kept {
            at: now.at,
            call: now.call,
            madonvi: unit.to_owned(),
            record: row.record,
        }));
        Ok(())
    }
}
