//! Which rows are asked for.

use terms::clock::Timestamp;
use terms::environment::Environment;
use terms::exchange::{ExchangeId, Kind, Outcome};

use crate::row::Row;

/// The flags of `lgsp journal search`; what is `None` is not asked.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Opened at or after.
    pub from: Option<Timestamp>,
    /// Opened before.
    pub to: Option<Timestamp>,
    /// This exchange, and the legs it was gathered from.
    pub exchange: Option<ExchangeId>,
    /// The consumer's or the provider's own reference.
    pub reference: Option<String>,
    /// Member on either side.
    pub member: Option<String>,
    /// System of the consumer.
    pub system: Option<String>,
    /// Service code.
    pub service: Option<String>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Code of the fault.
    pub fault: Option<String>,
    /// What the row tells of.
    pub kind: Option<Kind>,
    /// Which environment.
    pub environment: Option<Environment>,
    /// Not more rows than these; `None` is all.
    pub limit: Option<usize>,
}

impl Filter {
    /// Does the filter take this row?
    pub fn takes(&self, row: &Row) -> bool {
        let is = |asked: &Option<String>, found: Option<&str>| {
            asked.as_deref().is_none_or(|asked| found == Some(asked))
        };
        let either = |asked: &Option<String>, one: Option<&str>, two: Option<&str>| {
            asked.as_deref().is_none_or(|asked| one == Some(asked) || two == Some(asked))
        };
        self.from.is_none_or(|from| row.opened_at >= from)
            && self.to.is_none_or(|to| row.opened_at < to)
            && self.exchange.is_none_or(|id| row.exchange_id == id || row.parent == Some(id))
            && self.outcome.is_none_or(|outcome| row.outcome == Some(outcome))
            && self.kind.is_none_or(|kind| row.kind == kind)
            && self.environment.is_none_or(|asked| row.environment == Some(asked))
            && either(&self.reference, row.reference.as_deref(), row.provider_reference.as_deref())
            && either(&self.member, row.consumer_member.as_deref(), row.provider_member.as_deref())
            && is(&self.system, row.consumer_system.as_deref())
            && is(&self.service, row.service.as_deref())
            && is(&self.fault, row.fault.as_deref())
    }

    /// Can rows opened from `low` to `high` be asked for?
    pub(crate) fn may_take(&self, low: Timestamp, high: Timestamp) -> bool {
        self.from.is_none_or(|from| high >= from) && self.to.is_none_or(|to| low < to)
    }
}
