//! The journal's own signing key: Ed25519, a file of its own beside the keyring.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::disk::sync_folder;
use crate::error::JournalError;

/// Name of the private key in the folder of keys: PKCS#8 (RFC 8410) in PEM, mode 0600.
pub(crate) const PRIVATE: &str = "journal.key";
/// Name of the public key beside it: SubjectPublicKeyInfo (RFC 8410) in PEM.
pub(crate) const PUBLIC: &str = "journal.pub";

/// What stands before the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo (RFC 8410, 10.1).
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// Signs manifest entries.
pub(crate) struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Reads the key from the folder `keys`, or makes both files at the first start.
    pub(crate) fn open(keys: &Path) -> Result<SigningKey, JournalError> {
        let path = keys.join(PRIVATE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return SigningKey::make(keys),
            Err(e) => return Err(JournalError::io(&path, e)),
        };
        let told = std::fs::metadata(&path).map_err(|e| JournalError::io(&path, e))?;
        if told.permissions().mode() & 0o077 != 0 {
            return Err(JournalError::KeyMode(path));
        }
        let pair = from_pem(&text, "PRIVATE KEY")
            .and_then(|der| Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).ok());
        let key = SigningKey(pair.ok_or(JournalError::Key(path))?);
        if !keys.join(PUBLIC).exists() {
            key.publish(keys)?;
        }
        Ok(key)
    }

    /// The key comes from the cryptographic provider's own generator, never from a seed.
    fn make(keys: &Path) -> Result<SigningKey, JournalError> {
        let path = keys.join(PRIVATE);
        let bad = |_| JournalError::Key(path.clone());
        let pair = Ed25519KeyPair::generate().map_err(bad)?;
        let der = pair.to_pkcs8().map_err(bad)?;
        std::fs::create_dir_all(keys).map_err(|e| JournalError::io(keys, e))?;
        write_new(&path, 0o600, &to_pem(der.as_ref(), "PRIVATE KEY"))?;
        let key = SigningKey(pair);
        key.publish(keys)?;
        Ok(key)
    }

    fn publish(&self, keys: &Path) -> Result<(), JournalError> {
        let mut der = SPKI_HEAD.to_vec();
        der.extend_from_slice(self.0.public_key().as_ref());
        write_new(&keys.join(PUBLIC), 0o644, &to_pem(&der, "PUBLIC KEY"))
    }

    /// The signature of `text`, lower-case hex.
    pub(crate) fn sign(&self, text: &[u8]) -> String {
        hex::encode(self.0.sign(text))
    }
}

/// Checks signatures of manifest entries.
pub(crate) struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Reads `journal.pub`.
    pub(crate) fn read(path: &Path) -> Result<PublicKey, JournalError> {
        let text = std::fs::read_to_string(path).map_err(|e| JournalError::io(path, e))?;
        from_pem(&text, "PUBLIC KEY")
            .and_then(|der| der.strip_prefix(&SPKI_HEAD).map(<[u8]>::to_vec))
            .filter(|key| key.len() == 32)
            .map(PublicKey)
            .ok_or_else(|| JournalError::Key(path.to_owned()))
    }

    /// Is `signature` (lower-case hex) that of `text`?
    pub(crate) fn verifies(&self, text: &[u8], signature: &str) -> bool {
        hex::decode(signature).is_ok_and(|bytes| {
            let key = UnparsedPublicKey::new(&ED25519, &self.0);
            hex::encode(&bytes) == signature && key.verify(text, &bytes).is_ok()
        })
    }
}

fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), JournalError> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    })
    .and_then(|()| sync_folder(path))
    .map_err(|e| JournalError::io(path, e))
}

fn to_pem(der: &[u8], label: &str) -> String {
    // RFC 7468 wants lines of 64 characters: 48 bytes each.
    let lines: Vec<_> = der.chunks(48).map(|chunk| STANDARD.encode(chunk)).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn from_pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let body = text.split_once(&begin)?.1.split_once(&end)?.0;
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}
