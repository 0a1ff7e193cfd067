//! What a body says of the call: the operation, whether the consumer may use it, and whether it is
//! the packet that the standard describes (QCV-01 to QCV-17).

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use http::{HeaderValue, Uri};
use packet::{Document, Envelope, FormFault, Mode, Report, Shape, Side, Syntax, Verdict, envelope};
use registry::Grant;
use terms::fault::{Fault, FaultCode, Sentence};
use terms::portal::PortalNames;

use super::destination;
use super::named::{Named, SESSION, Unfit, marked};
use super::operation::{self, Operation};
use super::whole::{self, Cargo, Seen, Whole};
use crate::lane::Lane;
use crate::parameter::decode;
use crate::record::Record;

/// Bytes of the list of broken rules in a row.
const SUMMARY_BYTES_MAX: usize = 1_024;

/// What must be looked at in a body before the call goes on.
pub(crate) enum Look {
    /// Nothing: it passes as it comes.
    Nothing,
    /// The envelope of the session protocol.
    Envelope,
    /// A packet whose name stands in the path.
    Packet(Box<Named>),
    /// A relayed call of a subscription that is limited: its service, or else the operation that
    /// the path names.
    Relay(String),
    /// A login that is relayed.
    Login,
}

impl Look {
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Look::Nothing)
    }

    pub(super) fn packet(uri: &Uri, name: Range<usize>) -> Result<Look, Fault> {
        let query = uri.query().unwrap_or_default();
        Ok(Look::Packet(Box::new(Named::read(&uri.path()[name], query, false)?)))
    }
}

/// What a body could name to a provider that reads it as a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Nothing: its content type is another one, or nothing depends on it.
    Nothing,
    /// A service, where the subscription is limited.
    Service,
    /// That, and a destination.
    Destination,
}

/// The first byte that says something.
pub(super) fn first(body: &[u8]) -> Option<u8> {
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// Reads what a body says: may the consumer use the operation, is the packet as it should be? A
/// body that has not come yet is read now; what goes on is the call as the provider speaks.
pub(crate) async fn inspect<'a>(
    lane: &Lane,
    record: &mut Record,
    grant: &Grant,
    (look, naming): (Look, Naming),
    cargo: Cargo<'a>,
) -> Result<Cargo<'a>, Fault> {
    let unit = grant.version().portal.as_ref().map(|portal| &*portal.unit);
    let bytes_max = grant.version().body_max;
    let incoming = match cargo {
        Cargo::Coming(incoming) => incoming,
        Cargo::Whole(mut whole) => {
            if let Some(seen) = whole.seen.take() {
                let came = whole.body.clone();
                let mut inspection = Inspection { lane, record, grant };
                inspection.check_form(&came, naming)?;
                let (operation, body) = inspection.complete(&came, &seen, unit)?;
                whole.turn(operation, body, unit.is_some())?;
            }
            return Ok(Cargo::Whole(whole));
        }
    };
    let mut room = lane.room.enter(&grant.subscription().system);
    let came = whole::read(record, incoming, bytes_max, &mut room).await?;
    let mut inspection = Inspection { lane, record, grant };
    inspection.check_form(&came, naming)?;
    let (operation, body) = match (&look, unit) {
        (Look::Packet(named), Some(unit)) => inspection.wrap(&came, named, unit)?,
        (Look::Packet(named), None) => (inspection.look_at_data(&came, named)?, came.clone()),
        (Look::Relay(operation), _) => (inspection.relay(&came, operation)?, came.clone()),
        (Look::Login, _) => (check_login(&came).map(|()| String::new())?, came.clone()),
        (Look::Nothing, _) => (String::new(), came.clone()),
        (Look::Envelope, _) => match Seen::read(&came) {
            Ok(seen) => inspection.complete(&came, &seen, unit)?,
            Err(fault) => (inspection.pass_unread(&fault, None)?, came.clone()),
        },
    };
    let mut whole = Whole::read(came, room);
    whole.turn(operation, body, unit.is_some())?;
    Ok(Cargo::Whole(whole))
}

/// A granted call whose body is looked at.
struct Inspection<'i> {
    lane: &'i Lane,
    record: &'i mut Record,
    grant: &'i Grant,
}

