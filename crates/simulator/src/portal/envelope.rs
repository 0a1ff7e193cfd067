//! The national envelope as it comes in; records stay the very text that was sent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Code;

/// Names of one object, or records of one call, at the most; beyond, the body counts as unreadable.
const ITEMS_MAX: usize = 20_000;

/// An object's names and values in the order in which they came, values unread.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    if fields.len() == ITEMS_MAX {
                        return Err(A::Error::custom("too many names"));
                    }
                    fields.push(pair);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl Fields {
    /// By name; failing that, by name in another case, since real senders differ there.
    pub(super) fn find(&self, name: &str) -> Option<&RawValue> {
        let exact = self.0.iter().find(|(other, _)| other == name);
        let loose = || self.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        exact.or_else(loose).map(|(_, value)| &**value)
    }

    /// A value as text; empty when absent, null, or no text, number or flag.
    pub(super) fn text(&self, name: &str) -> String {
        self.find(name).map(Given::read).as_ref().and_then(Given::loose).unwrap_or_default()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Names that stand more than once.
    pub(super) fn twice(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.names().collect();
        names.sort_unstable();
        let mut twice: Vec<&str> =
            names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        twice.dedup();
        twice
    }
}

/// A value by its JSON form.
#[derive(Debug)]
pub(super) enum Given<'a> {
    Null,
    Text(String),
    /// As written.
    Number(&'a str),
    Flag(bool),
    List(Vec<&'a RawValue>),
    Object,
}

impl Given<'_> {
    pub(super) fn read(value: &RawValue) -> Given<'_> {
        let text = value.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map_or(Given::Null, Given::Text),
            Some(b't') => Given::Flag(true),
            Some(b'f') => Given::Flag(false),
            Some(b'[') => serde_json::from_str(text).map_or(Given::Null, Given::List),
            Some(b'{') => Given::Object,
            Some(b'n') | None => Given::Null,
            Some(_) => Given::Number(text),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Given::Null) || matches!(self, Given::Text(text) if text.is_empty())
    }

    /// A text or a number: some send one for the other.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Given::Text(text) => Some(Cow::Borrowed(text)),
            Given::Number(number) => Some(Cow::Borrowed(number)),
            _ => None,
        }
    }

    /// The same, flags included.
    fn loose(&self) -> Option<String> {
        match self {
            Given::Flag(flag) => Some(flag.to_string()),
            other => other.text().map(Cow::into_owned),
        }
    }
}

/// Reads a JSON object; an array, which serde would take for its fields in turn, is none.
pub(super) fn object(text: &[u8]) -> Option<Fields> {
    serde_json::from_slice(text).ok()
}

/// One record of a push.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) fields: Fields,
    /// As it was sent.
    pub(super) record: Box<RawValue>,
}

/// A call of the data path, read once.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) fields: Fields,
    pub(super) service: String,
    /// `isUpdating`; what is not `True` in any case is a new record.
    pub(super) update: bool,
    /// `Err` says what is wrong with `data`, in Vietnamese. Absent or empty data is no row.
    pub(super) rows: Result<Vec<Row>, String>,
}

impl Call {
    /// `None` when the body is no JSON object.
    pub(super) fn read(body: &[u8]) -> Option<Call> {
        let fields = object(body)?;
        let service = fields.text("service");
        let update = fields.text("isUpdating").eq_ignore_ascii_case("true");
        // One helper service sends a single object.
        let single = service == "DongBoTrangThaiHoSo";
        let rows = rows(fields.find("data").map_or("[]", RawValue::get), single);
        Some(Call { fields, service, update, rows })
    }

    /// The dossiers it is about (MaHoSo), each once.
    pub(super) fn dossiers(&self) -> Vec<String> {
        let rows = self.rows.iter().flatten().map(|row| row.fields.text("MaHoSo"));
        let mut codes: Vec<String> = rows.filter(|code| !code.is_empty()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// The records of a push.
    pub(super) fn records(self) -> Result<Vec<Row>, String> {
        match self.rows {
            Ok(rows) if rows.is_empty() => Err("Trường data trống".to_owned()),
            rows => rows,
        }
    }
}

/// An array's values unread; beyond the limit by one they are passed over.
struct Array(Vec<Box<RawValue>>);

impl<'de> Deserialize<'de> for Array {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Array, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Array;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Array, A::Error> {
                let mut values = Vec::new();
                while values.len() <= ITEMS_MAX {
                    match list.next_element()? {
                        Some(value) => values.push(value),
                        None => return Ok(Array(values)),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Array(values))
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

fn rows(data: &str, single: bool) -> Result<Vec<Row>, String> {
    if let Some(fields) = object(data.as_bytes()).filter(|_| single) {
        let record = serde_json::from_str(data).map_err(|error| error.to_string())?;
        return Ok(vec![Row { fields, record }]);
    }
    let rows: Array =
        serde_json::from_str(data).map_err(|_| "Trường data không phải là mảng".to_owned())?;
    if rows.0.len() > ITEMS_MAX {
        return Err(format!("Trường data có hơn {ITEMS_MAX} bản ghi"));
    }
    let each = rows.0.into_iter().enumerate().map(|(at, record)| {
        let fields = object(record.get().as_bytes());
        let fields = fields.ok_or_else(|| format!("Bản ghi {} không phải là đối tượng", at + 1))?;
        Ok(Row { fields, record })
    });
    each.collect()
}

/// The answer. Fields absent are not written.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) message: String,
    pub(super) session: Option<String>,
    pub(super) result: Option<Box<RawValue>>,
    /// The list stands under the packet's own name instead of `result`.
    pub(super) named: Option<&'static str>,
}

/// Writes an answer: `error_code` first, as in the samples.
pub(super) fn write(code: &Code, reply: &Reply) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut part = |name: &str, value: Result<Vec<u8>, serde_json::Error>| {
        answer.push(if answer.is_empty() { b'{' } else { b',' });
        answer.extend_from_slice(format!("\"{name}\":").as_bytes());
        answer.extend_from_slice(&value.unwrap_or_else(|_| b"null".to_vec()));
    };
    part("error_code", serde_json::to_vec(code));
    part("message", serde_json::to_vec(&reply.message));
    if let Some(session) = &reply.session {
        part("session", serde_json::to_vec(session));
    }
    if let Some(result) = &reply.result {
        part(reply.named.unwrap_or("result"), serde_json::to_vec(result));
    }
    answer.push(b'}');
    answer
}
