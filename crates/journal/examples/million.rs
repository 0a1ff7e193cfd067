//! A million acknowledged rows, the process ended without a stop, every row found again.
//! `million DIR [ROWS]` writes and then aborts; `million DIR check [ROWS]` reads back.

#![allow(clippy::print_stdout, reason = "a measurement prints its result")]

use std::path::Path;

use journal::{Config, Filter, Journal, Row, Sync};
use terms::clock::Clock;
use terms::exchange::{ExchangeId, Kind};
use terms::random::Random;

const ROWS: u64 = 1_000_000;
const BATCH: u64 = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let folder = Path::new(words.first().ok_or("a folder is missing")?);
    let rows = words.iter().find_map(|word| word.parse().ok()).unwrap_or(ROWS);
    let config = Config {
        dir: folder.join("journal"),
        keys: folder.join("keys"),
        node: "n1".to_owned(),
        retention_months: 24,
        sync: Sync::Always,
    };
    let clock = Clock::system();
    let begun = clock.instant();
    let (journal, recovery) = Journal::open(&config, clock.clone())?;
    if words.iter().any(|word| word == "check") {
        let opened = begun.elapsed();
        let found = journal::search(&config.dir, &Filter::default())?;
        let count = found.filter(Result::is_ok).count();
        println!("opened in {opened:?}: {recovery:?}; {count} of {rows} rows");
        let whole = count as u64 == rows;
        return if whole { Ok(()) } else { Err("rows are missing".into()) };
    }
    let random = Random::system();
    for _ in 0..rows / BATCH {
        let row = || {
            let at = clock.now();
            Row::new(Kind::Call, ExchangeId::new(at, &random), at)
        };
        let waiting: Vec<_> = (0..BATCH).map(|_| journal.write(&row())).collect();
        waiting.into_iter().try_for_each(journal::Durable::wait)?;
    }
    println!("{rows} rows acknowledged in {:?}", begun.elapsed());
    // No destructor runs, no thread is joined: what is not on its way to the disk is gone.
    std::process::abort()
}
