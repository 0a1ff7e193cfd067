//! The database door: SQLite and PostgreSQL behind one set of verbs, the migrations, and the feed
//! of changes. The few differences between the two engines live here and nowhere else.

mod address;
pub mod change;
mod error;
mod inspection;
mod migration;
mod pool;
#[cfg(feature = "testing")]
pub mod testing;
mod watch;
mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use error::StoreError;
pub use inspection::Inspection;
pub use write::Write;

use tokio::time::timeout;

use address::Address;

/// The pool one reads with.
pub type Pool = sqlx::AnyPool;

/// How long a writer waits for other writers before it is [`StoreError::Busy`].
pub const WRITE_WAIT_MAX: Duration = Duration::from_secs(30);
/// How long a reader waits for a connection before the database is [`StoreError::Silent`].
pub const READ_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long [`Store::ready`] waits.
pub const READY_WAIT_MAX: Duration = Duration::from_secs(2);

/// The inner limits end first, since they know the cause; this catches a server that fell silent.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// How long taking over the changes, or loading everything anew, may take on a running node.
pub const FOLLOW_WAIT_MAX: Duration = Duration::from_secs(30);

/// Ends work on the database that gets no answer with [`StoreError::Silent`] after
/// [`FOLLOW_WAIT_MAX`]: a server that has vanished without a word would otherwise be waited for as
/// long as the network's own patience lasts, and whoever follows the changes would stand still
/// without telling anyone.
///
/// # Errors
/// Those of the work, and [`StoreError::Silent`].
pub async fn within_limit<T, E: From<StoreError>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(FOLLOW_WAIT_MAX, work).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::Silent.into()),
    }
}

/// Which database stands behind a [`Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// One file, embedded: one machine.
    Sqlite,
    /// A server shared by the nodes of a cluster.
    Postgres,
}

/// Section `[database]` of the configuration.
#[derive(Clone)]
pub struct Config {
    /// `sqlite:/path/file.db` (the path byte for byte, nothing else) or `postgres://…`.
    pub url: String,
}

/// An open database. Cheap to clone. Its connections belong to the tokio runtime that made them:
/// use it from one runtime.
#[derive(Clone)]
pub struct Store {
    /// For reading only: the engine refuses a write on these connections. Writing goes through
    /// [`Store::write`].
    pub pool: Pool,
    /// Which engine this is.
    pub engine: Engine,
    inner: Arc<Inner>,
}

struct Inner {
    writers: Pool,
    address: Address,
    watching: watch::Watching,
    /// Keeps the throw-away database of a test until its last `Store` is gone.
    #[cfg(feature = "testing")]
    scratch: std::sync::OnceLock<tempfile::TempDir>,
}

impl Store {
    /// Opens the database, makes it where it is a file that is not there yet (mode 0600, folders
    /// 0700), and runs the migrations that are missing; processes that start together wait for each
    /// other. Fails at once, with the cause, when the database cannot be reached.
    pub async fn open(config: &Config) -> Result<Store, StoreError> {
        let address = Address::parse(&config.url)?;
        pool::prepare(&address)?;
        let mut connection = pool::connect(&address).await?;
        migration::run(&mut connection, address.engine()).await?;
        let closed = sqlx::Connection::close(connection).await;
        closed.map_err(StoreError::from)?;
        Ok(Store {
            pool: pool::readers(&address)?,
            engine: address.engine(),
            inner: Arc::new(Inner {
                writers: pool::writers(&address)?,
                address,
                watching: watch::Watching::default(),
                #[cfg(feature = "testing")]
                scratch: std::sync::OnceLock::new(),
            }),
        })
    }

    /// Begins a transaction that writes; there is one at a time. Waits at most
    /// [`WRITE_WAIT_MAX`], then [`StoreError::Busy`].
    pub async fn write(&self) -> Result<Write<'_>, StoreError> {
        match timeout(WRITE_WAIT_MAX + GRACE, Write::begin(self)).await {
            Ok(begun) => begun,
            Err(_) => Err(StoreError::Silent),
        }
    }

    /// The revision of the database, raised within [`terms::limit::CHANGE_LOOK_SQLITE`] or, on
    /// PostgreSQL, at once and at the latest within [`terms::limit::CHANGE_LOOK_POSTGRES`] of a
    /// commit of any process. Starts at 0, so the first tick comes at once; at each tick ask
    /// [`change::since`] with the reader's own revision. Goes on when the database was away. Must
    /// be called inside a runtime; the watching ends when its last receiver is gone.
    pub fn watch(&self) -> tokio::sync::watch::Receiver<u64> {
        watch::receiver(self)
    }

    /// Does the database answer within [`READY_WAIT_MAX`]?
    pub async fn ready(&self) -> Result<(), StoreError> {
        match timeout(READY_WAIT_MAX, change::revision(self)).await {
            Ok(answer) => answer.map(drop),
            Err(_) => Err(StoreError::Silent),
        }
    }

    /// What `lgsp doctor` asks: version, collation, encoding.
    pub async fn inspect(&self) -> Result<Inspection, StoreError> {
        inspection::inspect(self).await
    }

    /// Closes all connections; what is running is finished first.
    pub async fn close(&self) {
        self.inner.writers.close().await;
        self.pool.close().await;
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.inner.address)
    }
}
