//! Sources that do not come to an end, and sources that break.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use terms::clock::Clock;
use terms::deadline::Deadline;
use terms::fault::Language;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::source::{Answered, State};
use super::{gather, tell};

/// Asks `a`, which answers, and `b`, which does what it is told to.
fn ask(b: impl Future<Output = Answered> + Send + 'static, limit: Duration) -> Vec<Answered> {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut asked = JoinSet::new();
        asked.spawn(b);
        asked.spawn(async { told("a", State::Ok(Map::new())) });
        let names = ["b", "a"].map(Arc::from).to_vec();
        gather(asked, names, Deadline::new(Clock::system().instant(), limit)).await
    })
}

fn told(name: &str, state: State) -> Answered {
    Answered { name: name.into(), state }
}

#[test]
fn a_source_without_end_is_late_at_the_deadline_of_the_call() {
    let answered = ask(pending(), Duration::from_millis(50));
    assert_eq!(answered, [told("a", State::Ok(Map::new())), told("b", State::Late)]);
}

#[test]
fn a_source_that_broke_is_named_as_missing() {
    let answered = ask(async { panic!("broken for the test") }, Duration::from_secs(600));
    assert_eq!(answered, [told("a", State::Ok(Map::new())), told("b", State::Missing)]);
}

#[test]
fn the_message_names_who_gave_nothing_in_the_language_asked_for() {
    let figures =
        || State::Ok(json!({"SoNhanTrongKy": "12"}).as_object().cloned().unwrap_or_default());
    for (states, code, vi, en) in [
        (vec![figures(), figures()], 0, "Thành công", "Success"),
        (
            vec![figures(), State::Late],
            0,
            "Thành công một phần; thiếu số liệu của: s1",
            "Partial success; no figures from: s1",
        ),
        (
            vec![State::Missing, State::Late],
            -1,
            "Không nguồn nào có số liệu: s0, s1",
            "No source has figures: s0, s1",
        ),
        (
            vec![],
            -1,
            "Chưa có nguồn thống kê nào được đăng ký",
            "No source of statistics is registered",
        ),
    ] {
        let answered: Vec<Answered> = states
            .into_iter()
            .enumerate()
            .map(|(at, state)| told(&format!("s{at}"), state))
            .collect();
        for (language, expected) in [(Language::Vi, vi), (Language::En, en)] {
            let said: Value = serde_json::from_str(&tell(&answered, language)).unwrap();
            assert_eq!((&said["error_code"], &said["message"]), (&json!(code), &json!(expected)));
        }
    }
}
