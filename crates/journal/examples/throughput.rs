//! What a record costs: CPU microseconds for each open and close, wall-clock rate, and what a row
//! costs to encode. `throughput [PAIRS] [CALLERS] [attend] [never]`.

#![allow(clippy::print_stdout, reason = "a measurement prints its result")]

use std::time::Instant;

use journal::{Class, Config, Digest, Journal, Row, Sync};
use terms::clock::Clock;
use terms::exchange::{ExchangeId, Kind, Outcome};
use terms::random::Random;

fn row(clock: &Clock, random: &Random) -> Row {
    let at = clock.now();
    Row {
        closed_at: Some(at),
        forwarded_at: Some(at),
        answered_at: Some(at),
        consumer_member: Some("H01.009".into()),
        consumer_system: Some("one-stop".into()),
        credential: Some("ck_9f8e7d6c5b4a39281706f5e4d3c2b1a0".into()),
        provider_member: Some("H01.013".into()),
        service: Some("tra-cuu".into()),
        version: Some("1.0".into()),
        method: Some("GET".into()),
        status: Some(200),
        outcome: Some(Outcome::Answered),
        response_bytes: Some(256),
        response_digest: Some(Digest::from_bytes([7; 32])),
        digest_key: Some("hmac-sha256:1:2026-11".into()),
        attempts: Some(1),
        upstream: Some("http://10.1.2.3:9101".into()),
        upstream_us: Some(20_750),
        total_us: Some(21_034),
        client_address: Some([10, 1, 0, 7].into()),
        reference: Some("HS-2026-000123".into()),
        ..Row::new(Kind::Call, ExchangeId::new(at, random), at)
    }
}

/// User and system time of this process, microseconds.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    ticks * 10_000
}

fn encode(clock: &Clock, row: &Row) {
    const ROUNDS: u32 = 1_000_000;
    let mut out = Vec::new();
    let begun: Instant = clock.instant();
    for _ in 0..ROUNDS {
        out.clear();
        row.encode(std::hint::black_box(&mut out));
    }
    println!("encode: {} bytes, {:?} a row", out.len(), begun.elapsed() / ROUNDS);
}

/// What the measurement itself costs: a task's turn, the time, an id.
fn idle(clock: &Clock, random: &Random, rounds: u64) -> Result<(), std::io::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let before = cpu();
    runtime.block_on(async {
        for _ in 0..rounds {
            std::hint::black_box(ExchangeId::new(clock.now(), random));
            tokio::task::yield_now().await;
        }
    });
    #[allow(clippy::cast_precision_loss, reason = "a measurement")]
    let each = (cpu() - before) as f64 / rounds as f64;
    println!("of which the measurement itself: about {each:.2} CPU µs");
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut numbers = words.iter().filter_map(|word| word.parse::<u64>().ok());
    let (pairs, callers) = (numbers.next().unwrap_or(200_000), numbers.next().unwrap_or(64));
    let is = |word: &str| words.iter().any(|w| w == word);
    let (clock, random) = (Clock::system(), Random::system());
    let row = row(&clock, &random);
    encode(&clock, &row);

    let folder = tempfile::tempdir_in(".")?;
    let config = Config {
        dir: folder.path().join("journal"),
        keys: folder.path().join("keys"),
        node: "n1".to_owned(),
        retention_months: 24,
        sync: if is("never") { Sync::Never } else { Sync::Always },
    };
    let (journal, _) = Journal::open(&config, clock.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let tasks = tokio::task::LocalSet::new();
    if is("attend") {
        tasks.spawn_local(journal.attend());
    }
    let (begun, before) = (clock.instant(), cpu());
    let calls: Vec<_> = (0..callers)
        .map(|_| {
            let (journal, mut row, clock, random) =
                (journal.clone(), row.clone(), clock.clone(), random.clone());
            tasks.spawn_local(async move {
                for _ in 0..pairs / callers {
                    row.exchange_id = ExchangeId::new(clock.now(), &random);
                    let mut entry = journal.reserve(Class::Identified)?;
                    entry.open(&row)?;
                    tokio::task::yield_now().await;
                    entry.close(&row).await?;
                }
                Ok::<_, journal::Unavailable>(())
            })
        })
        .collect();
    tasks.block_on(&runtime, async {
        for call in calls {
            call.await??;
        }
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    let (wall, spent) = (begun.elapsed(), cpu() - before);
    #[allow(clippy::cast_precision_loss, reason = "a measurement")]
    let each = spent as f64 / pairs as f64;
    println!(
        "{pairs} pairs, {callers} callers: {each:.2} CPU µs a pair, {:.0} pairs a second",
        f64::from(u32::try_from(pairs)?) / wall.as_secs_f64()
    );
    journal.stop();
    idle(&clock, &random, pairs)?;
    Ok(())
}
