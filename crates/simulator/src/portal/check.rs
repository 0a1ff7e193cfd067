//! What is wrong with a record: each field against what the portal expects of it.

use serde::Serialize;
use serde_json::value::RawValue;

use super::envelope::{Fields, Given, object};
use super::table::{Dated, Field, Form, Table};

/// Errors kept of one call, and as many warnings; beyond them errors are only counted.
const FINDINGS_MAX: usize = 200;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A portal may refuse it; this one does, when told to ([`super::Demand::Known`]).
    Error,
    /// Worth a look; never refused.
    Warning,
}

/// One thing noticed in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where: `data[0].TaiLieuNop[1].TenTepDinhKem`, `session`, or the path of the request.
    pub path: String,
    /// By which rule: `required`, `form`, `datetime`, `code`, `length`, `twice`, `name`, …
    pub rule: &'static str,
    /// How grave.
    pub severity: Severity,
    /// What, in Vietnamese.
    pub vi: String,
    /// What, in English.
    pub en: String,
}

/// Findings as they are collected.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) list: Vec<Finding>,
    pub(super) errors: usize,
    warnings: usize,
}

impl Findings {
    pub(super) fn error(&mut self, path: &str, rule: &'static str, vi: &str, en: &str) {
        self.errors += 1;
        if self.errors <= FINDINGS_MAX {
            self.add(path, rule, Severity::Error, vi, en);
        }
    }

    pub(super) fn warn(&mut self, path: &str, rule: &'static str, vi: &str, en: &str) {
        self.warnings += 1;
        if self.warnings <= FINDINGS_MAX {
            self.add(path, rule, Severity::Warning, vi, en);
        }
    }

    fn add(&mut self, path: &str, rule: &'static str, severity: Severity, vi: &str, en: &str) {
        let (path, vi, en) = (path.to_owned(), vi.to_owned(), en.to_owned());
        self.list.push(Finding { path, rule, severity, vi, en });
    }

    /// The first errors in one Vietnamese sentence, as a refusal tells them.
    pub(super) fn told(&self) -> Option<String> {
        let errors = self.list.iter().filter(|finding| finding.severity == Severity::Error);
        let told: Vec<String> =
            errors.take(5).map(|finding| format!("{}: {}", finding.path, finding.vi)).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

/// Checks the fields of one object against `expected`; names in `later` are known as well, but
/// never demanded.
pub(super) fn check(
    given: &Fields,
    expected: &[Field],
    later: &[Field],
    path: &str,
    findings: &mut Findings,
) {
    names(given, expected, later, path, findings);
    for field in expected {
        let Some(name) = &field.name else { continue };
        let at = join(path, name);
        match given.find(name) {
            None if field.required => absent(&at, findings),
            None => {}
            Some(value) => value_of(value, field, later, &at, findings),
        }
    }
    for field in later {
        let Some(name) = &field.name else { continue };
        let known = expected.iter().any(|other| other.name.as_deref() == Some(name));
        if let Some(value) = given.find(name).filter(|_| !known) {
            value_of(value, field, &[], &join(path, name), findings);
        }
    }
}

/// Names that stand twice, are written in another case, or are not known.
fn names(given: &Fields, expected: &[Field], later: &[Field], path: &str, findings: &mut Findings) {
    let known = || expected.iter().chain(later).filter_map(|field| field.name.as_deref());
    for name in given.twice() {
        findings.error(&join(path, name), "twice", "tên trường lặp lại", "the name stands twice");
    }
    let complete = expected.iter().all(|field| field.name.is_some());
    for name in given.names() {
        if known().any(|other| other == name) {
            continue;
        }
        let at = join(path, name);
        if let Some(other) = known().find(|other| other.eq_ignore_ascii_case(name)) {
            let vi = format!("tên trường trong quy chuẩn là {other}");
            findings.warn(&at, "name", &vi, &format!("the standard writes {other}"));
        } else if complete {
            let vi = "trường ngoài bảng, được giữ nguyên";
            findings.warn(&at, "unknown", vi, "not in the table; kept as it is");
        }
    }
}

fn absent(at: &str, findings: &mut Findings) {
    findings.error(at, "required", "thiếu trường bắt buộc", "required and missing");
}

fn value_of(value: &RawValue, field: &Field, later: &[Field], at: &str, findings: &mut Findings) {
    let given = Given::read(value);
    if given.is_empty() {
        let null = matches!(given, Given::Null);
        if field.required && (null || !field.may_be_empty) {
            let en = "required and empty";
            findings.error(at, "required", "trường bắt buộc để trống", en);
        }
        return;
    }
    if let Form::List = field.form {
        return list(&given, field, later, at, findings);
    }
    if let (Form::Flag, Given::Flag(_)) = (&field.form, &given) {
        return;
    }
    let Some(text) = given.text() else {
        let vi = "phải là một giá trị, không phải mảng, đối tượng hay true/false";
        return findings.error(at, "form", vi, "must be one text or number");
    };
    if let Some((rule, vi, en)) = fault(&text, &field.form) {
        findings.error(at, rule, &vi, &en);
    }
    if let Some(length) = field.length.filter(|length| text.chars().count() > *length) {
        let vi = format!("dài quá {length} ký tự");
        findings.error(at, "length", &vi, &format!("longer than {length} characters"));
    }
}

fn list(given: &Given, field: &Field, later: &[Field], at: &str, findings: &mut Findings) {
    let Given::List(rows) = given else {
        return findings.error(at, "list", "phải là một mảng", "must be an array");
    };
    if field.children.is_empty() {
        return;
    }
    let same = later.iter().find(|other| other.name == field.name);
    let later = same.map_or(&[][..], |other| &other.children);
    for (number, row) in rows.iter().enumerate() {
        let at = format!("{at}[{number}]");
        match object(row.get().as_bytes()) {
            Some(row) => check(&row, &field.children, later, &at, findings),
            None => findings.error(&at, "object", "phải là đối tượng", "must be an object"),
        }
    }
}

/// What is wrong with a single value: rule and words.
fn fault(text: &str, form: &Form) -> Option<(&'static str, String, String)> {
    let told = |rule, vi: &str, en: &str| Some((rule, vi.to_owned(), en.to_owned()));
    match form {
        Form::Text | Form::Flag | Form::File | Form::List => None,
        Form::Number if decimal(text).is_some() => None,
        Form::Number => told("number", "phải là số", "must be a number"),
        Form::Percent => {
            let value = decimal(text.strip_suffix('%').unwrap_or(text).trim_end());
            match value {
                Some(value) if (0.0..=100.0).contains(&value) => None,
                _ => told("percent", "phải là số từ 0 đến 100", "must be from 0 to 100"),
            }
        }
        Form::Datetime(others) => datetime(text, others),
        Form::Code(codes) if codes.is_empty() || codes.iter().any(|code| code == text) => None,
        Form::Code(codes) => {
            let codes = codes.join(", ");
            let vi = format!("phải là một trong: {codes}");
            Some(("code", vi, format!("must be one of {codes}")))
        }
    }
}

fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| plain && digits.starts_with(|c: char| c.is_ascii_digit()))
}

