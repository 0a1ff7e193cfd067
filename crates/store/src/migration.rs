//! The migrations: numbered SQL files that both engines take, run once each, all or none.

use std::collections::BTreeMap;

use sqlx::migrate::{Migration, Migrator};
use sqlx::{AnyConnection, Connection, Row};

use crate::{Engine, StoreError, write};

/// All of `migrations/`, embedded in the order of their numbers.
static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Runs what is missing in one transaction, under the lock of all writers: processes that start
/// together run each migration once.
pub(crate) async fn run(connection: &mut AnyConnection, engine: Engine) -> Result<(), StoreError> {
    run_all(connection, engine, &MIGRATOR.migrations).await
}

pub(crate) async fn run_all(
    connection: &mut AnyConnection,
    engine: Engine,
    migrations: &[Migration],
) -> Result<(), StoreError> {
    let mut tx = match engine {
        Engine::Sqlite => connection.begin_with("BEGIN IMMEDIATE").await?,
        Engine::Postgres => {
            let mut tx = connection.begin().await?;
            write::lock(&mut tx).await?;
            tx
        }
    };
    let done = list(&mut tx).await?;
    if let Some(number) = done.keys().find(|n| migrations.iter().all(|m| m.version != **n)) {
        return Err(StoreError::Newer { number: *number });
    }
    for migration in migrations {
        match done.get(&migration.version) {
            Some(checksum) if *checksum == print(&migration.checksum) => {}
            Some(_) => {
                return Err(StoreError::Altered {
                    number: migration.version,
                    name: migration.description.to_string(),
                });
            }
            None => apply(&mut tx, migration).await.map_err(|source| StoreError::Migration {
                number: migration.version,
                name: migration.description.to_string(),
                source,
            })?,
        }
    }
    Ok(tx.commit().await?)
}

/// The migrations that were run: number and checksum.
async fn list(tx: &mut AnyConnection) -> Result<BTreeMap<i64, String>, sqlx::Error> {
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS migration \
         (number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)",
    )
    .execute(&mut *tx)
    .await?;
    let rows = sqlx::query("SELECT number, checksum FROM migration").fetch_all(tx).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

async fn apply(tx: &mut AnyConnection, migration: &Migration) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(migration.sql.clone()).execute(&mut *tx).await?;
    sqlx::query("INSERT INTO migration (number, name, checksum) VALUES ($1, $2, $3)")
        .bind(migration.version)
        .bind(migration.description.as_ref())
        .bind(print(&migration.checksum))
        .execute(tx)
        .await
        .map(drop)
}

/// The first 128 bits of the SHA-384, in hex: enough to see that a file was altered.
fn print(checksum: &[u8]) -> String {
    checksum.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
