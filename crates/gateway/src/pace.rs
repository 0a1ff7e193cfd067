//! The speed of a `bulk` version's bodies (design §3): while the request body comes fast enough the
//! clock stands still; the first byte of the answer is due 29.5 s after it; then the answer must
//! come fast enough.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use terms::clock::Clock;
use terms::fault::FaultCode;
use terms::limit::{BULK_SPEED_MIN, BULK_WINDOW, DEADLINE};
use tokio::time::sleep_until;

use crate::body::{Intake, Progress};

#[cfg(test)]
mod tests;

/// How often a bulk body's speed is looked at.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// Bytes over the last ten seconds.
pub(crate) struct Pace(VecDeque<(Instant, u64)>);

impl Pace {
    pub(crate) fn new(now: Instant) -> Pace {
        Pace(VecDeque::from([(now, 0)]))
    }

    /// Notes how many bytes have come by now; is the mean of the last ten seconds too low?
    pub(crate) fn is_slow(&mut self, now: Instant, bytes: u64) -> bool {
        let is_old = |mark: &(Instant, u64)| now.duration_since(mark.0) >= BULK_WINDOW;
        while self.0.get(1).is_some_and(is_old) {
            self.0.pop_front();
        }
        let (since, before) = *self.0.front().unwrap_or(&(now, bytes));
        self.0.push_back((now, bytes));
        let spent = now.duration_since(since);
        let least = u128::from(BULK_SPEED_MIN) * spent.as_millis() / 1_000;
        spent >= BULK_WINDOW && u128::from(bytes - before) < least
    }
}

/// The clock of a bulk call until the provider's head comes: it runs while the request body is too
/// slow, and anew from the end of that body.
pub(crate) struct Patience {
    pace: Pace,
    last: Instant,
    spent: Duration,
    ended: bool,
}

impl Patience {
    /// `ended`: there is no request body to wait for.
    pub(crate) fn new(now: Instant, ended: bool) -> Patience {
        Patience { pace: Pace::new(now), last: now, spent: Duration::ZERO, ended }
    }

    /// Is the time over? `ended`: the request body has been read to its end.
    pub(crate) fn is_over(&mut self, now: Instant, bytes: u64, ended: bool) -> bool {
        let step = now.duration_since(self.last);
        self.last = now;
        if ended && !self.ended {
            self.ended = true;
            self.spent = Duration::ZERO;
        } else if ended || self.pace.is_slow(now, bytes) {
            self.spent += step;
        }
        self.spent >= DEADLINE
    }

    /// When to look next.
    fn next(&self) -> Instant {
        self.last + TICK.min(DEADLINE.saturating_sub(self.spent))
    }
}

/// Waits until the time of a bulk call is over, and says whose turn it was.
pub(crate) async fn run_out(clock: &Clock, intake: Option<&Rc<Intake>>) -> FaultCode {
    let mut patience = Patience::new(clock.instant(), intake.is_none());
    loop {
        sleep_until(patience.next().into()).await;
        let progress = intake.map_or(Progress::Ended, |intake| intake.progress());
        let bytes = intake.map_or(0, |intake| intake.bytes());
        if patience.is_over(clock.instant(), bytes, progress == Progress::Ended) {
            return match progress {
                Progress::Awaited => FaultCode::RequestTimeout,
                _ => FaultCode::ProviderTimeout,
            };
        }
    }
}
