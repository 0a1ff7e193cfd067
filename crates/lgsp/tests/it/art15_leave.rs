//! Article 15 and 12 step 6: what is withdrawn by another process bites within a second, and
//! nobody else feels it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::wire::{Connection, request};
use crate::world::World;

/// Live within one second, on any node (design, section 4).
const BITES_WITHIN: Duration = Duration::from_secs(1);
/// Both streams together, requests a second.
const RATE: u32 = 500;

/// One stream of calls: when each was answered, with which status.
struct Stream {
    seen: Arc<Mutex<Vec<(Instant, u16)>>>,
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Stream {
    fn start(world: &World, token: String) -> Stream {
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (shared, ended) = (seen.clone(), stop.clone());
        let live = world.listening.live;
        let thread = std::thread::spawn(move || {
            let bearer = format!("Bearer {token}");
            let call = request("GET", "/datdai/1.0/size/64", &[("Authorization", &bearer)], b"");
            let mut connection = Connection::open(live);
            let mut due = Instant::now();
            while !ended.load(Ordering::SeqCst) {
                due += Duration::from_secs(2) / RATE;
                while let Some(left) = due.checked_duration_since(Instant::now()) {
                    std::thread::park_timeout(left);
                }
                let answer = connection.ask(&call).expect("an answer to every call");
                shared.lock().unwrap().push((Instant::now(), answer.status));
            }
        });
        Stream { seen, stop, thread }
    }

    fn wait_for(&self, what: &str, holds: impl Fn(&[(Instant, u16)]) -> bool) {
        crate::world::wait_until(Duration::from_secs(20), what, || {
            holds(&self.seen.lock().unwrap())
        });
    }

    fn end(self) -> Vec<(Instant, u16)> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        Arc::try_unwrap(self.seen).ok().unwrap().into_inner().unwrap()
    }
}

/// Runs both streams, withdraws, and checks who felt it when.
fn withdraw(what: &str, status: u16, deed: impl FnOnce(&World)) {
    let world = World::start();
    let leaving = Stream::start(&world, world.token("one-stop"));
    let staying = Stream::start(&world, world.token("archive"));
    leaving.wait_for("calls succeed first", |seen| seen.len() > 100);
    deed(&world);
    let done = Instant::now();
    leaving.wait_for("the refusal arrives", |seen| seen.last().is_some_and(|s| s.1 == status));
    let refused = leaving.seen.lock().unwrap().len();
    leaving.wait_for("more calls follow", |seen| seen.len() > refused + 200);
    let (leaving, staying) = (leaving.end(), staying.end());
    let last = leaving.iter().filter(|s| s.1 == 200).map(|s| s.0).max().expect("a success");
    println!("{what}: last success {:?} after the command", last.saturating_duration_since(done));
    assert!(last <= done + BITES_WITHIN, "{what}: last success {:?} after", last - done);
    assert!(leaving.iter().all(|s| s.1 == 200 || s.1 == status), "{what}: only {status} refuses");
    assert!(staying.iter().all(|s| s.1 == 200), "{what}: nobody else is refused");
    assert!(staying.len() > 100);
}

#[test]
fn a_revoked_key_dies_with_its_tokens() {
    withdraw("key revoked", 401, |world| {
        let key = world.credential("one-stop", "live").consumer_key;
        crate::world::checked(world.run(&["key", "revoke", &key]));
    });
}

#[test]
fn a_cancelled_subscription_ends() {
    withdraw("subscription cancelled", 403, |world| {
        world.apply(
            "subscriptions:\n  - { system: one-stop, service: land, version: \"1.0\", environment: live, state: cancelled }\n",
        );
    });
}

#[test]
fn a_stopped_system_is_silent() {
    withdraw("system stopped", 401, |world| {
        world.apply("systems:\n  - { code: one-stop, member: H01.009, name: Hệ thống một cửa, state: stopped }\n");
    });
}
