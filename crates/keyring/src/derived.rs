//! What is derived from an entry, and how: the recipe for outside programmers stands here.
//!
//! HKDF-SHA-256 (RFC 5869) with an empty salt and 32 bytes of output, twice for digests. In Python:
//!
//! ```python
//! import hashlib, hmac
//! def mac(key, data): return hmac.new(key, data, hashlib.sha256).digest()
//! def hkdf(key, info): return mac(mac(bytes(32), key), info + b"\x01")
//!
//! token_key  = hkdf(entry, b"lgsp/1/token")     # first 16 bytes of HMAC: the tag of a token
//! secret_key = hkdf(entry, b"lgsp/1/secret")    # HMAC in hex: the stored form of a secret
//! seal_key   = hkdf(entry, b"lgsp/1/seal")      # AES-256-GCM: nonce 12, text, tag 16, in base64
//! digest_key = hkdf(hkdf(entry, b"lgsp/1/digest"), b"one-stop/H01.013/2026-11")
//! # consumer system / provider member / month (UTC) of the exchange
//! request_digest = mac(digest_key, body).hex()
//! ```

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use terms::random::Random;
use zeroize::Zeroizing;

use crate::KeyringError;

/// Bytes of an entry and of each key derived from it.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of the tag of a token.
const TAG_BYTES: usize = 16;
/// Bytes of a check value.
const CHECK_BYTES: usize = 16;
/// A text to be sealed may be this long.
const SEALED_BYTES_MAX: usize = 1024 * 1024;

pub(crate) type Key = Zeroizing<[u8; KEY_BYTES]>;

/// All that is derived from one entry. The entry's own bytes are not kept.
pub(crate) struct Derived {
    pub(crate) token: TagKey,
    secret: hmac::Key,
    seal: LessSafeKey,
    digest: Key,
    /// Tells this entry from another without telling anything of it; hex.
    pub(crate) check: String,
}

impl Derived {
    /// `None` only if the cryptography itself fails.
    pub(crate) fn new(entry: &[u8; KEY_BYTES]) -> Option<Derived> {
        let mac = |label| Some(hmac::Key::new(HMAC_SHA256, &*expand(entry, label)?));
        let seal = UnboundKey::new(&AES_256_GCM, &*expand(entry, b"lgsp/1/seal")?).ok()?;
        Some(Derived {
            token: TagKey(Arc::new(mac(b"lgsp/1/token")?)),
            secret: mac(b"lgsp/1/secret")?,
            seal: LessSafeKey::new(seal),
            digest: expand(entry, b"lgsp/1/digest")?,
            check: hex::encode(&expand(entry, b"lgsp/1/check")?[..CHECK_BYTES]),
        })
    }

    pub(crate) fn secret_hash(&self, secret: &str) -> String {
        hex::encode(hmac::sign(&self.secret, secret.as_bytes()))
    }

    pub(crate) fn digest_key(&self, party: &str) -> Option<hmac::Key> {
        Some(hmac::Key::new(HMAC_SHA256, &*expand(&self.digest, party.as_bytes())?))
    }

    /// Nonce, sealed text, tag.
    pub(crate) fn seal(
        &self,
        context: &str,
        plain: &[u8],
        random: &Random,
    ) -> Result<Vec<u8>, KeyringError> {
        if plain.len() > SEALED_BYTES_MAX {
            return Err(KeyringError::Long);
        }
        // 96 random bits: two of a thousand million texts share one with a chance below 2^-36.
        let nonce: [u8; NONCE_LEN] = random.bytes();
        let mut text = Zeroizing::new(plain.to_vec());
        let tag = self
            .seal
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_bytes()),
                &mut text,
            )
            .map_err(|_| KeyringError::Sealed)?;
        Ok([&nonce, text.as_slice(), tag.as_ref()].concat())
    }

    pub(crate) fn open(
        &self,
        context: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(KeyringError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyringError::Sealed)?;
        let mut text = Zeroizing::new(text.to_vec());
        let plain = self
            .seal
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut text)
            .map_err(|_| KeyringError::Sealed)?
            .len();
        text.truncate(plain);
        Ok(text)
    }
}

/// HKDF-SHA-256 with an empty salt, 32 bytes.
fn expand(key: &[u8; KEY_BYTES], info: &[u8]) -> Option<Key> {
    struct Length;
    impl KeyType for Length {
        fn len(&self) -> usize {
            KEY_BYTES
        }
    }
    let mut out = Zeroizing::new([0; KEY_BYTES]);
    let prk = Salt::none(HKDF_SHA256).extract(key);
    prk.expand(&[info], Length).ok()?.fill(&mut *out).ok()?;
    Some(out)
}

/// The key that tags tokens: HMAC-SHA-256, its first 128 bits. Cheap to clone.
#[derive(Clone)]
pub struct TagKey(Arc<hmac::Key>);

impl TagKey {
    /// The tag over `parts`, one after the other.
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let whole = context.sign();
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&whole.as_ref()[..TAG_BYTES]);
        tag
    }

    /// Is `tag` the one over `parts`? Takes the same time for any tag of 16 bytes.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        verify_slices_are_equal(&self.tag(parts), tag).is_ok()
    }
}

impl std::fmt::Debug for TagKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TagKey")
    }
}
