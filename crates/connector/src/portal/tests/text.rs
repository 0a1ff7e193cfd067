//! Tables for what is pure: envelopes, answers, paths.

use std::collections::HashSet;

use http::StatusCode;
use packet::Document;

use super::*;
use crate::portal::answer::Answer;
use crate::portal::envelope::{Envelope, Shape};
use crate::portal::request;
use crate::portal::scan::members;

fn shape(body: &str, updating: bool, items: Option<std::ops::Range<usize>>) -> Option<String> {
    let names = terms::portal::PortalNames::default();
    let envelope = Envelope::read(body.as_bytes(), &names)?;
    let items = items.map(|range| &envelope.items[range]);
    let shape = Shape { session: "\"S\"", unit: "U", updating, items };
    let shaped = envelope.shape(body.as_bytes(), &shape, &names);
    Some(String::from_utf8(shaped.to_vec()).unwrap())
}

#[test]
fn an_envelope_is_changed_where_it_must_be_and_nowhere_else() {
    // as it came, as it leaves
    let table = [
        ("{}", r#"{"session":"S","madonvi":"U"}"#),
        (" { } ", r#" {"session":"S","madonvi":"U" } "#),
        (r#"{"session":"x","madonvi":"y"}"#, r#"{"session":"S","madonvi":"y"}"#),
        (r#"{"SESSION":"x","MADONVI":""}"#, r#"{"session":"S","MADONVI":""}"#),
        (r#"{"session":{"a":[1]},"madonvi":1}"#, r#"{"session":"S","madonvi":1}"#),
        (r#"{"madonvi":"y"}"#, r#"{"session":"S","madonvi":"y"}"#),
        (r#"{"session":null}"#, r#"{"madonvi":"U","session":"S"}"#),
        // nothing the consumer calls a session gets through
        (
            r#"{"session":"x","madonvi":"","session":"z"}"#,
            r#"{"session":"S","madonvi":"","session":"S"}"#,
        ),
        (r#"{"sess\u0069on":"x","madonvi":""}"#, r#"{"session":"S","madonvi":""}"#),
        // names inside records are content
        (
            r#"{"madonvi":"","data":[{"session":"x"}]}"#,
            r#"{"session":"S","madonvi":"","data":[{"session":"x"}]}"#,
        ),
        (
            r#"{"madonvi":"","a":"}\"{[","session":""}"#,
            r#"{"madonvi":"","a":"}\"{[","session":"S"}"#,
        ),
        ("\u{feff}{\"session\":1,\"madonvi\":2}", "\u{feff}{\"session\":\"S\",\"madonvi\":2}"),
    ];
    for (came, leaves) in table {
        let shaped = shape(came, false, None).unwrap();
        assert_eq!(shaped, leaves, "{came}");
    }
    for broken in [
        "",
        " ",
        "[]",
        "\"a\"",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\"data\":[1",
    ] {
        assert_eq!(shape(broken, false, None), None, "{broken}");
    }
}

#[test]
fn records_are_chosen_and_marked_byte_for_byte() {
    let one =
        r#"{"session":"","madonvi":"","isUpdating":"False","data": [ {"a" : 1} , [2],"x" ] }"#;
    let table = [
        (one, false, Some(0..1), r#""isUpdating":"False","data": [{"a" : 1}] }"#),
        (one, false, Some(1..3), r#""isUpdating":"False","data": [[2],"x"] }"#),
        (one, true, None, r#""isUpdating":"True","data": [ {"a" : 1} , [2],"x" ] }"#),
        (r#"{"session":"","madonvi":"","isupdating":0}"#, true, None, r#""isupdating":true}"#),
    ];
    for (came, updating, items, end) in table {
        let shaped = shape(came, updating, items).unwrap();
        assert!(shaped.ends_with(end), "{shaped}");
    }
    let marked = shape(r#"{"session":"","madonvi":"","data":[]}"#, true, None).unwrap();
    assert_eq!(marked, r#"{"isUpdating":"True","session":"S","madonvi":"","data":[]}"#);
}

#[test]
fn names_are_written_as_the_portal_spells_them() {
    let names = terms::portal::PortalNames {
        session: "phien".into(),
        unit: "maDV".into(),
        service: "dichVu".into(),
        ..Default::default()
    };
    let body = br#"{"session":"x","service":"LayThuTuc","Madonvi":"y"}"#;
    let envelope = Envelope::read(body, &names).unwrap();
    let shape = Shape { session: "7", unit: "U", updating: false, items: None };
    let shaped = envelope.shape(body, &shape, &names);
    assert_eq!(&shaped[..], br#"{"phien":7,"dichVu":"LayThuTuc","maDV":"y"}"#);
}

#[test]
fn dossiers_are_found_in_records_of_every_form() {
    let table: &[(&str, &[&str])] = &[
        (r#"{"data":[{"MaHoSo":"A"},{"x":{"MaHoSo":"no"},"mahoso":" B "}]}"#, &["A", "B"]),
        (r#"{"data":{"MaHoSo":"A"}}"#, &["A"]),
        (r#"{"data":[{"MaHoSo":17},{"MaHoSo":""},{},3,null]}"#, &["17"]),
        (r#"{"data":"[{\"MaHoSo\":\"A\"}]"}"#, &[]),
        (r#"{"MaHoSo":"A"}"#, &[]),
        // one spelling: escapes, letters in two parts, small letters
        (r#"{"data":[{"MaHoSo":"a\u002d1 "},{"MaHoSo":"ho\u0302\u0300 1"}]}"#, &["A-1", "Hồ 1"]),
    ];
    for (body, codes) in table {
        let envelope = Envelope::read(body.as_bytes(), &Default::default()).unwrap();
        let found = envelope.items.iter().filter_map(|item| item.dossier(body.as_bytes()));
        assert_eq!(found.collect::<Vec<_>>(), *codes, "{body}");
    }
}

/// What the connector finds in a body is what the checker finds there, and what it sends differs in
/// nothing but the session and a unit that was absent.
fn agrees_with_the_checker(body: &[u8]) -> bool {
    let names = terms::portal::PortalNames::default();
    let envelope = Envelope::read(body, &names);
    let Ok(checked) = packet::Envelope::read(body) else { return false };
    let text = String::from_utf8_lossy(body);
    let envelope = envelope.unwrap_or_else(|| panic!("not read: {text}"));
    let is_list = checked.count() > 0;
    assert!(!is_list || envelope.items.len() == checked.count(), "{text}");
    assert_eq!(envelope.is_updating(body), checked.is_updating().unwrap_or(false), "{text}");
    let codes = envelope.items.iter().filter_map(|item| item.dossier(body));
    let codes: HashSet<String> = codes.collect();
    let document = Document::read(body, None).unwrap();
    let known: HashSet<String> = packet::envelope::values(&document, "MaHoSo")
        .iter()
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let plain =
        |codes: &HashSet<String>| codes.iter().all(|code| code.is_ascii() && !code.contains('\\'));
    assert!(
        !is_list || !plain(&codes) || !plain(&known) || trimmed(&codes) == trimmed(&known),
        "{text}"
    );
    let shape = Shape { session: "\"S\"", unit: "U", updating: false, items: None };
    let shaped = envelope.shape(body, &shape, &names);
    let sent = packet::Envelope::read(&shaped).unwrap();
    assert_eq!(sent.session(), Some("S"), "{text}");
    assert_eq!((sent.service(), sent.count()), (checked.service(), checked.count()), "{text}");
    for (one, other) in sent.items().iter().zip(checked.items()) {
        assert_eq!(shaped[one.clone()], body[other.clone()], "{text}");
    }
    true
}

fn trimmed(codes: &HashSet<String>) -> HashSet<&str> {
    codes.iter().map(|code| code.trim()).collect()
}

#[test]
fn what_is_read_here_is_read_so_by_the_checker() {
    let bodies: Vec<&str> = simulator::fixture::ALL.iter().filter_map(|f| f.request()).collect();
    assert!(bodies.iter().filter(|body| agrees_with_the_checker(body.as_bytes())).count() > 25);
    let seed = 20_190_120;
    println!("seed {seed}");
    let random = terms::random::Random::seeded(seed);
    let below = |count: usize| u32::from_le_bytes(random.bytes()) as usize % count;
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\",
        ",",
        ":",
        "null",
        "1",
        " ",
        "\"session\":",
        "\"DATA\":[",
        "\"MaHoSo\":\"A\",",
        "\"x\":{},",
        "\\u0041",
        "\u{feff}",
        "đ",
    ];
    let mut read = 0;
    for _ in 0..4_000 {
        let mut body = bodies[below(bodies.len())].as_bytes().to_vec();
        for _ in 0..=below(3) {
            let piece = pieces[below(pieces.len())].bytes();
            let from = below(body.len());
            let until = (from + below(4)).min(body.len());
            body.splice(from..until, piece);
        }
        read += usize::from(agrees_with_the_checker(&body));
    }
    assert!(read > 200, "too few damaged bodies are still envelopes: {read}");
}

#[test]
fn a_deep_envelope_costs_no_stack() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    assert!(shape(&deep, false, None).is_some());
    assert!(members(deep.as_bytes(), 0, |_| None).is_none());
}

#[test]
fn answers_are_understood_in_every_form_seen() {
    // text; success, exists, session refused
    let table = [
        (r#"{"error_code":0,"message":"Thành công"}"#, true, false, false),
        (r#"{"error_code":"0"}"#, true, false, false),
        (r#" {"ERROR_CODE" : "00" , "result":[{"error_code":"3"}]}"#, true, false, false),
        (r#"{"error_code":"0","message":"Hồ sơ đã tồn tại"}"#, true, false, false),
        (r#"{"error_code":3,"message":"x"}"#, false, true, false),
        (r#"{"error_code":" -3 "}"#, false, true, false),
        (r#"{"error_code":"9","message":"Hồ sơ ĐÃ TỒN TẠI"}"#, false, true, false),
        (
            r#"{"error_code":"-1","message":"Phiên làm việc không hợp lệ hoặc đã hết hạn"}"#,
            false,
            false,
            true,
        ),
        (r#"{"error_code":-1,"message":"SESSION EXPIRED"}"#, false, false, true),
        (r#"{"error_code":"401","message":"Invalid token"}"#, false, false, true),
        (r#"{"error_code":"1","message":"Đơn vị chưa đăng nhập"}"#, false, false, true),
        // not of the session
        (r#"{"error_code":"0","message":"Phiên làm việc đã hết hạn"}"#, true, false, false),
        (r#"{"error_code":"-1","message":"Phiên bản không hợp lệ"}"#, false, false, false),
        (r#"{"error_code":"-1","message":"Hồ sơ đã quá hạn"}"#, false, false, false),
        (r#"{"error_code":"-1","message":"Trường Session là bắt buộc"}"#, false, false, false),
        (r#"{"message":"Phiên làm việc đã hết hạn"}"#, false, false, false),
        (r#"{"error_code":null,"message":"x"}"#, false, false, false),
        (r#"{"error_code":""}"#, false, false, false),
        // an adapter that wraps the portal's answer in its own message
        (r#"{"message":"{\"error_code\":\"0\",\"message\":\"Thành công\"}"}"#, true, false, false),
        (r#"{"message":"{\"error_code\":3}"}"#, false, true, false),
        // no answer of this protocol
        ("", false, false, false),
        ("<html>error_code: 0</html>", false, false, false),
        (r#"[{"error_code":0}]"#, false, false, false),
        (r#"{"error_code":0"#, false, false, false),
    ];
    let access = PortalAccess::new(USER, SECRET);
    for (text, success, exists, refused) in table {
        let answer = Answer::read(text.as_bytes(), "session");
        let found =
            (answer.is_success(), answer.exists(), answer.refuses_session(StatusCode::OK, &access));
        assert_eq!(found, (success, exists, refused), "{text}");
        assert!(answer.refuses_session(StatusCode::UNAUTHORIZED, &access));
    }
    // the same words with their marks apart
    let apart = "{\"error_code\":\"-1\",\"message\":\"Phie\u{302}n la\u{300}m vie\u{323}\u{302}c \
                 \u{111}a\u{303} he\u{302}\u{301}t ha\u{323}n\"}";
    let answer = Answer::read(apart.as_bytes(), "session");
    assert!(answer.refuses_session(StatusCode::OK, &access));
}

#[test]
fn operations_have_their_path_and_may_be_repeated_or_not() {
    let mut access = PortalAccess::new(USER, SECRET);
    access.share = "/share".into();
    let table = [
        ("DongBoHoSoMC", "/mapi/g", false),
        ("CapNhatTienDoHoSoMC", "/mapi/g", false),
        ("DongBoHoiDap", "/mapi/g", false),
        ("LayThuTuc", "/mapi/g", true),
        ("laythutuc", "/mapi/g", true),
        ("DanhSachPAKNChoXuLy", "/mapi/g", true),
        ("TraCuuHoSo", "/mapi/g", true),
        ("LayDanhMucLinhVuc", "/share", true),
        ("LayDanhSachTTHC", "/share", true),
        ("TraCuuTechID", "/share", true),
        ("", "/mapi/g", false),
        ("Lấ", "/mapi/g", false),
    ];
    for (operation, path, asking) in table {
        let found = (request::path(&access, operation), request::is_asking(operation));
        assert_eq!(found, (path, asking), "{operation}");
    }
    access.destination_in = terms::portal::DestinationIn::Both;
    let rest = request::rest("/g?a=b", &access, Some("VN:GOV:a/b c&d"));
    assert_eq!(rest, "/g?a=b&dstcode=VN:GOV:a%2Fb%20c%26d");
    assert_eq!(request::rest("/g", &access, None), "/g");
}
