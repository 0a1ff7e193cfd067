//! What a call tells of dossiers, handed to the desk that keeps facts for statistics: only where
//! that is switched on, only after the portal said that it took the packet.

use dossier::Carried;
use packet::ErrorCode;
use registry::Grant;
use terms::environment::Environment;

use super::whole::Cargo;
use crate::lane::Lane;
use crate::record::Record;
use crate::reply::Held;

/// A packet whose facts may be kept.
pub(crate) struct Kept(Carried);

impl Kept {
    /// The packet of a call that is about to leave; `None` when no facts are kept, or it has none.
    /// Dossiers of a trial are no dossiers.
    pub(crate) fn of(
        lane: &Lane,
        record: &Record,
        grant: &Grant,
        cargo: &Cargo<'_>,
    ) -> Option<Kept> {
        lane.shared.desk.as_ref()?;
        if grant.subscription().environment != Environment::Live {
            return None;
        }
        let Cargo::Whole(whole) = cargo else { return None };
        let portal = grant.version().portal.as_ref()?;
        dossier::message::is_told_by(&whole.operation).then(|| {
            Kept(Carried {
                packet: whole.operation.as_str().into(),
                sender: portal.unit.clone(),
                body: whole.body.clone(),
                at: record.opened_at(),
            })
        })
    }

    /// The answer is there: was the packet taken?
    pub(crate) fn settle(self, lane: &Lane, held: &Held) {
        let (Some(desk), Held::Whole(chunks)) = (&lane.shared.desk, held) else { return };
        let answer: Vec<u8> = chunks.iter().flatten().copied().collect();
        if ErrorCode::read(&answer).is_some_and(|code| code.is_success()) {
            // what finds no room is counted there
            desk.offer(self.0);
        }
    }
}
