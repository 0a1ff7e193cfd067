//! Table files: the form of `DATA/packet/<WireName>.toml`, read here on its own.

use serde::Deserialize;

use super::{Dated, Direction, Field, Form, Table};

#[derive(Deserialize)]
struct File {
    packet: String,
    #[serde(default)]
    table: Number,
    #[serde(default)]
    direction: Option<String>,
    #[serde(default)]
    count: u16,
    #[serde(default)]
    field: Vec<Entry>,
    /// What is sent to pull.
    #[serde(default)]
    parameter: Vec<Entry>,
}

/// A table's number: `8`, `"8"`, or several, of which the first holds.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Number {
    One(u16),
    Text(String),
    Several(Vec<u16>),
    #[default]
    Absent,
}

impl Number {
    fn value(&self) -> u16 {
        match self {
            Number::One(number) => *number,
            Number::Text(text) => text.parse().unwrap_or(0),
            Number::Several(numbers) => numbers.first().copied().unwrap_or(0),
            Number::Absent => 0,
        }
    }
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    position: Option<u16>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    meaning: String,
    #[serde(default)]
    form: Option<String>,
    #[serde(default)]
    length: Option<usize>,
    #[serde(default)]
    codes: Option<toml::Value>,
    /// More codes may exist than are listed.
    #[serde(default)]
    codes_open: bool,
    #[serde(default)]
    required: Option<String>,
    /// May it come empty although it is required?
    #[serde(default)]
    blank: bool,
    /// With `%` or without.
    #[serde(default)]
    percent: bool,
    /// `true` and `false` are taken as well.
    #[serde(default)]
    boolean: bool,
    #[serde(default)]
    children: Vec<Entry>,
}

/// Reads one file. The sentence of a failure names file, line and column.
pub(super) fn read(name: &str, text: &str) -> Result<Table, String> {
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let (line, column) = place(text, at);
        format!("{name}:{line}:{column}: {}", error.message())
    })?;
    let direction = match file.direction.as_deref() {
        Some("pull") => Direction::Pull,
        None | Some("push") => Direction::Push,
        Some(other) => return Err(format!("{name}:1:1: direction {other}: push, pull")),
    };
    let fields = file.field.into_iter().map(|entry| field(name, entry));
    let fields = fields.collect::<Result<Vec<Field>, String>>()?;
    let parameters = file.parameter.into_iter().map(|entry| field(name, entry));
    let parameters = parameters.collect::<Result<Vec<Field>, String>>()?;
    let (sent, answered) = match direction {
        Direction::Push => (fields, Vec::new()),
        Direction::Pull => (parameters, fields),
    };
    Ok(Table {
        packet: file.packet,
        table: file.table.value(),
        direction,
        count: file.count,
        file: name.to_owned(),
        sent,
        later: Vec::new(),
        answered,
    })
}

fn field(name: &str, entry: Entry) -> Result<Field, String> {
    let form = match entry.form.as_deref() {
        _ if entry.boolean => Form::Flag,
        None | Some("text") => Form::Text,
        // A file cannot say in what other ways real senders write a date: all are let pass.
        Some("datetime") => Form::Datetime(&[Dated::Slashes, Dated::Month]),
        Some("number") if entry.percent => Form::Percent,
        Some("number") => Form::Number,
        Some("code") if entry.codes_open => Form::Code(Vec::new()),
        Some("code") => Form::Code(codes(entry.codes.as_ref())),
        Some("list") => Form::List,
        Some("file") => Form::File,
        Some(other) => return Err(format!("{name}:1:1: form {other} is not known")),
    };
    let children = entry.children.into_iter().map(|entry| field(name, entry));
    Ok(Field {
        name: entry.name.filter(|name| !name.is_empty()),
        position: entry.position,
        meaning: entry.meaning,
        form,
        length: entry.length.filter(|length| *length > 0),
        required: entry.required.as_deref() == Some("yes"),
        may_be_empty: entry.blank,
        children: children.collect::<Result<_, _>>()?,
    })
}

/// A list of codes, or a table whose keys are the codes.
fn codes(codes: Option<&toml::Value>) -> Vec<String> {
    match codes {
        Some(toml::Value::Array(list)) => list.iter().map(code).collect(),
        Some(toml::Value::Table(table)) => table.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

fn code(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Table(table) => table.get("code").map(code).unwrap_or_default(),
        other => other.to_string(),
    }
}

fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// What a file cannot say is taken from the table it replaces: the parameters of a pull, names
/// that real senders add, the number of the table.
pub(super) fn complete(table: &mut Table, before: &Table) {
    table.later.clone_from(&before.later);
    if table.table == 0 {
        table.table = before.table;
    }
    if table.count == 0 {
        table.count = before.count;
    }
    table.direction = before.direction;
    if table.direction == Direction::Pull {
        // A file without a direction was read as a push.
        let mut answered = std::mem::take(&mut table.answered);
        if answered.is_empty() {
            answered = std::mem::take(&mut table.sent);
        }
        let is_sent = |field: &Field| before.sent.iter().any(|sent| sent.name == field.name);
        answered.retain(|field| field.name.is_none() || !is_sent(field));
        table.answered = answered;
        if table.sent.is_empty() {
            table.sent.clone_from(&before.sent);
        }
    }
}
