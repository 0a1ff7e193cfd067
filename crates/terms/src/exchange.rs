//! An exchange (giao dịch): its id and the words that describe how it ended.

use serde::Serialize;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::random::Random;

/// The id of an exchange: a UUIDv7 (RFC 9562), ordered by time, printed in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ExchangeId(Uuid);

impl ExchangeId {
    /// A new id at `at`.
    pub fn new(at: Timestamp, random: &Random) -> ExchangeId {
        let millis = u64::try_from(at.micros().div_euclid(1_000)).unwrap_or(0);
        ExchangeId(uuid::Builder::from_unix_timestamp_millis(millis, &random.bytes()).into_uuid())
    }

    /// Reads the printed form; `None` unless it is a UUID in the hyphenated form.
    pub fn parse(text: &str) -> Option<ExchangeId> {
        if text.len() != 36 {
            return None;
        }
        Uuid::try_parse(text).ok().map(ExchangeId)
    }

    /// From its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> ExchangeId {
        ExchangeId(Uuid::from_bytes(bytes))
    }

    /// Its 16 bytes, big-endian: their order is the order of time.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The millisecond at which it was made, as its first 48 bits tell.
    pub fn opened(&self) -> Timestamp {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&self.0.as_bytes()[..6]);
        Timestamp::from_micros(i64::from_be_bytes(millis).saturating_mul(1_000))
    }

    /// The printed form without an allocation.
    pub fn encode<'a>(&self, buffer: &'a mut [u8; 36]) -> &'a str {
        self.0.hyphenated().encode_lower(buffer)
    }
}

impl std::fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Defines an enum whose variants have one fixed word each, in rows, files and on the wire.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// Its word.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// Reads the word back; `None` for anything else.
            pub fn parse(text: &str) -> Option<$name> {
                match text { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What a journal row tells of.
    Kind {
        /// A call of a service.
        Call = "call",
        /// A token issued, refused or revoked.
        Token = "token",
        /// A change of the registry or of people's rights.
        Change = "change",
        /// An erasure of personal data demanded by law.
        Erasure = "erasure",
    }
}

words! {
    /// How a call travels (article 16.2).
    Mode {
        /// Giao dịch đồng bộ: the answer comes on the same connection.
        Direct = "direct",
        /// Giao dịch bất đồng bộ: stored, then forwarded.
        Deferred = "deferred",
    }
}

words! {
    /// The dialect in which a call came, when it was not a plain one.
    Facade {
        /// The session protocol of the National Public Service Portal.
        Portal = "portal",
        /// The national adapter's forwarding path.
        Adapter = "adapter",
        /// A path per packet of QCVN 120.
        Packet = "packet",
    }
}

words! {
    /// How a call ended.
    Outcome {
        /// The provider's answer, whatever its status, was released to its end.
        Answered = "answered",
        /// Refused before any provider was asked.
        Denied = "denied",
        /// A provider was asked, or the platform broke; the consumer got our fault or a cut answer.
        Failed = "failed",
        /// The consumer was gone before the last part was released.
        Abandoned = "abandoned",
    }
}

words! {
    /// Whose turn it is to put something right.
    Blame {
        /// The caller.
        Consumer = "consumer",
        /// This installation.
        Platform = "platform",
        /// The system that was called.
        Provider = "provider",
    }
}
