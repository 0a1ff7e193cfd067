//! A transaction that writes, and tells everyone what it changed.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};

use sqlx::{Any, AnyConnection, Transaction};

use tokio::time::timeout;

use crate::{Engine, Store, StoreError, WRITE_WAIT_MAX, change};

/// Key of the advisory lock under which every writing transaction runs on PostgreSQL, so that
/// revisions become visible in their order ("lgsp" in ASCII).
const WRITE_LOCK: i64 = 0x6c67_7370;

/// The one writing transaction of its moment: `BEGIN IMMEDIATE` on SQLite, under the advisory lock
/// on PostgreSQL. Use it as executor: `.execute(&mut *tx)`. Dropped without
/// [`commit`](Write::commit), it leaves nothing.
///
/// Never ask for a second one while holding the first: it would wait for itself until it is
/// [`StoreError::Busy`].
#[must_use = "a transaction that is not committed leaves nothing"]
pub struct Write<'a> {
    store: &'a Store,
    tx: Transaction<'static, Any>,
    changes: BTreeSet<(&'static str, String)>,
}

impl Write<'_> {
    pub(crate) async fn begin(store: &Store) -> Result<Write<'_>, StoreError> {
        let tx = match store.engine {
            Engine::Sqlite => match store.inner.writers.begin_with("BEGIN IMMEDIATE").await {
                // The one writing connection was held by another task of this process.
                Err(source @ sqlx::Error::PoolTimedOut) => return Err(StoreError::Busy { source }),
                begun => begun?,
            },
            Engine::Postgres => {
                let mut tx = store.inner.writers.begin().await?;
                lock(&mut tx).await?;
                tx
            }
        };
        Ok(Write { store, tx, changes: BTreeSet::new() })
    }

    /// Remembers that the thing `key` of `noun` changes in this transaction. Noted twice counts
    /// once. A transaction that notes nothing does not raise the revision.
    pub fn change(&mut self, noun: &'static str, key: &str) {
        self.changes.insert((noun, key.to_owned()));
    }

    /// Commits: the rows, the raised revision and the changed keys together or not at all. Gives
    /// the revision at which the database stands. After [`StoreError::Silent`] it is not known
    /// whether it was committed.
    pub async fn commit(self) -> Result<u64, StoreError> {
        match timeout(WRITE_WAIT_MAX, self.finish()).await {
            Ok(finished) => Ok(finished?),
            Err(_) => Err(StoreError::Silent),
        }
    }

    async fn finish(mut self) -> Result<u64, sqlx::Error> {
        let revision = if self.changes.is_empty() {
            change::current(&mut *self.tx).await?
        } else {
            change::record(&mut self.tx, &self.changes).await?
        };
        if self.store.engine == Engine::Postgres && !self.changes.is_empty() {
            change::notify(&mut self.tx, revision).await?;
        }
        self.tx.commit().await?;
        Ok(revision)
    }

    /// Gives it up: nothing of it stays. Dropping does the same a little later.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.tx.rollback().await?)
    }
}

/// Takes the lock of all writers until the end of the transaction; PostgreSQL only.
pub(crate) async fn lock(tx: &mut AnyConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITE_LOCK).execute(tx).await.map(drop)
}

impl Deref for Write<'_> {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.tx
    }
}

impl DerefMut for Write<'_> {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.tx
    }
}
