//! The handle through which the platform asks who may speak.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use journal::Journal;
use keyring::Keyring;
use parking_lot::Mutex;
use store::change::{self, Change, Since};
use store::{Store, StoreError};
use terms::clock::{Clock, Timestamp};
use terms::code::ConsumerKey;
use terms::environment::Environment;
use terms::limit::{CATALOGUE_REBUILD, CHANGE_GATHER, WEAK_CHECKS_MAX};
use terms::random::Random;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use crate::credential::issuer::Issuer;
use crate::credential::{self, Filter, SecretHash};
use crate::limiter::Limiter;
use crate::snapshot::Snapshot;
use crate::token::client::Used;
use crate::token::{self, Caller, TokenFault, Verified};

/// Notes for the database that may wait or be lost; a few seconds' worth.
const NOTES_MAX: usize = 1_024;
/// After a failed look at the database the next one waits this long.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Who may speak: credentials and tokens, from a snapshot in memory. Cheap to clone.
#[derive(Clone)]
pub struct Access(pub(crate) Arc<Inner>);

/// Why the credentials could not be read.
pub type AccessError = StoreError;

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) keyring: Keyring,
    pub(crate) journal: Journal,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) limiter: Mutex<Limiter>,
    pub(crate) used: Mutex<Used>,
    /// Slow hashes being computed at once.
    pub(crate) weak_checks: Arc<Semaphore>,
    snapshot: ArcSwap<Snapshot>,
    /// Held by whoever makes the next snapshot.
    turn: tokio::sync::Mutex<()>,
    notes: mpsc::Sender<Note>,
    notes_taken: Mutex<Option<mpsc::Receiver<Note>>>,
}

/// What a successful use leaves in the database, best effort.
pub(crate) enum Note {
    /// The credential was used.
    Used { number: u64, at: Timestamp },
    /// The same secret hashed under the current keyring entry.
    Rehashed { number: u64, consumer_key: ConsumerKey, old: SecretHash, new: SecretHash },
}

impl Access {
    /// Loads every credential and revoked token. Call [`follow`](Access::follow) to stay current.
    pub async fn open(
        store: Store,
        keyring: Keyring,
        journal: Journal,
        clock: Clock,
        random: Random,
    ) -> Result<Access, AccessError> {
        let snapshot = load(&store).await?;
        let (notes, notes_taken) = mpsc::channel(NOTES_MAX);
        Ok(Access(Arc::new(Inner {
            store,
            keyring,
            journal,
            clock,
            random,
            limiter: Mutex::new(Limiter::new()),
            used: Mutex::default(),
            weak_checks: Arc::new(Semaphore::new(WEAK_CHECKS_MAX)),
            snapshot: ArcSwap::from_pointee(snapshot),
            turn: tokio::sync::Mutex::new(()),
            notes,
            notes_taken: Mutex::new(Some(notes_taken)),
        })))
    }

    /// Checks a token for the environment whose listener it came to. Memory only.
    pub fn verify(&self, token: &str, environment: Environment) -> Result<Caller, TokenFault> {
        self.look_up(token, environment).map(|verified| verified.caller)
    }

    pub(crate) fn look_up(
        &self,
        token: &str,
        environment: Environment,
    ) -> Result<Verified, TokenFault> {
        let now = self.0.clock.now();
        token::verify(token, environment, &self.snapshot(), &self.0.keyring, now)
    }

    /// Issues and changes credentials under the same keyring, clock and randomness.
    pub fn issuer(&self) -> Issuer {
        Issuer::new(self.0.keyring.clone(), self.0.clock.clone(), self.0.random.clone())
    }

