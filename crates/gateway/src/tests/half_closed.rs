//! Consumers that end their side of the connection before they have heard the answer, and those
//! that are gone: to both the connection ends with a FIN.

use std::time::Duration;

use journal::{Filter, Row};
use terms::clock::Clock;
use terms::exchange::{Kind, Outcome};
use terms::limit::LETTER_FIRST;

use super::consumer::{Consumer, Seen};
use super::world::{Given, World, wait_until};

/// A version that gives its provider longer than it takes to tell who is gone.
const SLOW: Given = Given { version: "timeout: 1s", subscription: "", system: "", elsewhere: None };

fn finished(mut consumer: Consumer, request: &str) -> Seen {
    let answer = consumer.say(request).finish().hear();
    assert!(consumer.is_closed(), "nothing is left of the connection");
    answer
}

#[test]
fn a_whole_request_and_then_the_end_is_answered() {
    let world = World::given(SLOW);
    let get = world.request("GET /datdai/1.0", "", "");
    let post = world.request("POST /datdai/1.0/echo", "content-length: 5\r\n", "bytes");
    let large = world.request("GET /datdai/1.0/large?n=3000000", "", "");
    for (request, status, length) in [(&get, 200, 5), (&post, 200, 5), (&large, 200, 3_000_000)] {
        let answer = finished(world.consumer(), request);
        assert_eq!((answer.status, answer.body.len(), answer.whole), (status, length, true));
        let row = world.row(&answer);
        assert_eq!((row.outcome, row.status), (Some(Outcome::Answered), Some(status)));
    }
    let refused = get.replace("Bearer lg1", "Bearer lg2");
    assert_eq!(finished(world.consumer(), &refused).fault(), "token_invalid");
    // a long body over TLS, where looking ahead takes bytes from the socket
    let long = "x".repeat(3_000_000);
    let echo = world.request("POST /datdai/1.0/echo", "content-length: 3000000\r\n", &long);
    let tls = &rustls::version::TLS13;
    let tls = Consumer::connect_tls(world.live_tls, &world.certificate, tls);
    assert_eq!(finished(tls, &echo).body.len(), long.len());
    // the second of two requests that came together
    let answer = finished(world.consumer(), &get);
    assert_eq!(answer.text(), "hello");
    let mut both = world.consumer();
    both.say([&*get, &*post].concat()).finish();
    assert_eq!((both.hear().text(), both.hear().text()), ("hello".into(), "bytes".into()));
    assert!(both.is_closed());
}

#[test]
fn the_answer_to_a_slow_call_is_whole_although_its_first_letters_went_ahead() {
    let world = World::given(SLOW);
    let request = world.request("GET /datdai/1.0/sleep", "", "");
    let mut consumer = world.consumer();
    consumer.say(&request).finish();
    assert!(consumer.begins());
    let since = Clock::system().instant();
    let answer = consumer.hear();
    assert!(since.elapsed() > LETTER_FIRST * 2, "one letter at least was sent before");
    assert_eq!((answer.head[0].as_str(), answer.status), ("HTTP/1.1 504 Gateway Timeout", 504));
    assert_eq!(answer.fault(), "provider_timeout");
    assert!(consumer.is_closed());
    let old = request.replace("HTTP/1.1", "HTTP/1.0");
    let answer = finished(world.consumer(), &old);
    assert_eq!((&answer.head[0][..9], answer.fault().as_str()), ("HTTP/1.0 ", "provider_timeout"));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let tls = Consumer::connect_tls(world.live_tls, &world.certificate, version);
        assert_eq!(finished(tls, &request).fault(), "provider_timeout");
    }
}

#[test]
fn a_body_that_ends_before_its_end_is_refused_and_the_row_says_so() {
    let world = World::start();
    let table = [
        ("content-length: 100\r\n", "begun"),
        ("transfer-encoding: chunked\r\n", "5\r\nbegun\r\n"),
    ];
    for (headers, body) in table {
        let request = world.request("POST /datdai/1.0/echo", headers, body);
        let answer = finished(world.consumer(), &request);
        assert_eq!((answer.status, answer.fault().as_str()), (400, "request_invalid"));
        let row = world.row(&answer);
        assert_eq!((row.outcome, row.status), (Some(Outcome::Failed), Some(400)), "{headers}");
        assert_eq!(row.fault.as_deref(), Some("request_invalid"));
        assert_eq!(row.response_bytes, Some(answer.body.len() as u64));
    }
    let read_whole = "POST /mapi/g HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{";
    let answer = finished(world.consumer(), read_whole);
    assert_eq!(answer.status, 200, "legacy: {}", answer.text());
    assert_eq!(answer.problem()["code"], "request_invalid");
    let row = world.row(&answer);
    assert_eq!(
        (row.outcome, row.fault.as_deref()),
        (Some(Outcome::Denied), Some("request_invalid"))
    );
    assert_eq!((row.status, row.response_bytes), (Some(200), Some(answer.body.len() as u64)));
}

/// The rows of calls, once there are so many.
fn calls(world: &World, count: usize) -> Vec<Row> {
    let mut calls = Vec::new();
    wait_until(&format!("{count} calls"), || {
        calls = world.rows(&Filter::default());
        calls.retain(|row| row.kind == Kind::Call);
        calls.len() == count
    });
    calls
}

#[test]
fn a_consumer_that_is_gone_is_noticed_long_before_its_call_would_end() {
    let world = World::start();
    let hanging = world.request("GET /datdai/1.0/sleep", "", "");
    let part = world.request("POST /datdai/1.0/echo", "content-length: 100\r\n", "begun");
    let whole = "POST /mapi/g HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{".to_owned();
    let clock = Clock::system();
    for (index, request) in [&hanging, &part, &whole].into_iter().enumerate() {
        let mut gone = world.consumer();
        gone.say(request);
        // a provider was asked, or nobody is yet
        if index < 2 {
            wait_until("its provider is asked", || world.provider.seen().len() > index);
        }
        let since = clock.instant();
        drop(gone);
        let row = calls(&world, index + 1).pop().unwrap();
        assert_eq!(
            (row.outcome, row.fault.as_deref()),
            (Some(Outcome::Abandoned), None),
            "{row:?}"
        );
        let took = clock.instant() - since;
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut gone = Consumer::connect_tls(world.live_tls, &world.certificate, version);
        let before = world.provider.seen().len();
        gone.say(&hanging);
        wait_until("its provider is asked", || world.provider.seen().len() > before);
        gone.finish();
        drop(gone);
    }
    assert!(calls(&world, 5).iter().all(|row| row.outcome == Some(Outcome::Abandoned)));
}
