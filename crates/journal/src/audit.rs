//! Changes of the registry and of people's rights on their way into the log: written in the
//! transaction that makes the change, drained by a serving node.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

use ::store::Store;
use sqlx::AnyConnection;
use terms::clock::Timestamp;
use terms::exchange::{ExchangeId, Kind};
use terms::random::Random;

use crate::entry::Journal;
use crate::error::{JournalError, Unavailable};
use crate::filter::Filter;
use crate::row::{Document, Row};
use crate::search::search;

mod store;

/// Changes drained at once.
const BATCH: i64 = 500;
/// The outbox is looked into this often, also when nothing told of a change.
const LOOK: Duration = Duration::from_secs(5);

/// A change, as it will stand in the journal (LOG-06).
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Who: `cli:USER` or an officer.
    pub actor: String,
    /// What was done: `create`, `update`, `issue`, `revoke`…
    pub verb: String,
    /// To what: noun and key, as `subscription one-stop/tra-cuu/1.0/live`.
    pub subject: String,
    /// The thing before, without secrets; `None` when it is new.
    pub before: Option<serde_json::Value>,
    /// The thing after, without secrets; `None` when it is gone.
    pub after: Option<serde_json::Value>,
}

/// A change in the outbox.
#[derive(Clone, Debug, PartialEq)]
struct Waiting {
    /// Becomes the row's exchange id.
    id: ExchangeId,
    change: Change,
}

/// Writes `change` into the outbox, in the caller's transaction; gives the id that its row will
/// have.
pub async fn insert(
    tx: &mut AnyConnection,
    change: &Change,
    random: &Random,
) -> Result<ExchangeId, JournalError> {
    let id = ExchangeId::new(change.at, random);
    store::insert(tx, id, change).await?;
    Ok(id)
}

/// Drains the outbox whenever a change is told, and every few seconds; ends when the journal stops.
pub async fn drain(store: Store, journal: Journal) {
    let mut changes = store.watch();
    let mut known = false;
    while !journal.is_stopping() {
        match drain_once(&store, &journal, known).await {
            Ok(()) => known = true,
            Err(error) => {
                let cause = error.sentence().en;
                tracing::warn!(code = "journal_audit", %cause, "the outbox was not drained");
                known = false;
            }
        }
        // Whether a change came or the time is over: the outbox is looked into.
        let _ = tokio::time::timeout(LOOK, changes.changed()).await;
    }
}

/// Drains what waits now. `known`: no row of this outbox can be in the log already; otherwise, as
/// after a crash between writing and marking, the log is searched first.
pub async fn drain_once(store: &Store, journal: &Journal, known: bool) -> Result<(), JournalError> {
    let node = journal.node();
    let mut known = known;
    loop {
        if store::waits_unclaimed(&store.pool).await? {
            // Claimed by this node for good: only its own log tells what of it was written.
            let mut tx = store.write().await?;
            store::claim(&mut tx, node).await?;
            tx.commit().await?;
        }
        let waiting = store::list_waiting(&store.pool, node, BATCH).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let written = if known { HashSet::new() } else { find_written(journal, &waiting).await? };
        known = true;
        let fresh = waiting.iter().filter(|waiting| !written.contains(&waiting.id));
        let rows: Vec<_> = fresh.map(|waiting| journal.write(&row(waiting))).collect();
        all_durable(rows).await?;
        let mut tx = store.write().await?;
        for waiting in &waiting {
            store::update_drained(&mut tx, waiting.id, journal.queue().clock.now()).await?;
        }
        tx.commit().await?;
    }
}

/// Waits for every row of a batch, also behind one that failed: what is still on its way would not
/// be found in the log when the batch is tried again, and be written twice. Gives the first error.
async fn all_durable(
    rows: Vec<impl Future<Output = Result<(), Unavailable>>>,
) -> Result<(), Unavailable> {
    let mut first = Ok(());
    for row in rows {
        first = first.and(row.await);
    }
    first
}

/// Those of the waiting changes whose rows are in the log.
async fn find_written(
    journal: &Journal,
    waiting: &[Waiting],
) -> Result<HashSet<ExchangeId>, JournalError> {
    let ids: HashSet<_> = waiting.iter().map(|waiting| waiting.id).collect();
    let from = waiting.iter().map(|waiting| waiting.change.at).min();
    let filter = Filter { kind: Some(Kind::Change), from, ..Filter::default() };
    let dir = journal.dir().to_owned();
    let look = move || -> Result<HashSet<ExchangeId>, JournalError> {
        let mut found = HashSet::new();
        for row in search(&dir, &filter)? {
            let id = row?.exchange_id;
            if ids.contains(&id) {
                found.insert(id);
            }
        }
        Ok(found)
    };
    match tokio::task::spawn_blocking(look).await {
        Ok(found) => found,
        // Only when the runtime ends: nothing is drained then.
        Err(_) => Err(JournalError::Unavailable(Unavailable::Stopped)),
    }
}

fn row(Waiting { id, change }: &Waiting) -> Row {
    Row {
        closed_at: Some(change.at),
        event: Some(Cow::Owned(change.verb.clone())),
        actor: Some(change.actor.as_str().into()),
        subject: Some(change.subject.as_str().into()),
        before: change.before.as_ref().map(Document::new),
        after: change.after.as_ref().map(Document::new),
        ..Row::new(Kind::Change, *id, change.at)
    }
}

#[cfg(test)]
mod tests;
