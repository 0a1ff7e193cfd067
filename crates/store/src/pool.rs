//! The two pools, one that reads and one that writes, and what is set on each connection.

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, ConnectOptions, Row};

use crate::address::Address;
use crate::error::is_busy;
use crate::{Engine, Pool, READ_WAIT_MAX, StoreError, WRITE_WAIT_MAX};

/// Connections that read. SQLite is asked from memory; a server is asked over a network.
const READERS_SQLITE: u32 = 4;
const READERS_POSTGRES: u32 = 8;
/// Connections that write. There is one writer at a time, so more than one would only wait; on
/// PostgreSQL the second one is on its way while the first commits.
const WRITERS_SQLITE: u32 = 1;
const WRITERS_POSTGRES: u32 = 2;
/// How long the first connection may take.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often a locked file is tried again where SQLite does not wait by itself.
const LOCKED_LOOK: Duration = Duration::from_millis(20);

/// SQLite: every commit reaches the disk before it is answered (FULL), readers see the last commit.
const SQLITE: &str = "PRAGMA busy_timeout = 30000; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON;";
const SQLITE_READER: &str = "PRAGMA busy_timeout = 30000; PRAGMA foreign_keys = ON; \
    PRAGMA query_only = ON;";
/// PostgreSQL: a writer that hangs or whose node has died lets the lock of all writers go.
const POSTGRES: &str = "SET client_min_messages = warning; SET lock_timeout = '30s'; \
    SET idle_in_transaction_session_timeout = '60s';";
const POSTGRES_READER: &str = "SET client_min_messages = warning; \
    SET default_transaction_read_only = on; SET statement_timeout = '30s';";

/// Makes the file of a SQLite database and its folders, for the owner only.
pub(crate) fn prepare(address: &Address) -> Result<(), StoreError> {
    sqlx::any::install_default_drivers();
    let Address::Sqlite(path) = address else { return Ok(()) };
    let fault = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::File { path, source }
    };
    if let Some(folder) = path.parent() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder).map_err(fault(folder))?;
    }
    // A file that is there is not opened: closing it would drop the locks that SQLite holds on it
    // in this process (POSIX). SQLite gives its side files the mode of this one.
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(fault(path)(error)),
        _ => Ok(()),
    }
}

/// One connection that writes, outside the pools.
pub(crate) async fn connect(address: &Address) -> Result<AnyConnection, StoreError> {
    let fault = |source| StoreError::Open { database: address.to_string(), source };
    let options = options(address)?;
    let connecting = tokio::time::timeout(CONNECT_WAIT_MAX, options.connect());
    let mut connection = connecting.await.map_err(|_| StoreError::Silent)?.map_err(fault)?;
    set(&mut connection, writer_settings(address.engine())).await.map_err(fault)?;
    if address.engine() == Engine::Sqlite {
        let changing = tokio::time::timeout(WRITE_WAIT_MAX, write_ahead(&mut connection));
        changing.await.map_err(|_| StoreError::Silent)?.map_err(fault)?;
    }
    Ok(connection)
}

/// The pool one reads with; connects when first used.
pub(crate) fn readers(address: &Address) -> Result<Pool, StoreError> {
    let (count, settings) = match address.engine() {
        Engine::Sqlite => (READERS_SQLITE, SQLITE_READER),
        Engine::Postgres => (READERS_POSTGRES, POSTGRES_READER),
    };
    make(address, count, READ_WAIT_MAX, settings)
}

/// The pool that writes; connects when first used.
pub(crate) fn writers(address: &Address) -> Result<Pool, StoreError> {
    let count = match address.engine() {
        Engine::Sqlite => WRITERS_SQLITE,
        Engine::Postgres => WRITERS_POSTGRES,
    };
    make(address, count, WRITE_WAIT_MAX, writer_settings(address.engine()))
}

fn writer_settings(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => SQLITE,
        Engine::Postgres => POSTGRES,
    }
}

fn make(
    address: &Address,
    count: u32,
    wait: Duration,
    settings: &'static str,
) -> Result<Pool, StoreError> {
    let options = options(address)?;
    Ok(AnyPoolOptions::new()
        .max_connections(count)
        .acquire_timeout(wait)
        .after_connect(move |connection, _| Box::pin(set(connection, settings)))
        .connect_lazy_with(options))
}

fn options(address: &Address) -> Result<AnyConnectOptions, StoreError> {
    let options = address.url().parse::<AnyConnectOptions>();
    let options = options
        .map_err(|_| StoreError::Url { url: address.to_string(), reason: "is not a URL" })?;
    Ok(options.disable_statement_logging())
}

async fn set(connection: &mut AnyConnection, settings: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(settings).execute(connection).await.map(drop)
}

/// Turns the write-ahead log on. SQLite does not wait here for others that are just opening.
async fn write_ahead(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    loop {
        match sqlx::query("PRAGMA journal_mode = WAL").fetch_one(&mut *connection).await {
            Ok(row) => {
                let mode: String = row.try_get(0)?;
                if mode != "wal" {
                    tracing::warn!(mode, "this file system takes no write-ahead log");
                }
                return Ok(());
            }
            Err(error) if is_busy(&error) => tokio::time::sleep(LOCKED_LOOK).await,
            Err(error) => return Err(error),
        }
    }
}
