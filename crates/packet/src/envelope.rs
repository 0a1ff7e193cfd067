//! The envelope of a call to the portal: who asks for which service, and the data. Whatever is
//! changed is one value spliced into the bytes; nothing else is written anew.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use terms::fault::Sentence;

use crate::document::{Document, Shape, Value, push_json_text};
use crate::fault::FormFault;
use crate::rule::Rule;

/// Names of the envelope; matched in any case.
pub mod name {
    /// The session handed out by the login.
    pub const SESSION: &str = "session";
    /// The agency's code.
    pub const UNIT: &str = "madonvi";
    /// The packet or the auxiliary service.
    pub const SERVICE: &str = "service";
    /// Is this an update? `DongBoHoSoMC` only.
    pub const UPDATING: &str = "isUpdating";
    /// The records of a packet that is sent.
    pub const DATA: &str = "data";
}

const NAMES: [&str; 5] = [name::SESSION, name::UNIT, name::SERVICE, name::UPDATING, name::DATA];

/// One member of the envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Member<'a> {
    /// Its text; `None` when it is an object, an array or null.
    text: Option<Cow<'a, str>>,
    /// Where its value stands in the body, quotes included.
    span: Range<usize>,
}

/// What stands around the data of a call, read from its body and borrowed from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    found: [Option<Member<'a>>; 5],
    /// The other members: name, and the bytes from the name's quote to the value's end.
    others: Vec<Range<usize>>,
    /// The records in `data`, if it is an array.
    items: Vec<Range<usize>>,
    /// Right behind the opening bracket.
    begin: usize,
    is_empty: bool,
}

impl<'a> Envelope<'a> {
    /// Reads the envelope of a JSON body, whole and strictly, so that the portal cannot understand
    /// another service than we did: a name twice, in whatever case, is refused.
    pub fn read(body: &'a [u8]) -> Result<Envelope<'a>, FormFault> {
        Envelope::of(&Document::read(body, None)?)
    }

    /// The envelope of a document that was read already; JSON only.
    pub fn of(document: &Document<'a>) -> Result<Envelope<'a>, FormFault> {
        let root = document.root();
        let Some(body) = document.body().filter(|_| root.shape() == Shape::Map) else {
            return Err(not_an_object());
        };
        let mut envelope = Envelope {
            found: Default::default(),
            others: Vec::new(),
            items: Vec::new(),
            begin: root.span().start + 1,
            is_empty: true,
        };
        for (name, value) in root.pairs() {
            envelope.is_empty = false;
            let Some(place) = NAMES.iter().position(|known| name.is_named(known)) else {
                envelope.others.push(name.span().start..value.span().end);
                continue;
            };
            if envelope.found[place].is_some() {
                let sentence = Sentence::made(
                    format!("`{}` xuất hiện hai lần (khác nhau ở chữ hoa).", NAMES[place]),
                    format!("`{}` stands twice (in different case).", NAMES[place]),
                );
                let path = NAMES[place].to_owned();
                let offset = name.span().start;
                return Err(FormFault { rule: Rule::DuplicateKey, path, offset, sentence });
            }
            let text = match value.shape() {
                Shape::Text => {
                    let (span, raw) = (value.span(), value.raw_text());
                    let text = value.text().filter(|text| *text != raw);
                    let plain = &body[span.start + 1..span.end - 1];
                    Some(text.map_or(Cow::Borrowed(plain), |text| Cow::Owned(text.into_owned())))
                }
                Shape::Number | Shape::Boolean => Some(Cow::Borrowed(&body[value.span()])),
                Shape::Null | Shape::List | Shape::Map => None,
            };
            envelope.found[place] = Some(Member { text, span: value.span() });
            if NAMES[place] == name::DATA {
                envelope.items = value.items().map(Value::span).collect();
            }
        }
        Ok(envelope)
    }

    fn member(&self, name: &str) -> Option<&Member<'a>> {
        let place = NAMES.iter().position(|known| *known == name)?;
        self.found[place].as_ref()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.member(name)?.text.as_deref()
    }

    /// The session, if it is there and a scalar.
    pub fn session(&self) -> Option<&str> {
        self.text(name::SESSION)
    }

    /// The agency's code.
    pub fn madonvi(&self) -> Option<&str> {
        self.text(name::UNIT)
    }

    /// The packet or the auxiliary service, as written.
    pub fn service(&self) -> Option<&str> {
        self.text(name::SERVICE)
    }

    /// Is this an update? `None` when it does not say so clearly (`"True"`, `"False"`, true, false,
    /// 1, 0, in any case).
    pub fn is_updating(&self) -> Option<bool> {
        read_flag(self.text(name::UPDATING)?)
    }

    /// How many records `data` has; 0 when it is absent or no array.
    pub fn count(&self) -> usize {
        self.items.len()
    }

    /// Where the records stand in the body.
    pub fn items(&self) -> &[Range<usize>] {
        &self.items
    }
}

/// `"True"`, `"False"` and what else stands for them.
fn read_flag(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") || text == "1" {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") || text == "0" {
        Some(false)
    } else {
        None
    }
}

fn not_an_object() -> FormFault {
    let sentence = Sentence::new(
        "Nội dung phải là một đối tượng JSON có `service`.",
        "The body must be a JSON object with `service`.",
    );
    FormFault::new(Rule::Shape, 0, sentence)
}

