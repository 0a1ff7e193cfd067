//! What an answered call looks like on both sides and in the journal.

use std::io::{Read as _, Write as _};

use journal::Filter;
use registry::network::Network;
use terms::exchange::{Blame, Mode, Outcome};

use super::consumer::Consumer;
use super::world::{Given, World};
use crate::Settings;

#[test]
fn a_call_passes_and_its_row_says_what_passed() {
    let world = World::given(Given {
        version: r#"auth: { kind: header, name: ApiKey, secret: "env:LAND_KEY" }"#,
        subscription: "rate: 600/min, quota: 100/day",
        ..Given::default()
    });
    let request = world.request(
        "POST //datdai//1.0/thua//echo?a=%C4%91&b=../x",
        "content-length: 6\r\nx-request-id: r-1\r\nx-forwarded-for: 1.2.3.4\r\nconnection: x-hop\r\nx-hop: 1\r\n",
        "xin ch",
    );
    let answer = world.consumer().say(request).hear();
    assert_eq!((answer.status, answer.text().as_str()), (200, "xin ch"), "{answer:?}");
    assert_eq!(answer.header("via"), Some("1.1 lgsp"));
    assert_eq!(answer.header("ratelimit"), Some(r#""rate";r=599, "quota";r=99"#));
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some(r#""rate";q=600;w=60, "quota";q=100;w=86400"#)
    );

    let seen = world.provider.last();
    assert_eq!(seen.head[0], "POST /base/thua//echo?a=%C4%91&b=../x HTTP/1.1");
    assert_eq!(seen.header("host"), Some(world.provider.address.to_string().as_str()));
    assert_eq!(seen.header("apikey"), Some("provider-secret"));
    assert_eq!(seen.header("lgsp-consumer"), Some("H01.009/one-stop"));
    assert_eq!(seen.header("exchange-id"), answer.header("exchange-id"));
    assert_eq!(seen.header("content-length"), Some("6"));
    for gone in ["authorization", "x-forwarded-for", "x-hop", "connection"] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
    assert!(seen.header("traceparent").is_some());

    let row = world.row(&answer);
    assert_eq!(row.outcome, Some(Outcome::Answered));
    assert_eq!(row.mode, Some(Mode::Direct));
    assert_eq!((row.status, row.fault.as_deref(), row.blame), (Some(200), None, None));
    let text = |value: &Option<std::sync::Arc<str>>| value.as_deref().unwrap_or("-").to_owned();
    assert_eq!(text(&row.consumer_member), "H01.009");
    assert_eq!(text(&row.consumer_system), "one-stop");
    assert_eq!(text(&row.credential), world.secret.0);
    assert_eq!(text(&row.provider_member), "H01.013");
    assert_eq!((text(&row.service), text(&row.version)), ("tra-cuu".into(), "1.0".into()));
    assert_eq!(row.method.as_deref(), Some("POST"));
    assert_eq!((row.request_bytes, row.response_bytes), (Some(6), Some(6)));
    assert_eq!(row.request_digest, row.response_digest, "the same bytes both ways");
    assert!(row.request_digest.is_some());
    assert!(text(&row.digest_key).starts_with("hmac-sha256:"));
    assert_eq!(row.attempts, Some(1));
    assert_eq!(text(&row.upstream), format!("http://{}", world.provider.address));
    assert_eq!(text(&row.reference), "r-1");
    assert_eq!(row.client_address.map(|a| a.to_string()).as_deref(), Some("127.0.0.1"));
    assert!(row.forwarded_at >= Some(row.opened_at) && row.answered_at >= row.forwarded_at);
    assert!(row.closed_at >= row.answered_at && row.total_us >= row.upstream_us);
}

#[test]
fn every_kind_of_answer_passes_unchanged() {
    let world = World::start();
    // path, status, length of the body, what must stand in the header
    let table = [
        ("", 200, 5, ("x-own", Some("1"))),
        ("/", 200, 5, ("content-length", Some("5"))),
        ("/chunked", 200, 11, ("content-length", Some("11"))),
        ("/both-framings", 200, 500, ("content-length", Some("500"))),
        ("/until-close", 200, 10, ("content-length", Some("10"))),
        ("/none", 204, 0, ("transfer-encoding", None)),
        ("/error", 503, 6, ("retry-after", Some("9"))),
        ("/moved", 302, 0, ("location", Some("/datdai/1.0/there?x=1"))),
        ("/large?n=65536", 200, 65_536, ("content-length", Some("65536"))),
        ("/large?n=65537", 200, 65_537, ("content-length", Some("65537"))),
        ("/large?n=3000000", 200, 3_000_000, ("content-length", Some("3000000"))),
        ("/stream", 200, 300_000, ("transfer-encoding", Some("chunked"))),
    ];
    let mut consumer = world.consumer();
    for (path, status, length, (name, value)) in table {
        consumer.say(world.request(&format!("GET /datdai/1.0{path}"), "", ""));
        let answer = consumer.hear();
        assert_eq!((answer.status, answer.whole), (status, true), "{path}");
        assert_eq!(answer.body.len(), length, "{path}");
        assert_eq!(answer.header(name), value, "{path}");
        let row = world.row(&answer);
        assert_eq!(row.outcome, Some(Outcome::Answered), "{path}");
        assert_eq!(row.status, Some(status), "{path}");
        assert_eq!(row.response_bytes, Some(length as u64), "{path}");
        assert_eq!(row.response_digest.is_some(), length > 0, "{path}");
    }
    assert_eq!(world.provider.last().header("content-length"), None, "no body, no length");
    let answer =
        world.consumer().say(world.request("HEAD /datdai/v1/head", "", "")).hear_to("HEAD");
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("7")));
    assert_eq!(world.row(&answer).version.as_deref(), Some("1.0"), "an alias is its version");
}

