//! Versions of services in the database.

use futures_util::TryStreamExt;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Error, Row};

use crate::stated::Stated;

/// A version as it stands in the database.
pub(crate) struct VersionRow {
    /// The code of its service.
    pub(crate) service: String,
    /// Its name.
    pub(crate) version: String,
    /// What is stated of it.
    pub(crate) body: String,
    /// What is sealed of it.
    pub(crate) sealed: Sealed,
}

/// The sealed texts of a version, one for each field that holds a secret.
#[derive(Clone, Default, Hash)]
pub(crate) struct Sealed {
    /// The secret of `auth`.
    pub(crate) auth: Option<String>,
    /// The secret of `portal`.
    pub(crate) portal: Option<String>,
    /// The files of `tls`.
    pub(crate) tls: Option<String>,
}

/// Gives every version to `take`, one row at a time.
pub(crate) async fn list(
    tx: &mut AnyConnection,
    mut take: impl FnMut(VersionRow),
) -> Result<(), Error> {
    let sql = "SELECT service, version, body, auth_sealed, portal_sealed, tls_sealed FROM version";
    let mut rows = sqlx::query(sql).fetch(tx);
    while let Some(row) = rows.try_next().await? {
        take(read(&row)?);
    }
    Ok(())
}

/// The versions of one service.
pub(crate) async fn list_of(
    tx: &mut AnyConnection,
    service: &str,
) -> Result<Vec<VersionRow>, Error> {
    let sql = "SELECT service, version, body, auth_sealed, portal_sealed, tls_sealed FROM version \
               WHERE service = $1";
    let rows = sqlx::query(sql).bind(service).fetch_all(tx).await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<VersionRow, Error> {
    Ok(VersionRow {
        service: row.try_get(0)?,
        version: row.try_get(1)?,
        body: row.try_get(2)?,
        sealed: Sealed { auth: row.try_get(3)?, portal: row.try_get(4)?, tls: row.try_get(5)? },
    })
}

/// A new version.
pub(crate) async fn insert(
    tx: &mut AnyConnection,
    stated: &Stated,
    sealed: &Sealed,
) -> Result<(), Error> {
    let sql = "INSERT INTO version (service, version, state, body, auth_sealed, portal_sealed, tls_sealed) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    write(tx, sql, stated, sealed).await
}

/// What is now stated of a version, with what is sealed of it.
pub(crate) async fn update_body(
    tx: &mut AnyConnection,
    stated: &Stated,
    sealed: &Sealed,
) -> Result<(), Error> {
    let sql = "UPDATE version SET state = $3, body = $4, auth_sealed = $5, \
               portal_sealed = $6, tls_sealed = $7 WHERE service = $1 AND version = $2";
    write(tx, sql, stated, sealed).await
}

async fn write(
    tx: &mut AnyConnection,
    sql: &'static str,
    stated: &Stated,
    sealed: &Sealed,
) -> Result<(), Error> {
    let query = sqlx::query(sql).bind(stated.text("service").unwrap_or_default());
    let query = query.bind(stated.text("version").unwrap_or_default());
    let query = query.bind(stated.text("state").unwrap_or("published"));
    let query = query.bind(stated.to_text()).bind(sealed.auth.as_deref());
    let query = query.bind(sealed.portal.as_deref()).bind(sealed.tls.as_deref());
    query.execute(tx).await.map(drop)
}
