//! The file: read whole, written whole, for the owner only.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use terms::clock::Timestamp;
use zeroize::{Zeroize, Zeroizing};

use crate::derived::{KEY_BYTES, Key};
use crate::{KeyId, KeyringError};

/// A file of 255 entries has some 30 KiB.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The form of the file that this program writes and reads.
const FORMAT: u32 = 1;

const HEAD: &str = "# The keyring of the platform. Whoever reads it can make tokens and open sealed secrets:\n\
    # mode 0600, the same file on all nodes, in a backup only under a pass phrase.\n";

/// What stands in the file.
pub(crate) struct Ring {
    pub(crate) current: KeyId,
    /// Ascending by id; never empty; the current one is among them and not retired.
    pub(crate) entries: Vec<Written>,
}

/// One entry.
pub(crate) struct Written {
    pub(crate) id: KeyId,
    pub(crate) created: Timestamp,
    pub(crate) retired: bool,
    pub(crate) key: Key,
}

/// What changes with every rewriting: the file is never altered in its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    changed: (i64, i64),
    size: u64,
}

impl Stamp {
    fn of(file: &std::fs::Metadata) -> Stamp {
        Stamp {
            device: file.dev(),
            inode: file.ino(),
            changed: (file.ctime(), file.ctime_nsec()),
            size: file.size(),
        }
    }

    /// The stamp of the file as it stands now.
    pub(crate) fn read(path: &Path) -> Result<Stamp, KeyringError> {
        std::fs::metadata(path).map(|file| Stamp::of(&file)).map_err(fault(path))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRing {
    format: u32,
    current: u8,
    entry: Vec<RawEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    id: u8,
    created: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    retired: bool,
    key: String,
}

impl Drop for RawEntry {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

fn fault(path: &Path) -> impl FnOnce(std::io::Error) -> KeyringError {
    let path = path.to_owned();
    move |source| KeyringError::File { path, source }
}

/// Reads the file; `None` when it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<(Ring, Stamp)>, KeyringError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(path)(error)),
    };
    let about = file.metadata().map_err(fault(path))?;
    let mode = about.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyringError::Exposed { path: path.to_owned(), mode });
    }
    let damaged = |line, reason| KeyringError::Damaged { path: path.to_owned(), line, reason };
    if !about.is_file() || about.len() > FILE_BYTES_MAX {
        return Err(damaged(1, "it is not a file, or too large"));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(fault(path))?;
    let ring = parse(&text).map_err(|(line, reason)| damaged(line, reason))?;
    Ok(Some((ring, Stamp::of(&about))))
}

/// The error is a line and a reason: what toml says of a faulty line would show the line.
fn parse(text: &str) -> Result<Ring, (usize, &'static str)> {
    let raw: RawRing = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
        (line, "not the form of a keyring")
    })?;
    let line = |id: u8| {
        let entry = format!("id = {id}");
        text.lines().position(|line| line.trim() == entry).map_or(1, |at| at + 1)
    };
    if raw.format != FORMAT {
        return Err((1, "written by another release"));
    }
    let mut entries = Vec::with_capacity(raw.entry.len());
    for entry in &raw.entry {
        entries.push(parse_entry(entry).map_err(|reason| (line(entry.id), reason))?);
    }
    entries.sort_by_key(|entry: &Written| entry.id);
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err((line(pair[0].id.0), "two entries have this id"));
    }
    let current = KeyId(raw.current);
    match entries.iter().find(|entry| entry.id == current) {
        Some(entry) if !entry.retired => Ok(Ring { current, entries }),
        Some(_) => Err((line(raw.current), "the current entry is retired")),
        None => Err((1, "the current entry is missing")),
    }
}

fn parse_entry(raw: &RawEntry) -> Result<Written, &'static str> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let read = STANDARD.decode_slice(&raw.key, &mut *key);
    if raw.id == 0 || read != Ok(KEY_BYTES) {
        return Err("an id from 1 to 255 and a key of 32 bytes in base64 are needed");
    }
    Ok(Written {
        id: KeyId(raw.id),
        created: Timestamp::parse(&raw.created).ok_or("created is not a time (RFC 3339)")?,
        retired: raw.retired,
        key,
    })
}

/// Writes the ring in place of the old one: whole or not at all, also when the power fails.
pub(crate) fn write(path: &Path, ring: &Ring) -> Result<(), KeyringError> {
    let text = print(ring);
    let new = path.with_extension("new");
    let write = || {
        // Left by a process that died here; nobody else writes under the lock.
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        File::open(folder(path))?.sync_all()
    };
    write().map_err(fault(path))
}

fn print(ring: &Ring) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(256 + 160 * ring.entries.len()));
    text.push_str(HEAD);
    text.push_str(&format!("format = {FORMAT}\ncurrent = {}\n", ring.current));
    for entry in &ring.entries {
        let key = Zeroizing::new(STANDARD.encode(*entry.key));
        let retired = if entry.retired { "retired = true\n" } else { "" };
        text.push_str(&format!(
            "\n[[entry]]\nid = {}\ncreated = \"{}\"\n{retired}key = \"",
            entry.id, entry.created
        ));
        text.push_str(&key);
        text.push_str("\"\n");
    }
    text
}

/// Keeps other processes from writing the file until it is dropped. The folder carries the lock,
/// since the file itself is replaced.
pub(crate) struct Lock(#[allow(dead_code, reason = "the lock goes with the handle")] File);

/// Makes the folder if need be (mode 0700) and takes the lock; a holder keeps it for milliseconds.
pub(crate) fn lock(path: &Path) -> Result<Lock, KeyringError> {
    let folder = folder(path);
    let take = || {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let handle = File::open(&folder)?;
        handle.lock()?;
        Ok(Lock(handle))
    };
    take().map_err(fault(&folder))
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
