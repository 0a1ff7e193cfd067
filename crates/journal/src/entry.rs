//! The journal as its users hold it: opened once, a place reserved for each record, rows handed in.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use terms::clock::Clock;
use terms::exchange::ExchangeId;
use terms::limit::{JOURNAL_RETENTION_MONTHS_MIN, RECORDS_MAX, SEGMENT_AGE_MAX, SEGMENT_BYTES_MAX};

use crate::deny::Decision;
use crate::disk::{Disk, LocalDisk};
use crate::durable::{Attendant, Durable};
use crate::error::{JournalError, Unavailable};
use crate::frame::kind;
use crate::key::SigningKey;
use crate::opening::Slot;
use crate::queue::Queue;
use crate::recovery::Recovery;
use crate::row::Row;
use crate::segment::check_node;
use crate::writer::{self, Threads};

/// Whether a row counts as durable only once the disk has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// fdatasync before anything is acknowledged.
    #[default]
    Always,
    /// Never: for measuring what fsync costs, and for the test that shows what it is worth.
    Never,
}

/// Section `[journal]` of the configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of the segments: `DATA/journal`.
    pub dir: PathBuf,
    /// Folder of the signing key, `DATA/keys`: `journal.key` and `journal.pub` are made there at
    /// the first start.
    pub keys: PathBuf,
    /// This node's name; stands in file names and rows.
    pub node: String,
    /// How long rows are kept; at least 24 (article 18.5).
    pub retention_months: u32,
    /// Always, but for measurements.
    pub sync: Sync,
}

impl Config {
    /// Refuses what cannot be: a retention below the law's, a name that fits no file.
    pub fn check(&self) -> Result<(), JournalError> {
        if self.retention_months < JOURNAL_RETENTION_MONTHS_MIN {
            return Err(JournalError::Retention(self.retention_months));
        }
        check_node(&self.node)
    }
}

/// Bounds that tests make smaller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub places: usize,
    pub segment_bytes: u64,
    pub segment_age: std::time::Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            places: RECORDS_MAX,
            segment_bytes: SEGMENT_BYTES_MAX,
            segment_age: SEGMENT_AGE_MAX,
        }
    }
}

/// For whom a record is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A verified caller: the last of the disk is held back for these.
    Identified,
    /// Anyone else.
    Anonymous,
}

/// How the journal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Records are taken and written.
    pub ok: bool,
    /// Bytes left on the journal's disk.
    pub disk_free: u64,
    /// How full that disk is, per cent.
    pub disk_used_percent: u64,
    /// Records open or waiting for the disk.
    pub waiting: usize,
    /// Why it is not `ok`.
    pub reason: Option<String>,
    /// Code of the alert that stands: `journal_failed` or `journal_disk`.
    pub alert: Option<&'static str>,
}

/// The log of this node, written by one thread. Cheap to clone; when the last clone goes, it stops
/// as by [`Journal::stop`].
#[derive(Clone)]
pub struct Journal {
    running: Arc<Running>,
}

struct Running {
    queue: Arc<Queue>,
    threads: Mutex<Option<Threads>>,
    dir: PathBuf,
}

