//! `lgsp packet check FILE…`: is a packet right, and what to do where it is not.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use packet::{Document, Mode, Report, Rule, Shape, Side, Value, Verdict};
use serde_json::json;
use terms::fault::Language;
use terms::limit::PACKET_BYTES_MAX;

use super::{guess, read_day, today};
use crate::config::Config;
use crate::output::{Exit, Failure, Outcome, Output};
use crate::tables::Taken;

/// What a name that nobody gave is told as.
const NAMELESS: &str = "?";

#[derive(Debug, Args)]
pub(in crate::command) struct Arguments {
    /// Tệp JSON hoặc XML; "-" là đầu vào chuẩn; tệp mẫu có request, response được kiểm cả hai ·
    /// JSON or XML files; "-" is stdin; of a sample with request and response both are checked
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Tên gói tin, khi nội dung không nêu `service` · The packet's name, where the body has no
    /// `service`
    #[arg(long, value_name = "NAME")]
    packet: Option<String>,
    /// Phần của lượt gọi [mặc định: theo nội dung] · Which part of a call [default: by the body]
    #[arg(long, value_enum)]
    side: Option<Part>,
    /// Mức: report không từ chối, refuse theo căn cứ chắc chắn, strict mọi quy tắc đã biết · Mode:
    /// report refuses nothing, refuse by firm evidence, strict by every known rule
    #[arg(long, default_value = "strict", value_parser = read_mode)]
    mode: Mode,
    /// Bảng có hiệu lực ngày này [mặc định: hôm nay] · The tables that hold on this day [default:
    /// today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = read_day)]
    date: Option<Date>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Cả thông điệp gửi đi · Envelope and records
    Request,
    /// Chỉ các bản ghi hoặc tham số · Records or parameters alone
    Data,
    /// Thông điệp trả lời · What the portal answers
    Answer,
}

impl Part {
    fn side(self) -> Side {
        match self {
            Part::Request => Side::Request,
            Part::Data => Side::Data,
            Part::Answer => Side::Answer,
        }
    }

    /// Its word in JSON and on the command line.
    fn word(self) -> &'static str {
        match self {
            Part::Request => "request",
            Part::Data => "data",
            Part::Answer => "answer",
        }
    }

    fn said(self, output: Output) -> &'static str {
        match self {
            Part::Request => output.say("thông điệp gửi", "request"),
            Part::Data => output.say("phần dữ liệu", "data"),
            Part::Answer => output.say("trả lời", "answer"),
        }
    }
}

fn read_mode(text: &str) -> Result<Mode, String> {
    text.parse().map_err(|_| "report, refuse, strict".to_owned())
}

pub(super) fn run(output: Output, config: &Config, taken: &Taken, asked: &Arguments) -> Outcome {
    if !taken.faults.is_empty() {
        // A verdict by tables that may be the wrong ones is worth nothing.
        return Err(Failure::refused(
            "chưa kiểm tra gói tin nào: sửa các tệp bảng nêu trên trước",
            "no packet was checked: mend the table files named above first",
        ));
    }
    let checking = Checking { taken, asked, day: asked.date.unwrap_or_else(|| today(config)) };
    let mut refused = 0;
    for path in &asked.files {
        let name = path.display().to_string();
        for (part, report) in checking.file(&read(path)?) {
            match report {
                Some(report) => {
                    refused += usize::from(report.verdict(asked.mode) == Verdict::Refused);
                    tell(output, asked.mode, &name, part, &report)?;
                }
                None => tell_login(output, &name, part)?,
            }
        }
    }
    Ok(if refused == 0 { Exit::Done } else { Exit::Refused })
}

struct Checking<'a> {
    taken: &'a Taken,
    asked: &'a Arguments,
    day: Date,
}

