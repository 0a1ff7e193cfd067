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
