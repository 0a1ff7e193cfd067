//! Sums and percentages.

use serde_json::{Map, Value, json};

use super::*;

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn figures_of_several_systems_add_up_and_percentages_are_computed_anew() {
    let one = figures([200, 50, 250, 210, 199, 11, 40, 36, 4]);
    assert_eq!(one["PhanTramXuLyDungHan"], "94.76");
    assert_eq!(one["PhanTramXuLyTreHan"], "5.24");
    assert_eq!(one["PhanTramChuaXuLyTrongHan"], "90.00");
    assert!(mismatches(&one).is_empty());
    let two = map(&json!({
        "sonhantrongky": 1, "SoTonKyTruoc": "2", "TongSoXuLy": 3, "TongDaXuLy": 0,
        "TongXuLyDungHan": 0, "TongXuLyTreHan": 0, "TongChuaXuLy": 3,
        "TongChuaXuLyTrongHan": 3, "TongChuaXuLyTreHan": " 0 "
    }));
    let sum = add(&[one, two]);
    assert_eq!(sum["SoNhanTrongKy"], "201", "any case, number or text");
    assert_eq!(sum["TongChuaXuLy"], "43");
    assert_eq!(sum["PhanTramChuaXuLyTrongHan"], "90.70");
    assert_eq!(sum.len(), 13);
}

#[test]
fn what_one_system_does_not_say_is_left_out() {
    let sum = add(&[figures([1; 9]), map(&json!({ "SoNhanTrongKy": "2", "TongDaXuLy": "hai" }))]);
    assert_eq!(sum.len(), 1);
    assert_eq!(sum["SoNhanTrongKy"], "3");
    assert!(add(&[]).is_empty());
}

#[test]
fn a_figure_told_twice_in_different_case_is_none_and_both_names_are_told() {
    let twice = r#"{"sonhantrongky": 1, "SoTonKyTruoc": "2", "SoNhanTrongKy": 7}"#;
    let figures = map(&serde_json::from_str(twice).unwrap());
    assert_eq!(figure(&figures, RECEIVED), None, "nobody can say which of them counts");
    assert_eq!(figure(&figures, CARRIED), Some(2));
    assert!(!add(&[figures]).contains_key(RECEIVED));
    for (body, expected) in [
        (twice.to_owned(), Some(Rule::NameRepeated)),
        (format!("[{twice}]"), Some(Rule::NameRepeated)),
        (format!(r#"{{"error_code":"0","result":{twice}}}"#), Some(Rule::NameRepeated)),
        (format!(r#"{{"error_code":"0","result":[{{}},{twice}]}}"#), Some(Rule::NameRepeated)),
        (r#"{"So\u004ehanTrongKy":1,"sonhantrongky":1}"#.to_owned(), Some(Rule::NameRepeated)),
        (r#"{"SoNhanTrongKy":1,"SoNhanTrongKy":2}"#.to_owned(), Some(Rule::DuplicateKey)),
        ("200".to_owned(), None),
        ("mười".to_owned(), Some(Rule::Syntax)),
        ("<a/>".to_owned(), None),
        (r#"{"SoNhanTrongKy":1,"SoTonKyTruoc":1,"ghichu":1,"GhiChu":2}"#.to_owned(), None),
        (r#"[{"SoNhanTrongKy":1},{"sonhantrongky":1}]"#.to_owned(), None),
    ] {
        assert_eq!(fault(body.as_bytes()).map(|fault| fault.rule), expected, "{body}");
    }
    let fault = fault(twice.as_bytes()).unwrap();
    for sentence in [fault.sentence.vi, fault.sentence.en] {
        assert!(sentence.contains("`sonhantrongky`") && sentence.contains("`SoNhanTrongKy`"));
    }
}

#[test]
fn percentages_are_rounded_and_of_nothing_are_zero() {
    for (part, whole, expected) in [
        (0, 0, "0.00"),
        (1, 3, "33.33"),
        (2, 3, "66.67"),
        (1, 8, "12.50"),
        (1, 200_000, "0.00"),
        (1, 20_000, "0.01"),
        (u64::MAX, u64::MAX, "100.00"),
    ] {
        assert_eq!(percent(part, whole), expected, "{part} of {whole}");
    }
}

#[test]
fn figures_that_do_not_add_up_are_found() {
    let mut wrong = figures([200, 50, 251, 210, 199, 11, 40, 36, 4]);
    assert_eq!(mismatches(&wrong), [(DUE, [RECEIVED, CARRIED]), (DUE, [DONE, OPEN])]);
    wrong.remove(RECEIVED);
    assert_eq!(mismatches(&wrong), [(DUE, [DONE, OPEN])], "what is absent is not compared");
}