impl Checking<'_> {
    /// The parts of a file, each with its report; a login, which is no packet, has none.
    fn file(&self, body: &[u8]) -> Vec<(Part, Option<Report>)> {
        let given = self.asked.packet.as_deref();
        let document = match Document::read(body, None) {
            Ok(document) => document,
            Err(fault) => {
                let part = self.asked.side.unwrap_or(Part::Request);
                let report = Report::of_fault(given.unwrap_or(NAMELESS), &fault);
                return vec![(part, Some(report))];
            }
        };
        let root = document.root();
        let (request, answer) = (root.get("request"), root.get("response"));
        let Some(meta) = root.get("meta").filter(|_| request.or(answer).is_some()) else {
            let part = self.asked.side.unwrap_or_else(|| part(root));
            return vec![(part, self.part(&document, part, None))];
        };
        let name = ["packet", "service"].iter().find_map(|key| text(meta, key));
        let parts = [(Part::Request, request), (Part::Answer, answer)];
        let found = parts.into_iter().filter_map(|(part, value)| Some((part, value?.raw()?)));
        found
            .filter_map(|(part, raw)| {
                let document = Document::read(raw.as_bytes(), None).ok()?;
                Some((part, self.part(&document, part, name.as_deref())))
            })
            .collect()
    }

    fn part(&self, document: &Document<'_>, part: Part, told: Option<&str>) -> Option<Report> {
        let own = text(document.root(), "service").filter(|_| part == Part::Request);
        let name = self.asked.packet.as_deref().or(own.as_deref()).or(told);
        if name.is_none() && is_login(document.root()) {
            return None;
        }
        let tables = &self.taken.tables;
        let report = |name| packet::check(tables, name, part.side(), document, self.day);
        let Some(name) = name else {
            let mut report = report(NAMELESS);
            let (sentence, suggestion) = guess::nameless(tables, self.day, document.root());
            for found in report.violations.iter_mut().filter(|v| v.rule == Rule::ServiceUnknown) {
                (found.sentence, found.suggestion) = (sentence.clone(), suggestion.clone());
            }
            return Some(report);
        };
        Some(report(name))
    }
}

/// What a body that nobody described is: it names its service, or its result, or it is records.
fn part(root: Value<'_>) -> Part {
    if is_login(root) || root.get("service").is_some() {
        Part::Request
    } else if root.get("error_code").is_some() || root.get("result").is_some() {
        Part::Answer
    } else if root.shape() == Shape::List || root.get("data").is_some() {
        Part::Data
    } else {
        Part::Request
    }
}

fn is_login(root: Value<'_>) -> bool {
    let has = |name| root.get(name).is_some();
    (has("username") && has("password")) || (has("session") && has("error_code"))
}

fn tell_login(output: Output, file: &str, part: Part) -> std::io::Result<()> {
    if output.json {
        let part = part.word();
        return output.object(&json!({
            "file": file, "part": part, "packet": "login", "verdict": "ok", "unchecked": 0,
            "violations": [],
        }));
    }
    let said = output.say("không phải gói tin, không kiểm tra", "no packet, not checked");
    let login = output.say("đăng nhập", "login");
    output.line(&format!("✓ {file} · {} · {login}: {said}", part.said(output)))
}

fn text(map: Value<'_>, name: &str) -> Option<String> {
    map.get(name)?.text().map(|text| text.into_owned())
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(PACKET_BYTES_MAX as u64 + 1).read_to_end(&mut body)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(PACKET_BYTES_MAX as u64 + 1).read_to_end(&mut body))
    };
    match read {
        Ok(_) => Ok(body),
        Err(error) => {
            let path = path.display();
            Err(Failure::io(
                Exit::Usage,
                &format!("không đọc được tệp {path}"),
                &format!("cannot read the file {path}"),
                &error,
            ))
        }
    }
}

fn tell(
    output: Output,
    mode: Mode,
    file: &str,
    part: Part,
    report: &Report,
) -> std::io::Result<()> {
    if output.json {
        let mut object: serde_json::Value =
            serde_json::from_str(&report.to_json(mode, output.language))?;
        object["file"] = file.into();
        object["part"] = part.word().into();
        return output.object(&object);
    }
    let (mark, word) = match (report.verdict(mode), output.language) {
        (Verdict::Ok, Language::Vi) => ("✓", "đạt"),
        (Verdict::Ok, Language::En) => ("✓", "ok"),
        (Verdict::Report, Language::Vi) => ("✓", "đạt, có điều cần xem"),
        (Verdict::Report, Language::En) => ("✓", "ok, with remarks"),
        (Verdict::Refused, Language::Vi) => ("✗", "KHÔNG ĐẠT"),
        (Verdict::Refused, Language::En) => ("✗", "REFUSED"),
    };
    let unchecked = match (report.unchecked, output.language) {
        (0, _) => String::new(),
        (n, Language::Vi) => format!(" ({n} trường chưa biết tên, không kiểm tra)"),
        (n, Language::En) => format!(" ({n} fields of unknown name, not checked)"),
    };
    let name = &report.packet;
    output.line(&format!("{mark} {file} · {} · {name}: {word}{unchecked}", part.said(output)))?;
    for found in &report.violations {
        let mark = if found.refuses(mode) { "✗" } else { "·" };
        let path = if found.path.is_empty() { String::new() } else { format!("{}: ", found.path) };
        output.line(&format!("    {mark} {path}{}", found.sentence.text(output.language)))?;
        output.line(&format!("      → {}", found.suggestion.text(output.language)))?;
    }
    let kept = u32::try_from(report.violations.len()).unwrap_or(u32::MAX);
    if report.count > kept {
        output.line(&format!("    … +{}", report.count - kept))?;
    }
    Ok(())
}