impl Inspection<'_> {
    /// An envelope whose consumer needs no session there, since its token came in the header, and
    /// no unit, since that is the account's: for a portal both are put in.
    fn complete(
        &mut self,
        came: &Bytes,
        seen: &Seen<'_>,
        unit: Option<&str>,
    ) -> Result<(String, Bytes), Fault> {
        let envelope = &seen.envelope;
        let named = envelope.service().unwrap_or_default();
        let names = self.grant.version().portal.as_ref().map(|portal| &portal.names);
        // a second one beside what the portal's spelling names would be refused
        let spelt = |spelling: fn(&PortalNames) -> &str| {
            names.is_some_and(|names| seen.document.root().get(spelling(names)).is_some())
        };
        let has_session = envelope.session().is_some() || spelt(|names| &names.session);
        let has_unit = envelope.madonvi().is_some() || spelt(|names| &names.unit);
        let Some(unit) = unit.filter(|_| !(has_session && has_unit)) else {
            return Ok((self.judge(named, &seen.document, Side::Request)?, came.clone()));
        };
        let mut made = came.clone();
        if !has_unit {
            made = envelope::with_unit_if_absent(came, envelope, unit);
        }
        if !has_session {
            let read = Envelope::read(&made).map_err(|fault| malformed(&fault))?;
            made = envelope::with_session(&made, &read, SESSION);
        }
        let document = Document::read(&made, None).map_err(|fault| malformed(&fault))?;
        let operation = self.judge(named, &document, Side::Request)?;
        drop(document);
        Ok((operation, made))
    }

    /// A body that goes on byte for byte to where it could be read as a form.
    fn check_form(&self, came: &Bytes, naming: Naming) -> Result<(), Fault> {
        // a portal is asked in JSON
        if naming != Naming::Nothing && self.grant.version().portal.is_none() {
            let text = String::from_utf8_lossy(came);
            operation::check_query(self.grant.subscription(), &text)?;
        }
        if naming != Naming::Destination {
            return Ok(());
        }
        let catalogue = self.lane.shared.registry.current();
        let service = &self.grant.service().code;
        destination::check_form(came, |code| {
            catalogue.destination(code).is_some_and(|found| found.code == *service)
        })
    }

    /// The records of a packet path, or its parameters, on their way to a portal.
    fn wrap(&mut self, came: &Bytes, named: &Named, unit: &str) -> Result<(String, Bytes), Fault> {
        let (tables, on) = (self.lane.shared.tables.load(), today(self.lane, self.record));
        let table = tables.find(&named.name, on);
        if let Some(made) = named.enclose(came, unit, table)?
            && let Ok(document) = Document::read(&made.body, None)
            && made.is_whole(&document)
        {
            let operation = self.judge(&named.name, &document, Side::Request)?;
            drop(document);
            return Ok((operation, made.body));
        }
        let made = match named.wrap(came, unit, table) {
            Ok(made) => made,
            Err(Unfit::Parameter(fault)) => return Err(fault),
            Err(Unfit::Form(fault)) => {
                return Ok((self.pass_unread(&fault, Some(&named.name))?, came.clone()));
            }
        };
        let operation = match Document::read(&marked(came, &made), None) {
            Ok(document) => self.judge(&named.name, &document, Side::Request)?,
            Err(fault) => self.pass_unread(&fault, Some(&named.name))?,
        };
        Ok((operation, made))
    }

    /// The same on their way to a provider that takes them as they are.
    fn look_at_data(&mut self, came: &Bytes, named: &Named) -> Result<String, Fault> {
        let made;
        let text = if first(came).is_none() {
            made = named.asked();
            &made[..]
        } else {
            came
        };
        match Document::read(text, None) {
            Ok(document) => {
                named.check_body(&document, false)?;
                if self.is_limited() {
                    check_service(&document, &named.name)?;
                }
                self.judge(&named.name, &document, Side::Data)
            }
            Err(fault) => {
                self.check_unread(came, &fault)?;
                self.pass_unread(&fault, Some(&named.name))
            }
        }
    }

    /// A relayed call. The service that its body names is the operation, whatever the path says:
    /// that is what its provider will do. Only where it names none is it the path's.
    fn relay(&mut self, came: &Bytes, operation: &str) -> Result<String, Fault> {
        if first(came).is_none() {
            return self.admit(operation);
        }
        let document = match Document::read(came, None) {
            Ok(document) => document,
            Err(fault) => {
                self.check_unread(came, &fault)?;
                return self.pass_unread(&fault, Some(operation));
            }
        };
        if let Some(named) = service_of(&document)? {
            return self.judge(&named, &document, Side::Request);
        }
        // a name that is percent-coded is granted to nobody, but is a packet to whoever decodes it
        self.admit(operation)?;
        let name = decode(operation, false).unwrap_or_default();
        let name = operation::as_served(&name);
        let is_packet = {
            let tables = self.lane.shared.tables.load();
            tables.find(name, today(self.lane, self.record)).is_some()
        };
        if is_packet || operation.is_empty() {
            return self.judge(name, &document, Side::Data);
        }
        Ok(operation.to_owned())
    }

    /// An operation of which nothing but its name is known.
    fn admit(&mut self, operation: &str) -> Result<String, Fault> {
        self.note(operation);
        if !self.grant.subscription().admits(operation) {
            return Err(FaultCode::NotSubscribed.into());
        }
        Ok(operation.to_owned())
    }

    fn note(&mut self, operation: &str) {
        let (tables, on) = (self.lane.shared.tables.load(), today(self.lane, self.record));
        let subscription = Some(&**self.grant.subscription());
        self.record.note_operation(Operation::known(&tables, on, subscription, operation));
    }

    fn is_limited(&self) -> bool {
        super::is_limited(self.grant)
    }

    /// Where operations are limited, a body that we cannot read passes only if it cannot name a
    /// service to a reader who is less strict: it is no JSON, no XML and has no parts.
    fn check_unread(&self, came: &[u8], fault: &FormFault) -> Result<(), Fault> {
        let subscription = self.grant.subscription();
        if subscription.operations.is_none() {
            return Ok(());
        }
        let is_plain = |text: &&str| {
            let mut lines = text.split(['\n', '\r']);
            !text.contains(['{', '<']) && !lines.any(|line| line.starts_with("--"))
        };
        let text = std::str::from_utf8(came).ok().filter(is_plain);
        let text = text.ok_or_else(|| malformed(fault))?;
        Ok(operation::check_query(subscription, text)?)
    }

    /// Checks operation and packet. Gives the operation as the call names it.
    fn judge(
        &mut self,
        operation: &str,
        document: &Document<'_>,
        side: Side,
    ) -> Result<String, Fault> {
        if operation.is_empty() {
            return Err(Fault::new(FaultCode::RequestInvalid).because(Sentence::new(
                "Nội dung không nêu tên dịch vụ (service).",
                "The body does not name a service.",
            )));
        }
        if let Some(portal) = &self.grant.version().portal {
            check_named_once(document, &portal.names)?;
        }
        self.note(operation);
        let (tables, on) = (self.lane.shared.tables.load(), today(self.lane, self.record));
        let subscription = self.grant.subscription();
        if !subscription.admits(operation) {
            return Err(FaultCode::NotSubscribed.into());
        }
        let report = packet::check(&tables, operation, side, document, on);
        settle(self.record, subscription.packets, &report)?;
        Ok(operation.to_owned())
    }

    /// A body that is no document has no operation but the one in the path. A portal cannot be
    /// given it, since nobody knows where its session stands; any other provider gets it as it is,
    /// unless the subscription refuses what does not conform.
    fn pass_unread(&mut self, fault: &FormFault, named: Option<&str>) -> Result<String, Fault> {
        let operation = named.unwrap_or_default();
        self.note(operation);
        let subscription = self.grant.subscription();
        if !subscription.admits(operation) {
            return Err(FaultCode::NotSubscribed.into());
        }
        settle(self.record, subscription.packets, &Report::of_fault(operation, fault))?;
        if self.grant.version().portal.is_some() {
            return Err(malformed(fault));
        }
        Ok(operation.to_owned())
    }
}

