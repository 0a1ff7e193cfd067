//! The manifest: one signed line a closed segment, each holding the hash of the line before.
//!
//! `manifest.jsonl` lies beside the segments. The signature is Ed25519 over the bytes of the line
//! before `,"signature":`; `previous` is the SHA-256 of the whole line before, without its end,
//! and 64 zeros in the first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use terms::clock::Timestamp;
use terms::exchange::ExchangeId;

use crate::disk::{Disk, LogFile};
use crate::error::JournalError;
use crate::frame::{Found, Frame, kind};
use crate::key::SigningKey;
use crate::row;
use crate::segment::{self, FORMAT, SegmentName};
use crate::tree::Tree;

/// Its file name.
pub(crate) const FILE: &str = "manifest.jsonl";
const SIGNATURE: &str = ",\"signature\":\"";

/// What is said of one segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Form of this entry.
    pub format: u64,
    /// Name of the segment.
    pub file: String,
    /// Node that wrote it.
    pub node: String,
    /// As in its name.
    pub sequence: u64,
    /// How many bytes of the file count.
    pub bytes: u64,
    /// How long the file is; longer than `bytes` only after a write that failed.
    pub length: u64,
    /// SHA-256 of those bytes, hex.
    pub sha256: String,
    /// Readable rows.
    pub rows: u64,
    /// RFC 6962 root over their canonical bytes, hex.
    pub root: String,
    /// The same for each 1,024 rows.
    pub blocks: Vec<String>,
    /// Lowest and highest exchange id.
    pub first: Option<String>,
    /// See `first`.
    pub last: Option<String>,
    /// Earliest and latest opening of a row, microseconds.
    pub opened_first: Option<i64>,
    /// See `opened_first`.
    pub opened_last: Option<i64>,
    /// Where recovery found damage; such a segment never verifies.
    pub damage: Option<u64>,
    /// RFC 3339.
    pub sealed_at: String,
    /// Hash of the line before.
    pub previous: String,
}

/// One line, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// What it says.
    pub entry: Entry,
    /// The bytes that are signed.
    pub signed: String,
    /// The signature, hex.
    pub signature: String,
    /// SHA-256 of the line, hex.
    pub hash: String,
}

/// Hash before the first line.
pub(crate) fn origin() -> String {
    "0".repeat(64)
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

fn parse(line: &str) -> Option<Line> {
    let (body, signature) = line.rsplit_once(SIGNATURE)?;
    Some(Line {
        entry: serde_json::from_str(&format!("{body}}}")).ok()?,
        signed: body.to_owned(),
        signature: signature.strip_suffix("\"}")?.to_owned(),
        hash: sha256(line.as_bytes()),
    })
}

/// The manifest as it was read.
#[derive(Default)]
pub(crate) struct Manifest {
    /// Its lines; `None` for one that cannot be read.
    pub lines: Vec<Option<Line>>,
    /// Bytes of whole lines; what lies beyond is an unfinished line.
    pub whole: u64,
    /// Bytes behind the last whole line.
    pub torn: u64,
}

impl Manifest {
    /// Reads the manifest in `dir`; an absent one is empty.
    pub(crate) fn read(dir: &Path) -> Result<Manifest, JournalError> {
        let path = dir.join(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Manifest::default()),
            Err(e) => return Err(JournalError::io(&path, e)),
        };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = bytes[..whole].split(|byte| *byte == b'\n');
        let mut lines: Vec<_> =
            lines.map(|line| std::str::from_utf8(line).ok().and_then(parse)).collect();
        lines.pop();
        Ok(Manifest { lines, whole: whole as u64, torn: (bytes.len() - whole) as u64 })
    }

    /// Entries by segment.
    pub(crate) fn by_name(&self) -> HashMap<SegmentName, &Entry> {
        let entries = self.lines.iter().flatten().map(|line| &line.entry);
        entries.map(|e| (SegmentName { node: e.node.clone(), sequence: e.sequence }, e)).collect()
    }
}

