//! Statistics over rows: how many, how large, how long, by what one wants to know.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::tz::TimeZone;
use serde::ser::{Serialize, SerializeMap, Serializer};
use terms::exchange::Kind;

use crate::error::JournalError;
use crate::filter::Filter;
use crate::row::Row;
use crate::search::search;

/// By what rows are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum By {
    /// Day in the platform's zone on which the row was opened.
    Day,
    /// Service code.
    Service,
    /// Version name.
    Version,
    /// System of the consumer.
    System,
    /// Member of the consumer.
    Member,
    /// Member that provides the service.
    Provider,
    /// How it ended.
    Outcome,
    /// Code of the fault.
    Fault,
    /// Which environment.
    Environment,
    /// What the row tells of.
    Kind,
    /// The node that wrote it.
    Node,
}

impl By {
    /// All of them with their words.
    pub const ALL: &'static [(&'static str, By)] = &[
        ("day", By::Day),
        ("service", By::Service),
        ("version", By::Version),
        ("system", By::System),
        ("member", By::Member),
        ("provider", By::Provider),
        ("outcome", By::Outcome),
        ("fault", By::Fault),
        ("environment", By::Environment),
        ("kind", By::Kind),
        ("node", By::Node),
    ];

    /// Reads the word of `--by`.
    pub fn parse(text: &str) -> Option<By> {
        By::ALL.iter().find(|(word, _)| *word == text).map(|(_, by)| *by)
    }

    /// Its word.
    pub fn as_str(self) -> &'static str {
        By::ALL.iter().find(|(_, by)| *by == self).map_or("", |(word, _)| word)
    }

    fn of(self, row: &Row, zone: &TimeZone) -> Option<String> {
        let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
        match self {
            By::Day => Some(row.opened_at.to_jiff().to_zoned(zone.clone()).date().to_string()),
            By::Service => text(&row.service),
            By::Version => text(&row.version),
            By::System => text(&row.consumer_system),
            By::Member => text(&row.consumer_member),
            By::Provider => text(&row.provider_member),
            By::Outcome => row.outcome.map(|o| o.to_string()),
            By::Fault => row.fault.as_deref().map(str::to_owned),
            By::Environment => row.environment.map(|e| e.to_string()),
            By::Kind => Some(row.kind.to_string()),
            By::Node => text(&row.node),
        }
    }
}

/// One line of statistics.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What the rows have in common, as asked; `None` for absent.
    pub keys: Vec<(By, Option<String>)>,
    /// Sum over `count`.
    pub count: u64,
    /// Sum over `request_bytes`.
    pub request_bytes: u64,
    /// Sum over `response_bytes`.
    pub response_bytes: u64,
    /// Median of `total_us`, not more than 1/64 above the exact one; `None` without any.
    pub p50_us: Option<u64>,
    /// 95th percentile likewise.
    pub p95_us: Option<u64>,
    /// 99th percentile likewise.
    pub p99_us: Option<u64>,
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.keys.len() + 6))?;
        for (by, value) in &self.keys {
            map.serialize_entry(by.as_str(), value)?;
        }
        map.serialize_entry("count", &self.count)?;
        map.serialize_entry("request_bytes", &self.request_bytes)?;
        map.serialize_entry("response_bytes", &self.response_bytes)?;
        map.serialize_entry("p50_us", &self.p50_us)?;
        map.serialize_entry("p95_us", &self.p95_us)?;
        map.serialize_entry("p99_us", &self.p99_us)?;
        map.end()
    }
}

#[derive(Default)]
struct Sum {
    count: u64,
    request_bytes: u64,
    response_bytes: u64,
    times: Times,
}

/// Sums up the rows that `filter` takes, one group for each combination of `by`, in order of the
/// keys. Unless the filter asks for a kind: calls, without the legs of aggregated ones. The
/// filter's limit does not apply.
pub fn stats(
    dir: &Path,
    filter: &Filter,
    by: &[By],
    zone: &TimeZone,
) -> Result<Vec<Group>, JournalError> {
    let mut filter = Filter { limit: None, ..filter.clone() };
    let calls = filter.kind.is_none();
    filter.kind.get_or_insert(Kind::Call);
    let mut sums: BTreeMap<Vec<Option<String>>, Sum> = BTreeMap::new();
    for row in search(dir, &filter)? {
        let row = row?;
        if calls && row.parent.is_some() {
            continue;
        }
        let keys = by.iter().map(|by| by.of(&row, zone)).collect();
        let sum = sums.entry(keys).or_default();
        sum.count += row.count;
        sum.request_bytes += row.request_bytes.unwrap_or(0);
        sum.response_bytes += row.response_bytes.unwrap_or(0);
        if let Some(total) = row.total_us {
            sum.times.add(total);
        }
    }
    let group = |(keys, sum): (Vec<_>, Sum)| Group {
        keys: by.iter().copied().zip(keys).collect(),
        count: sum.count,
        request_bytes: sum.request_bytes,
        response_bytes: sum.response_bytes,
        p50_us: sum.times.percentile(50),
        p95_us: sum.times.percentile(95),
        p99_us: sum.times.percentile(99),
    };
    Ok(sums.into_iter().map(group).collect())
}

/// Times counted in cells that are exact below 128 µs and 1/64 wide above.
#[derive(Default)]
struct Times {
    cells: BTreeMap<u32, u64>,
    count: u64,
}

const FINE_BITS: u32 = 6;

impl Times {
    fn add(&mut self, micros: u64) {
        let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(FINE_BITS + 1);
        let fine = u32::try_from(micros >> shift).unwrap_or(u32::MAX);
        *self.cells.entry((shift << (FINE_BITS + 1)) | fine).or_insert(0) += 1;
        self.count += 1;
    }

    /// Upper end of the cell in which the nearest rank lies.
    fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (cell, count) in &self.cells {
            seen += count;
            if seen >= rank {
                let (shift, fine) = (cell >> (FINE_BITS + 1), cell & ((2 << FINE_BITS) - 1));
                return Some((u64::from(fine) << shift) | ((1 << shift) - 1));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
