//! One call at a time for each dossier, in the order in which they came (QCV-02).

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_util::future::join;

use super::*;
use crate::portal::order::{Order, Turn};

/// Has the turn come?
fn has_come(turn: &Turn<'_>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    matches!(pin!(turn.come()).poll(&mut context), Poll::Ready(()))
}

#[test]
fn who_came_first_goes_first() {
    let order = Order::default();
    let first = order.line_up(vec![1, 2]);
    let second = order.line_up(vec![3, 2, 2]);
    let third = order.line_up(vec![3]);
    let fourth = order.line_up(vec![1]);
    let other = order.line_up(vec![4]);
    let none = order.line_up(vec![]);
    let come = |turns: &[&Turn<'_>]| turns.iter().map(|turn| has_come(turn)).collect::<Vec<_>>();
    assert_eq!(come(&[&first, &second, &third, &fourth]), [true, false, false, false]);
    assert_eq!(come(&[&other, &none]), [true, true]);
    drop(first);
    // the third came after the second, which waited for the first: it did not overtake
    assert_eq!(come(&[&second, &third, &fourth]), [true, false, true]);
    let fifth = order.line_up(vec![1, 2, 3]);
    drop(third);
    assert_eq!(come(&[&second, &fifth]), [true, false], "one that waits may leave");
    drop((second, fourth));
    assert!(has_come(&fifth));
    drop((fifth, other, none));
    assert_eq!(order.len(), 0, "nothing is kept");
}

#[test]
fn a_seeded_crowd_is_served_in_order_and_without_overlap() {
    let seed = 120;
    println!("seed {seed}");
    let random = terms::random::Random::seeded(seed);
    let pick = |below: u8| u64::from(random.bytes::<1>()[0] % below);
    for _ in 0..200 {
        let order = Order::default();
        // dossiers, turn, and whether it has gone already
        let mut waiting: Vec<(Vec<u64>, Turn<'_>)> = Vec::new();
        for _ in 0..60 {
            if pick(3) > 0 {
                let dossiers: Vec<u64> = (0..pick(4)).map(|_| pick(6)).collect();
                waiting.push((dossiers.clone(), order.line_up(dossiers)));
            } else if !waiting.is_empty() {
                let at = pick(u8::try_from(waiting.len()).unwrap());
                drop(waiting.remove(usize::try_from(at).unwrap()));
            }
            for (at, (dossiers, turn)) in waiting.iter().enumerate() {
                let before = &waiting[..at];
                let blocked =
                    before.iter().any(|(others, _)| others.iter().any(|d| dossiers.contains(d)));
                assert_eq!(has_come(turn), !blocked);
            }
        }
        drop(waiting);
        assert_eq!(order.len(), 0);
    }
}

#[test]
fn a_dossier_waits_for_itself_only() {
    talk(|| async {
        let world = World::new().await;
        world.ask_new(&["A"]).await;
        let slow = Trouble { delay_ms: 1_000, dossiers: vec!["A".into()], ..Trouble::default() };
        world.portal.trouble(Trouble { requests: Some(1), ..slow });
        let ended = RefCell::new(Vec::new());
        let send = |name: &'static str, operation: &'static str, body: String| {
            let (world, ended) = (&world, &ended);
            async move {
                assert_eq!(world.ask(operation, &body).await.code(), "0", "{name}");
                ended.borrow_mut().push(name);
            }
        };
        let update = send("update", SYNC, sync(&["A"], "True"));
        let both = send("both", SYNC, sync(&["B", "C"], "False"));
        let progress = send("progress", PROGRESS, progress(&["A", "A"]));
        join(join(update, progress), both).await;
        assert_eq!(*ended.borrow(), ["both", "update", "progress"]);
        assert!(world.portal.dossiers().iter().all(|dossier| !dossier.overlapped()));
    });
}

/// A code is one on the way of one system to one portal, however it is written.
#[test]
fn a_slow_call_of_another_system_holds_up_nobody() {
    let order = Order::default();
    let (live, trial) = (Environment::Live, Environment::Trial);
    let way = |environment: Environment, portal: &'static str, sender: &'static str| {
        order.dossier(&(environment, (portal, None::<&str>), sender), "A")
    };
    let one = way(live, "p", "one");
    assert_eq!(one, way(live, "p", "one"));
    for other in [way(live, "p", "two"), way(live, "q", "one"), way(trial, "p", "one")] {
        assert_ne!(one, other);
    }
    talk(|| async {
        let world = World::new().await;
        world.ask_new(&["Hồ-1"]).await;
        let slow = Trouble { delay_ms: 800, requests: Some(1), ..Trouble::default() };
        world.portal.trouble(slow);
        let ended = RefCell::new(Vec::new());
        let send = |name: &'static str, sender: &'static str, code: &str| {
            let record = format!(r#"{{"MaHoSo":{code},"TrangThaiHoSo":"4"}}"#);
            let body = format!(r#"{{"service":"{SYNC}","isUpdating":"True","data":[{record}]}}"#);
            let (world, ended) = (&world, &ended);
            async move {
                let call =
                    PortalCall { sender, ..world.call(SYNC, &body, Duration::from_secs(10)) };
                world.connector.send_portal(call).await.unwrap();
                ended.borrow_mut().push(name);
            }
        };
        let first = send("first", "one", "\"Hồ-1\"");
        let escaped = send("the same", "one", "\" ho\u{302}\\u0300-1\"");
        let other = send("another system", "two", "\"Hồ-1\"");
        join(join(first, escaped), other).await;
        assert_eq!(*ended.borrow(), ["another system", "first", "the same"]);
    });
}

#[test]
fn many_calls_for_few_dossiers_keep_their_order() {
    talk(|| async {
        let world = World::new().await;
        world.ask_new(&["A", "B", "C"]).await;
        // every third answer is slow: without turns the later ones would overtake
        world.portal.trouble(Trouble { delay_ms: 30, every: Some(3), ..Trouble::default() });
        let calls = (0..60).map(|at| {
            let code = ["A", "B", "C"][at % 3];
            let body = json!({"service": PROGRESS,
                "data": [{"MaHoSo": code, "NoiDungXuLy": (at / 3).to_string()}]});
            let world = &world;
            async move { assert_eq!(world.ask(PROGRESS, &body.to_string()).await.code(), "0") }
        });
        futures_util::future::join_all(calls).await;
        for code in ["A", "B", "C"] {
            let dossier = world.portal.dossier(code).unwrap();
            assert!(!dossier.overlapped());
            let rows = dossier.progress.iter();
            let order: Vec<usize> = rows
                .map(|row| serde_json::from_str::<Value>(row.get()).unwrap())
                .map(|row| row["NoiDungXuLy"].as_str().unwrap().parse().unwrap())
                .collect();
            assert_eq!(order, (0..20).collect::<Vec<_>>(), "{code}");
        }
    });
}

#[test]
fn a_call_whose_turn_does_not_come_in_time_was_not_sent() {
    talk(|| async {
        let world = World::new().await;
        world.ask_new(&["A"]).await;
        world.portal.trouble(Trouble { delay_ms: 1_500, ..Trouble::default() });
        let body = sync(&["A"], "True");
        let slow = world.ask(SYNC, &body);
        let impatient = async {
            let body = progress(&["A"]);
            let limit = Duration::from_millis(150);
            let failure = world.send_within(PROGRESS, &body, limit).await.err().unwrap();
            assert_eq!((failure.kind, failure.reached), (FailureKind::Timeout, false));
            assert!(cause(&failure).contains("an earlier call for the same dossier"));
            assert_eq!(failure.trace.attempts, 0);
        };
        join(slow, impatient).await;
        assert!(world.calls(PROGRESS).is_empty());
        world.portal.trouble(Trouble::default());
        assert_eq!(world.ask(PROGRESS, &progress(&["A"])).await.code(), "0", "and is gone");
    });
}

#[test]
fn looking_up_waits_for_nobody() {
    talk(|| async {
        let world = World::new().await;
        world.ask_new(&["A"]).await;
        let slow = Trouble { delay_ms: 1_000, service: Some(SYNC.into()), ..Trouble::default() };
        world.portal.trouble(slow);
        let ended = RefCell::new(Vec::new());
        let body = sync(&["A"], "True");
        let update = async {
            world.ask(SYNC, &body).await;
            ended.borrow_mut().push("update");
        };
        let look = async {
            let told = world.ask("TraCuuHoSo", r#"{"service":"TraCuuHoSo","mahoso":"A"}"#).await;
            assert_eq!(told.json()["result"][0]["MaHoSo"], "A");
            ended.borrow_mut().push("look");
        };
        join(update, look).await;
        assert_eq!(*ended.borrow(), ["look", "update"]);
    });
}
