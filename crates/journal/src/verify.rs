//! Does the log still say what was written? The manifest's chain and signatures, each sealed
//! segment against its entry, each open one frame by frame.

use std::path::Path;

use serde::Serialize;

use crate::error::JournalError;
use crate::frame::{Found, Frame, kind};
use crate::key::PublicKey;
use crate::manifest::{self, Entry, Line, Manifest, origin};
use crate::row::Row;
use crate::segment::{self, SegmentFile, SegmentName};

/// What `lgsp journal verify` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Everything is as it was written.
    pub ok: bool,
    /// The first file that is not.
    pub file: Option<String>,
    /// In a sealed segment, the first row of the block of 1,024 that is not as it was, from 0.
    pub row: Option<u64>,
    /// In a segment, the byte at which the first damaged frame begins; in the manifest, the line.
    pub offset: Option<u64>,
    /// What is wrong, for people.
    pub reason: Option<String>,
    /// Segments read.
    pub files: u64,
    /// Rows read.
    pub rows: u64,
    /// Unfinished last frames or lines: the server is writing, or was stopped in doing so.
    pub pending: Vec<String>,
}

impl Verdict {
    /// The first fault counts.
    fn blame(&mut self, file: &str, row: Option<u64>, offset: Option<u64>, reason: &str) {
        if self.ok {
            self.ok = false;
            self.file = Some(file.to_owned());
            self.row = row;
            self.offset = offset;
            self.reason = Some(reason.to_owned());
        }
    }
}

/// Verifies all of `dir` against the public key in the file `public_key`. Works beside a running
/// server; what that is just writing is pending.
pub fn verify(dir: &Path, public_key: &Path) -> Result<Verdict, JournalError> {
    let mut verdict = Verdict { ok: true, ..Verdict::default() };
    let manifest = Manifest::read(dir)?;
    // Behind the manifest, so that what is sealed in between is read as an open segment.
    let files = segment::list(dir)?;
    if manifest.torn > 0 {
        verdict.pending.push(manifest::FILE.to_owned());
    }
    check_chain(&manifest, public_key, &mut verdict)?;
    let entries = manifest.by_name();
    for Line { entry, .. } in manifest.lines.iter().flatten() {
        let name = SegmentName { node: entry.node.clone(), sequence: entry.sequence };
        if !files.iter().any(|file| file.name == name) {
            verdict.blame(&entry.file, None, None, "the segment is missing");
        }
    }
    for (at, file) in files.iter().enumerate() {
        let bytes = segment::read(&file.path)?;
        verdict.files += 1;
        match entries.get(&file.name) {
            Some(entry) => check_sealed(file, &bytes, entry, &mut verdict),
            None => {
                // The newest one is being written, the one before it may just be being sealed.
                let same_node = |later: &&SegmentFile| later.name.node == file.name.node;
                match files[at + 1..].iter().take_while(same_node).count() {
                    0 => {}
                    1 => verdict.pending.push(file.name.file()),
                    _ => {
                        let reason = "the segment has no entry in the manifest";
                        verdict.blame(&file.name.file(), None, None, reason);
                    }
                }
                let later = files.get(at + 1).filter(|later| later.name.node == file.name.node);
                let begin = later.map(|later| segment::begin_of(&later.path)).transpose()?;
                let begin = begin.flatten().filter(|b| b.previous.0 == file.name.sequence);
                let limit = begin.map(|begin| begin.previous.1);
                check_open(file, &bytes, limit, &mut verdict);
            }
        }
    }
    Ok(verdict)
}

fn check_chain(
    manifest: &Manifest,
    public_key: &Path,
    verdict: &mut Verdict,
) -> Result<(), JournalError> {
    if manifest.lines.is_empty() {
        return Ok(());
    }
    let key = PublicKey::read(public_key)?;
    let mut previous = origin();
    for (at, line) in manifest.lines.iter().enumerate() {
        let place = Some(at as u64 + 1);
        let Some(line) = line else {
            verdict.blame(manifest::FILE, None, place, "the line cannot be read");
            return Ok(());
        };
        if !key.verifies(line.signed.as_bytes(), &line.signature) {
            verdict.blame(manifest::FILE, None, place, "the signature is wrong");
        } else if line.entry.previous != previous {
            verdict.blame(manifest::FILE, None, place, "a line before this one is missing");
        }
        previous.clone_from(&line.hash);
    }
    Ok(())
}

fn check_sealed(file: &SegmentFile, bytes: &[u8], entry: &Entry, verdict: &mut Verdict) {
    let name = file.name.file();
    let counted = usize::try_from(entry.bytes).unwrap_or(usize::MAX);
    let now = manifest::sum_up(&file.name, bytes, counted);
    verdict.rows += now.rows;
    let block = now.blocks.iter().zip(&entry.blocks).position(|(now, then)| now != then);
    let block = block
        .or((now.blocks.len() != entry.blocks.len())
            .then(|| now.blocks.len().min(entry.blocks.len())));
    let row = block.map(|block| block as u64 * terms::limit::BLOCK_ROWS as u64);
    if now.sha256 != entry.sha256 {
        let reason = match (now.damage, row) {
            (Some(_), _) => "a frame is damaged",
            (None, Some(_)) => "a row was changed",
            (None, None) => "the file was changed outside its rows",
        };
        verdict.blame(&name, row, now.damage, reason);
    } else if now.root != entry.root || row.is_some() || now.rows != entry.rows {
        verdict.blame(&name, row, None, "the tree does not fit the rows");
    } else if let Some(offset) = entry.damage {
        verdict.blame(&name, None, Some(offset), "damaged before it was sealed");
    } else if bytes.len() as u64 != entry.length {
        verdict.blame(&name, None, Some(entry.bytes), "the file has another length than sealed");
    }
}

fn check_open(file: &SegmentFile, bytes: &[u8], limit: Option<u64>, verdict: &mut Verdict) {
    let name = file.name.file();
    let counted = limit.map_or(bytes.len(), |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if counted > bytes.len() {
        verdict.blame(&name, None, Some(bytes.len() as u64), "the end of the segment is missing");
    }
    for found in segment::scan(&bytes[..counted.min(bytes.len())]) {
        match found {
            Found::Frame(Frame { offset, kind, payload }) => {
                let row = matches!(kind, kind::ROW | kind::OPEN).then(|| Row::decode(payload));
                if let Some(Err(fault)) = row {
                    verdict.blame(&name, None, Some(offset as u64), &fault.to_string());
                }
                verdict.rows += u64::from(kind == kind::ROW);
            }
            Found::Damage { offset, reason } => {
                verdict.blame(&name, None, Some(offset as u64), reason);
            }
            Found::Torn { .. } => verdict.pending.push(name.clone()),
        }
    }
}
