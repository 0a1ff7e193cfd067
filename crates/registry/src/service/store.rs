//! Services in the database.

use futures_util::TryStreamExt;
use sqlx::{AnyConnection, Error, Row};

use crate::stated::Stated;

/// Gives every service's code and body to `take`, one row at a time.
pub(crate) async fn list(
    tx: &mut AnyConnection,
    mut take: impl FnMut(&str, &str),
) -> Result<(), Error> {
    let mut rows = sqlx::query("SELECT code, body FROM service").fetch(tx);
    while let Some(row) = rows.try_next().await? {
        take(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(())
}

/// The body of one service.
pub(crate) async fn find(tx: &mut AnyConnection, code: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT body FROM service WHERE code = $1";
    sqlx::query_scalar(sql).bind(code).fetch_optional(tx).await
}

/// A new service.
pub(crate) async fn insert(tx: &mut AnyConnection, stated: &Stated) -> Result<(), Error> {
    let sql = "INSERT INTO service (code, provider, body) VALUES ($1, $2, $3)";
    let query = sqlx::query(sql).bind(stated.text("code").unwrap_or_default());
    let query = query.bind(stated.text("provider").unwrap_or_default());
    query.bind(stated.to_text()).execute(tx).await.map(drop)
}

/// What is now stated of a service; its provider never changes.
pub(crate) async fn update_body(tx: &mut AnyConnection, stated: &Stated) -> Result<(), Error> {
    let sql = "UPDATE service SET body = $2 WHERE code = $1";
    let query = sqlx::query(sql).bind(stated.text("code").unwrap_or_default());
    query.bind(stated.to_text()).execute(tx).await.map(drop)
}
