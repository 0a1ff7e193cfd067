//! `lgsp packet sample NAME`: a packet as it stands on the wire, made of the examples of its table;
//! every value in it is made up.

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use packet::sample::{self, Extent};
use packet::{Document, Shape, Value};

use super::{find, read_day, today};
use crate::config::Config;
use crate::output::{Exit, Failure, Outcome, Output};
use crate::tables::Taken;

#[derive(Debug, Args)]
pub(in crate::command) struct Arguments {
    /// Tên gói tin, hoa thường đều được · Name of the packet, in any case
    name: String,
    /// Bảng có hiệu lực ngày này [mặc định: hôm nay] · The table that holds on this day [default:
    /// today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = read_day)]
    date: Option<Date>,
    /// Thông điệp gửi đi hay thông điệp trả lời · What is sent, or what comes back
    #[arg(long, value_enum, default_value = "request")]
    side: Side,
    /// Cả các trường ngoài bảng của quy chuẩn · Also the fields beside the standard's positions
    #[arg(long)]
    all: bool,
    /// XML thay cho JSON · XML instead of JSON
    #[arg(long, conflicts_with = "json")]
    xml: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Side {
    Request,
    Answer,
}

pub(super) fn run(output: Output, config: &Config, taken: &Taken, asked: &Arguments) -> Outcome {
    let table = find(taken, &asked.name, asked.date.unwrap_or_else(|| today(config)))?;
    let extent = if asked.all { Extent::All } else { Extent::Standard };
    let text = match asked.side {
        Side::Request => sample::request(&taken.tables, table, extent),
        Side::Answer => sample::answer(table, extent),
    };
    let document = Document::read(text.as_bytes(), Some("application/json"))
        .map_err(|fault| Failure { exit: Exit::Unable, sentence: Some(fault.sentence) })?;
    if asked.xml {
        output.line(document.to_xml(&table.packet).trim_end())?;
    } else if output.json {
        output.line(&document.to_json())?;
    } else {
        let mut pretty = String::new();
        write(document.root(), 0, &mut pretty);
        output.line(&pretty)?;
    }
    Ok(Exit::Done)
}

/// A value over several lines, members in their order.
fn write(value: Value<'_>, depth: usize, out: &mut String) {
    let next = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    let (open, close) = match value.shape() {
        Shape::Map => ('{', '}'),
        Shape::List => ('[', ']'),
        _ => return out.push_str(value.raw().unwrap_or_default()),
    };
    out.push(open);
    let mut is_empty = true;
    let members = value.members().map(|(name, value)| (Some(name), value));
    for (name, item) in members.chain(value.items().map(|item| (None, item))) {
        if !is_empty {
            out.push(',');
        }
        is_empty = false;
        next(out, depth + 1);
        if let Some(name) = name {
            out.push_str(&serde_json::Value::from(name.as_ref()).to_string());
            out.push_str(": ");
        }
        write(item, depth + 1, out);
    }
    if !is_empty {
        next(out, depth);
    }
    out.push(close);
}
