//! What is stated of an entry, in canonical form: field by field, defaults left out.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use terms::quantity::{parse_duration, parse_size};

/// The fields of one entry in canonical form, as the file reader made them, as they stand in the
/// database, in audit rows and in `export`. A field at its default is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stated(pub(crate) Map<String, Value>);

impl Stated {
    /// Reads the text kept in the database; `None` when it is no JSON object.
    pub(crate) fn parse(text: &str) -> Option<Stated> {
        serde_json::from_str(text).ok().map(Stated)
    }

    /// The text kept in the database.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// One field.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A text, shared; empty when absent.
    pub(crate) fn shared(&self, name: &str) -> Arc<str> {
        self.text(name).unwrap_or_default().into()
    }

    /// A flag; false when absent.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(Value::as_u64)
    }

    /// A list of texts; empty when absent.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let items = self.get(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str)
    }

    /// A duration.
    pub(crate) fn duration(&self, name: &str) -> Option<Duration> {
        self.text(name).and_then(parse_duration)
    }

    /// A size in bytes.
    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        self.text(name).and_then(parse_size)
    }

    /// A nested field: `part("contact", "email")`.
    pub(crate) fn part(&self, name: &str, inner: &str) -> Option<&Value> {
        self.get(name).and_then(|value| value.get(inner))
    }
}

/// A row of the database that cannot be taken into the catalogue: the field and what it holds.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Broken(pub(crate) String);

impl Broken {
    /// `name` is absent or not of its form.
    pub(crate) fn field(name: &str) -> Broken {
        Broken(format!("field {name} is absent or not of its form"))
    }
}
