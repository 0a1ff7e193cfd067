//! The envelope: what is read of it, and that nothing else is ever touched.

use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::*;

const CALL: &str = r#" { "session" : "old" , "MaDonVi":"000.00.00.H99","service":"CapNhatTienDoHoSoMC", "x": 1.50, "data": [ {"MaHoSo":"a", "n":1e2} ,{"MaHoSo":"b\u0041"},  {"MaHoSo":"a"} ] } "#;

fn parsed(body: &[u8]) -> Json {
    serde_json::from_slice(body)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(body)))
}

#[test]
fn names_are_found_in_any_case() {
    let envelope = Envelope::read(CALL.as_bytes()).unwrap();
    assert_eq!(envelope.session(), Some("old"));
    assert_eq!(envelope.madonvi(), Some("000.00.00.H99"));
    assert_eq!(envelope.service(), Some("CapNhatTienDoHoSoMC"));
    assert_eq!(envelope.is_updating(), None);
    assert_eq!(envelope.count(), 3);
    for (value, expected) in [
        (r#""True""#, Some(true)),
        (r#""false""#, Some(false)),
        ("true", Some(true)),
        ("0", Some(false)),
        (r#""perhaps""#, None),
        ("null", None),
    ] {
        let body = format!(r#"{{"ISUPDATING":{value}}}"#);
        assert_eq!(Envelope::read(body.as_bytes()).unwrap().is_updating(), expected, "{value}");
    }
    let escaped = Envelope::read(br#"{"ser\u0076ice":"L\u0061y"}"#).unwrap();
    assert_eq!(escaped.service(), Some("Lay"), "a name is read as the portal reads it");
}

#[test]
fn one_value_is_spliced_and_nothing_else_changes() {
    let body = Bytes::from_static(CALL.as_bytes());
    let envelope = Envelope::read(&body).unwrap();
    let with = with_session(&body, &envelope, "new \"quoted\"");
    assert_eq!(with, CALL.replace(r#""old""#, r#""new \"quoted\"""#));
    let with = with_updating(&body, &envelope, true);
    assert_eq!(with, CALL.replacen('{', r#"{"isUpdating":"True","#, 1));
    let again = with_updating(&with, &Envelope::read(&with).unwrap(), false);
    assert_eq!(again, CALL.replacen('{', r#"{"isUpdating":"False","#, 1));
    assert_eq!(with_unit_if_absent(&body, &envelope, "x"), body);
    let empty = Bytes::from_static(b"{ }");
    let with = with_session(&empty, &Envelope::read(&empty).unwrap(), "s");
    assert_eq!(parsed(&with), json!({ "session": "s" }));
    let null = Bytes::from_static(br#"{"session":null,"a":1}"#);
    let with = with_session(&null, &Envelope::read(&null).unwrap(), "s");
    assert_eq!(&with[..], br#"{"session":"s","a":1}"#);
    let marked = Bytes::from_static(b"\xef\xbb\xbf{\"session\":\"a\"}");
    let with = with_session(&marked, &Envelope::read(&marked).unwrap(), "b");
    assert_eq!(&with[..], b"\xef\xbb\xbf{\"session\":\"b\"}", "places count from the body's begin");
}

#[test]
fn what_two_readers_could_read_in_two_ways_is_refused() {
    for body in [
        r#"{"service":"TraCuuHoSo","Service":"DongBoHoSoMC"}"#,
        r#"{"service":"A","service":"B"}"#,
        r#"{"service":"A","servi\u0063e":"B"}"#,
        r#"{"a":{"b":1,"b":2}}"#,
        r#"{"service":"A"}{"service":"B"}"#,
        r#"{"service":"A",}"#,
        r#"{'service':'A'}"#,
        r#"{"service":NaN}"#,
        r#"{"service":"A"/**/}"#,
        r#"[1]"#,
        "<a/>",
        "",
    ] {
        assert!(Envelope::read(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_call_is_put_around_what_a_path_per_packet_takes() {
    let item = r#"{ "MaHoSo" : "1" , "Gia": 1.50 }"#;
    let table = [
        (format!("[{item}]"), Some(true), json!({ "isUpdating": "True" }), "madonvi của ta"),
        (format!(r#"{{"data":[{item}]}}"#), None, json!({}), "madonvi của ta"),
        (
            format!(r#"{{"MADONVI":"H99","isUpdating":"False","data":[{item}]}}"#),
            Some(true),
            json!({ "isUpdating": "False" }),
            "H99",
        ),
    ];
    for (body, updating, extra, unit) in table {
        let made = wrap("DongBoHoSoMC", "madonvi của ta", updating, body.as_bytes(), "s").unwrap();
        assert!(String::from_utf8_lossy(&made).contains(item), "copied verbatim: {body}");
        let read = parsed(&made);
        assert_eq!(read["session"], "s");
        assert_eq!(read["madonvi"], unit, "{body}");
        assert_eq!(read["service"], "DongBoHoSoMC");
        assert_eq!(read.get("isUpdating"), extra.get("isUpdating"), "{body}");
        assert_eq!(read["data"][0]["MaHoSo"], "1");
    }
    let pull = wrap("LayThuTuc", "H99", None, br#"{"maTTHC":"1.0","session":"x"}"#, "s").unwrap();
    let expected =
        json!({ "session": "s", "madonvi": "H99", "service": "LayThuTuc", "maTTHC": "1.0" });
    assert_eq!(parsed(&pull), expected);
    for body in ["", "  ", "{}"] {
        let pull = wrap("LayThuTuc", "H99", None, body.as_bytes(), "s").unwrap();
        assert_eq!(
            parsed(&pull),
            json!({ "session": "s", "madonvi": "H99", "service": "LayThuTuc" })
        );
    }
    let xml = "<a><isUpdating>True</isUpdating><data><item><MaHoSo>1</MaHoSo></item></data></a>";
    let made = wrap("DongBoHoSoMC", "H99", None, xml.as_bytes(), "s").unwrap();
    let expected = r#"{"session":"s","madonvi":"H99","service":"DongBoHoSoMC","isUpdating":"True","data":[{"MaHoSo":"1"}]}"#;
    assert_eq!(made, expected, "XML becomes the JSON that portals take");
    for body in [r#"{"service":"Khac"}"#, "1", "\"x\"", "{"] {
        assert!(wrap("LayThuTuc", "H99", None, body.as_bytes(), "s").is_err(), "{body}");
    }
}

#[test]
fn dossiers_of_a_call_are_found_once_each() {
    let found = |body: &str| values(&Document::read(body.as_bytes(), None).unwrap(), "MaHoSo");
    assert_eq!(found(CALL), ["a", "bA"]);
    assert_eq!(found(r#"[{"mahoso":7},{"MaHoSo":""},{"MaHoSo":null},{}]"#), ["7"]);
    assert!(found(r#"{"data":"x"}"#).is_empty());
}
