//! The month and year packets: handed out when due, settled with what the portal answered.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use terms::clock::Timestamp;

use crate::dossiers::{Dossiers, change};
use crate::error::DossierError;
use crate::figure::Unit;
use crate::period::Span;
use crate::schedule::{self, ATTEMPTS_MAX, Outcome, State};
use crate::store;

/// Wire name of the packet.
pub const STATISTICS: &str = "DongBoThongKeHoSo";

/// How long a packet that was handed out belongs to the node that took it; after that, as when the
/// node has died, it is handed out again. So a packet is sent at least once.
pub const LEASE: Duration = Duration::from_secs(15 * 60);

/// A packet to be sent now: the `data` of a [`STATISTICS`] packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// For which month or year.
    pub span: Span,
    /// One record a unit, 18 names each.
    pub records: Vec<Map<String, Value>>,
    attempts: u32,
}

/// A packet as it stands in the database.
#[derive(Clone, Debug, PartialEq)]
pub struct PacketSeen {
    /// For which month or year.
    pub span: Span,
    /// Where it stands.
    pub state: State,
    /// When it was sent, refused or given up.
    pub settled_at: Option<Timestamp>,
    /// What was sent, as JSON; once it was.
    pub records: Option<String>,
}

impl Dossiers {
    /// Takes the packets that are due now, the oldest first, at most [`schedule::DUE_MAX`]; no
    /// other node gets them within [`LEASE`]. Send each, then [`Dossiers::settle`] it. Ask once a
    /// minute or less often. A packet whose figures cannot be told is left out with a warning: it
    /// is tried again after its lease, and does not hold up the others.
    ///
    /// # Errors
    /// [`DossierError::Ended`]; those of the database.
    pub async fn take_due(&self, units: &[Unit]) -> Result<Vec<Due>, DossierError> {
        let mut taken = Vec::new();
        if units.is_empty() {
            return Ok(Vec::new());
        }
        let at = self.clock().now();
        let now = at.to_jiff().to_zoned(self.zone().clone()).datetime();
        let mut tx = self.store().write().await?;
        let keeping = store::find_keeping(&mut *tx).await?;
        let keeping = keeping.filter(|keeping| keeping.is_on()).ok_or(DossierError::Ended)?;
        let known = store::list_packets(&mut *tx).await?;
        let Some(complete_from) = keeping.complete_from else { return Ok(Vec::new()) };
        let gaps = store::find_gaps(&mut tx).await?;
        for span in schedule::due(at, now, self.rule(), complete_from.date(), &known) {
            // it waits for its facts without using up its attempts
            if gaps.touches(span.period()) {
                continue;
            }
            let attempts = match known.get(&span) {
                Some(State::Waiting { attempts, .. }) => attempts + 1,
                _ => 1,
            };
            // Handed out too often without being settled: whoever takes it dies of it.
            let state = if attempts > ATTEMPTS_MAX {
                State::GivenUp
            } else {
                taken.push((span, attempts));
                State::Waiting { attempts, next_at: at.plus(LEASE) }
            };
            store::update_packet(&mut tx, span, state, at, None).await?;
        }
        tx.commit().await?;
        let mut due = Vec::new();
        for (span, attempts) in taken {
            match self.records(span, units).await {
                Ok(records) => due.push(Due { span, records, attempts }),
                Err(error) => {
                    tracing::warn!(code = "statistics_unsent", %span, %error, "tried again later");
                }
            }
        }
        Ok(due)
    }

    /// Notes how the sending of a packet ended; gives where it stands now.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn settle(&self, due: &Due, outcome: Outcome) -> Result<State, DossierError> {
        let at = self.clock().now();
        let state = schedule::settle(outcome, due.attempts, at);
        let sent = (state == State::Sent).then(|| Value::from(due.records.clone()).to_string());
        let mut tx = self.store().write().await?;
        store::update_packet(&mut tx, due.span, state, at, sent.as_deref()).await?;
        tx.commit().await?;
        Ok(state)
    }

    /// Has the packet of `span` sent once more, as an officer asks: it is due at once. Written to
    /// the audit.
    ///
    /// # Errors
    /// [`DossierError::Ended`] when no facts are kept; [`DossierError::Incomplete`] and
    /// [`DossierError::Gaps`] when they do not cover the period; [`DossierError::NotDue`]; those of
    /// the database and of the audit.
    pub async fn resend(&self, span: Span, actor: &str) -> Result<(), DossierError> {
        let at = self.clock().now();
        let now = at.to_jiff().to_zoned(self.zone().clone()).datetime();
        let mut tx = self.store().write().await?;
        let keeping = self.require_on(&mut tx).await?;
        let complete_from = keeping.complete_from.ok_or(DossierError::Incomplete)?;
        if !keeping.covers(span.period()) {
            return Err(DossierError::Incomplete);
        }
        let gaps = store::find_gaps(&mut tx).await?;
        if gaps.touches(span.period()) {
            return Err(DossierError::Gaps { dossiers: gaps.dossiers, lost: gaps.lost });
        }
        if !schedule::is_due(now, self.rule(), complete_from.date(), span) {
            return Err(DossierError::NotDue(span));
        }
        let state = State::Waiting { attempts: 0, next_at: at };
        store::update_packet(&mut tx, span, state, at, None).await?;
        let after = serde_json::json!({ "packet": STATISTICS, "period": span.to_string() });
        let change = change(at, actor, "resend", None, Some(after));
        journal::audit::insert(&mut tx, &change, self.random()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The packets that were ever handed out, with what was sent, the oldest period first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn packets_seen(&self) -> Result<Vec<PacketSeen>, DossierError> {
        Ok(store::list_sent(&self.store().pool).await?)
    }

    /// Where each packet stands that was ever handed out.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn packets(&self) -> Result<BTreeMap<Span, State>, DossierError> {
        Ok(store::list_packets(&self.store().pool).await?)
    }
}
