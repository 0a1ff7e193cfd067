//! What a body says of the call: the operation, whether the consumer may use it, and whether it is
//! the packet that the standard describes (QCV-01 to QCV-17).

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Uri};
use packet::{
    Document, Envelope, FormFault, Mode, Report, Shape, Side, Syntax, Table, Verdict, envelope,
};
use registry::{Grant, Version};
use serde_json::{Map, Value};
use terms::fault::{Fault, FaultCode, Sentence};
use terms::portal::PortalNames;

use super::whole::{self, Cargo, Seen, Whole};
use super::{destination, dialect};
use crate::lane::Lane;
use crate::parameter::decode;
use crate::record::Record;

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
    /// A relayed call of a subscription that is limited: its service, or else the operation that
    /// the path names.
    Relay(String),
    /// A login that is relayed.
    Login,
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
    pub(super) fn read(name: &str, query: &str) -> Named {
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
    pub(super) fn wrap(
        &self,
        body: &[u8],
        unit: &str,
        table: Option<&Table>,
    ) -> Result<Bytes, FormFault> {
        let unit = self.unit.as_deref().unwrap_or(unit);
        let is_bare = || is_list(body) || !is_envelope(body);
        let asked = self.updating.is_none() && table.is_some_and(asks_updating) && is_bare();
        let updating = self.updating.or(asked.then_some(false));
        let put = |body: &[u8]| envelope::wrap(&self.name, unit, updating, body, SESSION);
        match first(body) {
            None => put(&serde_json::to_vec(&self.parameters).unwrap_or_default()),
            Some(_) => put(body),
        }
    }

    /// The same in one go, for the bodies that nearly all calls have: a bare list is not read
    /// before the envelope stands around it, an object not asked whether it is an envelope.
    fn enclose(&self, body: &[u8], unit: &str, table: Option<&Table>) -> Option<Enclosed> {
        let unit = self.unit.as_deref().unwrap_or(unit);
        if !is_list(body) {
            let made = envelope::wrap(&self.name, unit, self.updating, body, SESSION);
            return first(body).and_then(|_| Some(Enclosed { body: made.ok()?, members: None }));
        }
        let asked = self.updating.is_none() && table.is_some_and(asks_updating);
        let mut members = vec![
            (envelope::name::SESSION, SESSION),
            (envelope::name::UNIT, unit),
            (envelope::name::SERVICE, &self.name),
        ];
        if let Some(updating) = self.updating.or(asked.then_some(false)) {
            members.push((envelope::name::UPDATING, if updating { "True" } else { "False" }));
        }
        let mut made = Vec::with_capacity(body.len() + 256);
        for (name, value) in &members {
            made.push(if made.is_empty() { b'{' } else { b',' });
            made.extend_from_slice(format!("\"{name}\":{}", Value::from(*value)).as_bytes());
        }
        made.extend_from_slice(format!(",\"{}\":", envelope::name::DATA).as_bytes());
        made.extend_from_slice(body);
        made.push(b'}');
        Some(Enclosed { body: made.into(), members: Some(members.len() + 1) })
    }
}

/// An envelope that was made in one go.
struct Enclosed {
    body: Bytes,
    /// How many members it has, if what stands in it is a list and nothing else.
    members: Option<usize>,
}

impl Enclosed {
    /// Is it what it was meant to be?
    fn is_whole(&self, read: &Document<'_>, table: Option<&Table>) -> bool {
        let says_updating = || read.root().get(envelope::name::UPDATING).is_some();
        match self.members {
            Some(members) => read.root().members().count() == members,
            None => !table.is_some_and(asks_updating) || says_updating(),
        }
    }
}

