//! The database door on both engines.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType};
use sqlx::{AssertSqlSafe, Row, SqlSafeStr};
use tokio::time::timeout;

use crate::address::Address;
use crate::change::{self, Change, Since};
use crate::testing::{another, config, engines, new_database, postgres, sqlite};
use crate::{Config, Engine, Inspection, Store, StoreError, migration, pool, within_limit};

/// Live within one second is the promise (design §4).
const SEEN_MAX: Duration = Duration::from_secs(1);
/// What never lasts this long has failed.
const WAIT_MAX: Duration = Duration::from_secs(30);

async fn note(store: &Store, key: &str) -> u64 {
    let mut tx = store.write().await.unwrap();
    tx.change("thing", key);
    tx.commit().await.unwrap()
}

fn change(revision: u64, noun: &str, key: &str) -> Change {
    Change { revision, noun: noun.to_owned(), key: key.to_owned() }
}

async fn count(store: &Store, table: &str) -> i64 {
    let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(sql).fetch_one(&store.pool).await.unwrap()
}

#[test]
fn addresses_are_read_and_printed_without_passwords() {
    let accepted = [
        ("sqlite:/a/b.db", "sqlite:/a/b.db", "sqlite:///a/b.db?mode=rwc"),
        ("sqlite:///a/b.db", "sqlite:/a/b.db", "sqlite:///a/b.db?mode=rwc"),
        ("sqlite:/đất 1%.db", "sqlite:/đất 1%.db", "sqlite:///%C4%91%E1%BA%A5t%201%25.db?mode=rwc"),
        ("postgres://u:pw@h:5/d", "postgres://u@h:5/d", "postgres://u:pw@h:5/d"),
        ("postgresql://h/d?password=pw", "postgresql://h/d", "postgresql://h/d?password=pw"),
        ("postgres://u:p@w@h/d", "postgres://u@h/d", "postgres://u:p@w@h/d"),
    ];
    for (url, shown, given) in accepted {
        let address = Address::parse(url).unwrap_or_else(|e| panic!("{url}: {e}"));
        assert_eq!((address.to_string().as_str(), address.url().as_str()), (shown, given));
    }
    let refused = [
        "",
        "/a/b.db",
        "mysql://u:pw@h/d",
        "sqlite:",
        "sqlite:/a/",
        "sqlite::memory:",
        "sqlite:/a?mode=memory",
    ];
    for url in refused {
        let error = Address::parse(url).err().unwrap_or_else(|| panic!("{url}"));
        assert!(!error.to_string().contains("pw"), "{error}");
    }
}

#[tokio::test]
async fn a_file_is_made_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dữ liệu 1%/x/lgsp.db");
    let config = Config { url: format!("sqlite:{}", path.display()) };
    let store = Store::open(&config).await.unwrap();
    note(&store, "a").await;
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&path.with_extension("db-wal")), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let settings = [("journal_mode", "wal"), ("query_only", "1"), ("busy_timeout", "30000")];
    for (name, value) in settings {
        let sql = AssertSqlSafe(format!("SELECT CAST(x.{name} AS TEXT) FROM pragma_{name} AS x"));
        let sql = if name == "busy_timeout" {
            AssertSqlSafe("SELECT CAST(x.timeout AS TEXT) FROM pragma_busy_timeout AS x".to_owned())
        } else {
            sql
        };
        let now: String = sqlx::query_scalar(sql).fetch_one(&store.pool).await.unwrap();
        assert_eq!(now, value, "{name}");
    }
    let mut tx = store.write().await.unwrap();
    let full: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(full, 2, "FULL");
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let under_a_file = format!("sqlite:{}/lgsp.db", file.path().display());
    let error = Store::open(&Config { url: under_a_file }).await.unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");

    std::fs::write(file.path(), "not a database, but long enough to look like one".repeat(99))
        .unwrap();
    let no_database = format!("sqlite:{}", file.path().display());
    let error = Store::open(&Config { url: no_database }).await.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://u:pw@{closed}/d");
    let error = Store::open(&Config { url }).await.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot open the database postgres://u@{closed}/d: check that it runs and takes this user"
        ),
    );
}

