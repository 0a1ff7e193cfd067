//! The few file operations by which the journal becomes durable, behind one door, so that a test
//! can take the disk away at any of them.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// The disk as the writer sees it.
pub(crate) trait Disk: Send + Sync {
    /// Makes a new file and makes its name durable; an existing one is an error.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn LogFile>>;
    /// Opens a file to append to it, making it when it is not there.
    fn append(&self, path: &Path) -> io::Result<Arc<dyn LogFile>>;
    /// Removes a file in which nothing was ever acknowledged.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Renames a segment that could not be removed to `*.torn`, so that it does not count.
    fn set_aside(&self, path: &Path) -> io::Result<()>;
    /// Room on the file system of `dir`.
    fn room(&self, dir: &Path) -> io::Result<Room>;
}

/// A file that only grows: written by one thread, synced by another.
pub(crate) trait LogFile: Send + Sync {
    /// Hands all the bytes to the operating system.
    fn write(&self, bytes: &[u8]) -> io::Result<()>;
    /// Returns once everything written before is on the disk.
    fn sync(&self) -> io::Result<()>;
}

/// Room on a file system, bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// What this process may still write.
    pub free: u64,
    /// The whole of it.
    pub total: u64,
}

/// The disk of this machine.
pub(crate) struct LocalDisk;

impl Disk for LocalDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn LogFile>> {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        sync_folder(path)?;
        Ok(Arc::new(file))
    }

    fn append(&self, path: &Path) -> io::Result<Arc<dyn LogFile>> {
        let new = !path.exists();
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        if new {
            sync_folder(path)?;
        }
        Ok(Arc::new(file))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn set_aside(&self, path: &Path) -> io::Result<()> {
        std::fs::rename(path, path.with_extension("torn"))?;
        sync_folder(path)
    }

    fn room(&self, dir: &Path) -> io::Result<Room> {
        let told = rustix::fs::statvfs(dir)?;
        Ok(Room {
            free: told.f_bavail.saturating_mul(told.f_frsize),
            total: told.f_blocks.saturating_mul(told.f_frsize),
        })
    }
}

impl LogFile for File {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self;
        file.write_all(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Makes the names in the folder of `path` durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
