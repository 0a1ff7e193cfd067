//! The samples of the standard, judged as their names say.

mod case;
mod example;

use std::path::{Path, PathBuf};

use jiff::civil::date;

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

/// Damaged packets that are tried; the first seed is printed with what fails.
const DAMAGED: u64 = 500;

#[test]
fn damage_in_a_known_field_is_refused_in_strict_and_named() {
    let (tables, on) = (Tables::builtin(), date(2026, 11, 22));
    let (mut exact, mut missed) = (0, Vec::new());
    for seed in 0..DAMAGED {
        let made = crate::testing::damaged(&tables, on, seed);
        let report = judge(&tables, &made.packet, made.side, made.body.as_bytes(), None, on);
        assert_eq!(report.verdict(Mode::Strict), Verdict::Refused, "seed {seed}: {made:#?}");
        assert_ne!(report.verdict(Mode::Report), Verdict::Refused);
        let errors = report.violations.iter().filter(|found| found.severity == Severity::Error);
        let mut paths: Vec<&str> = errors.map(|found| found.path.as_str()).collect();
        paths.dedup();
        if paths == [made.path.as_str()] {
            exact += 1;
        } else {
            missed.push(format!("{seed} {} {} {} {paths:?}", made.packet, made.damage, made.path));
        }
    }
    println!("{exact} of {DAMAGED} name exactly the damaged field\n{}", missed.join("\n"));
    assert!(exact * 100 >= DAMAGED * 95, "{exact} of {DAMAGED}\n{}", missed.join("\n"));
}

#[test]
fn valid_packets_are_refused_in_no_mode() {
    let (tables, on) = (Tables::builtin(), date(2026, 11, 22));
    for seed in 0..2_000 {
        let made = crate::testing::valid(&tables, on, seed);
        let report = judge(&tables, &made.packet, made.side, made.body.as_bytes(), None, on);
        assert!(report.is_valid(), "seed {seed}: {report:#?}\n{}", made.body);
    }
}

