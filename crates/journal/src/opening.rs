//! What was opened and may not stand in the log yet, kept where it outlives this process, so that a
//! request leaves for its provider with its record written, and without waiting for a disk.
//!
//! One file of slots a node, on the machine's memory file system where there is one: writing there
//! never waits for a disk, however busy or broken that is. A slot holds an `open` frame, its number
//! that of the segment it is queued for. The log holds the same frame a moment later, so that a
//! slot matters only after a crash in between; with the machine its memory goes, and with it
//! records of which no consumer has had a byte.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use memmap2::{MmapMut, MmapOptions};
use parking_lot::Mutex;
use rustix::fs::OFlags;
use terms::exchange::ExchangeId;
use terms::limit::RECORDS_MAX;

use crate::error::JournalError;
use crate::frame::{self, Found, Frame, HEAD, Scanner, kind};
use crate::row::{self, Row};
use crate::segment;

/// Bytes of a slot: a row at its opening has some 400.
const SLOT: usize = 2_048;
/// Slots that are asked for at once, so that the memory taken is that of the records open.
const CHUNK: usize = 1_024;
/// More slots than records can be open are not read.
const FILE_BYTES_MAX: u64 = (2 * RECORDS_MAX * SLOT) as u64;
/// The machine's memory file system.
const MEMORY: &str = "/dev/shm";

/// The file of slots.
pub(crate) struct Openings {
    file: File,
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Slots ever used.
    used: u32,
    /// Slots of closed records, with the sequence number of the frame that closes each.
    free: VecDeque<(u64, u32)>,
    /// The slots themselves: what stands here outlives the process, and is written without asking
    /// the system (measured: 0.6 us a call less than by `pwrite`).
    chunks: Vec<MmapMut>,
}

impl State {
    /// A slot that nobody has, once everything up to `durable` is in the log.
    fn take(&mut self, file: &File, durable: u64) -> io::Result<u32> {
        if let Some((_, slot)) = self.free.pop_front_if(|(closed_by, _)| *closed_by <= durable) {
            return Ok(slot);
        }
        if self.used as usize == self.chunks.len() * CHUNK {
            self.chunks.push(map(file, (self.chunks.len() * CHUNK * SLOT) as u64)?);
        }
        self.used += 1;
        Ok(self.used - 1)
    }
}

/// One chunk more of the file, from `at`.
#[allow(unsafe_code, reason = "a mapping is sound only while nobody shortens the file")]
fn map(file: &File, at: u64) -> io::Result<MmapMut> {
    // room that is not there is an error here, and not a signal at the first touch
    file.write_all_at(&vec![0; CHUNK * SLOT], at)?;
    // SAFETY: the file is this user's alone (`open`), and one process has the node's journal
    // (`recovery::Hold`); that shortens it in `clear` only, with no chunk mapped.
    unsafe { MmapOptions::new().offset(at).len(CHUNK * SLOT).map_mut(file) }
}

/// Where a record's opening stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot(u32);

impl Openings {
    /// Opens the file of a node's journal in `dir`; what the last run left stays in it.
    pub(crate) fn open(dir: &Path, node: &str) -> Result<Openings, JournalError> {
        let name = name(dir, node).map_err(|e| JournalError::io(dir, e))?;
        let begin = |path: PathBuf| {
            let file = open(&path, true)?;
            io::Result::Ok(Openings { file, path, state: Mutex::default() })
        };
        // somebody else's file of that name, no such folder: then beside the log
        begin(Path::new(MEMORY).join(&name))
            .or_else(|error| {
                tracing::warn!(code = "journal_opening", %error, "openings are kept on the disk");
                begin(dir.join(&name))
            })
            .map_err(|e| JournalError::io(dir, e))
    }

    /// What the last run left is in the log now.
    pub(crate) fn clear(&self) -> io::Result<()> {
        *self.state.lock() = State::default();
        self.file.set_len(0)
    }

