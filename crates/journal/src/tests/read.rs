//! Search, statistics, export and counting, over several segments and beside the writer.

use super::*;
use crate::{By, Counted, Format, count_since, export, stats};
use jiff::tz::TimeZone;

/// Rows whose close comes in another order than their opening, over several segments.
fn shuffled(seed: u64, rows: u64) -> (Ground, Journal, Vec<Row>) {
    let mut ground = Ground::new(seed);
    ground.bounds.segment_bytes = 8 * 1024;
    let (journal, _) = ground.open();
    let mut written = Vec::new();
    for n in 0..rows {
        ground.clock.advance(Duration::from_secs(600));
        let late = Duration::from_secs(ground.below(7_200));
        let at = ground.clock.now().minus(late);
        let system = if n % 3 == 0 { "one-stop" } else { "so-y-te" };
        let outcome = if n % 5 == 0 { Outcome::Denied } else { Outcome::Answered };
        let row = Row {
            consumer_system: Some(system.into()),
            outcome: Some(outcome),
            fault: (outcome == Outcome::Denied).then(|| "rate_exceeded".into()),
            reference: Some(format!("ref-{n}").into()),
            total_us: Some(1_000 * (n + 1)),
            response_bytes: Some(n),
            node: Some("n1".into()),
            ..full_row(ExchangeId::new(at, &ground.random), at)
        };
        journal.write(&row).wait().unwrap();
        written.push(row);
    }
    written.sort_by_key(|row| (row.opened_at, row.exchange_id));
    (ground, journal, written)
}

#[test]
fn rows_come_in_the_order_of_their_opening_beside_the_writer() {
    let (ground, journal, rows) = shuffled(400, 300);
    assert!(ground.logs().len() > 5);
    let check = |filter: &Filter, takes: &dyn Fn(&Row) -> bool| {
        let expected: Vec<_> = rows.iter().filter(|row| takes(row)).cloned().collect();
        assert!(!expected.is_empty());
        assert_eq!(found(&ground.dir(), filter), expected, "{filter:?}");
        let limit = expected.len().div_ceil(2);
        let limited = Filter { limit: Some(limit), ..filter.clone() };
        assert_eq!(found(&ground.dir(), &limited), expected[..limit], "{limited:?}");
    };
    let (low, high) = (rows[100].opened_at, rows[200].opened_at);
    let text = |text: &str| Some(text.to_owned());
    for stopped in [false, true] {
        if stopped {
            journal.stop();
        }
        let all = Filter::default;
        check(&all(), &|_| true);
        check(&Filter { from: Some(low), ..all() }, &|row| row.opened_at >= low);
        check(&Filter { from: Some(low), to: Some(high), ..all() }, &|row| {
            (low..high).contains(&row.opened_at)
        });
        let id = rows[77].exchange_id;
        check(&Filter { exchange: Some(id), ..all() }, &|row| row.exchange_id == id);
        let system = Filter { system: text("one-stop"), ..all() };
        check(&system, &|row| row.consumer_system.as_deref() == Some("one-stop"));
        let denied = |row: &Row| row.outcome == Some(Outcome::Denied);
        check(&Filter { outcome: Some(Outcome::Denied), ..all() }, &denied);
        check(&Filter { fault: text("rate_exceeded"), ..all() }, &denied);
        check(&Filter { reference: text("ref-9"), ..all() }, &|row| {
            row.reference.as_deref() == Some("ref-9")
        });
        for member in ["H01.009", "H01.013"] {
            check(&Filter { member: text(member), ..all() }, &|_| true);
        }
    }
    let none = Filter { service: text("none"), ..Filter::default() };
    assert_eq!(found(&ground.dir(), &none), []);
    let nowhere = ground.folder.path().join("nowhere");
    assert_eq!(found(&nowhere, &Filter::default()), []);
}

#[test]
fn a_live_segment_cut_in_the_middle_of_a_frame_is_read_up_to_there() {
    let ground = Ground::new(401);
    let (journal, _) = ground.open();
    (0..3).for_each(|_| journal.write(&ground.row()).wait().unwrap());
    let path = ground.logs()[0].clone();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(ground.found().len(), 2);
    let verdict = ground.verify();
    assert!(verdict.ok && verdict.pending == ["n1-0000000001.log"], "{verdict:?}");
    ground.disk.set(|disk| disk.cut = true);
    drop(journal);
}

