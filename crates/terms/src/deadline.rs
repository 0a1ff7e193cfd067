//! The end of a call's time: started when the request head is read, asked at every wait.

use std::time::{Duration, Instant};

/// When a call must be over. Everything that waits takes what is left of it, so no wait is without
/// a limit (An Giang regulation, article 7.3).
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    opened: Instant,
    limit: Duration,
}

impl Deadline {
    /// A deadline `limit` after `opened`.
    pub fn new(opened: Instant, limit: Duration) -> Deadline {
        Deadline { opened, limit }
    }

    /// The instant at which it ends.
    pub fn at(&self) -> Instant {
        self.opened + self.limit
    }

    /// What is left at `now`; zero once it has passed.
    pub fn left(&self, now: Instant) -> Duration {
        self.at().saturating_duration_since(now)
    }

    /// Has it passed at `now`?
    pub fn passed(&self, now: Instant) -> bool {
        self.left(now).is_zero()
    }

    /// The earlier of this one and `limit` after `now`: how a service's own time-out is applied.
    pub fn within(&self, now: Instant, limit: Duration) -> Deadline {
        let own = now + limit;
        let at = own.min(self.at());
        Deadline { opened: self.opened, limit: at.saturating_duration_since(self.opened) }
    }
}
