//! The check values in the database: they tell a node that holds another keyring.

use ::store::{Store, StoreError};
use sqlx::{AnyExecutor, Row};
use terms::clock::Timestamp;

use crate::KeyId;

/// Id and check value of each entry the database has seen, ascending.
pub(crate) async fn list<'c>(
    executor: impl AnyExecutor<'c>,
) -> Result<Vec<(KeyId, String)>, StoreError> {
    let rows =
        sqlx::query("SELECT id, check_value FROM keyring ORDER BY id").fetch_all(executor).await?;
    let read = |row: &sqlx::any::AnyRow| -> Result<_, sqlx::Error> {
        let id: i64 = row.try_get(0)?;
        Ok((KeyId(u8::try_from(id).unwrap_or(0)), row.try_get(1)?))
    };
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Notes entries that the database has not seen; one noted by another node meanwhile stays.
pub(crate) async fn insert(
    store: &Store,
    entries: &[(KeyId, String, Timestamp)],
) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    for (id, check, created) in entries {
        sqlx::query(
            "INSERT INTO keyring (id, check_value, created) VALUES ($1, $2, $3) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(i64::from(id.0))
        .bind(check)
        .bind(created.micros())
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await.map(drop)
}
