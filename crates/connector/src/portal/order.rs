//! One call at a time for each dossier of a system, in the order in which they came (QCV-02).

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Who waits for which dossier. Dossiers are known by a keyed hash only: their codes are content.
#[derive(Debug, Default)]
pub(super) struct Order {
    hasher: RandomState,
    queues: Mutex<HashMap<u64, VecDeque<Arc<Ticket>>>>,
}

/// One call's place in the queues of all the dossiers it names.
#[derive(Debug)]
struct Ticket {
    dossiers: Vec<u64>,
    /// In so many of the queues another call stands before it.
    behind: AtomicUsize,
    first: Notify,
}

/// A place in the order; given up when it is dropped, its turn come or not.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    order: &'a Order,
    /// `None` when the call names no dossier.
    ticket: Option<Arc<Ticket>>,
}

impl Order {
    /// The hash by which a dossier is known on its way: from which system to which portal.
    pub(super) fn dossier(&self, way: &impl Hash, code: &str) -> u64 {
        self.hasher.hash_one((way, code))
    }

    /// Lines up behind all calls that came before and name one of these dossiers: in all queues at
    /// once, so that two calls cannot wait for each other.
    pub(super) fn line_up(&self, mut dossiers: Vec<u64>) -> Turn<'_> {
        dossiers.sort_unstable();
        dossiers.dedup();
        if dossiers.is_empty() {
            return Turn { order: self, ticket: None };
        }
        let behind = AtomicUsize::new(0);
        let ticket = Arc::new(Ticket { dossiers, behind, first: Notify::new() });
        let mut queues = self.queues.lock();
        for dossier in &ticket.dossiers {
            let queue = queues.entry(*dossier).or_default();
            if !queue.is_empty() {
                ticket.behind.fetch_add(1, Ordering::Relaxed);
            }
            queue.push_back(ticket.clone());
        }
        drop(queues);
        Turn { order: self, ticket: Some(ticket) }
    }

    /// Dossiers that a call is busy with or waits for.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.queues.lock().len()
    }
}

impl Turn<'_> {
    /// Waits until no earlier call is busy with one of the dossiers.
    pub(super) async fn come(&self) {
        let Some(ticket) = &self.ticket else { return };
        while ticket.behind.load(Ordering::Acquire) > 0 {
            ticket.first.notified().await;
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some(ticket) = &self.ticket else { return };
        let mut queues = self.order.queues.lock();
        for dossier in &ticket.dossiers {
            let Entry::Occupied(mut entry) = queues.entry(*dossier) else { continue };
            let queue = entry.get_mut();
            let was_first = queue.front().is_some_and(|first| Arc::ptr_eq(first, ticket));
            if was_first {
                queue.pop_front();
            } else {
                queue.retain(|waiting| !Arc::ptr_eq(waiting, ticket));
            }
            match queue.front() {
                None => drop(entry.remove()),
                Some(next) if was_first => {
                    if next.behind.fetch_sub(1, Ordering::Release) == 1 {
                        next.first.notify_one();
                    }
                }
                Some(_) => {}
            }
        }
    }
}
