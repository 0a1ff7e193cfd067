//! Seeded packets for tests: good ones in many shapes, and ones with exactly one damage.

use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use crate::check::Side;
use crate::envelope::name;
use crate::sample::{self, Extent};
use crate::table::{Direction, Field, Form, Format, Level, RelationKind, Required, Table, Tables};

/// A stream of numbers that a seed decides (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A stream of its own for each seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 if that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.roll() % limit as u64) as usize }
    }
}

/// A packet and what is known of it.
#[derive(Clone, Debug)]
pub struct Made {
    /// The packet.
    pub packet: Arc<str>,
    /// Which part of a call the body is.
    pub side: Side,
    /// JSON.
    pub body: String,
    /// The damaged field, as a report names it; empty when nothing was damaged.
    pub path: String,
    /// What was done to it; empty when nothing was damaged.
    pub damage: &'static str,
}

/// A step into a JSON value.
#[derive(Clone, Debug)]
enum Step {
    Name(String),
    Index(usize),
}

/// A known field that the packet has.
struct Target<'t> {
    steps: Vec<Step>,
    field: &'t Field,
    /// The field is one of the records' own, so rules over several fields look at it.
    of_record: bool,
}

/// A valid packet: fields that are not required come and go, numbers are numbers or texts, names
/// keep or lose their capitals.
pub fn valid(tables: &Tables, on: Date, seed: u64) -> Made {
    let mut dice = Dice::new(seed);
    let (table, side, mut body) = sample_of(tables, on, &mut dice);
    let optional: Vec<Vec<Step>> = targets(tables, table, side, &body)
        .into_iter()
        .filter(|target| target.field.required != Required::Yes)
        .map(|target| target.steps)
        .collect();
    for steps in optional {
        if let Some((parent, last)) = parent(&mut body, &steps) {
            match dice.below(8) {
                0 => {
                    parent.remove(&last);
                }
                1 => {
                    parent.insert(last, json!(""));
                }
                2 => {
                    parent.insert(last, Value::Null);
                }
                3 => {
                    if let Some(value) = parent.remove(&last) {
                        parent.insert(last.to_ascii_lowercase(), value);
                    }
                }
                _ => {}
            }
        }
    }
    Made {
        packet: table.packet.clone(),
        side,
        body: body.to_string(),
        path: String::new(),
        damage: "",
    }
}

/// A packet with one damage in a known field or, of a table without names, in its envelope.
pub fn damaged(tables: &Tables, on: Date, seed: u64) -> Made {
    let mut dice = Dice::new(seed);
    loop {
        let (table, side, mut body) = sample_of(tables, on, &mut dice);
        let found = targets(tables, table, side, &body);
        if found.is_empty() {
            continue;
        }
        let target = &found[dice.below(found.len())];
        let damages = damages(table, target);
        if damages.is_empty() {
            continue;
        }
        let damage = damages[dice.below(damages.len())];
        let steps = target.steps.clone();
        let mut path = path(&steps);
        let field = target.field;
        if !apply(&mut body, &steps, field, damage) {
            continue;
        }
        if damage == "item" {
            path.push_str("[0]");
        }
        return Made { packet: table.packet.clone(), side, body: body.to_string(), path, damage };
    }
}

fn sample_of<'t>(tables: &'t Tables, on: Date, dice: &mut Dice) -> (&'t Table, Side, Value) {
    let in_force: Vec<&Table> = tables.iter().filter(|table| table.holds_on(on)).collect();
    let table = in_force[dice.below(in_force.len())];
    let extent = if dice.below(2) == 0 { Extent::Standard } else { Extent::All };
    let (side, text) = if table.direction == Direction::Pull && dice.below(3) > 0 {
        (Side::Answer, sample::answer(table, extent))
    } else {
        (Side::Request, sample::request(tables, table, extent))
    };
    (table, side, serde_json::from_str(&text).unwrap_or_default())
}

/// Every known field that stands in the packet.
fn targets<'t>(tables: &'t Tables, table: &'t Table, side: Side, body: &Value) -> Vec<Target<'t>> {
    let mut found = Vec::new();
    let is_push = table.direction == Direction::Push;
    let (envelope, list) = match side {
        Side::Answer => (&tables.envelopes().answer, crate::answer::RESULT),
        Side::Request | Side::Data => (&tables.envelopes().request, name::DATA),
    };
    walk(envelope, body, &mut Vec::new(), &mut found);
    if side != Side::Answer {
        walk(&table.parameters, body, &mut Vec::new(), &mut found);
    }
    if (side == Side::Answer) != is_push
        && let Some(record) = body.get(list).and_then(|records| records.get(0))
    {
        let mut steps = vec![Step::Name(list.to_owned()), Step::Index(0)];
        walk(&table.fields, record, &mut steps, &mut found);
    }
    found
}

