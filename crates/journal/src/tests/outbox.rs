//! The outbox of audit, on both engines.

use super::*;
use crate::audit::{Change, drain, drain_once, insert};

fn change(ground: &Ground, subject: &str) -> Change {
    Change {
        at: ground.clock.now(),
        actor: "cli:root".to_owned(),
        verb: "update".to_owned(),
        subject: subject.to_owned(),
        before: None,
        after: Some(serde_json::json!({"rate": "600/min"})),
    }
}

async fn put(store: &store::Store, ground: &Ground, subject: &str) -> ExchangeId {
    let mut tx = store.write().await.unwrap();
    let id = insert(&mut tx, &change(ground, subject), &ground.random).await.unwrap();
    tx.change("subscription", subject);
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn a_change_reaches_the_log_once_also_after_a_crash() {
    for store in store::testing::engines().await {
        let mut ground = Ground::new(500);
        let (journal, _) = ground.open();
        let first = put(&store, &ground, "one").await;
        let mut tx = store.write().await.unwrap();
        insert(&mut tx, &change(&ground, "given up"), &ground.random).await.unwrap();
        tx.rollback().await.unwrap();
        drain_once(&store, &journal, false).await.unwrap();
        let rows = ground.found();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].exchange_id, rows[0].kind), (first, Kind::Change));
        assert_eq!(rows[0].event.as_deref(), Some("update"));
        assert_eq!(rows[0].to_json()["after"], serde_json::json!({"rate": "600/min"}));

        // Written, but the crash comes before it is marked: the next run finds it in the log.
        let second = put(&store, &ground, "two").await;
        drain_once(&store, &journal, true).await.unwrap();
        let mut tx = store.write().await.unwrap();
        sqlx::query("UPDATE audit SET drained_at = NULL").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        drop(journal);
        let (journal, _) = ground.reopen();
        let third = put(&store, &ground, "three").await;
        drain_once(&store, &journal, false).await.unwrap();
        let rows = ground.found();
        assert_eq!(rows.len(), 3, "each once");
        assert_eq!(ids(&rows), HashSet::from([first, second, third]));
    }
}

#[tokio::test]
async fn what_the_journal_does_not_take_waits() {
    let ground = Ground::new(501);
    let store = store::testing::sqlite().await;
    let (journal, _) = ground.open();
    let id = put(&store, &ground, "one").await;
    ground.disk.set(|disk| disk.sync_fails = true);
    assert!(drain_once(&store, &journal, true).await.is_err());
    ground.disk.set(|disk| disk.sync_fails = false);
    ground.look_until(&journal, || journal.health().ok);
    drain_once(&store, &journal, false).await.unwrap();
    let rows = ground.found();
    assert_eq!((rows.len(), rows[0].exchange_id), (1, id));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drain_follows_the_changes_and_ends_with_the_journal() {
    let ground = Ground::new(502);
    let store = store::testing::sqlite().await;
    let (journal, _) = ground.open();
    let task = tokio::spawn(drain(store.clone(), journal.clone()));
    let id = put(&store, &ground, "one").await;
    let begun = ground.clock.instant();
    while !ids(&ground.found()).contains(&id) {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::task::yield_now().await;
    }
    journal.stop();
    tokio::time::timeout(Duration::from_secs(20), task).await.unwrap().unwrap();
}
