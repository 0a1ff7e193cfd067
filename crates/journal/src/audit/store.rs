//! The outbox's table.

use sqlx::{Any, AnyConnection, Executor, Row as _};
use terms::clock::Timestamp;
use terms::exchange::ExchangeId;

use super::{Change, Waiting};

pub(super) async fn insert(
    tx: &mut AnyConnection,
    id: ExchangeId,
    change: &Change,
) -> Result<(), sqlx::Error> {
    let json = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string);
    sqlx::query(
        "INSERT INTO audit (id, at, actor, verb, subject, state_before, state_after) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id.to_string())
    .bind(change.at.micros())
    .bind(change.actor.as_str())
    .bind(change.verb.as_str())
    .bind(change.subject.as_str())
    .bind(json(&change.before))
    .bind(json(&change.after))
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn waits_unclaimed(
    from: impl Executor<'_, Database = Any>,
) -> Result<bool, sqlx::Error> {
    sqlx::query("SELECT id FROM audit WHERE drained_at IS NULL AND node IS NULL LIMIT 1")
        .fetch_optional(from)
        .await
        .map(|row| row.is_some())
}

pub(super) async fn claim(tx: &mut AnyConnection, node: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE audit SET node = $1 WHERE drained_at IS NULL AND node IS NULL")
        .bind(node)
        .execute(tx)
        .await
        .map(drop)
}

pub(super) async fn list_waiting(
    from: impl Executor<'_, Database = Any>,
    node: &str,
    limit: i64,
) -> Result<Vec<Waiting>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT id, at, actor, verb, subject, state_before, state_after FROM audit \
         WHERE drained_at IS NULL AND node = $1 ORDER BY id LIMIT $2",
    )
    .bind(node)
    .bind(limit)
    .fetch_all(from)
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &sqlx::any::AnyRow) -> Result<Waiting, sqlx::Error> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let json = |column: &str| -> Result<Option<serde_json::Value>, sqlx::Error> {
        let text: Option<String> = row.try_get(column)?;
        let read = text.map(|text| serde_json::from_str(&text)).transpose();
        read.map_err(|error| sqlx::Error::Decode(error.into()))
    };
    let id = text("id")?;
    Ok(Waiting {
        id: ExchangeId::parse(&id)
            .ok_or_else(|| sqlx::Error::Decode(format!("audit id {id}").into()))?,
        change: Change {
            at: Timestamp::from_micros(row.try_get("at")?),
            actor: text("actor")?,
            verb: text("verb")?,
            subject: text("subject")?,
            before: json("state_before")?,
            after: json("state_after")?,
        },
    })
}

pub(super) async fn update_drained(
    tx: &mut AnyConnection,
    id: ExchangeId,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE audit SET drained_at = $1 WHERE id = $2")
        .bind(at.micros())
        .bind(id.to_string())
        .execute(tx)
        .await
        .map(drop)
}
