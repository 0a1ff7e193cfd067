//! The window into the portal for tests, demos and vendors: what it holds, and trouble on demand.

use serde::Serialize;

use super::{Dossier, Shared, Trouble};
use crate::control;
use crate::wire::{Answer, Request};

/// Paths that begin so are answered here.
pub(super) const PREFIX: &str = "/inspect/";

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

pub(super) fn answer(request: &Request, shared: &Shared) -> Answer {
    let path = request.path().strip_prefix(PREFIX).unwrap_or_default();
    let segments: Vec<&str> = path.split('/').collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["dossiers"]) => {
            let state = shared.state();
            let lines: Vec<Line<'_>> = state.dossiers().map(Line::of).collect();
            print(&lines)
        }
        ("GET", ["dossiers", code]) => match shared.state().dossier(code) {
            Some(dossier) => print(dossier),
            None => Answer::text(404, "no such dossier\n"),
        },
        ("DELETE", ["dossiers"]) => {
            shared.state().forget_dossiers();
            Answer::text(204, "")
        }
        ("DELETE", ["sessions"]) => {
            shared.state().end_sessions();
            Answer::text(204, "")
        }
        ("PUT", ["trouble"]) => match serde_json::from_slice::<Trouble>(&request.body) {
            Ok(trouble) => {
                *shared.trouble() = trouble;
                Answer::text(204, "")
            }
            Err(error) => Answer::text(400, format!("{error}\n")),
        },
        (method, segments) => control::answer(method, segments, &shared.log),
    }
}

fn print(value: &impl Serialize) -> Answer {
    Answer::json(200, serde_json::to_vec(value).unwrap_or_default())
}