/// Does an object name a service, in whatever case of the name?
fn names_service(document: &Document<'_>) -> bool {
    let is = |name: &str| destination::reads_as(name, envelope::name::SERVICE);
    document.root().members().any(|(name, _)| is(&name))
}

/// The service that a document names, in JSON or XML; empty where it names one in a way that only
/// some readers would understand.
fn service_of<'d>(document: &'d Document<'_>) -> Result<Option<Cow<'d, str>>, Fault> {
    if !names_service(document) {
        return Ok(None);
    }
    if document.syntax() == Syntax::Json {
        // whole and strictly: a part of it that stands twice is refused
        Envelope::of(document).map_err(|fault| malformed(&fault))?;
    }
    let named = document.root().get(envelope::name::SERVICE).and_then(packet::Value::text);
    Ok(Some(named.unwrap_or_default()))
}

/// Refuses a body that names another service than its path.
fn check_service(document: &Document<'_>, path: &str) -> Result<(), Fault> {
    match service_of(document)? {
        Some(named) if !named.eq_ignore_ascii_case(path) => {
            Err(Fault::new(FaultCode::RequestInvalid).because(Sentence::new(
                "`service` trong nội dung khác với tên trong đường dẫn.",
                "`service` in the body is not the name in the path.",
            )))
        }
        _ => Ok(()),
    }
}

