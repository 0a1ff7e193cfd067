//! How a secret is kept: HMAC under the keyring when it cannot be guessed, argon2id when it might.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use keyring::{KeyId, Keyring};
use terms::code::ConsumerKey;
use terms::random::Random;

use super::CredentialFault;

/// Characters of a generated secret: 43 of 62 make 256 bits.
const SECRET_CHARS: usize = 43;
/// Characters of a generated consumer key: 27 of 62 make 160 bits.
const KEY_CHARS: usize = 27;
/// A carried-over secret shorter than this counts as one that can be guessed.
const STRONG_CHARS_MIN: usize = 32;
/// A secret may be this long.
const SECRET_CHARS_MAX: usize = 256;

/// Letters and digits only: no client, shell or form alters them.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The stored form of a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum SecretHash {
    /// HMAC-SHA-256 under the keyring entry of this id, over consumer key, `:` and secret; hex.
    Keyed(KeyId, String),
    /// argon2id in PHC form.
    Slow(String),
}

/// Can it be guessed?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    Strong,
    Weak,
}

impl SecretHash {
    /// The hash of an unguessable secret under the current keyring entry.
    pub(crate) fn keyed(
        keyring: &Keyring,
        key: &ConsumerKey,
        secret: &str,
    ) -> Result<SecretHash, CredentialFault> {
        let id = keyring.current();
        let hash = keyring.secret_hash(id, &salted(key.as_str(), secret));
        Ok(SecretHash::Keyed(id, hash.ok_or(CredentialFault::Keyring)?))
    }

    /// The slow hash of a secret that might be guessed: some 20 ms of one core.
    pub(crate) fn slow(secret: &str, random: &Random) -> Result<SecretHash, CredentialFault> {
        let salt = SaltString::encode_b64(&random.bytes::<16>())
            .map_err(|_| CredentialFault::SecretForm)?;
        let hash = argon2()
            .hash_password(secret.as_bytes(), &salt)
            .map_err(|_| CredentialFault::SecretForm)?;
        Ok(SecretHash::Slow(hash.to_string()))
    }

    /// Reads the stored text; `None` when it is of neither form.
    pub(crate) fn parse(text: &str) -> Option<SecretHash> {
        if text.starts_with("$argon2id$") {
            return Some(SecretHash::Slow(text.to_owned()));
        }
        let (id, hash) = text.strip_prefix("hmac:")?.split_once(':')?;
        Some(SecretHash::Keyed(KeyId(id.parse().ok()?), hash.to_owned()))
    }

    /// The text to store.
    pub(crate) fn text(&self) -> String {
        match self {
            SecretHash::Keyed(id, hash) => format!("hmac:{}:{hash}", id.0),
            SecretHash::Slow(hash) => hash.clone(),
        }
    }

    /// Must the check run apart, with few at once?
    pub(crate) fn is_slow(&self) -> bool {
        matches!(self, SecretHash::Slow(_))
    }

    /// Is `secret` the one that was hashed? In constant time for one length of secret.
    pub(crate) fn matches(&self, keyring: &Keyring, key: &str, secret: &str) -> bool {
        match self {
            SecretHash::Keyed(id, hash) => keyring.verify_secret(*id, &salted(key, secret), hash),
            SecretHash::Slow(hash) => PasswordHash::new(hash)
                .is_ok_and(|hash| argon2().verify_password(secret.as_bytes(), &hash).is_ok()),
        }
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_slow() { "Slow" } else { "Keyed" })
    }
}

/// The consumer key goes in as salt, so that two credentials with one secret do not show it.
fn salted(key: &str, secret: &str) -> String {
    format!("{key}:{secret}")
}

/// 19 MiB, 2 passes, 1 lane: the first choice of the OWASP password storage guide.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// A new secret: 256 random bits.
pub(crate) fn generate_secret(random: &Random) -> String {
    generate(random, SECRET_CHARS)
}

/// A new consumer key.
pub(crate) fn generate_key(random: &Random) -> ConsumerKey {
    ConsumerKey::known(generate(random, KEY_CHARS))
}

fn generate(random: &Random, chars: usize) -> String {
    let mut text = String::with_capacity(chars);
    while text.len() < chars {
        // 248 = 4 * 62: what lies above is thrown away, so that every character is as likely.
        let fair = random.bytes::<64>().into_iter().filter(|b| *b < 248);
        text.extend(
            fair.take(chars - text.len()).map(|b| char::from(ALPHABET[usize::from(b % 62)])),
        );
    }
    text
}

/// Judges a carried-over secret. Strong is what looks machine-made: at least 32 characters of hex
/// with ten different ones, or of base64 with sixteen different ones and digits, capitals and small
/// letters among them. Anything else is hashed slowly.
pub(crate) fn judge(secret: &str) -> Result<Strength, CredentialFault> {
    let chars = secret.chars().count();
    if chars == 0 || chars > SECRET_CHARS_MAX || secret.chars().any(char::is_control) {
        return Err(CredentialFault::SecretForm);
    }
    let different = {
        let mut bytes: Vec<u8> = secret.bytes().collect();
        bytes.sort_unstable();
        bytes.dedup();
        bytes.len()
    };
    let count = |of: fn(&u8) -> bool| secret.bytes().filter(of).count();
    let hex = secret.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') && different >= 10;
    let base64 = secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/-_=".contains(&b))
        && different >= 16
        && count(u8::is_ascii_digit) >= 3
        && count(u8::is_ascii_uppercase) >= 3
        && count(u8::is_ascii_lowercase) >= 3;
    if chars >= STRONG_CHARS_MIN && (hex || base64) {
        Ok(Strength::Strong)
    } else {
        Ok(Strength::Weak)
    }
}
