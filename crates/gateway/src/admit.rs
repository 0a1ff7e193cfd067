//! Admission: the registered window, rate and quota, and the shares of the node and of the version.

mod quota;
mod rate;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::BytesMut;
use http::HeaderValue;
use jiff::tz::TimeZone;
use journal::{Counted, JournalError};
use parking_lot::Mutex;
use registry::{Grant, Subscription, Version};
use terms::clock::Timestamp;
use terms::environment::Environment;
use terms::fault::{Fault, FaultCode, Sentence};
use terms::quantity::{Quota, QuotaPeriod};

use quota::Calendar;
pub(crate) use quota::bounds;
use rate::{Sliding, Taken};

#[cfg(test)]
mod tests;

/// What the journal knew of the running day and month at start, so that quotas survive a restart.
#[derive(Clone, Debug, Default)]
pub struct Used {
    at: Timestamp,
    day: HashMap<Counted, u64>,
    month: HashMap<Counted, u64>,
}

impl Used {
    /// Counts the calls of the day and of the month of `now` that stand in the journal under `dir`.
    pub fn read(dir: &Path, now: Timestamp, zone: &TimeZone) -> Result<Used, JournalError> {
        let since = |kind| journal::count_since(dir, bounds(kind, now, zone).0);
        let (day, month) = (since(QuotaPeriod::Day)?, since(QuotaPeriod::Month)?);
        Ok(Used { at: now, day, month })
    }
}

/// The counts of all subscriptions and of the node, shared by all threads.
pub(crate) struct Counts {
    zone: TimeZone,
    meters: Mutex<HashMap<u64, Arc<Meter>>>,
    used: Used,
    in_flight: AtomicU32,
    in_flight_max: u32,
}

/// The counts of one subscription.
struct Meter(Mutex<Counting>);

struct Counting {
    rate: Option<Sliding>,
    calendar: Calendar,
    quota: Option<Quota>,
    /// `RateLimit-Policy` of the present rate and quota, made when they change.
    policy: Option<HeaderValue>,
}

/// Meters a thread has used, so that it need not ask the others.
#[derive(Default)]
pub(crate) struct MeterCache(RefCell<HashMap<u64, Arc<Meter>>>);

/// What a consumer is told of its rate and quota, in answers and refusals alike
/// (draft-ietf-httpapi-ratelimit-headers-10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) limit: Option<HeaderValue>,
    pub(crate) policy: Option<HeaderValue>,
}

/// Proof that a call has been counted and has its place; dropping it frees the place, the count
/// stays.
pub(crate) struct Admission {
    counts: Arc<Counts>,
    meter: Arc<Meter>,
    taken: Option<Taken>,
    version: Arc<Version>,
    environment: Environment,
}

impl Counts {
    pub(crate) fn new(zone: TimeZone, used: Used, in_flight_max: u32) -> Counts {
        Counts { zone, meters: Mutex::default(), used, in_flight: AtomicU32::new(0), in_flight_max }
    }

    /// Calls in flight on this node.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Admits a call or says why not: window, rate, quota, in flight, in this order. A refused call
    /// does not count. What the consumer is told of its limits is left in `limits` either way.
    pub(crate) fn admit(
        self: &Arc<Self>,
        cache: &MeterCache,
        grant: &Grant,
        now: Timestamp,
        limits: &mut Limits,
    ) -> Result<Admission, Fault> {
        let subscription = grant.subscription();
        self.check_window(subscription, now)?;
        let meter = cache.get(self, subscription, now);
        let taken = meter.take(subscription, now, &self.zone, limits)?;
        let (version, environment) = (grant.version(), subscription.environment);
        if !self.seat(version, environment) {
            meter.give_back(taken);
            return Err(Fault::new(FaultCode::Overloaded).retry_after(1));
        }
        let (counts, version) = (self.clone(), version.clone());
        Ok(Admission { counts, meter, taken, version, environment })
    }