fn walk<'t>(level: &'t Level, at: &Value, steps: &mut Vec<Step>, found: &mut Vec<Target<'t>>) {
    for field in level.iter() {
        let Some(name) = field.name.as_deref() else { continue };
        let Some(value) = at.get(name) else { continue };
        steps.push(Step::Name(name.to_owned()));
        let of_record = steps.len() == 3;
        found.push(Target { steps: steps.clone(), field, of_record });
        if let Some(item) = value.get(0).filter(|item| item.is_object()) {
            steps.push(Step::Index(0));
            walk(&field.children, item, steps, found);
            steps.pop();
        }
        steps.pop();
    }
}

/// The damages that can be done to a field.
fn damages(table: &Table, target: &Target<'_>) -> Vec<&'static str> {
    let field = target.field;
    let mut found = Vec::new();
    if field.required == Required::Yes {
        found.push("absent");
        if !field.blank && field.form != Form::List {
            found.extend(["blank", "null"]);
        }
    }
    if field.form == Form::List {
        found.extend(["text for list", "object for list"]);
        if !field.children.is_empty() {
            found.push("item");
        }
        if target.steps.len() == 1 && field.name.as_deref() == Some(name::DATA) {
            found.push("no record");
        }
        return found;
    }
    found.extend(["list", "object", "control", "twice"]);
    if !field.boolean {
        found.push("boolean");
    }
    if field.length.is_some() {
        found.push("long");
    }
    match field.form {
        Form::Text => found.push("decomposed"),
        Form::Datetime => found.extend(["date form", "no such day", "no such time"]),
        Form::Number => found.push("words for number"),
        Form::Code if !field.codes_open => found.push("code"),
        Form::File => found.push("address"),
        Form::Code | Form::List => {}
    }
    if field.range.is_some() {
        found.push("range");
    }
    if target.of_record {
        found.extend(relations(table, field));
    }
    found
}

/// Damage that only a look at several fields can see.
fn relations(table: &Table, field: &Field) -> Vec<&'static str> {
    let place = field.name.as_deref().and_then(|name| table.fields.position_of(name));
    let errors = table.rules.iter().filter(|relation| !relation.warning);
    errors
        .filter_map(|relation| {
            let number = relation.places.iter().position(|at| Some(*at) == place)?;
            match (relation.kind, number) {
                (RelationKind::Order, 1..) => Some("too early"),
                (RelationKind::Sum, 0) => Some("sum"),
                (RelationKind::Period, 0) => Some("period"),
                _ => None,
            }
        })
        .collect()
}

fn apply(body: &mut Value, steps: &[Step], field: &Field, damage: &str) -> bool {
    let Some((map, name)) = parent(body, steps) else { return false };
    let text = map.get(&name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let value = match damage {
        "absent" => {
            map.remove(&name);
            return true;
        }
        "twice" => {
            let other = name.to_ascii_uppercase();
            let other = if other == name { name.to_ascii_lowercase() } else { other };
            let value = map.get(&name).cloned().unwrap_or_default();
            return other != name && map.insert(other, value).is_none();
        }
        "blank" => json!("  "),
        "null" => Value::Null,
        "list" => json!([text]),
        "object" => json!({ "value": text }),
        "item" => json!(["x"]),
        "no record" => json!([]),
        "text for list" => json!("x"),
        "object for list" => json!({ "x": "x" }),
        "boolean" => json!(true),
        "control" => json!(format!("{text}\u{1}")),
        "decomposed" => json!("Nguye\u{302}\u{303}n"),
        "long" => json!("x".repeat(field.length.unwrap_or(0) as usize + 1)),
        "words for number" => json!("mười hai"),
        "range" => json!(field.range.map_or(0.0, |(least, _)| least - 1.0).to_string()),
        "code" => json!("99"),
        "period" => json!("3"),
        "address" => json!("tệp số 1"),
        "date form" => json!("04/03/2024 08:15"),
        "too early" => json!("20190101000000"),
        "sum" => json!((text.parse::<u64>().unwrap_or(0) + 1).to_string()),
        "no such day" => json!(impossible(field, "20240231170000", "31/02/2024")),
        "no such time" if field.formats.first() == Some(&Format::Compact) => {
            json!("20240301250000")
        }
        "no such time" => json!("2024-03-01T25:00:00"),
        _ => return false,
    };
    map.insert(name, value);
    true
}

fn impossible(field: &Field, compact: &str, slash: &str) -> String {
    match field.formats.first() {
        Some(Format::DaySlash) => slash.to_owned(),
        Some(Format::Iso) => "2024-02-31".to_owned(),
        Some(Format::MonthDash) => "13-2024".to_owned(),
        _ => compact.to_owned(),
    }
}

/// The object in which the last step stands, and that step's name.
fn parent<'v>(body: &'v mut Value, steps: &[Step]) -> Option<(&'v mut Map<String, Value>, String)> {
    let (last, before) = steps.split_last()?;
    let mut at = body;
    for step in before {
        at = match step {
            Step::Name(name) => at.get_mut(name)?,
            Step::Index(index) => at.get_mut(index)?,
        };
    }
    match last {
        Step::Name(name) => Some((at.as_object_mut()?, name.clone())),
        Step::Index(_) => None,
    }
}

fn path(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Name(name) if path.is_empty() => path.push_str(name),
            Step::Name(name) => path.push_str(&format!(".{name}")),
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}
