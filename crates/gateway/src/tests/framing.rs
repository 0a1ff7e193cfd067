//! The framing and path table of design §7 over a socket: our verdict, and what the provider saw.

use journal::Filter;
use terms::exchange::Outcome;

use super::world::World;

#[test]
fn a_head_that_cannot_be_read_one_way_is_refused_with_a_row() {
    let world = World::start();
    let token = format!("authorization: Bearer {}\r\n", world.token);
    let long = format!("GET /datdai/1.0?{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(70_000));
    let wide = format!("GET /datdai/1.0 HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(70_000));
    let many = format!(
        "GET /datdai/1.0 HTTP/1.1\r\nhost: a\r\n{}\r\n",
        "x: y\r\n".repeat(terms::limit::HEAD_FIELDS_MAX + 1)
    );
    let with = |rest: &str| rest.replace("TOKEN", &token);
    let table = [
        (with("GET /datdai/1.0 HTTP/1.1\r\nTOKEN\r\n"), "request_invalid"),
        (with("GET /datdai/1.0 HTTP/1.1\r\nhost: a\r\nhost: a\r\nTOKEN\r\n"), "request_invalid"),
        (with("GET /datdai/1.0 HTTP/1.0\r\nTOKEN\r\n"), "request_invalid"),
        (with("GET /datdai/1.0/%2e%2e HTTP/1.1\r\nhost: a\r\nTOKEN\r\n"), "request_invalid"),
        (with("GET /datdai/1.0/a\\b HTTP/1.1\r\nhost: a\r\nTOKEN\r\n"), "request_invalid"),
        (with("GET /datdai/1.0/đ HTTP/1.1\r\nhost: a\r\nTOKEN\r\n"), "request_invalid"),
        (with("GET /datdai/1.0/a b HTTP/1.1\r\nhost: a\r\nTOKEN\r\n"), "request_invalid"),
        (with("CONNECT a:80 HTTP/1.1\r\nhost: a\r\nTOKEN\r\n"), "request_invalid"),
        (with("TRACE /datdai/1.0 HTTP/1.1\r\nhost: a\r\nTOKEN\r\n"), "request_invalid"),
        (with("OPTIONS * HTTP/1.1\r\nhost: a\r\nTOKEN\r\n"), "request_invalid"),
        (with("GET /datdai/1.0 HTTP/1.1\r\nhost: a\r\nupgrade: x\r\nTOKEN\r\n"), "request_invalid"),
        // hyper's own refusals
        (
            with("POST /datdai/1.0 HTTP/1.1\r\nhost: a\r\nTOKENcontent-length: x\r\n\r\n"),
            "request_invalid",
        ),
        (
            with(
                "POST /datdai/1.0 HTTP/1.1\r\nhost: a\r\nTOKENcontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            ),
            "request_invalid",
        ),
        (
            with("POST /datdai/1.0 HTTP/1.1\r\nhost: a\r\nTOKENtransfer-encoding: gzip\r\n\r\n"),
            "request_invalid",
        ),
        (with("GET /datdai/1.0 HTTP/1.1\r\nhost: a\r\nTOKENx : y\r\n\r\n"), "request_invalid"),
        (with("GET /datdai/1.0 HTTP/1.1\r\nhost: a\r\nTOKEN folded\r\n\r\n"), "request_invalid"),
        (with("GET /datdai/1.0 HTTP/2.5\r\nhost: a\r\nTOKEN\r\n"), "request_invalid"),
        ("nonsense\r\n\r\n".to_owned(), "request_invalid"),
        (long, "header_too_large"),
        (wide, "header_too_large"),
        (many, "header_too_large"),
    ];
    for (request, code) in table {
        let shown: String = request.chars().take(90).collect();
        let mut consumer = world.consumer();
        let answer = consumer.say(&request).hear();
        assert_eq!(answer.fault(), code, "{shown:?}");
        let row = world.row(&answer);
        assert_eq!(row.outcome, Some(Outcome::Denied), "{shown:?}");
        assert_eq!(row.fault.as_deref(), Some(code), "{shown:?}");
        assert_eq!(row.credential, None, "{shown:?}");
    }
    assert!(world.provider.seen().is_empty(), "no provider was asked");
}

#[test]
fn a_refusal_of_hypers_after_a_call_is_ours_too() {
    let world = World::start();
    let mut consumer = world.consumer();
    consumer.say(world.request("GET /datdai/1.0", "", ""));
    assert_eq!(consumer.hear().text(), "hello");
    let answer = consumer.say("nonsense\r\n\r\n").hear();
    assert_eq!(answer.fault(), "request_invalid");
    assert_eq!(world.row(&answer).status, Some(400));
    assert!(consumer.is_closed());
}

#[test]
fn a_body_with_broken_framing_is_refused() {
    let world = World::start();
    let request = world.request(
        "POST /datdai/1.0/echo",
        "transfer-encoding: chunked\r\n",
        "zz\r\nx\r\n0\r\n\r\n",
    );
    let mut consumer = world.consumer();
    let answer = consumer.say(request).hear();
    assert_eq!(answer.fault(), "request_invalid");
    assert_eq!(world.row(&answer).outcome, Some(Outcome::Failed));
    assert!(consumer.is_closed());
}

#[test]
fn the_provider_sees_one_reading() {
    let world = World::start();
    let table = [
        ("GET /datdai/1.0", "GET /base HTTP/1.1"),
        ("GET /datdai/1.0/", "GET /base/ HTTP/1.1"),
        ("GET /datdai/1.0?x=1", "GET /base?x=1 HTTP/1.1"),
        ("GET /datdai/1.0?", "GET /base? HTTP/1.1"),
        ("GET //datdai//1.0//a//b", "GET /base//a//b HTTP/1.1"),
        ("GET http://a/datdai/1.0/x", "GET /base/x HTTP/1.1"),
        ("GET /datdai/v1/%C4%91?q=a%2Fb%zz", "GET /base/%C4%91?q=a%2Fb%zz HTTP/1.1"),
        ("PURGE /datdai/1.0/x", "PURGE /base/x HTTP/1.1"),
    ];
    for (line, expected) in table {
        let answer = world.consumer().say(world.request(line, "", "")).hear();
        assert_eq!(answer.status, 200, "{line}: {answer:?}");
        assert_eq!(world.provider.last().head[0], expected, "{line}");
    }
    // bare line feeds are read once and framed anew
    let bare = world.request("GET /datdai/1.0/lf", "", "").replace("\r\n", "\n");
    assert_eq!(world.consumer().say(bare).hear().status, 200);
    assert_eq!(world.provider.last().head[0], "GET /base/lf HTTP/1.1");
    // HTTP/1.0: answered with a length and closed
    let old = world.request("GET /datdai/1.0/old", "", "").replace("HTTP/1.1", "HTTP/1.0");
    let mut consumer = world.consumer();
    let answer = consumer.say(old).hear();
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    assert!(consumer.is_closed());
    assert_eq!(world.provider.last().header("via"), Some("1.0 lgsp"));
    let rows = world.rows(&Filter { service: Some("tra-cuu".into()), ..Filter::default() });
    assert_eq!(rows.len(), table.len() + 2);
}
