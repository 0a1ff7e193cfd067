//! Rate, quota and limits under a clock that the test moves.

use std::time::Duration;

use registry::method::Methods;
use registry::window::Window;
use terms::code::{ServiceCode, SystemCode, VersionName};
use terms::quantity::Rate;
use terms::random::Random;

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Ho_Chi_Minh").unwrap()
}

fn subscription(rate: &str, quota: &str) -> Subscription {
    Subscription {
        id: 7,
        system: SystemCode::known("one-stop"),
        service: ServiceCode::known("tra-cuu"),
        version: VersionName::known("1.0"),
        environment: Environment::Live,
        methods: Methods::ALL,
        rate: Rate::parse(rate),
        quota: Quota::parse(quota),
        window: Window::ALWAYS,
        operations: None,
        packets: packet::Mode::Report,
        active: true,
    }
}

#[test]
fn never_more_than_the_rate_in_any_window() {
    let mut seed = [0; 8];
    Random::system().fill(&mut seed);
    let seed = u64::from_le_bytes(seed);
    println!("seed {seed}");
    let random = Random::seeded(seed);
    let number = |below: u64| u64::from_le_bytes(random.bytes()) % below;
    for (text, window) in [("5/s", 1_000_000_i64), ("60/min", 60_000_000), ("100/h", 3_600_000_000)]
    {
        let rate = Rate::parse(text).unwrap();
        let mut now = Timestamp::from_micros(1_795_302_127_000_001);
        let mut sliding = Sliding::new(rate, now);
        let mut admitted: Vec<i64> = Vec::new();
        for _ in 0..20_000 {
            let step = number(3 * window as u64 / u64::from(rate.count));
            now = now.plus(Duration::from_micros(if number(4) == 0 { step } else { step / 16 }));
            let Ok(taken) = sliding.take(now) else { continue };
            if number(10) == 0 {
                sliding.give_back(taken);
            } else {
                admitted.push(now.micros());
            }
        }
        assert!(admitted.len() > 1_000, "{text}: some pass");
        let most = rate.count as usize;
        for pair in admitted.windows(most + 1) {
            assert!(pair[most] - pair[0] >= window, "{text}: {most} + 1 within a window");
        }
    }
}

#[test]
fn a_refused_rate_opens_again_when_it_said() {
    let mut now = at("2026-11-21T10:00:00.5Z");
    let mut sliding = Sliding::new(Rate::parse("60/min").unwrap(), now);
    for _ in 0..60 {
        sliding.take(now).unwrap();
    }
    let seconds = sliding.take(now).unwrap_err();
    assert!((60..=62).contains(&seconds), "{seconds}");
    now = now.plus(Duration::from_secs(59));
    assert!(sliding.take(now).is_err(), "the window has not passed");
    now = now.plus(Duration::from_secs(u64::from(seconds) - 59));
    assert!(sliding.take(now).is_ok(), "refused calls did not count");
    assert_eq!(sliding.remaining(), 59);
}

#[test]
fn a_clock_set_back_neither_blocks_nor_forgets() {
    let now = at("2026-11-21T10:00:00Z");
    let mut sliding = Sliding::new(Rate::parse("3/min").unwrap(), now);
    sliding.take(now).unwrap();
    sliding.take(now).unwrap();
    let earlier = now.minus(Duration::from_secs(7_200));
    assert!(sliding.take(earlier).is_ok());
    assert!(sliding.take(earlier).is_err(), "the three of the last minute are known");
    assert!(sliding.take(earlier.plus(Duration::from_secs(62))).is_ok());
    // set back by less than a window it counts in the newest sub-window, until the clock is there
    let mut sliding = Sliding::new(Rate::parse("3/min").unwrap(), now);
    sliding.take(now).unwrap();
    let earlier = now.minus(Duration::from_secs(30));
    assert!(sliding.take(earlier).is_ok() && sliding.take(earlier).is_ok());
    assert!(sliding.take(now.plus(Duration::from_secs(59))).is_err());
    assert!(sliding.take(now.plus(Duration::from_secs(62))).is_ok());
}

#[test]
fn readings_that_cross_do_not_make_the_counted_older() {
    let now = at("2026-11-21T10:00:00Z");
    let mut sliding = Sliding::new(Rate::parse("3/min").unwrap(), now);
    for _ in 0..3 {
        sliding.take(now).unwrap();
    }
    let just_before = now.minus(Duration::from_micros(1));
    for turn in 0..200 {
        assert!(sliding.take(just_before).is_err(), "{turn}");
        assert!(sliding.take(now).is_err(), "{turn}");
    }
}

