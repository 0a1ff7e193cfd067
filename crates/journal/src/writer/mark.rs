//! What the writer asks of the syncer, and what it takes from it.

use std::io;
use std::time::Instant;

use terms::limit::SYNC_TIMEOUT;

use super::Writer;
use super::syncer::{Job, Syncer};
use crate::entry::Sync;

/// How far the log will be durable once a job of the syncer is done.
pub(super) struct Mark {
    /// Number of the job.
    number: u64,
    /// Where its frames end in what is pending.
    end: u64,
    /// Bytes of the segment by then.
    bytes: u64,
    closing: usize,
    pub(super) asked_at: Instant,
}

/// How the syncer was when it was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halted {
    /// Everything asked of it is durable.
    Sound,
    /// A sync failed: the segment is not touched again.
    Broken,
    /// The disk does not answer.
    Stuck,
}

impl Writer {
    /// Asks the syncer for everything written.
    pub(super) fn ask_sync(&mut self) {
        self.pending.demanded = false;
        let (Some(segment), end) = (&mut self.segment, self.pending.end()) else {
            return;
        };
        if self.sync == Sync::Never {
            segment.durable = segment.bytes;
            return self.settle();
        }
        if self.marks.back().is_some_and(|mark| mark.end == end) {
            return;
        }
        let closing = std::mem::take(&mut self.pending.closing);
        let asked_at = self.queue.clock.instant();
        self.jobs_asked += 1;
        let (number, to, bytes) = (self.jobs_asked, self.pending.to, segment.bytes);
        self.marks.push_back(Mark { number, end, bytes, closing, asked_at });
        self.syncer.ask(Job { number, file: segment.file.clone(), to, closing });
    }

    /// Lets go of what the syncer has made durable since.
    pub(super) fn take_synced(&mut self) {
        let done = self.syncer.done();
        while let Some(mark) = self.marks.pop_front_if(|mark| mark.number <= done) {
            self.pending.forget(mark.end);
            if let Some(segment) = &mut self.segment {
                segment.durable = mark.bytes;
            }
        }
    }

    /// Waits for the syncer; what it has not made durable by then is the writer's again.
    pub(super) fn halt_sync(&mut self) -> Halted {
        let stuck = !self.syncer.wait(SYNC_TIMEOUT);
        if stuck {
            self.replace_syncer();
        }
        self.take_synced();
        let broken = self.syncer.mend();
        for mark in self.marks.drain(..) {
            self.pending.closing += mark.closing;
            self.pending.demanded = true;
        }
        match (stuck, broken) {
            (true, _) => Halted::Stuck,
            (false, true) => Halted::Broken,
            (false, false) => Halted::Sound,
        }
    }

    /// Leaves the syncer to a disk that does not answer, and takes a new one.
    fn replace_syncer(&mut self) {
        self.syncer.retire();
        self.take_synced();
        match Syncer::start(&self.queue) {
            Ok(syncer) => self.syncer = syncer,
            Err(error) => tracing::error!(code = "journal_failed", %error, "no thread to sync"),
        }
    }

    /// The disk takes too long: everybody is told, as when it had failed, before the writer itself
    /// asks anything of it.
    pub(super) fn give_up_sync(&mut self) {
        self.replace_syncer();
        self.halt_sync();
        self.give_up_disk();
    }

    pub(super) fn give_up_disk(&mut self) {
        self.close_segment();
        self.fail(&io::Error::new(io::ErrorKind::TimedOut, "the disk does not answer"));
    }
}
