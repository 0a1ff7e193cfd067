//! Sources that do not come to an end, and sources that break.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use terms::clock::Clock;
use terms::deadline::Deadline;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::gather;
use super::source::{Answered, State};

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
