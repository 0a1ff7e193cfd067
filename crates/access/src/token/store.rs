//! The SQL of revoked tokens: the only place that names their table.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use terms::clock::Timestamp;

use super::Tag;

/// Every revoked token that has not been deleted yet, with its expiry.
pub(crate) async fn list<'c>(
    executor: impl AnyExecutor<'c>,
) -> Result<Vec<(Tag, Timestamp)>, sqlx::Error> {
    let rows = sqlx::query("SELECT tag, expires_at FROM revocation").fetch_all(executor).await?;
    rows.iter().map(read).collect()
}

/// The revoked token with this tag in hex.
pub(crate) async fn find<'c>(
    executor: impl AnyExecutor<'c>,
    tag: &str,
) -> Result<Option<(Tag, Timestamp)>, sqlx::Error> {
    let row = sqlx::query("SELECT tag, expires_at FROM revocation WHERE tag = $1")
        .bind(tag)
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Notes a revoked token, once.
pub(crate) async fn insert(
    tx: &mut AnyConnection,
    tag: &Tag,
    credential_number: u64,
    expires_at: Timestamp,
    revoked_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO revocation (tag, credential_number, expires_at, revoked_at) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (tag) DO NOTHING",
    )
    .bind(hex::encode(tag))
    .bind(credential_number.cast_signed())
    .bind(expires_at.micros())
    .bind(revoked_at.micros())
    .execute(tx)
    .await
    .map(drop)
}

/// Deletes those that would have expired by now anyhow.
pub(crate) async fn delete_expired(
    tx: &mut AnyConnection,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM revocation WHERE expires_at < $1")
        .bind(now.micros())
        .execute(tx)
        .await
        .map(drop)
}

fn read(row: &AnyRow) -> Result<(Tag, Timestamp), sqlx::Error> {
    let text: String = row.try_get("tag")?;
    let mut tag = Tag::default();
    hex::decode_to_slice(&text, &mut tag).map_err(|error| sqlx::Error::ColumnDecode {
        index: "tag".to_owned(),
        source: error.into(),
    })?;
    let expires_at = Timestamp::from_micros(row.try_get("expires_at")?);
    Ok((tag, expires_at))
}
