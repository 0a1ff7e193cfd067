//! The beginning of a segment: all that it needs to stand alone.

use std::io;

use super::pending::number;
use super::{Segment, Writer};
use crate::entry::Sync;
use crate::frame::{self, kind};
use crate::segment::{Begin, MAGIC, SegmentName};

impl Writer {
    /// Begins a segment with the records still open and all that is not acknowledged, so that it
    /// stands alone; on an error nothing of it is left. Then the older ones may be sealed.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        let name = SegmentName { node: self.queue.node.to_string(), sequence: self.next };
        let path = self.dir.join(name.file());
        let file = self.disk.create(&path).inspect_err(|error| {
            // What could not be removed keeps its number.
            self.next += u64::from(error.kind() == io::ErrorKind::AlreadyExists);
        })?;
        let mut segment = Segment {
            file,
            path,
            opened_at: self.queue.clock.now(),
            bytes: 0,
            durable: 0,
            number: 0,
            grown: !self.pending.frames.is_empty(),
            name,
        };
        let written = self.write_first(&mut segment);
        if let Err(error) = written {
            self.give_up(&segment);
            return Err(error);
        }
        self.pending.written = self.pending.frames.len();
        self.queue.note_segment(self.next);
        self.next += 1;
        self.segment = Some(segment);
        for job in self.waiting_jobs.drain(..) {
            // Without a sealer it stays unsealed until the next start.
            let _ = self.jobs.send(job);
        }
        Ok(())
    }

    /// Nothing in `segment` was acknowledged, and the next one holds the same: it must not count,
    /// also when it cannot be removed.
    fn give_up(&mut self, segment: &Segment) {
        if self.disk.remove(&segment.path).is_ok() {
            return;
        }
        // What stays keeps its number.
        self.next += 1;
        if self.disk.set_aside(&segment.path).is_err() && segment.path.exists() {
            self.previous = (segment.name.sequence, 0);
        }
    }

    fn write_first(&mut self, segment: &mut Segment) -> io::Result<()> {
        let begin = Begin {
            node: self.queue.node.clone(),
            sequence: self.next,
            opened_at: segment.opened_at,
            previous: self.previous,
        };
        let mut first = MAGIC.to_vec();
        frame::push(&mut first, kind::BEGIN, |out| begin.encode(out));
        for open in self.open.values() {
            frame::push(&mut first, kind::OPEN, |out| out.extend_from_slice(open));
        }
        segment.number = number(&mut first[MAGIC.len()..], 0);
        segment.number = number(&mut self.pending.frames, segment.number);
        segment.file.write(&first)?;
        segment.file.write(&self.pending.frames)?;
        if self.sync == Sync::Always {
            segment.file.sync()?;
        }
        segment.bytes = (first.len() + self.pending.frames.len()) as u64;
        segment.durable = segment.bytes;
        Ok(())
    }
}
