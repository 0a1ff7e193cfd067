//! `lgsp journal search|stats|export|verify`: what passed, read beside a running server.

pub(super) mod table;

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use journal::{By, Filter, Format, JournalError};
use terms::exchange::{ExchangeId, Kind, Outcome as Ending};
use terms::fault::Sentence;
use terms::limit::SEARCH_ROWS;

use super::Flags;
use super::moment::{self, End};
use crate::base::must_exist;
use crate::config::Config;
use crate::output::{Exit, Failure, Outcome, Output};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Tìm các dòng nhật ký · Find rows of the journal
    Search(Asked),
    /// Thống kê: số lượt, dung lượng, thời gian p50/p95/p99 · Counts, bytes, p50/p95/p99
    Stats {
        #[command(flatten)]
        asked: Asked,
        /// Gộp theo, cách nhau bằng dấu phẩy · Group by, separated by commas
        #[arg(long, value_delimiter = ',', default_value = "day")]
        by: Vec<String>,
    },
    /// Xuất ra tệp · Write to a file
    Export {
        #[command(flatten)]
        asked: Asked,
        /// Dạng tệp · Form of the file
        #[arg(long, value_parser = ["jsonl", "csv"], default_value = "jsonl")]
        format: String,
        /// Tệp mới, chỉ chủ sở hữu đọc được · A new file, for the owner only
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Kiểm tra tính toàn vẹn; sai thì thoát với mã 1 · Check that nothing was altered
    Verify,
}

/// Which rows are asked for.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Từ thời điểm (RFC 3339) hoặc ngày (YYYY-MM-DD) · From a time (RFC 3339) or date (YYYY-MM-DD)
    #[arg(long, value_name = "T")]
    from: Option<String>,
    /// Đến trước thời điểm, hoặc hết ngày · Before this time; a date is meant whole
    #[arg(long, value_name = "T")]
    to: Option<String>,
    /// Mã giao dịch (Exchange-Id) · Id of the exchange (Exchange-Id)
    #[arg(long, value_name = "ID")]
    exchange: Option<String>,
    /// Mã tham chiếu của một bên · A party's own reference
    #[arg(long, value_name = "R")]
    reference: Option<String>,
    /// Mã đơn vị, bên khai thác hay bên cung cấp · Code of a member on either side
    #[arg(long, value_name = "C")]
    member: Option<String>,
    /// Mã hệ thống khai thác · Code of the consumer's system
    #[arg(long, value_name = "C")]
    system: Option<String>,
    /// Mã dịch vụ · Code of the service
    #[arg(long, value_name = "C")]
    service: Option<String>,
    /// Kết cục: answered, denied, failed, abandoned · Outcome: one of these words
    #[arg(long, value_name = "O")]
    outcome: Option<String>,
    /// Mã lỗi · Code of the fault
    #[arg(long, value_name = "F")]
    fault: Option<String>,
    /// Loại dòng: call, token, change, erasure · Kind of row: one of these words
    #[arg(long, value_name = "K")]
    kind: Option<String>,
    /// Số dòng tối đa; 0: tất cả [mặc định: search 1000, còn lại tất cả] ·
    /// Rows at the most; 0: all [default: 1000 for search, else all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

pub(super) fn run(flags: &Flags, command: &Command) -> Outcome {
    let config = flags.configuration()?;
    must_exist(&config)?;
    match command {
        Command::Search(asked) => search(flags.output(), &config, asked),
        Command::Stats { asked, by } => stats(flags.output(), &config, asked, by),
        Command::Export { asked, format, out } => {
            export(flags.output(), &config, asked, format, out)
        }
        Command::Verify => verify(flags.output(), &config),
    }
}

impl Asked {
    /// The filter; a word that cannot be one is a slip of the keyboard (exit 2). `limit` is what
    /// holds when none was given.
    fn filter(&self, config: &Config, limit: Option<usize>) -> Result<Filter, Failure> {
        let at = |text: &Option<String>, end| {
            text.as_deref().map(|text| moment::read(text, end, &config.zone)).transpose()
        };
        let exchange = word("--exchange", self.exchange.as_deref(), ExchangeId::parse, || {
            "01a201b2-c3b8-786f-b847-1b2a6eafd79f".to_owned()
        })?;
        Ok(Filter {
            from: at(&self.from, End::From)?,
            to: at(&self.to, End::To)?,
            exchange,
            reference: self.reference.clone(),
            member: self.member.clone(),
            system: self.system.clone(),
            service: self.service.clone(),
            outcome: word("--outcome", self.outcome.as_deref(), Ending::parse, || {
                Ending::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", ")
            })?,
            fault: self.fault.clone(),
            kind: word("--kind", self.kind.as_deref(), Kind::parse, || {
                Kind::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", ")
            })?,
            limit: match self.limit {
                None => limit,
                Some(0) => None,
                some => some,
            },
            ..Filter::default()
        })
    }
}

