//! Providers and consumers that break off, hang or send too much: the fault, the cut, the row.

use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::time::Duration;

use terms::clock::Clock;
use terms::exchange::{Blame, Kind, Outcome};
use terms::limit::HEAD_TIMEOUT;

use super::provider::read_head;
use super::world::{Given, World};
use crate::Settings;

#[test]
fn trouble_before_the_answer_is_held_ends_in_a_clean_fault() {
    let world = World::given(Given { version: "timeout: 400ms", ..Given::default() });
    let table = [
        ("/sleep", "provider_timeout", 504),
        ("/drip", "provider_timeout", 504),
        ("/reset", "provider_error", 502),
        ("/garbage", "provider_error", 502),
        ("/half", "provider_error", 502),
        ("/coded", "provider_error", 502),
    ];
    let mut consumer = world.consumer();
    for (path, code, status) in table {
        // safe methods may be repeated, others not once the provider was reached
        for (method, retry) in [("GET", true), ("POST", false)] {
            consumer.say(world.request(&format!("{method} /datdai/1.0{path}"), "", ""));
            let answer = consumer.hear();
            assert_eq!((answer.fault().as_str(), answer.status), (code, status), "{path}");
            let problem = answer.problem();
            assert_eq!(problem["reached"], true, "{path}");
            assert_eq!(problem["retry"], retry, "{method} {path}");
            let row = world.row(&answer);
            assert_eq!(row.outcome, Some(Outcome::Failed), "{path}");
            assert_eq!((row.fault.as_deref(), row.blame), (Some(code), Some(Blame::Provider)));
            let told = Some(answer.body.len() as u64);
            assert_eq!((row.status, row.response_bytes), (Some(status), told), "{path}");
            assert_eq!(row.attempts, Some(1), "{method} {path}: sent once");
        }
    }
    consumer.say(world.request("GET /datdai/1.0", "", ""));
    assert_eq!(consumer.hear().text(), "hello", "the connection outlives the faults");
}

#[test]
fn an_unreachable_provider_was_not_reached() {
    let world = World::given(Given { elsewhere: Some("127.0.0.1:1"), ..Given::default() });
    let answer = world.consumer().say(world.request("POST /datdai/1.0", "", "")).hear();
    assert_eq!(answer.fault(), "provider_unreachable");
    assert_eq!(
        (&answer.problem()["reached"], &answer.problem()["retry"]),
        (&false.into(), &true.into())
    );
    assert_eq!(world.row(&answer).outcome, Some(Outcome::Failed));
}

#[test]
fn a_long_answer_that_breaks_is_cut_visibly() {
    let mut world = World::given(Given { version: "timeout: 400ms", ..Given::default() });
    for path in ["/large-half", "/large-sleep"] {
        let mut consumer = world.consumer();
        let answer = consumer.say(world.request(&format!("GET /datdai/1.0{path}"), "", "")).hear();
        assert_eq!((answer.status, answer.whole), (200, false), "{path}");
        assert!(answer.body.len() > 65_536, "{path}: {}", answer.body.len());
        assert!(consumer.is_closed(), "{path}");
    }
    let rows = world.stop();
    let calls: Vec<_> = rows.iter().filter(|row| row.service.is_some()).collect();
    let faults: Vec<_> = calls.iter().filter_map(|row| row.fault.as_deref()).collect();
    assert_eq!(faults, ["provider_error", "provider_timeout"]);
    for row in calls {
        assert_eq!((row.outcome, row.status), (Some(Outcome::Failed), Some(200)));
        assert!(row.response_digest.is_none() && row.response_bytes > Some(65_536));
    }
}

#[test]
fn a_consumer_that_leaves_is_abandoned() {
    let mut world = World::start();
    for path in ["/sleep", "/large?n=90000000"] {
        let mut consumer = world.consumer();
        consumer.say(world.request(&format!("GET /datdai/1.0{path}"), "", ""));
        while world.provider.seen().last().is_none_or(|seen| !seen.head[0].contains(path)) {
            std::thread::yield_now();
        }
        drop(consumer);
    }
    // a body that stops half-way
    let mut consumer = world.consumer();
    consumer.say(world.request("POST /datdai/1.0/echo", "content-length: 100\r\n", "begun"));
    while world.provider.seen().len() < 3 {
        std::thread::yield_now();
    }
    drop(consumer);
    let rows = world.stop();
    let calls: Vec<_> = rows.iter().filter(|row| row.service.is_some()).collect();
    assert_eq!(calls.len(), 3);
    for row in calls {
        assert_eq!(
            (row.outcome, row.fault.as_deref()),
            (Some(Outcome::Abandoned), None),
            "{row:?}"
        );
        assert_eq!(row.attempts, Some(1));
        assert!(row.upstream.is_some() && row.forwarded_at.is_some());
    }
}

