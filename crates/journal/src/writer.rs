//! The writer: one thread that takes what is queued and writes it; a second one that syncs what is
//! written and wakes who waits; and a third one that seals closed segments behind them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use terms::clock::Timestamp;
use terms::exchange::ExchangeId;
use terms::limit::{SYNC_CROWD, SYNC_PACE, SYNC_TIMEOUT};

use crate::disk::{Disk, LogFile};
use crate::entry::{Bounds, Config, Sync};
use crate::error::{JournalError, Unavailable};
use crate::frame::{self, HEAD, kind};
use crate::key::SigningKey;
use crate::manifest::{Manifest, Sealer};
use crate::opening::Openings;
use crate::queue::{Queue, Work};
use crate::recovery::{self, Recovery};
use crate::row::{self, Row};
use crate::segment::SegmentName;

mod begin;
pub(crate) mod ending;
mod mark;
mod pending;
mod syncer;

use mark::{Halted, Mark};
use pending::{Pending, number};
use syncer::Syncer;

/// The writer looks at its disk, its clock and its folded rows this often; a failed one tries
/// again this often; an `open` frame nobody waits for is on the disk after this long.
const TICK: Duration = Duration::from_secs(1);

/// How long a stop waits for the disk.
const STOP_MAX: Duration = Duration::from_secs(2 * SYNC_TIMEOUT.as_secs());

/// A closed segment, to be sealed as far as it counts.
pub(crate) struct Closed {
    pub path: PathBuf,
    pub name: SegmentName,
    pub bytes: u64,
}

/// The writer's thread and the sealer's.
pub(crate) struct Threads {
    writer: JoinHandle<()>,
    sealer: JoinHandle<()>,
    /// Its other end is gone when the writer has ended.
    ending: mpsc::Receiver<()>,
}

impl Threads {
    /// Waits for both to end, but for a disk that does not answer only for a time.
    pub(crate) fn join(self) {
        if self.ending.recv_timeout(STOP_MAX) == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::error!(
                code = "journal_failed",
                "the disk does not answer: not stopped cleanly"
            );
            return;
        }
        // A panic in them has been reported by the panic hook; there is nothing left to do here.
        let _ = self.writer.join();
        let _ = self.sealer.join();
    }
}

/// Recovers the folder, begins a segment, seals the older ones and starts both threads.
pub(crate) fn start(
    config: &Config,
    queue: &Arc<Queue>,
    disk: Arc<dyn Disk>,
    bounds: Bounds,
    key: SigningKey,
) -> Result<(Threads, Recovery), JournalError> {
    let now = queue.clock.now();
    let manifest = Manifest::read(&config.dir)?;
    let mut sealer = Sealer::open(&config.dir, &manifest, key, &*disk)?;
    let hold = recovery::Hold::take(&config.dir)?;
    let left = recovery::look(&config.dir, &queue.node, &manifest, hold.alone)?;
    let openings = Openings::open(&config.dir, &queue.node)?;
    let (jobs, closed) = mpsc::channel();
    let mut writer = Writer {
        queue: queue.clone(),
        disk,
        dir: config.dir.clone(),
        sync: config.sync,
        bounds,
        jobs,
        waiting_jobs: Vec::new(),
        segment: None,
        next: left.next,
        previous: left.previous,
        open: HashMap::new(),
        pending: Pending::default(),
        syncer: Syncer::start(queue).map_err(|e| JournalError::io(&config.dir, e))?,
        marks: VecDeque::new(),
        jobs_asked: 0,
        ticked: queue.clock.instant(),
        failed: false,
    };
    for row in left.stopped_rows(now) {
        writer.put_row(&row);
    }
    writer.begin().map_err(|e| JournalError::io(&config.dir, e))?;
    openings.clear().map_err(|e| JournalError::io(&config.dir, e))?;
    left.forget_openings(&config.dir, &openings)?;
    queue.keep_openings(openings);
    writer.pending.clear();
    writer.watch();
    let recovery = left.settle(&mut sealer, now)?;
    let hold = hold.share().map_err(|e| JournalError::io(&config.dir, e))?;
    let clock = queue.clock.clone();
    let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        thread.map_err(|e| JournalError::io(&config.dir, e))
    };
    let (ended, ending) = mpsc::channel();
    let threads = Threads {
        ending,
        sealer: spawn("journal-seal", Box::new(move || seal_all(sealer, &closed, &clock)))?,
        writer: spawn(
            "journal",
            Box::new(move || {
                syncer::give_way();
                let _told: mpsc::Sender<()> = ended;
                let _ended = Ended(writer.queue.clone());
                let _hold = hold;
                writer.run();
            }),
        )?,
    };
    Ok((threads, recovery))
}

/// Lets work come together: nobody has to wake the writer for it meanwhile.
#[allow(
    clippy::disallowed_methods,
    reason = "what comes in that time is the purpose, not an event"
)]
fn gather() {
    std::thread::sleep(SYNC_PACE);
}

/// However the writer ends, by a panic too: nothing more is taken, and nobody waits for ever.
struct Ended(Arc<Queue>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.stop();
        self.0.ledger.stop();
    }
}

