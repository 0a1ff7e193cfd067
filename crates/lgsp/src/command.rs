//! The command line: what may be asked, and the way to the one file that answers.

mod apply;
mod config;
mod demo;
mod doctor;
mod export;
mod help;
mod journal;
mod key;
mod keyring;
mod moment;
mod packet;
mod serve;
mod show;
mod simulate;
mod statistics;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use terms::clock::Clock;
use terms::fault::Language;
use terms::random::Random;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::base::Base;
use crate::config::{Config, ConfigFault, Origin, choose_file, environment};
use crate::host;
use crate::output::{Exit, Failure, Outcome, Output};

/// Nền tảng tích hợp, chia sẻ dữ liệu (LGSP) · Data integration and sharing platform (LGSP)
#[derive(Debug, Parser)]
#[command(name = "lgsp", version)]
struct Line {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

/// Heading of the flags that every command takes.
const GENERAL: &str = "Chung · General";
/// Places in a line where no terminal says otherwise.
const WIDTH: usize = 100;

/// Flags of every command. Each text here and in the files of the commands is told in the person's
/// language, see `help.rs`: what stands before the dot in Vietnamese, what stands behind it in
/// English.
#[derive(Clone, Debug, Args)]
pub(crate) struct Flags {
    /// Thư mục dữ liệu [mặc định: lgsp-data; demo: lgsp-demo] ·
    /// Data folder [default: lgsp-data; demo: lgsp-demo]
    #[arg(long, global = true, help_heading = GENERAL, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Tệp cấu hình [mặc định: ./lgsp.toml nếu có] ·
    /// Configuration file [default: ./lgsp.toml if it is there]
    #[arg(long, global = true, help_heading = GENERAL, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Mỗi dòng một đối tượng JSON · One JSON object a line
    #[arg(long, global = true, help_heading = GENERAL)]
    json: bool,
    /// Bảng không xuống dòng, rộng bao nhiêu cũng được · Tables with one line a row, however wide
    #[arg(long, global = true, help_heading = GENERAL)]
    wide: bool,
    /// Ngôn ngữ của bảng, thông báo, trợ giúp · Language of tables, messages and help
    #[arg(long, global = true, help_heading = GENERAL, value_enum, default_value = "vi")]
    lang: Lang,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Lang {
    Vi,
    En,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Chạy nền tảng cho đến khi nhận SIGTERM · Run the platform until told to stop
    Serve(serve::Arguments),
    /// Diễn trọn một tỉnh nhỏ, từ con số không · A small province at work, from nothing
    Demo(demo::Arguments),
    /// Đưa tệp danh mục vào nền tảng · Bring registry files in
    Apply(apply::Arguments),
    /// In danh mục thành tệp, không có secret · Print the registry as a file, without secrets
    Export,
    /// Xem danh mục · Look at the registry
    Show(show::Arguments),
    /// Khóa kết nối của hệ thống: cấp, đổi, thu hồi, xem ·
    /// Keys of systems: issue, rotate, revoke, list
    #[command(subcommand)]
    Key(key::Command),
    /// Nhật ký: tìm, thống kê, xuất, kiểm tra · The journal: search, count, export, verify
    #[command(subcommand)]
    Journal(journal::Command),
    /// Gói tin QCVN 120: bảng trường, mẫu, kiểm tra, báo cáo ·
    /// Packets of QCVN 120: tables, check, report
    #[command(subcommand)]
    Packet(packet::Command),
    /// Dữ kiện hồ sơ và gói thống kê: xem, gửi lại, chốt, đếm lại, xóa ·
    /// Facts of dossiers and packets of statistics: look, resend, settle, recount, erase
    #[command(subcommand)]
    Statistics(statistics::Command),
    /// Kiểm tra cài đặt, chỉ ra việc cần làm · Check the installation, say what to do
    Doctor,
    /// Bộ khóa của nền tảng: xem, đổi, chấm dứt · The platform's own keys: list, rotate, retire
    #[command(subcommand)]
    Keyring(keyring::Command),
    /// Cấu hình: kiểm tra, xem · Configuration: check, show
    #[command(subcommand)]
    Config(config::Command),
    /// Hệ thống giả lập để thử kết nối · Stand-ins of the outside world, to test against
    #[command(subcommand)]
    Simulate(simulate::Command),
}

/// Reads the command line, runs the command, tells what went wrong, gives the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let line = match help::read(&arguments) {
        Ok(line) => line,
        Err(told) => return ExitCode::from(told as u8),
    };
    let output = line.flags.output();
    // A dump would hold keys and payloads. Where the system refuses either, nothing is worse.
    let _ = (host::forbid_core_dumps(), host::raise_file_limit());
    let exit = dispatch(line).unwrap_or_else(|failure| {
        if let Some(sentence) = &failure.sentence {
            output.message(sentence);
        }
        failure.exit
    });
    ExitCode::from(exit as u8)
}