#[test]
fn a_body_passes_whatever_its_framing_and_method() {
    let world = World::start();
    let chunked = "transfer-encoding: chunked\r\n";
    let both = "content-length: 3\r\ntransfer-encoding: chunked\r\n";
    let (body, frame) = ("xin chao", "4\r\nxin \r\n4\r\nchao\r\n0\r\n\r\n");
    let table = [
        ("POST", "content-length: 8\r\n", body),
        ("GET", "content-length: 8\r\n", body),
        ("POST", chunked, frame),
        ("GET", chunked, frame),
        ("PUT", both, frame),
        ("POST", "content-length: 8\r\nexpect: 100-continue\r\n", body),
    ];
    for (method, headers, sent) in table {
        // hyper closes after a request with both framings, as RFC 9112, 6.1 asks
        let mut consumer = world.consumer();
        consumer.say(world.request(&format!("{method} /datdai/1.0/echo"), headers, sent));
        let answer = consumer.hear();
        assert_eq!((answer.status, answer.text().as_str()), (200, body), "{method} {headers}");
        let seen = world.provider.last();
        let framings = ["content-length", "transfer-encoding"].map(|n| seen.header(n).is_some());
        assert_eq!(framings.iter().filter(|is| **is).count(), 1, "{:?}", seen.head);
        assert_eq!(seen.header("expect"), None);
        let row = world.row(&answer);
        assert_eq!((row.request_bytes, row.response_bytes), (Some(8), Some(8)));
        assert_eq!(row.request_digest, row.response_digest);
    }
    let empty = world.request("POST /datdai/1.0/echo", "content-length: 0\r\n", "");
    assert_eq!(world.consumer().say(empty).hear().body.len(), 0);
    assert_eq!(world.provider.last().header("content-length"), Some("0"));
}

#[test]
fn pipelined_calls_are_answered_in_order() {
    let world = World::start();
    let one = world.request("POST /datdai/1.0/echo", "content-length: 3\r\n", "one");
    let two = world.request("GET /datdai/1.0/chunked", "", "");
    let refused = "GET /datdai/1.0 HTTP/1.1\r\nhost: a\r\n\r\n".to_owned();
    let mut consumer = world.consumer();
    consumer.say([one.as_str(), &refused, &two, &one].concat());
    assert_eq!(consumer.hear().text(), "one");
    assert_eq!(consumer.hear().fault(), "token_missing");
    assert_eq!(consumer.hear().text(), "hello world");
    assert_eq!(consumer.hear().text(), "one");
}

#[test]
fn a_kept_connection_that_died_is_not_felt() {
    let world = World::start();
    for _ in 0..5 {
        assert_eq!(world.get("/once").text(), "once");
        assert_eq!(world.get("").text(), "hello");
    }
    let rows = world.rows(&Filter { service: Some("tra-cuu".into()), ..Filter::default() });
    assert!(rows.iter().all(|row| row.outcome == Some(Outcome::Answered)), "{rows:?}");
}

