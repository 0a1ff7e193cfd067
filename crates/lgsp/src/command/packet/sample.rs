//! `lgsp packet sample NAME`: a packet as it stands on the wire, made of the examples of its table;
//! every value in it is made up.

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use packet::{Direction, Document, Field, Form, Level, Table};
use serde::{Serialize, Serializer};

use super::{find, read_day, today};
use crate::config::Config;
use crate::output::{Exit, Failure, Outcome, Output};
use crate::tables::Taken;

/// The unit of samples: no province has it.
const UNIT: &str = "000.00.00.H99";
/// What stands where the sender puts the session of its login.
const SESSION: &str = "SESSION";

#[derive(Debug, Args)]
pub(in crate::command) struct Arguments {
    /// Tên gói tin, hoa thường đều được · Name of the packet, in any case
    name: String,
    /// Bảng có hiệu lực ngày này · The table that holds on this day [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = read_day)]
    date: Option<Date>,
    /// Thông điệp gửi đi hay thông điệp trả lời · What is sent, or what comes back
    #[arg(long, value_enum, default_value = "request")]
    side: Side,
    /// XML thay cho JSON · XML instead of JSON
    #[arg(long)]
    xml: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Side {
    Request,
    Answer,
}

/// A value of the sample; members keep the order of the table.
enum Part {
    Text(String),
    Number(u32),
    List(Vec<Part>),
    Members(Vec<(String, Part)>),
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Part::Text(text) => serializer.serialize_str(text),
            Part::Number(number) => serializer.serialize_u32(*number),
            Part::List(items) => serializer.collect_seq(items),
            Part::Members(members) => {
                serializer.collect_map(members.iter().map(|(name, part)| (name, part)))
            }
        }
    }
}

pub(super) fn run(output: Output, config: &Config, taken: &Taken, asked: &Arguments) -> Outcome {
    let table = find(taken, &asked.name, asked.date.unwrap_or_else(|| today(config)))?;
    let body = match asked.side {
        Side::Request => request(table),
        Side::Answer => answer(table),
    };
    let json = serde_json::to_string_pretty(&body).map_err(std::io::Error::from)?;
    if asked.xml {
        output.line(xml(&json, &table.packet)?.trim_end())?;
    } else {
        output.line(&json)?;
    }
    Ok(Exit::Done)
}

fn xml(json: &str, root: &str) -> Result<String, Failure> {
    let document = Document::read(json.as_bytes(), Some("application/json"));
    match document {
        Ok(document) => Ok(document.to_xml(root)),
        Err(fault) => Err(Failure { exit: Exit::Unable, sentence: Some(fault.sentence) }),
    }
}

/// What a one-stop system sends.
fn request(table: &Table) -> Part {
    let mut body = vec![
        ("session".to_owned(), text(SESSION)),
        ("madonvi".to_owned(), text(UNIT)),
        ("service".to_owned(), text(&table.packet)),
    ];
    body.extend(record(&table.parameters));
    if table.direction == Direction::Push {
        let records = vec![Part::Members(record(&table.fields))];
        body.push(("data".to_owned(), Part::List(records)));
    }
    Part::Members(body)
}

/// What the portal answers.
fn answer(table: &Table) -> Part {
    let mut body = vec![
        ("error_code".to_owned(), Part::Number(0)),
        ("message".to_owned(), text("Thành công")),
    ];
    if table.direction == Direction::Pull {
        let record = record(&table.fields);
        let none = record.is_empty();
        let records = if none { Vec::new() } else { vec![Part::Members(record)] };
        body.push(("result".to_owned(), Part::List(records)));
    }
    Part::Members(body)
}

/// The named fields of a level, each with its example; of the others nothing is invented.
fn record(level: &Level) -> Vec<(String, Part)> {
    let named = level.iter().filter_map(|field| Some((field.name.as_deref()?, field)));
    named.map(|(name, field)| (name.to_owned(), value(field))).collect()
}

fn value(field: &Field) -> Part {
    if field.form == Form::List {
        let item = record(&field.children);
        let items = if item.is_empty() { Vec::new() } else { vec![Part::Members(item)] };
        return Part::List(items);
    }
    let code = || field.codes.first().map(|code| code.value.as_ref());
    text(field.example.as_deref().or_else(code).unwrap_or_default())
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}
