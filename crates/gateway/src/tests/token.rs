//! The token endpoints when consumers do not behave.

use std::time::Duration;

use journal::Filter;
use terms::clock::Clock;
use terms::exchange::{Kind, Outcome};
use terms::limit::HEAD_TIMEOUT;

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
