//! `lgsp packet list|show|sample|check|report`: the packets of QCVN 120, and others by table file,
//! for clerks and vendors.

mod check;
mod guess;
mod list;
mod report;
mod sample;
mod show;
mod word;

use clap::Subcommand;
use jiff::civil::Date;
use packet::Table;

use super::Flags;
use crate::config::Config;
use crate::output::{Failure, Outcome, Output};
use crate::tables::{self, Taken};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Các gói tin, số trường đã biết và chưa biết · The packets, how many fields are known
    List,
    /// Bảng trường của một gói tin · The fields of one packet
    Show(show::Arguments),
    /// In một gói tin mẫu, số liệu giả · Print a sample packet, every value made up
    Sample(sample::Arguments),
    /// Kiểm tra gói tin; sai thì thoát với mã 1 · Check packets; exit 1 when one is refused
    Check(check::Arguments),
    /// Báo cáo phù hợp từ nhật ký · The conformance report, from the journal
    Report(report::Arguments),
}

pub(super) fn run(flags: &Flags, command: &Command) -> Outcome {
    let config = flags.configuration()?;
    let output = flags.output();
    let taken = tables::read(&config.data);
    for fault in taken.faults.iter().chain(&taken.notes) {
        output.message_text(&tables::line(fault, output.language));
    }
    for held in &taken.held {
        output.message(&held.sentence());
    }
    match command {
        Command::List => list::run(output, &taken),
        Command::Show(arguments) => show::run(output, &config, &taken, arguments),
        Command::Sample(arguments) => sample::run(output, &config, &taken, arguments),
        Command::Check(arguments) => check::run(output, &config, &taken, arguments),
        Command::Report(arguments) => report::run(output, &config, &taken, arguments),
    }
}

/// Today in the platform's zone: it decides between versions of a table.
fn today(config: &Config) -> Date {
    terms::clock::Clock::system().now().to_jiff().to_zoned(config.zone.clone()).date()
}

/// A day on the command line.
fn read_day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "YYYY-MM-DD".to_owned())
}

/// The table of a packet on a day.
fn find<'t>(taken: &'t Taken, name: &str, day: Date) -> Result<&'t Table, Failure> {
    taken.tables.find(name, day).ok_or_else(|| {
        if taken.tables.has(name) {
            return Failure::refused(
                format!("ngày {day} không có bảng nào của gói tin {name} có hiệu lực"),
                format!("no table of the packet {name} holds on {day}"),
            );
        }
        Failure::refused(
            format!("không có bảng của gói tin {name}; xem `lgsp packet list`"),
            format!("there is no table of the packet {name}; see `lgsp packet list`"),
        )
    })
}

/// `built in`, or the file in the data folder.
fn origin(output: Output, table: &Table) -> String {
    match &table.file {
        None => output.say("có sẵn", "built in").to_owned(),
        Some(file) => tables::shown(file),
    }
}
