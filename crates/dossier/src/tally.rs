//! How many packets are on their way to the facts, kept where it outlives the process: when that is
//! killed the number is left behind, and the next one knows that so many are lost.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use parking_lot::Mutex;
use rustix::fs::OFlags;
use rustix::process::geteuid;

/// The machine's memory file system: who writes there waits for no disk.
const MEMORY: &str = "/dev/shm";
/// Digits of the number in a file: any `u64`.
const DIGITS: usize = 20;

/// The number of packets on their way. A lane writes it in the machine's memory before the packet
/// leaves; the task behind the desk copies it to the data folder, for the case that the memory goes
/// while the machine stays, as with a container. Neither is synced.
#[derive(Debug, Default)]
pub struct Tally {
    memory: Option<(File, PathBuf)>,
    copy: Option<File>,
    count: Mutex<u64>,
    copied: AtomicU64,
}

/// A packet that has left for the portal; over when it is dropped, what it told handed in by then.
#[derive(Debug)]
pub struct Expected(Arc<Tally>);

impl Tally {
    /// Name of the copy in the data folder.
    pub const COPY: &str = "facts.open";

    /// The tally of the platform in this data folder.
    ///
    /// # Errors
    /// When the file in it cannot be opened or read.
    pub fn open(data: &Path) -> io::Result<Tally> {
        Tally::open_in(data, Path::new(MEMORY))
    }

    pub(crate) fn open_in(data: &Path, memory: &Path) -> io::Result<Tally> {
        let copy = open(&data.join(Tally::COPY))?;
        // no such folder, no room, somebody else's file of that name, another platform that shares
        // the memory and has a data folder of the same name: then the copy is all there is
        let memory = name(data).and_then(|name| {
            let path = memory.join(name);
            let file = open(&path)?;
            let told = file.metadata()?;
            // anybody may put a file there
            if !told.is_file() || told.uid() != geteuid().as_raw() {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            file.try_lock()?;
            let left = read(&file)?;
            write(&file, left)?;
            Ok(((file, path), left))
        });
        let (memory, left) = memory.map_or((None, 0), |(file, left)| (Some(file), left));
        // whichever was written last: rather too many than too few
        let count = left.max(read(&copy)?);
        let (copy, copied) = (Some(copy), AtomicU64::new(count));
        let tally = Tally { memory, copy, copied, count: Mutex::default() };
        tally.add(count);
        Ok(tally)
    }

    /// What is on its way; right after opening, what was lost with the last process.
    pub(crate) fn count(&self) -> u64 {
        *self.count.lock()
    }

    pub(crate) fn add(&self, packets: u64) {
        self.change(|count| count.saturating_add(packets));
    }

    pub(crate) fn end(&self, packets: u64) {
        self.change(|count| count.saturating_sub(packets));
    }

    pub(crate) fn expect(self: &Arc<Tally>) -> Expected {
        self.add(1);
        Expected(self.clone())
    }

    /// Copies the number to the data folder where it has changed. May wait for the disk.
    pub(crate) fn copy(&self) {
        let count = self.count();
        if let (Some(_), Some(copy)) = (&self.memory, &self.copy)
            && self.copied.swap(count, Ordering::Relaxed) != count
        {
            // a disk that takes no 20 bytes is told by the journal, which then refuses calls
            let _ = write(copy, count);
        }
    }

    fn change(&self, change: impl Fn(u64) -> u64) {
        let mut count = self.count.lock();
        *count = change(*count);
        let memory = self.memory.as_ref().map(|(file, _)| file);
        if let Some(file) = memory.or(self.copy.as_ref()) {
            let _ = write(file, *count);
        }
    }
}

impl Drop for Tally {
    /// A clean end leaves nothing in the memory.
    fn drop(&mut self) {
        self.copy();
        if let Some((_, path)) = self.memory.take().filter(|_| self.count() == 0) {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.0.end(1);
    }
}

/// The file in memory that belongs to a data folder.
fn name(data: &Path) -> io::Result<PathBuf> {
    let path = data.canonicalize()?;
    let told = path.metadata()?;
    let place = format!("{} {} {}", told.dev(), told.ino(), path.display());
    Ok(format!("lgsp-{}.facts", hex::encode(&digest(&SHA256, place.as_bytes()).as_ref()[..8]))
        .into())
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(flags).open(path)
}

/// What is no number was not written by us: something was lost.
fn read(file: &File) -> io::Result<u64> {
    let mut text = [0; DIGITS];
    let length = file.read_at(&mut text, 0)?;
    let text = String::from_utf8_lossy(&text[..length]);
    Ok(if text.is_empty() { 0 } else { text.trim().parse().unwrap_or(1) })
}

fn write(file: &File, count: u64) -> io::Result<()> {
    file.write_all_at(format!("{count:0DIGITS$}").as_bytes(), 0)
}
