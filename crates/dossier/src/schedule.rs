//! When which month or year packet is due: pure, so that the calendar is tested at the minute.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};
use terms::clock::Timestamp;

use crate::period::Span;

/// Spans looked back at: what was not sent in three years is a matter for people.
const LOOK_BACK_YEARS: i32 = 3;
/// Packets handed out at one look, the oldest first.
pub const DUE_MAX: usize = 12;
/// A packet that could not be sent is tried this often, then an officer is needed.
pub const ATTEMPTS_MAX: u32 = 24;
/// Pause after the first failure; doubled by each further one.
const RETRY_FIRST: Duration = Duration::from_secs(10 * 60);
/// The longest pause.
const RETRY_LONGEST: Duration = Duration::from_secs(6 * 3_600);

/// When packets leave: at this hour of this day of the month after their period, in the platform's
/// zone. No text at hand sets a date; some days let late records in first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    day: i8,
    hour: i8,
}

impl Rule {
    /// Day 1 to 28, hour 0 to 23; `None` otherwise.
    pub fn new(day: u8, hour: u8) -> Option<Rule> {
        let right = (1..=28).contains(&day) && hour < 24;
        right.then(|| Rule { day: day.cast_signed(), hour: hour.cast_signed() })
    }

    /// From when on the packet of `span` is due.
    pub fn due_from(self, span: Span) -> DateTime {
        let day = span.after().saturating_add(i32::from(self.day - 1).days());
        day.to_datetime(Time::new(self.hour, 0, 0, 0).unwrap_or_default())
    }
}

impl Default for Rule {
    /// The 2nd at 06:00.
    fn default() -> Rule {
        Rule { day: 2, hour: 6 }
    }
}

/// Where the packet of a span stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not yet sent; may be tried again from then on.
    Waiting {
        /// How often it was handed out.
        attempts: u32,
        /// When it may be handed out again.
        next_at: Timestamp,
    },
    /// The portal took it.
    Sent,
    /// The portal refused it: it would refuse it again.
    Refused,
    /// Tried [`ATTEMPTS_MAX`] times.
    GivenUp,
}

/// The spans whose packets are due, the oldest first. `now` twice: as a point in time and as the
/// civil time of the platform's zone. A span counts when the facts are complete for all its days,
/// `complete_from` on.
pub fn due(
    at: Timestamp,
    now: DateTime,
    rule: Rule,
    complete_from: Date,
    known: &BTreeMap<Span, State>,
) -> Vec<Span> {
    let oldest = oldest(now, complete_from);
    let mut spans = Vec::new();
    for year in oldest.year()..=now.year() {
        let months = (1..=12).filter_map(|month| Span::month(year, month));
        spans.extend(
            months.chain(Span::year(year)).filter(|span| {
                is_due(now, rule, complete_from, *span) && may_go(known.get(span), at)
            }),
        );
    }
    spans.truncate(DUE_MAX);
    spans
}

/// Is it time for the packet of `span`, and not too late?
pub fn is_due(now: DateTime, rule: Rule, complete_from: Date, span: Span) -> bool {
    span.first() >= oldest(now, complete_from) && rule.due_from(span) <= now
}

fn oldest(now: DateTime, complete_from: Date) -> Date {
    now.date().saturating_sub(LOOK_BACK_YEARS.years()).max(complete_from)
}

fn may_go(state: Option<&State>, at: Timestamp) -> bool {
    match state {
        None => true,
        Some(State::Waiting { next_at, .. }) => *next_at <= at,
        Some(_) => false,
    }
}

/// How the sending of a packet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The portal answered success (or that it exists already).
    Sent,
    /// The portal answered another code.
    Refused,
    /// Not reached, or no answer that can be read.
    Failed,
}

/// Where the packet stands after an attempt, the `attempts`th.
pub fn settle(outcome: Outcome, attempts: u32, at: Timestamp) -> State {
    match outcome {
        Outcome::Sent => State::Sent,
        Outcome::Refused => State::Refused,
        Outcome::Failed if attempts >= ATTEMPTS_MAX => State::GivenUp,
        Outcome::Failed => {
            let doublings = attempts.saturating_sub(1).min(16);
            let pause = (RETRY_FIRST * (1 << doublings)).min(RETRY_LONGEST);
            State::Waiting { attempts, next_at: at.plus(pause) }
        }
    }
}
