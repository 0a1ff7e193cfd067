//! A rate as a sliding window of 61 sub-windows: never more than N calls in any window of that
//! length, wherever it begins.

use terms::clock::Timestamp;
use terms::quantity::Rate;

/// A window of 60 sub-windows touches at most this many of them.
const SUBS: usize = 61;

/// The calls of one subscription within the last window.
#[derive(Clone, Debug)]
pub(crate) struct Sliding {
    rate: Rate,
    /// Microseconds of a sub-window: a sixtieth of the window, rounded up.
    length: i64,
    /// Number of the newest sub-window since the epoch.
    newest: i64,
    counts: [u32; SUBS],
    total: u32,
}

/// A call that has been counted: the number of its sub-window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken(i64);

impl Sliding {
    pub(crate) fn new(rate: Rate, now: Timestamp) -> Sliding {
        let window = i64::try_from(rate.window.length().as_micros()).unwrap_or(i64::MAX);
        let length = window / 60 + i64::from(window % 60 != 0);
        Sliding {
            rate,
            length,
            newest: now.micros().div_euclid(length),
            counts: [0; SUBS],
            total: 0,
        }
    }

    /// Takes over a changed rate; what was counted stays counted unless the window's length is
    /// another one.
    pub(crate) fn follow(&mut self, rate: Rate, now: Timestamp) {
        if rate.window == self.rate.window {
            self.rate = rate;
        } else {
            *self = Sliding::new(rate, now);
        }
    }

    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    /// Counts one call; when none is left, the seconds until one is.
    pub(crate) fn take(&mut self, now: Timestamp) -> Result<Taken, u32> {
        self.advance(now);
        if self.total >= self.rate.count {
            return Err(self.seconds_left(now));
        }
        self.counts[slot(self.newest)] += 1;
        self.total += 1;
        Ok(Taken(self.newest))
    }

    /// Takes a counted call back: it was refused for another reason.
    pub(crate) fn give_back(&mut self, taken: Taken) {
        let within = (self.newest - SUBS as i64 + 1..=self.newest).contains(&taken.0);
        let count = &mut self.counts[slot(taken.0)];
        if within && *count > 0 {
            *count -= 1;
            self.total -= 1;
        }
    }

    /// Calls left at this moment.
    pub(crate) fn remaining(&self) -> u32 {
        self.rate.count.saturating_sub(self.total)
    }

    fn advance(&mut self, now: Timestamp) {
        let index = now.micros().div_euclid(self.length);
        let steps = index - self.newest;
        // readings of threads cross, and clocks are set back a little: what is counted must not be
        // made older by that, so the newest sub-window stays the newest
        if steps < 0 && steps > -(SUBS as i64) {
            return;
        }
        if steps < 0 {
            self.turn_back(index);
        } else if steps >= SUBS as i64 {
            self.counts = [0; SUBS];
            self.total = 0;
        } else {
            for expired in self.newest + 1..=index {
                let count = &mut self.counts[slot(expired)];
                self.total -= *count;
                *count = 0;
            }
        }
        self.newest = index;
    }

    /// The clock was set back by a window or more: what was counted is as old as it was before.
    fn turn_back(&mut self, index: i64) {
        let mut counts = [0; SUBS];
        for age in 0..SUBS as i64 {
            counts[slot(index - age)] = self.counts[slot(self.newest - age)];
        }
        self.counts = counts;
    }

    /// Seconds, rounded up, until the oldest counted call leaves the window.
    fn seconds_left(&self, now: Timestamp) -> u32 {
        let oldest = (self.newest - SUBS as i64 + 1..=self.newest)
            .find(|index| self.counts[slot(*index)] > 0)
            .unwrap_or(self.newest);
        let micros = (oldest + SUBS as i64) * self.length - now.micros();
        u32::try_from(micros.div_euclid(1_000_000) + 1).unwrap_or(1)
    }
}

fn slot(index: i64) -> usize {
    usize::try_from(index.rem_euclid(SUBS as i64)).unwrap_or(0)
}
