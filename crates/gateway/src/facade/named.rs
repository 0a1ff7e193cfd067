//! What the path and the query of a packet path say, and the envelope that they make of a body.
//! Nothing that is said is dropped: what cannot be read, or is said twice, is refused by its name.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use packet::{Document, FormFault, Mode, Shape, Syntax, Table, Value, envelope};
use serde_json::{Map, Value as Json};
use terms::fault::Fault;
use terms::limit::PACKET_PARAMETERS_MAX;

use super::destination;
use super::packet::first;
use crate::parameter::{decode, invalid};

#[cfg(test)]
mod tests;

/// Stands where the session belongs until the connector puts its own there.
pub(super) const SESSION: &str = "lgsp";
/// The session that goes on is never the caller's.
const SESSION_NAME: &str = envelope::name::SESSION;
/// The unit's name in the query of one product.
const UNIT_ALIAS: &str = "MaDinhDanhDV";
const MODE: &str = "mode";
/// UTF-8 begins with it where an editor left it.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// What the path and the query of a packet path say.
#[derive(Debug)]
pub(crate) struct Named {
    pub(super) name: String,
    unit: Option<String>,
    updating: Option<bool>,
    /// How strict a dry run shall be.
    pub(super) mode: Option<Mode>,
    /// Parameters of a pull, by their names in small letters.
    parameters: BTreeMap<String, Parameter>,
}

/// A parameter of a pull, as the query writes it.
#[derive(Debug)]
struct Parameter {
    name: String,
    value: String,
}

/// Why no envelope can be put around a body.
pub(super) enum Unfit {
    /// It is no document.
    Form(FormFault),
    /// A parameter, in the query or in the body, says nothing clear.
    Parameter(Fault),
}

impl From<FormFault> for Unfit {
    fn from(fault: FormFault) -> Unfit {
        Unfit::Form(fault)
    }
}

impl From<Fault> for Unfit {
    fn from(fault: Fault) -> Unfit {
        Unfit::Parameter(fault)
    }
}

impl Named {
    /// Reads the query: the unit, whether it is an update, and whatever else there is as a
    /// parameter of a pull. `parameter_invalid` for what cannot be decoded, stands twice or says
    /// nothing clear.
    pub(super) fn read(name: &str, query: &str, dry_run: bool) -> Result<Named, Fault> {
        let mut named = Named {
            name: name.to_owned(),
            unit: None,
            updating: None,
            mode: None,
            parameters: BTreeMap::new(),
        };
        for (place, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = decode(key, true).ok_or_else(|| unreadable_name(place + 1))?;
            // what is passed over takes nothing with it
            let passes = destination::is_ours(&key) || key.eq_ignore_ascii_case(SESSION_NAME);
            if passes && value.contains(';') {
                return Err(unclear(&key));
            }
            if passes {
                continue;
            }
            let value = decode(value, true).ok_or_else(|| unreadable(&key))?;
            named.take(&key, value, dry_run)?;
        }
        Ok(named)
    }

    fn take(&mut self, key: &str, value: Cow<'_, str>, dry_run: bool) -> Result<(), Fault> {
        let is = |expected: &str| key.eq_ignore_ascii_case(expected);
        let was_there = if is(envelope::name::UNIT) || is(UNIT_ALIAS) {
            self.unit.replace(value.into_owned()).is_some()
        } else if is(envelope::name::UPDATING) {
            let updating = read_flag(&value).ok_or_else(|| no_flag(key))?;
            self.updating.replace(updating).is_some()
        } else if is(MODE) && dry_run {
            let mode = value.parse().map_err(|_| no_mode())?;
            self.mode.replace(mode).is_some()
        } else {
            if self.parameters.len() == PACKET_PARAMETERS_MAX {
                return Err(too_many(key));
            }
            let parameter = Parameter { name: key.to_owned(), value: value.into_owned() };
            self.parameters.insert(key.to_ascii_lowercase(), parameter).is_some()
        };
        if was_there { Err(twice(key)) } else { Ok(()) }
    }

