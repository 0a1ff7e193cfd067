//! Reading rows back, in the order in which they were opened, beside a running server.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use terms::clock::Timestamp;
use terms::environment::Environment;
use terms::exchange::{Kind, Outcome};

use crate::error::JournalError;
use crate::filter::Filter;
use crate::frame::{Found, Frame, kind};
use crate::manifest::Manifest;
use crate::row::{self, Row};
use crate::segment::{self, SegmentFile};

/// A segment to be read, with what is known of it before.
struct Source {
    path: PathBuf,
    /// Bytes that count; all of them when not known.
    counted: Option<u64>,
    /// Its earliest and latest row.
    opened: Option<(Timestamp, Timestamp)>,
    /// No row in it or in a later one was opened before this.
    floor: Timestamp,
}

/// The rows a filter takes, ascending by the time they were opened (then by id). At any time it
/// holds the rows of one segment and those that a later segment may still precede.
pub struct Search {
    filter: Filter,
    sources: VecDeque<Source>,
    /// Sorted, last first.
    ready: Vec<Row>,
    left: usize,
}

/// Finds rows in the segments of `dir`. Damaged places are passed over: `verify` names them.
pub fn search(dir: &Path, filter: &Filter) -> Result<Search, JournalError> {
    let mut sources = Vec::new();
    for source in sources_of(dir)? {
        let source = source.measured()?;
        let asked = source.opened.is_some_and(|(low, high)| filter.may_take(low, high));
        if asked {
            sources.push(source);
        }
    }
    sources.sort_by_key(|source| source.opened);
    let mut floor = Timestamp::from_micros(i64::MAX);
    for source in sources.iter_mut().rev() {
        floor = source.opened.map_or(floor, |(low, _)| floor.min(low));
        source.floor = floor;
    }
    let left = filter.limit.unwrap_or(usize::MAX);
    Ok(Search { filter: filter.clone(), sources: sources.into(), ready: Vec::new(), left })
}

fn sources_of(dir: &Path) -> Result<Vec<Source>, JournalError> {
    // The manifest first: what is sealed in between is then read as an open segment.
    let manifest = Manifest::read(dir)?;
    let entries = manifest.by_name();
    let files = segment::list(dir)?;
    let mut sources = Vec::new();
    for (at, SegmentFile { path, name }) in files.iter().enumerate() {
        let source = match entries.get(name) {
            Some(entry) => Source {
                path: path.clone(),
                counted: Some(entry.bytes),
                // An entry without rows has no times: nothing to read there.
                opened: Some(match (entry.opened_first, entry.opened_last) {
                    (Some(low), Some(high)) => {
                        (Timestamp::from_micros(low), Timestamp::from_micros(high))
                    }
                    _ => continue,
                }),
                floor: Timestamp::default(),
            },
            None => {
                let later = files.get(at + 1).filter(|later| later.name.node == name.node);
                let begin = later.map(|later| segment::begin_of(&later.path)).transpose()?;
                let begin = begin.flatten().filter(|b| b.previous.0 == name.sequence);
                Source {
                    path: path.clone(),
                    counted: begin.map(|begin| begin.previous.1),
                    opened: None,
                    floor: Timestamp::default(),
                }
            }
        };
        sources.push(source);
    }
    Ok(sources)
}

impl Source {
    fn read(&self) -> Result<Vec<u8>, JournalError> {
        let mut bytes = segment::read(&self.path)?;
        if let Some(counted) = self.counted {
            bytes.truncate(usize::try_from(counted).unwrap_or(usize::MAX));
        }
        Ok(bytes)
    }

    /// Looks up the times of a segment that has no manifest entry. What it counts is fixed now: a
    /// running server may write on.
    fn measured(mut self) -> Result<Source, JournalError> {
        if self.opened.is_none() {
            let bytes = self.read()?;
            self.counted = Some(bytes.len() as u64);
            for (_, at) in rows(&bytes).filter_map(row::opened_at) {
                let (low, high) = self.opened.unwrap_or((at, at));
                self.opened = Some((low.min(at), high.max(at)));
            }
        }
        Ok(self)
    }
}

fn rows(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    segment::scan(bytes).filter_map(|found| match found {
        Found::Frame(Frame { kind: kind::ROW, payload, .. }) => Some(payload),
        _ => None,
    })
}

impl Search {
    /// Reads the next segment into what is ready.
    fn advance(&mut self, source: &Source) -> Result<(), JournalError> {
        let bytes = source.read()?;
        let found = rows(&bytes)
            .filter(|bytes| {
                row::opened_at(bytes).is_some_and(|(_, at)| self.filter.may_take(at, at))
            })
            .filter_map(|bytes| Row::decode(bytes).ok())
            .filter(|row| self.filter.takes(row));
        self.ready.extend(found);
        self.ready.sort_by_key(|row| std::cmp::Reverse((row.opened_at, row.exchange_id)));
        // Of those beyond the limit none can come out any more.
        let beyond = self.ready.len().saturating_sub(self.left);
        self.ready.drain(..beyond);
        Ok(())
    }
}

impl Iterator for Search {
    type Item = Result<Row, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        loop {
            let floor = self.sources.front().map(|source| source.floor);
            let is_next = |row: &Row| floor.is_none_or(|floor| row.opened_at < floor);
            if self.ready.last().is_some_and(is_next) {
                self.left -= 1;
                return self.ready.pop().map(Ok);
            }
            let source = self.sources.pop_front()?;
            if let Err(error) = self.advance(&source) {
                self.left = 0;
                return Some(Err(error));
            }
        }
    }
}

/// For whom a quota is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Counted {
    /// System of the consumer.
    pub system: Arc<str>,
    /// Service code.
    pub service: Arc<str>,
    /// Version name.
    pub version: Arc<str>,
    /// Which environment.
    pub environment: Environment,
}

/// How many calls were admitted since `from`, for rebuilding quotas at the start: rows of kind
/// call, not legs, not denied; with `open` frames not looked at, a call still open does not count.
pub fn count_since(dir: &Path, from: Timestamp) -> Result<HashMap<Counted, u64>, JournalError> {
    let mut counts = HashMap::new();
    let filter = Filter { from: Some(from), kind: Some(Kind::Call), ..Filter::default() };
    for source in sources_of(dir)? {
        if source.opened.is_some_and(|(low, high)| !filter.may_take(low, high)) {
            continue;
        }
        let bytes = source.read()?;
        for row in rows(&bytes) {
            if row::opened_at(row).is_none_or(|(_, at)| at < from) {
                continue;
            }
            let Ok(row) = Row::decode(row) else { continue };
            if !filter.takes(&row) || row.parent.is_some() || row.outcome == Some(Outcome::Denied) {
                continue;
            }
            let (Some(system), Some(service), Some(version), Some(environment)) =
                (row.consumer_system, row.service, row.version, row.environment)
            else {
                continue;
            };
            let counted = Counted { system, service, version, environment };
            *counts.entry(counted).or_insert(0) += row.count;
        }
    }
    Ok(counts)
}
