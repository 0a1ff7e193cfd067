//! Facts and counters in both databases against a count that knows nothing of them: it looks at all
//! messages again, dossier by dossier and rule by rule.

use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use store::Engine;
use terms::clock::Timestamp;
use terms::random::Random;

use super::world::{World, noon, on, period, record, records, step, steps, zone};
use crate::fact::Tale;
use crate::message::Message;
use crate::{Config, Dossiers, Figures, Moment, store as sql};

/// Draws from a seed that is printed.
struct Dice(Random);

impl Dice {
    fn below(&self, end: u32) -> u32 {
        u32::from_le_bytes(self.0.bytes()) % end
    }

    fn pick<T: Copy>(&self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }

    fn shuffle<T>(&self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at as u32 + 1) as usize);
        }
    }

    /// A day of a few weeks, so that days meet, in one of the forms of the wire; nothing now and
    /// then.
    fn day(&self) -> String {
        let day = date(2026, 2, 20).saturating_add(i64::from(self.below(18)).days());
        let plain = day.strftime("%Y%m%d").to_string();
        match self.below(6) {
            0 => String::new(),
            1 => plain,
            2 => format!("{plain}000000"),
            3 => day.strftime("%d/%m/%Y").to_string(),
            _ => format!("{plain}{:02}{:02}00", self.below(24), self.below(60)),
        }
    }
}

#[derive(Clone, Debug)]
enum Kind {
    Record { status: u8, received: String, due: String, finished: String },
    Step { status: u8, when: String },
    Erasure,
}

/// One message about one dossier.
#[derive(Clone, Debug)]
struct Event {
    code: &'static str,
    at: Timestamp,
    kind: Kind,
}

const CODES: [&str; 9] = [
    "000.00.07.H99-260101-1",
    "000.00.07.H99-260101-2",
    "000.00.07.H99-260101-3",
    "000.05.07.H99-260101-1",
    "000.00.08.H99-260101-1",
    "000.00.08.H99-260101-2",
    "MC-1",
    "MC-2",
    "H98.01-260101-1",
];

fn events(dice: &Dice, count: u32) -> Vec<Event> {
    let mut events = Vec::new();
    for second in 0..count {
        let kind = match dice.below(40) {
            0 => Kind::Erasure,
            1..=15 => Kind::Step { status: dice.pick(&[2, 3, 4, 5, 8, 9, 10]), when: dice.day() },
            _ => Kind::Record {
                status: dice.pick(&[1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 9, 9, 10, 10]),
                received: dice.day(),
                due: dice.day(),
                finished: dice.day(),
            },
        };
        // no two at one moment: a dossier's messages have an order
        let at = noon().plus(Duration::from_secs(u64::from(second)));
        events.push(Event { code: dice.pick(&CODES), at, kind });
    }
    events
}

fn message(event: &Event) -> Message {
    let mut messages = match &event.kind {
        Kind::Record { status, received, due, finished } => {
            records(&[record(event.code, *status, received, due, finished)], event.at)
        }
        Kind::Step { status, when } => steps(&[step(event.code, *status, when)], event.at),
        Kind::Erasure => {
            let mut told = steps(&[step(event.code, 1, "")], event.at);
            told[0].tale = Tale::Erasure(event.at);
            told
        }
    };
    messages.remove(0)
}

/// Of one dossier: accepted, time limit, finished; numbers `yyyyMMddHHmmss`.
type Counted = (i64, Option<i64>, Option<i64>);

fn number(text: &str) -> Option<i64> {
    Moment::parse(text, &zone()).map(Moment::number)
}

fn civil(at: Timestamp) -> i64 {
    Moment::at(at, &zone()).unwrap().number()
}

/// What all messages together say of one dossier.
fn settle(events: &[&Event]) -> Option<Counted> {
    if events.iter().any(|event| matches!(event.kind, Kind::Erasure)) {
        return None;
    }
    let (mut last, mut step, mut first_end) = (None, None, None::<i64>);
    for event in events {
        match &event.kind {
            Kind::Record { status, finished, .. } => {
                if *status >= 8 && number(finished).is_none() {
                    first_end = Some(first_end.unwrap_or(i64::MAX).min(civil(event.at)));
                }
                if last.is_none_or(|known: &Event| known.at < event.at) {
                    last = Some(event);
                }
            }
            Kind::Step { status, when } => {
                let when = number(when).filter(|when| *when <= civil(event.at));
                let when = when.unwrap_or(civil(event.at));
                if *status >= 8 {
                    first_end = Some(first_end.unwrap_or(i64::MAX).min(when));
                }
                step = step.max(Some((when, event.at, *status)));
            }
            Kind::Erasure => {}
        }
    }
    let last = last?;
    let Kind::Record { status, received, due, finished } = &last.kind else { return None };
    let (received, due, finished) = (number(received)?, number(due), number(finished));
    let record_ends = *status >= 8 || (*status == 7 && finished.is_some());
    let mut status_now = *status;
    let mut ends = record_ends;
    if let Some((when, at, status)) = step
        && at > last.at
    {
        let history = status < 8 && record_ends && when <= finished.or(first_end)?;
        if !history {
            (status_now, ends) = (status, status >= 8);
        }
    }
    if [1, 3].contains(&status_now) {
        return None;
    }
    let end = if record_ends { finished.or(first_end) } else { first_end };
    let end = if ends { end.map(|end| end.max(received)) } else { None };
    Some((received, due, end))
}

