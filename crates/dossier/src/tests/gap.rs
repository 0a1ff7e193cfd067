//! What keeps the facts from being complete, and what makes them complete again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::civil::date;
use terms::clock::Timestamp;
use terms::limit::FACTS_WRITTEN_MAX;

use super::world::{ERASURE, World, march, noon, on, period, record, records, step, steps};
use crate::message::{self, Code, Message};
use crate::schedule::{Outcome, State};
use crate::{
    Carried, Cause, Config, DossierError, Dossiers, Figures, Gaps, Period, Settlement, Span, Tally,
    Unit,
};

const CODE: &str = "000.00.07.H99-260302-00017";

fn received(count: u64) -> Figures {
    Figures { received: count, pending_in_time: count, ..Figures::default() }
}

fn later(seconds: u64) -> Timestamp {
    noon().plus(Duration::from_secs(seconds))
}

fn one(status: u8, received: &str, finished: &str, at: Timestamp) -> Vec<Message> {
    records(&[record(CODE, status, received, "", finished)], at)
}

fn carried(packet: &str, item: &str, at: Timestamp) -> Carried {
    let body = Bytes::from(format!("[{item}]"));
    let (packet, sender) = (packet.into(), Arc::from("H99"));
    Carried { packet, sender, body, at, held: usize::MAX, doubt: usize::MAX }
}

fn in_doubt(carried: Carried) -> Carried {
    Carried { held: 0, ..carried }
}

async fn is_told(dossiers: &Dossiers, period: Period) -> bool {
    match dossiers.figures(period, None).await {
        Ok(_) => true,
        Err(DossierError::Gaps { .. }) => false,
        Err(error) => panic!("{error:?}"),
    }
}

/// Only the periods that a doubt may touch are without figures.
#[tokio::test]
async fn a_packet_in_doubt_leaves_its_period_without_figures() {
    for world in World::both().await {
        let dossiers = world.open(&on()).await.unwrap();
        dossiers.doubt(&one(2, "20260305", "", noon())).await.unwrap();
        let gaps = dossiers.gaps().await.unwrap();
        assert_eq!((gaps.dossiers, gaps.lost), (1, 0));
        assert_eq!(gaps.first.unwrap().to_string(), "2026-03-05");
        for (from, to, expected) in [
            (date(2026, 3, 1), date(2026, 3, 4), true),
            (date(2026, 3, 1), date(2026, 3, 5), false),
            (date(2026, 3, 6), date(2026, 3, 9), false),
            (date(2026, 1, 15), date(2026, 1, 31), true),
        ] {
            assert_eq!(is_told(&dossiers, period(from, to)).await, expected, "{from} {to}");
        }
        // what was lost may be of any day
        dossiers.note_lost(3, Cause::Unwritten).await.unwrap();
        assert!(!is_told(&dossiers, period(date(2026, 1, 15), date(2026, 1, 31))).await);
        assert_eq!(world.open_elsewhere(&on()).await.unwrap().gaps().await.unwrap().lost, 3);
    }
}

/// Each row: what is known, what is in doubt, what is taken then, and whether that ends the doubt.
#[tokio::test]
async fn a_later_packet_of_the_dossier_ends_a_doubt_that_changes_nothing_any_more() {
    let none = Vec::new;
    let accepted = || one(2, "20260305", "", noon());
    let closed = |at| one(9, "20260305", "20260309", at);
    let worked = |status, at| steps(&[step(CODE, status, "20260307090000")], at);
    let ended = |moment, at| steps(&[step(CODE, 9, moment)], at);
    for (what, known, doubt, taken, is_over) in [
        ("sent again", none(), accepted(), one(2, "20260305", "", later(60)), true),
        ("updated", accepted(), closed(later(9)), closed(later(60)), true),
        ("an older record", none(), closed(later(60)), accepted(), false),
        ("the same", accepted(), one(2, "20260305", "", later(9)), none(), true),
        ("a step of no weight", accepted(), worked(4, later(9)), none(), true),
        ("a step instead of the record", none(), accepted(), worked(4, later(60)), false),
        (
            "the step again",
            accepted(),
            ended("20260307090000", later(9)),
            ended("20260307090000", later(60)),
            true,
        ),
        // the work ended two days sooner if the portal took the first
        (
            "another step",
            accepted(),
            ended("20260307090000", later(9)),
            ended("20260309090000", later(60)),
            false,
        ),
        (
            "the whole, with its date",
            accepted(),
            ended("20260307090000", later(9)),
            closed(later(60)),
            true,
        ),
    ] {
        let world = World::new(store::testing::sqlite().await);
        let dossiers = world.open(&on()).await.unwrap();
        dossiers.observe(&known).await.unwrap();
        dossiers.doubt(&doubt).await.unwrap();
        dossiers.observe(&taken).await.unwrap();
        assert_eq!(dossiers.gaps().await.unwrap().is_none(), is_over, "{what}");
        assert_eq!(is_told(&dossiers, march()).await, is_over, "{what}");
        // the other way round: the doubt is known last
        let world = World::new(store::testing::sqlite().await);
        let dossiers = world.open(&on()).await.unwrap();
        dossiers.observe(&[known, taken].concat()).await.unwrap();
        dossiers.doubt(&doubt).await.unwrap();
        assert_eq!(dossiers.gaps().await.unwrap().is_none(), is_over, "{what}, told last");
    }
}

