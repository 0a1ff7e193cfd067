//! Fills a throw-away database with the dossiers of five years and measures the answers:
//! `cargo run --release -p dossier --example fill -- [COUNT, 20000000] [sqlite|postgres]`.
//!
//! Each figure is compared with a count over the dossiers themselves. Bringing in many dossiers is
//! quick in the order of their digests: each row is then put at the end of the table's index.

#![allow(clippy::print_stdout, reason = "a program for people who measure")]

use std::time::Duration;

use dossier::fact::{Channel, Record, Status, Tale};
use dossier::message::{Code, Message};
use dossier::{Config, Day, Dossiers, Figures, Opening, Period};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use keyring::Keyring;
use store::Engine;
use store::testing::{postgres, sqlite};
use terms::clock::{Clock, Timestamp};
use terms::random::Random;

/// The first of five years.
const FIRST: Date = date(2021, 1, 1);
/// Days of these years.
const DAYS: u64 = 1826;
/// Agencies of one province.
const AGENCIES: u64 = 200;
/// Dossiers given to one `load`.
const BATCH: usize = 200_000;
/// Answers a question is asked for.
const ROUNDS: usize = 5;

/// A dossier; everything of it follows from its number. Days count from [`FIRST`].
struct Dossier {
    agency: u64,
    received: i64,
    due: i64,
    finished: Option<i64>,
    mixed: u64,
}

/// Mixes a number into one that looks random (splitmix64).
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn part(mixed: u64, shift: u32, modulus: u64) -> i64 {
    ((mixed >> shift) % modulus).cast_signed()
}

impl Dossier {
    fn new(number: u32) -> Dossier {
        let mixed = mix(u64::from(number));
        let received = part(mixed, 0, DAYS);
        let due = received + 3 + part(mixed, 12, 28);
        // nearly all are finished, most of them in time
        let took = part(mixed, 20, 28) + 8 * i64::from(part(mixed, 28, 20) == 0);
        let finished = (part(mixed, 36, 100) != 0).then_some(received + took);
        Dossier { agency: mixed % AGENCIES, received, due, finished, mixed }
    }

    fn code(&self, number: u32) -> String {
        format!("000.{:02}.{:02}.H99-{number:08}", self.agency / 100, self.agency % 100 + 1)
    }

    fn record(&self, days: &[Day], at: Timestamp) -> Record {
        let day = |day: i64| days[usize::try_from(day).unwrap_or_default()];
        let agency = format!("000.{:02}.{:02}.H99", self.agency / 100, self.agency % 100 + 1);
        let finished = self.finished.map(day);
        let moment = |day: Day| dossier::Moment::from_number(day.number() * 1_000_000 + 160_000);
        Record {
            at,
            agency: Some(agency),
            procedure: Some(format!("1.{:06}.000.00.00.H99", self.mixed % 2_000)),
            domain: Some(format!("G99-{:02}", self.mixed % 60)),
            channel: Channel::new(1 + part(self.mixed, 40, 3)),
            status: Status::new(if finished.is_some() { 10 } else { 4 }),
            received: Some(day(self.received)),
            due: Some(day(self.due)),
            finished: finished.and_then(moment),
        }
    }