#[test]
fn a_body_beyond_its_limit_is_refused_before_and_cut_under_way() {
    let world = World::given(Given { version: "body_max: 10B", ..Given::default() });
    let known = world.request("POST /datdai/1.0/echo", "content-length: 11\r\n", "0123456789a");
    let answer = world.consumer().say(known).hear();
    assert_eq!(answer.fault(), "body_too_large");
    assert_eq!(world.row(&answer).outcome, Some(Outcome::Denied));
    assert!(world.provider.seen().is_empty());
    // the refusal is heard although much more was on its way
    let headers = "content-length: 9000000\r\n";
    let large = world.request("POST /datdai/1.0/echo", headers, &"x".repeat(9_000_000));
    assert_eq!(world.consumer().say(large).hear().fault(), "body_too_large");
    let chunked = "transfer-encoding: chunked\r\n";
    let request =
        world.request("POST /datdai/1.0/echo", chunked, "6\r\n012345\r\n6\r\n678901\r\n0\r\n\r\n");
    let answer = world.consumer().say(request).hear();
    assert_eq!(answer.fault(), "body_too_large");
    let row = world.row(&answer);
    assert_eq!((row.outcome, row.blame), (Some(Outcome::Failed), Some(Blame::Consumer)));
    assert_eq!(row.request_digest, None);
    let fits = world.request("POST /datdai/1.0/echo", chunked, "a\r\n0123456789\r\n0\r\n\r\n");
    assert_eq!(world.consumer().say(fits).hear().text(), "0123456789");
}

#[test]
fn a_provider_may_answer_before_it_has_read_the_body() {
    let world = World::start();
    let body = "x".repeat(2_000_000);
    let headers = format!("content-length: {}\r\n", body.len());
    let request = world.request("POST /datdai/1.0/early", &headers, &body);
    let answer = world.consumer().say(request).hear();
    assert!(answer.status == 413 && answer.text() == "no" || answer.fault() == "provider_error");
}

#[test]
fn what_comes_after_an_early_answer_is_no_request() {
    let mut world = World::start();
    for headers in ["content-length: 100\r\n", "transfer-encoding: chunked\r\n"] {
        let request = world.request("POST /datdai/1.0/early-kept", headers, "5\r\nbegun\r\n");
        let mut consumer = world.consumer();
        let answer = consumer.say(request).hear();
        assert_eq!((answer.status, answer.text().as_str()), (401, "no"));
        consumer.say("5\r\nother\r\n");
        assert!(consumer.is_closed(), "one answer and nothing more");
        assert_eq!(world.row(&answer).outcome, Some(Outcome::Answered));
    }
    let rows = world.stop();
    assert_eq!(rows.iter().filter(|row| row.kind == Kind::Call).count(), 2, "{rows:?}");
}

#[test]
fn a_slow_body_is_the_consumers_turn() {
    let world = World::given(Given { version: "timeout: 400ms", ..Given::default() });
    let request = world.request("POST /datdai/1.0/echo", "content-length: 100\r\n", "begun");
    let answer = world.consumer().say(request).hear();
    assert_eq!(answer.fault(), "request_timeout");
    let row = world.row(&answer);
    assert_eq!((row.blame, row.request_bytes), (Some(Blame::Consumer), Some(5)));
}

/// The open socket of this host from this port to that one, by its number in the kernel's table.
fn socket_of(port: u16, to: u16) -> String {
    const ESTABLISHED: &str = "01";
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let [local, remote] = [port, to].map(|port| format!("0100007F:{port:04X}"));
    let mut lines = table.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    // a port may be in the table more than once: on its way out, towards somebody else
    let line = lines.find(|fields| fields[1..4] == [&*local, &*remote, ESTABLISHED]);
    let line = line.expect("a connection");
    format!("socket:[{}]", line[9])
}

