//! Sees the changes that any process commits, within a second.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgListener;
use terms::limit::{CHANGE_LOOK_POSTGRES, CHANGE_LOOK_SQLITE};
use tokio::sync::watch::{Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::address::Address;
use crate::{READY_WAIT_MAX, Store, StoreError, change, pool};

/// How long to wait before a lost database is tried again.
const RETRY_WAIT: Duration = Duration::from_millis(500);

/// The one watching task of a store, while somebody listens.
#[derive(Default)]
pub(crate) struct Watching(Mutex<Option<(Sender<u64>, JoinHandle<()>)>>);

impl Watching {
    fn lock(&self) -> MutexGuard<'_, Option<(Sender<u64>, JoinHandle<()>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl Watching {
    /// The watching task, to see it end.
    pub(crate) fn task(&self) -> Option<tokio::task::AbortHandle> {
        self.lock().as_ref().map(|(_, task)| task.abort_handle())
    }
}

/// A receiver of the store's watch; begins the watching if nobody listened.
pub(crate) fn receiver(store: &Store) -> Receiver<u64> {
    let mut slot = store.inner.watching.lock();
    if let Some((sender, task)) = slot.as_ref()
        && !task.is_finished()
    {
        let mut receiver = sender.subscribe();
        // Its first tick comes at once as well: what was committed between its own reading and
        // this line may have been seen by the others already.
        receiver.mark_changed();
        return receiver;
    }
    let (sender, receiver) = tokio::sync::watch::channel(0);
    let eye = Eye { store: store.clone(), sender: sender.clone(), lost: false };
    *slot = Some((sender, tokio::spawn(eye.watch())));
    receiver
}

struct Eye {
    store: Store,
    sender: Sender<u64>,
    /// The database was away at the last look; said once.
    lost: bool,
}

impl Eye {
    async fn watch(mut self) {
        loop {
            let sender = self.sender.clone();
            tokio::select! {
                () = sender.closed() => {
                    // Somebody may have come between: who comes takes the same lock.
                    let mut slot = self.store.inner.watching.lock();
                    if sender.receiver_count() == 0 {
                        *slot = None;
                        return;
                    }
                }
                () = self.look_again_and_again() => {}
            }
        }
    }

    async fn look_again_and_again(&mut self) {
        loop {
            let looked = match &self.store.inner.address {
                Address::Sqlite(_) => self.look_sqlite().await,
                Address::Postgres(url) => {
                    let url = url.clone();
                    self.look_postgres(&url).await
                }
            };
            let Err(error) = looked;
            if !self.lost {
                self.lost = true;
                let reason = &error as &dyn std::error::Error;
                tracing::warn!(reason, "changes cannot be seen: the database is away");
            }
            sleep(RETRY_WAIT).await;
        }
    }

    /// `data_version` moves when another connection committed; only then is the revision read.
    async fn look_sqlite(&mut self) -> Result<Infallible, StoreError> {
        let mut connection = pool::connect(&self.store.inner.address).await?;
        let mut version = None;
        loop {
            let now: i64 =
                sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut connection).await?;
            if version != Some(now) {
                self.see(change::current(&mut connection).await?);
                version = Some(now);
            }
            sleep(CHANGE_LOOK_SQLITE).await;
        }
    }

    /// A notification wakes at once; a look at every period finds what was notified while the
    /// connection was lost. Both go through a connection of its own, so that busy readers do not
    /// delay a withdrawal.
    async fn look_postgres(&mut self, url: &str) -> Result<Infallible, StoreError> {
        let silent = |_| StoreError::Silent;
        let connecting = timeout(READY_WAIT_MAX, PgListener::connect(url));
        let mut listener = connecting.await.map_err(silent)??;
        timeout(READY_WAIT_MAX, listener.listen(change::CHANNEL)).await.map_err(silent)??;
        loop {
            let looking = sqlx::query_scalar::<_, i64>(change::CURRENT).fetch_one(&mut listener);
            let current = timeout(READY_WAIT_MAX, looking).await.map_err(silent)??;
            self.see(u64::try_from(current).unwrap_or(0));
            match timeout(CHANGE_LOOK_POSTGRES, listener.try_recv()).await {
                Ok(Ok(Some(_))) => while listener.next_buffered().is_some() {},
                // The connection was lost: begin anew, so that nothing is listened to in vain.
                Ok(Ok(None)) => return Err(StoreError::Silent),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => {}
            }
        }
    }

    fn see(&mut self, revision: u64) {
        if std::mem::take(&mut self.lost) {
            tracing::info!(revision, "changes are seen again: the database is back");
        }
        self.sender.send_if_modified(|seen| std::mem::replace(seen, revision) != revision);
    }
}
