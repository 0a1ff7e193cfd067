//! `lgsp packet report`: the conformance report (QCV-20), from what the journal wrote of packets.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use journal::Filter;
use packet::Verdict;
use packet::conformance::{Row, Tally};
use terms::exchange::Kind;

use super::{today, word};
use crate::base::must_exist;
use crate::command::moment::{self, End};
use crate::config::Config;
use crate::output::{Exit, Failure, Outcome, Output, Table};
use crate::tables::Taken;

#[derive(Debug, Args)]
pub(in crate::command) struct Arguments {
    /// Chỉ hệ thống này · Only this system
    #[arg(long, value_name = "C")]
    system: Option<String>,
    /// Từ thời điểm (RFC 3339) hoặc ngày · From this time (RFC 3339) or day
    #[arg(long, value_name = "T")]
    from: Option<String>,
    /// Đến trước thời điểm, hoặc hết ngày · Before this time, or to the end of this day
    #[arg(long, value_name = "T")]
    to: Option<String>,
    /// Dạng của tệp [mặc định: html; có --json thì json] · Form of the file [default: html; with
    /// --json json]
    #[arg(long, value_enum, requires = "out")]
    format: Option<Format>,
    /// Tệp mới; không có thì in bảng · A new file; without it a table is printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Html,
    Json,
}

pub(super) fn run(output: Output, config: &Config, taken: &Taken, asked: &Arguments) -> Outcome {
    must_exist(config)?;
    let at = |text: &Option<String>, end| {
        text.as_deref().map(|text| moment::read(text, end, &config.zone)).transpose()
    };
    let filter = Filter {
        from: at(&asked.from, End::From)?,
        to: at(&asked.to, End::To)?,
        system: asked.system.clone(),
        kind: Some(Kind::Call),
        ..Filter::default()
    };
    let tally = read(config, &filter)?;
    let day = today(config);
    let Some(path) = &asked.out else {
        if output.json {
            output.line(&compact(&tally.json(&taken.tables, day)))?;
        } else {
            output.table(&table(output, taken, &tally))?;
        }
        return Ok(Exit::Done);
    };
    let by_default = if output.json { Format::Json } else { Format::Html };
    let text = match asked.format.unwrap_or(by_default) {
        Format::Html => tally.html(&taken.tables, day, output.language),
        Format::Json => tally.json(&taken.tables, day),
    };
    write(path, &text)?;
    Ok(Exit::Done)
}

/// Adds up what the rows say of packets; rows of calls whose packet was not checked say nothing.
fn read(config: &Config, filter: &Filter) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    for row in journal::search(&config.journal, filter)? {
        let row = row?;
        let (Some(system), Some(packet)) = (&row.consumer_system, &row.operation) else { continue };
        let Some(verdict) = row.packet_verdict.as_deref().and_then(verdict) else { continue };
        tally.add(Row {
            system,
            packet,
            verdict,
            summary: row.packet_violations.as_deref().unwrap_or_default(),
            count: row.count,
        });
    }
    Ok(tally)
}

fn verdict(word: &str) -> Option<Verdict> {
    [Verdict::Ok, Verdict::Report, Verdict::Refused].into_iter().find(|v| v.as_str() == word)
}

/// What was seen, a line for each packet of each system.
fn table(output: Output, taken: &Taken, tally: &Tally) -> Table {
    let mut shown = Table::new([
        output.say("Hệ thống", "System"),
        output.say("Gói tin", "Packet"),
        output.say("Lượt gửi", "Calls"),
        output.say("Đạt", "Ok"),
        output.say("Có ghi nhận", "Report"),
        output.say("Từ chối", "Refused"),
        output.say("Kết luận", "Verdict"),
        output.say("Ghi nhận nhiều nhất", "Most frequent finding"),
    ]);
    for system in tally.systems() {
        for packet in taken.tables.iter().map(|table| &table.packet) {
            let Some(count) = tally.count(system, packet) else { continue };
            let most = count.findings.iter().max_by_key(|(_, times)| **times);
            shown.row([
                system.to_owned(),
                packet.to_string(),
                count.calls.to_string(),
                count.ok.to_string(),
                count.report.to_string(),
                count.refused.to_string(),
                word::conformance(output, count.verdict()).to_owned(),
                most.map_or_else(
                    || "–".to_owned(),
                    |(finding, times)| format!("{finding} ({times})"),
                ),
            ]);
        }
    }
    shown
}

/// One line: the form of every `--json`.
fn compact(json: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(json);
    value.map_or_else(|_| json.to_owned(), |value| value.to_string())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let path = path.display();
        Failure::io(
            Exit::Usage,
            &format!("không ghi được tệp mới {path}"),
            &format!("cannot write the new file {path}"),
            &error,
        )
    })
}
