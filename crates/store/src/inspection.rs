//! What `lgsp doctor` wants to know of the database.

use sqlx::Row;
use terms::fault::Sentence;

use crate::{Engine, Store, StoreError};

/// The database as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Which engine.
    pub engine: Engine,
    /// Its release: `3.50.4`, `15.14`.
    pub version: String,
    /// How it orders text: `C` is asked for; SQLite's `BINARY` is the same.
    pub collation: String,
    /// How it stores text: `UTF8` (PostgreSQL), `UTF-8` (SQLite).
    pub encoding: String,
}

impl Inspection {
    /// What is wrong with it; empty when all is well. The platform runs nevertheless.
    pub fn faults(&self) -> Vec<Sentence> {
        let mut faults = Vec::new();
        if self.engine == Engine::Postgres && !matches!(&*self.collation, "C" | "POSIX" | "C.UTF-8")
        {
            faults.push(Sentence::made(
                format!(
                    "cơ sở dữ liệu có collation {}: tạo lại với LC_COLLATE 'C' TEMPLATE template0",
                    self.collation
                ),
                format!(
                    "the database has collation {}: make it with LC_COLLATE 'C' TEMPLATE template0",
                    self.collation
                ),
            ));
        }
        if !matches!(&*self.encoding, "UTF8" | "UTF-8") {
            faults.push(Sentence::made(
                format!("cơ sở dữ liệu có bảng mã {}: cần UTF8", self.encoding),
                format!("the database has encoding {}: UTF8 is needed", self.encoding),
            ));
        }
        faults
    }
}

pub(crate) async fn inspect(store: &Store) -> Result<Inspection, StoreError> {
    let row = match store.engine {
        Engine::Sqlite => {
            sqlx::query("SELECT sqlite_version(), 'BINARY', encoding FROM pragma_encoding")
                .fetch_one(&store.pool)
                .await?
        }
        Engine::Postgres => {
            sqlx::query(
                "SELECT CAST(current_setting('server_version') AS TEXT), \
                 CAST(datcollate AS TEXT), CAST(pg_encoding_to_char(encoding) AS TEXT) \
                 FROM pg_database WHERE datname = current_database()",
            )
            .fetch_one(&store.pool)
            .await?
        }
    };
    Ok(Inspection {
        engine: store.engine,
        version: row.try_get(0)?,
        collation: row.try_get(1)?,
        encoding: row.try_get(2)?,
    })
}
