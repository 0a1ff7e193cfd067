//! The registry of a running node: the catalogue in force, and the task that keeps it fresh.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use keyring::Keyring;
use store::change::{self, Since};
use store::{Store, StoreError};
use terms::clock::Clock;
use terms::limit;
use tokio::sync::watch;

use crate::catalogue::Catalogue;
use crate::catalogue::build::Builder;

/// More changes at once than this are taken over by loading everything anew, which is then quicker.
const DELTA_MAX: usize = 5_000;
/// After a failed look at the database the next one comes after this long.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Why the catalogue could not be brought up to date. The one in force stays.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The database refused or did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A statement failed.
    #[error("the registry could not be read or written")]
    Statement(#[from] sqlx::Error),
}

/// The registry of a running node. Cheap to clone.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    store: Store,
    keyring: Keyring,
    clock: Clock,
    current: ArcSwap<Catalogue>,
    /// Tells the revision of each catalogue that came into force.
    told: watch::Sender<u64>,
    /// One refresh at a time.
    refreshing: tokio::sync::Mutex<()>,
}

impl Registry {
    /// Loads the whole catalogue.
    pub async fn open(
        store: Store,
        keyring: Keyring,
        clock: Clock,
    ) -> Result<Registry, RegistryError> {
        let current = ArcSwap::from_pointee(Catalogue::default());
        let refreshing = tokio::sync::Mutex::new(());
        let told = watch::Sender::new(0);
        let inner = Inner { store, keyring, clock, current, told, refreshing };
        let registry = Registry(Arc::new(inner));
        registry.rebuild().await?;
        Ok(registry)
    }

    /// The catalogue in force: a pointer read, no lock.
    pub fn current(&self) -> Guard<Arc<Catalogue>> {
        self.0.current.load()
    }

    /// Told the revision of each catalogue that comes into force.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.told.subscribe()
    }

    fn put_in_force(&self, catalogue: Catalogue) {
        let revision = catalogue.revision;
        self.0.current.store(Arc::new(catalogue));
        self.0.told.send_replace(revision);
    }

    /// Takes over what changed since the catalogue in force; gives the revision it then shows.
    pub async fn refresh(&self) -> Result<u64, RegistryError> {
        let one_at_a_time = self.0.refreshing.lock().await;
        let current = self.0.current.load_full();
        let (revision, changes) = match change::since(&self.0.store, current.revision).await? {
            Since::Changes { revision, changes } if changes.len() <= DELTA_MAX => {
                (revision, changes)
            }
            Since::Changes { .. } | Since::Reload { .. } => {
                drop(one_at_a_time);
                return self.rebuild().await;
            }
        };
        let keys: BTreeSet<(&str, &str)> =
            changes.iter().map(|c| (c.noun.as_str(), c.key.as_str())).collect();
        let mut tx = self.0.store.pool.acquire().await?;
        let mut builder = Builder::delta(&current, &self.0.keyring);
        for (noun, key) in keys {
            builder.take(&mut tx, noun, key).await?;
        }
        self.put_in_force(builder.finish(revision));
        Ok(revision)
    }

    /// Loads everything anew; gives the revision it then shows.
    pub async fn rebuild(&self) -> Result<u64, RegistryError> {
        let _one_at_a_time = self.0.refreshing.lock().await;
        // The revision is read first: what is committed while the rows are read comes again as a
        // change, and taking a change over twice does no harm.
        let revision = change::revision(&self.0.store).await?;
        let previous = self.0.current.load_full();
        let mut tx = self.0.store.pool.acquire().await?;
        let mut builder = Builder::whole(&previous, &self.0.keyring);
        builder.load(&mut tx).await?;
        let catalogue = builder.finish(revision);
        // Compared only when nothing was committed meanwhile: newer rows are no drift.
        if previous.revision == revision
            && revision > 0
            && change::revision(&self.0.store).await? == revision
            && let Some(part) = previous.difference(&catalogue)
        {
            tracing::error!(code = "registry_drift", part, "the catalogue had drifted; rebuilt");
        }
        self.put_in_force(catalogue);
        Ok(revision)
    }

    /// Starts the task that keeps the catalogue fresh until it is aborted: changes are live within
    /// one second, and everything is loaded anew from time to time as a check. When the database
    /// is away the catalogue in force stays.
    pub fn follow(&self) -> tokio::task::JoinHandle<()> {
        let registry = self.clone();
        tokio::spawn(async move { registry.run().await })
    }

    async fn run(&self) {
        let mut watch = self.0.store.watch();
        let mut rebuilt = self.0.clock.instant();
        loop {
            let since = self.0.clock.instant().saturating_duration_since(rebuilt);
            let left = limit::CATALOGUE_REBUILD.saturating_sub(since);
            let outcome = match tokio::time::timeout(left, watch.changed()).await {
                Ok(Ok(())) => {
                    tokio::time::sleep(limit::CHANGE_GATHER).await;
                    watch.mark_unchanged();
                    store::within_limit(self.refresh()).await
                }
                Ok(Err(_)) => return,
                Err(_) => {
                    rebuilt = self.0.clock.instant();
                    store::within_limit(self.rebuild()).await
                }
            };
            if let Err(error) = outcome {
                let error = Chain(&error).to_string();
                tracing::warn!(code = "registry_unread", error, "the last catalogue stays");
                watch.mark_changed();
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}

/// An error with its causes on one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