    /// Keeps an `open` frame that is queued for `segment`; `durable` is how far the log has come.
    pub(crate) fn keep(&self, frame: &mut [u8], segment: u64, durable: u64) -> io::Result<Slot> {
        if frame.len() > SLOT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        frame::seal(&mut frame[..HEAD], low(segment));
        let mut state = self.state.lock();
        let slot = state.take(&self.file, durable)?;
        let at = slot as usize % CHUNK * SLOT;
        state.chunks[slot as usize / CHUNK][at..at + frame.len()].copy_from_slice(frame);
        Ok(Slot(slot))
    }

    /// The record is closed, by the frame of that sequence number; until that is durable the slot
    /// stays as it is.
    pub(crate) fn free(&self, slot: Slot, closed_by: u64) {
        self.state.lock().free.push_back((closed_by, slot.0));
    }

    /// Nothing is open any more.
    pub(crate) fn remove(&self) {
        // what stays is read at the next start, and found in the log
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Records of `node` that were opened, and of which its log in `dir` knows nothing: neither their
/// opening nor their end.
pub(crate) fn unknown(dir: &Path, node: &str) -> Result<BTreeMap<ExchangeId, Row>, JournalError> {
    let name = name(dir, node).map_err(|e| JournalError::io(dir, e))?;
    let files = segment::list(dir)?;
    let mut own: Vec<_> = files.iter().filter(|file| file.name.node == node).collect();
    // a frame is in the segment it was queued for, or in the next: not older than the last two
    own = own.split_off(own.len().saturating_sub(2));
    let recent: HashSet<u32> = own.iter().map(|file| low(file.name.sequence)).collect();
    let mut kept = BTreeMap::new();
    for path in [Path::new(MEMORY).join(&name), dir.join(&name)] {
        let mut bytes = Vec::new();
        // through the same door: what another user has put there is not read
        let opened = open(&path, false).map(|file| file.take(FILE_BYTES_MAX));
        if opened.and_then(|mut file| file.read_to_end(&mut bytes)).is_err() {
            continue;
        }
        for slot in bytes.chunks(SLOT) {
            if let Some((number, row)) = read(slot)
                && recent.contains(&number)
            {
                kept.insert(row.exchange_id, row);
            }
        }
    }
    if kept.is_empty() {
        return Ok(kept);
    }
    for file in own {
        for found in segment::scan(&segment::read(&file.path)?) {
            if let Found::Frame(Frame { kind: kind::OPEN | kind::ROW, payload, .. }) = found
                && let Some(id) = row::exchange_id(payload)
            {
                kept.remove(&id);
            }
        }
    }
    Ok(kept)
}

/// The frame in a slot, with its number.
fn read(slot: &[u8]) -> Option<(u32, Row)> {
    let number = u32::from_le_bytes(slot.get(4..8)?.try_into().ok()?);
    match Scanner::new(slot, 0).whole()? {
        Frame { kind: kind::OPEN, payload, .. } => Some((number, Row::decode(payload).ok()?)),
        _ => None,
    }
}

/// What the last run left of `node` is in the log now, wherever it stands; `kept` stays.
pub(crate) fn forget(dir: &Path, node: &str, kept: &Openings) -> Result<(), JournalError> {
    let name = name(dir, node).map_err(|e| JournalError::io(dir, e))?;
    for path in [Path::new(MEMORY).join(&name), dir.join(&name)] {
        if path != kept.path && open(&path, false).is_ok() {
            std::fs::remove_file(&path).map_err(|e| JournalError::io(&path, e))?;
        }
    }
    Ok(())
}

/// Opens the file at `path`, which must be this user's alone; `create` to write, else to read.
fn open(path: &Path, create: bool) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .write(create)
        .create(create)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let told = file.metadata()?;
    let own = told.uid() == rustix::process::geteuid().as_raw() && told.mode() & 0o077 == 0;
    if own && told.is_file() { Ok(file) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// A name that no other journal on this machine has.
fn name(dir: &Path, node: &str) -> io::Result<String> {
    let dir = dir.canonicalize()?;
    let hash = digest(&SHA256, dir.as_os_str().as_encoded_bytes());
    Ok(format!("lgsp-{}-{node}.open", hex::encode(&hash.as_ref()[..8])))
}

/// A segment's number as it stands in a frame.
fn low(segment: u64) -> u32 {
    u32::try_from(segment & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