fn datetime(text: &str, others: &[Dated]) -> Option<(&'static str, String, String)> {
    if text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let part = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap_or(u32::MAX);
        let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
        let clock = part(8, 10) < 24 && part(10, 12) < 60 && part(12, 14) < 60;
        if is_day(year, month, day) && clock {
            return None;
        }
        let vi = "ngày giờ không có thật".to_owned();
        return Some(("datetime", vi, "no such day or time".to_owned()));
    }
    let other = others.iter().any(|other| match other {
        Dated::Month => text.split_once('-').is_some_and(|(month, year)| {
            year.len() == 4 && matches!((month.parse(), year.parse()), (Ok(1..=12), Ok(1..=9999)))
        }),
        Dated::Slashes => {
            let parts: Vec<u32> = text.split('/').filter_map(|part| part.parse().ok()).collect();
            matches!(parts[..], [day, month, year] if is_day(year, month, day))
        }
    });
    if other {
        return None;
    }
    let vi = "không đúng dạng yyyyMMddHHmmss".to_owned();
    Some(("datetime", vi, "not of the form yyyyMMddHHmmss".to_owned()))
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day) && year > 0
}

/// Rules between the fields of one record of a push packet.
pub(super) fn across(table: &Table, given: &Fields, path: &str, findings: &mut Findings) {
    match table.packet.as_str() {
        "DongBoHoSoMC" => {
            for (first, later) in [
                ("NgayTiepNhan", "NgayHenTra"),
                ("NgayTiepNhan", "NgayTra"),
                ("NgayTiepNhan", "NgayKetThucXuLy"),
                ("NgayKetThucXuLy", "NgayTra"),
            ] {
                let (one, two) = (given.text(first), given.text(later));
                if one.len() == 14 && two.len() == 14 && two < one {
                    let vi = format!("sớm hơn {first}");
                    findings.warn(&join(path, later), "order", &vi, &format!("before {first}"));
                }
            }
        }
        "DongBoThongKeHoSo" => statistics(given, path, findings),
        _ => {}
    }
}

/// Only months and years are sent; other periods are asked for by the portal (QCV-04, QCV-05).
fn statistics(given: &Fields, path: &str, findings: &mut Findings) {
    let month = given.text("Thang");
    let is_year = given.text("LoaiThongKe") == "2";
    let fits = match month.parse::<u32>() {
        Ok(month) => (1..=12).contains(&month) || (is_year && month == 0),
        Err(_) => is_year && month.is_empty(),
    };
    if !fits {
        let vi = "chỉ nhận thống kê tháng (1 đến 12) hoặc năm; kỳ khác Cổng hỏi qua /thong-ke";
        let en = "months (1 to 12) and years only; other periods are asked for at /thong-ke";
        findings.error(&join(path, "Thang"), "period", vi, en);
    }
    let value = |name| given.text(name).parse::<i64>().ok();
    for (whole, one, two) in [
        ("TongSoXuLy", "SoNhanTrongKy", "SoTonKyTruoc"),
        ("TongDaXuLy", "TongXuLyDungHan", "TongXuLyTreHan"),
        ("TongChuaXuLy", "TongChuaXuLyTrongHan", "TongChuaXuLyTreHan"),
        ("TongSoXuLy", "TongDaXuLy", "TongChuaXuLy"),
    ] {
        let (Some(sum), Some(a), Some(b)) = (value(whole), value(one), value(two)) else {
            continue;
        };
        if a.checked_add(b) != Some(sum) {
            let vi = format!("không bằng {one} + {two}");
            findings.warn(&join(path, whole), "sum", &vi, &format!("is not {one} + {two}"));
        }
    }
}

pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
