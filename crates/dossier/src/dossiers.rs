//! The facts in the database: what a message changes in them, and the figures of any period.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::store::Store;
use aws_lc_rs::hmac;
use jiff::tz::TimeZone;
use journal::audit::{self, Change};
use keyring::{KeyId, Keyring};
use serde_json::{Map, Value};
use sqlx::AnyConnection;
use terms::clock::{Clock, Timestamp};
use terms::limit::{FACTS_LOADED_MAX, FACTS_WRITTEN_MAX};
use terms::random::Random;

use crate::error::DossierError;
use crate::fact::{Facts, Tale};
use crate::figure::{Cut, Figures, Sums, Unit};
use crate::gap::{self, Gaps};
use crate::keeping::{self, Config, Keeping};
use crate::mark::Days;
use crate::message::{Code, Message};
use crate::moment::Day;
use crate::period::{Period, Span};
use crate::schedule::Rule;
use crate::store::{self, Sort};
use crate::unit::covers;

/// Bytes of the digest of a code: 20 million share one with a chance below 2^-79.
const DIGEST_BYTES: usize = 16;

/// What the digests of codes are derived under, in the places of consumer, provider and month of
/// [`Keyring::digest_key`]; no party's key has such a month. The key is one for the whole platform
/// and for all time, since a dossier lives for months, may be taken over by another system of its
/// agency, and must be found again by each message about it.
const KEY_PLACE: [&str; 3] = ["dossier", "code", "all"];

/// Facts of dossiers, kept on a legal ground: having one is the proof that the switch is on. Cheap
/// to clone; of one runtime, as its [`Store`] is.
#[derive(Clone)]
pub struct Dossiers(Arc<Inner>);

struct Inner {
    store: Store,
    key: hmac::Key,
    zone: TimeZone,
    clock: Clock,
    random: Random,
    rule: Rule,
}

/// The key of the digests.
fn place_key(keyring: &Keyring, id: u8) -> Option<hmac::Key> {
    let [consumer, provider, month] = KEY_PLACE;
    keyring.digest_key(KeyId(id), consumer, provider, month)
}

/// What is passed in when the keeping of facts begins.
pub struct Opening<'a> {
    /// The database.
    pub store: &'a Store,
    /// Gives the key of the digests.
    pub keyring: &'a Keyring,
    /// The switch.
    pub config: &'a Config,
    /// The platform's zone.
    pub zone: &'a TimeZone,
    /// Tells what today is.
    pub clock: &'a Clock,
    /// For ids of the audit.
    pub random: &'a Random,
    /// Who starts the platform, as the audit names it.
    pub actor: &'a str,
}

impl Dossiers {
    /// Reads the switch. `None` when it is off. A change since the last start, its ground included,
    /// is written to the audit in the same transaction.
    ///
    /// # Errors
    /// [`DossierError::Ground`] when it is on without a legal ground; [`DossierError::Key`] when
    /// the keyring lacks the entry used so far; those of the database.
    pub async fn open(opening: Opening<'_>) -> Result<Option<Dossiers>, DossierError> {
        let Opening { store, keyring, config, clock, random, actor, .. } = opening;
        let ground = config.ground()?;
        let at = clock.now();
        let mut tx = store.write().await?;
        let known = store::find_keeping(&mut *tx).await?;
        let key = keyring.current().0;
        let from = config.complete_from;
        let next = keeping::decide(known.as_ref(), ground.as_ref(), from, key, at);
        let Some(next) = next else { return Ok(None) };
        let key = place_key(keyring, next.key_id);
        if next.is_on() && key.is_none() {
            return Err(DossierError::Key(next.key_id));
        }
        if known.as_ref() != Some(&next) {
            store::update_keeping(&mut tx, &next).await?;
            let verb = if known.is_some() { "update" } else { "create" };
            let before = known.as_ref().map(Keeping::to_json);
            let change = change(at, actor, verb, before, Some(next.to_json()));
            audit::insert(&mut tx, &change, random).await?;
        }
        tx.commit().await?;
        let opened = |key| Dossiers::made(&opening, key);
        Ok(key.filter(|_| next.is_on()).map(opened))
    }

