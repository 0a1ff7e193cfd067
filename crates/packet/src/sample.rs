//! A synthetic packet made from its table: what a developer starts from.

use crate::document::push_json_text;
use crate::envelope::name;
use crate::table::{Direction, Field, Form, Level, Required, Table, Tables};

/// How much of a table a sample shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The positions that the standard counts.
    Standard,
    /// Every field that is known.
    All,
}

/// A whole request, as JSON: envelope, parameters, one record, which has no field where the table
/// has no names.
pub fn request(tables: &Tables, table: &Table, extent: Extent) -> String {
    let mut out = String::from("{");
    for field in tables.envelopes().request.iter() {
        let Some(wire) = field.name.as_deref().filter(|wire| *wire != name::DATA) else { continue };
        let value = if wire == name::SERVICE { Some(table.packet.as_ref()) } else { None };
        member(&mut out, wire, |out| {
            push_json_text(out, value.or(field.example.as_deref()).unwrap_or_default());
        });
    }
    members(&mut out, &table.parameters, Extent::All);
    if table.direction == Direction::Push {
        member(&mut out, name::DATA, |out| match is_nameless(&table.fields) {
            true => out.push_str("[{}]"),
            false => records(out, &table.fields, extent),
        });
    }
    out.push('}');
    out
}

/// A whole answer, as JSON: success, and one record of a packet that is fetched.
pub fn answer(table: &Table, extent: Extent) -> String {
    let mut out = String::from(r#"{"error_code":"0","message":"Thành công""#);
    if table.direction == Direction::Pull {
        member(&mut out, crate::answer::RESULT, |out| records(out, &table.fields, extent));
    }
    out.push('}');
    out
}

fn member(out: &mut String, name: &str, value: impl FnOnce(&mut String)) {
    if !out.ends_with(['{', '[']) {
        out.push(',');
    }
    push_json_text(out, name);
    out.push(':');
    value(out);
}

fn records(out: &mut String, level: &Level, extent: Extent) {
    out.push('[');
    if !is_nameless(level) {
        out.push('{');
        members(out, level, extent);
        out.push('}');
    }
    out.push(']');
}

fn is_nameless(level: &Level) -> bool {
    level.iter().all(|field| field.name.is_none())
}

fn members(out: &mut String, level: &Level, extent: Extent) {
    for field in level.iter() {
        let shown = field.counted || field.required == Required::Yes || extent == Extent::All;
        let Some(name) = field.name.as_deref().filter(|_| shown) else { continue };
        member(out, name, |out| value(out, field, extent));
    }
}

fn value(out: &mut String, field: &Field, extent: Extent) {
    if field.form == Form::List {
        return records(out, &field.children, extent);
    }
    let first = || field.codes.first().map(|code| code.value.as_ref());
    let text = field.example.as_deref().or_else(first).unwrap_or(match field.form {
        Form::Text => "",
        Form::Datetime => "20240304081500",
        Form::Number => "1",
        Form::Code => "",
        Form::File => "https://dvc.example.vn/tai-tep/1",
        Form::List => "",
    });
    push_json_text(out, text);
}