impl Running {
    fn stop(&self) {
        let threads = self.threads.lock().take();
        if let Some(threads) = threads {
            self.queue.stop();
            threads.join();
            // what a failed journal could not write is known from there at the next start
            let failed = self.queue.health().alert == Some("journal_failed");
            if let Some(openings) = self.queue.openings().filter(|_| !failed) {
                openings.remove();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Journal {
    /// Puts right what the last run left, begins a segment and starts the writer.
    pub fn open(config: &Config, clock: Clock) -> Result<(Journal, Recovery), JournalError> {
        Journal::open_on(config, clock, Arc::new(LocalDisk), Bounds::default())
    }

    pub(crate) fn open_on(
        config: &Config,
        clock: Clock,
        disk: Arc<dyn Disk>,
        bounds: Bounds,
    ) -> Result<(Journal, Recovery), JournalError> {
        config.check()?;
        std::fs::create_dir_all(&config.dir).map_err(|e| JournalError::io(&config.dir, e))?;
        let key = SigningKey::open(&config.keys)?;
        let queue = Arc::new(Queue::new(config.node.as_str().into(), clock, bounds.places));
        let (threads, recovery) = writer::start(config, &queue, disk, bounds, key)?;
        let running =
            Running { queue, threads: Mutex::new(Some(threads)), dir: config.dir.clone() };
        Ok((Journal { running: Arc::new(running) }, recovery))
    }

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.running.queue
    }

    /// Reserves the place that opening and closing a record use. Refuses when nothing more can be
    /// written: then the call is refused before any provider is asked.
    pub fn reserve(&self, class: Class) -> Result<Entry, Unavailable> {
        self.queue().reserve(class)?;
        let queue = self.queue().clone();
        Ok(Entry { queue, id: None, opened: Ok(0), slot: None, held: true, done: false })
    }

    /// Queues a row that is written at once: a token, a change, a refusal of an identified caller.
    pub fn write(&self, row: &Row) -> Durable {
        self.queue().push_row(kind::ROW, row, false)
    }

    /// Queues a refusal, by the fold rule of the contract: within the allowance of its credential
    /// (of the node, without one) it gets its own row, beyond it is counted in a common one. Gives
    /// the id to answer with, and what to wait for; a refusal counted in a row already begun waits
    /// for nothing. What was counted since a folded row was begun is lost with a crash within its
    /// minute; the row is not.
    pub fn deny(&self, mut row: Row) -> (ExchangeId, Option<Durable>) {
        // A folded row is kept in memory for its minute.
        row.method.take_if(|method| method.len() > Row::METHOD_BYTES_MAX);
        let queue = self.queue();
        let mut fold = queue.fold.lock();
        match fold.decide(row, queue.clock.now(), queue.is_scarce()) {
            Decision::Write(row) => {
                drop(fold);
                (row.exchange_id, Some(queue.push_row(kind::ROW, &row, false)))
            }
            // Under the lock, so that the writer cannot close it before it is opened.
            Decision::Begin(row) => {
                let opened = queue.push_row(kind::OPEN, &row, false);
                (row.exchange_id, Some(opened))
            }
            Decision::Counted(id) => (id, None),
        }
    }

    /// To be spawned once on each current-thread runtime that waits for rows: the writer then wakes
    /// that runtime once a batch, the calls are woken on their own thread, and the writer is woken
    /// once for all that the tasks of one turn have queued. Without it all works the same, at the
    /// cost of a system call or two a call. Ends when the journal stops.
    pub fn attend(&self) -> impl Future<Output = ()> + Send + use<> {
        Attendant::new(self.queue())
    }

    /// Folder of the segments.
    pub fn dir(&self) -> &std::path::Path {
        &self.running.dir
    }

    /// This node's name, as it stands in the rows.
    pub fn node(&self) -> &Arc<str> {
        &self.queue().node
    }

    /// How it is now.
    pub fn health(&self) -> Health {
        self.queue().health()
    }

    /// Has it been told to stop?
    pub(crate) fn is_stopping(&self) -> bool {
        self.queue().is_stopping()
    }

    /// Writes what is queued, closes the records still open as stopped by the platform, and seals
    /// the segment with its manifest entry. Blocks until that is done; the second time at once.
    pub fn stop(&self) {
        self.running.stop();
    }
}

/// A record: its place in the queue, from before the provider is asked until the row is durable.
#[must_use = "a record that is not closed is written as failed"]
pub struct Entry {
    queue: Arc<Queue>,
    id: Option<ExchangeId>,
    opened: Result<u64, Unavailable>,
    slot: Option<Slot>,
    held: bool,
    done: bool,
}

impl Entry {
    /// Queues the `open` frame with what is known so far and does not wait: from here on the record
    /// outlives this process. Refuses when nothing more can be written: then nothing was opened,
    /// and no provider is to be asked.
    pub fn open(&mut self, row: &Row) -> Result<(), Unavailable> {
        let opened = self.queue.push_open(row);
        self.opened = opened.map(|(sequence, _)| sequence);
        self.slot = Some(opened?.1);
        self.id = Some(row.exchange_id);
        Ok(())
    }

    /// To be waited for before the first byte of a streamed answer leaves.
    pub fn open_durable(&mut self) -> Durable {
        self.held = false;
        match self.opened {
            Ok(sequence) => self.queue.demand(sequence),
            Err(why) => Durable::refused(&self.queue.ledger, why),
        }
    }

    /// Queues the whole row; never fails for want of room. To be waited for before the last byte of
    /// the answer leaves.
    pub fn close(mut self, row: &Row) -> Durable {
        debug_assert!(self.id.is_none_or(|id| id == row.exchange_id), "another record's row");
        self.done = true;
        // Of a held answer nothing has left: should the journal fail, its row says so.
        let kind = if self.held { kind::ROW_HELD } else { kind::ROW };
        let durable = self.queue.push_row(kind, row, true);
        // A row that was refused is kept all the same, to be written when the disk is back.
        self.free(durable.sequence().unwrap_or_else(|| self.queue.queued()));
        durable
    }

    /// The slot may be used again once that frame is durable.
    fn free(&self, closed_by: u64) {
        if let (Some(slot), Some(openings)) = (self.slot, self.queue.openings()) {
            openings.free(slot, closed_by);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        match self.id {
            // The caller broke off (a panic): the record is closed all the same.
            Some(id) => self.free(self.queue.abandon(id)),
            None => self.queue.release(1),
        }
    }
}
