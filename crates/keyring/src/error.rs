//! Why the keyring could not be used, in words an operator can act on.

use std::path::PathBuf;

use store::StoreError;
use terms::fault::Sentence;

use crate::KeyId;

/// Why the keyring could not be used. No part of a key ever stands in it.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file could not be read or written.
    #[error("the keyring {} cannot be read or written", path.display())]
    File {
        /// The file or its folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others than the owner may read the file.
    #[error("the keyring {} has mode {mode:04o}: run chmod 600 on it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not a keyring.
    #[error("the keyring {} is damaged at line {line}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
        /// What is wrong; nothing of the file's text.
        reason: &'static str,
    },
    /// The database, or the ring in use, knows the entry under another key.
    #[error("entry {id} is of another keyring: put back the file this database was begun with")]
    Foreign {
        /// The entry.
        id: KeyId,
    },
    /// The database, or the ring in use, knows an entry that the file does not have.
    #[error("the keyring lacks entry {id}: copy the file from a node that has it")]
    Lacking {
        /// The entry.
        id: KeyId,
    },
    /// There is no such entry.
    #[error("the keyring has no entry {id}")]
    Unknown {
        /// The entry asked for.
        id: KeyId,
    },
    /// The current entry is in use and cannot be retired.
    #[error("entry {id} is the current one: rotate first")]
    Current {
        /// The entry.
        id: KeyId,
    },
    /// All 255 ids are used.
    #[error("the keyring is full: 255 entries")]
    Full,
    /// A sealed text was altered, stands in another place than it was sealed for, or was sealed
    /// under an entry that is not in the keyring.
    #[error("the sealed text cannot be opened with this keyring")]
    Sealed,
    /// A text is too long to be sealed.
    #[error("the text is too long to be sealed")]
    Long,
    /// The database could not be asked for the check values.
    #[error("the keyring cannot be checked against the database")]
    Store(#[from] StoreError),
}

impl KeyringError {
    /// The same for people, in both languages.
    pub fn sentence(&self) -> Sentence {
        let vi = match self {
            KeyringError::File { path, .. } => {
                format!("không đọc hoặc ghi được tệp khóa {}", path.display())
            }
            KeyringError::Exposed { path, mode } => format!(
                "tệp khóa {} có quyền {mode:04o}: chạy chmod 600 cho tệp này",
                path.display()
            ),
            KeyringError::Damaged { path, line, .. } => {
                format!("tệp khóa {} bị hỏng ở dòng {line}", path.display())
            }
            KeyringError::Foreign { id } => format!(
                "khóa {id} thuộc bộ khóa khác: đặt lại tệp khóa đã dùng khi tạo cơ sở dữ liệu này"
            ),
            KeyringError::Lacking { id } => {
                format!("bộ khóa thiếu khóa {id}: sao chép tệp khóa từ nút có khóa này")
            }
            KeyringError::Unknown { id } => format!("bộ khóa không có khóa {id}"),
            KeyringError::Current { id } => {
                format!("khóa {id} đang là khóa hiện hành: xoay khóa trước")
            }
            KeyringError::Full => "bộ khóa đã đủ 255 khóa".to_owned(),
            KeyringError::Sealed => "không mở được nội dung niêm phong bằng bộ khóa này".to_owned(),
            KeyringError::Long => "nội dung quá dài, không niêm phong được".to_owned(),
            KeyringError::Store(_) => "không đối chiếu được bộ khóa với cơ sở dữ liệu".to_owned(),
        };
        Sentence::made(vi, self.to_string())
    }
}
