//! The switch, the key, the packets, the desk: facts in both databases.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::civil::date;
use store::Engine;
use store::testing::{another, config};
use terms::clock::Timestamp;

use super::world::{ERASURE, GROUND, World, march, noon, on, period, record, records, step, steps};
use crate::message::{self, Code};
use crate::schedule::{Outcome, State};
use crate::{Carried, Config, DossierError, Dossiers, Figures, Span, Tally, Unit};

const CODE: &str = "000.00.07.H99-260302-00017";

fn received(count: u64) -> Figures {
    Figures { received: count, pending_in_time: count, ..Figures::default() }
}

#[tokio::test]
async fn facts_are_kept_on_a_written_ground_only() {
    for world in World::both().await {
        assert!(world.open(&Config::default()).await.is_none(), "off by default");
        let long = "x".repeat(501);
        for ground in [
            None,
            Some(""),
            Some("          "),
            Some("có"),
            Some("a\nbcdefghijk"),
            Some(long.as_str()),
        ] {
            let config = Config { legal_ground: ground.map(str::to_owned), ..on() };
            let refused = world.try_open(&world.store, &config).await;
            assert!(matches!(refused, Err(DossierError::Ground)), "{ground:?}");
        }
        assert_eq!(world.audit().await, []);

        let dossiers = world.open(&on()).await.expect("kept now");
        let first = world.audit().await;
        assert_eq!(first.len(), 1);
        assert_eq!((first[0].0.as_str(), &first[0].1), ("create", &None));
        let after = first[0].2.as_deref().unwrap();
        assert!(after.contains(GROUND) && after.contains(r#""keep_facts":true"#), "{after}");
        assert!(after.contains(r#""complete_from":"2026-01-15""#), "{after}");

        world.clock.advance(Duration::from_secs(86_400));
        world.open(&on()).await.unwrap();
        world.open_elsewhere(&on()).await.unwrap();
        assert_eq!(world.audit().await.len(), 1, "nothing changed");

        let other =
            Config { legal_ground: Some("Nghị định 99/2026/NĐ-CP".to_owned()), ..on() };
        world.open(&other).await.unwrap();
        assert!(world.open_elsewhere(&Config::default()).await.is_none());
        let verbs: Vec<_> = world.audit().await.into_iter().map(|(verb, ..)| verb).collect();
        assert_eq!(verbs, ["create", "update", "update"]);
        let told = records(&[record(CODE, 2, "20260302", "", "")], noon());
        assert!(matches!(dossiers.observe(&told).await, Err(DossierError::Ended)));
    }
}

/// Figures are given for what is stated to be complete, and stands so.
#[tokio::test]
async fn a_period_that_the_facts_do_not_cover_has_no_figures() {
    for world in World::both().await {
        let told = records(&[record(CODE, 2, "20260302", "", "")], noon());
        let stating = |from| Config { complete_from: from, ..on() };
        let (march_on, march_2nd) = (Some(date(2026, 3, 1)), Some(date(2026, 3, 2)));
        let is_covered = async |dossiers: &Dossiers| match dossiers.figures(march(), None).await {
            Ok(_) => true,
            Err(DossierError::Incomplete) => false,
            Err(error) => panic!("{error:?}"),
        };
        // nothing stated; stated; a day too late; stated again
        for (from, expected) in
            [(None, false), (march_on, true), (march_2nd, false), (march_on, true)]
        {
            let dossiers = world.open(&stating(from)).await.unwrap();
            dossiers.observe(&told).await.unwrap();
            assert_eq!(is_covered(&dossiers).await, expected, "{from:?}");
            if from.is_none() {
                assert_eq!(dossiers.take_due(&units()).await.unwrap(), []);
                let span = Span::month(2026, 2).unwrap();
                let refused = dossiers.records(span, &units()).await;
                assert!(matches!(refused, Err(DossierError::Incomplete)));
            }
        }
        // off for a while: dossiers passed unseen, and the old statement is void
        let dossiers = world.open(&stating(march_on)).await.unwrap();
        world.open(&Config::default()).await;
        assert!(!is_covered(&dossiers).await);
        let dossiers = world.open(&stating(march_on)).await.unwrap();
        assert!(!is_covered(&dossiers).await);
        let dossiers = world.open(&stating(Some(date(2026, 2, 28)))).await.unwrap();
        assert!(is_covered(&dossiers).await);
        // and so it is when facts are erased
        assert_eq!(world.erase_all().await, 1);
        assert!(!is_covered(&dossiers).await);
        let dossiers = world.open(&stating(Some(date(2026, 2, 28)))).await.unwrap();
        assert!(!is_covered(&dossiers).await);
    }
}

#[tokio::test]
async fn a_dossier_is_found_again_after_its_key_was_rotated() {
    for world in World::both().await {
        let dossiers = world.open(&on()).await.unwrap();
        dossiers.observe(&records(&[record(CODE, 2, "20260302", "", "")], noon())).await.unwrap();
        let old = world.keyring.current();
        world.keyring.rotate().unwrap();
        world.keyring.retire(old).unwrap();
        let dossiers = world.open(&on()).await.unwrap();
        let later = noon().plus(Duration::from_secs(60));
        dossiers.observe(&steps(&[step(CODE, 9, "20260303")], later)).await.unwrap();
        let figures = dossiers.figures(march(), None).await.unwrap();
        assert_eq!(figures, Figures { received: 1, finished_in_time: 1, ..Figures::default() });
        assert_eq!(dossiers.recount().await.unwrap().dossiers, 1);

        let mut tx = world.store.write().await.unwrap();
        sqlx::query("UPDATE dossier_keeping SET key_id = 9").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let lacking = world.try_open(&world.store, &on()).await;
        assert!(matches!(lacking, Err(DossierError::Key(9))));
        assert!(world.open(&Config::default()).await.is_none(), "off needs no key");
    }
}

/// The marks of a person and the code itself are nowhere in the database.
#[tokio::test]
async fn nothing_about_a_person_is_stored() {
    for world in World::both().await {
        let dossiers = world.open(&on()).await.unwrap();
        let named = record("H99.07-Nguyen", 2, "20260302", "", "")
            .replace("1.000123.000.00.00.H99", "Nguyễn Thị Bí Mật")
            .replace("G99-TN01", "001199000001");
        let told = records(&[record(CODE, 2, "20260302", "20260310", ""), named], noon());
        dossiers.observe(&told).await.unwrap();
        dossiers.observe(&steps(&[step(CODE, 4, "20260303")], noon())).await.unwrap();
        dossiers.erase(&[Code::parse("H99.07-Nguyen").unwrap()], &ERASURE).await.unwrap();
        let text = match world.store.engine {
            Engine::Sqlite => {
                let url = config(&world.store).url;
                let path = url.strip_prefix("sqlite:").unwrap();
                let read = |path: String| std::fs::read(path).unwrap_or_default();
                let bytes = [read(path.to_owned()), read(format!("{path}-wal"))].concat();
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Engine::Postgres => {
                let mut text = String::new();
                for sql in [
                    "SELECT CAST(d AS TEXT) FROM dossier d",
                    "SELECT CAST(d AS TEXT) FROM dossier_day d",
                    "SELECT CAST(a AS TEXT) FROM audit a",
                ] {
                    let rows: Vec<String> =
                        sqlx::query_scalar(sql).fetch_all(&world.store.pool).await.unwrap();
                    text.push_str(&rows.join("\n"));
                }
                text
            }
        };
        // what must be there shows that the search finds what is there
        for present in ["000.00.07.H99", "1.000123", "G99-TN01", "dossiers_erased"] {
            assert!(text.contains(present), "{present}");
        }
        for absent in ["00017", "260302-", "Nguy", "NGUYEN", "0900000001", "001199000001", "Trần"]
        {
            assert!(!text.contains(absent), "{absent}");
        }
    }
}

#[tokio::test]
async fn an_erased_dossier_does_not_come_back() {
    for world in World::both().await {
        let dossiers = world.open(&on()).await.unwrap();
        let told = records(&[record(CODE, 2, "20260302", "", "")], noon());
        dossiers.observe(&told).await.unwrap();
        assert_eq!(dossiers.figures(march(), None).await.unwrap(), received(1));
        dossiers.erase(&[Code::parse(CODE).unwrap()], &ERASURE).await.unwrap();
        let later =
            records(&[record(CODE, 4, "20260303", "", "")], noon().plus(Duration::from_secs(9)));
        dossiers.observe(&later).await.unwrap();
        assert_eq!(dossiers.figures(march(), None).await.unwrap(), received(0));
        assert_eq!(dossiers.recount().await.unwrap().wrong, 0);
        let (verb, _, after) = world.audit().await.pop().unwrap();
        let after: serde_json::Value = serde_json::from_str(&after.unwrap()).unwrap();
        assert_eq!((verb.as_str(), &after["dossiers_erased"]), ("erase", &1.into()));
        assert_eq!(
            (&after["reason"], &after["legal_ground"]),
            (&ERASURE.reason.into(), &GROUND.into())
        );
    }
}

#[tokio::test]
async fn damage_of_the_counters_is_found_and_mended() {
    for world in World::both().await {
        let dossiers = world.open(&on()).await.unwrap();
        let told: Vec<String> =
            (0..30).map(|n| record(&format!("H99.07-{n}"), 2, "20260302", "", "")).collect();
        dossiers.observe(&records(&told, noon())).await.unwrap();
        for (sql, broken) in [
            ("UPDATE dossier_day SET received = received - 1", false),
            ("UPDATE dossier_day SET finished_late = 31", true),
            ("DELETE FROM dossier_day", false),
            ("INSERT INTO dossier_day VALUES ('H99.07', 20260301, 1, 1, 0, 0, 0)", false),
        ] {
            let mut tx = world.store.write().await.unwrap();
            sqlx::query(sql).execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
            let figures = dossiers.figures(march(), None).await;
            assert_eq!(matches!(figures, Err(DossierError::Damaged)), broken, "{sql}");
            assert_ne!(figures.ok(), Some(received(30)), "{sql}");
            let recount = dossiers.recount().await.unwrap();
            assert_eq!((recount.dossiers, recount.wrong), (30, 1), "{sql}");
            assert_eq!(dossiers.rebuild("cli:test").await.unwrap().wrong, 1);
            assert_eq!(dossiers.recount().await.unwrap().wrong, 0);
            assert_eq!(dossiers.figures(march(), None).await.unwrap(), received(30));
        }
    }
}

#[tokio::test]
async fn nodes_that_write_at_once_count_each_dossier_once() {
    for world in World::both().await {
        let nodes = [world.open(&on()).await.unwrap(), world.open_elsewhere(&on()).await.unwrap()];
        let mut tasks = Vec::new();
        for round in 0..6_u64 {
            for (node, dossiers) in nodes.iter().enumerate() {
                let dossiers = dossiers.clone();
                let at = noon().plus(Duration::from_secs(2 * round + node as u64));
                let items: Vec<String> = (0..40)
                    .map(|n| record(&format!("H99.07-{n}"), 9, "20260302", "20260305", "20260306"))
                    .collect();
                tasks.push(tokio::spawn(
                    async move { dossiers.observe(&records(&items, at)).await },
                ));
            }
        }
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let expected = Figures { received: 40, finished_late: 40, ..Figures::default() };
        assert_eq!(nodes[0].figures(march(), None).await.unwrap(), expected);
        assert_eq!(nodes[1].recount().await.unwrap().wrong, 0);
    }
}

fn units() -> [Unit; 2] {
    [("H99", "UBND tỉnh Mẫu"), ("000.00.07.H99", "Sở Mẫu")]
        .map(|(code, name)| Unit { code: code.to_owned(), name: name.to_owned() })
}

#[tokio::test]
async fn each_month_and_year_packet_is_sent_once() {
    for world in World::both().await {
        let config = Config { complete_from: Some(date(2026, 2, 1)), ..on() };
        let dossiers = world.open(&config).await.unwrap();
        let elsewhere = world.open_elsewhere(&config).await.unwrap();
        dossiers
            .observe(&records(
                &[
                    record(CODE, 10, "20260202", "20260210", "20260211"),
                    record("000.00.08.H99-260212-1", 2, "20260212", "", ""),
                ],
                noon(),
            ))
            .await
            .unwrap();
        assert_eq!(dossiers.take_due(&[]).await.unwrap(), [], "no unit, no packet");
        let taken = dossiers.take_due(&units()).await.unwrap();
        assert_eq!(taken.iter().map(|due| due.span.to_string()).collect::<Vec<_>>(), ["2026-02"]);
        assert_eq!(elsewhere.take_due(&units()).await.unwrap(), [], "it belongs to the other");

        // the packet is what is answered on demand
        let february = period(date(2026, 2, 1), date(2026, 2, 28));
        for (unit, record) in units().iter().zip(&taken[0].records) {
            let figures = dossiers.figures(february, Some(&unit.code)).await.unwrap();
            for (name, value) in figures.to_map() {
                assert_eq!(record[&name], value, "{name}");
            }
            assert_eq!(
                (&record["TenDonVi"], &record["Thang"]),
                (&unit.name.clone().into(), &"2".into())
            );
        }
        assert_eq!(taken[0].records[0]["TongDaXuLy"], "1");
        assert_eq!(taken[0].records[1]["TongSoXuLy"], "1");

        let state = dossiers.settle(&taken[0], Outcome::Failed).await.unwrap();
        assert!(matches!(state, State::Waiting { attempts: 1, .. }), "{state:?}");
        assert_eq!(dossiers.take_due(&units()).await.unwrap(), []);
        world.clock.advance(Duration::from_secs(600));
        let taken = elsewhere.take_due(&units()).await.unwrap();
        assert_eq!(taken.len(), 1);
        // the node died with it: after the lease another one takes it
        world.clock.advance(crate::packet::LEASE);
        let taken = dossiers.take_due(&units()).await.unwrap();
        assert_eq!(dossiers.settle(&taken[0], Outcome::Sent).await.unwrap(), State::Sent);
        world.clock.advance(Duration::from_secs(86_400));
        assert_eq!(dossiers.take_due(&units()).await.unwrap(), []);
        let span = Span::month(2026, 2).unwrap();
        assert_eq!(dossiers.packets().await.unwrap()[&span], State::Sent);
        let kept: String = sqlx::query_scalar("SELECT records FROM dossier_packet")
            .fetch_one(&world.store.pool)
            .await
            .unwrap();
        assert!(kept.contains(r#""SoNhanTrongKy":"2""#), "{kept}");

        dossiers.resend(span, "cli:test").await.unwrap();
        assert_eq!(dossiers.take_due(&units()).await.unwrap().len(), 1, "an officer asked");
        assert!(world.open(&Config::default()).await.is_none());
        assert!(matches!(dossiers.take_due(&units()).await, Err(DossierError::Ended)));
    }
}

#[tokio::test]
async fn a_damaged_month_does_not_hold_up_the_others() {
    for world in World::both().await {
        let config = Config { complete_from: Some(date(2026, 1, 1)), ..on() };
        let dossiers = world.open(&config).await.unwrap();
        // closed in January what is opened in February only: January's count is below zero
        let mut tx = world.store.write().await.unwrap();
        for sql in [
            "INSERT INTO dossier_day VALUES ('000.00.07.H99', 20260110, 1, 0, 0, 0, 1)",
            "INSERT INTO dossier_day VALUES ('000.00.07.H99', 20260210, 0, 0, 0, 1, 0)",
        ] {
            sqlx::query(sql).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        let taken = dossiers.take_due(&units()).await.unwrap();
        assert_eq!(taken.iter().map(|due| due.span.to_string()).collect::<Vec<_>>(), ["2026-02"]);
        assert_eq!(dossiers.settle(&taken[0], Outcome::Sent).await.unwrap(), State::Sent);
        let january = Span::month(2026, 1).unwrap();
        let state = dossiers.packets().await.unwrap()[&january];
        assert!(matches!(state, State::Waiting { attempts: 1, .. }), "{state:?}");

        dossiers.rebuild("cli:test").await.unwrap();
        world.clock.advance(crate::packet::LEASE);
        let taken = dossiers.take_due(&units()).await.unwrap();
        assert_eq!(taken.iter().map(|due| due.span).collect::<Vec<_>>(), [january]);
    }
}

fn carried(packet: &str, body: String, at: Timestamp) -> Carried {
    let (packet, sender, body) = (packet.into(), Arc::from("H99"), Bytes::from(body));
    Carried { packet, sender, body, at, held: usize::MAX, doubt: usize::MAX }
}

async fn ask(dossiers: &Dossiers) -> (Figures, u64) {
    let (desk, task) = dossiers.desk(Tally::default());
    let task = tokio::spawn(task);
    for n in 0..50_u64 {
        let body = format!("[{}]", record(&format!("H99.07-{n}"), 2, "20260302", "", ""));
        assert!(desk.offer(carried(message::RECORD, body, noon())));
    }
    let body = format!("[{}]", step("H99.07-7", 9, "20260303"));
    let later = noon().plus(Duration::from_secs(1));
    desk.observe(carried(message::PROGRESS, body, later)).await.unwrap();
    assert!(!desk.offer(carried("LayThuTuc", "{}".to_owned(), later)), "of no concern");
    let figures = desk.figures(march(), Some("H99".to_owned())).await.unwrap();
    let missed = desk.missed();
    drop(desk);
    task.await.unwrap();
    (figures, missed)
}

#[tokio::test]
async fn the_desk_takes_packets_and_answers_questions() {
    for world in World::both().await {
        let dossiers = world.open(&on()).await.unwrap();
        let expected = Figures {
            received: 50,
            finished_in_time: 1,
            pending_in_time: 49,
            ..Figures::default()
        };
        assert_eq!(ask(&dossiers).await, (expected, 0));

        // turned off elsewhere: what comes is lost, and said to be
        world.open_elsewhere(&Config::default()).await;
        let (desk, task) = dossiers.desk(Tally::default());
        let task = tokio::spawn(task);
        let body = || format!("[{}]", record("H99.07-99", 2, "20260302", "", ""));
        let answer = desk.observe(carried(message::RECORD, body(), noon())).await;
        assert!(matches!(answer, Err(DossierError::Away)));
        assert_eq!(desk.missed(), 1);
        task.abort();
        assert!(task.await.is_err());
        assert!(!desk.offer(carried(message::RECORD, body(), noon())));
        assert!(matches!(desk.figures(march(), None).await, Err(DossierError::Away)));
        assert_eq!(desk.missed(), 2);
    }
}

#[tokio::test]
async fn a_packet_beyond_the_room_is_missed_not_waited_for() {
    let world = World::new(store::testing::sqlite().await);
    let dossiers = world.open(&on()).await.unwrap();
    let (desk, task) = dossiers.desk(Tally::default());
    let large = carried(message::RECORD, " ".repeat(40 << 20), noon());
    assert!(desk.offer(large.clone()));
    assert!(!desk.offer(large), "64 MiB wait at most");
    assert_eq!(desk.missed(), 1);
    drop(desk);
    task.await;
    assert_eq!(another(&world.store).await.engine, Engine::Sqlite);
}