/// The body with another session; put in front when there was none.
pub fn with_session(body: &Bytes, envelope: &Envelope<'_>, session: &str) -> Bytes {
    with_text(body, envelope, name::SESSION, session)
}

/// The body with `isUpdating` set, as the text that the portal reads.
pub fn with_updating(body: &Bytes, envelope: &Envelope<'_>, updating: bool) -> Bytes {
    with_text(body, envelope, name::UPDATING, if updating { "True" } else { "False" })
}

/// The body with `madonvi`, if it brought none.
pub fn with_unit_if_absent(body: &Bytes, envelope: &Envelope<'_>, unit: &str) -> Bytes {
    match envelope.member(name::UNIT) {
        Some(_) => body.clone(),
        None => with_text(body, envelope, name::UNIT, unit),
    }
}

/// One value replaced, or one member inserted first.
fn with_text(body: &Bytes, envelope: &Envelope<'_>, name: &str, text: &str) -> Bytes {
    let mut value = String::with_capacity(text.len() + name.len() + 6);
    let place = match envelope.member(name) {
        Some(member) => {
            push_json_text(&mut value, text);
            member.span.clone()
        }
        None => {
            push_json_text(&mut value, name);
            value.push(':');
            push_json_text(&mut value, text);
            if !envelope.is_empty {
                value.push(',');
            }
            envelope.begin..envelope.begin
        }
    };
    let mut out = Vec::with_capacity(body.len() + value.len());
    out.extend_from_slice(&body[..place.start]);
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(&body[place.end..]);
    Bytes::from(out)
}

/// The call around a bare array, `{"data":[…]}`, or the parameters of a pull. What the body states
/// stays: the arguments fill what is absent, but for the session, which is ours. An empty body is
/// a pull without parameters. A body in our XML form is put into JSON first, which is all that
/// portals were seen to take; what is JSON already is copied byte for byte.
pub fn wrap(
    service: &str,
    madonvi: &str,
    is_updating: Option<bool>,
    body: &[u8],
    session: &str,
) -> Result<Bytes, FormFault> {
    let blank = body.iter().all(u8::is_ascii_whitespace);
    let document = Document::read(if blank { b"{}" } else { body }, None)?;
    wrap_document(service, madonvi, is_updating, &document, session)
}

/// The same around a document that was read already.
pub fn wrap_document(
    service: &str,
    madonvi: &str,
    is_updating: Option<bool>,
    document: &Document<'_>,
    session: &str,
) -> Result<Bytes, FormFault> {
    let Some(body) = document.body() else {
        let json = document.to_json();
        return wrap(service, madonvi, is_updating, json.as_bytes(), session);
    };
    let mut out = String::with_capacity(body.len() + 160);
    out.push('{');
    push_member(&mut out, name::SESSION, session);
    if document.root().shape() == Shape::List {
        push_member(&mut out, name::UNIT, madonvi);
        push_member(&mut out, name::SERVICE, service);
        push_updating(&mut out, is_updating);
        push_verbatim(&mut out, name::DATA, &body[document.root().span()]);
    } else {
        let envelope = Envelope::of(document)?;
        if envelope.service().is_some_and(|named| !named.eq_ignore_ascii_case(service)) {
            let sentence = Sentence::made(
                format!("`service` trong nội dung khác với {service}."),
                format!("`service` in the body is not {service}."),
            );
            let path = name::SERVICE.to_owned();
            return Err(FormFault { rule: Rule::ServiceMismatch, path, offset: 0, sentence });
        }
        push_member(&mut out, name::UNIT, envelope.madonvi().unwrap_or(madonvi));
        push_member(&mut out, name::SERVICE, service);
        push_updating(&mut out, envelope.is_updating().or(is_updating));
        for other in &envelope.others {
            out.push_str(&body[other.clone()]);
            out.push(',');
        }
        if let Some(data) = envelope.member(name::DATA) {
            push_verbatim(&mut out, name::DATA, &body[data.span.clone()]);
        }
    }
    out.pop();
    out.push('}');
    Ok(Bytes::from(out))
}

fn push_member(out: &mut String, name: &str, text: &str) {
    push_json_text(out, name);
    out.push(':');
    push_json_text(out, text);
    out.push(',');
}

fn push_verbatim(out: &mut String, name: &str, json: &str) {
    push_json_text(out, name);
    out.push(':');
    out.push_str(json);
    out.push(',');
}

fn push_updating(out: &mut String, updating: Option<bool>) {
    if let Some(updating) = updating {
        push_member(out, name::UPDATING, if updating { "True" } else { "False" });
    }
}

/// The values of one field of all records (`MaHoSo`, say), in order, each once, empty ones not.
pub fn values(document: &Document<'_>, field: &str) -> Vec<String> {
    let root = document.root();
    let data = if root.shape() == Shape::List { Some(root) } else { root.get(name::DATA) };
    let mut found: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for item in data.into_iter().flat_map(Value::items) {
        if let Some(text) = item.get(field).and_then(Value::text)
            && !text.trim().is_empty()
            && seen.insert(text.clone().into_owned())
        {
            found.push(text.into_owned());
        }
    }
    found
}