#[tokio::test]
async fn values_come_back_as_they_went_on_both_engines() {
    for store in engines().await {
        let mut tx = store.write().await.unwrap();
        sqlx::query(
            "CREATE TABLE sample (number BIGINT, text TEXT, ratio DOUBLE PRECISION, flag BIGINT)",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        let rows = [
            (Some(i64::MAX), Some("Sở Nội vụ \u{1F3DB} 'x' \\"), Some(0.1), 1),
            (Some(i64::MIN), Some(""), Some(-1.0e300), 0),
            (None, None, None, 0),
        ];
        for (number, text, ratio, flag) in rows {
            sqlx::query("INSERT INTO sample VALUES ($1, $2, $3, $4)")
                .bind(number)
                .bind(text)
                .bind(ratio)
                .bind(flag)
                .execute(&mut *tx)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let read = sqlx::query("SELECT number, text, ratio, flag FROM sample")
            .fetch_all(&store.pool)
            .await
            .unwrap();
        for (row, (number, text, ratio, flag)) in read.iter().zip(rows) {
            assert_eq!(row.get::<Option<i64>, _>(0), number, "{store:?}");
            assert_eq!(row.get::<Option<String>, _>(1).as_deref(), text, "{store:?}");
            assert_eq!(row.get::<Option<f64>, _>(2), ratio, "{store:?}");
            assert_eq!(row.get::<i64, _>(3), flag, "{store:?}");
        }
        let sum: i64 = sqlx::query_scalar("SELECT CAST(sum(flag) AS BIGINT) FROM sample")
            .fetch_one(&store.pool)
            .await
            .unwrap();
        assert_eq!(sum, 1);
    }
}

#[tokio::test]
async fn the_reading_pool_cannot_write() {
    for store in engines().await {
        let sql = "INSERT INTO change (revision, noun, key) VALUES (9, 'a', 'b')";
        assert!(sqlx::query(sql).execute(&store.pool).await.is_err(), "{store:?}");
        assert_eq!(count(&store, "change").await, 0, "{store:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrations_run_once_when_processes_start_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}/new/lgsp.db", folder.path().display());
    for url in [file, new_database().await] {
        let open = |_| {
            let url = url.clone();
            tokio::spawn(async move { Store::open(&Config { url }).await })
        };
        let opening: Vec<_> = (0..8).map(open).collect();
        let mut stores = Vec::new();
        for opened in opening {
            stores.push(opened.await.unwrap().unwrap_or_else(|e| panic!("{url}: {e:?}")));
        }
        let store = stores.remove(0);
        let migrations = count(&store, "migration").await;
        assert!(migrations >= 2, "{migrations}");
        another(&store).await;
        assert_eq!(count(&store, "migration").await, migrations);
        assert_eq!(count(&store, "revision").await, 1);
    }
}

fn step(number: i64, sql: &'static str) -> Migration {
    let sql = sql.into_sql_str();
    Migration::new(number, format!("step {number}").into(), MigrationType::Simple, sql, false)
}

#[tokio::test]
async fn a_migration_is_refused_rather_than_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}/lgsp.db", folder.path().display());
    for (engine, url) in [(Engine::Sqlite, file), (Engine::Postgres, new_database().await)] {
        let address = Address::parse(&url).unwrap();
        pool::prepare(&address).unwrap();
        let mut connection = pool::connect(&address).await.unwrap();
        let first = step(1, "CREATE TABLE one (a BIGINT); CREATE TABLE two (a BIGINT)");
        let broken = step(2, "CREATE TABLE three (a BIGINT); CREATE TABEL four (a BIGINT)");
        let altered = step(1, "CREATE TABLE one (b BIGINT)");
        let steps = [first.clone(), broken];
        let error = migration::run_all(&mut connection, engine, &steps).await.unwrap_err();
        assert!(matches!(&error, StoreError::Migration { number: 2, .. }), "{error:?}");
        for _ in 0..2 {
            let done = migration::run_all(&mut connection, engine, &steps[..1]).await;
            done.unwrap_or_else(|e| panic!("the failed run left something: {e:?}"));
        }
        let error = migration::run_all(&mut connection, engine, &[altered]).await.unwrap_err();
        assert!(matches!(&error, StoreError::Altered { number: 1, .. }), "{error:?}");
        let error = migration::run_all(&mut connection, engine, &[]).await.unwrap_err();
        assert!(matches!(&error, StoreError::Newer { number: 1 }), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upgrade_runs_once_when_nodes_start_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}/lgsp.db", folder.path().display());
    for (engine, url) in [(Engine::Sqlite, file), (Engine::Postgres, new_database().await)] {
        let address = Address::parse(&url).unwrap();
        pool::prepare(&address).unwrap();
        let upgrade = |address: Address, steps: Vec<Migration>| async move {
            let mut connection = pool::connect(&address).await?;
            migration::run_all(&mut connection, engine, &steps).await
        };
        let first = step(1, "CREATE TABLE one (a BIGINT)");
        let second = step(2, "INSERT INTO one VALUES (1)");
        upgrade(address.clone(), vec![first.clone()]).await.unwrap();
        let steps = vec![first, second];
        let nodes: Vec<_> =
            (0..8).map(|_| tokio::spawn(upgrade(address.clone(), steps.clone()))).collect();
        for node in nodes {
            node.await.unwrap().unwrap_or_else(|e| panic!("{engine:?}: {e:?}"));
        }
        let mut connection = pool::connect(&address).await.unwrap();
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM one")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(rows, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn a_commit_raises_the_revision_and_names_the_keys() {
    for store in engines().await {
        let mut tx = store.write().await.unwrap();
        tx.change("system", "b");
        tx.change("system", "a");
        tx.change("system", "a");
        tx.change("service", "đất-đai");
        assert_eq!(tx.commit().await.unwrap(), 1);
        assert_eq!(note(&store, "x").await, 2);
        let nothing = store.write().await.unwrap();
        assert_eq!(nothing.commit().await.unwrap(), 2, "nothing noted, nothing raised");

        let all = [
            change(1, "service", "đất-đai"),
            change(1, "system", "a"),
            change(1, "system", "b"),
            change(2, "thing", "x"),
        ];
        let table = [
            (0, Since::Changes { revision: 2, changes: all.to_vec() }),
            (1, Since::Changes { revision: 2, changes: all[3..].to_vec() }),
            (2, Since::Changes { revision: 2, changes: Vec::new() }),
            (3, Since::Reload { revision: 2 }),
        ];
        for (from, expected) in table {
            assert_eq!(change::since(&store, from).await.unwrap(), expected, "{store:?} {from}");
        }
        assert_eq!(change::revision(&another(&store).await).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn what_is_not_committed_leaves_nothing() {
    for store in engines().await {
        for how in ["rollback", "drop", "failed statement"] {
            let mut tx = store.write().await.unwrap();
            tx.change("thing", "a");
            sqlx::query("INSERT INTO keyring (id, check_value, created) VALUES (1, 'x', 0)")
                .execute(&mut *tx)
                .await
                .unwrap();
            match how {
                "rollback" => tx.rollback().await.unwrap(),
                "drop" => drop(tx),
                _ => {
                    let failed = sqlx::query("INSERT INTO nowhere VALUES (1)").execute(&mut *tx);
                    assert!(failed.await.is_err());
                    drop(tx);
                }
            }
            // The next writer comes after the end of this one.
            let next = store.write().await.unwrap().commit().await.unwrap();
            assert_eq!(next, 0, "{store:?} {how}");
            assert_eq!(count(&store, "keyring").await, 0, "{store:?} {how}");
        }
    }
}

#[tokio::test]
async fn one_writer_at_a_time_and_a_given_up_wait_leaves_nothing() {
    for store in engines().await {
        let other = another(&store).await;
        let held = store.write().await.unwrap();
        for waiting in [&store, &other] {
            let wait = timeout(Duration::from_millis(100), waiting.write()).await;
            assert!(wait.is_err(), "{store:?}: two writers at once");
        }
        assert_eq!(change::revision(&other).await.unwrap(), 0, "readers are not held up");
        held.commit().await.unwrap();
        for writing in [&store, &other] {
            let begun = timeout(WAIT_MAX, writing.write()).await.unwrap().unwrap();
            begun.commit().await.unwrap();
        }
    }
}

/// While eight writers of two processes commit, a reader that follows sees each revision once, in
/// order, with its key: none becomes visible after a later one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn revisions_become_visible_in_their_order() {
    const WRITERS: usize = 8;
    const EACH: usize = 25;
    for store in engines().await {
        let other = another(&store).await;
        let write = |writer: usize| {
            let store = if writer.is_multiple_of(2) { store.clone() } else { other.clone() };
            tokio::spawn(async move {
                for at in 0..EACH {
                    let mut tx = store.write().await.unwrap();
                    tx.change("thing", &format!("{writer}/{at}"));
                    tokio::task::yield_now().await;
                    tx.commit().await.unwrap();
                }
            })
        };
        let writing: Vec<_> = (0..WRITERS).map(write).collect();
        let (mut own, mut seen) = (0, BTreeMap::new());
        let following = async {
            while seen.len() < WRITERS * EACH {
                match change::since(&other, own).await.unwrap() {
                    Since::Changes { revision, changes } => {
                        let numbers: Vec<u64> = changes.iter().map(|c| c.revision).collect();
                        let expected: Vec<u64> = (own + 1..=revision).collect();
                        assert_eq!(numbers, expected, "{store:?}: a revision came late");
                        seen.extend(changes.into_iter().map(|c| (c.key, c.revision)));
                        own = revision;
                    }
                    Since::Reload { .. } => panic!("nothing was pruned"),
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(2 * WAIT_MAX, following).await.unwrap();
        for writer in writing {
            writer.await.unwrap();
        }
        assert_eq!(own, (WRITERS * EACH) as u64);
    }
}

#[tokio::test]
async fn a_reader_too_far_behind_loads_everything_anew() {
    for store in engines().await {
        for key in ["a", "b", "c", "d"] {
            note(&store, key).await;
        }
        let mut tx = store.write().await.unwrap();
        change::prune(&mut tx, 2).await.unwrap();
        tx.commit().await.unwrap();
        let kept = vec![change(3, "thing", "c"), change(4, "thing", "d")];
        let table = [
            (0, Since::Reload { revision: 4 }),
            (1, Since::Reload { revision: 4 }),
            (2, Since::Changes { revision: 4, changes: kept.clone() }),
            (3, Since::Changes { revision: 4, changes: kept[1..].to_vec() }),
        ];
        for (from, expected) in table {
            assert_eq!(change::since(&store, from).await.unwrap(), expected, "{store:?} {from}");
        }
        assert_eq!(count(&store, "change").await, 2);
    }
}

#[tokio::test]
async fn a_great_change_is_told_as_reload() {
    const MAX: usize = change::KEYS_MAX;
    for store in engines().await {
        // Keys of each transaction, rows that stand afterwards, whether a reader that stood before
        // it, or before all of them, must load everything anew.
        let table = [
            (MAX, MAX, false, false),
            (1, MAX + 1, false, true),
            (MAX + 1, 0, true, true),
            (1, 1, false, true),
        ];
        for (keys, rows, reload, reload_all) in table {
            let before = change::revision(&store).await.unwrap();
            let mut tx = store.write().await.unwrap();
            for key in 0..keys {
                tx.change("thing", &key.to_string());
            }
            assert_eq!(tx.commit().await.unwrap(), before + 1);
            assert_eq!(count(&store, "change").await, rows as i64, "{store:?} {keys}");
            for (from, expected) in [(before, reload), (0, reload_all)] {
                let told = change::since(&store, from).await.unwrap();
                let is_reload = matches!(told, Since::Reload { .. });
                assert_eq!(is_reload, expected, "{store:?} {keys} from {from}");
            }
        }
    }
}

/// Waits until the watch shows `revision`.
async fn seen(watch: &mut tokio::sync::watch::Receiver<u64>, revision: u64, limit: Duration) {
    let in_time = timeout(limit, watch.wait_for(|seen| *seen == revision)).await.is_ok();
    assert!(in_time, "{} instead of {revision}", *watch.borrow());
}

#[tokio::test]
async fn a_change_of_another_process_is_seen_within_a_second() {
    for store in engines().await {
        let other = another(&store).await;
        let (mut first, mut second) = (store.watch(), store.watch());
        let mut readers = Vec::new();
        while readers.len() < store.pool.options().get_max_connections() as usize {
            readers.push(store.pool.acquire().await.unwrap());
        }
        for key in ["a", "b", "c"] {
            let revision = note(&other, key).await;
            seen(&mut first, revision, SEEN_MAX).await;
            seen(&mut second, revision, SEEN_MAX).await;
        }
        let revision = note(&store, "own").await;
        seen(&mut first, revision, SEEN_MAX).await;
        drop(readers);
    }
}

#[tokio::test]
async fn watching_ends_with_its_last_receiver_and_begins_again() {
    for store in engines().await {
        let mut watch = store.watch();
        let revision = note(&store, "a").await;
        seen(&mut watch, revision, WAIT_MAX).await;
        let task = store.inner.watching.task().expect("a task while somebody listens");
        drop(watch);
        let ended = async {
            while !task.is_finished() {
                tokio::task::yield_now().await;
            }
        };
        timeout(WAIT_MAX, ended).await.expect("the task ends");
        let mut watch = store.watch();
        let revision = note(&store, "b").await;
        seen(&mut watch, revision, SEEN_MAX).await;
    }
}

#[tokio::test]
async fn watching_goes_on_when_the_database_was_away() {
    let store = postgres().await;
    let mut watch = store.watch();
    let revision = note(&store, "before").await;
    seen(&mut watch, revision, SEEN_MAX).await;

    let admin = Store::open(&Config { url: new_database().await }).await.unwrap();
    let name: String = sqlx::query_scalar("SELECT CAST(current_database() AS TEXT)")
        .fetch_one(&store.pool)
        .await
        .unwrap();
    let allow = |allowed: bool| {
        let sql = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}");
        let admin = admin.clone();
        async move {
            let mut tx = admin.write().await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    allow(false).await;
    sqlx::query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1")
        .bind(&name)
        .execute(&admin.pool)
        .await
        .unwrap();
    assert!(store.ready().await.is_err(), "the database is away");
    assert!(store.write().await.is_err(), "the database is away");
    allow(true).await;
    let again = async {
        while store.ready().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(WAIT_MAX, again).await.expect("the store comes back by itself");
    let revision = note(&store, "after").await;
    seen(&mut watch, revision, WAIT_MAX).await;
}

#[tokio::test]
async fn a_test_database_is_as_the_doctor_wants_it() {
    for store in engines().await {
        store.ready().await.unwrap();
        let inspection = store.inspect().await.unwrap();
        assert_eq!(inspection.engine, store.engine);
        assert!(inspection.version.starts_with(|c: char| c.is_ascii_digit()), "{inspection:?}");
        assert!(inspection.faults().is_empty(), "{inspection:?}");
    }
    let table = [
        ("C", "UTF8", 0),
        ("POSIX", "UTF8", 0),
        ("en_US.UTF-8", "UTF8", 1),
        ("vi_VN", "LATIN1", 2),
    ];
    for (collation, encoding, faults) in table {
        let inspection = Inspection {
            engine: Engine::Postgres,
            version: "15".to_owned(),
            collation: collation.to_owned(),
            encoding: encoding.to_owned(),
        };
        assert_eq!(inspection.faults().len(), faults, "{collation} {encoding}");
    }
}

#[tokio::test]
async fn a_closed_store_stops() {
    let store = sqlite().await;
    let url = config(&store).url;
    assert!(url.starts_with("sqlite:/"), "{url}");
    store.close().await;
    assert!(store.ready().await.is_err());
    assert!(store.write().await.is_err());
}

#[tokio::test]
async fn who_listens_later_has_its_first_tick_at_once() {
    for store in engines().await {
        let mut first = store.watch();
        let revision = note(&store, "a").await;
        seen(&mut first, revision, SEEN_MAX).await;
        let mut later = store.watch();
        let ticked = timeout(SEEN_MAX, later.changed()).await;
        assert!(ticked.is_ok(), "what was seen before it came is not told to it");
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_gets_no_answer_ends() {
    let silent = std::future::pending::<Result<(), StoreError>>();
    assert!(matches!(within_limit(silent).await, Err(StoreError::Silent)));
    assert!(within_limit(async { Ok::<_, StoreError>(()) }).await.is_ok());
}