#[test]
fn combining_marks_and_control_characters_are_seen_however_they_are_written() {
    let (tables, on) = (Tables::builtin(), date(2026, 11, 22));
    let rule = |json: &str| {
        let body = format!(r#"[{{"NOIDUNG":{json}}}]"#);
        judge(&tables, "DongBoHoiDap", Side::Data, body.as_bytes(), None, on).summary(99)
    };
    for (json, expected) in [
        ("\"Nguyễn Thị Đào\\n° §\"", ""),
        ("\"o\u{31b}\"", "not_composed@[0].NOIDUNG"),
        // A letter of the Êđê and others that has no composed form stays as it is.
        ("\"b\u{306}\"", ""),
        (r#""e\u0302\u0301""#, "not_composed@[0].NOIDUNG"),
        ("\"\u{7f}\"", "control_character@[0].NOIDUNG"),
        ("\"x\u{85}\"", "control_character@[0].NOIDUNG"),
        (r#""x\u0000""#, "control_character@[0].NOIDUNG"),
        (r#""x\u009f""#, "control_character@[0].NOIDUNG"),
    ] {
        assert_eq!(rule(json), expected, "{json}");
    }
}

#[test]
fn both_forms_of_a_packet_are_judged_alike() {
    let (tables, on) = (Tables::builtin(), date(2026, 11, 22));
    for seed in 0..400 {
        for made in
            [crate::testing::damaged(&tables, on, seed), crate::testing::valid(&tables, on, seed)]
        {
            let judge = |body: &str| {
                judge(&tables, &made.packet, made.side, body.as_bytes(), None, on).summary(9_999)
            };
            let xml = Document::read(made.body.as_bytes(), None).unwrap().to_xml(&made.packet);
            assert_eq!(judge(&xml), judge(&made.body), "seed {seed} {}\n{xml}", made.damage);
        }
    }
}

#[test]
fn any_packet_is_judged_without_harm() {
    const ALPHABET: &[u8] = b"{}[]:,\"\\ <>/=&;-.%0123456789aeMHoSTnull\xcc\x81\xc4\x90";
    let (tables, on) = (Tables::builtin(), date(2026, 11, 22));
    let names: Vec<&str> = tables.iter().map(|table| table.packet.as_ref()).collect();
    bolero::check!()
        .with_test_time(std::time::Duration::from_secs(10))
        .with_type::<(u16, bool, Vec<(u16, u8)>)>()
        .for_each(|(seed, is_xml, edits)| {
            let made = crate::testing::valid(&tables, on, u64::from(*seed));
            let mut body = made.body.into_bytes();
            if *is_xml {
                let document = Document::read(&body, None).expect("a valid packet");
                body = document.to_xml("a").into_bytes();
            }
            for (at, byte) in edits {
                let at = *at as usize % body.len();
                match ALPHABET.get(*byte as usize) {
                    Some(sign) => body[at] = *sign,
                    None => body.insert(at, *byte),
                }
            }
            for side in [Side::Request, Side::Data, Side::Answer] {
                let name = names[edits.len() % names.len()];
                for name in [name, &made.packet, "TraCuuHoSo"] {
                    let report = judge(&tables, name, side, &body, None, on);
                    assert!(report.summary(64).len() <= 64);
                    assert_eq!(report.count == 0, report.violations.is_empty());
                    assert!(report.verdict(Mode::Refuse) <= report.verdict(Mode::Strict));
                    for found in &report.violations {
                        let told = [&found.sentence.vi, &found.sentence.en];
                        assert!(told.iter().all(|text| text.ends_with('.')), "{found:?}");
                    }
                }
            }
        });
}

#[test]
fn a_packet_of_nothing_but_faults_costs_no_more_than_a_good_one() {
    let (tables, on) = (Tables::builtin(), date(2026, 11, 22));
    for item in ["1", "{}", r#"{"MaHoSo":[],"x":{}}"#] {
        let count = terms::limit::PACKET_RECORDS_MAX;
        let body = format!("[{}]", vec![item; count].join(","));
        let report = judge(&tables, "DongBoHoSoMC", Side::Data, body.as_bytes(), None, on);
        assert!(report.count >= terms::limit::PACKET_VIOLATIONS_COUNT_MAX);
        assert!(report.count < terms::limit::PACKET_VIOLATIONS_COUNT_MAX + 100, "stops there");
        let told = report.to_json(Mode::Strict, terms::fault::Language::En);
        assert!(report.at_least && told.contains("\"at_least\":true"), "{item}");
        assert_eq!(report.violations.len(), terms::limit::PACKET_VIOLATIONS_MAX);
        assert_eq!(report.verdict(Mode::Refuse), Verdict::Refused);
    }
}

#[test]
fn a_packet_of_millions_of_records_is_told_at_once() {
    let (tables, on) = (Tables::builtin(), date(2026, 11, 22));
    let judged = |body: String| {
        judge(&tables, "DongBoHoSoMC", Side::Request, body.as_bytes(), None, on).summary(999)
    };
    let empty = |count: usize| format!(r#"{{"data":[{}{{}}]}}"#, "{},".repeat(count - 1));
    assert_eq!(judged(empty(3_500_000)), "too_many@data[799997]");
    let told = judged(empty(terms::limit::PACKET_RECORDS_MAX + 1));
    assert!(told.ends_with("too_many_records@data"), "{told}");
    let items = "<item/>".repeat(terms::limit::PACKET_RECORDS_MAX + 1);
    let told = judged(format!("<a><data>{items}</data></a>"));
    assert!(told.ends_with("too_many_records@data"), "{told}");
}

/// What stops early is refused in every mode that refuses: warnings alone never end a check, or an
/// error behind them would pass.
#[test]
fn warnings_do_not_hide_an_error_behind_them() {
    let (tables, on) = (Tables::builtin(), date(2026, 11, 22));
    let figures = r#"{"TongDaXuLy":210,"TongXuLyDungHan":199,"TongXuLyTreHan":11,
        "PhanTramXuLyDungHan":99,"PhanTramXuLyTreHan":99}"#;
    let mut records = vec![figures.to_owned(); terms::limit::PACKET_RECORDS_MAX - 1];
    let judged = |records: &[String]| {
        let body = format!("[{}]", records.join(","));
        judge(&tables, "DongBoThongKeHoSo", Side::Data, body.as_bytes(), None, on)
    };
    let report = judged(&records);
    assert!(report.is_valid() && !report.at_least, "{}", report.summary(300));
    assert!(report.count > terms::limit::PACKET_VIOLATIONS_COUNT_MAX, "{}", report.count);
    records.push("1".to_owned());
    let report = judged(&records);
    assert_eq!(report.verdict(Mode::Refuse), Verdict::Refused);
}