#[test]
fn statistics_sum_over_count_by_the_platforms_day() {
    let ground = Ground::new(402);
    let (journal, _) = ground.open();
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let at = |text: &str| Timestamp::parse(text).unwrap();
    let write = |opened: &str, change: &dyn Fn(&mut Row)| {
        let mut row = full_row(ExchangeId::new(at(opened), &ground.random), at(opened));
        change(&mut row);
        journal.write(&row).wait().unwrap();
    };
    write("2026-11-21T16:59:59Z", &|_| {});
    write("2026-11-21T17:00:00Z", &|_| {});
    write("2026-11-22T16:59:59Z", &|row| row.count = 41);
    write("2026-11-22T10:00:00Z", &|row| row.parent = Some(row.exchange_id));
    write("2026-11-22T10:00:00Z", &|row| row.kind = Kind::Token);
    let table = |filter: &Filter, by: &[By]| -> Vec<serde_json::Value> {
        let groups = stats(&ground.dir(), filter, by, &zone).unwrap();
        groups.iter().map(|group| serde_json::to_value(group).unwrap()).collect()
    };
    let days = table(&Filter::default(), &[By::Day, By::Service]);
    assert_eq!(days.len(), 2);
    assert_eq!(days[0]["day"], "2026-11-21");
    assert_eq!((&days[0]["count"], &days[0]["service"]), (&1.into(), &"tra-cuu".into()));
    assert_eq!((&days[1]["day"], &days[1]["count"]), (&"2026-11-22".into(), &42.into()));
    assert_eq!(days[1]["response_bytes"], 512);
    let p50 = days[1]["p50_us"].as_u64().unwrap();
    assert!((21_034..=21_034 + 21_034 / 64).contains(&p50), "{p50}");
    let tokens = Filter { kind: Some(Kind::Token), ..Filter::default() };
    assert_eq!(table(&tokens, &[])[0]["count"], 1);
    for (word, by) in By::ALL {
        assert_eq!(By::parse(word), Some(*by));
        assert!(!table(&Filter::default(), &[*by]).is_empty(), "{word}");
    }
}

#[test]
fn export_writes_what_search_finds() {
    let (ground, _journal, mut rows) = shuffled(403, 20);
    let mut out = Vec::new();
    let count = export(&ground.dir(), &Filter::default(), Format::Jsonl, &mut out).unwrap();
    let lines: Vec<serde_json::Value> = out
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    assert_eq!(count, 20);
    assert_eq!(lines, rows.iter().map(Row::to_json).collect::<Vec<_>>());

    let strange = Row { reference: Some("=1+1,\"a\"".into()), ..rows.remove(0) };
    let other = Ground::new(404);
    let (journal, _) = other.open();
    journal.write(&strange).wait().unwrap();
    let mut out = Vec::new();
    export(&other.dir(), &Filter::default(), Format::Csv, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<_> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 3, "a header, a row, an end");
    assert!(lines[0].starts_with("kind,exchange_id,parent,count,") && lines[0].ends_with(",form"));
    assert!(lines[1].contains(",\"'=1+1,\"\"a\"\"\","), "{}", lines[1]);
    assert!(lines[1].ends_with(",2"), "{}", lines[1]);
}

#[test]
fn quotas_count_admitted_calls_of_all_segments() {
    let (ground, journal, rows) = shuffled(405, 200);
    let from = rows[50].opened_at;
    let admitted = |row: &&Row| row.opened_at >= from && row.outcome != Some(Outcome::Denied);
    for _ in 0..2 {
        let counts = count_since(&ground.dir(), from).unwrap();
        assert_eq!(counts.len(), 2);
        for system in ["one-stop", "so-y-te"] {
            let counted = Counted {
                system: system.into(),
                service: "tra-cuu".into(),
                version: "1.0".into(),
                environment: Environment::Live,
            };
            let of = |row: &&Row| row.consumer_system.as_deref() == Some(system);
            let expected = rows.iter().filter(admitted).filter(of).count() as u64;
            assert_eq!(counts[&counted], expected, "{system}");
        }
        journal.stop();
    }
}