    /// Takes a place on the node and one at the version, or none.
    fn seat(&self, version: &Version, environment: Environment) -> bool {
        if !take_place(&self.in_flight, self.in_flight_max) {
            return false;
        }
        let seated = take_place(version.in_flight(environment), version.in_flight_max);
        if !seated {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        seated
    }

    fn check_window(&self, subscription: &Subscription, now: Timestamp) -> Result<(), Fault> {
        if subscription.window.open_at(now, &self.zone) {
            return Ok(());
        }
        let fault = Fault::new(FaultCode::OutsideWindow);
        let Some(opens) = subscription.window.next_open(now, &self.zone) else {
            return Err(fault);
        };
        let local = opens.to_jiff().to_zoned(self.zone.clone());
        let shown = local.strftime("%Y-%m-%dT%H:%M%:z");
        Err(fault.because(Sentence::made(
            format!("Mở lại lúc {shown}."),
            format!("Opens again at {shown}."),
        )))
    }

    fn meter(&self, subscription: &Subscription, now: Timestamp) -> Arc<Meter> {
        let make = || {
            let mut calendar = Calendar::new(now, &self.zone);
            let key = Counted {
                system: subscription.system.text(),
                service: subscription.service.text(),
                version: subscription.version.text(),
                environment: subscription.environment,
            };
            let known = |counts: &HashMap<Counted, u64>| counts.get(&key).copied().unwrap_or(0);
            let Used { at, day, month } = &self.used;
            calendar.remember(*at, known(day), known(month));
            let counting = Counting { rate: None, calendar, quota: None, policy: None };
            Arc::new(Meter(Mutex::new(counting)))
        };
        self.meters.lock().entry(subscription.id).or_insert_with(make).clone()
    }
}

fn take_place(count: &AtomicU32, max: u32) -> bool {
    let order = Ordering::Relaxed;
    count.fetch_update(order, order, |n| (n < max).then_some(n + 1)).is_ok()
}

impl MeterCache {
    fn get(&self, counts: &Counts, subscription: &Subscription, now: Timestamp) -> Arc<Meter> {
        let mut meters = self.0.borrow_mut();
        let meter = meters.entry(subscription.id);
        meter.or_insert_with(|| counts.meter(subscription, now)).clone()
    }
}

impl Meter {
    fn take(
        &self,
        subscription: &Subscription,
        now: Timestamp,
        zone: &TimeZone,
        limits: &mut Limits,
    ) -> Result<Option<Taken>, Fault> {
        let mut counting = self.0.lock();
        counting.follow(subscription, now);
        let taken = counting.take(now, zone);
        *limits = counting.limits(taken.as_ref().err());
        taken
    }

    fn give_back(&self, taken: Option<Taken>) {
        let mut counting = self.0.lock();
        if let (Some(rate), Some(taken)) = (&mut counting.rate, taken) {
            rate.give_back(taken);
        }
        counting.calendar.give_back();
    }
}

impl Counting {
    /// Takes over what the registry says now.
    fn follow(&mut self, subscription: &Subscription, now: Timestamp) {
        let same = self.rate.as_ref().map(Sliding::rate) == subscription.rate
            && self.quota == subscription.quota;
        if same {
            return;
        }
        match (&mut self.rate, subscription.rate) {
            (Some(sliding), Some(rate)) => sliding.follow(rate, now),
            (sliding, rate) => *sliding = rate.map(|rate| Sliding::new(rate, now)),
        }
        self.quota = subscription.quota;
        self.policy = policy(subscription);
    }

    /// Counts a call against the rate, then against the quota; a refused one against neither.
    fn take(&mut self, now: Timestamp, zone: &TimeZone) -> Result<Option<Taken>, Fault> {
        let refused = |code: FaultCode, seconds| Fault::new(code).retry_after(seconds);
        let taken = self.rate.as_mut().map(|rate| rate.take(now)).transpose();
        let taken = taken.map_err(|seconds| refused(FaultCode::RateExceeded, seconds))?;
        if let Err(seconds) = self.calendar.take(self.quota, now, zone) {
            if let (Some(rate), Some(taken)) = (&mut self.rate, taken) {
                rate.give_back(taken);
            }
            return Err(refused(FaultCode::QuotaExceeded, seconds));
        }
        Ok(taken)
    }

    /// The fields of this moment; a refused call is told at what refused it when it may come again.
    fn limits(&self, refused: Option<&Fault>) -> Limits {
        if self.policy.is_none() {
            return Limits::default();
        }
        let mut text = BytesMut::with_capacity(64);
        let reset = |text: &mut BytesMut, code| {
            let refused = refused.filter(|fault| fault.code == code);
            if let Some(seconds) = refused.and_then(|fault| fault.retry_after) {
                let _ = write!(text, ";t={seconds}");
            }
        };
        if let Some(rate) = &self.rate {
            let _ = write!(text, "\"rate\";r={}", rate.remaining());
            reset(&mut text, FaultCode::RateExceeded);
        }
        if let Some(quota) = self.quota {
            let separator = if text.is_empty() { "" } else { ", " };
            let remaining = self.calendar.remaining(quota);
            let _ = write!(text, "{separator}\"quota\";r={remaining}");
            reset(&mut text, FaultCode::QuotaExceeded);
        }
        Limits {
            limit: HeaderValue::from_maybe_shared(text.freeze()).ok(),
            policy: self.policy.clone(),
        }
    }
}

/// `"rate";q=600;w=60, "quota";q=100000;w=86400`; a month has no fixed length, hence no `w`.
fn policy(subscription: &Subscription) -> Option<HeaderValue> {
    let rate = subscription
        .rate
        .map(|r| format!("\"rate\";q={};w={}", r.count, r.window.length().as_secs()));
    let quota = subscription.quota.map(|q| match q.period {
        QuotaPeriod::Day => format!("\"quota\";q={};w=86400", q.count),
        QuotaPeriod::Month => format!("\"quota\";q={}", q.count),
    });
    let parts: Vec<String> = rate.into_iter().chain(quota).collect();
    (!parts.is_empty()).then(|| HeaderValue::try_from(parts.join(", ")).ok()).flatten()
}

impl Admission {
    /// Takes the count back: the call is refused for a reason asked later.
    pub(crate) fn withdraw(self) {
        self.meter.give_back(self.taken);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.counts.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.version.in_flight(self.environment).fetch_sub(1, Ordering::Relaxed);
    }
}
