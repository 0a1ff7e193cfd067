//! What a run of load brought: counts, times, and the id of every exchange for reconciliation.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::{Failure, Reply};

/// One answer that carried an `Exchange-Id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// The id.
    pub id: String,
    /// The status received.
    pub status: u16,
    /// Did the answer come to its end?
    pub whole: bool,
}

/// Microseconds from when a call was due (see [`Pace`](super::Pace)) to its last byte, over all
/// whole answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of the answers were faster.
    pub p50_us: u64,
    /// 95 of 100 were faster.
    pub p95_us: u64,
    /// 99 of 100 were faster.
    pub p99_us: u64,
    /// The slowest.
    pub max_us: u64,
}

/// The outcome of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Calls begun.
    pub calls: u64,
    /// Whole answers by status.
    pub status: BTreeMap<u16, u64>,
    /// Of these, the platform's faults by code.
    pub fault: BTreeMap<String, u64>,
    /// Calls without a whole answer, by [`Failure::word`]; an answer that broke off after its
    /// head counts as `cut`.
    pub error: BTreeMap<&'static str, u64>,
    /// Answers without an `Exchange-Id`, whole or cut.
    pub unnamed: u64,
    /// Bytes of bodies received.
    pub body_bytes: u64,
    /// From the first call's start to the last one's end.
    pub elapsed_us: u64,
    /// Times of whole answers.
    pub latency: Latency,
    /// One for each answer that had an id, when asked for; in no order.
    #[serde(skip)]
    pub exchanges: Vec<Exchange>,
    #[serde(skip)]
    times_us: Vec<u32>,
}

impl Report {
    /// Whole answers for each second of the run.
    pub fn answers_per_second(&self) -> f64 {
        let whole: u64 = self.status.values().sum();
        if self.elapsed_us == 0 {
            return 0.0;
        }
        whole as f64 * 1e6 / self.elapsed_us as f64
    }

    /// Writes `ID STATUS` lines, with a third word `cut` for answers that did not end.
    pub fn write_exchanges(&self, to: &mut impl Write) -> io::Result<()> {
        for exchange in &self.exchanges {
            let cut = if exchange.whole { "" } else { " cut" };
            writeln!(to, "{} {}{cut}", exchange.id, exchange.status)?;
        }
        Ok(())
    }

    pub(super) fn add(&mut self, outcome: &Result<Reply, Failure>, took: Duration, ids: bool) {
        self.calls += 1;
        let reply = match outcome {
            Ok(reply) => reply,
            Err(failure) => {
                *self.error.entry(failure.word()).or_default() += 1;
                return;
            }
        };
        self.body_bytes += reply.body.len() as u64;
        let status = reply.status.as_u16();
        match reply.exchange_id() {
            None => self.unnamed += 1,
            Some(id) if ids => self.exchanges.push(Exchange {
                id: id.to_owned(),
                status,
                whole: reply.cut.is_none(),
            }),
            Some(_) => {}
        }
        if reply.cut.is_some() {
            *self.error.entry("cut").or_default() += 1;
            return;
        }
        *self.status.entry(status).or_default() += 1;
        if let Some(code) = reply.fault() {
            *self.fault.entry(code).or_default() += 1;
        }
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        self.times_us.push(micros);
    }

    pub(super) fn merge(&mut self, other: Report) {
        self.calls += other.calls;
        self.unnamed += other.unnamed;
        self.body_bytes += other.body_bytes;
        add_counts(&mut self.status, other.status);
        add_counts(&mut self.fault, other.fault);
        add_counts(&mut self.error, other.error);
        self.exchanges.extend(other.exchanges);
        self.times_us.extend(other.times_us);
    }

    pub(super) fn finish(&mut self, elapsed: Duration) {
        self.elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.times_us.sort_unstable();
        self.latency = Latency {
            p50_us: quantile(&self.times_us, 50),
            p95_us: quantile(&self.times_us, 95),
            p99_us: quantile(&self.times_us, 99),
            max_us: quantile(&self.times_us, 100),
        };
    }
}

fn add_counts<K: Ord>(to: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
    for (key, count) in from {
        *to.entry(key).or_default() += count;
    }
}

/// The smallest of the sorted values that at least `percent` of them do not exceed; 0 of none.
pub(super) fn quantile(sorted: &[u32], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().map_or(0, u64::from)
}
