//! How many packets are on their way to the facts, kept in a small file: a process that is killed
//! leaves the number behind, and the next one knows that so many are lost.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Digits of the number in the file: any `u64`.
const DIGITS: usize = 20;

/// The number of packets on their way. It outlives the process, though not a loss of power: it is
/// not worth a sync for each packet.
#[derive(Debug, Default)]
pub struct Ledger {
    file: Option<File>,
    count: Mutex<u64>,
}

/// A packet that has left for the portal; over when it is dropped, what it told handed in by then.
#[derive(Debug)]
pub struct Expected(Arc<Ledger>);

impl Ledger {
    /// The ledger in this file, which is made where it is not there yet.
    ///
    /// # Errors
    /// When the file cannot be opened or read.
    pub fn open(path: &Path) -> std::io::Result<Ledger> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // what is no number was not written by us: something was lost
        let count = if text.is_empty() { 0 } else { text.trim().parse().unwrap_or(1) };
        Ok(Ledger { file: Some(file), count: Mutex::new(count) })
    }

    /// What is on its way; right after opening, what was lost with the last process.
    pub(crate) fn count(&self) -> u64 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, packets: u64) {
        self.change(|count| count.saturating_add(packets));
    }

    pub(crate) fn end(&self, packets: u64) {
        self.change(|count| count.saturating_sub(packets));
    }

    pub(crate) fn expect(self: &Arc<Ledger>) -> Expected {
        self.add(1);
        Expected(self.clone())
    }

    fn change(&self, change: impl Fn(u64) -> u64) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = change(*count);
        if let Some(file) = &self.file {
            // a disk that takes no 20 bytes is told by the journal, which then refuses calls
            let _ = file.write_all_at(format!("{:0DIGITS$}", *count).as_bytes(), 0);
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.0.end(1);
    }
}