    /// What it adds to the figures of a period of day numbers, both inclusive: rule by rule, not by
    /// sums.
    fn count(&self, from: i64, to: i64, figures: &mut Figures) {
        if self.received > to || self.finished.is_some_and(|day| day < from) {
            return;
        }
        let first = if self.received < from { &mut figures.carried } else { &mut figures.received };
        *first += 1;
        let figure = match self.finished.filter(|day| *day <= to) {
            Some(day) if day <= self.due => &mut figures.finished_in_time,
            Some(_) => &mut figures.finished_late,
            None if to <= self.due => &mut figures.pending_in_time,
            None => &mut figures.pending_overdue,
        };
        *figure += 1;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: u32 = arguments.next().map_or(Ok(20_000_000), |text| text.parse())?;
    let store = match arguments.next().as_deref() {
        Some("postgres") => postgres().await,
        _ => sqlite().await,
    };
    let folder = tempfile::tempdir()?;
    let last = FIRST.saturating_add((DAYS + 60).cast_signed().days());
    let zone = TimeZone::get("Asia/Ho_Chi_Minh")?;
    let today = last.at(9, 0, 0, 0).to_zoned(zone.clone())?.timestamp();
    let clock = Clock::manual(Timestamp::from_micros(today.as_microsecond()));
    let random = Random::system();
    let keyring = Keyring::open(&folder.path().join("keyring.toml"), &clock, &random)?;
    let (config, actor) = (settings(), "cli:measure");
    let opening = Opening {
        store: &store,
        keyring: &keyring,
        config: &config,
        zone: &zone,
        clock: &clock,
        random: &random,
        actor,
    };
    let dossiers = Dossiers::open(opening).await?.ok_or("the switch is off")?;
    let watch = Clock::system();
    fill(&dossiers, count, &watch, &clock).await?;
    let address = store::testing::config(&store).url;
    if let (Engine::Sqlite, Some(path)) = (store.engine, address.strip_prefix("sqlite:")) {
        println!("database: {} MiB", std::fs::metadata(path)?.len() >> 20);
    }
    ask(&dossiers, count, &watch).await?;
    trickle(&dossiers, count, &watch, &clock).await
}

fn settings() -> Config {
    let ground = "Chạy đo trên dữ liệu giả lập".to_owned();
    let complete_from = Some(FIRST);
    Config { keep_facts: true, legal_ground: Some(ground), complete_from, ..Config::default() }
}

async fn fill(
    dossiers: &Dossiers,
    count: u32,
    watch: &Clock,
    clock: &Clock,
) -> Result<(), Box<dyn std::error::Error>> {
    let begun = watch.instant();
    let code = |number| Code::parse(&Dossier::new(number).code(number)).ok_or("no code");
    let mut order = Vec::new();
    for number in 0..count {
        let digest = dossiers.digest(&code(number)?);
        order.push((u128::from_str_radix(&digest, 16)?, number));
    }
    order.sort_unstable();
    println!("{count} codes digested and ordered: {:.1} s", begun.elapsed().as_secs_f64());
    let day = |day: u64| Day::from(FIRST.saturating_add(day.cast_signed().days()));
    let days: Vec<Day> = (0..DAYS + 60).map(day).collect();
    let begun = watch.instant();
    let mut messages = Vec::with_capacity(BATCH);
    for numbers in order.chunks(BATCH) {
        for (_, number) in numbers {
            let record = Dossier::new(*number).record(&days, clock.now());
            let tale = Tale::Record { record, carried: None };
            messages.push(Message { code: code(*number)?, tale });
        }
        dossiers.load(&messages).await?;
        messages.clear();
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("kept and counted: {seconds:.1} s, {:.0} a second", f64::from(count) / seconds);
    Ok(())
}

/// Odd periods, the whole, one unit and all.
async fn ask(
    dossiers: &Dossiers,
    count: u32,
    watch: &Clock,
) -> Result<(), Box<dyn std::error::Error>> {
    let questions =
        [(0, 0), (17, 23), (100, 461), (700, 1_700), (1_825, 1_840), (0, 1_885), (1, 1_884)];
    let mut expected = [(Figures::default(), Figures::default()); 7];
    for number in 0..count {
        let dossier = Dossier::new(number);
        for ((from, to), (all, one)) in questions.iter().zip(&mut expected) {
            dossier.count(*from, *to, all);
            if dossier.agency % 100 == 6 {
                dossier.count(*from, *to, one);
            }
        }
    }
    let mut slowest = Duration::ZERO;
    for ((from, to), (all, one)) in questions.iter().zip(expected) {
        let [first, last] = [from, to].map(|day| FIRST.saturating_add((*day).days()));
        let period = Period::new(first, last).ok_or("no period")?;
        for (unit, expected) in [(None, all), (Some("000.00.07.H99"), one)] {
            let mut times = Vec::new();
            for _ in 0..ROUNDS {
                let begun = watch.instant();
                let figures = dossiers.figures(period, unit).await?;
                times.push(begun.elapsed());
                if figures != expected {
                    return Err(format!("{first} to {last}: {figures:?}, not {expected:?}").into());
                }
            }
            times.sort();
            slowest = slowest.max(times[ROUNDS - 1]);
            let (middle, most) = (times[ROUNDS / 2].as_millis(), times[ROUNDS - 1].as_millis());
            let unit = unit.unwrap_or("all");
            println!("{first} to {last}, {unit}: as counted; {middle} ms, at most {most} ms");
        }
    }
    println!("slowest answer: {} ms", slowest.as_millis());
    Ok(())
}

/// Messages as they come on a working day: packets of ten, here and there in the filled store.
async fn trickle(
    dossiers: &Dossiers,
    count: u32,
    watch: &Clock,
    clock: &Clock,
) -> Result<(), Box<dyn std::error::Error>> {
    let day = |day: u64| Day::from(FIRST.saturating_add(day.cast_signed().days()));
    let days: Vec<Day> = (0..DAYS + 60).map(day).collect();
    let mut times = Vec::new();
    clock.advance(Duration::from_secs(60));
    for packet in 0..200_u64 {
        let mut messages = Vec::new();
        for item in 0..10 {
            let number = u32::try_from(mix(packet * 10 + item) % u64::from(count))?;
            let dossier = Dossier::new(number);
            let code = Code::parse(&dossier.code(number)).ok_or("no code")?;
            let record = dossier.record(&days, clock.now());
            messages.push(Message { code, tale: Tale::Record { record, carried: None } });
        }
        let begun = watch.instant();
        dossiers.observe(&messages).await?;
        times.push(begun.elapsed());
    }
    times.sort();
    let (middle, most) = (times[100].as_micros(), times[197].as_micros());
    println!("a packet of 10 dossiers that are known: {middle} us, p99 {most} us");
    let begun = watch.instant();
    let recount = dossiers.recount().await?;
    println!("recount: {recount:?} in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}