    pub(crate) fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.0.snapshot.load()
    }

    /// Leaves a note for the database; lost when too many wait.
    pub(crate) fn leave(&self, note: Note) {
        if self.0.notes.try_send(note).is_err() {
            tracing::debug!("a note of use was dropped: the database is slow or away");
        }
    }

    /// Takes over what changed in the database, right now.
    pub async fn refresh(&self) -> Result<(), AccessError> {
        let _turn = self.0.turn.lock().await;
        let last = self.0.snapshot.load_full();
        let next = match change::since(&self.0.store, last.revision).await? {
            Since::Changes { revision, .. } if revision == last.revision => return Ok(()),
            Since::Changes { revision, changes } => self.after(&last, revision, &changes).await?,
            Since::Reload { .. } => load(&self.0.store).await?,
        };
        self.0.snapshot.store(Arc::new(next));
        Ok(())
    }

    /// Loads everything anew, as a check of the deltas.
    async fn rebuild(&self) -> Result<(), AccessError> {
        let _turn = self.0.turn.lock().await;
        let next = load(&self.0.store).await?;
        self.0.snapshot.store(Arc::new(next));
        Ok(())
    }

    /// The snapshot after `last`: shares with it all that did not change.
    async fn after(
        &self,
        last: &Snapshot,
        revision: u64,
        changes: &[Change],
    ) -> Result<Snapshot, AccessError> {
        let pool = &self.0.store.pool;
        let mut next = last.clone();
        next.revision = revision;
        for change in changes {
            if change.noun == credential::NOUN {
                let key = ConsumerKey::known(change.key.as_str());
                match credential::find(pool, &key).await? {
                    Some(credential) => next.put(credential),
                    None => next.remove(&key),
                }
            } else if change.noun == token::NOUN
                && let Some((tag, expires_at)) = token::store::find(pool, &change.key).await?
            {
                next.revoke(tag, expires_at);
            }
        }
        next.prune(self.0.clock.now());
        Ok(next)
    }

    /// Follows the changes of the database and writes the notes of use, until the task is aborted.
    /// While the database is away the last snapshot serves.
    pub fn follow(&self) -> JoinHandle<()> {
        let access = self.clone();
        let notes = self.0.notes_taken.lock().take();
        let watch = self.0.store.watch();
        tokio::spawn(async move {
            tokio::join!(access.follow_changes(watch), access.write_notes(notes));
        })
    }

    async fn follow_changes(&self, mut watch: watch::Receiver<u64>) {
        let mut rebuild = tokio::time::interval(CATALOGUE_REBUILD);
        rebuild.reset();
        loop {
            let done = tokio::select! {
                changed = watch.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    tokio::time::sleep(CHANGE_GATHER).await;
                    watch.mark_unchanged();
                    self.refresh().await
                }
                _ = rebuild.tick() => self.rebuild().await,
            };
            if let Err(error) = done {
                tracing::warn!(%error, "credentials cannot be read; the last known ones serve");
                tokio::time::sleep(LOOK_AGAIN).await;
                watch.mark_changed();
            }
        }
    }

    async fn write_notes(&self, notes: Option<mpsc::Receiver<Note>>) {
        let Some(mut notes) = notes else { return };
        let mut waiting = Vec::new();
        while notes.recv_many(&mut waiting, NOTES_MAX).await > 0 {
            if let Err(error) = self.write(&waiting).await {
                tracing::warn!(%error, "the last use of some credentials could not be noted");
            }
            waiting.clear();
        }
    }

    async fn write(&self, notes: &[Note]) -> Result<(), AccessError> {
        let mut tx = self.0.store.write().await?;
        for note in notes {
            match note {
                Note::Used { number, at } => {
                    credential::store::update_used(&mut tx, *number, *at).await?;
                }
                Note::Rehashed { number, consumer_key, old, new } => {
                    if credential::store::update_hash(&mut tx, *number, old, new).await? {
                        tx.change(credential::NOUN, consumer_key.as_str());
                    }
                }
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Reads the revision first, so that a change made meanwhile is taken over again, not missed.
async fn load(store: &Store) -> Result<Snapshot, AccessError> {
    let revision = change::revision(store).await?;
    let credentials = credential::list(&store.pool, &Filter::default()).await?;
    let revoked = token::store::list(&store.pool).await?;
    Ok(Snapshot::new(revision, credentials, revoked))
}
