//! What is told, what is recorded, and that neither holds a person's data.

use jiff::civil::date;

use super::*;
use crate::check::{Side, judge};
use crate::table::Tables;

fn report(body: &str) -> Report {
    judge(
        &Tables::builtin(),
        "CapNhatTienDoHoSoMC",
        Side::Data,
        body.as_bytes(),
        None,
        date(2026, 1, 1),
    )
}

#[test]
fn values_are_masked_to_their_shape() {
    for (text, shape) in [
        ("04/03/2024 08:15", "99/99/9999 99:99"),
        ("Nguyễn Văn A", "Xxxxxx Xxx X"),
        ("079203001234", "999999999999"),
        ("a\u{1}b", "x?x"),
        ("٣", "9"),
    ] {
        assert_eq!(mask(text), shape, "{text}");
    }
    assert_eq!(mask(&"x".repeat(60)).chars().count(), 41);
    assert_eq!(mask_code("12"), "12");
    assert_eq!(mask_code("-3"), "-3");
    assert_eq!(mask_code("Nguyễn"), "Xxxxxx");
}

#[test]
fn no_value_and_no_strange_name_is_in_what_is_recorded() {
    let secret = "BiMat079203001234";
    let body = format!(
        r#"[{{"MaHoSo":{{"x":"{secret}"}},"NguoiXuLy":"{}","TruongLa":"{secret}","TrangThai":"{secret}","ThoiDiemXuLy":"{secret}","NoiDungXuLy":"x"}}]"#,
        secret.repeat(10)
    );
    let report = report(&body);
    assert_eq!(
        report.summary(10_000),
        "shape@data[0].MaHoSo too_long@[0].NguoiXuLy".replace("data[0]", "[0]")
            + " unknown_field@[0].? code_unknown@[0].TrangThai datetime_form@[0].ThoiDiemXuLy"
    );
    for language in [Language::Vi, Language::En] {
        let told = report.to_json(Mode::Strict, language);
        assert!(told.contains("[0].TruongLa"), "the sender is told the name it wrote");
        assert!(!told.contains(secret) && !told.contains("079203001234"), "{told}");
    }
}

#[test]
fn a_body_that_cannot_be_read_is_recorded_without_strange_names() {
    for (body, summary) in [
        (r#"{"data":[{"MaHoSo":x}]}"#, "syntax@data[0].MaHoSo"),
        (r#"[{"mahoso":"1","TaiLieuNop":[{"079203001234":x}]}]"#, "syntax@[0].TaiLieuNop[0].?"),
        (r#"{"Nguyen Van A":[1,{"a.b[c":x}]}"#, "syntax@?[1].?.?"),
        (r#"{"079[0]":{"079]":x}}"#, "syntax@?[0].?"),
        (r#"{"x[079203001234]":x}"#, "syntax@?"),
        ("<a><b079><MaHoSo>&x;</MaHoSo></b079></a>", "entity@?.MaHoSo"),
        ("", "body_missing@"),
    ] {
        assert_eq!(report(body).summary(99), summary, "{body}");
    }
}

#[test]
fn a_summary_is_cut_at_a_whole_entry() {
    let body = format!("[{}]", vec!["{}"; 40].join(","));
    let report = report(&body);
    let whole = report.summary(1_000_000);
    assert_eq!(report.count, 40 * 5 + 1);
    assert_eq!(report.violations.len(), PACKET_VIOLATIONS_MAX);
    assert!(whole.ends_with(" +101"), "{whole}");
    for bytes_max in 0..400 {
        let summary = report.summary(bytes_max);
        assert!(summary.len() <= bytes_max, "{bytes_max}: {summary}");
        let entries: Vec<&str> = summary.split(' ').filter(|entry| entry.contains('@')).collect();
        assert!(whole.starts_with(&entries.join(" ")), "{summary}");
        if let Some((_, left)) = summary.rsplit_once('+') {
            assert_eq!(left.parse::<usize>().unwrap() + entries.len(), 201, "{summary}");
        }
    }
}

#[test]
fn the_mode_decides_by_evidence() {
    // A sum that does not add up is known by reasoning only; a strange status by code.
    let statistics = r#"[{"TongSoXuLy":"1","SoNhanTrongKy":"2","SoTonKyTruoc":"0"}]"#;
    let on = date(2026, 1, 1);
    let inferred =
        judge(&Tables::builtin(), "DongBoThongKeHoSo", Side::Data, statistics.as_bytes(), None, on);
    let verdicts = |report: &Report| Mode::ALL.map(|mode| report.verdict(mode));
    use Verdict::{Ok, Refused, Report as Told};
    assert_eq!(verdicts(&inferred), [Told, Told, Refused], "{inferred:#?}");
    let good = r#"{"MaHoSo":"1","NguoiXuLy":"x","ThoiDiemXuLy":"20240304081500","NoiDungXuLy":"x","TrangThai":"2"}"#;
    assert_eq!(verdicts(&report(&format!("[{good}]"))), [Ok, Ok, Ok]);
    let firm = good.replace(r#""TrangThai":"2""#, r#""TrangThai":"12""#);
    assert_eq!(verdicts(&report(&format!("[{firm}]"))), [Told, Refused, Refused]);
    let more = good.replace('}', r#","Khac":"1"}"#);
    assert_eq!(verdicts(&report(&format!("[{more}]"))), [Told, Told, Told], "a warning");
    let broken = report("[{");
    assert_eq!(verdicts(&broken), [Told, Refused, Refused]);
    assert!(broken.headline(Mode::Strict).is_some());
}