fn day(number: i64) -> i64 {
    number / 1_000_000
}

/// Looks at each dossier for each figure.
fn count(events: &[Event], unit: Option<&str>, from: Date, to: Date, today: Date) -> Figures {
    let as_number = |date: Date| date.strftime("%Y%m%d").to_string().parse::<i64>().unwrap();
    let (from, today) = (as_number(from), as_number(today));
    let end = as_number(to).min(today);
    let mut figures = Figures::default();
    for code in CODES {
        let agency =
            if code.starts_with("MC") { "000.00.00.H99" } else { code.split('-').next().unwrap() };
        let belongs = match unit {
            None => true,
            Some("H99") => agency.ends_with("H99"),
            Some("000.00.07.H99") => agency.ends_with(".07.H99"),
            Some(unit) => unit == agency,
        };
        let own: Vec<&Event> = events.iter().filter(|event| event.code == code).collect();
        let Some((received, due, finished)) = settle(&own).filter(|_| belongs) else { continue };
        let (accepted, finished_day) = (day(received), finished.map(day));
        if accepted > end {
            continue;
        }
        let finished_by = |last| finished_day.is_some_and(|day| day <= end && day <= last);
        if accepted >= from {
            figures.received += 1;
        } else if !finished_by(from - 1) {
            figures.carried += 1;
        }
        if finished_by(end) {
            let finished = finished.unwrap();
            let late = due.is_some_and(|due| day(finished) > day(due));
            if day(finished) >= from && late {
                figures.finished_late += 1;
            } else if day(finished) >= from {
                figures.finished_in_time += 1;
            }
        } else if due.is_some_and(|due| day(due) < end) {
            figures.pending_overdue += 1;
        } else {
            figures.pending_in_time += 1;
        }
    }
    figures
}

async fn compare(dossiers: &Dossiers, world: &World, dice: &Dice, told: &[Event], seed: u64) {
    let unit = dice.pick(&[None, Some("H99"), Some("000.00.07.H99"), Some("H98.01"), Some("x")]);
    let day = || date(2026, 2, 17).saturating_add(i64::from(dice.below(30)).days());
    let (one, other, today) = (day(), day(), day());
    let (from, to) = (one.min(other), one.max(other));
    let now = today.at(9, 0, 0, 0).to_zoned(zone()).unwrap().timestamp();
    world.clock.set(Timestamp::from_micros(now.as_microsecond()));
    let figures = dossiers.figures(period(from, to), unit).await.unwrap();
    let expected = count(told, unit, from, to, today);
    assert_eq!(figures, expected, "seed {seed}: {unit:?} {from} to {to} asked on {today}");
}

/// Late corrections, duplicates, messages out of order and erasures: the counters stay equal to a
/// recount, after each batch.
#[tokio::test]
async fn any_stream_of_messages_leaves_the_counters_of_a_recount() {
    for world in World::both().await {
        let rounds = if world.store.engine == Engine::Sqlite { 24 } else { 8 };
        for seed in 1..=rounds {
            println!("seed {seed}");
            let dice = Dice(Random::seeded(seed));
            let dossiers = reopen(&world, seed).await;
            let events = events(&dice, 20 + dice.below(100));
            let mut stream = events.clone();
            for _ in 0..dice.below(40) {
                stream.push(events[dice.below(events.len() as u32) as usize].clone());
            }
            if dice.below(3) > 0 {
                dice.shuffle(&mut stream);
            }
            let mut told: Vec<Event> = Vec::new();
            let mut rest = stream.as_slice();
            while !rest.is_empty() {
                let (batch, after) = rest.split_at(rest.len().min(1 + dice.below(20) as usize));
                rest = after;
                let messages: Vec<Message> = batch.iter().map(message).collect();
                dossiers.observe(&messages).await.unwrap();
                told.extend_from_slice(batch);
                compare(&dossiers, &world, &dice, &told, seed).await;
            }
            for _ in 0..20 {
                compare(&dossiers, &world, &dice, &told, seed).await;
            }
            let recount = dossiers.recount().await.unwrap();
            assert_eq!(recount.wrong, 0, "seed {seed}");
            assert_same_in_any_order(&dossiers, &world, &dice, events, seed).await;
        }
    }
}

/// Erases everything and tells the same events in another order and other batches.
async fn assert_same_in_any_order(
    dossiers: &Dossiers,
    world: &World,
    dice: &Dice,
    mut events: Vec<Event>,
    seed: u64,
) {
    let facts =
        || async { sql::list_page(&world.store.pool, sql::Sort::Known, "", 1_000).await.unwrap() };
    let first = facts().await;
    assert_eq!(world.erase_all().await, first.len() as u64);
    assert_eq!(sql::list_days(&world.store.pool).await.unwrap(), crate::mark::Days::default());
    dice.shuffle(&mut events);
    let messages: Vec<Message> = events.iter().map(message).collect();
    dossiers.observe(&messages).await.unwrap();
    assert_eq!(facts().await, first, "seed {seed}");
    world.erase_all().await;
}

/// An erasure makes the facts incomplete: another day is stated for each round.
async fn reopen(world: &World, seed: u64) -> Dossiers {
    let from = date(2024, 1, 1).saturating_add(seed.cast_signed().days());
    world.open(&Config { complete_from: Some(from), ..on() }).await.unwrap()
}
