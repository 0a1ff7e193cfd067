//! Guessing of secrets is slowed down (TOK-10): failures only, per consumer key and per address, as
//! a decision on the clock given.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use terms::clock::Timestamp;
use terms::limit::{FAILURE_SUBJECTS_MAX, FAILURE_WINDOW, FAILURES_MAX};

/// Counts failed secrets. Its memory is bounded: at most twice [`FAILURE_SUBJECTS_MAX`] subjects
/// are remembered, the oldest are forgotten first.
pub struct Limiter {
    hasher: RandomState,
    /// Subjects that failed since the last turn, and those of the turn before.
    fresh: HashMap<Subject, Failures>,
    stale: HashMap<Subject, Failures>,
    turned_at: Timestamp,
    alerted_at: Option<Timestamp>,
    /// When somebody was last slowed down, while the alert stands.
    slowed_at: Option<Timestamp>,
}

/// What is counted: a claimed consumer key (as its keyed hash, so that long inventions take no
/// room) or an address (IPv6 by /64, the smallest net a subscriber is given).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    Key(u64),
    V4(u32),
    V6(u64),
}

/// The times of the last failures of one subject, in a ring.
#[derive(Clone, Copy)]
struct Failures {
    at: [Timestamp; FAILURES_MAX as usize],
    count: usize,
}

/// What a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Answer with 429 instead of the uniform refusal.
    pub slow_down: bool,
    /// Raise the alert now: the first one within [`FAILURE_WINDOW`].
    pub alert: bool,
}

impl Limiter {
    /// One that has seen nothing.
    pub fn new() -> Limiter {
        Limiter {
            hasher: RandomState::new(),
            fresh: HashMap::new(),
            stale: HashMap::new(),
            turned_at: Timestamp::default(),
            alerted_at: None,
            slowed_at: None,
        }
    }

    /// Has this address failed too often? A key under attack from elsewhere plays no part, so its
    /// owner is never locked out.
    pub fn limited(&self, address: IpAddr, now: Timestamp) -> bool {
        self.is_limited(address_subject(address), now)
    }

    /// A wrong secret was given for `consumer_key` (claimed, perhaps unknown) from `address`.
    /// Refusals beyond the limit do not count, so that whoever slows down is heard again.
    pub fn failed(&mut self, consumer_key: &str, address: IpAddr, now: Timestamp) -> Verdict {
        self.turn(now);
        let address = address_subject(address);
        let key = Subject::Key(self.hasher.hash_one(consumer_key));
        let address_limited = self.is_limited(address, now);
        let key_limited = self.is_limited(key, now);
        if !address_limited {
            self.count(address, now);
            if !key_limited {
                self.count(key, now);
            }
        }
        let slow_down = address_limited || key_limited;
        if slow_down {
            self.slowed_at = Some(now);
        }
        Verdict { slow_down, alert: slow_down && self.alert(now) }
    }

    /// Has the guessing ended? Told once: nobody was slowed down for [`FAILURE_WINDOW`].
    pub fn calmed(&mut self, now: Timestamp) -> bool {
        let calm = self.slowed_at.is_some_and(|at| now.since(at) >= FAILURE_WINDOW);
        if calm {
            self.slowed_at = None;
        }
        calm
    }

    fn is_limited(&self, subject: Subject, now: Timestamp) -> bool {
        self.fresh
            .get(&subject)
            .or_else(|| self.stale.get(&subject))
            .is_some_and(|failures| failures.reach_limit(now))
    }

    fn count(&mut self, subject: Subject, now: Timestamp) {
        let stale = self.stale.remove(&subject).unwrap_or(Failures::NONE);
        self.fresh.entry(subject).or_insert(stale).push(now);
    }

    /// Forgets what is too old to matter, or the older half when memory is full.
    fn turn(&mut self, now: Timestamp) {
        let old = now.since(self.turned_at) >= FAILURE_WINDOW;
        if old || self.fresh.len() >= FAILURE_SUBJECTS_MAX {
            self.stale = std::mem::take(&mut self.fresh);
            self.turned_at = now;
        }
    }

    fn alert(&mut self, now: Timestamp) -> bool {
        let due = self.alerted_at.is_none_or(|at| now.since(at) >= FAILURE_WINDOW);
        if due {
            self.alerted_at = Some(now);
        }
        due
    }
}

impl Default for Limiter {
    fn default() -> Limiter {
        Limiter::new()
    }
}

impl Failures {
    const NONE: Failures =
        Failures { at: [Timestamp::from_micros(0); FAILURES_MAX as usize], count: 0 };

    fn push(&mut self, now: Timestamp) {
        self.at[self.count % self.at.len()] = now;
        self.count += 1;
    }

    /// The oldest of the last [`FAILURES_MAX`] failures is still within the window.
    fn reach_limit(&self, now: Timestamp) -> bool {
        self.count >= self.at.len()
            && now.since(self.at[self.count % self.at.len()]) < FAILURE_WINDOW
    }
}

fn address_subject(address: IpAddr) -> Subject {
    match address.to_canonical() {
        IpAddr::V4(address) => Subject::V4(address.to_bits()),
        IpAddr::V6(address) => {
            let mut prefix = [0; 8];
            prefix.copy_from_slice(&address.octets()[..8]);
            Subject::V6(u64::from_be_bytes(prefix))
        }
    }
}

#[cfg(test)]
mod tests;
