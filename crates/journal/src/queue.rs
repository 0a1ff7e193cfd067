//! What stands between the callers and the writer: frames queued under one short lock, and the
//! places that bound them.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use terms::clock::Clock;
use terms::exchange::ExchangeId;
use terms::limit::{DISK_RESERVE_BYTES, DISK_WARN_PERCENT};

use crate::deny::Fold;
use crate::disk::Room;
use crate::durable::{Durable, Ledger};
use crate::entry::{Class, Health};
use crate::error::Unavailable;
use crate::frame::{self, kind};
use crate::opening::{Openings, Slot};
use crate::row::Row;

/// Queued bytes beyond which rows without a reserved place are refused.
const QUEUED_BYTES_MAX: usize = 64 * 1024 * 1024;

thread_local! {
    /// The frame being encoded: outside the lock, and without an allocation a call.
    static FRAME: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Shared by the handles and the writer.
pub(crate) struct Queue {
    pub node: Arc<str>,
    pub clock: Clock,
    pub ledger: Arc<Ledger>,
    pub fold: Mutex<Fold>,
    /// Set once what the last run left there has been read.
    openings: OnceLock<Openings>,
    /// The segment that is written.
    segment: AtomicU64,
    places: usize,
    taken: AtomicUsize,
    failed: AtomicBool,
    stopping: AtomicBool,
    disk_free: AtomicU64,
    disk_total: AtomicU64,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    work: Work,
    /// Sequence number of the last thing queued.
    queued: u64,
    /// The writer waits for work.
    idle: bool,
    /// Why nothing can be written.
    failed: Option<String>,
    stopping: bool,
}

/// What the writer takes at once.
#[derive(Default)]
pub(crate) struct Work {
    /// Frames, without numbers.
    pub frames: Vec<u8>,
    /// Everything up to this sequence number is in it.
    pub to: u64,
    /// Records that it closes: their places become free once it is durable.
    pub closing: usize,
    /// Records whose caller broke off.
    pub abandoned: Vec<ExchangeId>,
    /// Somebody waits for the disk.
    pub demanded: bool,
    /// The clock was moved: what is due by it is to be done now.
    pub look: bool,
    /// Why the last sync failed.
    pub sync_failed: Option<io::Error>,
}

impl Work {
    fn is_empty(&self) -> bool {
        self.frames.is_empty()
            && self.abandoned.is_empty()
            && !self.demanded
            && !self.look
            && self.sync_failed.is_none()
    }
}

impl Queue {
    pub(crate) fn new(node: Arc<str>, clock: Clock, places: usize) -> Queue {
        Queue {
            node,
            clock,
            ledger: Arc::default(),
            fold: Mutex::default(),
            openings: OnceLock::new(),
            segment: AtomicU64::new(0),
            places,
            taken: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            disk_free: AtomicU64::new(u64::MAX),
            disk_total: AtomicU64::new(u64::MAX),
            state: Mutex::default(),
            work: Condvar::new(),
        }
    }

    pub(crate) fn reserve(&self, class: Class) -> Result<(), Unavailable> {
        if self.failed.load(Ordering::Acquire) {
            return Err(Unavailable::Failed);
        }
        if self.is_stopping() {
            return Err(Unavailable::Stopped);
        }
        if class == Class::Anonymous && self.is_scarce() {
            return Err(Unavailable::Reserved);
        }
        let places = self.places;
        self.taken
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |n| (n < places).then_some(n + 1))
            .map(drop)
            .map_err(|_| Unavailable::Full)
    }

    /// A segment was begun.
    pub(crate) fn note_segment(&self, sequence: u64) {
        self.segment.store(sequence, Ordering::Release);
    }

    /// Sequence number of the last thing queued.
    pub(crate) fn queued(&self) -> u64 {
        self.state.lock().queued
    }

    /// Where openings are kept from now on.
    pub(crate) fn keep_openings(&self, openings: Openings) {
        // set once, at the start
        let _ = self.openings.set(openings);
    }

    pub(crate) fn openings(&self) -> Option<&Openings> {
        self.openings.get()
    }

    /// Gives places back.
    pub(crate) fn release(&self, places: usize) {
        self.taken.fetch_sub(places, Ordering::AcqRel);
    }

    /// Queues a row and somebody's waiting for it.
    pub(crate) fn push_row(&self, kind: u8, row: &Row, place: bool) -> Durable {
        match self.push(kind, row, true, place) {
            Ok(sequence) => Durable::new(&self.ledger, sequence),
            Err(why) => Durable::refused(&self.ledger, why),
        }
    }

    /// Queues an `open` frame, kept meanwhile where it outlives this process: its sequence number
    /// and its slot.
    pub(crate) fn push_open(&self, row: &Row) -> Result<(u64, Slot), Unavailable> {
        FRAME.with_borrow_mut(|bytes| {
            self.encode(bytes, kind::OPEN, row);
            let segment = self.segment.load(Ordering::Acquire);
            let openings = self.openings.get().ok_or(Unavailable::Stopped)?;
            let kept = openings.keep(bytes, segment, self.ledger.durable());
            let slot = kept.map_err(|error| {
                tracing::warn!(code = "journal_opening", %error, "an opening cannot be kept");
                Unavailable::Failed
            })?;
            let queued = self.append(bytes, false, false, true);
            queued.map(|sequence| (sequence, slot)).inspect_err(|_| openings.free(slot, 0))
        })
    }

    fn push(&self, kind: u8, row: &Row, demanded: bool, place: bool) -> Result<u64, Unavailable> {
        FRAME.with_borrow_mut(|bytes| {
            self.encode(bytes, kind, row);
            self.append(bytes, demanded, place, kind == kind::OPEN)
        })
    }

    fn encode(&self, bytes: &mut Vec<u8>, kind: u8, row: &Row) {
        bytes.clear();
        frame::push(bytes, kind, |out| row.encode_at(&self.node, out));
        if bytes.len() > frame::PAYLOAD_BYTES_MAX {
            // Only a change's documents can be so large; the rest of it is kept.
            bytes.clear();
            let slim = Row { before: None, after: None, ..row.clone() };
            frame::push(bytes, kind, |out| slim.encode_at(&self.node, out));
        }
    }

    fn append(
        &self,
        frame: &[u8],
        demanded: bool,
        place: bool,
        open: bool,
    ) -> Result<u64, Unavailable> {
        let mut state = self.state.lock();
        if state.stopping {
            drop(state);
            self.release(usize::from(place));
            return Err(Unavailable::Stopped);
        }
        let failed = state.failed.is_some();
        if failed && !place {
            return Err(Unavailable::Failed);
        }
        let reserved = place || open;
        if !reserved && state.work.frames.len() > QUEUED_BYTES_MAX {
            return Err(Unavailable::Full);
        }
        state.work.frames.extend_from_slice(frame);
        state.work.closing += usize::from(place);
        state.work.demanded |= demanded;
        state.queued += 1;
        let sequence = state.queued;
        if demanded {
            self.call(state);
        } else {
            // it goes with the next one that somebody waits for, or with the next tick
            drop(state);
        }
        // While the writer has failed, the end of a record is kept for the next segment, as one
        // whose caller was told so.
        if failed { Err(Unavailable::Failed) } else { Ok(sequence) }
    }

    /// Sees to it that a waiting writer is woken: once for all that the tasks of a runtime thread
    /// queue in one turn, if the thread has an attendant.
    fn call(&self, state: parking_lot::MutexGuard<'_, State>) {
        if state.idle {
            drop(state);
            if !self.ledger.ask_attendant() {
                self.rouse();
            }
        }
    }

    /// Wakes the writer if it waits: at most once a batch.
    pub(crate) fn rouse(&self) {
        let idle = std::mem::take(&mut self.state.lock().idle);
        if idle {
            self.work.notify_one();
        }
    }

    /// Asks that everything up to `sequence` go to the disk.
    pub(crate) fn demand(&self, sequence: u64) -> Durable {
        let mut state = self.state.lock();
        state.work.demanded |= sequence > self.ledger.durable();
        self.call(state);
        Durable::new(&self.ledger, sequence)
    }

    /// The syncer could not make the log durable.
    pub(crate) fn sync_failed(&self, error: io::Error) {
        self.state.lock().work.sync_failed = Some(error);
        self.rouse();
    }

    /// The caller of an open record broke off. Gives the sequence number of what closes it.
    pub(crate) fn abandon(&self, id: ExchangeId) -> u64 {
        let mut state = self.state.lock();
        if state.stopping {
            // The writer closes what is still open itself.
            drop(state);
            self.release(1);
            return u64::MAX;
        }
        state.work.abandoned.push(id);
        state.work.closing += 1;
        state.queued += 1;
        let sequence = state.queued;
        self.call(state);
        sequence
    }

    /// Waits for work, `wait` at the most, and takes it; `true` when the journal is to stop.
    pub(crate) fn take(&self, spare: Vec<u8>, wait: Duration) -> (Work, bool) {
        let mut state = self.state.lock();
        if state.work.is_empty() && !state.stopping {
            state.idle = true;
            self.work.wait_for(&mut state, wait);
            state.idle = false;
        }
        (self.take_now(&mut state, spare), state.stopping)
    }

    fn take_now(&self, state: &mut State, spare: Vec<u8>) -> Work {
        let next = Work { frames: spare, to: state.queued, ..Work::default() };
        let mut work = std::mem::replace(&mut state.work, next);
        work.to = state.queued;
        work
    }

    /// From now on nothing is taken; gives what was queued until now. All who wait are told.
    pub(crate) fn fail(&self, reason: String) -> Work {
        let mut state = self.state.lock();
        self.failed.store(true, Ordering::Release);
        state.failed = Some(reason);
        let work = self.take_now(&mut state, Vec::new());
        drop(state);
        self.ledger.lose(self.ledger.durable() + 1, work.to);
        work
    }

    /// Takes rows again, unless something was queued since: then that comes back to be written
    /// first.
    pub(crate) fn recover(&self) -> Option<Work> {
        let mut state = self.state.lock();
        if state.work.is_empty() {
            state.failed = None;
            self.failed.store(false, Ordering::Release);
            return None;
        }
        Some(self.take_now(&mut state, Vec::new()))
    }

    /// Nothing more is taken; the writer ends.
    pub(crate) fn stop(&self) {
        let mut state = self.state.lock();
        state.stopping = true;
        self.stopping.store(true, Ordering::Release);
        drop(state);
        self.rouse();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Is the rest of the disk held back for identified callers?
    pub(crate) fn is_scarce(&self) -> bool {
        self.disk_free.load(Ordering::Relaxed) < DISK_RESERVE_BYTES
    }

    /// Takes note of the room on the disk; says what changed.
    pub(crate) fn note_room(&self, room: Room) {
        let before = self.disk_alert();
        self.disk_free.store(room.free, Ordering::Relaxed);
        self.disk_total.store(room.total, Ordering::Relaxed);
        let after = self.disk_alert();
        if after && !before {
            let used = self.disk_used_percent();
            tracing::warn!(code = "journal_disk", used, free = room.free, "the disk fills up");
        } else if before && !after {
            tracing::info!(code = "journal_disk", "the disk has room again");
        }
    }

    fn disk_used_percent(&self) -> u64 {
        let total = self.disk_total.load(Ordering::Relaxed).max(1);
        let free = self.disk_free.load(Ordering::Relaxed).min(total);
        u64::try_from(u128::from(total - free) * 100 / u128::from(total)).unwrap_or(100)
    }

    fn disk_alert(&self) -> bool {
        self.is_scarce() || self.disk_used_percent() >= DISK_WARN_PERCENT
    }

    pub(crate) fn health(&self) -> Health {
        let (failed, stopping) = {
            let state = self.state.lock();
            (state.failed.clone(), state.stopping)
        };
        let alert = match &failed {
            Some(_) => Some("journal_failed"),
            None => self.disk_alert().then_some("journal_disk"),
        };
        Health {
            ok: failed.is_none() && !stopping,
            disk_free: self.disk_free.load(Ordering::Relaxed),
            disk_used_percent: self.disk_used_percent(),
            waiting: self.taken.load(Ordering::Relaxed),
            reason: failed.or_else(|| stopping.then(|| "stopped".to_owned())),
            alert,
        }
    }

    /// Lets the writer look at its clock now: for tests that moved it.
    #[cfg(test)]
    pub(crate) fn look(&self) {
        self.state.lock().work.look = true;
        self.rouse();
    }
}
