//! Tokens that need no table: a tag under the keyring vouches for each, checked in memory
//! (article 12 steps 1 to 3 and 6).

mod claim;
pub mod client;
pub mod http;
mod refusal;
pub(crate) mod store;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyring::{KeyId, Keyring};
use terms::clock::Timestamp;
use terms::code::{ConsumerKey, MemberCode, SystemCode};
use terms::environment::Environment;
use terms::fault::FaultCode;
use terms::limit::{TOKEN_LIFETIME_MAX, TOKEN_SKEW};
use terms::random::Random;

use crate::credential::Credential;
use crate::snapshot::Snapshot;

pub use client::{Claimed, Client, ClientFault};
pub use refusal::{TokenRefusal, Unreadable};

/// Characters of every token.
pub const TOKEN_CHARS: usize = 60;

/// The noun under which revoked tokens stand in the feed of changes; the key is the tag in hex.
pub(crate) const NOUN: &str = "revocation";

const PREFIX: &str = "lg1.";
/// Bytes of a token: the part that is vouched for, then the tag.
const BODY_BYTES: usize = 26;
const TAG_BYTES: usize = 16;
const TOKEN_BYTES: usize = BODY_BYTES + TAG_BYTES;

/// The first 128 bits of HMAC-SHA-256 over prefix, environment and body.
pub(crate) type Tag = [u8; TAG_BYTES];

/// An access token, ready to be handed out. It cannot be printed by accident.
pub struct Token(String);

impl Token {
    /// Its text: `lg1.` and 56 characters of base64url.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Under what terms a system may have a token: the catalogue knows them.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The system is not stopped.
    pub active: bool,
    /// How long its tokens live.
    pub lifetime: Duration,
    /// The member it belongs to, for the journal.
    pub member: MemberCode,
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// None came.
    Missing,
    /// Not one of ours for this environment, altered, revoked, or its credential is dead.
    Invalid,
    /// Its time is over.
    Expired,
}

impl TokenFault {
    /// The fault that the consumer is told.
    pub fn code(self) -> FaultCode {
        match self {
            TokenFault::Missing => FaultCode::TokenMissing,
            TokenFault::Invalid => FaultCode::TokenInvalid,
            TokenFault::Expired => FaultCode::TokenExpired,
        }
    }
}

/// A system whose token was checked, or for which its own listener vouches. Made by
/// [`crate::Access::verify`] and [`crate::Access::vouch`] only.
#[derive(Clone, Debug)]
pub struct Caller {
    credential: Arc<Credential>,
}

impl Caller {
    pub(crate) fn vouched(credential: Arc<Credential>) -> Caller {
        Caller { credential }
    }

    /// The system that calls.
    pub fn system(&self) -> &SystemCode {
        &self.credential.system
    }

    /// The consumer key that the token was issued to.
    pub fn consumer_key(&self) -> &ConsumerKey {
        &self.credential.consumer_key
    }

    /// The environment in which it may call.
    pub fn environment(&self) -> Environment {
        self.credential.environment
    }

    /// The credential that the token was issued to.
    pub fn credential(&self) -> &Arc<Credential> {
        &self.credential
    }
}

/// What stands in a token before its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Body {
    /// Keyring entry.
    key: u8,
    /// Number of the credential.
    number: u64,
    /// Unix seconds.
    issued: u64,
    /// Seconds.
    lifetime: u32,
    /// Sets tokens of one second apart.
    random: [u8; 9],
}

impl Body {
    fn encode(&self) -> [u8; BODY_BYTES] {
        let mut bytes = [0; BODY_BYTES];
        bytes[0] = self.key;
        bytes[1..9].copy_from_slice(&self.number.to_be_bytes());
        bytes[9..14].copy_from_slice(&self.issued.to_be_bytes()[3..]);
        bytes[14..17].copy_from_slice(&self.lifetime.to_be_bytes()[1..]);
        bytes[17..].copy_from_slice(&self.random);
        bytes
    }

