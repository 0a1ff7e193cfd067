//! The token endpoints when consumers do not behave.

use std::time::Duration;

use journal::Filter;
use terms::clock::Clock;
use terms::exchange::{Kind, Outcome};
use terms::limit::HEAD_TIMEOUT;

use super::consumer::Consumer;
use super::world::World;

#[test]
fn a_guess_is_recorded_also_when_the_consumer_hangs_up() {
    let world = World::start();
    // a secret of the old platform: its check takes long enough to hang up on
    world.apply(
        "credentials:\n  - { system: one-stop, environment: live, consumer_key: old, \
         secret_key: oldsecret, weak_until: 2099-12-31 }\n",
    );
    let body = "client_id=old&client_secret=guess&grant_type=client_credentials";
    let request = format!(
        "POST /token HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut guessing: Vec<_> = (0..8).map(|_| world.consumer()).collect();
    for consumer in &mut guessing {
        consumer.say(&request);
    }
    // all of them have come when the first is answered
    assert_eq!(guessing[0].hear().status, 401);
    drop(guessing);
    let refused =
        Filter { kind: Some(Kind::Token), outcome: Some(Outcome::Denied), ..Filter::default() };
    let clock = Clock::system();
    let since = clock.instant();
    while world.rows(&refused).len() < 8 {
        let count = world.rows(&refused).len();
        assert!(clock.instant() - since < Duration::from_secs(20), "{count} of 8");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn a_token_request_must_come_as_fast_as_a_head() {
    let world = World::start();
    let clock = Clock::system();
    let since = clock.instant();
    let mut consumer = world.consumer();
    consumer.say("POST /token HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nclient_id=");
    let answer = consumer.hear();
    assert_eq!(answer.fault(), "request_timeout");
    let took = clock.instant() - since;
    assert!((HEAD_TIMEOUT..HEAD_TIMEOUT + Duration::from_secs(8)).contains(&took), "{took:?}");
    assert_eq!(world.row(&answer).outcome, Some(Outcome::Denied));
}

#[test]
fn what_cannot_be_read_is_refused_as_oauth_clients_read_it() {
    let world = World::start();
    let asked = |consumer: &mut Consumer, request: String| {
        let answer = consumer.say(request).finish().hear();
        let problem = answer.problem();
        assert_eq!((answer.status, problem["error"].as_str()), (400, Some("invalid_request")));
        assert!(problem["error_description"].as_str().unwrap().contains(" / "));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let row = world.row(&answer);
        assert_eq!((row.kind, row.event.as_deref()), (Kind::Token, Some("refused")));
        assert_eq!((row.outcome, row.status), (Some(Outcome::Denied), Some(400)));
        assert_eq!(row.fault.as_deref(), Some("invalid_request"));
        assert_eq!(row.response_bytes, Some(answer.body.len() as u64));
        row.request_bytes
    };
    for path in ["/token", "/oauth2/token", "/revoke", "/introspect"] {
        let table = [
            ("host: a\r\nhost: b\r\ncontent-length: 0\r\n", "", 0),
            ("host: a\r\nupgrade: x\r\ncontent-length: 0\r\n", "", 0),
            ("host: a\r\ncontent-length: 100\r\n", "client_id=", 10),
            ("host: a\r\ntransfer-encoding: chunked\r\n", "3\r\nabc\r\nzz\r\n", 3),
            ("host: a\r\ncontent-length: 3\r\n", "{\"a", 3),
        ];
        for (headers, body, bytes) in table {
            let request = format!("POST {path} HTTP/1.1\r\n{headers}\r\n{body}");
            assert_eq!(asked(&mut world.consumer(), request), Some(bytes), "{path} {headers}");
        }
    }
    let mut refused = world.consumer();
    let many = "x".repeat(20_000);
    let long = "POST /token HTTP/1.1\r\nhost: a\r\ncontent-length: 20000\r\n\r\n";
    assert_eq!(asked(&mut refused, format!("{long}{many}")), Some(16 * 1024 + 1));
}
