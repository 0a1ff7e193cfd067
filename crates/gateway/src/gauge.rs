//! What the gateway counts for `/metrics`: outcomes, faults, times; no name of a party, no path.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Instant;

use journal::Row;
use metrics::{Counter, Gauge as Level, Histogram};
use terms::clock::Clock;

/// Handles of a thread, so that a call looks nothing up by text twice.
pub(crate) struct Gauge {
    calls: RefCell<HashMap<(&'static str, String), Counter>>,
    seconds: Histogram,
    pub(crate) in_flight: Level,
    pub(crate) connections: Level,
    pub(crate) connections_refused: Counter,
}

impl Gauge {
    pub(crate) fn new() -> Gauge {
        Gauge {
            calls: RefCell::default(),
            seconds: metrics::histogram!("lgsp_call_seconds"),
            in_flight: metrics::gauge!("lgsp_calls_in_flight"),
            connections: metrics::gauge!("lgsp_connections"),
            connections_refused: metrics::counter!("lgsp_connections_refused_total"),
        }
    }

    /// Counts a call that has been closed.
    pub(crate) fn count(&self, row: &Row, opened: Instant, clock: &Clock) {
        let outcome = row.outcome.map_or("none", terms::exchange::Outcome::as_str);
        let fault = row.fault.as_deref().unwrap_or_default();
        let mut calls = self.calls.borrow_mut();
        let key = (outcome, fault.to_owned());
        let counter = calls.entry(key).or_insert_with(|| {
            metrics::counter!("lgsp_calls_total", "outcome" => outcome, "fault" => fault.to_owned())
        });
        counter.increment(1);
        self.seconds.record((clock.instant() - opened).as_secs_f64());
    }
}
