//! What was opened and may not stand in the log yet, kept where it outlives this process, so that a
//! request leaves for its provider with its record written, and without waiting for a disk.
//!
//! One file of slots a node, on the machine's memory file system as long as there is room: writing
//! there never waits for a disk, however busy or broken that is. A slot holds an `open` frame, its
//! number that of the segment it is queued for. The log holds the same frame a moment later, so
//! that a slot matters only after a crash in between; with the machine its memory goes, and with
//! it records of which no consumer has had a byte.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use aws_lc_rs::digest::{Context, SHA256};
use memmap2::{MmapMut, MmapOptions};
use parking_lot::Mutex;
use rustix::fs::{FallocateFlags, OFlags};
use terms::exchange::ExchangeId;
use terms::limit::RECORDS_MAX;

use crate::error::JournalError;
use crate::frame::{self, Found, Frame, HEAD, Scanner, kind};
use crate::row::{self, Row};
use crate::segment;

/// Bytes of a slot: a row at its opening has some 400.
const SLOT: usize = 2_048;
/// Slots that are asked for at once, so that the memory taken is that of the records open.
const CHUNK: usize = 256;
/// More slots than records can be open are not read.
const FILE_BYTES_MAX: u64 = (2 * RECORDS_MAX * SLOT) as u64;
/// The machine's memory file system.
const MEMORY: &str = "/dev/shm";
/// What a memory file system calls itself: `statfs(2)`.
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

/// The slots.
pub(crate) struct Openings {
    /// On the machine's memory file system.
    memory: Option<File>,
    /// Beside the log: for want of the former, or of room there.
    disk: OnceLock<File>,
    paths: Paths,
    grow: fn(&File, u64) -> io::Result<MmapMut>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Slots ever used.
    used: Used,
    /// Slots of closed records, with the sequence number of the frame that closes each.
    free: VecDeque<(u64, Slot)>,
    /// What stands here outlives the process, and is written without asking the system (measured:
    /// 0.6 us a call less than by `pwrite`).
    chunks: Vec<MmapMut>,
}

#[derive(Clone, Copy, Default)]
struct Used {
    memory: u32,
    disk: u32,
}

/// Where a record's opening stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// In a chunk.
    Memory(u32),
    /// In the file beside the log.
    Disk(u32),
}

impl Openings {
    /// Opens the file of a node's journal in `dir`; what the last run left stays in it.
    pub(crate) fn open(dir: &Path, node: &str) -> Result<Openings, JournalError> {
        Openings::open_in(dir, node, Path::new(MEMORY), is_memory)
    }

    fn open_in(
        dir: &Path,
        node: &str,
        memory: &Path,
        is_memory: fn(&File) -> io::Result<()>,
    ) -> Result<Openings, JournalError> {
        let paths = Paths::of(dir, node, memory).map_err(|e| JournalError::io(dir, e))?;
        let memory = open(&paths.memory, true).and_then(|file| {
            is_memory(&file)?;
            file.try_lock()?;
            Ok(file)
        });
        // somebody else's file of that name, no such folder, no memory: then beside the log
        let memory = memory.inspect_err(|error| {
            tracing::warn!(code = "journal_opening", %error, "openings are kept on the disk");
        });
        let (memory, disk, state) = (memory.ok(), OnceLock::new(), Mutex::default());
        Ok(Openings { memory, disk, paths, grow: map, state })
    }

    /// What the last run left is in the log now.
    pub(crate) fn clear(&self) -> io::Result<()> {
        *self.state.lock() = State::default();
        self.memory.as_ref().map_or(Ok(()), |file| file.set_len(0))
    }

    /// Keeps an `open` frame that is queued for `segment`; `durable` is how far the log has come.
    pub(crate) fn keep(&self, frame: &mut [u8], segment: u64, durable: u64) -> io::Result<Slot> {
        if frame.len() > SLOT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        frame::seal(&mut frame[..HEAD], low(segment));
        let mut state = self.state.lock();
        let slot = self.take(&mut state, durable);
        match slot {
            Slot::Memory(number) => {
                let at = number as usize % CHUNK * SLOT;
                let chunk = &mut state.chunks[number as usize / CHUNK];
                chunk[at..at + frame.len()].copy_from_slice(frame);
            }
            Slot::Disk(number) => {
                drop(state);
                self.write(number, frame).inspect_err(|_| self.free(slot, 0))?;
            }
        }
        Ok(slot)
    }

