//! What a body says of the call: the operation, whether the consumer may use it, and whether it is
//! the packet that the standard describes (QCV-01 to QCV-17).

use std::ops::Range;

use bytes::Bytes;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use http::{HeaderValue, Method, Uri, response};
use hyper::body::Incoming;
use packet::{Document, Envelope, FormFault, Mode, Report, Side, Verdict, envelope};
use registry::{Grant, Version};
use serde_json::{Map, Value};
use terms::fault::{Fault, FaultCode, Sentence};
use terms::limit;

use super::whole::{self, Cargo, Seen, Whole};
use super::{destination, dialect, own};
use crate::lane::Lane;
use crate::parameter::decode;
use crate::record::{Arrival, Record};
use crate::reply::Held;
use crate::{fault, permit};

/// Bytes of the list of broken rules in a row.
const SUMMARY_BYTES_MAX: usize = 1_024;
/// Stands where the session belongs until the connector puts its own there.
const SESSION: &str = "lgsp";

/// What must be looked at in a body before the call goes on.
pub(crate) enum Look {
    /// Nothing: it passes as it comes.
    Nothing,
    /// The envelope of the session protocol.
    Envelope,
    /// A packet whose name stands in the path.
    Packet(Box<Named>),
}

/// What the path and the query of a packet path say.
pub(crate) struct Named {
    name: String,
    unit: Option<String>,
    updating: Option<bool>,
    /// Parameters of a pull.
    parameters: Map<String, Value>,
}

impl Look {
    /// What a plain call of a version needs: the portal's session stands in its body.
    pub(crate) fn plain(version: &Version) -> Look {
        if version.portal.is_some() { Look::Envelope } else { Look::Nothing }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Look::Nothing)
    }

    pub(super) fn packet(uri: &Uri, name: Range<usize>) -> Look {
        Look::Packet(Box::new(Named::read(&uri.path()[name], uri.query().unwrap_or_default())))
    }
}

impl Named {
    /// Reads the query: the unit, whether it is an update, and whatever else there is as a
    /// parameter of a pull. What cannot be decoded is left to the provider.
    fn read(name: &str, query: &str) -> Named {
        let parameters = Map::new();
        let mut named = Named { name: name.to_owned(), unit: None, updating: None, parameters };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(key), Some(value)) = (decode(key, true), decode(value, true)) else {
                continue;
            };
            let is = |expected: &str| key.eq_ignore_ascii_case(expected);
            if is(envelope::name::UNIT) || is("MaDinhDanhDV") {
                named.unit = Some(value.into_owned());
            } else if is(envelope::name::UPDATING) {
                named.updating = Some(value.eq_ignore_ascii_case("true") || value == "1");
            } else if !destination::is_ours(&key) && !is(envelope::name::SESSION) && !is("mode") {
                named.parameters.insert(key.into_owned(), value.into_owned().into());
            }
        }
        named
    }

    /// The envelope of a call that brought a bare array, `{"data":[…]}`, the parameters of a pull,
    /// or nothing; in JSON or XML.
    fn wrap(&self, body: &[u8], unit: &str) -> Result<Bytes, FormFault> {
        let unit = self.unit.as_deref().unwrap_or(unit);
        let put = |body: &[u8]| envelope::wrap(&self.name, unit, self.updating, body, SESSION);
        let begin = body.iter().find(|byte| !byte.is_ascii_whitespace());
        match begin {
            None => put(&serde_json::to_vec(&self.parameters).unwrap_or_default()),
            Some(b'<') => put(Document::read(body, None)?.to_json().as_bytes()),
            Some(_) => put(body),
        }
    }
}

/// Reads what a body says: may the consumer use the operation, is the packet as it should be? A
/// body that has not come yet is read now; what goes on is the call as the provider speaks.
pub(crate) async fn inspect<'a>(
    lane: &Lane,
    record: &mut Record,
    grant: &Grant,
    look: Look,
    cargo: Cargo<'a>,
) -> Result<Cargo<'a>, Fault> {
    let (came, room) = match cargo {
        Cargo::Whole(mut whole) => {
            if let Some(seen) = whole.seen.take() {
                whole.operation = judge(lane, record, grant, &seen, None)?;
            }
            return Ok(Cargo::Whole(whole));
        }
        Cargo::Coming(incoming) => {
            let mut room = lane.room.enter(true);
            let bytes_max = grant.version().body_max;
            (whole::read(record, incoming, bytes_max, &mut room).await?, room)
        }
    };
    let unit = grant.version().portal.as_ref().map(|portal| &*portal.unit);
    let (made, named) = match &look {
        Look::Packet(named) => (named.wrap(&came, unit.unwrap_or_default()), Some(&*named.name)),
        Look::Envelope | Look::Nothing => (complete(&came, unit), None),
    };
    let operation = match made.as_ref().map_err(Clone::clone).and_then(|made| Seen::read(made)) {
        Ok(seen) => judge(lane, record, grant, &seen, named)?,
        Err(fault) => pass_unread(record, grant, &fault, named)?,
    };
    // a provider that is no portal gets what the consumer sent
    let body = made.ok().filter(|_| unit.is_some()).unwrap_or_else(|| came.clone());
    Ok(Cargo::Whole(Whole::looked(body, came, operation, room)))
}