fn word<T>(
    flag: &str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Option<T>,
    like: impl Fn() -> String,
) -> Result<Option<T>, Failure> {
    let Some(text) = text else { return Ok(None) };
    match parse(text) {
        Some(value) => Ok(Some(value)),
        None => Err(Failure::usage(
            format!("{flag}: “{text}” không hợp lệ; viết như: {}", like()),
            format!("{flag}: “{text}” is not valid; write: {}", like()),
        )),
    }
}

fn search(output: Output, config: &Config, asked: &Asked) -> Outcome {
    let filter = asked.filter(config, Some(SEARCH_ROWS))?;
    let rows = journal::search(&config.journal, &filter)?;
    if output.json {
        let mut out = BufWriter::new(io::stdout().lock());
        for row in rows {
            row?.write_json(&mut out)?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        return Ok(Exit::Done);
    }
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    output.table(&table::rows(output, &config.zone, &rows))?;
    if filter.limit.is_some_and(|limit| rows.len() >= limit) {
        output.message(&Sentence::made(
            format!("Chỉ hiện {} dòng đầu; --limit 0 hiện tất cả.", rows.len()),
            format!("The first {} rows only; --limit 0 shows all.", rows.len()),
        ));
    }
    Ok(Exit::Done)
}

fn export(output: Output, config: &Config, asked: &Asked, format: &str, path: &Path) -> Outcome {
    let filter = asked.filter(config, None)?;
    let format = if format == "csv" { Format::Csv } else { Format::Jsonl };
    let shown = path.display();
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::usage(
            format!("tệp {shown} đã có; chọn tên khác"),
            format!("the file {shown} is there already; choose another name"),
        ),
        _ => Failure::io(
            Exit::Unable,
            &format!("không tạo được {shown}"),
            &format!("cannot make {shown}"),
            &error,
        ),
    })?;
    let mut out = BufWriter::new(&file);
    let count = journal::export(&config.journal, &filter, format, &mut out)?;
    out.flush()?;
    drop(out);
    file.sync_all()?;
    output.message(&Sentence::made(
        format!("Đã xuất {count} dòng ra {shown}."),
        format!("Wrote {count} rows to {shown}."),
    ));
    Ok(Exit::Done)
}

fn stats(output: Output, config: &Config, asked: &Asked, by: &[String]) -> Outcome {
    let filter = asked.filter(config, None)?;
    let by = by.iter().map(|text| {
        By::parse(text).ok_or_else(|| {
            let known = By::ALL.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            Failure::usage(
                format!("--by: “{text}” không phải một trong các từ\n{known}"),
                format!("--by: “{text}” is none of these words\n{known}"),
            )
        })
    });
    let by = by.collect::<Result<Vec<_>, _>>()?;
    let groups = journal::stats(&config.journal, &filter, &by, &config.zone)?;
    if output.json {
        for group in &groups {
            output.object(group)?;
        }
    } else {
        output.table(&table::groups(output, &by, &groups))?;
    }
    Ok(Exit::Done)
}

/// The key by which the manifest of this data folder is signed.
pub(super) fn public_key(config: &Config) -> PathBuf {
    config.data.join("keys/journal.pub")
}

fn verify(output: Output, config: &Config) -> Outcome {
    if !config.journal.is_dir() {
        let (vi, en) = ("Chưa có nhật ký.", "There is no journal yet.");
        output.message(&Sentence::new(vi, en));
        return Ok(Exit::Done);
    }
    let verdict = journal::verify(&config.journal, &public_key(config))?;
    output.object(&verdict)?;
    Ok(if verdict.ok { Exit::Done } else { Exit::Refused })
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Failure {
        let exit = match error {
            JournalError::Retention(_) | JournalError::Node(_) => Exit::Usage,
            _ => Exit::Unable,
        };
        if let JournalError::Io { path, source } = &error {
            let path = path.display();
            return Failure::io(
                exit,
                &format!("không đọc hoặc ghi được nhật ký, {path}"),
                &format!("the journal cannot be read or written, {path}"),
                source,
            );
        }
        Failure { exit, sentence: Some(crate::base::with_causes(&error.sentence(), &error)) }
    }
}
