//! What a dossier leaves in the daily counters: at most four marks, each on one day.

use std::collections::BTreeMap;

use crate::fact::{Facts, Standing};
use crate::moment::Day;

/// Counters of one agency on one day. Signed: as a change they may go down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Dossiers accepted.
    pub received: i64,
    /// Dossiers finished in time, or without a time limit.
    pub finished_in_time: i64,
    /// Dossiers finished late.
    pub finished_late: i64,
    /// Dossiers whose time limit ended on this day while they were pending at its end (or that were
    /// accepted on it, the limit over already).
    pub overdue_opened: i64,
    /// Of those, the ones finished on this day, which is a later one.
    pub overdue_closed: i64,
}

impl Counters {
    /// Nothing to add.
    pub fn is_zero(&self) -> bool {
        *self == Counters::default()
    }

    /// Adds `other`, `times` times.
    fn add(&mut self, other: &Counters, times: i64) {
        self.received += times * other.received;
        self.finished_in_time += times * other.finished_in_time;
        self.finished_late += times * other.finished_late;
        self.overdue_opened += times * other.overdue_opened;
        self.overdue_closed += times * other.overdue_closed;
    }
}

/// Counters, or their changes, by agency and day. The agency of a dossier that names none is the
/// empty text: it counts in the whole only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days(BTreeMap<(String, Day), Counters>);

impl Days {
    /// Takes away what a dossier left `before` and puts what it leaves `after`.
    pub fn change(&mut self, before: &Facts, after: &Facts) {
        self.put(before, -1);
        self.put(after, 1);
    }

    /// Counts one dossier.
    pub fn count(&mut self, facts: &Facts) {
        self.put(facts, 1);
    }

    fn put(&mut self, facts: &Facts, times: i64) {
        let record = facts.record.as_ref();
        let agency = record.and_then(|record| record.agency.as_deref()).unwrap_or_default();
        for (day, counters) in marks(facts) {
            let entry = self.0.entry((agency.to_owned(), day)).or_default();
            entry.add(&counters, times);
            if entry.is_zero() {
                self.0.remove(&(agency.to_owned(), day));
            }
        }
    }

    /// Agency, day and counters; none of them all zero.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Day, &Counters)> {
        self.0.iter().map(|((agency, day), counters)| (agency.as_str(), *day, counters))
    }

    /// Adds what was counted elsewhere.
    pub fn insert(&mut self, agency: String, day: Day, counters: &Counters) {
        let entry = self.0.entry((agency, day)).or_default();
        entry.add(counters, 1);
    }

    /// Is there a counter of this agency on this day?
    pub fn has(&self, agency: &str, day: Day) -> bool {
        self.0.contains_key(&(agency.to_owned(), day))
    }

    /// Are exactly these its counters?
    pub fn contains(&self, (agency, day, counters): &(&str, Day, &Counters)) -> bool {
        self.0.get(&((*agency).to_owned(), *day)) == Some(*counters)
    }
}

/// The days on which a dossier is counted, and as what.
fn marks(facts: &Facts) -> impl Iterator<Item = (Day, Counters)> {
    let standing = facts.standing();
    let received = facts.received().filter(|_| standing != Standing::Out);
    let due = facts.record.as_ref().and_then(|record| record.due);
    let accepted =
        received.map(|moment| (moment.day(), Counters { received: 1, ..Counters::default() }));
    let closed = match standing {
        Standing::Closed(moment) => Some(moment),
        _ => None,
    };
    let late = closed.zip(due).is_some_and(|(closed, due)| closed.is_after(due));
    let finished = closed.map(|moment| {
        let (late, in_time) = (i64::from(late), i64::from(!late));
        let counters =
            Counters { finished_in_time: in_time, finished_late: late, ..Counters::default() };
        (moment.day(), counters)
    });
    // Overdue from the end of the last day in time to the day of the finish, this one not included.
    let opened = received.zip(due).map(|(received, due)| due.day().max(received.day()));
    let opened = opened.filter(|day| closed.is_none_or(|closed| *day < closed.day()));
    let overdue = opened.map(|day| (day, Counters { overdue_opened: 1, ..Counters::default() }));
    let over = opened
        .and(closed)
        .map(|moment| (moment.day(), Counters { overdue_closed: 1, ..Counters::default() }));
    [accepted, finished, overdue, over].into_iter().flatten()
}
