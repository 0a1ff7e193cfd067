//! The feed of changes: a revision that each change raises by one, and the keys it changed.

use std::collections::BTreeSet;

use sqlx::{AnyConnection, AnyExecutor, Row};

use tokio::time::timeout;

use crate::{GRACE, READ_WAIT_MAX, Store, StoreError};

/// Changes of this many last revisions are kept; who is further behind loads everything anew.
pub const REVISIONS_KEPT: u64 = 100_000;
/// Old changes are deleted once in this many revisions.
const PRUNE_EVERY: u64 = 1_000;
/// A reader takes over at most this many keys at once, and a transaction that changes more writes
/// none: loading everything anew is then quicker than following.
pub const KEYS_MAX: usize = 10_000;
/// One more than are taken over, to see that there are more.
const KEYS_LIMIT: i64 = KEYS_MAX as i64 + 1;
/// Keys written by one statement.
const KEYS_A_STATEMENT: usize = 100;

/// Where the database stands.
pub(crate) const CURRENT: &str = "SELECT current FROM revision WHERE id = 1";
/// The channel of NOTIFY on PostgreSQL.
pub(crate) const CHANNEL: &str = "lgsp_change";

/// One changed thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The revision that brought it.
    pub revision: u64,
    /// What kind of thing: the name of its table or noun, as its crate noted it.
    pub noun: String,
    /// Which one, as its crate noted it.
    pub key: String,
}

/// What a reader must do to stand where the database stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// Take over these, ordered by (revision, noun, key); then the reader stands at `revision`.
    Changes {
        /// Where the database stood when asked.
        revision: u64,
        /// The changes after the reader's revision; empty when there is nothing new.
        changes: Vec<Change>,
    },
    /// Load everything anew: the changes are no longer kept, were too many, or the database was
    /// put back from a backup and stands before the reader.
    Reload {
        /// Where the database stood when asked; read it before the rows.
        revision: u64,
    },
}

/// The revision at which the database stands.
pub async fn revision(store: &Store) -> Result<u64, StoreError> {
    Ok(current(&store.pool).await?)
}

/// What changed after `revision`. Ask again at each tick of [`Store::watch`]. Waits at most
/// [`READ_WAIT_MAX`] for the answer as for the connection.
pub async fn since(store: &Store, revision: u64) -> Result<Since, StoreError> {
    match timeout(READ_WAIT_MAX + GRACE, ask(store, revision)).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::Silent),
    }
}

async fn ask(store: &Store, revision: u64) -> Result<Since, sqlx::Error> {
    let current = current(&store.pool).await?;
    if revision == current {
        return Ok(Since::Changes { revision, changes: Vec::new() });
    }
    if revision > current {
        return Ok(Since::Reload { revision: current });
    }
    let rows = sqlx::query(
        "SELECT revision, noun, key FROM change WHERE revision > $1 AND revision <= $2 \
         ORDER BY revision, noun, key LIMIT $3",
    )
    .bind(signed(revision))
    .bind(signed(current))
    .bind(KEYS_LIMIT)
    .fetch_all(&store.pool)
    .await?;
    // Read last: what was deleted while the rows were read shows here.
    let reload: i64 = sqlx::query_scalar("SELECT reload FROM revision WHERE id = 1")
        .fetch_one(&store.pool)
        .await?;
    if revision < unsigned(reload) || rows.len() > KEYS_MAX {
        return Ok(Since::Reload { revision: current });
    }
    let changes = rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?;
    Ok(Since::Changes { revision: current, changes })
}

fn read(row: &sqlx::any::AnyRow) -> Result<Change, sqlx::Error> {
    Ok(Change { revision: unsigned(row.try_get(0)?), noun: row.try_get(1)?, key: row.try_get(2)? })
}

pub(crate) async fn current<'c>(executor: impl AnyExecutor<'c>) -> Result<u64, sqlx::Error> {
    let current: i64 = sqlx::query_scalar(CURRENT).fetch_one(executor).await?;
    Ok(unsigned(current))
}

/// Raises the revision and writes the keys; deletes old ones from time to time.
pub(crate) async fn record(
    tx: &mut AnyConnection,
    changes: &BTreeSet<(&'static str, String)>,
) -> Result<u64, sqlx::Error> {
    let raised: i64 = sqlx::query_scalar(
        "UPDATE revision SET current = current + 1 WHERE id = 1 RETURNING current",
    )
    .fetch_one(&mut *tx)
    .await?;
    let revision = unsigned(raised);
    if changes.len() > KEYS_MAX {
        forget(tx, revision).await?;
        return Ok(revision);
    }
    let changes: Vec<&(&'static str, String)> = changes.iter().collect();
    for chunk in changes.chunks(KEYS_A_STATEMENT) {
        insert(tx, raised, chunk).await?;
    }
    if revision.is_multiple_of(PRUNE_EVERY) {
        prune(tx, REVISIONS_KEPT).await?;
    }
    Ok(revision)
}

async fn insert(
    tx: &mut AnyConnection,
    revision: i64,
    keys: &[&(&'static str, String)],
) -> Result<(), sqlx::Error> {
    let mut sql = "INSERT INTO change (revision, noun, key) VALUES ".to_owned();
    for at in 0..keys.len() {
        let comma = if at == 0 { "" } else { ", " };
        sql.push_str(&format!("{comma}($1, ${}, ${})", 2 * at + 2, 2 * at + 3));
    }
    // Only numbers of placeholders were put into the text.
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(revision);
    for (noun, key) in keys {
        query = query.bind(*noun).bind(key.as_str());
    }
    query.execute(tx).await.map(drop)
}

/// Deletes the changes of all but the last `kept` revisions.
pub(crate) async fn prune(tx: &mut AnyConnection, kept: u64) -> Result<(), sqlx::Error> {
    let revision = current(&mut *tx).await?;
    forget(tx, revision.saturating_sub(kept)).await
}

/// Deletes the changes up to `revision`; readers before it load everything anew.
async fn forget(tx: &mut AnyConnection, revision: u64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM change WHERE revision <= $1")
        .bind(signed(revision))
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE revision SET reload = $1 WHERE id = 1 AND reload < $1")
        .bind(signed(revision))
        .execute(&mut *tx)
        .await
        .map(drop)
}

/// Wakes the watchers of all nodes at commit; PostgreSQL only.
pub(crate) async fn notify(tx: &mut AnyConnection, revision: u64) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_notify($1, $2)")
        .bind(CHANNEL)
        .bind(revision.to_string())
        .execute(tx)
        .await
        .map(drop)
}

fn signed(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

fn unsigned(revision: i64) -> u64 {
    u64::try_from(revision).unwrap_or(0)
}
