//! `lgsp packet show NAME`: the fields of one packet, each with its evidence.

use clap::Args;
use jiff::civil::Date;
use packet::{Field, Level};
use terms::fault::Language;

use super::{find, origin, read_day, today, word};
use crate::config::Config;
use crate::output::{Exit, Outcome, Output, Table};
use crate::tables::Taken;

#[derive(Debug, Args)]
pub(in crate::command) struct Arguments {
    /// Tên gói tin, hoa thường đều được · Name of the packet, in any case
    name: String,
    /// Bảng có hiệu lực ngày này [mặc định: hôm nay] · The table that holds on this day [default:
    /// today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = read_day)]
    date: Option<Date>,
    /// In tệp bảng, để chép vào DATA/packet và bổ sung · Print the table file, to be copied into
    /// DATA/packet and filled in
    #[arg(long, conflicts_with = "json")]
    toml: bool,
}

pub(super) fn run(output: Output, config: &Config, taken: &Taken, asked: &Arguments) -> Outcome {
    let table = find(taken, &asked.name, asked.date.unwrap_or_else(|| today(config)))?;
    if asked.toml {
        output.line(table.text.trim_end())?;
        return Ok(Exit::Done);
    }
    if output.json {
        output.object(table)?;
        return Ok(Exit::Done);
    }
    let (known, unknown) = (table.known(), table.unknown());
    let (name, number, version) = (&table.packet, table.table_text(), &table.version);
    let (way, origin) = (word::direction(output, table.direction), origin(output, table));
    output.line(&match output.language {
        Language::Vi => format!(
            "{name} · QCVN 120 bảng {number} · phiên bản {version} · {way} · {origin}\n\
             Đã biết {known} trường, chưa biết {unknown}: trường chưa biết không được kiểm tra."
        ),
        Language::En => format!(
            "{name} · QCVN 120 table {number} · version {version} · {way} · {origin}\n\
             {known} fields known, {unknown} not known: those are not checked."
        ),
    })?;
    let parts = [
        (output.say("Tham số gửi kèm", "Sent beside `service`"), &table.parameters),
        (output.say("Trường của mỗi bản ghi", "Fields of each record"), &table.fields),
    ];
    for (title, level) in parts {
        if !level.is_empty() {
            output.line(&format!("\n{title}"))?;
            output.table(&fields(output, level))?;
        }
    }
    Ok(Exit::Done)
}

fn fields(output: Output, level: &Level) -> Table {
    let mut shown = Table::new([
        "#",
        output.say("Tên", "Name"),
        output.say("Ý nghĩa", "Meaning"),
        output.say("Dạng", "Form"),
        output.say("Bắt buộc", "Required"),
        output.say("Căn cứ", "Evidence"),
    ]);
    add(output, &mut shown, level, 0);
    shown
}

fn add(output: Output, shown: &mut Table, level: &Level, depth: usize) {
    for field in level.iter() {
        let meaning = match output.language {
            Language::En if !field.meaning_en.is_empty() => &field.meaning_en,
            _ => &field.meaning,
        };
        let name = field.name.as_deref().unwrap_or("?");
        shown.row([
            field.position.map_or(String::new(), |position| position.to_string()),
            format!("{}{name}", "  ".repeat(depth)),
            meaning.to_string(),
            form(output, field),
            word::required(output, field.required).to_owned(),
            word::evidence(output, field.evidence).to_owned(),
        ]);
        add(output, shown, &field.children, depth + 1);
    }
}

/// `code 1, 2, 3, …`, `datetime yyyyMMddHHmmss`, `text ≤ 1000`.
fn form(output: Output, field: &Field) -> String {
    let mut text = word::form(output, field.form).to_owned();
    let formats = field.formats.iter().map(|format| word::format(output, *format));
    let formats: Vec<&str> = formats.collect();
    if !formats.is_empty() {
        text = format!("{text} {}", formats.join(" | "));
    }
    if !field.codes.is_empty() {
        let codes: Vec<&str> = field.codes.iter().map(|code| code.value.as_ref()).collect();
        let open = if field.codes_open { ", …" } else { "" };
        text = format!("{text} {}{open}", codes.join(", "));
    }
    match field.length {
        Some(length) => format!("{text} ≤ {length}"),
        None => text,
    }
}
