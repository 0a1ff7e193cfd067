//! A segment: one file of the log, its name, its first frame, and how far it counts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use terms::clock::Timestamp;

use crate::error::JournalError;
use crate::frame::{Found, Frame, Scanner, kind};
use crate::row::{Decoder, Field, put_head};

/// The first bytes of every segment; the digit is the format.
pub(crate) const MAGIC: &[u8; 8] = b"lgsplog1";
/// Format of segments and of their manifest entries.
pub(crate) const FORMAT: u64 = 1;
const NODE_CHARS_MAX: usize = 64;

/// Which segment: of which node, the how-manieth.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    /// The node.
    pub node: String,
    /// Raised by one for each segment; gaps are harmless.
    pub sequence: u64,
}

impl SegmentName {
    /// `NODE-0000000001.log`: names of one node sort by time.
    pub(crate) fn file(&self) -> String {
        format!("{}-{:010}.log", self.node, self.sequence)
    }

    /// Reads a file's name; `extension` with its dot.
    pub(crate) fn parse(file: &str, extension: &str) -> Option<SegmentName> {
        let (node, sequence) = file.strip_suffix(extension)?.rsplit_once('-')?;
        let digits = sequence.len() == 10 && sequence.bytes().all(|b| b.is_ascii_digit());
        let sequence = digits.then(|| sequence.parse().ok())??;
        check_node(node).ok()?;
        Some(SegmentName { node: node.to_owned(), sequence })
    }
}

/// A node's name stands in file names.
pub(crate) fn check_node(node: &str) -> Result<(), JournalError> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let whole = (1..=NODE_CHARS_MAX).contains(&node.len()) && node.bytes().all(fits);
    if whole && !node.starts_with('.') { Ok(()) } else { Err(JournalError::Node(node.to_owned())) }
}

/// What the first frame of a segment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Begin {
    /// The node that writes.
    pub node: Arc<str>,
    /// As in the file's name.
    pub sequence: u64,
    /// When it was begun.
    pub opened_at: Timestamp,
    /// The segment before, 0 if none, and how many of its bytes count: what lies beyond was never
    /// acknowledged and stands in this segment once more.
    pub previous: (u64, u64),
}

impl Begin {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_head(out, 4, 6);
        FORMAT.put(out);
        self.node.put(out);
        self.sequence.put(out);
        self.opened_at.put(out);
        self.previous.0.put(out);
        self.previous.1.put(out);
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Begin> {
        let mut from = Decoder::new(bytes);
        from.array(6).ok()?;
        if u64::take(&mut from)? != FORMAT {
            return None;
        }
        let begin = Begin {
            node: Field::take(&mut from)?,
            sequence: Field::take(&mut from)?,
            opened_at: Field::take(&mut from)?,
            previous: (Field::take(&mut from)?, Field::take(&mut from)?),
        };
        from.end().ok()?;
        Some(begin)
    }
}

/// A segment on the disk.
#[derive(Clone, Debug)]
pub(crate) struct SegmentFile {
    /// Where.
    pub path: PathBuf,
    /// Which.
    pub name: SegmentName,
}

/// All segments in `dir`, by node and sequence; an absent folder has none.
pub(crate) fn list(dir: &Path) -> Result<Vec<SegmentFile>, JournalError> {
    list_by(dir, ".log")
}

/// The tails that recovery has set aside.
pub(crate) fn list_torn(dir: &Path) -> Result<Vec<SegmentFile>, JournalError> {
    list_by(dir, ".torn")
}

fn list_by(dir: &Path, extension: &str) -> Result<Vec<SegmentFile>, JournalError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(JournalError::io(dir, e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| JournalError::io(dir, e))?;
        let file = entry.file_name();
        let name = file.to_str().and_then(|file| SegmentName::parse(file, extension));
        if let Some(name) = name {
            found.push(SegmentFile { path: entry.path(), name });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Reads a whole segment; what a running server is writing may be cut at any byte.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, JournalError> {
    std::fs::read(path).map_err(|e| JournalError::io(path, e))
}

/// Everything found in a segment's bytes, in order: the file's own beginning is checked first.
pub(crate) fn scan(bytes: &[u8]) -> impl Iterator<Item = Found<'_>> {
    let damage = |offset, reason| Found::Damage { offset, reason };
    let first = if bytes.len() < MAGIC.len() {
        // Also when the few bytes are wrong: nothing whole was ever written.
        (!bytes.is_empty()).then_some(Found::Torn { offset: 0 })
    } else if bytes.starts_with(MAGIC) {
        None
    } else if bytes.iter().all(|byte| *byte == 0) {
        Some(Found::Torn { offset: 0 })
    } else {
        Some(damage(0, "not the beginning of a segment"))
    };
    let whole = !matches!(first, Some(Found::Torn { .. }));
    let start = if whole { MAGIC.len() } else { bytes.len() };
    first.into_iter().chain(Scanner::new(bytes, start).flat_map(move |found| {
        let misread = match found {
            Found::Frame(Frame { offset, kind: kind::BEGIN, payload }) => {
                (offset != MAGIC.len() || Begin::decode(payload).is_none()).then_some(offset)
            }
            Found::Frame(Frame { offset, .. }) => (offset == MAGIC.len()).then_some(offset),
            _ => None,
        };
        let misread = misread.map(|at| damage(at, "the segment's first frame is not in its place"));
        misread.into_iter().chain([found])
    }))
}

/// The first frame of the segment at `path`, reading no more of it than needed.
pub(crate) fn begin_of(path: &Path) -> Result<Option<Begin>, JournalError> {
    use std::io::Read;
    let file = std::fs::File::open(path).map_err(|e| JournalError::io(path, e))?;
    let mut bytes = Vec::new();
    file.take(1_024).read_to_end(&mut bytes).map_err(|e| JournalError::io(path, e))?;
    let frame = Scanner::new(&bytes, MAGIC.len()).next();
    Ok(match frame {
        Some(Found::Frame(Frame { kind: kind::BEGIN, payload, .. })) => Begin::decode(payload),
        _ => None,
    })
}
