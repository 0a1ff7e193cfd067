//! The check of a packet against its table: pure, one pass over the document.

mod moment;
mod record;
mod relation;
mod scalar;
mod sentence;

#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use jiff::civil::Date;
use terms::limit::PACKET_RECORDS_MAX;

use crate::document::{Document, Shape, Syntax, Value};
use crate::envelope::name;
use crate::fault::FormFault;
use crate::report::Report;
use crate::rule::Rule;
use crate::table::{Direction, Evidence, Form, Level, Table, Tables};

use record::{Checking, Finding, Names};

/// Which part of a call is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A whole request: envelope and records or parameters.
    Request,
    /// Records or parameters alone, as a path per packet takes them: a bare array, `{"data":[…]}`
    /// or an object of parameters; the envelope is put around later.
    Data,
    /// An answer of the portal.
    Answer,
}

/// Checks a document as the packet `name` (any case) with the table that holds on the day `on`.
pub fn check(tables: &Tables, name: &str, side: Side, document: &Document<'_>, on: Date) -> Report {
    let root = document.root();
    let Some(table) = tables.find(name, on) else {
        return without_table(tables, name, side, document);
    };
    let unchecked = match (side, table.direction) {
        (Side::Answer, Direction::Pull) | (Side::Request | Side::Data, Direction::Push) => {
            table.unknown_fields()
        }
        (Side::Answer, Direction::Push) => 0,
        (Side::Request | Side::Data, Direction::Pull) => table.unknown_parameters(),
    };
    let report = Report::new(table.packet.clone(), table.version.clone(), unchecked);
    let mut checking = Checking::new(report, table.table_text().into());
    mark(&mut checking, document);
    match side {
        Side::Request => request(&mut checking, tables, table, root),
        Side::Data => data(&mut checking, tables, table, root),
        Side::Answer => answer(&mut checking, tables, Some(table), root, 0),
    }
    checking.report
}

/// Reads and checks in one step: a body that cannot be read is a report as well.
pub fn judge(
    tables: &Tables,
    name: &str,
    side: Side,
    body: &[u8],
    content_type: Option<&str>,
    on: Date,
) -> Report {
    match Document::read(body, content_type) {
        Ok(document) => check(tables, name, side, &document, on),
        Err(fault) => of_fault(tables, name, &fault, on),
    }
}

/// The report on a body that could not be read, with the packet's own name.
fn of_fault(tables: &Tables, name: &str, fault: &FormFault, on: Date) -> Report {
    let table = tables.find(name, on);
    let mut report = Report::of_fault(table.map_or(name, |table| &table.packet), fault);
    if let Some(table) = table {
        report.version = table.version.clone();
        for found in &mut report.violations {
            found.table = table.table_text().into();
        }
        report.unchecked = table.unknown_fields() + table.unknown_parameters();
    }
    report
}

/// An auxiliary service, a table of another day, or nothing that is known.
fn without_table(tables: &Tables, name: &str, side: Side, document: &Document<'_>) -> Report {
    let root = document.root();
    let shown: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
    let auxiliary = tables.auxiliary(name);
    let known: Arc<str> = auxiliary.map_or_else(|| shown.into(), |found| found.name.clone());
    let mut checking = Checking::new(Report::new(known, Arc::default(), 0), Arc::default());
    mark(&mut checking, document);
    match (auxiliary, side) {
        (Some(found), Side::Request | Side::Data) => {
            if side == Side::Request {
                envelope(&mut checking, tables, root, None);
            }
            parameters(&mut checking, &found.parameters, root);
        }
        (Some(_), Side::Answer) => answer(&mut checking, tables, None, root, 0),
        (None, _) => {
            let rule = if tables.has(name) { Rule::NotInForce } else { Rule::ServiceUnknown };
            checking.path.name(name::SERVICE);
            checking.tell(Finding::error(rule, Evidence::Page), None, || sentence::service(rule));
        }
    }
    checking.report
}

/// A byte order mark passes our reader; the one behind us may stumble over it.
fn mark(checking: &mut Checking<'_>, document: &Document<'_>) {
    if document.has_mark() {
        let finding = Finding::error(Rule::ByteOrderMark, Evidence::Page);
        checking.tell(finding, None, sentence::byte_order_mark);
    }
}

fn request<'t>(checking: &mut Checking<'t>, tables: &'t Tables, table: &'t Table, root: Value<'_>) {
    if !envelope(checking, tables, root, Some(table)) {
        return;
    }
    let data = root.get(name::DATA);
    parameters(checking, &table.parameters, root);
    if let Some(data) = data.filter(|_| table.direction == Direction::Push) {
        checking.path.name(name::DATA);
        records(checking, table, data);
        checking.path.pop();
    }
}

fn data<'t>(checking: &mut Checking<'t>, tables: &'t Tables, table: &'t Table, root: Value<'_>) {
    let is_push = table.direction == Direction::Push;
    match root.shape() {
        Shape::List if is_push => records(checking, table, root),
        Shape::Map => {
            let mut level = tables.envelopes().request.iter();
            let found = root.get(name::DATA);
            if let Some(data) = found.filter(|_| is_push) {
                checking.path.name(name::DATA);
                records(checking, table, data);
                checking.path.pop();
            } else if is_push
                && let Some(field) = level.find(|f| f.name.as_deref() == Some(name::DATA))
            {
                checking.missing(field);
            }
            if !is_push {
                parameters(checking, &table.parameters, root);
            }
        }
        Shape::Null if !is_push => {}
        _ => checking.wrong_shape(if is_push { Shape::List } else { Shape::Map }, Evidence::Code),
    }
}

