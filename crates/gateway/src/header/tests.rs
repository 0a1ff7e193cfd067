//! What passes, what is taken away, what is added: one table a direction.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use terms::exchange::ExchangeId;

use super::*;

fn map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    map
}

fn lines(headers: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines
}

fn outward(headers: &[(&str, &str)]) -> Vec<String> {
    let id = ExchangeId::from_bytes([0x11; 16]);
    let (mut head, ()) = Request::new(()).into_parts();
    head.headers = map(headers);
    turn_outward(
        &mut head,
        &Outward {
            exchange: &exchange_id(id),
            id,
            consumer: &HeaderValue::from_static("H01.009/one-stop"),
            via: &Via::new("lgsp h01"),
            credential: Some((&HeaderName::from_static("apikey"), &HeaderValue::from_static("k"))),
        },
    );
    lines(&head.headers)
}

#[test]
fn the_provider_sees_what_is_meant_for_it() {
    let ours = [
        "apikey: k",
        "exchange-id: 11111111-1111-1111-1111-111111111111",
        "lgsp-consumer: H01.009/one-stop",
        "traceparent: 00-11111111111111111111111111111111-1111111111111111-01",
        "via: 1.1 lgsp-h01",
    ];
    let gone = [
        ("authorization", "Bearer lg1.x"),
        ("host", "a"),
        ("forwarded", "for=1.2.3.4"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-anything", "x"),
        ("x-real-ip", "1.2.3.4"),
        ("expect", "100-continue"),
        ("exchange-id", "mine"),
        ("lgsp-consumer", "forged"),
        ("lgsp-anything", "x"),
        ("connection", "close, X-Secret,, bad name"),
        ("connection", "x-other"),
        ("x-secret", "1"),
        ("x-other", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authorization", "x"),
        ("te", "trailers"),
        ("trailer", "x"),
        ("transfer-encoding", "chunked"),
        ("apikey", "the consumer's own"),
        ("traceparent", "nonsense"),
        // to a provider that reads headers as variables these are ours
        ("lgsp_consumer", "forged"),
        ("lgsp_anything", "x"),
        ("exchange_id", "mine"),
        ("x_forwarded_for", "1.2.3.4"),
        ("x-forwarded_proto", "https"),
        ("x_real_ip", "1.2.3.4"),
        ("x.real.ip", "1.2.3.4"),
        ("proxy_authorization", "x"),
    ];
    assert_eq!(outward(&gone), ours);
    let kept = [
        ("accept", "*"),
        ("content-length", "3"),
        ("cookie", "a=b"),
        ("charset", "utf-8"),
        ("sender_code", "H01"),
        ("x_forwardedfor", "1.2.3.4"),
        ("api_key", "not the name of the credential"),
        ("x-road-client", "VN/GOV"),
        ("x-request-id", "r1"),
    ];
    let mut expected: Vec<String> = kept.iter().map(|(n, v)| format!("{n}: {v}")).collect();
    expected.extend(ours.map(str::to_owned));
    expected.sort();
    assert_eq!(outward(&kept), expected);
}

#[test]
fn the_credential_of_a_version_has_no_second_reading() {
    let (mut head, ()) = Request::new(()).into_parts();
    head.headers = map(&[("x_api_key", "forged"), ("x-api_key", "forged"), ("x_api", "theirs")]);
    let id = ExchangeId::from_bytes([0x11; 16]);
    let name = HeaderName::from_static("x-api-key");
    let outward = Outward {
        exchange: &exchange_id(id),
        id,
        consumer: &HeaderValue::from_static("H01.009/one-stop"),
        via: &Via::new("lgsp"),
        credential: Some((&name, &HeaderValue::from_static("k"))),
    };
    turn_outward(&mut head, &outward);
    let lines = lines(&head.headers);
    let keys: Vec<&String> = lines.iter().filter(|line| line.contains("api")).collect();
    assert_eq!(keys, ["x-api-key: k", "x_api: theirs"]);
}

#[test]
fn a_valid_trace_goes_on() {
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let table = [
        (format!("00-{trace}-b7ad6b7169203331-00"), true),
        (format!("00-{trace}-0000000000000000-01"), false),
        (format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)), false),
        (format!("01-{trace}-b7ad6b7169203331-01"), false),
        (format!("00-{}-b7ad6b7169203331-01", trace.to_uppercase()), false),
        (format!("00-{trace}-b7ad6b7169203331-01x"), false),
    ];
    for (given, goes_on) in table {
        let seen = outward(&[("traceparent", &given)]);
        assert_eq!(seen.iter().any(|line| line.contains(trace)), goes_on, "{given}");
    }
}

