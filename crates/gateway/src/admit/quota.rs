//! A quota: calls within a calendar day or month of the platform's zone.

use jiff::tz::TimeZone;
use terms::clock::Timestamp;
use terms::quantity::{Quota, QuotaPeriod};

/// The calls of one subscription within the current day and the current month; both are kept, so
/// that a changed quota finds its count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    day: Period,
    month: Period,
}

/// Calls within one calendar period.
#[derive(Clone, Copy, Debug)]
struct Period {
    kind: QuotaPeriod,
    opened: Timestamp,
    closed: Timestamp,
    used: u64,
}

impl Period {
    fn around(kind: QuotaPeriod, now: Timestamp, zone: &TimeZone) -> Period {
        let (opened, closed) = bounds(kind, now, zone);
        Period { kind, opened, closed, used: 0 }
    }

    fn advance(&mut self, now: Timestamp, zone: &TimeZone) {
        if now >= self.closed {
            *self = Period::around(self.kind, now, zone);
        }
    }
}

impl Calendar {
    pub(crate) fn new(now: Timestamp, zone: &TimeZone) -> Calendar {
        Calendar {
            day: Period::around(QuotaPeriod::Day, now, zone),
            month: Period::around(QuotaPeriod::Month, now, zone),
        }
    }

    /// Counts what the journal knew at `at`, as far as its periods still run.
    pub(crate) fn remember(&mut self, at: Timestamp, day: u64, month: u64) {
        for (period, used) in [(&mut self.day, day), (&mut self.month, month)] {
            if at >= period.opened && at < period.closed {
                period.used += used;
            }
        }
    }

    /// Counts one call; when the quota is used up, the seconds until the next period.
    pub(crate) fn take(
        &mut self,
        quota: Option<Quota>,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Result<(), u32> {
        self.day.advance(now, zone);
        self.month.advance(now, zone);
        if let Some(quota) = quota
            && self.remaining(quota) == 0
        {
            let left = self.period(quota).closed.since(now);
            return Err(u32::try_from(left.as_secs() + 1).unwrap_or(u32::MAX));
        }
        self.day.used += 1;
        self.month.used += 1;
        Ok(())
    }

    /// Takes a counted call back. Its period may have ended since: then nothing is owed.
    pub(crate) fn give_back(&mut self) {
        self.day.used = self.day.used.saturating_sub(1);
        self.month.used = self.month.used.saturating_sub(1);
    }

    pub(crate) fn remaining(&self, quota: Quota) -> u64 {
        quota.count.saturating_sub(self.period(quota).used)
    }

    fn period(&self, quota: Quota) -> &Period {
        match quota.period {
            QuotaPeriod::Day => &self.day,
            QuotaPeriod::Month => &self.month,
        }
    }
}

/// First moment of the period around `now`, and of the next one.
pub(crate) fn bounds(kind: QuotaPeriod, now: Timestamp, zone: &TimeZone) -> (Timestamp, Timestamp) {
    let date = now.to_jiff().to_zoned(zone.clone()).date();
    let (first, next) = match kind {
        QuotaPeriod::Day => (date, date.tomorrow()),
        QuotaPeriod::Month => (date.first_of_month(), date.last_of_month().tomorrow()),
    };
    let start = |date: jiff::civil::Date| {
        let zoned = date.to_zoned(zone.clone()).ok()?;
        Some(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
    };
    let opened = start(first).unwrap_or(now);
    // the calendar ends after the year 9999
    let closed = next.ok().and_then(start).unwrap_or(Timestamp::from_micros(i64::MAX));
    (opened, closed)
}
