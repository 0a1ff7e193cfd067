//! Moments, days, spans, and when which packet is due.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::{Date, date, datetime};
use terms::clock::Timestamp;

use super::world::zone;
use crate::schedule::{self, ATTEMPTS_MAX, DUE_MAX, Outcome, Rule, State};
use crate::{Day, Moment, Period, Span};

#[test]
fn a_moment_is_read_in_each_form_that_was_met() {
    for (text, expected) in [
        ("20240304081500", Some(20240304081500)),
        (" 20240304081500 ", Some(20240304081500)),
        ("20240304000000", Some(20240304000000)),
        ("202403040815", Some(20240304081500)),
        ("20240304", Some(20240304000000)),
        ("04/03/2024", Some(20240304000000)),
        ("4/3/2024 08:15", Some(20240304081500)),
        ("04/03/2024 08:15:07", Some(20240304081507)),
        ("2024-03-04", Some(20240304000000)),
        ("2024-03-04T08:15:00", Some(20240304081500)),
        ("2024-03-04 08:15:00", Some(20240304081500)),
        ("2024-03-04T08:15:00.123+07:00", Some(20240304081500)),
        ("2024-03-03T20:00:00Z", Some(20240304030000)),
        ("20240229000000", Some(20240229000000)),
        ("20230229000000", None),
        ("20241301000000", None),
        ("20240304241500", None),
        ("20240304086000", None),
        ("00010101000000", None),
        ("99991231235959", None),
        ("31/02/2024", None),
        ("04/03/2024/1", None),
        ("04/03/2024 1:2:3:4", None),
        ("4/3", None),
        ("", None),
        ("  ", None),
        ("2024", None),
        ("chưa có", None),
        ("-20240304081500", None),
        ("99999999999999999999999", None),
    ] {
        assert_eq!(Moment::parse(text, &zone()).map(Moment::number), expected, "{text:?}");
    }
}

#[test]
fn days_are_numbers_in_the_order_of_time() {
    let day = Day::from(date(2026, 12, 31));
    assert_eq!(
        (day.number(), day.date(), day.to_string()),
        (20261231, date(2026, 12, 31), "2026-12-31".to_owned())
    );
    assert_eq!(Day::from_number(20261231), Some(day));
    assert_eq!(Day::from_number(20261232), None);
    assert_eq!(Day::from_number(i64::MAX), None);
    assert_eq!(day.next(), Day::from(date(2027, 1, 1)));
    // 20:00 UTC is tomorrow here.
    let at = Timestamp::parse("2026-12-31T20:00:00Z").unwrap();
    assert_eq!(Day::at(at, &zone()), Day::from(date(2027, 1, 1)));
}

#[test]
fn spans_are_months_and_years_only() {
    let february = Span::parse("2024-02").unwrap();
    let days = february.period();
    assert_eq!((days.from().number(), days.to().number()), (20240201, 20240229));
    let year = Span::parse("2024").unwrap();
    assert_eq!((year.period().from().number(), year.period().to().number()), (20240101, 20241231));
    assert_eq!((year.of_year(), year.of_month(), february.of_month()), (2024, None, Some(2)));
    for text in ["2024-13", "2024-00", "2024-1", "24", "", "2024-01-01", "1800", "+024", "2024-Q1"]
    {
        assert_eq!(Span::parse(text), None, "{text}");
    }
    for span in [february, year] {
        assert_eq!(Span::parse(&span.to_string()), Some(span));
    }
    assert!(Span::month(2024, 12) < Span::year(2024) && Span::year(2024) < Span::month(2025, 1));
    assert_eq!(Period::new(date(2024, 2, 2), date(2024, 2, 1)), None);
}

fn due(now: &str, complete_from: Date, known: &[(&str, State)]) -> Vec<String> {
    let now: jiff::civil::DateTime = now.parse().unwrap();
    let at = now.to_zoned(zone()).unwrap().timestamp();
    let at = Timestamp::from_micros(at.as_microsecond());
    let known: BTreeMap<Span, State> =
        known.iter().map(|(span, state)| (Span::parse(span).unwrap(), *state)).collect();
    let spans = schedule::due(at, now, Rule::default(), complete_from, &known);
    spans.iter().map(Span::to_string).collect()
}

#[test]
fn a_packet_is_due_once_its_span_is_over_and_the_hour_has_come() {
    let new_year = date(2026, 1, 1);
    for (now, complete_from, expected) in [
        ("2026-02-02T05:59:59", new_year, vec![]),
        ("2026-02-02T06:00:00", new_year, vec!["2026-01"]),
        ("2026-03-02T06:00:00", new_year, vec!["2026-01", "2026-02"]),
        // not a day is missing in a month that is sent
        ("2026-03-02T06:00:00", date(2026, 1, 2), vec!["2026-02"]),
        ("2026-03-02T06:00:00", date(2026, 2, 2), vec![]),
        // the year comes after its last month; a year that began without facts never does
        ("2027-01-02T06:00:00", date(2026, 11, 1), vec!["2026-11", "2026-12"]),
        ("2027-01-01T23:00:00", date(2026, 12, 1), vec![]),
    ] {
        assert_eq!(due(now, complete_from, &[]), expected, "{now} {complete_from}");
    }
    let all = due("2027-01-02T06:00:00", new_year, &[]);
    assert_eq!(all.len(), DUE_MAX, "the oldest first");
    let sent: Vec<_> = all.iter().map(|span| (span.as_str(), State::Sent)).collect();
    assert_eq!(due("2027-01-02T06:00:00", new_year, &sent), ["2026"]);
    assert_eq!(
        Rule::new(1, 0).unwrap().due_from(Span::parse("2026-12").unwrap()),
        datetime(2027, 1, 1, 0, 0, 0, 0)
    );
    for (day, hour) in [(0, 0), (29, 0), (1, 24)] {
        assert_eq!(Rule::new(day, hour), None, "{day} {hour}");
    }
}

#[test]
fn a_packet_waits_for_its_next_try_and_is_never_sent_again() {
    let now = "2026-02-02T06:00:00";
    let at = Timestamp::parse("2026-02-02T06:00:00+07:00").unwrap();
    let waiting = |next_at| State::Waiting { attempts: 1, next_at };
    for (state, expected) in [
        (waiting(at), vec!["2026-01"]),
        (waiting(at.plus(Duration::from_micros(1))), vec![]),
        (State::Sent, vec![]),
        (State::Refused, vec![]),
        (State::GivenUp, vec![]),
    ] {
        assert_eq!(due(now, date(2026, 1, 1), &[("2026-01", state)]), expected, "{state:?}");
    }
    let minutes = |attempts| match schedule::settle(Outcome::Failed, attempts, at) {
        State::Waiting { next_at, attempts: kept } if kept == attempts => {
            next_at.since(at).as_secs() / 60
        }
        other => panic!("{other:?}"),
    };
    assert_eq!([1, 2, 3, 6, 7, 23].map(minutes), [10, 20, 40, 320, 360, 360]);
    assert_eq!(schedule::settle(Outcome::Failed, ATTEMPTS_MAX, at), State::GivenUp);
    assert_eq!(schedule::settle(Outcome::Sent, ATTEMPTS_MAX, at), State::Sent);
    assert_eq!(schedule::settle(Outcome::Refused, 1, at), State::Refused);
}
