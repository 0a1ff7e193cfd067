//! What is read from the bodies of packets, and what is not.

use terms::clock::Timestamp;
use terms::random::Random;

use super::world::{moment, noon, record, step, zone};
use crate::fact::{Channel, Progress, Record, Status, Tale};
use crate::message::{self, Code, Message, Reading, Unreadable};
use crate::unit::{agency_of, covers};

const CODE: &str = "000.00.07.H99-240304-00017";

fn read(packet: &str, body: &str) -> Result<Reading, Unreadable> {
    message::read(packet, "H98", body.as_bytes(), 0..usize::MAX, noon(), &zone())
}

fn only(reading: Reading) -> Message {
    assert_eq!((reading.messages.len(), reading.uncounted), (1, 0));
    reading.messages.into_iter().next().unwrap()
}

fn full() -> Record {
    Record {
        at: noon(),
        agency: Some("000.00.07.H99".to_owned()),
        procedure: Some("1.000123.000.00.00.H99".to_owned()),
        domain: Some("G99-TN01".to_owned()),
        channel: Some(Channel::Online),
        status: Status::new(4),
        received: Some(moment("20260304081500").day()),
        due: Some(moment("20260311170000").day()),
        finished: None,
    }
}

#[test]
fn a_record_is_read_from_every_shape_of_body() {
    let item = record(CODE, 4, "20260304081500", "20260311170000", "");
    let upper = item.replace("MaHoSo", "MAHOSO").replace("TrangThaiHoSo", "trangthaihoso");
    for body in [
        item.clone(),
        format!("[{item}]"),
        format!(r#"{{"data":[{item}]}}"#),
        format!(r#"{{"data":{item}}}"#),
        format!(r#"{{"session":"x","Madonvi":"H99","service":"DongBoHoSoMC","data":[{item}]}}"#),
        format!(r#"{{"data":[{upper}],"isUpdating":"True"}}"#),
    ] {
        for packet in [message::RECORD, "dongbohosomc"] {
            let message = only(read(packet, &body).unwrap());
            let Tale::Record { record, carried } = message.tale else { panic!("{body}") };
            assert_eq!((record, carried), (full(), Some(moment("20260315090000"))), "{body}");
            assert_eq!(Some(message.code), Code::parse(CODE));
        }
    }
}

#[test]
fn numbers_and_words_are_read_and_what_is_no_code_is_left_out() {
    let body = format!(
        r#"[{{"MaHoSo":"{CODE}","TrangThaiHoSo":9,"KenhThucHien":1,"MaTTHC":"Nguyễn Thị Bí Mật",
        "MaLinhVuc":"001199000001","NgayTiepNhan":20260304081500,"NgayHenTra":null,
        "NgayKetThucXuLy":"","NgayTra":"20260310150000","TaiLieuNop":[{{"MaHoSo":"khac"}}]}}]"#
    );
    let message = only(read(message::RECORD, &body).unwrap());
    let Tale::Record { record, .. } = message.tale else { panic!() };
    let expected = Record {
        procedure: None,
        domain: None,
        channel: Some(Channel::Counter),
        status: Status::new(9),
        due: None,
        finished: Some(moment("20260310150000")),
        ..full()
    };
    assert_eq!(record, expected);
}

#[test]
fn a_step_is_read_and_one_from_the_future_counts_from_now() {
    for (text, expected) in [
        ("20260305101500", "20260305101500"),
        ("", "20260315090000"),
        ("không rõ", "20260315090000"),
        ("20990101000000", "20260315090000"),
    ] {
        let message = only(read(message::PROGRESS, &format!("[{}]", step(CODE, 5, text))).unwrap());
        let status = Status::new(5).unwrap();
        let progress = Progress { moment: moment(expected), at: noon(), status };
        assert_eq!(message.tale, Tale::Progress(progress), "{text:?}");
    }
}

#[test]
fn what_cannot_be_counted_is_told() {
    for (packet, body, told, uncounted) in [
        (message::RECORD, r#"[{"MaHoSo":""},{"TrangThaiHoSo":"2"},{"MaHoSo":" \u00a0"}]"#, 0, 3),
        (message::RECORD, r#"[{"MaHoSo":null},{"MaHoSo":1.5},{"MaHoSo":[1]},{"MaHoSo":{}}]"#, 0, 4),
        // counted, but on no day
        (message::RECORD, r#"[{"MaHoSo":"A-1","NgayTiepNhan":"31/02/2026"}]"#, 1, 1),
        (message::RECORD, r#"[{"MaHoSo":"A-1","NgayTiepNhan":{"d":1}}]"#, 1, 1),
        (message::RECORD, r#"[{"MaHoSo":"A-1","NgayTiepNhan":" "},{"MaHoSo":"A-2"}]"#, 2, 0),
        (message::PROGRESS, r#"[{"MaHoSo":"A-1","TrangThai":"11"},{"TrangThai":"4"}]"#, 0, 2),
        (message::PROGRESS, r#"[{"MaHoSo":"A-1"},{"MaHoSo":"A-1","TrangThai":""}]"#, 0, 0),
        ("LayThuTuc", "not even JSON", 0, 0),
        (message::RECORD, "{}", 0, 0),
        (message::RECORD, r#"{"data":[]}"#, 0, 0),
    ] {
        let reading = read(packet, body).unwrap();
        assert_eq!((reading.messages.len(), reading.uncounted), (told, uncounted), "{body}");
    }
    for body in ["", "[", "12", r#""text""#, "[1]", r#"{"data":7}"#, r#"{"data":[[]]}"#, "[{}"] {
        let error = read(message::RECORD, body).unwrap_err();
        assert!(error.line >= 1 || body.is_empty(), "{body}: {error}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(read(message::RECORD, &deep).is_err());
    assert!(read(message::RECORD, &format!(r#"{{"data":{deep}}}"#)).is_err());
}

/// Damage of any kind is read, or refused, but ends nothing.
#[test]
fn damaged_bodies_end_in_an_answer() {
    let seed = 20260315;
    println!("seed {seed}");
    let random = Random::seeded(seed);
    let whole = format!("[{},{}]", record(CODE, 4, "20260304", "20260311", ""), step(CODE, 9, ""));
    for _ in 0..5_000 {
        let mut body = whole.clone().into_bytes();
        for _ in 0..=random.bytes::<1>()[0] % 4 {
            let [a, b, value] = random.bytes();
            let at = (usize::from(a) * 256 + usize::from(b)) % body.len();
            match value % 3 {
                0 => body[at] = value,
                1 => body.truncate(at.max(1)),
                _ => drop(body.remove(at)),
            }
            if body.is_empty() {
                break;
            }
        }
        for packet in [message::RECORD, message::PROGRESS] {
            let _ = message::read(
                packet,
                "H99",
                &body,
                0..usize::MAX,
                Timestamp::from_secs(0),
                &zone(),
            );
        }
    }
}

#[test]
fn a_code_of_a_dossier_is_never_printed_and_is_one_in_any_case() {
    let code = Code::parse(" 000.00.07.h99-240304-00017 ").unwrap();
    assert_eq!(Some(&code), Code::parse(CODE).as_ref());
    assert_eq!(format!("{code:?}"), "Code");
    for text in ["", "  ", "\t\u{a0}"] {
        assert_eq!(Code::parse(text), None, "{text:?}");
    }
}

/// A code is opaque: whatever the portal takes counts.
#[test]
fn every_code_with_something_in_it_is_a_code_of_its_own() {
    let long = "A".repeat(65);
    let longer = "Đ".repeat(50_000);
    let codes = [
        "a b",
        "a  b",
        "\"a\"",
        "a\u{0}b",
        "hồ sơ 1",
        "ho so 1",
        "HỒ SƠ 1",
        "đ-1",
        "Đ-1",
        "日本-1",
        "🗂",
        "0017",
        "17",
        &long,
        &longer,
    ];
    let known: std::collections::BTreeSet<Code> =
        codes.iter().map(|text| Code::parse(text).unwrap()).collect();
    assert_eq!(known.len(), codes.len());
    // what is one: blanks around, composed and decomposed letters, a to z and A to Z
    for (one, other) in [("hồ sơ 1", " ho\u{302}\u{300} so\u{31b} 1\n"), ("Ab-1", "aB-1")] {
        assert_eq!(Code::parse(one), Code::parse(other));
    }
    for text in codes {
        let body = serde_json::json!({"data": [{"MaHoSo": text, "TrangThaiHoSo": "2"}]});
        let message = only(read(message::RECORD, &body.to_string()).unwrap());
        assert_eq!(Some(message.code), Code::parse(text));
    }
    let number = only(read(message::RECORD, r#"[{"MaHoSo":17}]"#).unwrap());
    assert_eq!(Some(number.code), Code::parse("17"));
}

#[test]
fn the_agency_is_the_head_of_the_code_or_the_sender() {
    for (code, sender, expected) in [
        (CODE, "000.00.00.H99", Some("000.00.07.H99")),
        ("H99.07-240304-1", "", Some("H99.07")),
        ("h99.07-240304-1", "", Some("H99.07")),
        ("MC240304", " 000.00.00.H99 ", Some("000.00.00.H99")),
        // numbers of enterprises are no agency
        ("0100109106-240304-1", "0100109106", None),
        ("-1", "", None),
    ] {
        assert_eq!(agency_of(code, sender).as_deref(), expected, "{code} {sender}");
    }
}

#[test]
fn a_unit_holds_the_agencies_below_it() {
    for (unit, agency, expected) in [
        ("H99", "000.00.07.H99", true),
        ("000.00.00.H99", "000.00.07.H99", true),
        ("0.0.H99", "H99.07", true),
        ("000.00.07.H99", "000.00.07.H99", true),
        ("000.00.07.H99", "000.05.07.H99", true),
        ("000.05.07.H99", "000.00.07.H99", false),
        ("000.00.07.H99", "000.00.08.H99", false),
        ("H99.07", "H99.070", false),
        ("H99.07", "h99.07.001", true),
        ("H98", "000.00.07.H99", false),
        ("H99", "", false),
        ("", "000.00.07.H99", false),
        ("x", "X", true),
        ("x", "H99", false),
    ] {
        assert_eq!(covers(unit, agency), expected, "{unit} {agency}");
    }
}
