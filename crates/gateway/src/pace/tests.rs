//! Speeds second by second.

use super::*;

const SPEED: u64 = BULK_SPEED_MIN;

/// The first second at which `is_over` says so when `bytes(second)` come each second.
fn first(
    limit: u64,
    mut is_over: impl FnMut(Instant, u64, u64) -> bool,
    bytes: impl Fn(u64) -> u64,
) -> Option<u64> {
    let start = Clock::system().instant();
    let mut sum = 0;
    (1..=limit).find(|second| {
        sum += bytes(*second);
        is_over(start + Duration::from_secs(*second), sum, *second)
    })
}

#[test]
fn the_mean_of_ten_seconds_counts() {
    type Row = (&'static str, fn(u64) -> u64, Option<u64>);
    let table: [Row; 6] = [
        ("just fast enough", |_| SPEED, None),
        ("a little slow", |_| SPEED - 1, Some(10)),
        ("nothing", |_| 0, Some(10)),
        ("in bursts", |s| if s % 10 == 1 { 10 * SPEED } else { 0 }, None),
        ("stops after a minute", |s| if s <= 60 { SPEED } else { 0 }, Some(61)),
        ("slows down to half", |s| if s <= 60 { 2 * SPEED } else { SPEED / 2 }, Some(67)),
    ];
    for (name, bytes, expected) in table {
        let mut pace = Pace::new(Clock::system().instant());
        let slow = first(200, |now, sum, _| pace.is_slow(now, sum), bytes);
        // the start of the test and of the pace may lie a moment apart
        let near = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => a.abs_diff(b) <= 1,
            (a, b) => a == b,
        };
        assert!(near(slow, expected), "{name}: {slow:?}");
    }
}

#[test]
fn the_clock_stands_still_while_the_body_flows() {
    type Row = (&'static str, fn(u64) -> u64, u64, Option<u64>);
    let table: [Row; 4] = [
        ("no body", |_| 0, 0, Some(30)),
        (
            "a fast body of 100 s, then silence",
            |s| if s <= 100 { SPEED } else { 0 },
            100,
            Some(130),
        ),
        ("a body that stops", |s| if s <= 50 { SPEED } else { 0 }, u64::MAX, Some(80)),
        ("a fast body without end", |_| 2 * SPEED, u64::MAX, None),
    ];
    for (name, bytes, end, expected) in table {
        let mut patience = Patience::new(Clock::system().instant(), end == 0);
        let over = first(500, |now, sum, second| patience.is_over(now, sum, second >= end), bytes);
        let near = match (over, expected) {
            (Some(a), Some(b)) => a.abs_diff(b) <= 1,
            (a, b) => a == b,
        };
        assert!(near, "{name}: {over:?}");
    }
}

#[test]
fn without_a_body_the_clock_runs_from_the_start() {
    let start = Clock::system().instant();
    let mut patience = Patience::new(start, true);
    let at = |millis| start + Duration::from_millis(millis);
    for second in 1..=29 {
        assert!(!patience.is_over(at(second * 1_000), 0, true), "{second}");
    }
    assert_eq!(patience.next(), at(29_500));
    assert!(patience.is_over(at(29_500), 0, true));
}