    /// The parameters of a pull that has no body, as an object.
    pub(super) fn asked(&self) -> Vec<u8> {
        let values = self.parameters.values();
        let values = values.map(|Parameter { name, value }| (name.clone(), value.clone().into()));
        serde_json::to_vec(&values.collect::<Map<String, Json>>()).unwrap_or_default()
    }

    /// The envelope of a call that brought a bare array, `{"data":[…]}`, the parameters of a pull,
    /// or nothing; in JSON or XML.
    pub(super) fn wrap(
        &self,
        body: &[u8],
        unit: &str,
        table: Option<&Table>,
    ) -> Result<Bytes, Unfit> {
        let unit = self.unit.as_deref().unwrap_or(unit);
        if first(body).is_none() {
            let made =
                envelope::wrap(&self.name, unit, self.updating_of(table), &self.asked(), SESSION);
            return Ok(made?);
        }
        let document = Document::read(body, None)?;
        self.check_body(&document, true)?;
        let names_service =
            || document.root().get(envelope::name::SERVICE).is_some_and(|v| v.text().is_some());
        // one that names its service says the rest of the envelope as well, or lacks it
        let is_envelope = document.syntax() == Syntax::Json && names_service();
        let updating = if is_envelope { self.updating } else { self.updating_of(table) };
        Ok(envelope::wrap_document(&self.name, unit, updating, &document, SESSION)?)
    }

    /// The same in one go, for the bodies that nearly all calls have: a bare list is not read
    /// before the envelope stands around it.
    pub(super) fn enclose(
        &self,
        body: &[u8],
        unit: &str,
        table: Option<&Table>,
    ) -> Result<Option<Enclosed>, Fault> {
        if first(body) != Some(b'[') {
            return Ok(None);
        }
        self.check_alone()?;
        let unit = self.unit.as_deref().unwrap_or(unit);
        let mut members = vec![
            (envelope::name::SESSION, SESSION),
            (envelope::name::UNIT, unit),
            (envelope::name::SERVICE, &self.name),
        ];
        if let Some(updating) = self.updating_of(table) {
            members.push((envelope::name::UPDATING, if updating { "True" } else { "False" }));
        }
        let mut made = Vec::with_capacity(body.len() + 256);
        for (name, value) in &members {
            made.push(if made.is_empty() { b'{' } else { b',' });
            made.extend_from_slice(format!("\"{name}\":{}", Json::from(*value)).as_bytes());
        }
        made.extend_from_slice(format!(",\"{}\":", envelope::name::DATA).as_bytes());
        made.extend_from_slice(body);
        made.push(b'}');
        Ok(Some(Enclosed { body: made.into(), members: members.len() + 1 }))
    }

    /// Is it an update? Without a word of the query, no, where the packet must say so.
    fn updating_of(&self, table: Option<&Table>) -> Option<bool> {
        self.updating.or_else(|| table.is_some_and(asks_updating).then_some(false))
    }

    /// Checks a body against the query: what both say must be the same. What is put into another
    /// envelope must be clear, and then nothing else may stand in the query, since it would go
    /// nowhere.
    pub(super) fn check_body(&self, document: &Document<'_>, wrapped: bool) -> Result<(), Fault> {
        let mut said = BTreeSet::new();
        for (name, value) in document.root().members() {
            let is = |expected: &str| name.eq_ignore_ascii_case(expected);
            let same = if is(envelope::name::UNIT) {
                let text = clear(&name, value, wrapped)?;
                self.unit.as_deref().zip(text.as_deref()).is_none_or(|(query, body)| query == body)
            } else if is(envelope::name::UPDATING) {
                let text = clear(&name, value, wrapped)?;
                let body = text.as_deref().map(read_flag);
                if wrapped && body == Some(None) {
                    return Err(no_flag(&name));
                }
                self.updating.zip(body).is_none_or(|(query, body)| Some(query) == body)
            } else if let Some((key, query)) =
                self.parameters.get_key_value(&name.to_ascii_lowercase())
            {
                said.insert(key);
                value.text().is_some_and(|body| body == query.value)
            } else {
                true
            };
            if !same {
                return Err(conflict(&name));
            }
        }
        match self.parameters.iter().find(|(key, _)| !said.contains(key)) {
            Some((_, left)) if wrapped => Err(left_over(&left.name)),
            _ => Ok(()),
        }
    }

