//! What a call tells of dossiers, handed to the desk that keeps facts for statistics: only where
//! that is switched on; the records of which the portal said that it holds them as held, those of
//! which nobody knows as in doubt.

use connector::{Failure, PortalHolds, PortalReply};
use dossier::{Carried, Desk, Expected};
use registry::Grant;
use terms::environment::Environment;

use super::whole::Whole;
use crate::lane::Lane;
use crate::record::Record;

/// A packet whose facts may be kept. Dropped unsettled, as when the consumer has gone, it is in
/// doubt: the portal may have acted on it.
pub(crate) struct Kept {
    /// `None` once it is settled.
    carried: Option<Carried>,
    /// Over when that was handed in, and before the desk is.
    _expected: Expected,
    desk: Desk,
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
            carried: Some(Carried {
                packet: whole.operation.as_str().into(),
                sender: portal.unit.clone(),
                body: whole.body.clone(),
                at: record.opened_at(),
                held: 0,
                doubt: usize::MAX,
            }),
            _expected: desk.expect(),
            desk: desk.clone(),
        })
    }

    /// The portal has answered, or not: what does it hold?
    pub(crate) fn settle<B>(mut self, sent: Result<&PortalReply<B>, &Failure>) {
        let PortalHolds { held, doubt } = sent.map_or_else(|failure| failure.holds, |r| r.holds);
        self.carried = self.carried.take().map(|carried| Carried { held, doubt, ..carried });
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(carried) = self.carried.take().filter(|carried| carried.doubt > 0) {
            // what finds no room is counted there
            self.desk.offer(carried);
        }
    }
}
