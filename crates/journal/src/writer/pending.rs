//! Frames on their way to the disk: taken over from the queue, numbered for the segment.

use crate::frame::{self, HEAD};
use crate::queue::Work;

/// Frames not yet acknowledged.
#[derive(Default)]
pub(super) struct Pending {
    pub frames: Vec<u8>,
    /// Bytes of frames acknowledged before these.
    gone: u64,
    /// Up to here they are in the current segment.
    pub written: usize,
    /// Up to here they have been looked through.
    pub walked: usize,
    /// Where rows of held answers begin.
    pub held: Vec<usize>,
    /// Sequence number of the last.
    pub to: u64,
    pub closing: usize,
    pub demanded: bool,
}

impl Pending {
    pub(super) fn clear(&mut self) {
        let gone = self.end();
        let mut frames = std::mem::take(&mut self.frames);
        frames.clear();
        let mut held = std::mem::take(&mut self.held);
        held.clear();
        *self = Pending { frames, held, to: self.to, gone, ..Pending::default() };
    }

    /// Where the frames end, counted from the first ever.
    pub(super) fn end(&self) -> u64 {
        self.gone + self.frames.len() as u64
    }

    /// Everything up to `end` is acknowledged.
    pub(super) fn forget(&mut self, end: u64) {
        let count = usize::try_from(end - self.gone).unwrap_or(usize::MAX).min(self.frames.len());
        self.frames.drain(..count);
        self.gone = end;
        self.written = self.written.saturating_sub(count);
        self.walked = self.walked.saturating_sub(count);
        self.held.retain_mut(|at| {
            let kept = *at >= count;
            *at = at.saturating_sub(count);
            kept
        });
    }

    /// Takes over a batch.
    pub(super) fn add(&mut self, mut work: Work) -> Vec<u8> {
        self.to = work.to;
        self.closing += work.closing;
        self.demanded |= work.demanded;
        if self.frames.is_empty() {
            std::mem::swap(&mut self.frames, &mut work.frames);
        } else {
            self.frames.append(&mut work.frames);
        }
        work.frames.clear();
        work.frames
    }
}

/// Numbers frames and adds the checks of their heads; gives the next number.
pub(super) fn number(frames: &mut [u8], mut next: u32) -> u32 {
    let mut at = 0;
    while at < frames.len() {
        frame::seal(&mut frames[at..at + HEAD], next);
        next = next.wrapping_add(1);
        at += HEAD + frame::payload_len(frames, at);
    }
    next
}