    /// A list says nothing but records.
    fn check_alone(&self) -> Result<(), Fault> {
        self.parameters.values().next().map_or(Ok(()), |left| Err(left_over(&left.name)))
    }
}

/// An envelope that was made in one go.
pub(super) struct Enclosed {
    pub(super) body: Bytes,
    /// How many members it has, if what stands in it is a list and nothing else.
    members: usize,
}

impl Enclosed {
    /// Is it what it was meant to be?
    pub(super) fn is_whole(&self, read: &Document<'_>) -> bool {
        read.root().members().count() == self.members
    }
}

/// What is checked in place of a body: what was made of it, behind the mark that the body began
/// with. The mark goes no further, but it is told.
pub(super) fn marked(came: &Bytes, made: &Bytes) -> Bytes {
    if came.starts_with(MARK) { [MARK, made].concat().into() } else { made.clone() }
}

/// Must a call of this packet say whether it is an update?
fn asks_updating(table: &Table) -> bool {
    let is = |name: &Arc<str>| &**name == envelope::name::UPDATING;
    table.parameters.iter().any(|field| field.name.as_ref().is_some_and(is))
}

/// Whether it is an update, as clients were seen to say it. Anything else could mean either.
fn read_flag(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "1" => Some(true),
        "false" | "False" | "0" => Some(false),
        _ => None,
    }
}

/// The text of a member of the body; `None` where there is none, or null.
fn clear<'v>(name: &str, value: Value<'v>, wrapped: bool) -> Result<Option<Cow<'v, str>>, Fault> {
    let text = value.text();
    if text.is_none() && wrapped && value.shape() != Shape::Null {
        let (vi, en) = ("phải là một giá trị đơn", "must be a single value");
        return Err(invalid(name, vi, en));
    }
    Ok(text)
}

fn unreadable_name(place: usize) -> Fault {
    let number = place.to_string();
    let (vi, en) = ("trong query có tên không đọc được", "of the query has an unreadable name");
    invalid(&format!("#{number}"), vi, en)
}

fn unreadable(name: &str) -> Fault {
    invalid(name, "có giá trị không đọc được", "has an unreadable value")
}

fn unclear(name: &str) -> Fault {
    let (vi, en) = (
        "có dấu chấm phẩy: không rõ giá trị kết thúc ở đâu",
        "has a semicolon: where its value ends is not clear",
    );
    invalid(name, vi, en)
}

fn twice(name: &str) -> Fault {
    invalid(name, "được nêu hai lần", "is given twice")
}

fn too_many(name: &str) -> Fault {
    let vi = format!("là quá nhiều: query có nhiều nhất {PACKET_PARAMETERS_MAX} tham số");
    let en = format!("is one too many: a query has at most {PACKET_PARAMETERS_MAX}");
    invalid(name, &vi, &en)
}

fn no_flag(name: &str) -> Fault {
    let (vi, en) =
        ("chỉ nhận True hoặc False (true, false, 1, 0)", "is True or False (true, false, 1, 0)");
    invalid(name, vi, en)
}

fn no_mode() -> Fault {
    invalid(MODE, "phải là report, refuse hoặc strict", "is report, refuse or strict")
}

fn conflict(name: &str) -> Fault {
    let (vi, en) = ("trong query và trong nội dung khác nhau", "differs between query and body");
    invalid(name, vi, en)
}

fn left_over(name: &str) -> Fault {
    let (vi, en) = (
        "đứng trong query bên cạnh nội dung: hãy đưa vào nội dung",
        "stands in the query beside a body: put it into the body",
    );
    invalid(name, vi, en)
}
