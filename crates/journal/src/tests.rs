//! Tests on real files: each begins with a folder of its own and reads back what is on the disk.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use terms::clock::{Clock, Timestamp};
use terms::environment::Environment;
use terms::exchange::{ExchangeId, Kind, Outcome};
use terms::limit::JOURNAL_RETENTION_MONTHS_MIN;
use terms::random::Random;

use crate::disk::{Disk, LocalDisk, LogFile, Room};
use crate::entry::Bounds;
use crate::row::{Digest, Row};
use crate::{Class, Config, Filter, Journal, JournalError, Recovery, Sync, search, verify};

mod crash;
mod fold;
mod form;
mod fuzz;
mod outbox;
mod read;
mod write;

/// A folder, a clock that stands still, a disk that can be taken away.
struct Ground {
    folder: tempfile::TempDir,
    clock: Clock,
    random: Random,
    disk: Arc<FrailDisk>,
    sync: Sync,
    bounds: Bounds,
}

impl Ground {
    fn new(seed: u64) -> Ground {
        println!("seed {seed}");
        Ground {
            folder: tempfile::tempdir().unwrap(),
            clock: Clock::manual(Timestamp::from_secs(1_795_302_127)),
            random: Random::seeded(seed),
            disk: Arc::default(),
            sync: Sync::Always,
            bounds: Bounds::default(),
        }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    fn config(&self) -> Config {
        Config {
            dir: self.dir(),
            keys: self.folder.path().join("keys"),
            node: "n1".to_owned(),
            retention_months: JOURNAL_RETENTION_MONTHS_MIN,
            sync: self.sync,
        }
    }

    fn open(&self) -> (Journal, Recovery) {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<(Journal, Recovery), JournalError> {
        let door = Arc::new(FrailDoor(self.disk.clone()));
        Journal::open_on(&self.config(), self.clock.clone(), door, self.bounds)
    }

    /// Opens again after a crash, on a disk that works.
    fn reopen(&mut self) -> (Journal, Recovery) {
        self.disk = Arc::default();
        self.open()
    }

    fn id(&self) -> ExchangeId {
        ExchangeId::new(self.clock.now(), &self.random)
    }

    /// A row with every field of a call filled.
    fn row(&self) -> Row {
        full_row(self.id(), self.clock.now())
    }

    fn found(&self) -> Vec<Row> {
        found(&self.dir(), &Filter::default())
    }

    fn verify(&self) -> crate::Verdict {
        verify(&self.dir(), &self.folder.path().join("keys/journal.pub")).unwrap()
    }

    fn logs(&self) -> Vec<PathBuf> {
        crate::segment::list(&self.dir()).unwrap().into_iter().map(|file| file.path).collect()
    }

    /// Lets the writer look at its clock until `done`: another thread, so with a limit.
    fn look_until(&self, journal: &Journal, done: impl Fn() -> bool) {
        let begun = self.clock.instant();
        while !done() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", journal.health());
            journal.queue().look();
            std::thread::yield_now();
        }
    }

    /// A number below `end`.
    fn below(&self, end: u64) -> u64 {
        u64::from_le_bytes(self.random.bytes()) % end.max(1)
    }
}

fn found(dir: &Path, filter: &Filter) -> Vec<Row> {
    search(dir, filter).unwrap().map(Result::unwrap).collect()
}

fn full_row(id: ExchangeId, at: Timestamp) -> Row {
    let text = |text: &str| Some(Arc::<str>::from(text));
    Row {
        closed_at: Some(at.plus(Duration::from_micros(21_034))),
        forwarded_at: Some(at.plus(Duration::from_micros(150))),
        answered_at: Some(at.plus(Duration::from_micros(20_900))),
        environment: Some(Environment::Live),
        consumer_member: text("H01.009"),
        consumer_system: text("one-stop"),
        credential: text("ck_9f8e7d6c5b4a39281706f5e4d3c2b1a0"),
        provider_member: text("H01.013"),
        service: text("tra-cuu"),
        version: text("1.0"),
        method: Some("GET".into()),
        status: Some(200),
        outcome: Some(Outcome::Answered),
        request_bytes: Some(0),
        response_bytes: Some(256),
        response_digest: Some(Digest::from_bytes([7; 32])),
        digest_key: text("hmac-sha256:1:2026-11"),
        attempts: Some(1),
        upstream: text("http://10.1.2.3:9101"),
        upstream_us: Some(20_750),
        total_us: Some(21_034),
        client_address: Some([10, 1, 0, 7].into()),
        reference: text("HS-2026-000123"),
        ..Row::new(Kind::Call, id, at)
    }
}

/// The disk of this machine until a test takes something of it away.
#[derive(Default)]
struct FrailDisk(Mutex<Frailty>, Gate);

/// Where syncs wait while the disk is stuck.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    moved: Condvar,
}