/// The envelope of a call whose consumer needs no session there, since its token came in the
/// header, and no unit, since that is the account's: for a portal both are put in.
fn complete(came: &Bytes, unit: Option<&str>) -> Result<Bytes, FormFault> {
    let Some(unit) = unit else { return Ok(came.clone()) };
    let envelope = Envelope::read(came)?;
    if envelope.session().is_some() && envelope.madonvi().is_some() {
        return Ok(came.clone());
    }
    let made = envelope::with_unit_if_absent(came, &envelope, unit);
    let envelope = Envelope::read(&made)?;
    Ok(match envelope.session() {
        Some(_) => made.clone(),
        None => envelope::with_session(&made, &envelope, SESSION),
    })
}

/// Checks operation and packet. Gives the operation as the call names it.
fn judge(
    lane: &Lane,
    record: &mut Record,
    grant: &Grant,
    seen: &Seen<'_>,
    named: Option<&str>,
) -> Result<String, Fault> {
    let operation = named.or(seen.envelope.service()).unwrap_or_default();
    if operation.is_empty() {
        return Err(Fault::new(FaultCode::RequestInvalid).because(Sentence::new(
            "Nội dung không nêu tên dịch vụ (service).",
            "The body does not name a service.",
        )));
    }
    let subscription = grant.subscription();
    let tables = lane.shared.tables.load();
    let on = today(lane, record);
    if let Some(table) = tables.find(operation, on) {
        record.note_operation(table.packet.clone());
    } else if dialect::is_name(operation) {
        record.note_operation(operation);
    }
    if !subscription.admits(operation) {
        return Err(FaultCode::NotSubscribed.into());
    }
    let report = packet::check(&tables, operation, Side::Request, &seen.document, on);
    settle(record, subscription.packets, &report)?;
    Ok(operation.to_owned())
}

/// A body that is no document has no operation but the one in the path. A portal cannot be given
/// it, since nobody knows where its session stands; any other provider gets it as it is, unless
/// the subscription refuses what does not conform.
fn pass_unread(
    record: &mut Record,
    grant: &Grant,
    fault: &FormFault,
    named: Option<&str>,
) -> Result<String, Fault> {
    let operation = named.unwrap_or_default();
    if dialect::is_name(operation) {
        record.note_operation(operation);
    }
    let subscription = grant.subscription();
    if !subscription.admits(operation) {
        return Err(FaultCode::NotSubscribed.into());
    }
    settle(record, subscription.packets, &Report::of_fault(operation, fault))?;
    if grant.version().portal.is_some() {
        return Err(malformed(fault));
    }
    Ok(operation.to_owned())
}

/// Notes what a check found, for the row and for the consumer, and refuses if it must.
fn settle(record: &mut Record, mode: Mode, report: &Report) -> Result<(), Fault> {
    let verdict = report.verdict(mode);
    record.note_packet(verdict, report.unchecked, report.summary(SUMMARY_BYTES_MAX));
    let told = format!("{verdict}; unchecked={}; violations={}", report.unchecked, report.count);
    record.context.packet = HeaderValue::try_from(told).ok();
    if verdict != Verdict::Refused {
        return Ok(());
    }
    let fault = Fault::new(FaultCode::PacketInvalid);
    Err(match report.headline(mode) {
        Some(sentence) => fault.because(sentence),
        None => fault,
    })
}

/// The fault of a body that is no document: which rule of form, where.
pub(super) fn malformed(fault: &FormFault) -> Fault {
    let FormFault { path, offset, sentence, .. } = fault;
    let place = if path.is_empty() { String::new() } else { format!("{path}, ") };
    Fault::new(FaultCode::RequestInvalid).because(Sentence::made(
        format!("{} ({place}byte {offset})", sentence.vi),
        format!("{} ({place}byte {offset})", sentence.en),
    ))
}

fn today(lane: &Lane, record: &Record) -> jiff::civil::Date {
    record.opened_at().to_jiff().to_zoned(lane.shared.zone.clone()).date()
}

/// Checks a packet and forwards nothing: any system may ask, with its token.
pub(super) async fn check_only(
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
    let (tables, on) = (lane.shared.tables.load(), today(lane, record));
    let named = Named::read(name, query);
    let made = named.wrap(&came, "-");
    let seen = made.as_ref().map_err(Clone::clone).and_then(|made| Seen::read(made));
    let report = match &seen {
        Ok(seen) => packet::check(&tables, name, Side::Request, &seen.document, on),
        Err(fault) => Report::of_fault(name, fault),
    };
    record.note_operation(report.packet.clone());
    // what a dry run finds is told, not refused
    let _ = settle(record, mode, &report);
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
