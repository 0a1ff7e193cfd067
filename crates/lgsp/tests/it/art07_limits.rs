//! Article 7: an answer within 30 seconds, 1,000 connections at once, nothing kept of what passed.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::wire::{Answer, Connection, request};
use crate::world::World;

/// Article 7.3.
const RESPONSE_MAX: Duration = Duration::from_secs(30);

fn ask_all(world: &World, token: &str, targets: &[String]) -> Vec<Option<Answer>> {
    let live = world.listening.live;
    let bearer = format!("Bearer {token}");
    std::thread::scope(|scope| {
        let calls: Vec<_> = targets
            .iter()
            .map(|target| {
                let call = request("GET", target, &[("Authorization", &bearer)], b"");
                scope.spawn(move || Connection::open(live).ask(call))
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

#[test]
fn whatever_the_provider_does_the_answer_is_complete_within_thirty_seconds() {
    let world = World::start();
    let token = world.token("one-stop");
    // What the provider does, and the fault that answers it while the answer is held back.
    let held = [
        ("/delay/60000", 504, "provider_timeout"),
        ("/hang", 504, "provider_timeout"),
        ("/drip-head/1000", 504, "provider_timeout"),
        ("/drip/1000/120", 504, "provider_timeout"),
        ("/never-closes", 504, "provider_timeout"),
        ("/never-closes/1000", 504, "provider_timeout"),
        ("/reset", 502, "provider_error"),
        ("/reset-midway/1000", 502, "provider_error"),
    ];
    // More than is held back came before the trouble: a cut that the client can see.
    let streamed = ["/never-closes/200000", "/reset-midway/200000", "/drip/1000/120/200000"];
    let targets: Vec<String> = held
        .iter()
        .map(|case| case.0)
        .chain(streamed)
        .map(|target| format!("/datdai/1.0{target}"))
        .collect();
    let answers = ask_all(&world, &token, &targets);
    for ((target, status, fault), answer) in held.iter().zip(&answers) {
        let answer = answer.as_ref().unwrap_or_else(|| panic!("{target}: no answer"));
        println!("{target}: {} {} after {:?}", answer.status, answer.fault(), answer.took);
        assert!(answer.took <= RESPONSE_MAX, "{target}: {:?}", answer.took);
        assert!(answer.complete, "{target}: cut");
        assert_eq!((answer.status, answer.fault().as_str()), (*status, *fault), "{target}");
        let row = world.row(&answer.exchange());
        assert_eq!(
            (row["outcome"].as_str(), row["fault"].as_str()),
            (Some("failed"), Some(*fault))
        );
        assert_eq!(row["blame"], "provider");
    }
    for (target, answer) in streamed.iter().zip(&answers[held.len()..]) {
        let answer = answer.as_ref().unwrap_or_else(|| panic!("{target}: no head"));
        println!("{target}: {} cut after {:?}", answer.status, answer.took);
        assert!(answer.took <= RESPONSE_MAX, "{target}: {:?}", answer.took);
        assert_eq!(answer.status, 200, "{target}");
        assert!(!answer.complete, "{target}: the cut cannot be seen");
        assert_eq!(world.row(&answer.exchange())["outcome"], "failed", "{target}");
    }
}

#[test]
fn a_version_may_be_given_less_time() {
    let world = World::start();
    let token = world.token("one-stop");
    let answer = world.call(&token, "GET", "/ngan/1.0/hang", b"");
    assert_eq!((answer.status, answer.fault().as_str()), (504, "provider_timeout"));
    assert!(answer.took >= Duration::from_secs(1) && answer.took < Duration::from_secs(5));
}

#[test]
fn a_thousand_calls_are_held_at_once() {
    const CALLS: usize = 1_000;
    let world = World::start();
    let token = world.token("one-stop");
    let call = request(
        "GET",
        "/datdai/1.0/delay/2000",
        &[("Authorization", &format!("Bearer {token}"))],
        b"",
    );
    let mut connections: Vec<Connection> = (0..CALLS)
        .map(|_| {
            let mut connection = Connection::open(world.listening.live);
            connection.send(&call).unwrap();
            connection
        })
        .collect();
    let began = Instant::now();
    let answers = connections.iter_mut().map(|c| c.answer(began).map(|a| a.status));
    let refused: Vec<_> = answers.filter(|status| *status != Some(200)).collect();
    assert!(refused.is_empty(), "{} of {CALLS} were not answered: {refused:?}", refused.len());
    assert_eq!(world.provider.count(), CALLS as u64);
}

#[test]
fn nothing_of_a_payload_is_left_on_disk_in_logs_or_in_metrics() {
    let mut world = World::start();
    let token = world.token("one-stop");
    let mark = format!("CANARY{:016x}", rand_seed());
    let bearer = format!("Bearer {token}");
    for i in 0..1_000 {
        let canary = format!("{mark}-{i:08x}");
        let target = match i % 5 {
            0 => format!("/datdai/1.0/echo/{canary}?maDinhDanh={canary}"),
            1 => format!("/datdai/1.0/reset?x={canary}"),
            2 => format!("/khac/1.0/{canary}"),
            3 => format!("/datdai/1.0/broken/garbage?x={canary}"),
            _ => format!("/datdai/1.0/tra-cuu?maThua={canary}"),
        };
        let headers = [("Authorization", bearer.as_str()), ("X-Canary", canary.as_str())];
        let call = request("POST", &target, &headers, canary.as_bytes());
        let answer = Connection::open(world.listening.live).ask(call);
        assert!(answer.is_some(), "{target}");
    }
    // Some still hang, one times out, when the power goes.
    let hanging: Vec<Connection> = (0..20)
        .map(|i| {
            let canary = format!("{mark}-hang{i:04}");
            let target = if i % 2 == 0 { "/datdai/1.0/hang" } else { "/ngan/1.0/hang" };
            let call = request("POST", target, &[("Authorization", &bearer)], canary.as_bytes());
            let mut connection = Connection::open(world.listening.live);
            connection.send(call).unwrap();
            connection
        })
        .collect();
    let expired = world.call(&token, "GET", &format!("/ngan/1.0/hang?x={mark}"), b"");
    assert_eq!(expired.fault(), "provider_timeout");
    let metrics = Connection::open(world.listening.ops)
        .ask(request("GET", "/metrics", &[("Connection", "close")], b""))
        .expect("metrics");
    assert_eq!(metrics.status, 200);
    assert!(!metrics.text().contains(&mark), "a canary stands in the metrics");
    world.kill();
    drop(hanging);
    world.restart();
    assert!(
        world.rows(&["--fault", "platform_stopped"]).len() >= 10,
        "the hanging calls have rows"
    );
    assert_eq!(world.stop(), 0);
    assert_eq!(found(world.dir.path(), mark.as_bytes()), Vec::<String>::new());
    assert!(
        world.provider.received().iter().any(|r| r.contains(mark.as_bytes())),
        "the search works"
    );
}

/// Files below `folder` that hold `mark`.
pub(crate) fn found(folder: &Path, mark: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(self::found(&path, mark));
        } else if std::fs::read(&path).unwrap().windows(mark.len()).any(|w| w == mark) {
            found.push(path.display().to_string());
        }
    }
    found
}

fn rand_seed() -> u64 {
    u64::from_le_bytes(terms::random::Random::system().bytes())
}