#[tokio::test]
async fn an_officer_settles_what_is_open() {
    for world in World::both().await {
        let dossiers = world.open(&on()).await.unwrap();
        dossiers.observe(&one(2, "20260302", "", noon())).await.unwrap();
        let reason = "Đã đối chiếu với Cổng ngày 15/3";
        for (how, expected) in [
            (Settlement::Taken, Figures { received: 1, finished_in_time: 1, ..Figures::default() }),
            (Settlement::Refused, received(1)),
        ] {
            let dossiers = match how {
                Settlement::Taken => dossiers.clone(),
                _ => {
                    world.erase_all().await;
                    let stated = Config { complete_from: Some(date(2026, 1, 16)), ..on() };
                    let dossiers = world.open(&stated).await.unwrap();
                    dossiers.observe(&one(2, "20260302", "", noon())).await.unwrap();
                    dossiers
                }
            };
            dossiers.doubt(&one(9, "20260302", "20260304", later(9))).await.unwrap();
            assert!(!is_told(&dossiers, march()).await);
            world.clock.advance(Duration::from_secs(1));
            assert_eq!(dossiers.settle_gaps(how, "cli:test", reason).await.unwrap(), 1);
            assert_eq!(dossiers.figures(march(), None).await.unwrap(), expected, "{how:?}");
            assert_eq!(dossiers.recount().await.unwrap().wrong, 0);
            let (verb, _, after) = world.audit().await.pop().unwrap();
            let after = after.unwrap();
            assert!(verb == "settle" && after.contains(how.as_str()) && after.contains(reason));
            assert_eq!(dossiers.settle_gaps(how, "cli:test", reason).await.unwrap(), 0);
        }
        // all at one moment, however many: one row, and what comes up meanwhile is not settled
        let rows = async || world.audit().await.len();
        let (before, count) = (rows().await, FACTS_WRITTEN_MAX + 1);
        let many: Vec<String> =
            (0..count).map(|n| record(&format!("H99-{n}"), 2, "20260302", "", "")).collect();
        for how in [Settlement::Taken, Settlement::Refused] {
            dossiers.doubt(&records(&many, later(9))).await.unwrap();
            let settled = dossiers.settle_gaps(how, "cli:test", reason).await.unwrap();
            assert_eq!(settled, if how == Settlement::Taken { count as u64 } else { 0 });
        }
        assert_eq!(rows().await, before + 1);
        // an ended keeping counts nothing more, but may be cleared up
        dossiers.doubt(&one(9, "20260302", "20260305", later(50))).await.unwrap();
        world.open_elsewhere(&Config::default()).await;
        let taken = dossiers.settle_gaps(Settlement::Taken, "cli:test", reason).await;
        assert!(matches!(taken, Err(DossierError::Ended)), "{taken:?}");
        let refused = dossiers.settle_gaps(Settlement::Refused, "cli:test", reason).await;
        assert_eq!(refused.unwrap(), 1);
        let dossiers = world.open_elsewhere(&on()).await.unwrap();
        dossiers.note_lost(3, Cause::Unread).await.unwrap();
        dossiers.note_lost(1, Cause::Unwritten).await.unwrap();
        let settled = dossiers.settle_gaps(Settlement::BroughtIn, "cli:test", reason).await;
        assert_eq!(settled.unwrap(), 4);
        assert_eq!(dossiers.gaps().await.unwrap(), Gaps::default());
        // an erased dossier is in no doubt
        dossiers.doubt(&one(9, "20260302", "20260305", later(99))).await.unwrap();
        assert_eq!(dossiers.gaps().await.unwrap().dossiers, 1);
        dossiers.erase(&[Code::parse(CODE).unwrap()], &ERASURE).await.unwrap();
        assert_eq!(dossiers.gaps().await.unwrap(), Gaps::default());
    }
}

