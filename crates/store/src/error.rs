//! Why the database could not be opened or used, in words an operator can act on.

use std::path::PathBuf;

use terms::fault::Sentence;

/// Why the database could not be opened or used. The text says what to do; the cause stands in
/// `source` and is not repeated. A password never stands in it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The configured URL is not one the platform takes.
    #[error("[database] url {url}: {reason}")]
    Url {
        /// The URL, its password left out.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The folder or the file of the SQLite database could not be made.
    #[error("cannot create {}: check that the folder exists and is writable", path.display())]
    File {
        /// What could not be made.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database could not be reached or refused the connection.
    #[error("cannot open the database {database}: check that it runs and takes this user")]
    Open {
        /// The URL, its password left out.
        database: String,
        /// Why.
        source: sqlx::Error,
    },
    /// Another writer held the database for longer than the platform waits.
    #[error("the database is busy: another process has been writing for 30 s; find and end it")]
    Busy {
        /// What the engine said.
        source: sqlx::Error,
    },
    /// The database was brought forward by a newer release.
    #[error("the database has migration {number}, unknown to this lgsp: start the newer release")]
    Newer {
        /// The first migration that this program does not know.
        number: i64,
    },
    /// A migration that was run is not the one in this program.
    #[error("migration {number} {name} was altered after it was run on this database")]
    Altered {
        /// Its number.
        number: i64,
        /// Its name.
        name: String,
    },
    /// A migration failed; the database stands as before.
    #[error("migration {number} {name} failed; the database was left as it was")]
    Migration {
        /// Its number.
        number: i64,
        /// Its name.
        name: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The database did not answer in time.
    #[error("the database does not answer: check that it runs and can be reached")]
    Silent,
    /// A statement failed.
    #[error("the database refused a statement")]
    Statement(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(source: sqlx::Error) -> StoreError {
        match source {
            sqlx::Error::PoolTimedOut => StoreError::Silent,
            source if is_busy(&source) => StoreError::Busy { source },
            source => StoreError::Statement(source),
        }
    }
}

impl StoreError {
    /// The same for people, in both languages.
    pub fn sentence(&self) -> Sentence {
        let vi = match self {
            StoreError::Url { url, .. } => format!("[database] url {url}: địa chỉ không hợp lệ"),
            StoreError::File { path, .. } => {
                format!("không tạo được {}: kiểm tra thư mục và quyền ghi", path.display())
            }
            StoreError::Open { database, .. } => {
                format!("không mở được cơ sở dữ liệu {database}: kiểm tra máy chủ và tài khoản")
            }
            StoreError::Busy { .. } => {
                "cơ sở dữ liệu đang bận: một tiến trình khác đã ghi quá 30 giây".to_owned()
            }
            StoreError::Newer { number } => format!(
                "cơ sở dữ liệu có bước nâng cấp {number} mà bản lgsp này chưa biết: chạy bản mới hơn"
            ),
            StoreError::Altered { number, name } => {
                format!("bước nâng cấp {number} {name} đã bị sửa sau khi chạy")
            }
            StoreError::Migration { number, name, .. } => {
                format!("bước nâng cấp {number} {name} thất bại; cơ sở dữ liệu giữ nguyên")
            }
            StoreError::Silent => {
                "cơ sở dữ liệu không trả lời: kiểm tra máy chủ và đường mạng".to_owned()
            }
            StoreError::Statement(_) => "cơ sở dữ liệu từ chối một câu lệnh".to_owned(),
        };
        Sentence::made(vi, self.to_string())
    }
}

/// Did another writer hold the lock for too long? SQLite: SQLITE_BUSY (5) and its extended codes;
/// PostgreSQL: lock_not_available (55P03).
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(inner) => match inner.code() {
            Some(code) if code == "55P03" => true,
            Some(code) => code.parse::<u32>().is_ok_and(|n| n & 0xff == 5 && code.len() < 5),
            None => false,
        },
        _ => false,
    }
}
