//! What a dossier leaves in the daily counters: at most four marks, each on one day.

use std::collections::BTreeMap;

use crate::fact::{Facts, Standing};
use crate::moment::Day;

/// Counters of one agency on one day. Signed: as a change they may go down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Dossiers accepted.
    pub received: i64,
    /// Dossiers finished on the last day of their time limit at the latest, or without one.
    pub finished_in_time: i64,
    /// Dossiers finished late.
    pub finished_late: i64,
    /// Dossiers pending at the end of this day and overdue on it for the first time.
    pub overdue_opened: i64,
    /// Dossiers finished on this day that were pending and overdue at the end of the one before.
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

/// The first day on which the dossier counts otherwise; `None` when it counts the same.
pub fn first_difference(before: &Facts, after: &Facts) -> Option<Day> {
    let mut days = Days::default();
    days.change(before, after);
    days.iter().map(|(_, day, _)| day).min()
}

/// The days on which a dossier is counted, and as what.
fn marks(facts: &Facts) -> impl Iterator<Item = (Day, Counters)> {
    let standing = facts.standing();
    let received = facts.received().filter(|_| standing != Standing::Out);
    let due = facts.record.as_ref().and_then(|record| record.due);
    let closed = match standing {
        Standing::Closed(day) => Some(day),
        _ => None,
    };
    let late = closed.zip(due).is_some_and(|(closed, due)| closed > due);
    // Overdue from the day after the limit on, or from its acceptance; no longer on the day of its
    // finish.
    let overdue = received.zip(due).map(|(received, due)| due.next().max(received));
    let overdue = overdue.filter(|day| closed.is_none_or(|closed| *day < closed));
    let none = Counters::default();
    let marks = [
        (received, Counters { received: 1, ..none }),
        (closed.filter(|_| !late), Counters { finished_in_time: 1, ..none }),
        (closed.filter(|_| late), Counters { finished_late: 1, ..none }),
        (overdue, Counters { overdue_opened: 1, ..none }),
        (overdue.and(closed), Counters { overdue_closed: 1, ..none }),
    ];
    marks.into_iter().filter_map(|(day, counters)| Some((day?, counters)))
}
