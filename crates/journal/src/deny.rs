//! The fold rule: which refusals get a row of their own, and which are counted in a common one.
//! Pure: rows and the time go in, rows come out.
//!
//! Without it anyone without a token could fill the disk and stop a platform that refuses what it
//! cannot write.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use terms::clock::Timestamp;
use terms::exchange::ExchangeId;
use terms::limit::{DENIED_ROWS_BURST, DENIED_ROWS_PER_MINUTE};

use crate::row::{Row, Word};

/// A folded row is written this long after its first refusal.
pub(crate) const FOLD_SPAN: Duration = Duration::from_secs(60);
/// Folded rows kept in memory; beyond it one row a fault takes the rest.
pub(crate) const FOLDED_MAX: usize = 1_024;
/// Allowances kept in memory before the full ones are dropped: a full one is as good as none.
const ALLOWANCES_MAX: usize = 4_096;

const BURST_MICROS: i64 = micros_of(DENIED_ROWS_BURST as i64);

/// How long the refill takes for `rows`.
const fn micros_of(rows: i64) -> i64 {
    rows * 60_000_000 / DENIED_ROWS_PER_MINUTE as i64
}

/// An allowance: full from this time on (the bucket of a burst and a refill, in one number).
#[derive(Clone, Copy, Default)]
struct Allowance {
    full_at: i64,
}

impl Allowance {
    fn take(&mut self, now: i64) -> bool {
        let full_at = self.full_at.max(now) + micros_of(1);
        let within = full_at - now <= BURST_MICROS;
        if within {
            self.full_at = full_at;
        }
        within
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Whose {
    Credential(Arc<str>),
    Network(Option<IpAddr>),
    /// More than can be told apart.
    Anyone,
}

/// What becomes of a refusal.
#[derive(Debug, PartialEq)]
pub(crate) enum Decision {
    /// A row of its own.
    Write(Row),
    /// The first of a folded row: it is opened now and closed when its minute is over.
    Begin(Row),
    /// Counted in the folded row of this id.
    Counted(ExchangeId),
}

/// The allowances and the folded rows of one node.
#[derive(Default)]
pub(crate) struct Fold {
    credentials: HashMap<Arc<str>, Allowance>,
    anonymous: Allowance,
    folded: HashMap<(Whose, Option<Word>), Row>,
}

impl Fold {
    /// Decides on a refusal at `now`. `scarce`: the disk is held back for identified callers, so
    /// refusals of others are folded at once.
    pub(crate) fn decide(&mut self, row: Row, now: Timestamp, scarce: bool) -> Decision {
        if self.allows(&row, now.micros(), scarce) {
            return Decision::Write(row);
        }
        let mut whose = match (&row.credential, row.client_address) {
            (Some(credential), _) => Whose::Credential(credential.clone()),
            (None, address) => Whose::Network(address.map(network)),
        };
        let mut key = (whose.clone(), row.fault.clone());
        if self.folded.len() >= FOLDED_MAX && !self.folded.contains_key(&key) {
            whose = Whose::Anyone;
            key = (Whose::Anyone, row.fault.clone());
        }
        if let Some(folded) = self.folded.get_mut(&key) {
            add(folded, &row);
            return Decision::Counted(folded.exchange_id);
        }
        let first = begin(row, &whose);
        self.folded.insert(key, first.clone());
        Decision::Begin(first)
    }

    fn allows(&mut self, row: &Row, now: i64, scarce: bool) -> bool {
        let Some(credential) = &row.credential else {
            return !scarce && self.anonymous.take(now);
        };
        if let Some(allowance) = self.credentials.get_mut(credential) {
            return allowance.take(now);
        }
        if self.credentials.len() >= ALLOWANCES_MAX {
            self.credentials.retain(|_, allowance| allowance.full_at > now);
        }
        self.credentials.entry(credential.clone()).or_default().take(now)
    }

    /// The folded rows whose minute is over.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Row> {
        let over = |row: &Row| now.since(row.opened_at) >= FOLD_SPAN;
        self.folded.extract_if(|_, row| over(row)).map(|(_, row)| row).collect()
    }

    /// All folded rows: the journal stops.
    pub(crate) fn drain(&mut self) -> Vec<Row> {
        self.folded.drain().map(|(_, row)| row).collect()
    }
}

/// The network of an address: /24, or /48 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => Ipv4Addr::from(u32::from(v4) & !0xff).into(),
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !((1 << 80) - 1)).into(),
    }
}

/// A folded row at its beginning: what is one refusal's own is left out.
fn begin(mut row: Row, whose: &Whose) -> Row {
    row.client_address = match whose {
        Whose::Credential(_) => row.client_address,
        Whose::Network(network) => *network,
        Whose::Anyone => None,
    };
    if *whose == Whose::Anyone {
        row.credential = None;
        row.consumer_system = None;
        row.consumer_member = None;
    }
    row.closed_at = row.closed_at.or(Some(row.opened_at));
    row.total_us = None;
    row.reference = None;
    row.request_digest = None;
    row.digest_key = None;
    row
}

/// Counts `row` in `folded`: sums stay sums, and what differs is left out.
fn add(folded: &mut Row, row: &Row) {
    fn same<T: PartialEq>(folded: &mut Option<T>, other: &Option<T>) {
        if folded.as_ref() != other.as_ref() {
            *folded = None;
        }
    }
    fn sum(folded: &mut Option<u64>, other: Option<u64>) {
        *folded = match (*folded, other) {
            (None, None) => None,
            (one, two) => Some(one.unwrap_or(0).saturating_add(two.unwrap_or(0))),
        };
    }
    folded.count = folded.count.saturating_add(row.count);
    folded.closed_at = folded.closed_at.max(row.closed_at.or(Some(row.opened_at)));
    sum(&mut folded.request_bytes, row.request_bytes);
    sum(&mut folded.response_bytes, row.response_bytes);
    same(&mut folded.environment, &row.environment);
    same(&mut folded.mode, &row.mode);
    same(&mut folded.facade, &row.facade);
    same(&mut folded.operation, &row.operation);
    same(&mut folded.provider_member, &row.provider_member);
    same(&mut folded.service, &row.service);
    same(&mut folded.version, &row.version);
    same(&mut folded.method, &row.method);
    same(&mut folded.status, &row.status);
    same(&mut folded.packet_verdict, &row.packet_verdict);
    same(&mut folded.packet_unchecked, &row.packet_unchecked);
    same(&mut folded.packet_violations, &row.packet_violations);
    if folded.credential.is_some() {
        same(&mut folded.client_address, &row.client_address);
    }
}
