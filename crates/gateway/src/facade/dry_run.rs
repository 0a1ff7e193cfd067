//! `/packets/{name}/check`: what would be found, and nothing forwarded.

use ::packet::{Mode, Report, Side};
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use http::{HeaderValue, Method, response};
use hyper::body::Incoming;
use terms::fault::{Fault, FaultCode, Sentence};
use terms::limit;

use super::packet::{self, Named};
use super::whole::{self, Seen};
use super::{destination, own};
use crate::lane::Lane;
use crate::record::{Arrival, Record};
use crate::reply::Held;
use crate::{fault, permit};

/// Checks a packet and forwards nothing: any system may ask, with its token.
pub(super) async fn check(
    lane: &Lane,
    record: &mut Record,
    arrival: Arrival,
    head: Parts,
    body: Incoming,
    name: &str,
) -> Result<(response::Parts, Held), Fault> {
    let caller = permit::verify(lane, &head, arrival.environment)?;
    let query = head.uri.query().unwrap_or_default();
    let mode = {
        let catalogue = lane.shared.registry.current();
        let system = permit::find_system(&catalogue, &caller)?;
        record.note_caller(&caller, system);
        permit::check_address(system, arrival.client)?;
        if head.method != Method::POST {
            record.context.allow = Some(HeaderValue::from_static("POST"));
            return Err(FaultCode::MethodNotAllowed.into());
        }
        let named = destination::read(&head.headers, query)?;
        let subscribed = || {
            let code = named.destination.as_deref();
            let service = super::find_service(lane, &catalogue, code, false).ok()?;
            let version = catalogue.newest(&caller, service, arrival.environment)?;
            let grant = catalogue.grant_operation(&caller, service, version, None).ok()?;
            Some(grant.subscription().packets)
        };
        asked_mode(query)?.or_else(subscribed).unwrap_or_default()
    };
    let mut room = lane.room.enter(true);
    let came = whole::read(record, body, limit::BODY_MAX, &mut room).await?;
    let (tables, on) = (lane.shared.tables.load(), packet::today(lane, record));
    let named = Named::read(name, query);
    let made = named.wrap(&came, "-", tables.find(name, on));
    let seen = made.as_ref().map_err(Clone::clone).and_then(|made| Seen::read(made));
    let report = match &seen {
        Ok(seen) => ::packet::check(&tables, name, Side::Request, &seen.document, on),
        Err(fault) => Report::of_fault(name, fault),
    };
    record.note_operation(report.packet.clone());
    record.begin()?;
    // what a dry run finds is told, not refused
    let _ = packet::settle(record, mode, &report);
    let language = fault::language(head.headers.get(ACCEPT_LANGUAGE));
    own::answer(record, report.to_json(mode, language)).await
}

/// The mode asked for in the query of a dry run.
fn asked_mode(query: &str) -> Result<Option<Mode>, Fault> {
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("mode="));
    let read = |text: &str| {
        text.parse().map_err(|_| {
            Fault::new(FaultCode::ParameterInvalid).because(Sentence::new(
                "mode phải là report, refuse hoặc strict.",
                "mode is report, refuse or strict.",
            ))
        })
    };
    asked.map(read).transpose()
}