#[derive(Default)]
struct GateState {
    stuck: bool,
    waiting: usize,
}

#[derive(Default)]
struct Frailty {
    /// The power is cut: nothing works any more.
    cut: bool,
    /// Files cannot be synced.
    sync_fails: bool,
    /// The next sync fails; what the file held is lost, though its later syncs succeed, as on
    /// Linux.
    sync_fails_once: bool,
    poisoned: HashSet<PathBuf>,
    /// Files cannot be removed.
    remove_fails: bool,
    /// Files cannot be renamed.
    rename_fails: bool,
    /// Bytes that may still be written.
    room: Option<u64>,
    /// Written and synced bytes of each file.
    files: HashMap<PathBuf, (u64, u64)>,
    syncs: u64,
    free: Option<u64>,
}

impl FrailDisk {
    fn set(&self, change: impl FnOnce(&mut Frailty)) {
        change(&mut self.0.lock());
    }

    /// Lets every sync wait, or go on.
    fn set_stuck(&self, stuck: bool) {
        self.1.state.lock().stuck = stuck;
        self.1.moved.notify_all();
    }

    /// Does a sync wait?
    fn is_waited_for(&self) -> bool {
        self.1.state.lock().waiting > 0
    }

    /// Cuts the power: of what was not synced only a part is left, its end at random.
    fn cut(&self, ground: &Ground) {
        let mut state = self.0.lock();
        state.cut = true;
        for (path, (written, synced)) in &state.files {
            let left = synced + ground.below(written - synced + 1);
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(left).unwrap();
        }
    }
}

/// The door through which the journal sees a [`FrailDisk`].
struct FrailDoor(Arc<FrailDisk>);

struct FrailFile {
    disk: Arc<FrailDisk>,
    path: PathBuf,
    file: Arc<dyn LogFile>,
}

impl Disk for FrailDoor {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn LogFile>> {
        let mut state = self.0.0.lock();
        if state.cut {
            return Err(io::Error::other("cut"));
        }
        let file = LocalDisk.create(path)?;
        state.files.insert(path.to_owned(), (0, 0));
        Ok(Arc::new(FrailFile { disk: self.0.clone(), path: path.to_owned(), file }))
    }

    fn append(&self, path: &Path) -> io::Result<Arc<dyn LogFile>> {
        let mut state = self.0.0.lock();
        if state.cut {
            return Err(io::Error::other("cut"));
        }
        let file = LocalDisk.append(path)?;
        let length = std::fs::metadata(path)?.len();
        state.files.insert(path.to_owned(), (length, length));
        Ok(Arc::new(FrailFile { disk: self.0.clone(), path: path.to_owned(), file }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.0.lock();
        if state.cut || state.remove_fails {
            return Err(io::Error::other("no removal"));
        }
        state.files.remove(path);
        LocalDisk.remove(path)
    }

    fn set_aside(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.0.lock();
        if state.cut || state.rename_fails {
            return Err(io::Error::other("no renaming"));
        }
        state.files.remove(path);
        LocalDisk.set_aside(path)
    }

    fn room(&self, dir: &Path) -> io::Result<Room> {
        let room = LocalDisk.room(dir)?;
        Ok(Room { free: self.0.0.lock().free.unwrap_or(room.total), ..room })
    }
}

impl LogFile for FrailFile {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        if state.cut {
            return Err(io::Error::other("cut"));
        }
        let taken = state.room.map_or(bytes.len(), |room| bytes.len().min(room as usize));
        if let Some(room) = &mut state.room {
            *room -= taken as u64;
        }
        self.file.write(&bytes[..taken])?;
        state.files.get_mut(&self.path).unwrap().0 += taken as u64;
        if taken < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut gate = self.disk.1.state.lock();
        gate.waiting += 1;
        self.disk.1.moved.wait_while(&mut gate, |gate| gate.stuck);
        gate.waiting -= 1;
        drop(gate);
        let mut state = self.disk.0.lock();
        if state.cut || state.sync_fails {
            return Err(io::Error::other("no sync"));
        }
        state.syncs += 1;
        if std::mem::take(&mut state.sync_fails_once) {
            state.poisoned.insert(self.path.clone());
            return Err(io::Error::other("no sync, once"));
        }
        if state.poisoned.contains(&self.path) {
            return Ok(());
        }
        // What the machine itself makes of it is not the question here.
        let file = state.files.get_mut(&self.path).unwrap();
        file.1 = file.0;
        Ok(())
    }
}

fn ids(rows: &[Row]) -> HashSet<ExchangeId> {
    rows.iter().map(|row| row.exchange_id).collect()
}