/// Every code that a portal may take is counted, through the desk.
#[tokio::test]
async fn dossiers_with_odd_codes_are_counted() {
    for world in World::both().await {
        let dossiers = world.open(&on()).await.unwrap();
        let (desk, task) = dossiers.desk(Tally::default());
        let task = tokio::spawn(task);
        let long = format!("H99-{}", "7".repeat(300));
        for code in ["HS 001", "HS\\\"1\\\"", "hồ-sơ-1", "ho\u{302}\u{300}-so\u{31b}-1", &long] {
            let item = record(code, 2, "20260302", "", "");
            desk.observe(carried(message::RECORD, &item, noon())).await.unwrap();
        }
        let figures = desk.figures(march(), None).await.unwrap();
        assert_eq!((figures, desk.missed()), (received(4), 0), "two of the five are one");
        drop(desk);
        task.await.unwrap();
    }
}

#[tokio::test]
async fn what_the_desk_misses_is_open_until_it_is_settled() {
    for world in World::both().await {
        let dossiers = world.open(&on()).await.unwrap();
        let (desk, task) = dossiers.desk(Tally::default());
        let task = tokio::spawn(task);
        let item = record(CODE, 2, "20260302", "", "");
        let none = carried(message::RECORD, r#"{"MaHoSo":""}"#, noon());
        for (what, lost, dossiers) in [("in doubt", 0, 1), ("without a code", 1, 0)] {
            match dossiers {
                1 => assert!(desk.offer(in_doubt(carried(message::RECORD, &item, noon())))),
                _ => assert!(desk.offer(none.clone())),
            }
            // what comes after it is written after it
            desk.observe(carried(message::PROGRESS, "", noon())).await.unwrap();
            let told = desk.figures(march(), None).await;
            let Err(DossierError::Gaps { dossiers: doubts, lost: open }) = told else {
                panic!("{what}: {told:?}")
            };
            assert_eq!((doubts, open, desk.missed()), (dossiers, lost, 1), "{what}");
            if dossiers == 1 {
                // sent again, and taken
                desk.observe(carried(message::RECORD, &item, later(60))).await.unwrap();
                assert_eq!(desk.missed(), 0);
                assert_eq!(desk.figures(march(), None).await.unwrap(), received(1));
            }
        }
        drop(desk);
        task.await.unwrap();
    }
}

/// What found no room is written down before the task ends.
#[tokio::test]
async fn what_found_no_room_is_known_to_the_next_start() {
    let world = World::new(store::testing::sqlite().await);
    let dossiers = world.open(&on()).await.unwrap();
    let (desk, task) = dossiers.desk(Tally::default());
    let large =
        Carried { body: Bytes::from(" ".repeat(40 << 20)), ..carried(message::RECORD, "", noon()) };
    assert!(desk.offer(in_doubt(large.clone())));
    assert!(!desk.offer(large));
    let asked = async move { desk.figures(march(), None).await };
    let (told, ()) = tokio::join!(asked, task);
    assert!(matches!(told, Err(DossierError::Gaps { .. })), "{told:?}");
    // the other is one that cannot be read
    assert_eq!(world.open(&on()).await.unwrap().gaps().await.unwrap().lost, 2);
}

#[tokio::test]
async fn a_packet_waits_for_its_facts_and_is_not_given_up() {
    for world in World::both().await {
        let config = Config { complete_from: Some(date(2026, 1, 1)), ..on() };
        let dossiers = world.open(&config).await.unwrap();
        dossiers.doubt(&one(2, "20260205", "", noon())).await.unwrap();
        let units = [Unit { code: "H99".to_owned(), name: "UBND tỉnh Mẫu".to_owned() }];
        let (january, february) = (Span::month(2026, 1).unwrap(), Span::month(2026, 2).unwrap());
        for _ in 0..30 {
            let taken = dossiers.take_due(&units).await.unwrap();
            for due in taken {
                assert_eq!(due.span, january);
                dossiers.settle(&due, Outcome::Sent).await.unwrap();
            }
            world.clock.advance(Duration::from_secs(3_600));
        }
        let refused = dossiers.resend(february, "cli:test").await;
        assert!(matches!(refused, Err(DossierError::Gaps { dossiers: 1, lost: 0 })));
        dossiers.observe(&one(2, "20260205", "", later(60))).await.unwrap();
        let taken = dossiers.take_due(&units).await.unwrap();
        assert!(taken.iter().any(|due| due.span == february), "{taken:?}");
        assert!(!dossiers.packets().await.unwrap().values().any(|s| *s == State::GivenUp));
    }
}

#[tokio::test]
async fn only_a_packet_that_is_due_and_covered_is_sent_again() {
    let world = World::new(store::testing::sqlite().await);
    let config = Config { complete_from: Some(date(2026, 2, 1)), ..on() };
    let dossiers = world.open(&config).await.unwrap();
    for (span, expected) in [("2026-02", "sent"), ("2026-01", "incomplete"), ("2026-03", "not due")]
    {
        let told = match dossiers.resend(Span::parse(span).unwrap(), "cli:test").await {
            Ok(()) => "sent",
            Err(DossierError::Incomplete) => "incomplete",
            Err(DossierError::NotDue(_)) => "not due",
            Err(error) => panic!("{error:?}"),
        };
        assert_eq!(told, expected, "{span}");
    }
    let (verb, _, after) = world.audit().await.pop().unwrap();
    assert_eq!((verb.as_str(), after.as_deref().unwrap().contains("2026-02")), ("resend", true));
    world.open_elsewhere(&Config::default()).await;
    let ended = dossiers.resend(Span::parse("2026-02").unwrap(), "cli:test").await;
    assert!(matches!(ended, Err(DossierError::Ended)));
}

/// A process that is killed with packets on their way leaves their number behind.
#[tokio::test]
async fn what_was_on_its_way_when_the_process_was_killed_is_lost_and_said_to_be() {
    let world = World::new(store::testing::sqlite().await);
    let dossiers = world.open(&on()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (data, memory) = (folder.path().join("data"), folder.path().join("memory"));
    std::fs::create_dir(&data).unwrap();
    std::fs::create_dir(&memory).unwrap();
    let copy = data.join(Tally::COPY);
    let tally = || Tally::open_in(&data, &memory).unwrap();
    assert_eq!(tally().count(), 0);
    let (desk, task) = dossiers.desk(tally());
    let at_the_portal = desk.expect();
    assert!(desk.offer(carried(message::RECORD, &record(CODE, 2, "20260302", "", ""), noon())));
    // what is left of a process that is killed now: written by no task, and not to the disk
    let kept = std::fs::read_dir(&memory).unwrap().next().unwrap().unwrap().path();
    let left = std::fs::read(&kept).unwrap();
    assert_eq!((left.ends_with(b"02"), std::fs::read(&copy).unwrap()), (true, vec![]));
    drop((at_the_portal, desk, task));
    std::fs::write(&copy, "").unwrap();
    std::fs::write(&kept, left).unwrap();

    let (desk, task) = dossiers.desk(tally());
    assert_eq!(desk.missed(), 2);
    let task = tokio::spawn(task);
    assert!(matches!(desk.figures(march(), None).await, Err(DossierError::Gaps { .. })));
    // one that ends well leaves nothing
    let expected = desk.expect();
    let item = record("H99-1", 2, "20260302", "", "");
    desk.observe(carried(message::RECORD, &item, noon())).await.unwrap();
    drop((expected, desk));
    task.await.unwrap();
    assert_eq!((tally().count(), dossiers.gaps().await.unwrap().lost), (0, 2));
    assert!(!kept.exists(), "and nothing in the memory");
}

/// Each row: what stands in memory and in the copy, and how many that are.
#[test]
fn the_tally_of_the_last_process_is_found_wherever_it_stands() {
    for (memory, copy, expected) in [
        (None, None, 0),
        (Some("00000000000000000003"), None, 3),
        (Some("3"), Some("1"), 3),
        // copied, and then the memory went with its container
        (None, Some("00000000000000000002"), 2),
        (Some("0"), Some("2"), 2),
        // not written by us
        (None, Some("nonsense"), 1),
        (None, Some("\u{fffd}"), 1),
        (Some("a text that is longer than any number is"), None, 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let open = || Tally::open_in(folder.path(), folder.path()).unwrap();
        let first = open();
        // another process: the same folder, and the memory is taken
        let second = open();
        first.add(1);
        second.add(4);
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let kept = names.into_iter().find(|path| path.extension().unwrap() == "facts").unwrap();
        let number = |path: &Path| std::fs::read_to_string(path).unwrap().parse::<u64>().unwrap();
        let copy_path = folder.path().join(Tally::COPY);
        assert_eq!((number(&kept), number(&copy_path)), (1, 4));
        drop((first, second));
        for (path, text) in [(&kept, memory), (&copy_path, copy)] {
            let _ = std::fs::remove_file(path);
            let bytes: Option<Vec<u8>> =
                text.map(|text| if text == "\u{fffd}" { vec![0xff] } else { text.into() });
            if let Some(bytes) = bytes {
                std::fs::write(path, bytes).unwrap();
            }
        }
        assert_eq!(open().count(), expected, "{memory:?} {copy:?}");
    }
}

/// One body, whatever the portal holds of its records: nothing is copied, and nothing counted that
/// was never sent.
#[tokio::test]
async fn the_records_of_a_packet_are_held_in_doubt_or_neither() {
    let items: Vec<String> =
        (0..5).map(|n| record(&format!("H99-{n}"), 2, "20260302", "", "")).collect();
    for (held, doubt, expected) in [
        (usize::MAX, usize::MAX, (5, 0)),
        (0, usize::MAX, (0, 5)),
        (2, 4, (2, 2)),
        (2, 2, (2, 0)),
        (3, usize::MAX, (3, 2)),
        (0, 0, (0, 0)),
    ] {
        let world = World::new(store::testing::sqlite().await);
        let dossiers = world.open(&on()).await.unwrap();
        let (desk, task) = dossiers.desk(Tally::default());
        let whole = carried(message::RECORD, &items.join(","), noon());
        assert!(desk.offer(Carried { held, doubt, ..whole }));
        drop(desk);
        task.await;
        let gaps = dossiers.gaps().await.unwrap();
        assert_eq!((dossiers.count().await.unwrap(), gaps.dossiers), expected, "{held} {doubt}");
        assert_eq!(gaps.lost, 0);
    }
}

/// While facts cannot be written, though they can be read, there are no figures; then there are.
#[tokio::test]
async fn what_waits_to_be_written_is_missing_until_it_is() {
    let world = World::new(store::testing::sqlite().await);
    let dossiers = world.open(&on()).await.unwrap();
    let refuse = async |sql: &'static str| {
        let mut tx = world.store.write().await.unwrap();
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    refuse(
        "CREATE TRIGGER full BEFORE INSERT ON dossier BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    )
    .await;
    let (desk, task) = dossiers.desk(Tally::default());
    let task = tokio::spawn(task);
    let item = record(CODE, 2, "20260302", "", "");
    let kept = desk.observe(carried(message::RECORD, &item, noon()));
    let meanwhile = async {
        let is_told = async || desk.figures(march(), None).await.is_ok();
        // before the first try the packet is only on its way
        for _ in 0..10_000 {
            if !is_told().await {
                break;
            }
        }
        assert_eq!((is_told().await, desk.missed()), (false, 1));
        refuse("DROP TRIGGER full").await;
    };
    let (kept, ()) = tokio::join!(kept, meanwhile);
    kept.unwrap();
    assert_eq!((desk.figures(march(), None).await.unwrap(), desk.missed()), (received(1), 0));
    drop(desk);
    task.await.unwrap();
}