#[test]
fn the_consumer_sees_the_providers_head() {
    let id = ExchangeId::from_bytes([0x11; 16]);
    let (mut head, ()) = Response::new(()).into_parts();
    head.headers = map(&[
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("transfer-encoding", "chunked"),
        ("exchange-id", "theirs"),
        ("via", "1.0 inner"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("server", "old"),
        ("x-error", "lỗi".escape_default().to_string().as_str()),
    ]);
    turn_inward(&mut head, &exchange_id(id), &Via::new("lgsp")).unwrap();
    let expected = [
        "exchange-id: 11111111-1111-1111-1111-111111111111",
        "server: old",
        "set-cookie: a=1",
        "set-cookie: b=2",
        "via: 1.0 inner",
        "via: 1.1 lgsp",
        "x-error: l\\u{1ed7}i",
    ];
    assert_eq!(lines(&head.headers), expected);
}

#[test]
fn an_answer_has_one_framing() {
    type Row<'a> = (&'a [(&'a str, &'a str)], Result<Option<&'a str>, FaultCode>);
    let table: [Row<'_>; 6] = [
        (&[("content-length", "3")], Ok(Some("3"))),
        (&[("transfer-encoding", "chunked"), ("content-length", "3")], Ok(None)),
        (&[("transfer-encoding", "Chunked"), ("content-length", "3")], Ok(None)),
        (&[("transfer-encoding", "gzip")], Err(FaultCode::ProviderError)),
        (&[("transfer-encoding", "gzip, chunked")], Err(FaultCode::ProviderError)),
        (
            &[("transfer-encoding", "gzip"), ("transfer-encoding", "chunked")],
            Err(FaultCode::ProviderError),
        ),
    ];
    for (headers, expected) in table {
        let (mut head, ()) = Response::new(()).into_parts();
        head.headers = map(headers);
        let exchange = HeaderValue::from_static("e");
        let turned = turn_inward(&mut head, &exchange, &Via::new("lgsp"));
        let length = head.headers.get("content-length").and_then(|value| value.to_str().ok());
        assert_eq!(turned.map(|()| length), expected, "{headers:?}");
    }
}

#[test]
fn a_location_under_the_base_is_mapped_back() {
    let table = [
        ("http://p.example:9101/base/x?y=1", "/datdai/1.0/x?y=1"),
        ("HTTP://P.example:9101/base/x", "/datdai/1.0/x"),
        ("http://p.example:9101/base", "/datdai/1.0"),
        ("http://p.example:9101/base?x", "/datdai/1.0?x"),
        ("/base/x", "/datdai/1.0/x"),
        ("/basement/x", "/basement/x"),
        ("http://p.example:9101/other", "http://p.example:9101/other"),
        ("http://p.example:91010/base/x", "http://p.example:91010/base/x"),
        ("http://q.example/base/x", "http://q.example/base/x"),
        ("//p.example:9101/base/x", "//p.example:9101/base/x"),
        ("x/y", "x/y"),
    ];
    for (given, expected) in table {
        let mut headers = map(&[("location", given)]);
        map_location(&mut headers, "http://p.example:9101", "/base", "/datdai/1.0");
        assert_eq!(headers["location"], expected, "{given}");
    }
    let mut headers = map(&[("location", "http://p.example:9101/x")]);
    map_location(&mut headers, "http://p.example:9101", "", "/datdai/1.0");
    assert_eq!(headers["location"], "/datdai/1.0/x", "an empty base");
}

#[test]
fn a_reference_is_the_first_present_and_cannot_forge_a_line() {
    let long = "x".repeat(129);
    type Row<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);
    let table: [Row<'_>; 6] = [
        (&[], None),
        (&[("x-request-id", "r"), ("idempotency-key", "i")], Some("i")),
        (&[("x-request-id", "r"), ("x-road-id", "x")], Some("x")),
        (&[("x-request-id", "a b")], None),
        (&[("x-request-id", "")], None),
        (&[("x-request-id", &long)], None),
    ];
    for (headers, expected) in table {
        assert_eq!(reference(&map(headers)), expected, "{headers:?}");
    }
    assert_eq!(provider_reference(&map(&[("exchange-id", "e")])), Some("e"));
}

#[test]
fn our_own_mark_in_via_is_a_loop() {
    let via = Via::new("lgsp-h01");
    let table = [
        ("1.1 other", false),
        ("1.1 other, 1.1 lgsp-h01 (comment)", true),
        ("1.0 lgsp-h01", true),
        ("1.1 lgsp-h011", false),
        ("lgsp-h01", false),
    ];
    for (value, expected) in table {
        assert_eq!(via.is_in(&map(&[("via", value)])), expected, "{value}");
    }
}