/// A login is an object that names no service; anything else is a call.
fn check_login(came: &[u8]) -> Result<(), Fault> {
    let document = Document::read(came, None).map_err(|fault| malformed(&fault))?;
    let is_object = document.syntax() == Syntax::Json && document.root().shape() == Shape::Map;
    if is_object && !names_service(&document) {
        return Ok(());
    }
    Err(Fault::new(FaultCode::RequestInvalid).because(Sentence::new(
        "Nội dung không phải là yêu cầu đăng nhập.",
        "The body is no login.",
    )))
}

/// Notes what a check found, for the row and for the consumer, and refuses if it must.
fn settle(record: &mut Record, mode: Mode, report: &Report) -> Result<(), Fault> {
    let verdict = report.verdict(mode);
    record.note_packet(verdict, report.unchecked, report.summary(SUMMARY_BYTES_MAX));
    tell(record, mode, report);
    if verdict != Verdict::Refused {
        return Ok(());
    }
    let fault = Fault::new(FaultCode::PacketInvalid);
    Err(match report.headline(mode) {
        Some(sentence) => fault.because(sentence),
        None => fault,
    })
}

/// What a check found, in the header of the answer.
pub(super) fn tell(record: &mut Record, mode: Mode, report: &Report) {
    let Report { unchecked, count, .. } = report;
    let told = format!("{}; unchecked={unchecked}; violations={count}", report.verdict(mode));
    record.context.packet = HeaderValue::try_from(told).ok();
}

/// Refuses an envelope that names a part twice, in the standard's spelling or in the portal's:
/// nobody knows which of the two the portal takes, and only one of them was granted and checked.
fn check_named_once(document: &Document<'_>, names: &PortalNames) -> Result<(), Fault> {
    let spellings = [
        (envelope::name::SERVICE, &*names.service),
        (envelope::name::UNIT, &*names.unit),
        (envelope::name::SESSION, &*names.session),
        (envelope::name::UPDATING, &*names.updating),
    ];
    let mut seen = [false; 4];
    for (written, _) in document.root().members() {
        for (seen, (name, spelling)) in seen.iter_mut().zip(spellings) {
            let is = |known: &str| written.eq_ignore_ascii_case(known);
            if (is(name) || is(spelling)) && std::mem::replace(seen, true) {
                return Err(Fault::new(FaultCode::RequestInvalid).because(Sentence::made(
                    format!("`{name}` được nêu hai lần (hoặc dưới tên `{spelling}` của Cổng)."),
                    format!("`{name}` is named twice (or as `{spelling}`, the portal's name)."),
                )));
            }
        }
    }
    Ok(())
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

pub(super) fn today(lane: &Lane, record: &Record) -> jiff::civil::Date {
    record.opened_at().to_jiff().to_zoned(lane.shared.zone.clone()).date()
}
