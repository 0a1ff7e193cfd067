//! Tables for the vocabulary.

use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::code::{CodeFault, ConsumerKey, MemberCode, SystemCode};
use crate::deadline::Deadline;
use crate::endpoint::{Endpoint, EndpointFault};
use crate::exchange::{Blame, ExchangeId, Outcome};
use crate::fault::{Fault, FaultCode, Language, Sentence};
use crate::quantity::{Quota, Rate, parse_duration, parse_size, print_duration, print_size};
use crate::random::Random;

#[test]
fn agency_codes_are_read_in_both_official_forms() {
    let accepted = [
        ("000.00.00.H01", Some("H01")),
        ("000.00.19.H29", Some("H29")),
        ("H01", Some("H01")),
        ("H01.151", Some("H01")),
        ("H01.151.02", Some("H01")),
        ("G22", Some("G22")),
        ("H01.013", Some("H01")),
        ("1600000001", None),
        ("1600000001-001", None),
    ];
    for (text, level_1) in accepted {
        let code = MemberCode::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        assert_eq!(code.level_1(), level_1, "{text}");
    }
    let long = format!("H01.{}", "1".repeat(32));
    assert_eq!(long.len(), 36);
    for text in
        ["h01.151", "H01..02", "H01.151.", ".H01", "H1.151", "000.00.H01", "", long.as_str()]
    {
        assert!(MemberCode::parse(text).is_err(), "{text}");
    }
    assert_eq!(MemberCode::parse(&long), Err(CodeFault::Long));
}

#[test]
fn codes_of_ours_fit_a_path_and_a_header() {
    for text in ["one-stop", "tra-cuu", "a", "VDXP_1.0"] {
        assert!(SystemCode::parse(text).is_ok(), "{text}");
    }
    for text in ["", "-a", "a b", "a/b", "đất-đai", &"a".repeat(65)] {
        assert!(SystemCode::parse(text).is_err(), "{text}");
    }
    assert!(ConsumerKey::parse("a:b").is_err(), "a colon would break HTTP Basic");
}

