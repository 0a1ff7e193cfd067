//! Why facts of dossiers could not be kept or counted.

use journal::JournalError;
use store::StoreError;
use terms::fault::Sentence;
use terms::limit::{REASON_CHARS_MAX, REASON_CHARS_MIN};

use crate::period::Span;

/// Why facts could not be kept or counted. No code of a dossier ever stands in it.
#[derive(Debug, thiserror::Error)]
pub enum DossierError {
    /// Facts are to be kept, but no law or decision is named that allows it.
    #[error(
        "[statistics] keep_facts needs legal_ground: name the decision that allows it \
         ({REASON_CHARS_MIN} to {REASON_CHARS_MAX} characters on one line)"
    )]
    Ground,
    /// The keyring lacks the entry under which the codes were digested.
    #[error("the keyring lacks entry {0}, under which the codes of dossiers were digested")]
    Key(u8),
    /// A count would be below zero.
    #[error("the daily counters of dossiers are damaged: run the recount")]
    Damaged,
    /// The facts do not cover the period: dossiers accepted before they began are missing in it.
    #[error("facts of dossiers do not cover this period: [statistics] complete_from")]
    Incomplete,
    /// It is not known of some packets whether the portal took them, or their facts were lost.
    #[error(
        "facts of dossiers are not complete: {dossiers} dossiers in doubt, {lost} records lost; \
         see lgsp statistics status"
    )]
    Gaps {
        /// Dossiers of which a packet is in doubt.
        dossiers: u64,
        /// Packets or records whose facts were lost.
        lost: u64,
    },
    /// The packet of this month or year is not due, or of a time too long ago.
    #[error("the packet of {0} is not due: its period is not over, or over for more than 3 years")]
    NotDue(Span),
    /// The keeping of facts was ended, here or on another node.
    #[error("facts of dossiers are not kept")]
    Ended,
    /// The task that keeps facts has stopped, or its queue is full.
    #[error("facts of dossiers cannot be kept now")]
    Away,
    /// The change could not be put into the audit.
    #[error(transparent)]
    Audit(#[from] JournalError),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for DossierError {
    fn from(error: sqlx::Error) -> DossierError {
        DossierError::Store(error.into())
    }
}

impl DossierError {
    /// The same for people, in both languages.
    pub fn sentence(&self) -> Sentence {
        let vi = match self {
            DossierError::Ground => {
                format!(
                    "[statistics] keep_facts cần legal_ground: ghi văn bản cho phép lưu \
                     ({REASON_CHARS_MIN} đến {REASON_CHARS_MAX} ký tự, một dòng)"
                )
            }
            DossierError::Key(id) => format!("vòng khóa thiếu mục {id} đã dùng để băm mã hồ sơ"),
            DossierError::Damaged => "bộ đếm hồ sơ theo ngày bị hỏng: chạy đếm lại".to_owned(),
            DossierError::Incomplete => {
                "dữ kiện hồ sơ không đủ cho kỳ này: [statistics] complete_from".to_owned()
            }
            DossierError::Gaps { dossiers, lost } => format!(
                "dữ kiện hồ sơ chưa đầy đủ: {dossiers} hồ sơ chưa rõ Cổng đã nhận hay chưa, {lost} \
                 bản ghi bị mất; xem lgsp statistics status"
            ),
            DossierError::NotDue(span) => format!(
                "gói thống kê kỳ {span} chưa đến hạn: kỳ chưa kết thúc, hoặc đã qua hơn 3 năm"
            ),
            DossierError::Ended => "không lưu dữ kiện hồ sơ".to_owned(),
            DossierError::Away => "hiện không ghi được dữ kiện hồ sơ".to_owned(),
            DossierError::Audit(error) => return error.sentence(),
            DossierError::Store(error) => return error.sentence(),
        };
        Sentence::made(vi, self.to_string())
    }
}
