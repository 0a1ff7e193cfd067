//! The samples of the standard, judged as their names say.

use std::path::{Path, PathBuf};

use jiff::civil::date;
use terms::fault::Language;

use super::*;
use crate::mode::{Mode, Verdict};
use crate::report::Severity;

pub(crate) fn samples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/qcvn120");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    assert!(files.len() >= 31, "{files:?}");
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// Both sides of a sample file, judged.
fn judged(text: &str) -> Vec<Report> {
    let tables = Tables::builtin();
    let document = Document::read(text.as_bytes(), None).unwrap();
    let root = document.root();
    let meta = root.get("meta").unwrap();
    let named = meta.get("packet").or_else(|| meta.get("service"));
    let request = root.get("request");
    let in_body = request.and_then(|request| request.get("service"));
    let Some(name) = named.or(in_body).and_then(Value::text) else {
        return Vec::new();
    };
    let on = date(2024, 3, 4);
    let of = |part: Option<Value<'_>>, side| {
        part.map(|part| judge(&tables, &name, side, part.raw().unwrap().as_bytes(), None, on))
    };
    of(request, Side::Request).into_iter().chain(of(root.get("response"), Side::Answer)).collect()
}

#[test]
fn samples_are_judged_as_their_names_say() {
    let mut told = String::new();
    for (name, text) in samples() {
        let reports = judged(&text);
        let valid = !name.starts_with('9');
        for report in &reports {
            told.push_str(&format!("{name} {} {}\n", report.packet, report.summary(200)));
            for found in &report.violations {
                told.push_str(&format!("  {} | {}\n", found.sentence.vi, found.suggestion.vi));
                told.push_str(&format!("  {} | {}\n", found.sentence.en, found.suggestion.en));
            }
        }
        for mode in Mode::ALL {
            let refused = reports.iter().any(|report| report.verdict(mode) == Verdict::Refused);
            if valid || mode == Mode::Report {
                assert!(!refused, "{name} in {mode}: {reports:#?}");
            }
        }
        if !valid {
            assert!(reports.iter().any(|report| !report.is_valid()), "{name}");
        }
    }
    println!("{told}");
}
