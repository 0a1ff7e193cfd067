//! Subscriptions in the database.

use futures_util::TryStreamExt;
use sqlx::{AnyConnection, Error, Row};

use crate::stated::Stated;

/// Gives every subscription's number and body to `take`, one row at a time.
pub(crate) async fn list(
    tx: &mut AnyConnection,
    mut take: impl FnMut(u64, &str),
) -> Result<(), Error> {
    let mut rows = sqlx::query("SELECT id, body FROM subscription").fetch(tx);
    while let Some(row) = rows.try_next().await? {
        take(row.try_get::<i64, _>(0)?.unsigned_abs(), row.try_get(1)?);
    }
    Ok(())
}

/// The number and body of one subscription, by system, service, version and environment.
pub(crate) async fn find(
    tx: &mut AnyConnection,
    key: [&str; 4],
) -> Result<Option<(u64, String)>, Error> {
    let sql = "SELECT id, body FROM subscription \
               WHERE system = $1 AND service = $2 AND version = $3 AND environment = $4";
    let query = key.into_iter().fold(sqlx::query(sql), |query, part| query.bind(part));
    let Some(row) = query.fetch_optional(tx).await? else {
        return Ok(None);
    };
    Ok(Some((row.try_get::<i64, _>(0)?.unsigned_abs(), row.try_get(1)?)))
}

/// The highest number given so far.
pub(crate) async fn last_id(tx: &mut AnyConnection) -> Result<i64, Error> {
    let sql = "SELECT CAST(COALESCE(MAX(id), 0) AS BIGINT) FROM subscription";
    sqlx::query_scalar(sql).fetch_one(tx).await
}

/// A new subscription. Its number is new, since subscriptions are never deleted.
pub(crate) async fn insert(tx: &mut AnyConnection, id: i64, stated: &Stated) -> Result<(), Error> {
    let sql = "INSERT INTO subscription (id, state, body, system, service, version, environment) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let query = sqlx::query(sql).bind(id);
    let query = query.bind(stated.text("state").unwrap_or("active")).bind(stated.to_text());
    let parts = ["system", "service", "version", "environment"];
    let bound = parts.into_iter().fold(query, |q, p| q.bind(stated.text(p).unwrap_or_default()));
    bound.execute(tx).await.map(drop)
}

/// What is now stated of a subscription.
pub(crate) async fn update_body(
    tx: &mut AnyConnection,
    id: i64,
    stated: &Stated,
) -> Result<(), Error> {
    let sql = "UPDATE subscription SET state = $2, body = $3 WHERE id = $1";
    let query = sqlx::query(sql).bind(id).bind(stated.text("state").unwrap_or("active"));
    query.bind(stated.to_text()).execute(tx).await.map(drop)
}