/// The members around the records; false when there is no object at all.
fn envelope<'t>(
    checking: &mut Checking<'t>,
    tables: &'t Tables,
    root: Value<'_>,
    table: Option<&Table>,
) -> bool {
    if root.shape() != Shape::Map {
        checking.wrong_shape(Shape::Map, Evidence::Code);
        return false;
    }
    let is_push = table.is_some_and(|table| table.direction == Direction::Push);
    around(checking, &tables.envelopes().request, root, is_push);
    if let Some(value) = root.get(name::SERVICE) {
        checking.path.name(name::SERVICE);
        service(checking, value);
        checking.path.pop();
    }
    true
}

/// The members around the records; the list of records itself is looked at by its table.
fn around<'t>(checking: &mut Checking<'t>, level: &'t Level, root: Value<'_>, has_records: bool) {
    for field in level.iter() {
        let Some(wire) = field.name.as_deref() else { continue };
        let is_list = field.form == Form::List;
        if is_list && !has_records {
            continue;
        }
        let mut found = root.pairs().filter(|(named, _)| named.is_named(wire));
        let Some((_, value)) = found.next() else {
            checking.missing(field);
            continue;
        };
        if found.next().is_some() {
            checking.repeated(field);
        }
        if !is_list {
            checking.path.name(wire);
            checking.scalar(field, value);
            checking.path.pop();
        }
    }
}

/// The service named in the body is the one that was called.
fn service(checking: &mut Checking<'_>, value: Value<'_>) {
    let packet = checking.report.packet.clone();
    let named = value.text().unwrap_or_default();
    if !named.trim().is_empty() && !named.trim().eq_ignore_ascii_case(&packet) {
        let finding = Finding::error(Rule::ServiceMismatch, Evidence::Code);
        checking.tell(finding, None, || sentence::mismatch(&packet));
    }
}

/// What stands beside `service`; other names pass, since portals take more than the standard has.
fn parameters<'t>(checking: &mut Checking<'t>, level: &'t Level, root: Value<'_>) {
    let base = checking.members(level, root, Names::Free);
    checking.forget(base);
}

fn records<'t>(checking: &mut Checking<'t>, table: &'t Table, data: Value<'_>) {
    // An empty element is how an empty list looks in XML.
    let is_empty_element = data.syntax() == Syntax::Xml && data.is_blank();
    let has_none = is_empty_element || data.shape() == Shape::List && data.items().next().is_none();
    if has_none && table.direction == Direction::Push && !table.blank {
        // Nobody sends a packet to say nothing; an answer without a record is one.
        let finding = Finding::error(Rule::NoRecord, table.blank_evidence);
        checking.tell(finding, None, sentence::no_record);
    }
    if has_none {
        return;
    }
    if data.shape() != Shape::List {
        checking.wrong_shape(Shape::List, Evidence::Code);
        return;
    }
    if data.items().nth(PACKET_RECORDS_MAX).is_some() {
        // Refuses like a body that is too large; none of the records is looked at.
        let finding = Finding::error(Rule::TooManyRecords, Evidence::Page);
        checking.tell(finding, None, sentence::too_many_records);
        return;
    }
    for (index, record) in data.items().enumerate() {
        if checking.report.stops() {
            return;
        }
        checking.path.index(index);
        if record.shape() == Shape::Map {
            let base = checking.members(&table.fields, record, Names::Told);
            relation::of_record(checking, table, record, base);
            checking.forget(base);
        } else {
            checking.wrong_shape(Shape::Map, Evidence::Code);
        }
        checking.path.pop();
    }
    if !checking.report.stops() {
        relation::of_packet(checking, table, data);
    }
}

/// An answer; one that an adapter wrapped as text in its own `message` is opened once.
fn answer<'t>(
    checking: &mut Checking<'t>,
    tables: &'t Tables,
    table: Option<&'t Table>,
    root: Value<'_>,
    depth: u32,
) {
    if root.shape() != Shape::Map {
        checking.wrong_shape(Shape::Map, Evidence::Code);
        return;
    }
    let message = root.get(crate::answer::MESSAGE).and_then(Value::text);
    if root.get(crate::answer::ERROR_CODE).is_none()
        && depth == 0
        && let Some(message) = message
        && let Ok(inner) = Document::read(message.as_bytes(), None)
        && inner.root().shape() == Shape::Map
    {
        checking.path.name(crate::answer::MESSAGE);
        answer(checking, tables, table, inner.root(), depth + 1);
        checking.path.pop();
        return;
    }
    let is_pull = table.is_some_and(|table| table.direction == Direction::Pull);
    around(checking, &tables.envelopes().answer, root, is_pull);
    let Some(table) = table.filter(|table| table.direction == Direction::Pull) else { return };
    // The records stand under `result` or under the packet's own name.
    for wire in [crate::answer::RESULT, table.packet.as_ref()] {
        if let Some(list) = root.get(wire).filter(|list| !list.is_blank()) {
            checking.path.name(wire);
            records(checking, table, list);
            checking.path.pop();
        }
    }
}
