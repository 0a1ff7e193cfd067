//! The task beside the calls: follows the database, and writes to it what the token endpoints leave
//! to be written. All SQL of a serving node runs here, in one runtime.

use std::time::Duration;

use terms::clock::Timestamp;
use terms::code::ConsumerKey;
use terms::limit::{CATALOGUE_REBUILD, CHANGE_GATHER, FAILURE_WINDOW, TOKEN_SKEW};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::access::{Access, AccessError};
use crate::credential::{self, SecretHash};
use crate::token::{self, Tag};

/// After a failed look at the database the next one waits this long.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Errands that may wait; a few seconds' worth.
pub(crate) const ERRANDS_MAX: usize = 1_024;
/// A client waits this long for its revocation.
const REVOKE_WAIT: Duration = Duration::from_secs(10);

/// Something to be written.
pub(crate) enum Errand {
    /// The credential was used.
    Used { number: u64, at: Timestamp },
    /// The same secret hashed under the current keyring entry.
    Rehash { number: u64, consumer_key: ConsumerKey, old: SecretHash, new: SecretHash },
    /// A token to be dead until it expires; answered once that is so on this node.
    Revoke { tag: Tag, number: u64, expires_at: Timestamp, done: oneshot::Sender<()> },
}

/// The revocation could not be written in time.
#[derive(Debug)]
pub(crate) struct NotRevoked;

impl Access {
    /// Leaves an errand that may be lost: when too many wait, when the database is away.
    pub(crate) fn leave(&self, errand: Errand) {
        if self.0.errands.try_send(errand).is_err() {
            tracing::debug!("an errand was dropped: the database is slow or away");
        }
    }

    /// Has a token revoked; done when this node refuses it and the database keeps it.
    pub(crate) async fn revoke_token(
        &self,
        tag: Tag,
        number: u64,
        expires_at: Timestamp,
    ) -> Result<(), NotRevoked> {
        let (done, answer) = oneshot::channel();
        let errand = Errand::Revoke { tag, number, expires_at, done };
        self.0.errands.try_send(errand).map_err(|_| NotRevoked)?;
        match tokio::time::timeout(REVOKE_WAIT, answer).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(NotRevoked),
        }
    }

    /// Follows the changes of the database and runs the errands, until the task is aborted. Call it
    /// once, in the runtime in which the store was opened. While the database is away the last
    /// snapshot serves.
    pub fn follow(&self) -> JoinHandle<()> {
        let access = self.clone();
        let errands = self.0.errands_taken.lock().take();
        let watch = self.0.store.watch();
        tokio::spawn(async move {
            tokio::join!(access.follow_changes(watch), access.run_errands(errands));
        })
    }

    async fn follow_changes(&self, mut watch: watch::Receiver<u64>) {
        let mut rebuild = tokio::time::interval(CATALOGUE_REBUILD);
        rebuild.reset();
        let mut calm = tokio::time::interval(FAILURE_WINDOW);
        let mut lost = false;
        loop {
            let done = tokio::select! {
                changed = watch.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    tokio::time::sleep(CHANGE_GATHER).await;
                    watch.mark_unchanged();
                    store::within_limit(self.refresh()).await
                }
                _ = rebuild.tick() => store::within_limit(self.rebuild()).await,
                _ = calm.tick() => {
                    self.clear_alert();
                    continue;
                }
            };
            if let Err(error) = done {
                if !lost {
                    warn(&error, "credentials cannot be read; the last known ones serve");
                }
                lost = true;
                tokio::time::sleep(LOOK_AGAIN).await;
                watch.mark_changed();
            } else if lost {
                lost = false;
                tracing::info!("credentials can be read again");
            }
        }
    }

    fn clear_alert(&self) {
        if self.0.limiter.lock().calmed(self.0.clock.now()) {
            tracing::info!(code = "token_guessing", cleared = true, "no more guessing of secrets");
        }
    }

    async fn run_errands(&self, errands: Option<mpsc::Receiver<Errand>>) {
        let Some(mut errands) = errands else { return };
        let mut waiting = Vec::new();
        while errands.recv_many(&mut waiting, ERRANDS_MAX).await > 0 {
            let written = store::within_limit(self.run(std::mem::take(&mut waiting))).await;
            if let Err(error) = written {
                warn(&error, "revocations and last uses could not be written");
            }
        }
    }

    /// All that wait in one transaction. Whoever waits for a revocation that failed sees its
    /// channel closed.
    async fn run(&self, errands: Vec<Errand>) -> Result<(), AccessError> {
        let now = self.0.clock.now();
        let mut revoked = Vec::new();
        let mut tx = self.0.store.write().await?;
        for errand in errands {
            match errand {
                Errand::Used { number, at } => {
                    credential::store::update_used(&mut tx, number, at).await?;
                }
                Errand::Rehash { number, consumer_key, old, new } => {
                    if credential::store::update_hash(&mut tx, number, &old, &new).await? {
                        tx.change(credential::NOUN, consumer_key.as_str());
                    }
                }
                Errand::Revoke { tag, number, expires_at, done } => {
                    token::store::insert(&mut tx, &tag, number, expires_at, now).await?;
                    tx.change(token::NOUN, &hex::encode(tag));
                    revoked.push(done);
                }
            }
        }
        if !revoked.is_empty() {
            // A node whose clock is behind may still take such a token.
            token::store::delete_expired(&mut tx, now.minus(TOKEN_SKEW)).await?;
        }
        tx.commit().await?;
        if !revoked.is_empty() {
            self.refresh().await?;
        }
        for done in revoked {
            // Nobody hears it when the client has given up.
            let _gone = done.send(());
        }
        Ok(())
    }
}

fn warn(error: &AccessError, what: &'static str) {
    tracing::warn!(reason = error as &dyn std::error::Error, "{what}");
}
