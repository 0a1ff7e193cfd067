//! The keyring in use: entries, the current one, and the verbs that need a key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::store::Store;
use arc_swap::ArcSwap;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use terms::clock::{Clock, Timestamp};
use terms::random::Random;
use zeroize::Zeroizing;

use crate::derived::{Derived, TagKey};
use crate::file::{self, Ring, Stamp, Written};
use crate::{KeyId, KeyringError, store};

/// The platform's own keys. Cheap to clone; all clones see a rotation at once. Prints no key.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    path: PathBuf,
    clock: Clock,
    random: Random,
    used: ArcSwap<Used>,
}

/// The ring as last read, ready for use.
struct Used {
    stamp: Stamp,
    current: KeyId,
    /// Ascending by id.
    entries: Vec<Ready>,
}

struct Ready {
    id: KeyId,
    created: Timestamp,
    retired: bool,
    derived: Derived,
}

/// What may be told of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// Where it stands in its life.
    pub state: State,
}

/// Where an entry stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// New tokens, hashes and sealed texts are made under it.
    Current,
    /// What was made under it still holds.
    Former,
    /// Tokens and secret hashes made under it no longer hold; sealed texts still open and digests
    /// can still be recomputed, since the journal is kept for years.
    Retired,
}

impl State {
    /// The word used in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Current => "current",
            State::Former => "former",
            State::Retired => "retired",
        }
    }
}

impl Keyring {
    /// Reads the keyring; makes one with a first entry when the file is not there. Refuses a file
    /// that others than its owner may touch.
    pub fn open(path: &Path, clock: &Clock, random: &Random) -> Result<Keyring, KeyringError> {
        let used = match file::read(path)? {
            Some((ring, stamp)) => Used::new(&ring, stamp)?,
            None => begin(path, clock, random)?,
        };
        Ok(Keyring(Arc::new(Inner {
            path: path.to_owned(),
            clock: clock.clone(),
            random: random.clone(),
            used: ArcSwap::from_pointee(used),
        })))
    }

    /// Compares the check value of each entry with the database's and notes new ones. A node must
    /// not start when this fails: its tokens and secrets would be of another platform.
    pub async fn check(&self, store: &Store) -> Result<(), KeyringError> {
        let used = self.0.used.load_full();
        let new = used.compare(&store::list(&store.pool).await?)?;
        if new.is_empty() {
            return Ok(());
        }
        store::insert(store, &new).await?;
        // Another node may have noted the same id under another key at the same moment.
        used.compare(&store::list(&store.pool).await?).map(drop)
    }

    /// The entry under which new things are made.
    pub fn current(&self) -> KeyId {
        self.0.used.load().current
    }

    /// The entries under which things still hold: all but the retired ones, ascending.
    pub fn ids(&self) -> Vec<KeyId> {
        let used = self.0.used.load();
        used.entries.iter().filter(|entry| !entry.retired).map(|entry| entry.id).collect()
    }

    /// All entries, ascending by id.
    pub fn list(&self) -> Vec<Entry> {
        let used = self.0.used.load();
        let state = |entry: &Ready| match entry {
            Ready { retired: true, .. } => State::Retired,
            Ready { id, .. } if *id == used.current => State::Current,
            _ => State::Former,
        };
        let entries = used.entries.iter();
        entries.map(|e| Entry { id: e.id, created: e.created, state: state(e) }).collect()
    }

    /// The key that tags tokens; `None` when there is no such entry or it is retired.
    pub fn token_key(&self, id: KeyId) -> Option<TagKey> {
        let used = self.0.used.load();
        used.holding(id).map(|entry| entry.derived.token.clone())
    }

    /// The stored form of a secret, hex; `None` when there is no such entry or it is retired.
    pub fn secret_hash(&self, id: KeyId, secret: &str) -> Option<String> {
        let used = self.0.used.load();
        used.holding(id).map(|entry| entry.derived.secret_hash(secret))
    }

    /// Is `hash` the stored form of `secret`? In constant time.
    pub fn verify_secret(&self, id: KeyId, secret: &str, hash: &str) -> bool {
        self.secret_hash(id, secret)
            .is_some_and(|own| verify_slices_are_equal(own.as_bytes(), hash.as_bytes()).is_ok())
    }

