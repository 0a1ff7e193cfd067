//! The window into the portal for tests, demos and vendors: what it holds, and trouble on demand.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Change, Delivery, Dossier, File, Province, Question, Shared, Trouble, lock, page};
use crate::control;
use crate::wire::{Answer, Request, percent_decode};

/// Paths that begin so are answered here.
const PREFIX: &str = "/inspect/";

/// One dossier in the list.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "MaHoSo")]
    code: &'a str,
    #[serde(rename = "TrangThaiHoSo")]
    state: &'a str,
    received: u64,
    progress: usize,
}

impl Line<'_> {
    fn of(dossier: &Dossier) -> Line<'_> {
        Line {
            code: &dossier.code,
            state: dossier.states.last().map_or("", |seen| &seen.state),
            received: dossier.received,
            progress: dossier.progress.len(),
        }
    }
}

/// Is this request for the window, and so none of those that are counted and kept?
pub(super) fn takes(request: &Request) -> bool {
    let looks = matches!(request.method.as_str(), "GET" | "HEAD");
    let page = looks && matches!(request.path(), "/" | "/favicon.ico");
    page || request.target.starts_with(PREFIX)
}

pub(super) async fn answer(request: &Request, shared: &Shared) -> Answer {
    let path = request.path().strip_prefix(PREFIX).unwrap_or_default();
    let segments: Vec<&str> = path.split('/').collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET" | "HEAD", [""]) => page::overview(request, shared),
        ("GET" | "HEAD", ["received", id]) => page::one(request, id, shared),
        ("GET", segments) => look(request, segments, shared),
        ("DELETE", [what]) => forget(what, shared),
        ("PUT", segments) => set(request, segments, shared),
        ("POST", ["province", what]) => ask(request, what, shared).await,
        _ => nothing(),
    }
}

fn nothing() -> Answer {
    Answer::text(404, "GET / tells what can be asked\n")
}

fn look(request: &Request, segments: &[&str], shared: &Shared) -> Answer {
    match segments {
        ["dossiers"] => {
            let state = shared.state();
            let lines: Vec<Line<'_>> = state.dossiers().map(Line::of).collect();
            print(&lines)
        }
        ["dossiers", code] => match shared.state().dossier(&percent_decode(code)) {
            Some(dossier) => print(dossier),
            None => Answer::text(404, "no such dossier\n"),
        },
        ["records"] => print(&shared.state().record_counts()),
        ["records", packet] => print(&shared.state().records(packet)),
        ["calls"] => print(&shared.seen().calls),
        ["calls", id] | ["calls", id, "answer"] => {
            let call = shared.call(id);
            match (call, segments.len()) {
                (None, _) => Answer::text(404, "no such call, or no longer kept\n"),
                (Some(call), 2) => print(&*call),
                (Some(call), _) => {
                    Answer::new(200, "application/octet-stream", call.answer.to_vec())
                }
            }
        }
        ["verdict"] => print(&shared.verdict()),
        ["tables"] => tables(shared),
        ["figures"] => figures(request, shared),
        ["trouble"] => print(&shared.trouble().trouble),
        ["settings"] => print(&shared.state().told()),
        ["province"] => print(&*shared.province()),
        ["province", "calls"] => print(&*lock(&shared.made)),
        segments => control::answer("GET", segments, &shared.log),
    }
}

fn tables(shared: &Shared) -> Answer {
    let state = shared.state();
    let tables: Vec<serde_json::Value> = state
        .tables
        .iter()
        .map(|table| {
            json!({
                "packet": table.packet,
                "table": table.table,
                "direction": table.direction,
                "count": table.count,
                "known": table.known(),
                "file": (!table.file.is_empty()).then_some(&table.file),
            })
        })
        .collect();
    print(&tables)
}

fn figures(request: &Request, shared: &Shared) -> Answer {
    let day = |name: &str| request.parameter(name).map(|day| day.replace('-', ""));
    let is_day = |day: &String| day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
    match (day("tu").filter(is_day), day("den").filter(is_day)) {
        (Some(from), Some(until)) => {
            let unit = request.parameter("donvi").unwrap_or_default();
            print(&shared.state().figures(&from, &until, &unit))
        }
        _ => Answer::text(400, "tu, den: YYYY-MM-DD or yyyyMMdd\n"),
    }
}

fn forget(what: &str, shared: &Shared) -> Answer {
    match what {
        "dossiers" => shared.state().forget_dossiers(),
        "records" => shared.state().forget(),
        "sessions" => shared.state().end_sessions(),
        "received" => shared.log.clear(),
        "calls" => shared.forget_calls(),
        _ => return nothing(),
    }
    Answer::text(204, "")
}

fn set(request: &Request, segments: &[&str], shared: &Shared) -> Answer {
    let done = match segments {
        ["trouble"] => read::<Trouble>(request).map(|trouble| shared.set_trouble(trouble)),
        ["settings"] => read::<Change>(request).map(|change| shared.state().change(change)),
        ["province"] => read::<Province>(request).map(|province| *shared.province() = province),
        ["tables", name] => std::str::from_utf8(&request.body)
            .map_err(|error| error.to_string())
            .and_then(|text| shared.state().tables.read(name, text)),
        _ => return nothing(),
    };
    match done {
        Ok(()) => Answer::text(204, ""),
        Err(sentence) => Answer::text(400, format!("{sentence}\n")),
    }
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, String> {
    serde_json::from_slice(&request.body).map_err(|error| error.to_string())
}

/// Calls the province. Only with a JSON content type, which a foreign page in a browser cannot
/// send: nobody else may use the portal to reach other machines.
async fn ask(request: &Request, what: &str, shared: &Shared) -> Answer {
    let kind = request.header("content-type").unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Answer::text(415, "Content-Type: application/json\n");
    }
    let made = match what {
        "delivery" => match read::<Delivery>(request) {
            Ok(delivery) => shared.deliver(&delivery).await,
            Err(sentence) => return Answer::text(400, format!("{sentence}\n")),
        },
        "file" => match read::<File>(request) {
            Ok(file) => shared.fetch(&file).await,
            Err(sentence) => return Answer::text(400, format!("{sentence}\n")),
        },
        "statistics" => match read::<Question>(request) {
            Ok(question) => shared.ask_statistics(&question).await,
            Err(sentence) => return Answer::text(400, format!("{sentence}\n")),
        },
        _ => return nothing(),
    };
    print(&*made)
}

fn print<T: Serialize + ?Sized>(value: &T) -> Answer {
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    Answer::json(200, text)
}