    /// The same for an officer's command, beside a running platform: what the database says holds,
    /// and nothing of it is changed. `None` when facts were never kept.
    ///
    /// # Errors
    /// [`DossierError::Key`] when the keyring lacks the entry used so far; those of the database.
    pub async fn find(opening: Opening<'_>) -> Result<Option<Dossiers>, DossierError> {
        let keeping = store::find_keeping(&opening.store.pool).await?;
        let Some(keeping) = keeping else { return Ok(None) };
        let key = place_key(opening.keyring, keeping.key_id);
        let key = key.ok_or(DossierError::Key(keeping.key_id))?;
        Ok(Some(Dossiers::made(&opening, key)))
    }

    fn made(opening: &Opening<'_>, key: hmac::Key) -> Dossiers {
        Dossiers(Arc::new(Inner {
            store: opening.store.clone(),
            key,
            zone: opening.zone.clone(),
            clock: opening.clock.clone(),
            random: opening.random.clone(),
            rule: opening.config.packets,
        }))
    }

    /// What stands for the code in the database: HMAC-SHA-256, its first 128 bits, hex.
    pub fn digest(&self, code: &Code) -> String {
        let whole = hmac::sign(&self.0.key, code.as_bytes());
        hex::encode(&whole.as_ref()[..DIGEST_BYTES])
    }

    /// Takes over what messages tell: the facts and the daily counters change together. The same
    /// message again, or messages in another order, end in the same facts and counters.
    ///
    /// # Errors
    /// [`DossierError::Ended`] when the switch was turned off meanwhile; those of the database.
    /// What was committed before an error stays; giving everything again is harmless.
    pub async fn observe(&self, messages: &[Message]) -> Result<(), DossierError> {
        self.take(messages, FACTS_WRITTEN_MAX).await
    }

    /// As [`Dossiers::observe`], for bringing in the dossiers of years: larger transactions, and
    /// quickest when the messages come in the order of their digests.
    ///
    /// # Errors
    /// As [`Dossiers::observe`].
    pub async fn load(&self, messages: &[Message]) -> Result<(), DossierError> {
        self.take(messages, FACTS_LOADED_MAX).await
    }

