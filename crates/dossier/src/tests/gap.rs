//! What keeps the facts from being complete, and what makes them complete again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::civil::date;
use terms::clock::Timestamp;

use super::world::{ERASURE, World, march, noon, on, period, record, records, step, steps};
use crate::message::{self, Code, Message};
use crate::schedule::{Outcome, State};
use crate::{
    Carried, Cause, Config, DossierError, Dossiers, Figures, Gaps, Ledger, Period, Settlement,
    Span, Unit,
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
    Carried { packet: packet.into(), sender: Arc::from("H99"), body, at }
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
        let (desk, task) = dossiers.desk(Ledger::default());
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
        let (desk, task) = dossiers.desk(Ledger::default());
        let task = tokio::spawn(task);
        let item = record(CODE, 2, "20260302", "", "");
        let none = carried(message::RECORD, r#"{"MaHoSo":""}"#, noon());
        for (what, lost, dossiers) in [("in doubt", 0, 1), ("without a code", 1, 0)] {
            match dossiers {
                1 => desk.miss(carried(message::RECORD, &item, noon())),
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
    let (desk, task) = dossiers.desk(Ledger::default());
    let large =
        Carried { body: Bytes::from(" ".repeat(40 << 20)), ..carried(message::RECORD, "", noon()) };
    desk.miss(large.clone());
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
    let path = folder.path().join("facts.open");
    let ledger = || Ledger::open(&path).unwrap();
    assert_eq!(ledger().count(), 0);
    let (desk, task) = dossiers.desk(ledger());
    let at_the_portal = desk.expect();
    assert!(desk.offer(carried(message::RECORD, &record(CODE, 2, "20260302", "", ""), noon())));
    assert_eq!(ledger().count(), 2);
    // killed: the file is all that is left
    let left = std::fs::read(&path).unwrap();
    drop((at_the_portal, desk, task));
    std::fs::write(&path, left).unwrap();

    let (desk, task) = dossiers.desk(ledger());
    assert_eq!(desk.missed(), 2);
    let task = tokio::spawn(task);
    assert!(matches!(desk.figures(march(), None).await, Err(DossierError::Gaps { .. })));
    // one that ends well leaves nothing
    let expected = desk.expect();
    let item = record("H99-1", 2, "20260302", "", "");
    desk.observe(carried(message::RECORD, &item, noon())).await.unwrap();
    drop((expected, desk));
    task.await.unwrap();
    assert_eq!((ledger().count(), dossiers.gaps().await.unwrap().lost), (0, 2));
    std::fs::write(&path, "nonsense").unwrap();
    assert_eq!(ledger().count(), 1);
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
    let (desk, task) = dossiers.desk(Ledger::default());
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
