//! What the last run left behind, and how it is put right at the start: torn tails set aside,
//! records left open closed as stopped by the platform, segments sealed.
//!
//! Such a row has `closed_at` = the time at which recovery began, no status and no total time: when
//! the platform stopped, and what the consumer saw, nobody knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use terms::clock::Timestamp;
use terms::exchange::ExchangeId;

use crate::disk::sync_folder;
use crate::error::JournalError;
use crate::frame::{Found, Frame, kind};
use crate::manifest::{Manifest, Sealer};
use crate::opening::{self, Openings};
use crate::row::{self, Row};
use crate::segment::{self, MAGIC, SegmentFile};
use crate::writer::ending;

/// What was found at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records that were open when the platform stopped.
    pub stopped: usize,
    /// Unfinished last frames, set aside as `*.torn`.
    pub torn: Vec<PathBuf>,
    /// Bytes that are not what was written; they stay where they are.
    pub damage: Vec<Damage>,
    /// Segments that got their manifest entry.
    pub sealed: usize,
}

/// A place in a segment that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub file: String,
    /// Where, bytes into the file.
    pub offset: u64,
    /// What is wrong.
    pub reason: &'static str,
}

/// A segment without a manifest entry.
struct Unsealed {
    file: SegmentFile,
    /// Bytes that count.
    counted: u64,
    /// The bytes behind them are an unfinished frame of ours.
    torn: bool,
}

/// What the last run left.
pub(crate) struct Left {
    /// Sequence of the next segment.
    pub next: u64,
    /// The segment before it and how many of its bytes count.
    pub previous: (u64, u64),
    unsealed: Vec<Unsealed>,
    open: Vec<Row>,
    damage: Vec<Damage>,
    /// Nodes whose openings were read.
    nodes: BTreeSet<String>,
}

/// This process's hold on a journal's folder, as long as it lives.
pub(crate) struct Hold {
    file: File,
    /// No other process writes into this folder.
    pub alone: bool,
}

impl Hold {
    /// Takes hold of `dir`, alone if nobody else has.
    pub(crate) fn take(dir: &Path) -> Result<Hold, JournalError> {
        let path = dir.join("journal.lock");
        let fault = |e| JournalError::io(&path, e);
        let options = File::options().create(true).append(true).open(&path);
        let file = options.map_err(fault)?;
        let alone = file.try_lock().is_ok();
        if !alone {
            file.lock_shared().map_err(fault)?;
        }
        Ok(Hold { file, alone })
    }

    /// Lets others in: recovery is over.
    pub(crate) fn share(self) -> Result<File, std::io::Error> {
        self.file.lock_shared()?;
        Ok(self.file)
    }
}

/// Reads what the last run left; changes nothing. Who is alone in the folder puts right all that is
/// unsealed in it, also under the name that the node had before; beside other nodes only its own.
pub(crate) fn look(
    dir: &Path,
    node: &Arc<str>,
    manifest: &Manifest,
    alone: bool,
) -> Result<Left, JournalError> {
    let own = |file: &&SegmentFile| *file.name.node == **node;
    let sealed = manifest.by_name();
    let files = segment::list(dir)?;
    let torn = segment::list_torn(dir)?;
    let entries = sealed.iter().filter(|(name, _)| *name.node == **node);
    let mut previous =
        entries.map(|(name, entry)| (name.sequence, entry.bytes)).max().unwrap_or((0, 0));
    let taken = files.iter().chain(&torn).filter(own).map(|file| file.name.sequence);
    let next = taken.max().unwrap_or(0).max(previous.0) + 1;
    let (unsealed, nodes) = (Vec::new(), BTreeSet::new());
    let mut left = Left { next, previous, unsealed, open: Vec::new(), damage: vec![], nodes };
    let mut open = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        if sealed.contains_key(&file.name) || !(alone || own(&file)) {
            continue;
        }
        let later = files.get(at + 1).filter(|later| later.name.node == file.name.node);
        let limit = match later {
            Some(later) => segment::begin_of(&later.path)?
                .filter(|begin| begin.previous.0 == file.name.sequence)
                .map(|begin| begin.previous.1),
            None => None,
        };
        let unsealed = left.read(file, limit, &mut open)?;
        if own(&file) && unsealed.counted > MAGIC.len() as u64 {
            previous = previous.max((file.name.sequence, unsealed.counted));
        }
        left.unsealed.push(unsealed);
    }
    left.previous = previous;
    let nodes = files.iter().filter(|file| alone || own(file)).map(|file| file.name.node.clone());
    left.nodes = nodes.collect();
    for node in &left.nodes {
        open.append(&mut opening::unknown(dir, node)?);
    }
    left.open = open.into_values().collect();
    Ok(left)
}

