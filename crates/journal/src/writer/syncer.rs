//! The thread that waits for the disk, so that the writer goes on taking what comes meanwhile.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::disk::LogFile;
use crate::queue::Queue;

/// Makes what is written durable and tells those who wait; on an error, the writer. Dropped while
/// the disk is at it, it takes no more notice of what comes of that.
pub(super) struct Syncer(Arc<Desk>);

/// What is to become durable.
pub(super) struct Job {
    /// The writer's jobs are numbered from 1.
    pub number: u64,
    pub file: Arc<dyn LogFile>,
    /// Sequence number of the last frame written to it.
    pub to: u64,
    /// Records that are closed by then: their places become free.
    pub closing: usize,
}

struct Desk {
    queue: Arc<Queue>,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    next: Option<Job>,
    busy: bool,
    /// Number of the last job done.
    done: u64,
    /// A sync failed: what the system would say of the next one on that file means nothing.
    broken: bool,
    over: bool,
}

impl Syncer {
    pub(super) fn start(queue: &Arc<Queue>) -> io::Result<Syncer> {
        let desk = Desk { queue: queue.clone(), state: Mutex::default(), moved: Condvar::new() };
        let desk = Arc::new(desk);
        let theirs = desk.clone();
        std::thread::Builder::new().name("journal-sync".to_owned()).spawn(move || {
            give_way();
            let _watched = Watched(&theirs.queue);
            while theirs.work() {}
        })?;
        Ok(Syncer(desk))
    }

    /// Asks that everything written until now go to the disk; a job that has not begun is taken
    /// into this one.
    pub(super) fn ask(&self, mut job: Job) {
        let mut state = self.0.state.lock();
        if state.broken {
            return;
        }
        job.closing += state.next.take().map_or(0, |next| next.closing);
        state.next = Some(job);
        let busy = state.busy;
        drop(state);
        if !busy {
            self.0.moved.notify_all();
        }
    }

    /// From now on it acknowledges nothing: what it has done by then is all.
    pub(super) fn retire(&self) {
        self.0.state.lock().over = true;
        self.0.moved.notify_all();
    }

    /// Number of the last job done.
    pub(super) fn done(&self) -> u64 {
        self.0.state.lock().done
    }

    /// Has a sync failed since the last [`Syncer::mend`]?
    pub(super) fn is_broken(&self) -> bool {
        self.0.state.lock().broken
    }

    /// Takes jobs again, which are of another file; tells whether it had been broken.
    pub(super) fn mend(&self) -> bool {
        std::mem::take(&mut self.0.state.lock().broken)
    }

    /// Waits until nothing is left to do; `false` when the disk has not answered after `limit`.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let mut state = self.0.state.lock();
        let working = |state: &mut State| state.busy || state.next.is_some();
        !self.0.moved.wait_while_for(&mut state, working, limit).timed_out()
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.retire();
    }
}

impl Desk {
    /// Does the next job; `false` when there will be none.
    fn work(&self) -> bool {
        let mut state = self.state.lock();
        self.moved.wait_while(&mut state, |state| state.next.is_none() && !state.over);
        state.busy = true;
        let Some(job) = state.next.take().filter(|_| !state.over) else {
            return false;
        };
        drop(state);
        let synced = job.file.sync();
        let mut state = self.state.lock();
        if state.over {
            return false;
        }
        state.busy = false;
        match synced {
            Ok(()) => {
                state.done = job.number;
                self.queue.release(job.closing);
                // under the lock: once the writer has taken over, nothing is acknowledged here
                self.queue.ledger.advance(job.to);
            }
            Err(error) => {
                state.next = None;
                state.broken = true;
                self.queue.sync_failed(error);
            }
        }
        drop(state);
        self.moved.notify_all();
        true
    }
}

/// Tells the writer, should this thread panic.
struct Watched<'a>(&'a Queue);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.sync_failed(io::Error::other("the thread that syncs has ended"));
        }
    }
}

/// Marks this thread as one that works in batches: being woken, it waits for its turn instead of
/// breaking into that of a thread that carries calls. Measured: a tenth of the CPU time of a call.
#[allow(unsafe_code, reason = "the system call has no safe name in the crates of this house")]
pub(super) fn give_way() {
    let batch = libc::sched_param { sched_priority: 0 };
    // SAFETY: `batch` lives through the call, which keeps no pointer; 0 is the calling thread.
    // Where the system refuses, only speed is lost.
    let _ = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const batch) };
}