#[test]
fn a_quota_ends_with_the_local_day_or_month() {
    let zone = zone();
    let table = [
        ("2/day", "2026-11-30T16:59:58Z", "2026-11-30T17:00:00Z", 3),
        ("2/month", "2026-11-30T16:59:58Z", "2026-11-30T17:00:00Z", 3),
        ("2/month", "2026-11-29T17:00:00Z", "2026-11-30T17:00:00Z", 86_401),
    ];
    for (quota, before, after, seconds) in table {
        let quota = Quota::parse(quota);
        let mut calendar = Calendar::new(at(before), &zone);
        calendar.take(quota, at(before), &zone).unwrap();
        calendar.take(quota, at(before), &zone).unwrap();
        let refused = calendar.take(quota, at(before), &zone);
        assert_eq!(refused, Err(seconds), "{quota:?} at {before}");
        let last = at(after).minus(Duration::from_micros(1));
        assert!(calendar.take(quota, last, &zone).is_err(), "{quota:?} just before {after}");
        assert!(calendar.take(quota, at(after), &zone).is_ok(), "{quota:?} at {after}");
    }
}

#[test]
fn a_quota_remembers_what_the_journal_knew() {
    let zone = zone();
    let now = at("2026-11-21T03:00:00Z");
    let quota = Quota::parse("10/day");
    let mut calendar = Calendar::new(now, &zone);
    calendar.remember(now, 9, 500);
    assert!(calendar.take(quota, now, &zone).is_ok());
    assert!(calendar.take(quota, now, &zone).is_err());
    let mut next = Calendar::new(at("2026-11-22T03:00:00Z"), &zone);
    next.remember(now, 9, 500);
    assert_eq!(next.remaining(Quota::parse("10/day").unwrap()), 10, "that day is over");
    assert_eq!(next.remaining(Quota::parse("1000/month").unwrap()), 500, "the month is not");
}

#[test]
fn the_limits_are_told_and_follow_the_registry() {
    let (zone, now) = (zone(), at("2026-11-21T10:00:00Z"));
    let counts = Counts::new(zone.clone(), Used::default(), 10);
    let told = |limits: &Limits| {
        let text = |value: &Option<HeaderValue>| {
            value.as_ref().map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        (text(&limits.limit), text(&limits.policy))
    };
    let take = |subscription: &Subscription| {
        let mut limits = Limits::default();
        let meter = counts.meter(subscription, now);
        let taken = meter.take(subscription, now, &zone, &mut limits);
        (told(&limits), taken.err().map(|fault| fault.code))
    };
    let both = subscription("2/min", "100/day");
    let policy = r#""rate";q=2;w=60, "quota";q=100;w=86400"#;
    let expect = |limit: &str| (limit.to_owned(), policy.to_owned());
    assert_eq!(take(&both), (expect(r#""rate";r=1, "quota";r=99"#), None));
    assert_eq!(take(&both), (expect(r#""rate";r=0, "quota";r=98"#), None));
    let refused = expect(r#""rate";r=0;t=62, "quota";r=98"#);
    assert_eq!(take(&both), (refused, Some(FaultCode::RateExceeded)));
    let wider = subscription("3/min", "");
    let told = (r#""rate";r=0"#.to_owned(), r#""rate";q=3;w=60"#.to_owned());
    assert_eq!(take(&wider), (told, None), "what was counted stays counted");
    let quota = subscription("", "3/month");
    let refused = take(&quota);
    assert_eq!(refused.1, Some(FaultCode::QuotaExceeded), "calls before the quota count");
    assert!(refused.0.0.starts_with(r#""quota";r=0;t="#), "{refused:?}");
    assert_eq!(take(&subscription("", "")), ((String::new(), String::new()), None));
}

#[test]
fn a_quota_refusal_gives_the_rate_back() {
    let (zone, now) = (zone(), at("2026-11-21T10:00:00Z"));
    let counts = Counts::new(zone.clone(), Used::default(), 10);
    let tight = subscription("2/min", "1/day");
    let meter = counts.meter(&tight, now);
    let take = |subscription: &Subscription| {
        let taken = meter.take(subscription, now, &zone, &mut Limits::default());
        taken.err().map(|fault| fault.code)
    };
    assert_eq!(take(&tight), None);
    for _ in 0..5 {
        assert_eq!(take(&tight), Some(FaultCode::QuotaExceeded));
    }
    let wide = subscription("2/min", "9/day");
    assert_eq!(take(&wide), None);
    assert_eq!(take(&wide), Some(FaultCode::RateExceeded));
}