#[test]
fn refusals_come_in_the_order_of_the_contract() {
    let world = World::given(Given {
        version: r#"methods: [GET, POST], body_max: 4B, parameters: [ { name: ma, in: query, required: true, pattern: "^[0-9]{1,3}$" } ]"#,
        subscription: "methods: [GET], rate: 3/h",
        ..Given::default()
    });
    let token = world.token.clone();
    let call = |line: &str, token: &str, headers: &str| {
        let authorization =
            if token.is_empty() { String::new() } else { format!("authorization: {token}\r\n") };
        let request = format!("{line} HTTP/1.1\r\nhost: a\r\n{authorization}{headers}\r\n");
        world.consumer().say(request).hear()
    };
    let (good, basic) = (format!("Bearer {token}"), "Basic YTpi".to_owned());
    let last = if token.ends_with('A') { 'B' } else { 'A' };
    let altered = format!("Bearer {}{last}", &token[..token.len() - 1]);
    let table = [
        ("GET /datdai/1.0/../x", "", "", "request_invalid", 400),
        ("GET /datdai/1.0/a%2Fb", good.as_str(), "", "request_invalid", 400),
        ("GET /nowhere/1.0", "", "", "token_missing", 401),
        ("GET /nowhere/1.0", basic.as_str(), "", "token_missing", 401),
        ("GET /nowhere/1.0", "Bearer lg1.x", "", "token_invalid", 401),
        ("GET /nowhere/1.0", altered.as_str(), "", "token_invalid", 401),
        ("GET /nowhere/1.0", good.as_str(), "", "no_such_route", 404),
        ("GET /packets/1.0", good.as_str(), "", "no_such_route", 404),
        ("GET /Datdai/1.0", good.as_str(), "", "no_such_route", 404),
        ("DELETE /datdai/0.9", good.as_str(), "", "version_retired", 410),
        ("DELETE /datdai/1.0", good.as_str(), "", "method_not_allowed", 405),
        ("POST /datdai/1.0", good.as_str(), "", "not_subscribed", 403),
        ("GET /datdai/2.0", good.as_str(), "", "not_subscribed", 403),
        ("GET /datdai/1.0", good.as_str(), "content-length: 5\r\n", "body_too_large", 413),
        ("GET /datdai/1.0", good.as_str(), "", "parameter_invalid", 400),
        ("GET /datdai/1.0?ma=x1", good.as_str(), "", "parameter_invalid", 400),
        ("GET /datdai/1.0?ma=1", good.as_str(), "via: 1.1 lgsp\r\n", "loop_detected", 508),
    ];
    for (line, token, headers, code, status) in table {
        let answer = call(line, token, headers);
        assert_eq!((answer.fault().as_str(), answer.status), (code, status), "{line} {headers}");
        let row = world.row(&answer);
        assert_eq!(row.outcome, Some(Outcome::Denied), "{line}");
        assert_eq!(row.fault.as_deref(), Some(code), "{line}");
        assert_eq!(row.status, Some(status), "{line}");
        let verified = token == good && !matches!(code, "request_invalid" | "loop_detected");
        assert_eq!(row.credential.is_some(), verified, "{line}: claims are not stored");
        assert_eq!(row.consumer_system.is_some(), verified, "{line}");
        let placed = line.contains("/datdai/") && !line.contains("..");
        assert_eq!(row.service.is_some(), placed, "{line}");
    }
    assert_eq!(call("DELETE /datdai/1.0", &good, "").header("allow"), Some("GET, POST"));
    assert!(world.provider.seen().is_empty(), "no provider was asked");
    // none of the refused calls counted
    for _ in 0..3 {
        assert_eq!(call("GET /datdai/1.0?ma=1", &good, "").status, 200);
    }
    let refused = call("GET /datdai/1.0?ma=1", &good, "accept-language: en\r\n");
    assert_eq!(refused.fault(), "rate_exceeded");
    assert_eq!(refused.header("content-language"), Some("en"));
    assert!(refused.header("retry-after").is_some() && refused.header("ratelimit").is_some());
}