    fn decode(bytes: &[u8; TOKEN_BYTES]) -> Body {
        let number = |range: std::ops::Range<usize>| {
            bytes[range].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let mut random = [0; 9];
        random.copy_from_slice(&bytes[17..BODY_BYTES]);
        Body {
            key: bytes[0],
            number: number(1..9),
            issued: number(9..14),
            lifetime: u32::try_from(number(14..17)).unwrap_or(u32::MAX),
            random,
        }
    }

    fn issued_at(&self) -> Timestamp {
        Timestamp::from_secs(i64::try_from(self.issued).unwrap_or(i64::MAX))
    }

    fn expires_at(&self) -> Timestamp {
        self.issued_at().plus(Duration::from_secs(u64::from(self.lifetime)))
    }
}

/// A token that was checked, with its times.
pub(crate) struct Verified {
    pub(crate) caller: Caller,
    pub(crate) tag: Tag,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Issues a token to a client that was authenticated and whose system is active. Pure: the clock
/// and the randomness are given. `None` when the keyring has no current key.
pub fn issue(
    client: &Client,
    lifetime: Duration,
    keyring: &Keyring,
    now: Timestamp,
    random: &Random,
) -> Option<Token> {
    issue_for(client.credential(), lifetime, keyring, now, random)
}

/// A token of a credential; whoever calls it has shown that the caller may have it.
pub(crate) fn issue_for(
    credential: &Credential,
    lifetime: Duration,
    keyring: &Keyring,
    now: Timestamp,
    random: &Random,
) -> Option<Token> {
    let id = keyring.current();
    let lifetime = self::lifetime(lifetime).as_secs();
    let body = Body {
        key: id.0,
        number: credential.number,
        issued: u64::try_from(now.secs()).unwrap_or(0),
        lifetime: u32::try_from(lifetime).unwrap_or(u32::MAX),
        random: random.bytes(),
    };
    let mut bytes = [0; TOKEN_BYTES];
    bytes[..BODY_BYTES].copy_from_slice(&body.encode());
    let tag = keyring.token_key(id)?.tag(&vouched(credential.environment, &bytes[..BODY_BYTES]));
    bytes[BODY_BYTES..].copy_from_slice(&tag);
    let mut text = String::with_capacity(TOKEN_CHARS);
    text.push_str(PREFIX);
    URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
    Some(Token(text))
}

/// The lifetime that a token gets: whole seconds, within the limit.
fn lifetime(wanted: Duration) -> Duration {
    Duration::from_secs(wanted.min(TOKEN_LIFETIME_MAX).as_secs())
}

/// Checks a token: form, tag, credential, revocation, time, in that order.
pub(crate) fn verify(
    token: &str,
    environment: Environment,
    snapshot: &Snapshot,
    keyring: &Keyring,
    now: Timestamp,
) -> Result<Verified, TokenFault> {
    if token.is_empty() {
        return Err(TokenFault::Missing);
    }
    let bytes = decode(token).ok_or(TokenFault::Invalid)?;
    let body = Body::decode(&bytes);
    let (own, tag) = bytes.split_at(BODY_BYTES);
    keyring
        .token_key(KeyId(body.key))
        .filter(|key| key.verify(&vouched(environment, own), tag))
        .ok_or(TokenFault::Invalid)?;
    let tag = Tag::try_from(tag).map_err(|_| TokenFault::Invalid)?;
    let credential = snapshot
        .by_number(body.number)
        .filter(|credential| is_alive(credential, environment, &body))
        .ok_or(TokenFault::Invalid)?;
    if snapshot.is_revoked(&tag) || body.issued_at() > now.plus(TOKEN_SKEW) {
        return Err(TokenFault::Invalid);
    }
    // In whole seconds on both sides, so that a token lives for its lifetime to the second.
    if body.expires_at().secs() <= now.secs() {
        return Err(TokenFault::Expired);
    }
    Ok(Verified {
        caller: Caller { credential: credential.clone() },
        tag,
        issued_at: body.issued_at(),
        expires_at: body.expires_at(),
    })
}

fn is_alive(credential: &Credential, environment: Environment, body: &Body) -> bool {
    credential.environment == environment
        && credential.revoked_at.is_none()
        && body.issued_at().secs() >= credential.valid_from.secs()
}

/// The bytes of a token of the right form; nothing else has one: base64 is read strictly.
fn decode(token: &str) -> Option<[u8; TOKEN_BYTES]> {
    if token.len() != TOKEN_CHARS {
        return None;
    }
    let mut bytes = [0; TOKEN_BYTES];
    let read = URL_SAFE_NO_PAD.decode_slice(token.strip_prefix(PREFIX)?, &mut bytes);
    (read == Ok(TOKEN_BYTES)).then_some(bytes)
}

/// What the tag vouches for.
fn vouched(environment: Environment, body: &[u8]) -> [&[u8]; 3] {
    [PREFIX.as_bytes(), environment.as_str().as_bytes(), body]
}

#[cfg(test)]
mod tests;
