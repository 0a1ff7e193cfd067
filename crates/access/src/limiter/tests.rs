//! The limit on guessing as tables of failures on a clock moved by hand.

use std::net::IpAddr;

use terms::clock::Timestamp;
use terms::limit::FAILURE_SUBJECTS_MAX;

use super::{Limiter, Verdict};

const COUNTED: Verdict = Verdict { slow_down: false, alert: false };
const ALERT: Verdict = Verdict { slow_down: true, alert: true };
const SLOW: Verdict = Verdict { slow_down: true, alert: false };

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + secs)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Failures in order: (second, key, address, what it leads to).
#[track_caller]
fn check(rows: impl IntoIterator<Item = (i64, String, &'static str, Verdict)>) {
    let mut limiter = Limiter::new();
    for (row, (second, key, address, expected)) in rows.into_iter().enumerate() {
        let verdict = limiter.failed(&key, ip(address), at(second));
        assert_eq!(verdict, expected, "row {row}: {key} from {address} at {second} s");
    }
}

#[test]
fn the_eleventh_failure_within_a_minute_is_slowed_down_with_one_alert() {
    check((0..20).map(|n| {
        let verdict = match n {
            0..10 => COUNTED,
            10 => ALERT,
            _ => SLOW,
        };
        (n * 3, "k".to_owned(), "10.0.0.1", verdict)
    }));
}

#[test]
fn an_address_is_limited_whatever_keys_it_tries() {
    check((0..12).map(|n| {
        let verdict = match n {
            0..10 => COUNTED,
            10 => ALERT,
            _ => SLOW,
        };
        (n, format!("k{n}"), "10.0.0.1", verdict)
    }));
}

#[test]
fn a_key_is_limited_wherever_the_guesses_come_from() {
    let addresses = [
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.3",
        "10.0.0.4",
        "10.0.0.5",
        "10.0.0.6",
        "10.0.0.7",
        "10.0.0.8",
        "10.0.0.9",
        "10.0.0.10",
        "10.0.0.11",
        "10.0.0.12",
    ];
    check(addresses.into_iter().enumerate().map(|(n, address)| {
        let verdict = match n {
            0..10 => COUNTED,
            10 => ALERT,
            _ => SLOW,
        };
        (0, "k".to_owned(), address, verdict)
    }));
}

#[test]
fn a_key_under_attack_does_not_limit_its_owners_address() {
    let mut limiter = Limiter::new();
    for n in 0..200_u8 {
        limiter.failed("k", IpAddr::from([10, 0, 0, n]), at(0));
    }
    assert!(!limiter.limited(ip("192.0.2.1"), at(0)));
    assert!(!limiter.limited(ip("10.0.0.1"), at(0)), "one failure is no attack");
}

#[test]
fn the_window_slides_and_refused_attempts_do_not_prolong_it() {
    let mut limiter = Limiter::new();
    for second in 0..10 {
        limiter.failed("k", ip("10.0.0.1"), at(second));
    }
    for second in 10..60 {
        assert!(limiter.failed("k", ip("10.0.0.1"), at(second)).slow_down, "{second} s");
    }
    assert!(limiter.limited(ip("10.0.0.1"), at(59)));
    assert!(!limiter.limited(ip("10.0.0.1"), at(60)), "the first failure is a minute old");
    assert_eq!(limiter.failed("k", ip("10.0.0.1"), at(60)), COUNTED);
    assert!(limiter.limited(ip("10.0.0.1"), at(60)), "that was the tenth since second 1");
    assert!(!limiter.limited(ip("10.0.0.1"), at(61)));
}

#[test]
fn an_alert_comes_once_a_window() {
    let mut limiter = Limiter::new();
    let mut alerts = Vec::new();
    for second in 0..180 {
        for n in 0..4_u8 {
            let address = IpAddr::from([10, 0, 0, n]);
            if limiter.failed("k", address, at(second)).alert {
                alerts.push(second);
            }
        }
    }
    assert_eq!(alerts, [2, 62, 122]);
    let calmed: Vec<i64> = (180..400).filter(|second| limiter.calmed(at(*second))).collect();
    assert_eq!(calmed, [239], "a minute after the last one, once");
}

#[test]
fn addresses_are_told_apart_as_networks_are_given() {
    let table = [
        ("10.0.0.1", "10.0.0.2", false),
        ("10.0.0.1", "::ffff:10.0.0.1", true),
        ("2001:db8::1", "2001:db8::ffff:1", true),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
    ];
    for (guesser, other, same) in table {
        let mut limiter = Limiter::new();
        for n in 0..10 {
            limiter.failed(&format!("k{n}"), ip(guesser), at(0));
        }
        assert_eq!(limiter.limited(ip(other), at(1)), same, "{guesser} and {other}");
    }
}

#[test]
fn memory_is_bounded_and_a_persistent_guesser_is_not_forgotten() {
    let mut limiter = Limiter::new();
    for n in 0..10 {
        limiter.failed(&format!("k{n}"), ip("192.0.2.1"), at(0));
    }
    for n in 0..u32::try_from(4 * FAILURE_SUBJECTS_MAX).unwrap() {
        let address = IpAddr::from((u128::from(n) << 64).to_be_bytes());
        limiter.failed(&format!("invented {n}"), address, at(1));
        assert!(limiter.fresh.len() <= FAILURE_SUBJECTS_MAX + 2);
        assert!(limiter.stale.len() <= FAILURE_SUBJECTS_MAX + 2);
        if n < 10_000 {
            assert!(limiter.limited(ip("192.0.2.1"), at(1)), "after {n} others");
        }
    }
}
