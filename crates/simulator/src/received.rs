//! What a stand-in received, byte for byte: the last requests, within a bound.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use terms::clock::{Clock, Timestamp};

use crate::wire::{Request, head_end};

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Rising from 1 in the order in which requests ended.
    pub id: u64,
    /// When its last byte was read (or the connection broke).
    pub at: Timestamp,
    /// Number of the connection it came on, rising from 1.
    pub connection: u64,
    /// Bytes in all, head and body as framed on the wire.
    pub size: u64,
    /// Did it come to its end, and could it be read?
    pub complete: bool,
    /// The first bytes of it, at most [`Bound::bytes`].
    pub raw: Bytes,
}

impl Received {
    /// The first line without its end; bytes that are not UTF-8 are replaced.
    pub fn line(&self) -> String {
        let end = self.raw.iter().position(|byte| *byte == b'\n');
        let line = &self.raw[..end.unwrap_or(self.raw.len())];
        String::from_utf8_lossy(line).trim_end().to_owned()
    }

    /// The body as framed on the wire, after the blank line; empty when there is none.
    pub fn body(&self) -> Bytes {
        let head = head_end(&self.raw).unwrap_or(self.raw.len());
        self.raw.slice(head..)
    }

    /// Do these bytes occur in what was kept of it?
    pub fn contains(&self, bytes: &[u8]) -> bool {
        !bytes.is_empty() && self.raw.windows(bytes.len()).any(|window| window == bytes)
    }
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Requests; the oldest go first. 0 keeps none and only counts.
    pub requests: usize,
    /// Bytes of each request.
    pub bytes: usize,
}

impl Default for Bound {
    fn default() -> Bound {
        Bound { requests: 1_000, bytes: 256 * 1024 }
    }
}

/// The last requests received; shared by all connections of one stand-in.
#[derive(Debug)]
pub(crate) struct Log {
    bound: Bound,
    clock: Clock,
    /// Requests that are none of those to be counted and kept.
    exempt: fn(&Request) -> bool,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    ended: u64,
    heads: u64,
    last: VecDeque<Arc<Received>>,
}

impl Log {
    pub(crate) fn new(bound: Bound, clock: Clock, exempt: fn(&Request) -> bool) -> Log {
        let kept = Mutex::default();
        Log { bound, clock, exempt, kept }
    }

    /// A log that keeps nothing.
    pub(crate) fn nothing() -> Log {
        let bound = Bound { requests: 0, bytes: 0 };
        Log::new(bound, Clock::system(), |_| true)
    }

    pub(crate) fn exempts(&self, request: &Request) -> bool {
        (self.exempt)(request)
    }

    /// A head was read, or bytes that should have been one: the stand-in was reached.
    pub(crate) fn reached(&self) {
        self.lock().heads += 1;
    }

    /// Keeps a request; returns its id.
    pub(crate) fn write(&self, connection: u64, raw: &Bytes, size: u64, complete: bool) -> u64 {
        let at = self.clock.now();
        let mut kept = self.lock();
        kept.ended += 1;
        let id = kept.ended;
        if self.bound.requests == 0 {
            return id;
        }
        while kept.last.len() >= self.bound.requests {
            kept.last.pop_front();
        }
        let short = raw.len().min(self.bound.bytes);
        // A small part of a large request is copied, so that it does not hold the whole.
        let raw =
            if short < raw.len() { Bytes::copy_from_slice(&raw[..short]) } else { raw.clone() };
        kept.last.push_back(Arc::new(Received { id, at, connection, size, complete, raw }));
        id
    }

    pub(crate) fn list(&self) -> Vec<Arc<Received>> {
        self.lock().last.iter().cloned().collect()
    }

    pub(crate) fn find(&self, id: u64) -> Option<Arc<Received>> {
        let kept = self.lock();
        kept.last.iter().find(|request| request.id == id).cloned()
    }

    /// Requests whose head was read since the start or the last clearing.
    pub(crate) fn count(&self) -> u64 {
        self.lock().heads
    }

    /// Forgets what was received; ids go on rising.
    pub(crate) fn clear(&self) {
        let mut kept = self.lock();
        kept.heads = 0;
        kept.last.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
