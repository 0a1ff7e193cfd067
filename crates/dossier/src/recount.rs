//! The recount: the daily counters made anew from the facts, to check or to replace them.

use serde_json::json;
use sqlx::AnyConnection;
use terms::limit::FACTS_WRITTEN_MAX;

use crate::dossiers::{Dossiers, change};
use crate::error::DossierError;
use crate::mark::Days;
use crate::store::{self, Sort};
use ::store::Engine;

/// What a recount found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recount {
    /// Dossiers counted, the erased ones included.
    pub dossiers: u64,
    /// Agencies and days whose counters were not what the facts say.
    pub wrong: usize,
}

impl Dossiers {
    /// Compares the daily counters with the facts, both as they are at one moment. Others may go on
    /// writing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn recount(&self) -> Result<Recount, DossierError> {
        let begin = match self.store().engine {
            Engine::Sqlite => "BEGIN",
            Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        };
        let mut tx = self.store().pool.begin_with(begin).await?;
        let (dossiers, days) = count(&mut tx).await?;
        let wrong = difference(&store::list_days(&mut *tx).await?, &days);
        tx.rollback().await?;
        Ok(Recount { dossiers, wrong })
    }

    /// Replaces the daily counters by what the facts say. Holds the lock of all writers meanwhile:
    /// some seconds a million dossiers. Written to the audit.
    ///
    /// # Errors
    /// Those of the database and of the audit.
    pub async fn rebuild(&self, actor: &str) -> Result<Recount, DossierError> {
        let mut tx = self.store().write().await?;
        let (dossiers, days) = count(&mut tx).await?;
        let wrong = difference(&store::list_days(&mut *tx).await?, &days);
        store::delete_days(&mut tx).await?;
        store::update_days(&mut tx, &days).await?;
        let after = json!({ "dossiers_counted": dossiers, "counters_mended": wrong });
        let change = change(self.clock().now(), actor, "rebuild", None, Some(after));
        journal::audit::insert(&mut tx, &change, self.random()).await?;
        tx.commit().await?;
        Ok(Recount { dossiers, wrong })
    }
}

async fn count(tx: &mut AnyConnection) -> Result<(u64, Days), DossierError> {
    let mut days = Days::default();
    let mut dossiers = 0;
    let mut after = String::new();
    loop {
        let page = store::list_page(&mut *tx, Sort::Known, &after, FACTS_WRITTEN_MAX).await?;
        let Some((last, _)) = page.last() else { return Ok((dossiers, days)) };
        after.clone_from(last);
        for (_, facts) in &page {
            days.count(facts);
            dossiers += 1;
        }
    }
}

/// How many agencies and days differ.
fn difference(stored: &Days, counted: &Days) -> usize {
    let missing = counted.iter().filter(|entry| !stored.contains(entry)).count();
    let wrong = stored.iter().filter(|(agency, day, _)| !counted.has(agency, *day)).count();
    missing + wrong
}
