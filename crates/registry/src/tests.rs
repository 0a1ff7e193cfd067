//! Tables for the small rules: windows, networks, methods.

pub(crate) mod world;

use http::Method;
use jiff::tz::TimeZone;
use terms::clock::Timestamp;

use crate::method::Methods;
use crate::network::Network;
use crate::window::{Days, Hours, Window};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}+07:00")).unwrap_or_else(|| panic!("{text}"))
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Ho_Chi_Minh").unwrap()
}

fn window(days: &str, hours: &str, from: &str, until: &str) -> Window {
    Window {
        days: Days::parse(days).unwrap_or_else(|| panic!("{days}")),
        hours: Hours::parse(hours).unwrap_or_else(|| panic!("{hours}")),
        from: from.parse().ok(),
        until: until.parse().ok(),
    }
}

#[test]
fn a_window_is_open_by_days_hours_and_dates() {
    // 2026-11-21 is a Saturday.
    let office = window("mon-fri", "07:00-18:00", "", "");
    let night = window("fri", "22:00-06:00", "", "");
    let dated = window("mon-sun", "00:00-24:00", "2026-11-20", "2026-11-21");
    let table = [
        (office, "2026-11-20T06:59:59.999999", false),
        (office, "2026-11-20T07:00:00", true),
        (office, "2026-11-20T17:59:59.999999", true),
        (office, "2026-11-20T18:00:00", false),
        (office, "2026-11-21T12:00:00", false),
        (night, "2026-11-20T21:59:59", false),
        (night, "2026-11-20T22:00:00", true),
        (night, "2026-11-21T05:59:59", true),
        (night, "2026-11-21T06:00:00", false),
        (night, "2026-11-20T05:00:00", false),
        (night, "2026-11-21T23:00:00", false),
        (dated, "2026-11-19T23:59:59", false),
        (dated, "2026-11-20T00:00:00", true),
        (dated, "2026-11-21T23:59:59.999999", true),
        (dated, "2026-11-22T00:00:00", false),
        (Window::ALWAYS, "1970-01-01T00:00:00", true),
    ];
    for (window, time, open) in table {
        assert_eq!(window.open_at(at(time), &zone()), open, "{window:?} {time}");
    }
}

#[test]
fn a_window_tells_when_it_opens_next() {
    let office = window("mon-fri", "07:00-18:00", "", "");
    let later = window("wed", "08:30-09:00", "2027-03-01", "");
    let over = window("mon-sun", "00:00-24:00", "", "2026-11-20");
    let never = window("mon", "08:00-09:00", "2026-11-21", "2026-11-22");
    let night = window("fri", "22:00-06:00", "2026-11-21", "");
    let table = [
        (office, "2026-11-20T12:00:00", Some("2026-11-20T12:00:00")),
        (office, "2026-11-20T18:00:00", Some("2026-11-23T07:00:00")),
        (office, "2026-11-20T05:00:00", Some("2026-11-20T07:00:00")),
        (later, "2026-11-21T12:00:00", Some("2027-03-03T08:30:00")),
        (over, "2026-11-21T00:00:00", None),
        (never, "2026-11-21T00:00:00", None),
        // The night begun the day before it may be used is open from midnight on.
        (night, "2026-11-20T23:00:00", Some("2026-11-21T00:00:00")),
        (night, "2026-11-21T07:00:00", Some("2026-11-27T22:00:00")),
    ];
    for (window, time, opens) in table {
        assert_eq!(window.next_open(at(time), &zone()), opens.map(at), "{window:?} {time}");
    }
}

#[test]
fn days_and_hours_are_read_and_printed() {
    for (text, printed) in [
        ("mon-sun", "mon-sun"),
        ("mon,tue,wed", "mon-wed"),
        ("sat-mon", "mon,sat-sun"),
        ("wed", "wed"),
        ("fri, mon-tue", "mon-tue,fri"),
    ] {
        assert_eq!(Days::parse(text).map(|d| d.to_string()).as_deref(), Some(printed), "{text}");
        assert_eq!(Days::parse(printed), Days::parse(text));
    }
    for text in ["", "mon-", "Mon", "t2-t6", "mon fri", ","] {
        assert_eq!(Days::parse(text), None, "{text}");
    }
    for text in ["07:00-18:00", "22:00-06:00", "00:00-24:00", "23:59-00:01"] {
        assert_eq!(Hours::parse(text).map(|h| h.to_string()).as_deref(), Some(text));
    }
    for text in ["7:00-18:00", "07:00", "07:60-08:00", "24:00-25:00", "08:00-08:00", "24:00-08:00"]
    {
        assert_eq!(Hours::parse(text), None, "{text}");
    }
}

#[test]
fn networks_hold_their_addresses() {
    let table = [
        ("10.1.0.0/16", "10.1.255.255", true),
        ("10.1.0.0/16", "10.2.0.0", false),
        ("10.1.0.0/16", "::ffff:10.1.2.3", true),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.8", false),
        ("2001:db8::/32", "2001:db8:1::1", true),
        ("2001:db8::/32", "10.1.0.1", false),
        ("0.0.0.0/0", "203.0.113.9", true),
    ];
    for (network, address, inside) in table {
        let network = Network::parse(network).unwrap_or_else(|| panic!("{network}"));
        assert_eq!(network.contains(address.parse().unwrap()), inside, "{network} {address}");
    }
    for text in ["", "10.1.0.1/16", "10.1.0.0/33", "host", "10.1", "2001:db8::1/32"] {
        assert_eq!(Network::parse(text), None, "{text}");
    }
}

#[test]
fn methods_are_those_named_or_all_that_the_platform_carries() {
    let some = Methods::named(["GET", "POST"].into_iter());
    let brew = Method::from_bytes(b"BREW").unwrap();
    for (set, method, allowed) in [
        (some, &Method::GET, true),
        (some, &Method::HEAD, false),
        (some, &Method::DELETE, false),
        (some, &brew, false),
        (Methods::ALL, &Method::DELETE, true),
        (Methods::ALL, &brew, true),
        (Methods::ALL, &Method::TRACE, false),
        (Methods::ALL, &Method::CONNECT, false),
    ] {
        assert_eq!(set.allows(method), allowed, "{set:?} {method}");
    }
    assert_eq!(some.allow(), "GET, POST");
    assert_eq!(Methods::ALL.allow(), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
}