/// Seals in the order of the segments; what fails is left to the next start, so that the order of
/// the manifest stays that of the segments.
fn seal_all(mut sealer: Sealer, closed: &mpsc::Receiver<Closed>, clock: &terms::clock::Clock) {
    let mut broken = false;
    for Closed { path, name, bytes } in closed {
        if broken {
            continue;
        }
        if let Err(error) = sealer.seal(&path, &name, bytes, clock.now()) {
            let cause = error.sentence().en;
            tracing::warn!(code = "journal_seal", %cause, "a segment stays unsealed");
            broken = true;
        }
    }
}

struct Segment {
    file: Arc<dyn LogFile>,
    path: PathBuf,
    name: SegmentName,
    opened_at: Timestamp,
    /// Bytes written.
    bytes: u64,
    /// Bytes acknowledged.
    durable: u64,
    /// Number of the next frame.
    number: u32,
    /// Holds more than what it began with.
    grown: bool,
}

struct Writer {
    queue: Arc<Queue>,
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    sync: Sync,
    bounds: Bounds,
    jobs: mpsc::Sender<Closed>,
    /// Closed segments that wait for their successor to be durable.
    waiting_jobs: Vec<Closed>,
    segment: Option<Segment>,
    next: u64,
    previous: (u64, u64),
    /// Records open in the log: their rows as far as known, encoded.
    open: HashMap<ExchangeId, Box<[u8]>>,
    pending: Pending,
    syncer: Syncer,
    /// What the syncer was asked for and has not been seen to do.
    marks: VecDeque<Mark>,
    jobs_asked: u64,
    ticked: Instant,
    failed: bool,
}

impl Writer {
    fn run(mut self) {
        let mut spare = Vec::new();
        loop {
            let since = self.queue.clock.instant().saturating_duration_since(self.ticked);
            let (mut work, stopping) = self.queue.take(spare, TICK.saturating_sub(since));
            let look = work.look;
            let crowd = work.closing >= SYNC_CROWD;
            let sync_failed = work.sync_failed.take();
            spare = self.absorb(work);
            // one of a segment that was given up since says nothing new
            let fresh = !self.failed && self.syncer.is_broken();
            if let Some(error) = sync_failed.filter(|_| fresh) {
                self.fail_over(&error);
            }
            if stopping {
                self.end();
                return;
            }
            let since = self.queue.clock.instant().saturating_duration_since(self.ticked);
            let due = since >= TICK || look;
            if due {
                self.tick();
            }
            if !self.failed {
                self.flush(due);
            }
            if crowd {
                gather();
            }
        }
    }

    /// Once a second: the disk, the folded rows, a failed writer's next attempt.
    fn tick(&mut self) {
        self.ticked = self.queue.clock.instant();
        self.watch();
        let now = self.ticked;
        let stuck = |mark: &Mark| now.saturating_duration_since(mark.asked_at) >= SYNC_TIMEOUT;
        self.take_synced();
        if self.marks.front().is_some_and(stuck) {
            self.give_up_sync();
        }
        if self.failed {
            self.retry();
        } else {
            let due = self.queue.fold.lock().due(self.queue.clock.now());
            for row in due {
                self.put_row(&row);
            }
        }
    }

    fn watch(&self) {
        match self.disk.room(&self.dir) {
            Ok(room) => self.queue.note_room(room),
            Err(error) => tracing::warn!(code = "journal_disk", %error, "the disk cannot be asked"),
        }
    }

    /// Takes over a batch and closes the records whose caller broke off; gives back room for the
    /// next batch.
    fn absorb(&mut self, mut work: Work) -> Vec<u8> {
        let abandoned = std::mem::take(&mut work.abandoned);
        let spare = self.pending.add(work);
        self.walk();
        for id in abandoned {
            self.close_open(id, ending::internal);
        }
        spare
    }

    /// Appends a row of the writer's own.
    fn put_row(&mut self, row: &Row) {
        let node = self.queue.node.clone();
        frame::push(&mut self.pending.frames, kind::ROW, |out| row.encode_at(&node, out));
        self.pending.demanded = true;
        self.walk();
    }

    /// Ends a record that its caller did not.
    fn close_open(&mut self, id: ExchangeId, end: fn(&mut Row, Timestamp)) {
        self.pending.demanded = true;
        let Some(Ok(mut row)) = self.open.get(&id).map(|open| Row::decode(open)) else {
            return;
        };
        end(&mut row, self.queue.clock.now());
        self.put_row(&row);
    }

    /// Looks through the frames that came: which records open and close, which answers are held.
    fn walk(&mut self) {
        let Pending { frames, walked, held, .. } = &mut self.pending;
        while *walked < frames.len() {
            let at = *walked;
            let end = at + HEAD + frame::payload_len(frames, at);
            let (head, payload) = frames[at..end].split_at_mut(HEAD);
            match head[12] {
                kind::OPEN => {
                    if let Some(id) = row::exchange_id(payload) {
                        self.open.insert(id, (&*payload).into());
                    }
                }
                kind::ROW | kind::ROW_HELD => {
                    if head[12] == kind::ROW_HELD {
                        head[12] = kind::ROW;
                        held.push(at);
                    }
                    if let Some(id) = row::exchange_id(payload) {
                        self.open.remove(&id);
                    }
                }
                _ => {}
            }
            *walked = end;
        }
    }

