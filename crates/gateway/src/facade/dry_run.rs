//! `/packets/{name}/check`: what would be found, and nothing forwarded.

use ::packet::{Report, Side};
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use http::{HeaderValue, Method, response};
use hyper::body::Incoming;
use terms::fault::{Fault, FaultCode};
use terms::limit;

use super::destination::{self, Words};
use super::named::{Named, Unfit, marked};
use super::operation::Operation;
use super::whole::{self, Seen};
use super::{own, packet};
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
    let asked;
    let mode = {
        let catalogue = lane.shared.registry.current();
        let system = permit::find_system(&catalogue, &caller)?;
        record.note_caller(&caller, system);
        permit::check_address(system, arrival.client)?;
        if head.method != Method::POST {
            record.context.allow = Some(HeaderValue::from_static("POST"));
            return Err(FaultCode::MethodNotAllowed.into());
        }
        asked = Named::read(name, query, true)?;
        let named = destination::read(&head.headers, query, Words::Facade)?;
        let subscribed = || {
            let code = named.destination.as_deref();
            let service = super::find_service(lane, &catalogue, code, false).ok()?;
            let version = catalogue.newest(&caller, service, arrival.environment)?;
            let grant = catalogue.grant_operation(&caller, service, version, None).ok()?;
            Some(grant.subscription().packets)
        };
        asked.mode.or_else(subscribed).unwrap_or_default()
    };
    let mut room = lane.room.enter(caller.system());
    let came = whole::read(record, body, limit::BODY_MAX, &mut room).await?;
    let (tables, on) = (lane.shared.tables.load(), packet::today(lane, record));
    record.note_operation(Operation::known(&tables, on, None, name));
    let made = match asked.wrap(&came, "-", tables.find(name, on)) {
        Ok(made) => Ok(marked(&came, &made)),
        Err(Unfit::Form(fault)) => Err(fault),
        Err(Unfit::Parameter(fault)) => return Err(fault),
    };
    let seen = made.as_ref().map_err(Clone::clone).and_then(|made| Seen::read(made));
    let report = match &seen {
        Ok(seen) => ::packet::check(&tables, name, Side::Request, &seen.document, on),
        Err(fault) => Report::of_fault(name, fault),
    };
    record.begin()?;
    // what a dry run finds is told and not refused; nothing was exchanged, so no row counts it
    packet::tell(record, mode, &report);
    let language = fault::language(head.headers.get(ACCEPT_LANGUAGE));
    own::answer(record, report.to_json(mode, language)).await
}