    async fn take(&self, messages: &[Message], at_once: usize) -> Result<(), DossierError> {
        for messages in messages.chunks(at_once) {
            let told = self.told(messages);
            let mut tx = self.0.store.write().await?;
            self.require_on(&mut tx).await?;
            write(&mut tx, &told).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    pub(crate) async fn require_on(&self, tx: &mut AnyConnection) -> Result<Keeping, DossierError> {
        let keeping = store::find_keeping(tx).await?;
        keeping.filter(Keeping::is_on).ok_or(DossierError::Ended)
    }

    /// The switch as it stands.
    pub async fn keeping(&self) -> Result<Option<Keeping>, DossierError> {
        Ok(store::find_keeping(&self.0.store.pool).await?)
    }

    /// The figures of Table 5 for any period: of the agencies that `unit` covers, or of all. Where
    /// the period is not over, the state as it is now.
    ///
    /// # Errors
    /// [`DossierError::Incomplete`] when the facts do not cover the period; [`DossierError::Gaps`]
    /// when some that might be of it are in doubt or lost;
    /// [`DossierError::Damaged`] when a figure would be below zero; those of the database.
    pub async fn figures(
        &self,
        period: Period,
        unit: Option<&str>,
    ) -> Result<Figures, DossierError> {
        let sums = self.sums(period).await?;
        total(&sums, unit).figures().ok_or(DossierError::Damaged)
    }

    /// The records of `DongBoThongKeHoSo` for a month or a year, one a unit: the same figures as
    /// [`Dossiers::figures`] gives for its days.
    ///
    /// # Errors
    /// As [`Dossiers::figures`].
    pub async fn records(
        &self,
        span: Span,
        units: &[Unit],
    ) -> Result<Vec<Map<String, Value>>, DossierError> {
        let sums = self.sums(span.period()).await?;
        let record = |unit: &Unit| {
            let figures = total(&sums, Some(&unit.code)).figures();
            Ok(figures.ok_or(DossierError::Damaged)?.to_record(unit, span))
        };
        units.iter().map(record).collect()
    }

    async fn sums(&self, period: Period) -> Result<Vec<(String, Sums)>, DossierError> {
        let keeping = store::find_keeping(&self.0.store.pool).await?;
        if !keeping.is_some_and(|keeping| keeping.is_on() && keeping.covers(period)) {
            return Err(DossierError::Incomplete);
        }
        let mut connection = self.0.store.pool.acquire().await?;
        let gaps = store::find_gaps(&mut connection).await?;
        drop(connection);
        if gaps.touches(period) {
            let Gaps { dossiers, lost, .. } = gaps;
            return Err(DossierError::Gaps { dossiers, lost });
        }
        let cut = Cut::new(period, Day::at(self.0.clock.now(), &self.0.zone));
        Ok(store::sum(&self.0.store.pool, cut).await?)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn random(&self) -> &Random {
        &self.0.random
    }

    pub(crate) fn rule(&self) -> Rule {
        self.0.rule
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.0.zone
    }
}

impl std::fmt::Debug for Dossiers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dossiers")
    }
}

pub(crate) fn change(
    at: Timestamp,
    actor: &str,
    verb: &str,
    before: Option<Value>,
    after: Option<Value>,
) -> Change {
    Change {
        at,
        actor: actor.to_owned(),
        verb: verb.to_owned(),
        subject: "statistics facts".to_owned(),
        before,
        after,
    }
}

/// Joins what is told to the facts and the daily counters, and looks at what was in doubt of the
/// same dossiers.
pub(crate) async fn write(
    tx: &mut AnyConnection,
    told: &BTreeMap<String, Vec<&Tale>>,
) -> Result<(), DossierError> {
    let ids: Vec<&str> = told.keys().map(String::as_str).collect();
    let mut known = store::list(tx, Sort::Known, &ids).await?;
    let (changed, days) =
        apply(&known, told, |facts, tales| tales.iter().for_each(|tale| facts.join(tale)));
    let pairs: Vec<(&str, &Facts)> = changed.iter().map(|(id, facts)| (*id, facts)).collect();
    store::update(tx, &pairs).await?;
    store::update_days(tx, &days).await?;
    let doubts = store::list(tx, Sort::Doubt, &ids).await?;
    if !doubts.is_empty() {
        known.extend(changed.into_iter().map(|(id, facts)| (id.to_owned(), facts)));
        gap::revise(tx, &known, &doubts).await?;
    }
    Ok(())
}

/// What is told makes of the facts, those that change only, and of the daily counters: pure.
pub(crate) fn apply<'a, T>(
    known: &BTreeMap<String, Facts>,
    told: &'a BTreeMap<String, T>,
    join: impl Fn(&mut Facts, &T),
) -> (Vec<(&'a str, Facts)>, Days) {
    let mut days = Days::default();
    let mut changed = Vec::new();
    for (id, told) in told {
        let before = known.get(id).cloned().unwrap_or_default();
        let mut after = before.clone();
        join(&mut after, told);
        if before != after {
            days.change(&before, &after);
            changed.push((id.as_str(), after));
        }
    }
    (changed, days)
}

/// The sums of the agencies that `unit` covers, or of all.
fn total(sums: &[(String, Sums)], unit: Option<&str>) -> Sums {
    let mut total = Sums::default();
    for (agency, sums) in sums {
        if unit.is_none_or(|unit| covers(unit, agency)) {
            total.add(sums);
        }
    }
    total
}