/// A segment as it is summed up for its entry.
pub(crate) fn sum_up(name: &SegmentName, bytes: &[u8], counted: usize) -> Entry {
    let length = bytes.len() as u64;
    let bytes = &bytes[..counted.min(bytes.len())];
    let mut tree = Tree::default();
    let (mut ids, mut opened) = (None, None);
    let mut damage = None;
    for found in segment::scan(bytes) {
        match found {
            Found::Frame(Frame { kind: kind::ROW, payload, .. }) => {
                tree.push(payload);
                if let Some((id, at)) = row::opened_at(payload) {
                    ids = Some(widen(ids, id));
                    opened = Some(widen(opened, at.micros()));
                }
            }
            Found::Frame(_) => {}
            Found::Damage { offset, .. } | Found::Torn { offset } => {
                damage.get_or_insert(offset as u64);
            }
        }
    }
    let rows = tree.rows();
    let (root, blocks) = tree.finish();
    Entry {
        format: FORMAT,
        file: name.file(),
        node: name.node.clone(),
        sequence: name.sequence,
        bytes: bytes.len() as u64,
        length,
        sha256: sha256(bytes),
        rows,
        root: hex::encode(root),
        blocks: blocks.iter().map(hex::encode).collect(),
        first: ids.map(|(low, _): (ExchangeId, ExchangeId)| low.to_string()),
        last: ids.map(|(_, high)| high.to_string()),
        opened_first: opened.map(|(low, _)| low),
        opened_last: opened.map(|(_, high)| high),
        damage,
        sealed_at: String::new(),
        previous: String::new(),
    }
}

fn widen<T: Ord + Copy>(range: Option<(T, T)>, value: T) -> (T, T) {
    range.map_or((value, value), |(low, high)| (low.min(value), high.max(value)))
}

/// Appends entries: the one writer of the manifest.
pub(crate) struct Sealer {
    path: PathBuf,
    key: SigningKey,
    file: Arc<dyn LogFile>,
    previous: String,
}

impl Sealer {
    /// Goes on behind `manifest`; an unfinished line at its end is cut off, its segment being
    /// sealed anew.
    pub(crate) fn open(
        dir: &Path,
        manifest: &Manifest,
        key: SigningKey,
        disk: &dyn Disk,
    ) -> Result<Sealer, JournalError> {
        let path = dir.join(FILE);
        let fail = |e| JournalError::io(&path, e);
        if manifest.torn > 0 {
            let file = std::fs::OpenOptions::new().write(true).open(&path).map_err(fail)?;
            file.set_len(manifest.whole).and_then(|()| file.sync_all()).map_err(fail)?;
        }
        let file = disk.append(&path).map_err(fail)?;
        let previous = match manifest.lines.last() {
            None => origin(),
            Some(Some(line)) => line.hash.clone(),
            // A damaged last line is named by verify for ever; the chain begins anew behind it.
            Some(None) => origin(),
        };
        Ok(Sealer { path, key, file, previous })
    }

    /// Reads the segment at `path` as far as it counts and appends its entry, durably.
    pub(crate) fn seal(
        &mut self,
        path: &Path,
        name: &SegmentName,
        counted: u64,
        now: Timestamp,
    ) -> Result<Entry, JournalError> {
        let bytes = segment::read(path)?;
        let mut entry = sum_up(name, &bytes, usize::try_from(counted).unwrap_or(usize::MAX));
        entry.sealed_at = now.to_string();
        entry.previous.clone_from(&self.previous);
        let fail = |e| JournalError::io(&self.path, e);
        let text = serde_json::to_string(&entry).map_err(|e| fail(e.into()))?;
        let signed = text.strip_suffix('}').unwrap_or(&text);
        let line = format!("{signed}{SIGNATURE}{}\"}}", self.key.sign(signed.as_bytes()));
        self.file
            .write(format!("{line}\n").as_bytes())
            .and_then(|()| self.file.sync())
            .map_err(fail)?;
        self.previous = sha256(line.as_bytes());
        Ok(entry)
    }
}
