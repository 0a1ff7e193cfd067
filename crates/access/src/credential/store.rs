//! The SQL of credentials: the only place that names their table.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use terms::clock::Timestamp;
use terms::code::{ConsumerKey, SystemCode};
use terms::environment::Environment;

use super::{Credential, SecretHash};

/// Which credentials to list; empty means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this system only.
    pub system: Option<SystemCode>,
    /// Of this environment only.
    pub environment: Option<Environment>,
}

/// The credentials that fit, oldest first.
pub async fn list<'c>(
    executor: impl AnyExecutor<'c>,
    filter: &Filter,
) -> Result<Vec<Credential>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT number, consumer_key, system, environment, secret_hash, previous_hash, \
         previous_until, weak_until, valid_from, revoked_at, created_at, last_used_at \
         FROM credential WHERE ($1 = '' OR system = $1) AND ($2 = '' OR environment = $2) \
         ORDER BY created_at, number",
    )
    .bind(filter.system.as_ref().map_or("", SystemCode::as_str))
    .bind(filter.environment.map_or("", Environment::as_str))
    .fetch_all(executor)
    .await?;
    rows.iter().map(read).collect()
}

/// The credential of this consumer key, dead or alive.
pub async fn find<'c>(
    executor: impl AnyExecutor<'c>,
    key: &ConsumerKey,
) -> Result<Option<Credential>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT number, consumer_key, system, environment, secret_hash, previous_hash, \
         previous_until, weak_until, valid_from, revoked_at, created_at, last_used_at \
         FROM credential WHERE consumer_key = $1",
    )
    .bind(key.as_str())
    .fetch_optional(executor)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Has the system ever been issued a credential in this environment, revoked ones included?
pub async fn ever_issued<'c>(
    executor: impl AnyExecutor<'c>,
    system: &SystemCode,
    environment: Environment,
) -> Result<bool, sqlx::Error> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM credential WHERE system = $1 AND environment = $2",
    )
    .bind(system.as_str())
    .bind(environment.as_str())
    .fetch_one(executor)
    .await?;
    Ok(count > 0)
}

pub(super) async fn insert(
    tx: &mut AnyConnection,
    credential: &Credential,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO credential (number, consumer_key, system, environment, secret_hash, \
         weak_until, valid_from, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(credential.number.cast_signed())
    .bind(credential.consumer_key.as_str())
    .bind(credential.system.as_str())
    .bind(credential.environment.as_str())
    .bind(credential.secret.text())
    .bind(credential.weak_until.map(Timestamp::micros))
    .bind(credential.valid_from.micros())
    .bind(credential.created_at.micros())
    .execute(tx)
    .await
    .map(drop)
}

/// Writes both secrets, their ends and the revocation as they stand in `credential`.
pub(super) async fn update_state(
    tx: &mut AnyConnection,
    credential: &Credential,
) -> Result<(), sqlx::Error> {
    let (previous, until) = match &credential.previous {
        Some((hash, until)) => (Some(hash.text()), Some(until.micros())),
        None => (None, None),
    };
    sqlx::query(
        "UPDATE credential SET secret_hash = $2, previous_hash = $3, previous_until = $4, \
         weak_until = $5, revoked_at = $6 WHERE number = $1",
    )
    .bind(credential.number.cast_signed())
    .bind(credential.secret.text())
    .bind(previous)
    .bind(until)
    .bind(credential.weak_until.map(Timestamp::micros))
    .bind(credential.revoked_at.map(Timestamp::micros))
    .execute(tx)
    .await
    .map(drop)
}

/// Puts a new hash of the same secret in the place of the old one; nothing when the secret was
/// changed meanwhile. Tells whether it did.
pub(crate) async fn update_hash(
    tx: &mut AnyConnection,
    number: u64,
    old: &SecretHash,
    new: &SecretHash,
) -> Result<bool, sqlx::Error> {
    sqlx::query("UPDATE credential SET secret_hash = $3 WHERE number = $1 AND secret_hash = $2")
        .bind(number.cast_signed())
        .bind(old.text())
        .bind(new.text())
        .execute(tx)
        .await
        .map(|done| done.rows_affected() > 0)
}

/// Notes the last use; never backwards.
pub(crate) async fn update_used(
    tx: &mut AnyConnection,
    number: u64,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE credential SET last_used_at = $2 \
         WHERE number = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
    )
    .bind(number.cast_signed())
    .bind(at.micros())
    .execute(tx)
    .await
    .map(drop)
}

fn read(row: &AnyRow) -> Result<Credential, sqlx::Error> {
    let time = |name: &str| -> Result<Option<Timestamp>, sqlx::Error> {
        Ok(row.try_get::<Option<i64>, _>(name)?.map(Timestamp::from_micros))
    };
    let hash = |text: &str| {
        SecretHash::parse(text).ok_or_else(|| unreadable("secret_hash", "unknown form of hash"))
    };
    let previous_hash: Option<String> = row.try_get("previous_hash")?;
    let previous = match (previous_hash, time("previous_until")?) {
        (Some(text), Some(until)) => Some((hash(&text)?, until)),
        _ => None,
    };
    let environment: String = row.try_get("environment")?;
    Ok(Credential {
        number: row.try_get::<i64, _>("number")?.cast_unsigned(),
        consumer_key: ConsumerKey::known(row.try_get::<String, _>("consumer_key")?),
        system: SystemCode::known(row.try_get::<String, _>("system")?),
        environment: Environment::parse(&environment)
            .ok_or_else(|| unreadable("environment", "unknown environment"))?,
        secret: hash(&row.try_get::<String, _>("secret_hash")?)?,
        previous,
        weak_until: time("weak_until")?,
        valid_from: Timestamp::from_micros(row.try_get("valid_from")?),
        revoked_at: time("revoked_at")?,
        created_at: Timestamp::from_micros(row.try_get("created_at")?),
        last_used_at: time("last_used_at")?,
    })
}

fn unreadable(column: &str, reason: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: reason.into() }
}