    /// Seals `plain` (at most 1 MiB) under the current entry: `KEYID:base64`, AES-256-GCM with a
    /// random nonce. `context` names the place; the text opens under the same context only, so
    /// that it cannot be moved to another row.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<String, KeyringError> {
        let used = self.0.used.load();
        let entry = used.find(used.current).ok_or(KeyringError::Sealed)?;
        let sealed = entry.derived.seal(context, plain, &self.0.random)?;
        Ok(format!("{}:{}", entry.id, STANDARD.encode(sealed)))
    }

    /// Opens what [`seal`](Keyring::seal) sealed, also under a retired entry. The bytes are
    /// wiped when dropped.
    pub fn open_sealed(
        &self,
        context: &str,
        sealed: &str,
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let (id, text) = split(sealed).ok_or(KeyringError::Sealed)?;
        let bytes = STANDARD.decode(text).map_err(|_| KeyringError::Sealed)?;
        let used = self.0.used.load();
        used.find(id).ok_or(KeyringError::Sealed)?.derived.open(context, &bytes)
    }

    /// The entry under which a text was sealed: what is not of the current one should be sealed
    /// anew.
    pub fn sealed_by(&self, sealed: &str) -> Option<KeyId> {
        split(sealed).map(|(id, _)| id)
    }

    /// The key of the digests of one consumer system's exchanges with one provider member in one
    /// month (`YYYY-MM`, UTC, of the exchange id), so that a party can be given the keys of its
    /// own exchanges and no other. The recipe stands in `derived.rs`. Takes some microseconds: keep
    /// it. `None` when there is no such entry.
    pub fn digest_key(
        &self,
        id: KeyId,
        consumer: &str,
        provider: &str,
        month: &str,
    ) -> Option<hmac::Key> {
        let used = self.0.used.load();
        used.find(id)?.derived.digest_key(&format!("{consumer}/{provider}/{month}"))
    }

    /// Adds an entry and makes it the current one; gives its id. Call
    /// [`check`](Keyring::check) after it. On several nodes: copy the file to all of them.
    pub fn rotate(&self) -> Result<KeyId, KeyringError> {
        self.rewrite(|ring| {
            let last = ring.entries.iter().map(|entry| entry.id.0).max().unwrap_or(0);
            let id = KeyId(last.checked_add(1).ok_or(KeyringError::Full)?);
            ring.entries.push(new_entry(id, &self.0.clock, &self.0.random));
            ring.current = id;
            Ok(id)
        })
    }

    /// Ends an entry: its tokens and secret hashes hold no longer. Ending it twice is no error.
    pub fn retire(&self, id: KeyId) -> Result<(), KeyringError> {
        self.rewrite(|ring| {
            if ring.current == id {
                return Err(KeyringError::Current { id });
            }
            let entry = ring.entries.iter_mut().find(|entry| entry.id == id);
            entry.ok_or(KeyringError::Unknown { id })?.retired = true;
            Ok(())
        })
    }

    /// Takes over what another process wrote; tells whether there was anything. On an error the
    /// ring in use stays. Asks only for the file's stamp when nothing changed: may be called once
    /// a second.
    pub fn reload_if_changed(&self) -> Result<bool, KeyringError> {
        if Stamp::read(&self.0.path)? == self.0.used.load().stamp {
            return Ok(false);
        }
        self.reload()?;
        Ok(true)
    }

    fn rewrite<T>(
        &self,
        change: impl FnOnce(&mut Ring) -> Result<T, KeyringError>,
    ) -> Result<T, KeyringError> {
        let _lock = file::lock(&self.0.path)?;
        // Another process may have written since: its change must not be lost.
        let mut ring = self.reload()?;
        let changed = change(&mut ring)?;
        file::write(&self.0.path, &ring)?;
        self.reload()?;
        Ok(changed)
    }

    /// Reads the file and uses it, unless an entry in use is missing in it or has another key.
    fn reload(&self) -> Result<Ring, KeyringError> {
        let missing = || KeyringError::File {
            path: self.0.path.clone(),
            source: std::io::ErrorKind::NotFound.into(),
        };
        let (ring, stamp) = file::read(&self.0.path)?.ok_or_else(missing)?;
        let read = Used::new(&ring, stamp)?;
        read.compare(&self.0.used.load().checks())?;
        self.0.used.store(Arc::new(read));
        Ok(ring)
    }
}

/// Makes the file with a first entry, unless another process has just done it.
fn begin(path: &Path, clock: &Clock, random: &Random) -> Result<Used, KeyringError> {
    let _lock = file::lock(path)?;
    if let Some((ring, stamp)) = file::read(path)? {
        return Used::new(&ring, stamp);
    }
    let id = KeyId(1);
    let ring = Ring { current: id, entries: vec![new_entry(id, clock, random)] };
    file::write(path, &ring)?;
    Used::new(&ring, Stamp::read(path)?)
}

fn new_entry(id: KeyId, clock: &Clock, random: &Random) -> Written {
    let mut key = Zeroizing::new([0; crate::derived::KEY_BYTES]);
    random.fill(&mut *key);
    Written { id, created: clock.now(), retired: false, key }
}

fn split(sealed: &str) -> Option<(KeyId, &str)> {
    let (id, text) = sealed.split_once(':')?;
    Some((KeyId(id.parse().ok()?), text))
}

impl Used {
    fn new(ring: &Ring, stamp: Stamp) -> Result<Used, KeyringError> {
        let ready = |entry: &Written| {
            Some(Ready {
                id: entry.id,
                created: entry.created,
                retired: entry.retired,
                derived: Derived::new(&entry.key)?,
            })
        };
        let entries = ring.entries.iter().map(ready).collect::<Option<_>>();
        let entries = entries.ok_or(KeyringError::Sealed)?;
        Ok(Used { stamp, current: ring.current, entries })
    }

    fn find(&self, id: KeyId) -> Option<&Ready> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    fn holding(&self, id: KeyId) -> Option<&Ready> {
        self.find(id).filter(|entry| !entry.retired)
    }

    fn checks(&self) -> Vec<(KeyId, String)> {
        self.entries.iter().map(|entry| (entry.id, entry.derived.check.clone())).collect()
    }

    /// Every known entry must be here under the same key; gives the entries that are not known.
    fn compare(
        &self,
        known: &[(KeyId, String)],
    ) -> Result<Vec<(KeyId, String, Timestamp)>, KeyringError> {
        for (id, check) in known {
            match self.find(*id) {
                Some(entry) if entry.derived.check == *check => {}
                Some(_) => return Err(KeyringError::Foreign { id: *id }),
                None => return Err(KeyringError::Lacking { id: *id }),
            }
        }
        let is_new = |entry: &&Ready| known.iter().all(|(id, _)| *id != entry.id);
        let entries = self.entries.iter().filter(is_new);
        Ok(entries.map(|e| (e.id, e.derived.check.clone(), e.created)).collect())
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let used = self.0.used.load();
        let ids: Vec<u8> = used.entries.iter().map(|entry| entry.id.0).collect();
        write!(f, "Keyring({}, current {}, {ids:?})", self.0.path.display(), used.current)
    }
}
