//! Why the journal could not be opened, read or written.

use std::path::{Path, PathBuf};

use terms::fault::Sentence;
use terms::limit::JOURNAL_RETENTION_MONTHS_MIN;

/// The journal takes nothing now: the call is refused with `journal_unavailable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Every place for an open record is taken.
    #[error("no place left for a record")]
    Full,
    /// The log cannot be written; it is tried again every second.
    #[error("the journal cannot be written")]
    Failed,
    /// What is left of the disk is held back for rows of identified callers.
    #[error("the journal's disk is held back for identified callers")]
    Reserved,
    /// The journal has been stopped.
    #[error("the journal has been stopped")]
    Stopped,
}

/// The journal could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file could not be read or written.
    #[error("{path}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Article 18.5: at least two years.
    #[error("retention of {0} months is below the {JOURNAL_RETENTION_MONTHS_MIN} of article 18.5")]
    Retention(u32),
    /// A node's name is 1 to 64 letters, digits, `-`, `_` or `.`.
    #[error("node name {0:?} cannot stand in a file name")]
    Node(String),
    /// The signing key cannot be read as one.
    #[error("{0}: not an Ed25519 key")]
    Key(PathBuf),
    /// The signing key is readable by others than its owner.
    #[error("{0}: mode must be 0600")]
    KeyMode(PathBuf),
    /// A line of the manifest is not one.
    #[error("{path}: line {line} is damaged")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// The writer could not begin a segment.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// A statement on the outbox failed.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

impl JournalError {
    /// An error of the operating system at `path`.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> JournalError {
        JournalError::Io { path: path.to_owned(), source }
    }

    /// One sentence for people.
    pub fn sentence(&self) -> Sentence {
        let cause = match self {
            JournalError::Io { path, source } => format!("{}: {source}", path.display()),
            other => other.to_string(),
        };
        match self {
            JournalError::Retention(months) => Sentence::made(
                format!(
                    "Thời gian lưu nhật ký {months} tháng ngắn hơn \
                     {JOURNAL_RETENTION_MONTHS_MIN} tháng theo Điều 18.5"
                ),
                cause,
            ),
            JournalError::Node(name) => {
                Sentence::made(format!("Tên nút {name:?} không dùng được trong tên tệp"), cause)
            }
            JournalError::Key(path) => {
                Sentence::made(format!("{}: không phải khóa ký Ed25519", path.display()), cause)
            }
            JournalError::KeyMode(path) => Sentence::made(
                format!("{}: quyền của tệp khóa ký phải là 0600", path.display()),
                cause,
            ),
            JournalError::Manifest { path, line } => {
                Sentence::made(format!("{}: dòng {line} bị hỏng", path.display()), cause)
            }
            JournalError::Io { .. }
            | JournalError::Unavailable(_)
            | JournalError::Store(_)
            | JournalError::Sql(_) => Sentence::made(
                format!("Không đọc hoặc ghi được nhật ký: {cause}"),
                format!("The journal cannot be read or written: {cause}"),
            ),
        }
    }
}