#[test]
fn quantities_are_read_as_people_write_them() {
    let durations = [
        ("20s", 20_000),
        ("500ms", 500),
        ("5m", 300_000),
        ("24h", 86_400_000),
        ("7d", 604_800_000),
    ];
    for (text, millis) in durations {
        let duration = parse_duration(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(duration, Duration::from_millis(millis), "{text}");
        assert_eq!(parse_duration(&print_duration(duration)), Some(duration));
    }
    for text in ["", "s", "0s", "-1s", "20", "20 parsecs", "99999999999999999999s"] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
    for (text, bytes) in
        [("512", 512), ("64KiB", 65_536), ("32MiB", 33_554_432), ("1GB", 1_000_000_000)]
    {
        assert_eq!(parse_size(text), Some(bytes), "{text}");
        assert_eq!(parse_size(&print_size(bytes)), Some(bytes), "{text}");
    }
    assert_eq!(Rate::parse("600/min").map(|r| r.to_string()).as_deref(), Some("600/min"));
    assert_eq!(Quota::parse("100000/day").map(|q| q.to_string()).as_deref(), Some("100000/day"));
    for text in ["0/min", "600", "600/day", "-1/s", "many/min"] {
        assert_eq!(Rate::parse(text), None, "{text}");
    }
}

#[test]
fn time_is_printed_in_microseconds_and_read_back() {
    let at = Timestamp::from_micros(1_795_302_127_000_001);
    assert_eq!(at.to_string(), "2026-11-21T23:02:07.000001Z");
    assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
    assert_eq!(Timestamp::parse("2026-11-22T06:02:07.000001+07:00"), Some(at));
    assert_eq!(Timestamp::parse("2026-11-22"), None);
}

#[test]
fn exchange_ids_are_ordered_by_time_and_tell_it() {
    let (clock, random) = (Clock::manual(Timestamp::from_secs(1_795_302_127)), Random::seeded(1));
    let first = ExchangeId::new(clock.now(), &random);
    clock.advance(Duration::from_millis(1));
    let second = ExchangeId::new(clock.now(), &random);
    assert!(first < second && first.as_bytes() < second.as_bytes());
    assert_eq!(second.opened(), clock.now());
    assert_eq!(ExchangeId::parse(&first.to_string()), Some(first));
    assert_eq!(first.to_string().as_bytes()[14], b'7', "version 7");
    assert_eq!(ExchangeId::parse("urn:uuid:0"), None);
}

#[test]
fn a_deadline_shrinks_and_never_grows() {
    let clock = Clock::system();
    let now = clock.instant();
    let whole = Deadline::new(now, Duration::from_secs(30));
    assert_eq!(whole.within(now, Duration::from_secs(20)).left(now), Duration::from_secs(20));
    assert_eq!(whole.within(now, Duration::from_secs(60)).left(now), Duration::from_secs(30));
    assert!(whole.passed(now + Duration::from_secs(30)));
    assert!(!whole.passed(now + Duration::from_secs(29)));
}

#[test]
fn every_fault_has_both_languages_and_a_fitting_blame() {
    for code in FaultCode::ALL {
        assert_ne!(code.title(Language::Vi), code.title(Language::En), "{code}");
        let consumer = code.status() < 500;
        assert_eq!(consumer, code.blame() == Blame::Consumer, "{code}");
    }
}

#[test]
fn the_problem_has_the_contract_fields_in_order() {
    let exchange = ExchangeId::from_bytes([1; 16]);
    let fault = Fault::new(FaultCode::NotSubscribed).because(Sentence::new("Chưa có.", "None."));
    let body = String::from_utf8(fault.problem(Some(exchange), Language::En)).unwrap();
    assert_eq!(
        body,
        concat!(
            r#"{"type":"urn:lgsp:fault:not_subscribed","title":"Not subscribed to this service","#,
            r#""status":403,"detail":"None.","code":"not_subscribed","blame":"consumer","#,
            r#""retry":false,"reached":false,"exchange":"01010101-0101-0101-0101-010101010101"}"#
        )
    );
}

#[test]
fn a_provider_fault_may_be_retried_only_without_harm() {
    for (reached, safe, retry) in
        [(false, false, true), (true, false, false), (true, true, true), (false, true, true)]
    {
        let fault = Fault::new(FaultCode::ProviderTimeout).after_sending(reached, safe);
        assert_eq!(fault.retry(), retry, "reached {reached}, safe {safe}");
    }
    assert!(!Fault::new(FaultCode::TokenInvalid).retry());
    assert!(Fault::new(FaultCode::RateExceeded).retry());
}

#[test]
fn english_is_spoken_when_preferred() {
    let table = [
        ("", Language::Vi),
        ("en", Language::En),
        ("en-US,en;q=0.9", Language::En),
        ("vi,en;q=0.9", Language::Vi),
        ("vi;q=0.5, en;q=0.8", Language::En),
        ("fr", Language::Vi),
        ("en;q=0", Language::Vi),
        ("en;q=2", Language::Vi),
    ];
    for (header, language) in table {
        assert_eq!(Language::preferred(header), language, "{header}");
    }
}

#[test]
fn words_are_read_back() {
    for outcome in Outcome::ALL {
        assert_eq!(Outcome::parse(outcome.as_str()), Some(*outcome));
    }
    for code in FaultCode::ALL {
        assert_eq!(FaultCode::parse(code.as_str()), Some(*code));
    }
    assert_eq!(Outcome::parse("Answered"), None);
}

#[test]
fn an_endpoint_is_taken_apart_once() {
    let cases = [
        ("http://127.0.0.1:9101", "127.0.0.1", 9101, "", "http://127.0.0.1:9101"),
        ("http://127.0.0.1:9101/base/", "127.0.0.1", 9101, "/base", "http://127.0.0.1:9101"),
        ("https://land.example.vn", "land.example.vn", 443, "", "https://land.example.vn"),
        ("http://[::1]:81/a/b", "::1", 81, "/a/b", "http://[::1]:81"),
    ];
    for (text, host, port, base, upstream) in cases {
        let endpoint = Endpoint::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        assert_eq!((&*endpoint.host, endpoint.port, &*endpoint.base), (host, port, base), "{text}");
        assert_eq!(&*endpoint.upstream, upstream, "{text}");
    }
    let refused = [
        ("127.0.0.1:9101", EndpointFault::Scheme),
        ("ftp://a", EndpointFault::Scheme),
        ("http://u:p@a", EndpointFault::UserInfo),
        ("http://a/b?c", EndpointFault::Query),
        ("http://a/../b", EndpointFault::Path),
        ("http://a/%2e%2E/b", EndpointFault::Path),
        ("http://a:/b", EndpointFault::Form),
        ("http://a:0", EndpointFault::Form),
        ("http://a:65536", EndpointFault::Form),
        ("http://a:99999/b", EndpointFault::Form),
        ("/only/path", EndpointFault::Form),
        ("", EndpointFault::Form),
    ];
    for (text, fault) in refused {
        assert_eq!(Endpoint::parse(text), Err(fault), "{text}");
    }
}
