//! What a call tells of dossiers, handed to the desk that keeps facts for statistics: only where
//! that is switched on, and only the records of which the portal said that it holds them.

use bytes::Bytes;
use connector::{Failure, PortalHolds, PortalReply};
use dossier::Carried;
use packet::{Envelope, envelope};
use registry::Grant;
use terms::environment::Environment;

use super::whole::Whole;
use crate::lane::Lane;
use crate::record::Record;

/// A packet whose facts may be kept.
pub(crate) struct Kept(Carried);

impl Kept {
    /// The packet of a call that is about to leave; `None` when no facts are kept, or it has none.
    /// Dossiers of a trial are no dossiers.
    pub(crate) fn of(
        lane: &Lane,
        record: &Record,
        grant: &Grant,
        whole: &Whole<'_>,
    ) -> Option<Kept> {
        lane.shared.desk.as_ref()?;
        if grant.subscription().environment != Environment::Live {
            return None;
        }
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

    /// The portal has answered, or not: what does it hold?
    pub(crate) fn settle<B>(self, lane: &Lane, sent: Result<&PortalReply<B>, &Failure>) {
        let Some(desk) = &lane.shared.desk else { return };
        let (holds, is_known) = match sent {
            Ok(reply) => (reply.holds, reply.holds != PortalHolds::Unknown),
            Err(failure) => (PortalHolds::First(failure.taken), !failure.reached),
        };
        if !is_known {
            tracing::warn!(
                code = "facts_missed",
                "the portal did not say whether it took a packet"
            );
        }
        if let Some(body) = held_by_portal(&self.0.body, holds) {
            // what finds no room is counted there
            desk.offer(Carried { body, ..self.0 });
        }
    }
}

/// The body with the records that the portal holds; `None` when it holds none.
fn held_by_portal(body: &Bytes, holds: PortalHolds) -> Option<Bytes> {
    match holds {
        PortalHolds::All => Some(body.clone()),
        PortalHolds::First(0) | PortalHolds::Unknown => None,
        PortalHolds::First(count) => {
            let envelope = Envelope::read(body).ok()?;
            envelope::groups(body, &envelope, count).into_iter().next()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_records_that_the_portal_holds_and_no_others() {
        let body = Bytes::from_static(br#"{"data":[{"a":1},{"a":2}, {"a":3}],"x":1}"#);
        let first = |count| held_by_portal(&body, PortalHolds::First(count));
        assert_eq!(held_by_portal(&body, PortalHolds::All), Some(body.clone()));
        assert_eq!(held_by_portal(&body, PortalHolds::Unknown), None);
        assert_eq!(first(0), None);
        assert_eq!(&first(2).unwrap()[..], br#"{"data":[{"a":1},{"a":2}],"x":1}"#);
        assert_eq!(first(3), Some(body.clone()));
    }
}