    /// Writes what came; has it synced when somebody waits, or when `all` is to be durable.
    fn flush(&mut self, all: bool) {
        self.take_synced();
        if self.pending.frames.is_empty() {
            self.settle();
        } else if let Err(error) = self.write() {
            self.fail_over(&error);
        } else if self.pending.demanded || all {
            self.ask_sync();
        }
        if self.is_full()
            && let Err(error) = self.rotate()
        {
            self.fail(&error);
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let Some(segment) = &mut self.segment else {
            return Err(io::Error::other("no segment"));
        };
        let fresh = &mut self.pending.frames[self.pending.written..];
        if fresh.is_empty() {
            return Ok(());
        }
        segment.number = number(fresh, segment.number);
        segment.file.write(fresh)?;
        segment.bytes += fresh.len() as u64;
        segment.grown = true;
        self.pending.written = self.pending.frames.len();
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some(segment) = &mut self.segment {
            if self.sync == Sync::Always {
                segment.file.sync()?;
            }
            segment.durable = segment.bytes;
        }
        Ok(())
    }

    /// Everything pending is durable.
    fn settle(&mut self) {
        let (to, closing) = (self.pending.to, self.pending.closing);
        self.pending.clear();
        self.queue.release(closing);
        if to > self.queue.ledger.durable() {
            self.queue.ledger.advance(to);
        }
    }

    fn is_full(&self) -> bool {
        self.segment.as_ref().is_some_and(|segment| {
            let age = self.queue.clock.now().since(segment.opened_at);
            let full = segment.bytes >= self.bounds.segment_bytes;
            segment.grown && (full || age >= self.bounds.segment_age)
        })
    }

    fn rotate(&mut self) -> io::Result<()> {
        if self.halt_sync() == Halted::Stuck {
            self.give_up_disk();
            return Ok(());
        }
        self.close_segment();
        self.begin()?;
        self.settle();
        Ok(())
    }

    /// Never touches the current segment again.
    fn close_segment(&mut self) {
        if let Some(Segment { path, name, durable, .. }) = self.segment.take() {
            self.previous = (name.sequence, durable);
            self.waiting_jobs.push(Closed { path, name, bytes: durable });
        }
    }

    /// The segment could not be written: a new one takes what is not acknowledged.
    fn fail_over(&mut self, error: &io::Error) {
        tracing::warn!(code = "journal_failed", %error, "a segment is given up");
        if self.halt_sync() == Halted::Stuck {
            return self.give_up_disk();
        }
        self.close_segment();
        match self.begin() {
            Ok(()) => self.settle(),
            Err(error) => self.fail(&error),
        }
    }

    /// No segment can be written: everybody is told, the frames are kept for the next attempt.
    fn fail(&mut self, error: &io::Error) {
        tracing::error!(code = "journal_failed", %error, "the journal cannot be written");
        self.failed = true;
        let reason = Unavailable::Failed.to_string() + ": " + &error.to_string();
        let work = self.queue.fail(reason);
        self.absorb(work);
        self.tell_lost();
    }

    /// What is pending was reported to its callers as not written: its rows say so.
    fn tell_lost(&mut self) {
        let held = std::mem::take(&mut self.pending.held);
        self.pending.frames = ending::lost(&self.pending.frames, &held);
        self.pending.walked = self.pending.frames.len();
        self.pending.written = 0;
    }

    fn retry(&mut self) {
        self.tell_lost();
        if self.begin().is_err() {
            return;
        }
        self.settle();
        while let Some(work) = self.queue.recover() {
            self.absorb(work);
            self.tell_lost();
            if let Err(error) = self.write().and_then(|()| self.sync()) {
                tracing::warn!(code = "journal_failed", %error, "the journal failed again");
                self.close_segment();
                return;
            }
            self.settle();
        }
        self.failed = false;
        tracing::warn!(code = "journal_failed", "the journal is written again");
    }

    /// The last of it: what is queued, what is folded, what is still open; then the seal.
    fn end(mut self) {
        let folded = self.queue.fold.lock().drain();
        for row in folded {
            self.put_row(&row);
        }
        let open: Vec<_> = self.open.keys().copied().collect();
        for id in open {
            self.close_open(id, ending::stopped);
        }
        let halted = self.halt_sync();
        if halted == Halted::Stuck && !self.failed {
            self.give_up_disk();
        }
        if self.failed {
            self.retry();
        } else if halted == Halted::Broken {
            self.fail_over(&io::Error::other("a sync failed"));
        } else {
            match self.write().and_then(|()| self.sync()) {
                Ok(()) => self.settle(),
                Err(error) => self.fail_over(&error),
            }
        }
        if !self.failed {
            self.close_segment();
            for job in self.waiting_jobs.drain(..) {
                let _ = self.jobs.send(job);
            }
        }
    }
}