#[test]
fn withdrawal_bites_at_once() {
    let world = World::start();
    assert_eq!(world.get("").status, 200);
    world.apply(
        "subscriptions:\n  - { system: one-stop, service: tra-cuu, version: \"1.0\", environment: live, state: suspended }\n",
    );
    assert_eq!(world.get("").fault(), "not_subscribed");
    world.apply(
        "systems:\n  - { code: one-stop, member: H01.009, addresses: [\"192.0.2.0/24\"] }\n",
    );
    let refused = world.get("");
    assert_eq!(refused.fault(), "address_refused");
    assert_eq!(world.row(&refused).blame, Some(Blame::Consumer));
    world.apply("systems:\n  - { code: one-stop, member: H01.009, state: stopped }\n");
    let refused = world.get("");
    assert_eq!(refused.fault(), "token_invalid");
    assert_eq!(world.row(&refused).credential, None);
}

#[test]
fn a_live_token_opens_nothing_on_trial() {
    let world = World::start();
    let mut consumer = Consumer::connect(world.trial);
    let answer = consumer.say(world.request("GET /datdai/1.0", "", "")).hear();
    assert_eq!(answer.fault(), "token_invalid");
}

#[test]
fn calls_pass_over_both_versions_of_tls() {
    let world = World::start();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut consumer = Consumer::connect_tls(world.live_tls, &world.certificate, version);
        for _ in 0..2 {
            consumer.say(world.request("GET /datdai/1.0/large?n=100000", "", ""));
            assert_eq!(consumer.hear().body.len(), 100_000);
        }
        assert_eq!(consumer.say("nonsense\r\n\r\n").hear().fault(), "request_invalid");
    }
}

#[test]
fn outside_its_window_a_subscription_is_closed() {
    let world = World::given(Given {
        subscription: "from: 2020-01-01, until: 2020-12-31",
        ..Given::default()
    });
    let answer = world.get("");
    assert_eq!(answer.fault(), "outside_window");
    assert_eq!(world.row(&answer).outcome, Some(Outcome::Denied));
    assert_eq!(answer.header("ratelimit"), None);
}

#[test]
fn trusted_proxies_vouch_for_the_client() {
    let trusted_proxies = vec![Network::parse("127.0.0.0/8").unwrap()];
    let settings = Settings { trusted_proxies, ..Settings::default() };
    let system = "addresses: [\"192.0.2.0/24\"]";
    let world = World::with(Given { system, ..Given::default() }, settings);
    for (from, status) in [("192.0.2.7", 200), ("192.0.3.7", 403), ("", 403)] {
        let headers = format!("x-forwarded-for: {from}\r\n");
        let answer = world.consumer().say(world.request("GET /datdai/1.0", &headers, "")).hear();
        assert_eq!(answer.status, status, "{from}");
        let client = world.row(&answer).client_address.map(|a| a.to_string());
        assert_eq!(client.as_deref(), Some(if from.is_empty() { "127.0.0.1" } else { from }));
    }
}

#[test]
fn a_bulk_version_carries_calls_like_any_other() {
    let world = World::given(Given { version: "bulk: true", ..Given::default() });
    let body = "x".repeat(1_000_000);
    let headers = format!("content-length: {}\r\n", body.len());
    let request = world.request("POST /datdai/1.0/echo", &headers, &body);
    let answer = world.consumer().say(request).hear();
    assert_eq!((answer.whole, answer.body.len()), (true, body.len()));
    let row = world.row(&answer);
    assert_eq!(row.outcome, Some(Outcome::Answered));
    assert_eq!(row.request_digest, row.response_digest);
}

#[test]
fn an_old_consumer_sees_that_an_answer_was_cut() {
    let world = World::start();
    let heard = |path: &str| {
        let request = world.request(&format!("GET /datdai/1.0/{path}"), "", "");
        let mut stream = std::net::TcpStream::connect(world.live).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        stream.write_all(request.replace("HTTP/1.1", "HTTP/1.0").as_bytes()).unwrap();
        let mut words = Vec::new();
        stream.read_to_end(&mut words).map(|_| words.len()).map_err(|error| error.kind())
    };
    assert!(heard("stream").is_ok_and(|read| read > 300_000), "a whole one ends in order");
    assert_eq!(heard("stream-half"), Err(std::io::ErrorKind::ConnectionReset));
}
