//! The handle through which the platform asks who may speak.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use journal::Journal;
use keyring::Keyring;
use parking_lot::Mutex;
use store::change::{self, Change, Since};
use store::{Store, StoreError};
use terms::clock::Clock;
use terms::code::{ConsumerKey, SystemCode};
use terms::environment::Environment;
use terms::limit::WEAK_CHECKS_MAX;
use terms::random::Random;
use tokio::sync::{Semaphore, mpsc};

use crate::credential::issuer::Issuer;
use crate::credential::{self, Credential, Filter};
use crate::follow::{ERRANDS_MAX, Errand};
use crate::limiter::Limiter;
use crate::snapshot::Snapshot;
use crate::token::client::Used;
use crate::token::{self, Caller, Token, TokenFault, Verified};

/// More changes than this are not looked up one by one: everything is loaded anew.
const CHANGES_MAX: usize = 1_000;

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
    pub(crate) errands: mpsc::Sender<Errand>,
    pub(crate) errands_taken: Mutex<Option<mpsc::Receiver<Errand>>>,
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
        let (errands, errands_taken) = mpsc::channel(ERRANDS_MAX);
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
            errands,
            errands_taken: Mutex::new(Some(errands_taken)),
        })))
    }

    /// Checks a token for the environment whose listener it came to. Memory only.
    pub fn verify(&self, token: &str, environment: Environment) -> Result<Caller, TokenFault> {
        self.look_up(token, environment).map(|verified| verified.caller)
    }

    /// The caller behind a listener that one system has for itself (the national side has no token
    /// of ours): its newest live credential. The listener vouches, by the addresses it lets in.
    pub fn vouch(&self, system: &SystemCode, environment: Environment) -> Option<Caller> {
        let snapshot = self.snapshot();
        let alive = |credential: &&Arc<Credential>| {
            credential.system == *system
                && credential.environment == environment
                && credential.revoked_at.is_none()
        };
        let newest = snapshot.credentials().filter(alive).max_by_key(|c| c.number)?;
        Some(Caller::vouched(newest.clone()))
    }

    /// A token for a call that the platform itself makes in the name of a system, as when it sends
    /// statistics on schedule. It lives for a minute and goes nowhere but to our own listener.
    pub fn own_token(&self, system: &SystemCode, environment: Environment) -> Option<Token> {
        const LIFETIME: Duration = Duration::from_secs(60);
        let caller = self.vouch(system, environment)?;
        let (now, keyring) = (self.0.clock.now(), &self.0.keyring);
        token::issue_for(caller.credential(), LIFETIME, keyring, now, &self.0.random)
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

    /// Takes over what changed in the database, right now. Call it in the runtime in which the
    /// store was opened.
    pub async fn refresh(&self) -> Result<(), AccessError> {
        let _turn = self.0.turn.lock().await;
        let last = self.0.snapshot.load_full();
        let next = match change::since(&self.0.store, last.revision).await? {
            Since::Changes { revision, .. } if revision == last.revision => return Ok(()),
            Since::Changes { changes, .. } if changes.len() > CHANGES_MAX => {
                load(&self.0.store).await?
            }
            Since::Changes { revision, changes } => self.after(&last, revision, &changes).await?,
            Since::Reload { .. } => load(&self.0.store).await?,
        };
        self.0.snapshot.store(Arc::new(next));
        Ok(())
    }

    /// Loads everything anew, as a check of the deltas.
    pub(crate) async fn rebuild(&self) -> Result<(), AccessError> {
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
}

/// Reads the revision first, so that a change made meanwhile is taken over again, not missed.
async fn load(store: &Store) -> Result<Snapshot, AccessError> {
    let revision = change::revision(store).await?;
    let credentials = credential::list(&store.pool, &Filter::default()).await?;
    let revoked = token::store::list(&store.pool).await?;
    Ok(Snapshot::new(revision, credentials, revoked))
}