fn holds(socket: &str) -> bool {
    let files = std::fs::read_dir("/proc/self/fd").unwrap();
    let mut names = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    names.any(|name| name.to_str() == Some(socket))
}

#[test]
fn a_connection_that_the_provider_closed_is_not_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let elsewhere = Some(&*address.to_string().leak());
    let world = World::given(Given { elsewhere, ..Given::default() });
    let answering = std::thread::spawn(move || {
        let (mut stream, from) = listener.accept().unwrap();
        read_head(&mut BufReader::new(&stream)).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
        (stream, from.port())
    });
    assert_eq!(world.get("").text(), "ok");
    let (stream, port) = answering.join().unwrap();
    let socket = socket_of(port, address.port());
    assert!(holds(&socket), "kept for the next call");
    drop(stream);
    let clock = Clock::system();
    let since = clock.instant();
    while holds(&socket) {
        assert!(clock.instant() - since < Duration::from_secs(20), "no call looks at it again");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn a_connection_without_a_word_ends_without_one() {
    let mut world = World::start();
    let clock = Clock::system();
    let since = clock.instant();
    assert!(world.consumer().is_closed(), "without words");
    assert!(clock.instant() - since < HEAD_TIMEOUT + Duration::from_secs(8));
    assert!(world.stop().iter().all(|row| row.kind == Kind::Token), "no row");
}

#[test]
fn in_flight_limits_refuse_at_once_and_free_their_places() {
    let world = World::given(Given { version: "in_flight_max: 1", ..Given::default() });
    let mut hanging = world.consumer();
    hanging.say(world.request("GET /datdai/1.0/sleep", "", ""));
    while world.provider.seen().is_empty() {
        std::thread::yield_now();
    }
    let answer = world.get("");
    assert_eq!((answer.fault().as_str(), answer.header("retry-after")), ("overloaded", Some("1")));
    assert_eq!(world.row(&answer).blame, Some(Blame::Platform));
    drop(hanging);
    // the place is free once the gateway has seen the consumer leave
    while world.get("").status != 200 {
        std::thread::yield_now();
    }
}

#[test]
fn a_stop_lets_calls_in_flight_end() {
    let mut world = World::given(Given { version: "timeout: 1s", ..Given::default() });
    let mut busy = world.consumer();
    let mut idle = world.consumer();
    idle.say(world.request("GET /datdai/1.0", "", ""));
    assert_eq!(idle.hear().status, 200);
    busy.say(world.request("GET /datdai/1.0/sleep", "", ""));
    while world.provider.seen().len() < 2 {
        std::thread::yield_now();
    }
    let rows = world.stop();
    assert_eq!(busy.hear().fault(), "provider_timeout");
    assert!(idle.is_closed());
    assert!(std::net::TcpStream::connect(world.live).is_err(), "nobody listens");
    assert_eq!(rows.iter().filter(|row| row.service.is_some()).count(), 2);
}

#[test]
fn without_a_journal_nothing_passes() {
    let world = World::start();
    world.stop_journal();
    let answer = world.get("");
    assert_eq!(answer.fault(), "journal_unavailable");
    assert_eq!(answer.problem()["reached"], false);
    assert!(answer.header("retry-after").is_some());
    assert!(world.provider.seen().is_empty(), "no provider was asked");
}

#[test]
fn threads_share_their_counts() {
    let given = Given { subscription: "rate: 10/h", ..Given::default() };
    let world = World::with(given, Settings { threads: 2, ..Settings::default() });
    let passed = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..40).map(|_| scope.spawn(|| world.get("").status == 200)).collect();
        calls.into_iter().filter_map(|call| call.join().ok()).filter(|passed| *passed).count()
    });
    assert_eq!(passed, 10);
    assert_eq!(world.provider.seen().len(), 10);
}

#[test]
fn connections_beyond_the_cap_are_refused_politely() {
    let settings = Settings { connections_max: 2, ..Settings::default() };
    let world = World::with(Given::default(), settings);
    let mut kept: Vec<_> = (0..2).map(|_| world.consumer()).collect();
    for consumer in &mut kept {
        while consumer.say(world.request("GET /datdai/1.0", "", "")).hear().status != 200 {
            *consumer = world.consumer();
        }
    }
    let mut third = world.consumer();
    assert_eq!(third.hear().status, 503);
    assert!(third.is_closed());
}
