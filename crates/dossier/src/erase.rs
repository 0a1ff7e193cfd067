//! Erasing facts: of some dossiers for good, or of all; always for a reason, on a legal ground,
//! with a row in the audit.

use std::collections::BTreeMap;

use ::store::Store;
use journal::audit;
use serde_json::json;
use terms::clock::Clock;
use terms::limit::FACTS_WRITTEN_MAX;
use terms::random::Random;

use crate::dossiers::{Dossiers, change, write};
use crate::error::DossierError;
use crate::fact::Tale;
use crate::message::Code;
use crate::store;

/// Why facts are erased, as it will stand in the audit.
#[derive(Clone, Copy, Debug)]
pub struct Erasure<'a> {
    /// Who does it.
    pub actor: &'a str,
    /// Why: no code of a dossier and nothing about a person.
    pub reason: &'a str,
    /// The law or decision that demands or allows it.
    pub legal_ground: &'a str,
}

impl Dossiers {
    /// Erases these dossiers for good: of each only the digest stays, so that nothing that comes
    /// later brings it back. Each transaction of it is written to the audit, without a code. Facts
    /// may be kept at the time or not.
    ///
    /// # Errors
    /// Those of the database and of the audit.
    pub async fn erase(&self, codes: &[Code], why: &Erasure<'_>) -> Result<(), DossierError> {
        let at = self.clock().now();
        let tale = Tale::Erasure(at);
        for codes in codes.chunks(FACTS_WRITTEN_MAX) {
            let told: BTreeMap<_, _> =
                codes.iter().map(|code| (self.digest(code), vec![&tale])).collect();
            let mut tx = self.store().write().await?;
            write(&mut tx, &told).await?;
            let after = json!({
                "dossiers_erased": told.len(),
                "reason": why.reason,
                "legal_ground": why.legal_ground,
            });
            let change = change(at, why.actor, "erase", None, Some(after));
            audit::insert(&mut tx, &change, self.random()).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Erases all facts and counters, whether the switch is on or off; gives how many dossiers there
/// were. Written to the audit. The facts are complete for no day, until another day is stated.
///
/// # Errors
/// Those of the database and of the audit.
pub async fn erase_all(
    store: &Store,
    clock: &Clock,
    random: &Random,
    why: &Erasure<'_>,
) -> Result<u64, DossierError> {
    let at = clock.now();
    let mut tx = store.write().await?;
    let Some(mut keeping) = store::find_keeping(&mut *tx).await? else { return Ok(0) };
    let before = keeping.to_json();
    keeping.complete_from = None;
    store::update_keeping(&mut tx, &keeping).await?;
    let count = store::delete_all(&mut tx).await?;
    let after = json!({
        "dossiers_erased": count,
        "reason": why.reason,
        "legal_ground": why.legal_ground,
        "keeping": keeping.to_json(),
    });
    let change = change(at, why.actor, "erase", Some(before), Some(after));
    audit::insert(&mut tx, &change, random).await?;
    tx.commit().await?;
    Ok(count)
}
