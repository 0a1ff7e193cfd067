//! What a call tells of dossiers, handed to the desk that keeps facts for statistics: only where
//! that is switched on; the records of which the portal said that it holds them as held, those of
//! which nobody knows as in doubt.

use bytes::Bytes;
use connector::{Failure, PortalHolds, PortalReply};
use dossier::{Carried, Desk, Expected};
use packet::{Envelope, envelope};
use registry::Grant;
use terms::environment::Environment;

use super::whole::Whole;
use crate::lane::Lane;
use crate::record::Record;

/// A packet whose facts may be kept. Dropped unsettled, as when the consumer has gone, it is in
/// doubt: the portal may have acted on it.
pub(crate) struct Kept {
    desk: Desk,
    /// `None` once it is settled.
    carried: Option<Carried>,
    /// Last: over when what is above was handed in.
    _expected: Expected,
}

impl Kept {
    /// The packet of a call that is about to leave; `None` when no facts are kept, or it has none.
    /// Dossiers of a trial are no dossiers.
    pub(crate) fn of(
        lane: &Lane,
        record: &Record,
        grant: &Grant,
        whole: &Whole<'_>,
    ) -> Option<Kept> {
        let desk = lane.shared.desk.as_ref()?;
        if grant.subscription().environment != Environment::Live {
            return None;
        }
        let portal = grant.version().portal.as_ref()?;
        dossier::message::is_told_by(&whole.operation).then(|| Kept {
            desk: desk.clone(),
            carried: Some(Carried {
                packet: whole.operation.as_str().into(),
                sender: portal.unit.clone(),
                body: whole.body.clone(),
                at: record.opened_at(),
            }),
            _expected: desk.expect(),
        })
    }

    /// The portal has answered, or not: what does it hold?
    pub(crate) fn settle<B>(mut self, sent: Result<&PortalReply<B>, &Failure>) {
        let Some(carried) = self.carried.take() else { return };
        let holds = match sent {
            Ok(reply) => reply.holds,
            Err(Failure { reached: false, taken, .. }) => PortalHolds::First(*taken),
            Err(Failure { taken, .. }) => PortalHolds::Unknown { from: *taken, to: usize::MAX },
        };
        let Split { held, in_doubt } = Split::of(&carried.body, holds);
        for body in held {
            // what finds no room is counted there
            self.desk.offer(Carried { body, ..carried.clone() });
        }
        for body in in_doubt {
            self.desk.miss(Carried { body, ..carried.clone() });
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(carried) = self.carried.take() {
            self.desk.miss(carried);
        }
    }
}

/// A body by what the portal holds of its records.
#[derive(Debug, Default, PartialEq, Eq)]
struct Split {
    held: Vec<Bytes>,
    in_doubt: Vec<Bytes>,
}

impl Split {
    fn of(body: &Bytes, holds: PortalHolds) -> Split {
        let (held, doubt) = match holds {
            PortalHolds::All => {
                return Split { held: vec![body.clone()], in_doubt: Vec::new() };
            }
            PortalHolds::First(count) => (count, count),
            PortalHolds::Unknown { from, to } => (from, to),
        };
        if doubt == 0 {
            return Split::default();
        }
        let Ok(envelope) = Envelope::read(body) else {
            return Split { held: Vec::new(), in_doubt: vec![body.clone()] };
        };
        if held == 0 && doubt >= envelope.count() {
            return Split { held: Vec::new(), in_doubt: vec![body.clone()] };
        }
        let mut records = envelope::groups(body, &envelope, 1);
        records.truncate(doubt);
        let in_doubt = records.split_off(held.min(records.len()));
        let held = match held {
            0 => Vec::new(),
            // in one piece
            count => envelope::groups(body, &envelope, count).into_iter().take(1).collect(),
        };
        Split { held, in_doubt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_records_that_the_portal_holds_and_those_in_doubt() {
        let body = Bytes::from_static(br#"{"data":[{"a":1},{"a":2}, {"a":3}],"x":1}"#);
        let whole = || vec![String::from_utf8(body.to_vec()).unwrap()];
        let of = |records: &str| format!(r#"{{"data":[{records}],"x":1}}"#);
        let [one, two, three] = [1, 2, 3].map(|n| of(&format!(r#"{{"a":{n}}}"#)));
        let unknown = |from, to| PortalHolds::Unknown { from, to };
        for (holds, held, in_doubt) in [
            (PortalHolds::All, whole(), vec![]),
            (PortalHolds::First(0), vec![], vec![]),
            (PortalHolds::First(2), vec![of(r#"{"a":1},{"a":2}"#)], vec![]),
            (PortalHolds::First(3), whole(), vec![]),
            (unknown(0, 3), vec![], whole()),
            (unknown(0, usize::MAX), vec![], whole()),
            (unknown(0, 2), vec![], vec![one.clone(), two.clone()]),
            (unknown(1, 2), vec![one.clone()], vec![two.clone()]),
            (unknown(1, usize::MAX), vec![one], vec![two, three]),
        ] {
            let split = Split::of(&body, holds);
            let texts = |bodies: &[Bytes]| -> Vec<String> {
                bodies.iter().map(|b| String::from_utf8(b.to_vec()).unwrap()).collect()
            };
            assert_eq!((texts(&split.held), texts(&split.in_doubt)), (held, in_doubt), "{holds:?}");
        }
        // what cannot be taken apart is in doubt as a whole
        let odd = Bytes::from_static(b"no JSON");
        assert_eq!(Split::of(&odd, PortalHolds::First(1)).in_doubt, [odd]);
    }
}