    /// A slot that nobody has, once everything up to `durable` is in the log.
    fn take(&self, state: &mut State, durable: u64) -> Slot {
        if let Some((_, slot)) = state.free.pop_front_if(|(closed_by, _)| *closed_by <= durable) {
            return slot;
        }
        if let Some(file) = &self.memory {
            let there = state.chunks.len() * CHUNK;
            // where memory was full, it is asked again once a chunk's worth stands on the disk
            let asks = (state.used.disk as usize).is_multiple_of(CHUNK);
            if state.used.memory as usize == there && asks {
                match (self.grow)(file, (there * SLOT) as u64) {
                    Ok(chunk) => state.chunks.push(chunk),
                    Err(error) => {
                        tracing::warn!(code = "journal_opening", %error, "openings go to the disk");
                    }
                }
            }
            if (state.used.memory as usize) < state.chunks.len() * CHUNK {
                state.used.memory += 1;
                return Slot::Memory(state.used.memory - 1);
            }
        }
        state.used.disk += 1;
        Slot::Disk(state.used.disk - 1)
    }

    fn write(&self, number: u32, frame: &[u8]) -> io::Result<()> {
        let file = match self.disk.get() {
            Some(file) => file,
            None => {
                let file = open(&self.paths.disk, true)?;
                self.disk.get_or_init(|| file)
            }
        };
        file.write_all_at(frame, u64::from(number) * SLOT as u64)
    }

    /// The record is closed, by the frame of that sequence number; until that is durable the slot
    /// stays as it is.
    pub(crate) fn free(&self, slot: Slot, closed_by: u64) {
        self.state.lock().free.push_back((closed_by, slot));
    }

    /// Nothing is open any more.
    pub(crate) fn remove(&self) {
        // what stays is read at the next start, and found in the log
        if self.memory.is_some() {
            let _ = std::fs::remove_file(&self.paths.memory);
        }
        if self.disk.get().is_some() {
            let _ = std::fs::remove_file(&self.paths.disk);
        }
    }
}

/// One chunk more of a file in memory, from `at`; room that is not there is an error here, and not
/// a signal at the first touch.
#[allow(unsafe_code, reason = "a mapping is sound only while nobody shortens the file")]
fn map(file: &File, at: u64) -> io::Result<MmapMut> {
    rustix::fs::fallocate(file, FallocateFlags::empty(), at, (CHUNK * SLOT) as u64)?;
    // SAFETY: the file is this user's alone and locked by this process (`open_in`), which
    // shortens it in `clear` only, with no chunk mapped. It is in memory: no disk can fail under
    // it.
    unsafe { MmapOptions::new().offset(at).len(CHUNK * SLOT).map_mut(file) }
}

/// Is the file in the machine's memory?
fn is_memory(file: &File) -> io::Result<()> {
    let is_memory = rustix::fs::fstatfs(file)?.f_type == TMPFS_MAGIC;
    if is_memory { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) }
}

/// Where a journal's slots may stand.
struct Paths {
    memory: PathBuf,
    disk: PathBuf,
}

impl Paths {
    /// The name in memory is one that no other journal on this machine has, nor one of another
    /// container that has the same memory and another folder of the same path.
    fn of(dir: &Path, node: &str, memory: &Path) -> io::Result<Paths> {
        let path = dir.canonicalize()?;
        let told = path.metadata()?;
        let mut hash = Context::new(&SHA256);
        hash.update(&told.dev().to_le_bytes());
        hash.update(&told.ino().to_le_bytes());
        hash.update(path.as_os_str().as_encoded_bytes());
        let name = format!("lgsp-{}-{node}.open", hex::encode(&hash.finish().as_ref()[..8]));
        let disk = dir.join([node, ".open"].concat());
        Ok(Paths { memory: memory.join(name), disk })
    }
}

/// Records of `node` that were opened, and of which its log in `dir` knows nothing: neither their
/// opening nor their end.
pub(crate) fn unknown(dir: &Path, node: &str) -> Result<BTreeMap<ExchangeId, Row>, JournalError> {
    let paths = Paths::of(dir, node, Path::new(MEMORY)).map_err(|e| JournalError::io(dir, e))?;
    let files = segment::list(dir)?;
    let mut own: Vec<_> = files.iter().filter(|file| file.name.node == node).collect();
    // a frame is in the segment it was queued for, or in the next: not older than the last two
    own = own.split_off(own.len().saturating_sub(2));
    let recent: HashSet<u32> = own.iter().map(|file| low(file.name.sequence)).collect();
    let mut kept = BTreeMap::new();
    for path in [paths.memory, paths.disk] {
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

/// What the last run left beside the log stands in it now, and what it left in memory if that is
/// not taken any more.
pub(crate) fn forget(dir: &Path, node: &str, kept: &Openings) -> Result<(), JournalError> {
    let paths = Paths::of(dir, node, Path::new(MEMORY)).map_err(|e| JournalError::io(dir, e))?;
    let memory = kept.memory.is_none().then_some(paths.memory);
    for path in memory.into_iter().chain([paths.disk]) {
        if open(&path, false).is_ok() {
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

/// A segment's number as it stands in a frame.
fn low(segment: u64) -> u32 {
    u32::try_from(segment & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
