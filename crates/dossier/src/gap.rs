//! What keeps the facts from being complete: packets of which it is not known whether the portal
//! took them, and facts that were lost. While such a thing stands, no period that it may touch has
//! figures.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::AnyConnection;
use terms::limit::FACTS_WRITTEN_MAX;
use uuid::Uuid;

use crate::dossiers::{Dossiers, apply, change};
use crate::error::DossierError;
use crate::fact::{Facts, Tale};
use crate::mark::first_difference;
use crate::message::{Code, Message};
use crate::moment::Day;
use crate::period::Period;
use crate::store::{self, Sort};

/// What keeps the facts from being complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Dossiers of which it is not known whether the portal took a packet that would change a
    /// figure.
    pub dossiers: u64,
    /// Packets, or records of packets, whose facts were lost or could not be read.
    pub lost: u64,
    /// The first day on which a dossier in doubt would change a figure.
    pub first: Option<Day>,
}

impl Gaps {
    /// Nothing is open.
    pub fn is_none(&self) -> bool {
        self.dossiers == 0 && self.lost == 0
    }

    /// Might a figure of this period be another one? What was lost may be of any day.
    pub fn touches(&self, period: Period) -> bool {
        self.lost > 0 || self.first.is_some_and(|first| first <= period.to())
    }
}

/// Why facts were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No room, no database for too long, or a process that was killed.
    Unwritten,
    /// No code of a dossier, or another field that could not be read.
    Unread,
}

impl Cause {
    /// As it stands in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Unwritten => "unwritten",
            Cause::Unread => "unread",
        }
    }
}

/// How an officer settles what is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The portal took what is in doubt: it is counted.
    Taken,
    /// The portal did not take it: it is dropped.
    Refused,
    /// What was lost was brought in again.
    BroughtIn,
}

impl Settlement {
    /// As it stands in the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Settlement::Taken => "taken",
            Settlement::Refused => "refused",
            Settlement::BroughtIn => "brought_in",
        }
    }
}

impl Dossiers {
    /// What is open now.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn gaps(&self) -> Result<Gaps, DossierError> {
        let mut connection = self.store().pool.acquire().await?;
        Ok(store::find_gaps(&mut connection).await?)
    }

    /// Takes down what packets told of which it is not known whether the portal took them. What
    /// would change no figure, as when the same was taken before or since, is no doubt. A later
    /// packet of the dossier that makes it so ends the doubt.
    ///
    /// # Errors
    /// As [`Dossiers::observe`].
    pub async fn doubt(&self, messages: &[Message]) -> Result<(), DossierError> {
        for messages in messages.chunks(FACTS_WRITTEN_MAX) {
            let told = self.told(messages);
            let ids: Vec<&str> = told.keys().map(String::as_str).collect();
            let mut tx = self.store().write().await?;
            self.require_on(&mut tx).await?;
            let known = store::list(&mut tx, Sort::Known, &ids).await?;
            let mut doubts = store::list(&mut tx, Sort::Doubt, &ids).await?;
            for (id, tales) in &told {
                let doubt = doubts.entry(id.clone()).or_default();
                tales.iter().for_each(|tale| doubt.join(tale));
            }
            revise(&mut tx, &known, &doubts).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Notes that facts of so many packets or records were lost.
    ///
    /// # Errors
    /// As [`Dossiers::observe`].
    pub async fn note_lost(&self, lost: u64, cause: Cause) -> Result<(), DossierError> {
        let at = self.clock().now();
        let id = Uuid::from_bytes(self.random().bytes()).to_string();
        let mut tx = self.store().write().await?;
        self.require_on(&mut tx).await?;
        store::insert_lost(&mut tx, &id, at, cause.as_str(), lost).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Settles all that is open of that kind at one moment, as an officer says; gives how many
    /// dossiers or records that were. Written to the audit with the reason, without a code of a
    /// dossier.
    ///
    /// # Errors
    /// As [`Dossiers::observe`]; [`DossierError::Ended`] only where something is to be counted.
    pub async fn settle_gaps(
        &self,
        how: Settlement,
        actor: &str,
        reason: &str,
    ) -> Result<u64, DossierError> {
        // one transaction: what comes up meanwhile is none that he has seen
        let mut tx = self.store().write().await?;
        let settled = match how {
            Settlement::BroughtIn => store::delete_lost(&mut tx).await?,
            Settlement::Refused => store::delete_all_doubts(&mut tx).await?,
            Settlement::Taken => {
                self.require_on(&mut tx).await?;
                count_doubts(&mut tx).await?
            }
        };
        if settled > 0 {
            let after = json!({ "settled": settled, "as": how.as_str(), "reason": reason });
            let change = change(self.clock().now(), actor, "settle", None, Some(after));
            journal::audit::insert(&mut tx, &change, self.random()).await?;
            tx.commit().await?;
        }
        Ok(settled)
    }

    /// What the messages tell of each dossier.
    pub(crate) fn told<'m>(&self, messages: &'m [Message]) -> BTreeMap<String, Vec<&'m Tale>> {
        let mut told: BTreeMap<String, Vec<&Tale>> = BTreeMap::new();
        for Message { code, tale } in messages {
            told.entry(self.digest(code)).or_default().push(tale);
        }
        told
    }

    /// How many dossiers have facts, the erased ones included.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn count(&self) -> Result<u64, DossierError> {
        Ok(store::count(&self.store().pool).await?)
    }

    /// Are these codes of dossiers known? Gives how many are.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn count_known(&self, codes: &[Code]) -> Result<usize, DossierError> {
        let ids: Vec<String> = codes.iter().map(|code| self.digest(code)).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut connection = self.store().pool.acquire().await?;
        Ok(store::list(&mut connection, Sort::Known, &ids).await?.len())
    }
}

/// Counts all that is in doubt; gives how many dossiers that were.
async fn count_doubts(tx: &mut AnyConnection) -> Result<u64, DossierError> {
    let mut after = String::new();
    loop {
        let page = store::list_page(&mut *tx, Sort::Doubt, &after, FACTS_WRITTEN_MAX).await?;
        let Some((last, _)) = page.last() else { return Ok(store::delete_all_doubts(tx).await?) };
        after.clone_from(last);
        let page: BTreeMap<String, Facts> = page.into_iter().collect();
        let ids: Vec<&str> = page.keys().map(String::as_str).collect();
        let known = store::list(tx, Sort::Known, &ids).await?;
        let (changed, days) = apply(&known, &page, |facts, doubt| facts.merge(doubt));
        let changed: Vec<(&str, &Facts)> = changed.iter().map(|(id, facts)| (*id, facts)).collect();
        store::update(tx, &changed).await?;
        store::update_days(tx, &days).await?;
    }
}

/// Looks at doubts anew: what is known of their dossiers has changed, or they have. Those that
/// would change no figure any more are over.
pub(crate) async fn revise(
    tx: &mut AnyConnection,
    known: &BTreeMap<String, Facts>,
    doubts: &BTreeMap<String, Facts>,
) -> Result<(), sqlx::Error> {
    let (mut open, mut over) = (Vec::new(), Vec::new());
    for (id, doubt) in doubts {
        let facts = known.get(id).cloned().unwrap_or_default();
        let mut joined = facts.clone();
        joined.merge(doubt);
        match first_difference(&facts, &joined) {
            Some(day) => open.push((id.as_str(), doubt, day)),
            None => over.push(id.as_str()),
        }
    }
    store::update_doubts(tx, &open).await?;
    store::delete_doubts(tx, &over).await
}