impl Left {
    fn read(
        &mut self,
        file: &SegmentFile,
        limit: Option<u64>,
        open: &mut BTreeMap<ExchangeId, Row>,
    ) -> Result<Unsealed, JournalError> {
        let mut bytes = segment::read(&file.path)?;
        if let Some(limit) = limit {
            bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        let mut counted = bytes.len() as u64;
        let mut torn = false;
        for found in segment::scan(&bytes) {
            match found {
                Found::Frame(Frame { kind: kind::OPEN, payload, .. }) => {
                    if let Ok(row) = Row::decode(payload) {
                        open.insert(row.exchange_id, row);
                    }
                }
                Found::Frame(Frame { kind: kind::ROW, payload, .. }) => {
                    if let Some(id) = row::exchange_id(payload) {
                        open.remove(&id);
                    }
                }
                Found::Frame(_) => {}
                Found::Damage { offset, reason } => {
                    let (file, offset) = (file.name.file(), offset as u64);
                    tracing::error!(code = "journal_damage", file, offset, reason, "damage");
                    self.damage.push(Damage { file, offset, reason });
                }
                Found::Torn { offset } => {
                    torn = limit.is_none();
                    counted = offset as u64;
                }
            }
        }
        Ok(Unsealed { file: file.clone(), counted, torn })
    }

    /// The rows of records that were open.
    pub(crate) fn stopped_rows(&self, now: Timestamp) -> Vec<Row> {
        let mut rows = self.open.clone();
        for row in &mut rows {
            ending::stopped(row, now);
        }
        rows
    }

    /// The rows of what was open are durable: what was kept of it is not needed any more.
    pub(crate) fn forget_openings(&self, dir: &Path, kept: &Openings) -> Result<(), JournalError> {
        self.nodes.iter().try_for_each(|node| opening::forget(dir, node, kept))
    }

    /// Sets torn tails aside and seals. To be called once the new segment is durable: from then on
    /// the older ones are not needed to know what was open.
    pub(crate) fn settle(
        self,
        sealer: &mut Sealer,
        now: Timestamp,
    ) -> Result<Recovery, JournalError> {
        let mut recovery =
            Recovery { stopped: self.open.len(), damage: self.damage, ..Recovery::default() };
        for Unsealed { file, counted, torn } in self.unsealed {
            let aside = file.path.with_extension("torn");
            if counted <= MAGIC.len() as u64 {
                // Not even its first frame is whole: nothing in it was ever acknowledged.
                rename(&file.path, &aside)?;
                recovery.torn.push(aside);
                continue;
            }
            if torn {
                set_aside(&file.path, counted, &aside)?;
                recovery.torn.push(aside);
            }
            sealer.seal(&file.path, &file.name, counted, now)?;
            recovery.sealed += 1;
        }
        Ok(recovery)
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), JournalError> {
    std::fs::rename(from, to).and_then(|()| sync_folder(to)).map_err(|e| JournalError::io(from, e))
}

/// Copies what lies behind `counted`, then cuts it off: in this order, so that a crash between the
/// two loses nothing.
fn set_aside(path: &Path, counted: u64, aside: &Path) -> Result<(), JournalError> {
    let bytes = segment::read(path)?;
    let tail = &bytes[usize::try_from(counted).unwrap_or(usize::MAX).min(bytes.len())..];
    let copied = File::create(aside).and_then(|mut file| {
        std::io::Write::write_all(&mut file, tail)?;
        file.sync_all()
    });
    copied.and_then(|()| sync_folder(aside)).map_err(|e| JournalError::io(aside, e))?;
    let file = std::fs::OpenOptions::new().write(true).open(path);
    file.and_then(|file| {
        file.set_len(counted)?;
        file.sync_all()
    })
    .map_err(|e| JournalError::io(path, e))
}
