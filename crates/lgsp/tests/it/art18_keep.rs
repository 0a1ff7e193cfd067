//! Article 18.5: every act is written and kept; what a client was told, the journal can prove, also
//! after the power went.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::wire::{Connection, request};
use crate::world::World;

const CALLS: usize = 10_000;
const KILLS: usize = 5;
const CLIENTS: usize = 8;

/// Answered, denied, failed, abandoned: what the `i`-th call is made of.
fn target(i: usize) -> (&'static str, bool) {
    match i % 10 {
        0 => ("/khac/1.0/x", true),
        1 => ("/datdai/1.0/tra-cuu", false),
        2 => ("/datdai/1.0/reset", true),
        3 => ("/datdai/1.0/size/100000", true),
        4 => ("/datdai/1.0/a%2Fb", true),
        5 => ("/datdai/1.0/broken/garbage", true),
        _ => ("/datdai/1.0/tra-cuu?maThua=1", true),
    }
}

#[test]
fn each_answer_has_one_row_although_the_server_is_killed_five_times() {
    let mut world = World::start();
    let token = world.token("one-stop");
    let live = world.listening.live;
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(Vec::<(String, u16)>::new());
    let seed = u64::from_le_bytes(terms::random::Random::system().bytes());
    println!("seed {seed}");
    let random = terms::random::Random::seeded(seed);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| client(live, &token, &next, &answers));
        }
        for kill in 1..=KILLS {
            let at = kill * CALLS / (KILLS + 1)
                + usize::from(random.bytes::<1>()[0]) * CALLS / (KILLS + 1) / 512;
            crate::world::wait_until(Duration::from_secs(120), "the load goes on", || {
                next.load(Ordering::SeqCst) >= at
            });
            world.kill();
            world.restart();
        }
    });
    assert_eq!(world.stop(), 0, "a clean stop");
    let answers = answers.into_inner().unwrap();
    let rows = world.rows(&["--kind", "call"]);
    let mut statuses: HashMap<&str, Vec<u64>> = HashMap::new();
    for row in &rows {
        let status = row["status"].as_u64().unwrap_or(0);
        statuses.entry(row["exchange_id"].as_str().unwrap()).or_default().push(status);
    }
    println!("{} answers received, {} rows", answers.len(), rows.len());
    assert!(answers.len() > CALLS / 2, "only {} answers", answers.len());
    for (exchange, status) in &answers {
        let found = statuses.get(exchange.as_str());
        assert_eq!(found, Some(&vec![u64::from(*status)]), "rows of {exchange}");
    }
    world.verify();
    flip_every_segment(&world);
}

fn client(
    live: std::net::SocketAddr,
    token: &str,
    next: &AtomicUsize,
    answers: &Mutex<Vec<(String, u16)>>,
) {
    let bearer = format!("Bearer {token}");
    let mut connection = None;
    loop {
        let i = next.fetch_add(1, Ordering::SeqCst);
        if i >= CALLS {
            return;
        }
        let (target, with_token) = target(i);
        let fields = [("Authorization", bearer.as_str())];
        let call = request("GET", target, if with_token { &fields } else { &[] }, b"");
        let mut open = match connection.take() {
            Some(open) => open,
            None => reconnect(live),
        };
        if i.is_multiple_of(97) {
            // gone before the answer
            let _ = open.send(request("GET", "/datdai/1.0/delay/50", &fields, b""));
            continue;
        }
        if let Some(answer) = open.ask(call)
            && answer.complete
        {
            answers.lock().unwrap().push((answer.exchange(), answer.status));
            if answer.header("connection") != Some("close") {
                connection = Some(open);
            }
        }
    }
}

fn reconnect(live: std::net::SocketAddr) -> Connection {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match Connection::try_open(live) {
            Ok(open) => return open,
            Err(error) => assert!(Instant::now() < end, "the server does not come back: {error}"),
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// One byte changed in any segment: `journal verify` names the file.
fn flip_every_segment(world: &World) {
    let folder = world.data().join("journal");
    let mut segments: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "log"))
        .collect();
    segments.sort();
    assert!(segments.len() > KILLS, "a segment for each life: {segments:?}");
    for segment in segments {
        let whole = std::fs::read(&segment).unwrap();
        let mut changed = whole.clone();
        let at = changed.len() * 2 / 3;
        changed[at] ^= 1;
        std::fs::write(&segment, &changed).unwrap();
        let output = world.run(&["journal", "verify", "--json"]);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{}: {told}", segment.display());
        let name = segment.file_name().unwrap().to_str().unwrap();
        assert!(told.contains(r#""ok":false"#) && told.contains(name), "{name} at {at}: {told}");
        println!("{name}, byte {at} flipped: {}", told.trim());
        std::fs::write(&segment, &whole).unwrap();
    }
    world.verify();
}
