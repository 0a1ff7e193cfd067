//! Credentials of systems (khóa kết nối): a consumer key and the hash of its secret, in one
//! environment.

pub mod issuer;
mod secret;
pub(crate) mod store;

use terms::clock::Timestamp;
use terms::code::{ConsumerKey, SystemCode};
use terms::environment::Environment;
use terms::fault::Sentence;

pub use issuer::{Carried, Carry, Issued, Issuer, Prepared};
pub(crate) use secret::{SecretHash, Strength};
pub use store::{Filter, ever_issued, find, list};

/// The noun under which credentials stand in the feed of changes; the key is the consumer key.
pub(crate) const NOUN: &str = "credential";

/// A credential as it is stored. The secret is there as a hash only.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Random, below 2^63; stands in each of its tokens. Never used again, also not after a
    /// restored backup, so a token cannot pass to another owner.
    pub number: u64,
    /// The public half.
    pub consumer_key: ConsumerKey,
    /// Whose it is.
    pub system: SystemCode,
    /// Where it is valid.
    pub environment: Environment,
    pub(crate) secret: SecretHash,
    /// The secret before the last rotation, and until when it still works.
    pub(crate) previous: Option<(SecretHash, Timestamp)>,
    /// The current secret is refused from here on: set for carried-over secrets only.
    pub weak_until: Option<Timestamp>,
    /// Tokens issued before this are dead.
    pub valid_from: Timestamp,
    /// Dead since, with all its tokens.
    pub revoked_at: Option<Timestamp>,
    /// When it was issued or carried over.
    pub created_at: Timestamp,
    /// When it last got a token, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl Credential {
    /// Until when the secret before the last rotation still works; `None` when there is none.
    pub fn previous_until(&self) -> Option<Timestamp> {
        self.previous.as_ref().map(|(_, until)| *until)
    }

    /// Was it carried over with a short secret?
    pub fn is_weak(&self) -> bool {
        self.secret.is_slow()
    }
}

/// Why a credential could not be issued or changed.
#[derive(Debug, thiserror::Error)]
pub enum CredentialFault {
    /// No credential has this consumer key.
    #[error("no credential has the consumer key {0}")]
    Unknown(ConsumerKey),
    /// It was revoked; a revoked one never comes back.
    #[error("credential {0} was revoked: issue a new one with `lgsp key issue`")]
    Revoked(ConsumerKey),
    /// Carried over with another secret than the one stored.
    #[error("credential {0} has another secret: change it with `lgsp key rotate`")]
    SecretDiffers(ConsumerKey),
    /// The consumer key belongs to another system or environment.
    #[error("consumer key {0} belongs to another system or environment")]
    OwnerDiffers(ConsumerKey),
    /// The carried-over consumer key or secret cannot be sent by a client.
    #[error("a consumer key is 1 to 128 visible ASCII characters without ':'")]
    KeyForm,
    /// The carried-over secret is empty, too long or has control characters.
    #[error("a secret key is 1 to 256 characters, none of them a control character")]
    SecretForm,
    /// The keyring has no key to hash with.
    #[error("the keyring has no current key")]
    Keyring,
    /// The audit row could not be written.
    #[error(transparent)]
    Audit(#[from] journal::JournalError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] ::store::StoreError),
}

impl From<sqlx::Error> for CredentialFault {
    fn from(error: sqlx::Error) -> CredentialFault {
        CredentialFault::Store(error.into())
    }
}

impl CredentialFault {
    /// The same for people, in both languages.
    pub fn sentence(&self) -> Sentence {
        let vi = match self {
            CredentialFault::Unknown(key) => format!("không có khóa kết nối {key}"),
            CredentialFault::Revoked(key) => {
                format!("khóa {key} đã bị thu hồi: cấp khóa mới bằng `lgsp key issue`")
            }
            CredentialFault::SecretDiffers(key) => {
                format!("khóa {key} có secret khác: đổi bằng `lgsp key rotate`")
            }
            CredentialFault::OwnerDiffers(key) => {
                format!("khóa {key} thuộc hệ thống hoặc môi trường khác")
            }
            CredentialFault::KeyForm => {
                "consumer key gồm 1 đến 128 ký tự ASCII nhìn thấy được, không có ':'".to_owned()
            }
            CredentialFault::SecretForm => {
                "secret key gồm 1 đến 256 ký tự, không có ký tự điều khiển".to_owned()
            }
            CredentialFault::Keyring => "keyring không có khóa hiện hành".to_owned(),
            CredentialFault::Audit(error) => return error.sentence(),
            CredentialFault::Store(error) => return error.sentence(),
        };
        Sentence::made(vi, self.to_string())
    }
}

#[cfg(test)]
mod tests;
