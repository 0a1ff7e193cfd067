//! One server a data folder: the lock on `DATA/lgsp.lock`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Held while a server runs on a data folder; let go when dropped, also by a crash.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why the lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another server runs on this data folder.
    #[error("another lgsp serve runs on this data folder")]
    Held,
    /// The folder or the file cannot be made.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Lock {
    /// Makes the data folder (mode 0700) if it is not there, and takes its lock.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process holds it.
    pub fn take(data: &Path) -> Result<Lock, LockError> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data)?;
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).mode(0o600).open(data.join("lgsp.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held),
            Err(TryLockError::Error(error)) => Err(LockError::Io(error)),
        }
    }

    /// Does a server run on this data folder now? A folder that is not there has none.
    pub fn is_held(data: &Path) -> bool {
        let Ok(file) = File::open(data.join("lgsp.lock")) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

#[cfg(test)]
mod tests {
    use super::{Lock, LockError};

    #[test]
    fn one_server_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/lgsp-data");
        assert!(!Lock::is_held(&data));
        let lock = Lock::take(&data).unwrap();
        assert!(Lock::is_held(&data));
        assert!(matches!(Lock::take(&data), Err(LockError::Held)));
        drop(lock);
        assert!(!Lock::is_held(&data));
        Lock::take(&data).unwrap();
    }
}