fn dispatch(line: Line) -> Outcome {
    let flags = &line.flags;
    match line.command {
        Command::Serve(arguments) => serve::run(flags, &arguments),
        Command::Demo(arguments) => demo::run(flags, &arguments),
        Command::Apply(arguments) => apply::run(flags, &arguments),
        Command::Export => export::run(flags),
        Command::Show(arguments) => show::run(flags, &arguments),
        Command::Key(command) => key::run(flags, &command),
        Command::Journal(command) => journal::run(flags, &command),
        Command::Packet(command) => packet::run(flags, &command),
        Command::Statistics(command) => statistics::run(flags, &command),
        Command::Doctor => doctor::run(flags),
        Command::Keyring(command) => keyring::run(flags, &command),
        Command::Config(command) => config::run(flags, &command),
        Command::Simulate(command) => simulate::run(flags, command),
    }
}

impl Flags {
    fn output(&self) -> Output {
        Output {
            json: self.json,
            language: match self.lang {
                Lang::Vi => Language::Vi,
                Lang::En => Language::En,
            },
            // The same in a file or a pipe as in a window of the usual width.
            width: (!self.wide).then(|| host::terminal_width().unwrap_or(WIDTH)),
        }
    }

    /// File, environment and flags as they are, before any check.
    fn origin(&self) -> Result<Origin, Failure> {
        let file = match choose_file(self.config.as_deref()) {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    let path = path.display();
                    Failure::io(
                        Exit::Usage,
                        &format!("không đọc được tệp cấu hình {path}"),
                        &format!("cannot read the configuration file {path}"),
                        &error,
                    )
                })?;
                Some((path, text))
            }
        };
        let data = self.data.iter().map(|dir| {
            let text = dir.to_string_lossy().into_owned();
            ("platform.data", "--data", text)
        });
        Ok(Origin { file, environment: environment(), flags: data.collect() })
    }

    /// The configuration; a broken one is told on stderr and ends the command with exit 2.
    fn configuration(&self) -> Result<Config, Failure> {
        self.configuration_with([])
    }

    /// The same with the flags of one command: key, flag, value.
    fn configuration_with(
        &self,
        flags: impl IntoIterator<Item = (&'static str, &'static str, String)>,
    ) -> Result<Config, Failure> {
        let mut origin = self.origin()?;
        origin.flags.extend(flags);
        Config::read(&origin).map_err(|faults| {
            tell(self.output(), &faults);
            Failure::told(Exit::Usage)
        })
    }

    /// For commands that need no configuration: one that is named holds all the same.
    fn check_named(&self) -> Result<(), Failure> {
        if self.config.is_some() {
            self.configuration()?;
        }
        Ok(())
    }

    /// Database and keyring of a data folder that is there.
    async fn base(&self) -> Result<Base, Failure> {
        Base::find(self.configuration()?, Clock::system(), Random::system()).await
    }
}

fn tell(output: Output, faults: &[ConfigFault]) {
    for fault in faults {
        output.message_text(&fault.line(output.language));
    }
}

/// The runtime of a command.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// SIGTERM and SIGINT, caught from the moment this is made: before anybody is told to be ready.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> Result<Signals, Failure> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for either.
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