/// The first byte that says something.
fn first(body: &[u8]) -> Option<u8> {
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

fn is_list(body: &[u8]) -> bool {
    first(body) == Some(b'[')
}

/// Must a call of this packet say whether it is an update?
fn asks_updating(table: &Table) -> bool {
    let is = |name: &Arc<str>| &**name == envelope::name::UPDATING;
    table.parameters.iter().any(|field| field.name.as_ref().is_some_and(is))
}

/// Does a body name its service? Then it says the rest of the envelope as well, or lacks it.
fn is_envelope(body: &[u8]) -> bool {
    Envelope::read(body).is_ok_and(|envelope| envelope.service().is_some())
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
    let unit = grant.version().portal.as_ref().map(|portal| &*portal.unit);
    let bytes_max = grant.version().body_max;
    let incoming = match cargo {
        Cargo::Coming(incoming) => incoming,
        Cargo::Whole(mut whole) => {
            if let Some(seen) = whole.seen.take() {
                let came = whole.body.clone();
                let mut inspection = Inspection { lane, record, grant };
                (whole.operation, whole.body) = inspection.complete(&came, &seen, unit)?;
                whole.came = Some(came);
            }
            return Ok(Cargo::Whole(whole));
        }
    };
    let mut room = lane.room.enter(true);
    let came = whole::read(record, incoming, bytes_max, &mut room).await?;
    let mut inspection = Inspection { lane, record, grant };
    let (operation, body) = match (&look, unit) {
        (Look::Packet(named), Some(unit)) => inspection.wrap(&came, named, unit)?,
        (Look::Packet(named), None) => (inspection.look_at_data(&came, named)?, came.clone()),
        (Look::Relay(operation), _) => (inspection.relay(&came, operation)?, came.clone()),
        (Look::Login, _) => (check_login(&came).map(|()| String::new())?, came.clone()),
        (Look::Envelope | Look::Nothing, _) => match Seen::read(&came) {
            Ok(seen) => inspection.complete(&came, &seen, unit)?,
            Err(fault) => (inspection.pass_unread(&fault, None)?, came.clone()),
        },
    };
    Ok(Cargo::Whole(Whole::looked(body, came, operation, room)))
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

    /// The records of a packet path, or its parameters, on their way to a portal.
    fn wrap(&mut self, came: &Bytes, named: &Named, unit: &str) -> Result<(String, Bytes), Fault> {
        let (tables, on) = (self.lane.shared.tables.load(), today(self.lane, self.record));
        let table = tables.find(&named.name, on);
        if let Some(made) = named.enclose(came, unit, table)
            && let Ok(document) = Document::read(&made.body, None)
            && made.is_whole(&document, table)
        {
            let operation = self.judge(&named.name, &document, Side::Request)?;
            drop(document);
            return Ok((operation, made.body));
        }
        let made = named.wrap(came, unit, table);
        let read = made.as_ref().map_err(Clone::clone).and_then(|made| Document::read(made, None));
        let operation = match read {
            Ok(document) => self.judge(&named.name, &document, Side::Request)?,
            Err(fault) => self.pass_unread(&fault, Some(&named.name))?,
        };
        Ok((operation, made.unwrap_or_else(|_| came.clone())))
    }

    /// The same on their way to a provider that takes them as they are.
    fn look_at_data(&mut self, came: &Bytes, named: &Named) -> Result<String, Fault> {
        let made;
        let text = if came.iter().all(u8::is_ascii_whitespace) {
            made = serde_json::to_vec(&named.parameters).unwrap_or_default();
            &made[..]
        } else {
            came
        };
        match Document::read(text, None) {
            Ok(document) => {
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
        if names_service(&document) {
            return match Envelope::of(&document) {
                Ok(envelope) => {
                    let named = envelope.service().unwrap_or_default();
                    self.judge(named, &document, Side::Request)
                }
                Err(fault) => Err(malformed(&fault)),
            };
        }
        // a name that is percent-coded is granted to nobody, but is a packet to whoever decodes it
        self.admit(operation)?;
        let name = decode(operation, false).unwrap_or_default();
        let is_packet = {
            let tables = self.lane.shared.tables.load();
            tables.find(&name, today(self.lane, self.record)).is_some()
        };
        if is_packet || operation.is_empty() {
            return self.judge(&name, &document, Side::Data);
        }
        Ok(operation.to_owned())
    }

    /// An operation of which nothing but its name is known.
    fn admit(&mut self, operation: &str) -> Result<String, Fault> {
        if dialect::is_name(operation) {
            self.record.note_operation(operation);
        }
        if !self.grant.subscription().admits(operation) {
            return Err(FaultCode::NotSubscribed.into());
        }
        Ok(operation.to_owned())
    }

    fn is_limited(&self) -> bool {
        super::is_limited(self.grant)
    }

    /// Where operations are limited, a body that we cannot read passes only if it cannot name a
    /// service to a reader who is less strict.
    fn check_unread(&self, came: &[u8], fault: &FormFault) -> Result<(), Fault> {
        let may_name = || came.contains(&b'{') || std::str::from_utf8(came).is_err();
        if self.grant.subscription().operations.is_some() && may_name() {
            return Err(malformed(fault));
        }
        Ok(())
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
        let tables = self.lane.shared.tables.load();
        let on = today(self.lane, self.record);
        if let Some(table) = tables.find(operation, on) {
            self.record.note_operation(table.packet.clone());
        } else if dialect::is_name(operation) {
            self.record.note_operation(operation);
        }
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
        if dialect::is_name(operation) {
            self.record.note_operation(operation);
        }
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

/// Does a JSON object name a service, in whatever case of the name?
fn names_service(document: &Document<'_>) -> bool {
    let is = |name: &str| name.eq_ignore_ascii_case(envelope::name::SERVICE);
    document.syntax() == Syntax::Json && document.root().members().any(|(name, _)| is(&name))
}

/// Refuses a body that names another service than its path.
fn check_service(document: &Document<'_>, path: &str) -> Result<(), Fault> {
    if !names_service(document) {
        return Ok(());
    }
    let envelope = Envelope::of(document).map_err(|fault| malformed(&fault))?;
    if envelope.service().is_some_and(|named| named.eq_ignore_ascii_case(path)) {
        return Ok(());
    }
    Err(Fault::new(FaultCode::RequestInvalid).because(Sentence::new(
        "`service` trong nội dung khác với tên trong đường dẫn.",
        "`service` in the body is not the name in the path.",
    )))
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
pub(super) fn settle(record: &mut Record, mode: Mode, report: &Report) -> Result<(), Fault> {
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
