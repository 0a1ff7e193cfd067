//! The 15 packets and the helper services: what each does to the portal, and what it refuses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use terms::random::Random;

use super::super::check::Severity;
use super::super::envelope::Call;
use super::super::state::State;
use super::super::table::{Direction, FURTHER, Tables};
use super::super::{CallSeen, Case, Demand, Figures, Settings};
use super::{code, login, parse, settings, take};
use crate::fixture;

fn strict() -> State {
    State::new(Settings { demand: Demand::Known, ..settings() }).unwrap()
}

/// The request of a fixture as JSON, under a session.
fn request(number: &str, session: &str) -> Value {
    parse(fixture::find(number).unwrap().request_in(session).unwrap().as_bytes())
}

/// Takes a call; its answer, and the errors and warnings as `rule@path`.
fn judge(state: &mut State, call: &Value) -> (Value, Vec<String>, Vec<String>) {
    let mut seen = CallSeen::default();
    let body = call.to_string();
    let reply = parse(&state.take(Call::read(body.as_bytes()), &mut seen).answer);
    let of = |severity| {
        let findings = seen.findings.iter().filter(|finding| finding.severity == severity);
        findings.map(|finding| format!("{}@{}", finding.rule, finding.path)).collect()
    };
    (reply, of(Severity::Error), of(Severity::Warning))
}

/// A call under a session.
fn ask(state: &mut State, session: &str, service: &str, more: Value) -> Value {
    let mut call = json!({ "session": session, "madonvi": "000.00.00.H99", "service": service });
    let Value::Object(more) = more else { panic!("{more}") };
    call.as_object_mut().unwrap().extend(more);
    judge(state, &call).0
}

#[test]
fn the_tables_have_as_many_positions_as_the_standard() {
    // table, packet, positions in the standard, names known here
    let table = [
        (2, "DongBoHoSoMC", 27, 27),
        (3, "CapNhatTienDoHoSoMC", 9, 9),
        (4, "DongBoDanhGia", 8, 8),
        (5, "DongBoThongKeHoSo", 18, 18),
        // Real answers carry 28 names; which 25 of them are in the standard is not known.
        (6, "LayThuTuc", 25, 28),
        (7, "LayQDCB", 5, 3),
        (8, "DongBoPAKNDiaPhuong", 23, 0),
        (9, "DanhSachPAKNChoXuLy", 24, 0),
        (10, "DongBoKetQuaXuLyPAKN", 7, 0),
        (11, "LayTaiLieuPAKN", 3, 0),
        (13, "DanhSachPAKNCongKhai", 26, 8),
        (14, "DongBoHoiDap", 11, 7),
        (15, "LayDanhSachHoiDapGuiTuDVCQG", 12, 11),
        (16, "DongBoKetQuaHoiDapGuiTuDVCQG", 6, 6),
        (17, "LayDanhSachHoiDapBoCoQuan", 11, 7),
    ];
    let tables = Tables::builtin();
    let found: Vec<_> = tables.iter().collect();
    assert_eq!(found.len(), 15);
    for (table, (number, packet, count, known)) in found.iter().zip(table) {
        let seen = (table.table, table.packet.as_str(), table.count, table.known());
        assert_eq!(seen, (number, packet, count, known));
        let fields = if table.direction == Direction::Push { &table.sent } else { &table.answered };
        assert_eq!(fields.len(), usize::from(count).max(known), "{packet}");
    }
}

#[test]
fn each_fixture_is_judged_as_its_name_says() {
    for fixture in fixture::ALL.iter().filter(|fixture| fixture.request().is_some()) {
        if fixture.name.starts_with("01") {
            continue;
        }
        let mut state = strict();
        let session = login(&mut state);
        // What it needs to be there before.
        let before: &[&str] = match &fixture.name[..2] {
            "03" | "04" | "05" | "08" => &["02"],
            _ => &[],
        };
        for number in before {
            assert_eq!(code(&take(&mut state, &session, number)), 0);
        }
        let (reply, errors, _) = judge(&mut state, &request(&fixture.name[..2], &session));
        let bad = fixture.name.starts_with('9');
        let expected = if fixture.name.starts_with("05") { 3 } else { -i64::from(bad) };
        assert_eq!(code(&reply), expected, "{}: {reply}", fixture.name);
        assert_eq!(!errors.is_empty(), bad, "{}: {errors:?}", fixture.name);
    }
}

#[test]
fn every_required_field_is_missed_by_its_name() {
    for (number, before) in [("02", None), ("08", Some("02"))] {
        let tables = Tables::builtin();
        let packet = request(number, "")["service"].as_str().unwrap().to_owned();
        for field in &tables.find(&packet).unwrap().sent {
            let name = field.name.as_deref().unwrap();
            for empty in [None, Some(json!(null)), Some(json!(""))] {
                let mut state = strict();
                let session = login(&mut state);
                before
                    .iter()
                    .for_each(|number| assert_eq!(code(&take(&mut state, &session, number)), 0));
                let mut call = request(number, &session);
                let row = call["data"][0].as_object_mut().unwrap();
                let text = empty.as_ref().is_some_and(|empty| empty == "");
                match empty {
                    Some(empty) => row.insert(name.to_owned(), empty),
                    None => row.remove(name),
                };
                let (reply, errors, _) = judge(&mut state, &call);
                let refused = field.required && !(text && field.may_be_empty);
                let expected =
                    if refused { vec![format!("required@data[0].{name}")] } else { Vec::new() };
                assert_eq!(errors, expected, "{name} {text}");
                assert_eq!(code(&reply), -i64::from(refused), "{name}: {reply}");
                let told = reply["message"].as_str().unwrap();
                assert_eq!(told.contains(&format!("data[0].{name}")), refused, "{told}");
            }
        }
    }
}

#[test]
fn a_wrong_value_is_found_where_it_stands() {
    // fixture, path in the record, value, error, warning
    let none = "";
    let table: &[(&str, &str, Value, &str, &str)] = &[
        ("02", "/NgayTiepNhan", json!("20240230081500"), "datetime@data[0].NgayTiepNhan", none),
        ("02", "/NgayTiepNhan", json!("20240304246000"), "datetime@data[0].NgayTiepNhan", none),
        ("02", "/NgayTiepNhan", json!("2024-03-04"), "datetime@data[0].NgayTiepNhan", none),
        ("02", "/NgayTiepNhan", json!(20_240_304_081_500_i64), none, none),
        ("02", "/NgayTra", json!("20240229000000"), none, "order@data[0].NgayTra"),
        ("02", "/TrangThaiHoSo", json!("11"), "code@data[0].TrangThaiHoSo", none),
        ("02", "/TrangThaiHoSo", json!(2), none, none),
        ("02", "/LoaiDoiTuong", json!(["1"]), "form@data[0].LoaiDoiTuong", none),
        ("02", "/ChuHoSo", json!({}), "form@data[0].ChuHoSo", none),
        ("02", "/ChuHoSo", json!(true), "form@data[0].ChuHoSo", none),
        ("02", "/TrichYeuHoSo", json!("ă".repeat(1_000)), none, none),
        ("02", "/TrichYeuHoSo", json!("ă".repeat(1_001)), "length@data[0].TrichYeuHoSo", none),
        ("02", "/TaiLieuNop", json!({}), "list@data[0].TaiLieuNop", none),
        ("02", "/TaiLieuNop", json!(""), none, none),
        ("02", "/TaiLieuNop", json!([1]), "object@data[0].TaiLieuNop[0]", none),
        (
            "02",
            "/TaiLieuNop/0/TenTepDinhKem",
            json!(""),
            "required@data[0].TaiLieuNop[0].TenTepDinhKem",
            none,
        ),
        (
            "02",
            "/DanhSachLePhi/0/Gia",
            json!("5 đồng"),
            "number@data[0].DanhSachLePhi[0].Gia",
            none,
        ),
        ("03", "/DanhSachHoSoBoSung/0/TrangThaiBoSung", json!(true), none, none),
        ("02", "/TruongLa", json!("x"), none, "unknown@data[0].TruongLa"),
        ("02", "/mahoso", json!("x"), none, "name@data[0].mahoso"),
        (
            "09",
            "/PhanTramDanhGiaHaiLong",
            json!("101%"),
            "percent@data[0].PhanTramDanhGiaHaiLong",
            none,
        ),
        ("09", "/PhanTramDanhGiaHaiLong", json!("25.5 %"), none, none),
        ("09", "/NgayTongHop", json!("13-2024"), "datetime@data[0].NgayTongHop", none),
        ("21", "/NGAYTRALOI", json!("31/04/2024"), "datetime@data[0].NGAYTRALOI", none),
        ("11", "/TongSoXuLy", json!("251"), none, "sum@data[0].TongSoXuLy"),
    ];
    for (number, path, value, error, warning) in table {
        let mut state = strict();
        let session = login(&mut state);
        let mut call = request(number, &session);
        if *number == "03" {
            call["isUpdating"] = json!("False");
        }
        let (parent, name) = path.rsplit_once('/').unwrap();
        let row = call["data"][0].pointer_mut(parent).unwrap();
        row.as_object_mut().unwrap().insert(name.to_owned(), value.clone());
        let (reply, errors, warnings) = judge(&mut state, &call);
        let short: String = value.to_string().chars().take(40).collect();
        let context = format!("{number} {path} {short}: {reply} {errors:?} {warnings:?}");
        assert_eq!(errors, if error.is_empty() { vec![] } else { vec![*error] }, "{context}");
        assert!(warning.is_empty() || warnings.iter().any(|one| one == warning), "{context}");
        assert_eq!(code(&reply), -i64::from(!error.is_empty()), "{context}");
    }
}

#[test]
fn no_number_of_warnings_hides_an_error() {
    let mut state = strict();
    let session = login(&mut state);
    let mut call = request("02", &session);
    let row = call["data"][0].as_object_mut().unwrap();
    row.extend((0..300).map(|number| (format!("la{number}"), json!(1))));
    row["HinhThuc"] = json!("9");
    let (reply, errors, warnings) = judge(&mut state, &call);
    assert_eq!((errors, warnings.len()), (vec!["code@data[0].HinhThuc".to_owned()], 200));
    assert_eq!(code(&reply), -1);
}

#[test]
fn a_name_that_stands_twice_is_found() {
    let mut state = strict();
    let session = login(&mut state);
    let body = fixture::find("02").unwrap().request_in(&session).unwrap();
    let twice = body.replacen("\"MaTTHC\"", "\"MaHoSo\": \"x\", \"MaTTHC\"", 1);
    let mut seen = CallSeen::default();
    let reply = parse(&state.take(Call::read(twice.as_bytes()), &mut seen).answer);
    assert_eq!((code(&reply), seen.findings[0].rule), (-1, "twice"));
    assert_eq!(seen.findings[0].path, "data[0].MaHoSo");
}

#[test]
fn statistics_are_of_a_month_or_a_year_only() {
    // LoaiThongKe, Thang, taken
    let table = [
        ("1", json!("3"), true),
        ("1", json!(12), true),
        ("2", json!(""), true),
        ("2", json!("0"), true),
        ("1", json!("0"), false),
        ("1", json!("13"), false),
        ("1", json!(""), false),
        ("1", json!("Q1"), false),
        ("3", json!("3"), false),
    ];
    for (kind, month, taken) in table {
        let mut state = strict();
        let session = login(&mut state);
        let mut call = request("11", &session);
        call["data"][0]["LoaiThongKe"] = json!(kind);
        call["data"][0]["Thang"] = month.clone();
        let (reply, ..) = judge(&mut state, &call);
        assert_eq!(code(&reply) == 0, taken, "{kind} {month}: {reply}");
        assert_eq!(state.records("DongBoThongKeHoSo").len(), usize::from(taken));
        let told = reply["message"].as_str().unwrap();
        assert!(taken || kind == "3" || told.contains("/thong-ke"), "{told}");
    }
}

#[test]
fn without_strict_demand_faults_are_noted_and_taken() {
    for number in ["90", "91", "93", "94"] {
        let mut state = State::new(settings()).unwrap();
        let session = login(&mut state);
        let (reply, errors, _) = judge(&mut state, &request(number, &session));
        assert_eq!(code(&reply), 0, "{number}: {reply}");
        assert_eq!(errors.len(), 1, "{number}");
        assert_eq!(state.dossiers().count(), 1);
    }
}

#[test]
fn records_are_kept_as_they_were_sent() {
    let mut state = State::new(settings()).unwrap();
    let session = login(&mut state);
    for (number, packet) in [
        ("09", "DongBoDanhGia"),
        ("11", "DongBoThongKeHoSo"),
        ("19", "DongBoHoiDap"),
        ("21", "DongBoKetQuaHoiDapGuiTuDVCQG"),
    ] {
        assert_eq!(code(&take(&mut state, &session, number)), 0);
        let kept = &state.records(packet)[0];
        let sent = fixture::find(number).unwrap().request().unwrap();
        assert!(sent.contains(kept.record.get()), "{packet}: byte for byte");
        assert_eq!(kept.madonvi, "000.00.00.H99");
    }
    for packet in ["DongBoPAKNDiaPhuong", "DongBoKetQuaXuLyPAKN"] {
        let data = json!({ "data": [{ "bat_ky": 1 }, { "bat_ky": [2] }] });
        assert_eq!(code(&ask(&mut state, &session, packet, data)), 0, "no name is known");
        assert_eq!(state.records(packet).len(), 2);
    }
    let counts = state.record_counts();
    assert_eq!((counts.len(), counts["DongBoKetQuaXuLyPAKN"]), (6, 2));
}

#[test]
fn a_question_waits_until_it_is_answered() {
    let mut state = State::new(settings()).unwrap();
    let session = login(&mut state);
    let sample = parse(fixture::find("20").unwrap().response().unwrap().as_bytes());
    let waiting = take(&mut state, &session, "20");
    assert_eq!(waiting["result"][0], sample["result"][0]);
    let ids = |reply: &Value| -> Vec<i64> {
        reply["result"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["HOIDAPID"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(ids(&waiting), [88_001, 88_002, 88_003, 88_004, 88_005]);
    let reply =
        ask(&mut state, &session, "LayNoiDungTraLoiTheoCauHoi", json!({"cauhoiid": 88_001}));
    assert_eq!(reply["result"], json!([]));

    assert_eq!(code(&take(&mut state, &session, "21")), 0);
    let waiting = take(&mut state, &session, "20");
    assert_eq!(ids(&waiting), [88_002, 88_003, 88_004, 88_005]);
    let reply =
        ask(&mut state, &session, "LayNoiDungTraLoiTheoCauHoi", json!({"cauhoiid": "88001"}));
    assert_eq!(reply["result"][0]["NOIDUNGTRALOI"], "Nộp tại Trung tâm Phục vụ hành chính công");

    let (good, unknown) = (json!({"HOIDAPID": 88_002}), json!({"HOIDAPID": 1}));
    let data = json!({ "data": [good, unknown] });
    let reply = ask(&mut state, &session, "DongBoKetQuaHoiDapGuiTuDVCQG", data);
    assert_eq!((code(&reply), &reply["message"]), (-1, &json!("Không tìm thấy câu hỏi 1")));
    assert_eq!(ids(&take(&mut state, &session, "20")).len(), 4, "all or none");
    let sample = parse(fixture::find("22").unwrap().response().unwrap().as_bytes());
    assert_eq!(take(&mut state, &session, "22")["result"][0], sample["result"][0]);
}

#[test]
fn public_petitions_come_page_by_page_and_by_word() {
    let mut state = State::new(settings()).unwrap();
    let session = login(&mut state);
    let sample = parse(fixture::find("18").unwrap().response().unwrap().as_bytes());
    let list = |state: &mut State, more| {
        let reply = ask(state, &session, "DanhSachPAKNCongKhai", more);
        reply["DanhSachPAKNCongKhai"].as_array().unwrap().clone()
    };
    let first = list(&mut state, json!({}));
    let names = |row: &Value| row.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&first[0]), names(&sample["DanhSachPAKNCongKhai"][0]));
    // page, size, word, rows, first id, all that fit
    for (page, size, word, rows, id, all) in [
        (json!(1), json!(10), "", 10, "40001", "25"),
        (json!("3"), json!("10"), "", 5, "40021", "25"),
        (json!(4), json!(10), "", 0, "", "25"),
        (json!(0), json!(0), "", 0, "", "25"),
        (json!(u64::MAX), json!(u64::MAX), "", 0, "", "25"),
        (json!(1), json!(3), "ĐÈN CHIẾU", 3, "40003", "5"),
        (json!(1), json!(3), "không có", 0, "", "0"),
    ] {
        let more = json!({"trangHienTai": page, "soBanGhiMoiTrang": size, "keyword": word});
        let found = list(&mut state, more);
        assert_eq!(found.len(), rows, "{page} {size} {word}");
        if let Some(row) = found.first() {
            assert_eq!((row["Id"].as_str(), row["TongSo"].as_str()), (Some(id), Some(all)));
        }
    }
}

const TABLE_9: &str = r#"
packet = "DanhSachPAKNChoXuLy"
table = 9
version = "2"
direction = "pull"
count = 24
[[field]]
position = 1
name = "MaPAKN"
form = "number"
[[field]]
position = 2
name = "TieuDe"
[[field]]
position = 3
[[field]]
position = 13
name = "TepTin"
evidence = "page"
form = "file"
"#;

const TABLE_12: &str = r#"
packet = "LayTaiLieuPAKN"
table = "11"
direction = "pull"
[[field]]
name = "TepTinPhanAnh"
required = "yes"
[[field]]
name = "DuongDanFile"
[[field]]
name = "TenFile"
[[field]]
name = "Base64"
form = "file"
"#;

#[test]
fn petitions_are_told_once_a_table_file_names_the_fields() {
    let mut state = State::new(settings()).unwrap();
    let session = login(&mut state);
    let empty = json!([]);
    let path = json!({"TepTinPhanAnh": "/pakn/2024/03/41002.pdf"});
    assert_eq!(ask(&mut state, &session, "DanhSachPAKNChoXuLy", json!({}))["result"], empty);
    assert_eq!(ask(&mut state, &session, "LayTaiLieuPAKN", path.clone())["result"], empty);

    state.tables.read("9.toml", TABLE_9).unwrap();
    state.tables.read("12.toml", TABLE_12).unwrap();
    let reply = ask(&mut state, &session, "DanhSachPAKNChoXuLy", json!({}));
    let rows = reply["result"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    let expected =
        json!({"MaPAKN": "1", "TieuDe": "Về đèn chiếu sáng", "TepTin": "/pakn/2024/03/41002.pdf"});
    assert_eq!(rows[2], expected);

    let reply = ask(&mut state, &session, "LayTaiLieuPAKN", path.clone());
    let row = &reply["result"][0];
    assert_eq!(
        (&row["DuongDanFile"], &row["TenFile"]),
        (&path["TepTinPhanAnh"], &json!("41002.pdf"))
    );
    assert_eq!(STANDARD.decode(row["Base64"].as_str().unwrap()).unwrap().len(), 1_024);
    let large = json!({"TepTinPhanAnh": "/pakn/20971520.bin"});
    let reply = ask(&mut state, &session, "LayTaiLieuPAKN", large);
    assert_eq!(
        reply["result"][0]["Base64"].as_str().unwrap().len(),
        20_971_520_usize.div_ceil(3) * 4
    );
    let unknown = json!({"TepTinPhanAnh": "/pakn/none.pdf"});
    assert_eq!(ask(&mut state, &session, "LayTaiLieuPAKN", unknown)["result"], empty);

    // A result with the petition's id, in whatever field, ends its waiting.
    let data = json!({ "data": [{ "ma": "41002" }] });
    assert_eq!(code(&ask(&mut state, &session, "DongBoKetQuaXuLyPAKN", data)), 0);
    let reply = ask(&mut state, &session, "DanhSachPAKNChoXuLy", json!({"soBanGhiMoiTrang": 3}));
    let titles: Vec<_> =
        reply["result"].as_array().unwrap().iter().map(|row| &row["TepTin"]).collect();
    let path = |id| json!(format!("/pakn/2024/03/{id}.pdf"));
    assert_eq!(titles, [&path(41_000), &path(41_001), &path(41_003)]);
}

#[test]
fn a_table_file_makes_unknown_fields_checked() {
    let text = r#"
packet = "DongBoPAKNDiaPhuong"
[[field]]
name = "Id"
required = "yes"
[[field]]
name = "NgayGui"
form = "datetime"
[[field]]
name = "Loai"
form = "code"
codes = ["1", 2]
"#;
    let mut state = strict();
    let session = login(&mut state);
    let wrong = json!({ "data": [{ "NgayGui": "hôm qua", "Loai": "3" }] });
    assert_eq!(code(&ask(&mut state, &session, "DongBoPAKNDiaPhuong", wrong.clone())), 0);
    state.tables.read("x.toml", text).unwrap();
    let table = state.tables.find("DongBoPAKNDiaPhuong").unwrap();
    assert_eq!((table.table, table.count, table.known()), (8, 23, 3));
    let reply = ask(&mut state, &session, "DongBoPAKNDiaPhuong", wrong);
    assert_eq!(code(&reply), -1);
    let told = reply["message"].as_str().unwrap();
    for name in ["data[0].Id", "data[0].NgayGui", "data[0].Loai: phải là một trong: 1, 2"] {
        assert!(told.contains(name), "{told}");
    }
    let right = json!({ "data": [{ "Id": 1, "NgayGui": "20240301093000", "Loai": 2 }] });
    assert_eq!(code(&ask(&mut state, &session, "DongBoPAKNDiaPhuong", right)), 0);
}

#[test]
fn a_broken_table_file_is_refused_by_line_and_column() {
    let table = [
        ("packet = \"X\"\ncount = \"ba\"", "t.toml:2:9: "),
        ("packet = \"X\"\n[[field]\n", "t.toml:2:"),
        ("table = 8", "t.toml:1:1: missing field `packet`"),
        ("packet = \"X\"\ndirection = \"up\"", "t.toml:1:1: direction up"),
        ("packet = \"X\"\n[[field]]\nform = \"blob\"", "t.toml:1:1: form blob"),
    ];
    for (text, start) in table {
        let mut tables = Tables::builtin();
        let sentence = tables.read("t.toml", text).unwrap_err();
        assert!(sentence.starts_with(start), "{sentence}");
        assert!(tables.find("X").is_none(), "the others stay as they are");
        assert_eq!(tables.iter().count(), 15);
        let tables = vec![("t.toml".to_owned(), text.to_owned())];
        assert_eq!(State::new(Settings { tables, ..settings() }).unwrap_err(), sentence);
    }
}

#[test]
fn the_further_services_answer_beside_the_packets() {
    let mut state = State::new(settings()).unwrap();
    let session = login(&mut state);
    for service in FURTHER {
        let more = json!({"mstorcmnd": "001199000001", "data": {"MaHoSo": "x"}});
        let reply = ask(&mut state, &session, service, more);
        assert_eq!(code(&reply), 0, "{service}: {reply}");
    }
    // service, parameter, names of the first row
    let table = [
        ("LayDanhSachTTHC", json!({}), "MATTHC,TENTTHC"),
        ("LayDanhMucLinhVuc", json!({}), "MALINHVUC,MANGANH,TENLINHVUC"),
        ("LayDanhMucCoQuan", json!({}), "CAPDONVI,MADONVI,TENDONVI"),
        ("TraCuuTechID", json!({"provider": "wso2is", "mstorcmnd": "1"}), "TECHNICALID"),
        ("LayQDCB", json!({"idQDCB": 20_002}), "NGAYQUYETDINH,SOQUYETDINH,TRICHYEU"),
    ];
    for (service, more, names) in table {
        let reply = ask(&mut state, &session, service, more);
        let row = reply["result"][0].as_object().unwrap();
        let mut found: Vec<&str> = row.keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found.join(","), names, "{service}");
    }
    let reply = ask(&mut state, &session, "LayDVC", json!({"maTTHC": "9.000302"}));
    assert_eq!(reply["result"]["data"][0]["TENDVC"], "Đăng ký khai sinh (mẫu)");
    let one = ask(&mut state, &session, "TraCuuTechID", json!({"mstorcmnd": "001199000001"}));
    assert!(!one.to_string().contains("001199000001"), "a personal number is not echoed");

    // Every procedure and domain that is listed can be pulled.
    let list = ask(&mut state, &session, "LayDanhSachTTHC", json!({}));
    for listed in list["result"].as_array().unwrap() {
        let reply = ask(&mut state, &session, "LayThuTuc", json!({"maTTHC": listed["MATTHC"]}));
        assert_eq!(reply["result"][0]["TENTTHC"], listed["TENTTHC"]);
    }
}

#[test]
fn names_of_envelope_and_service_are_read_in_any_case_and_noted() {
    let mut state = strict();
    let session = login(&mut state);
    let call =
        json!({"Session": session, "MaDonVi": "H99", "SERVICE": "laythutuc", "MATTHC": "9.000123"});
    let (reply, errors, warnings) = judge(&mut state, &call);
    assert_eq!(reply["result"][0]["MATTHC"], "9.000123");
    assert_eq!((errors.len(), warnings), (0, vec!["name@service".to_owned()]));
    let bare = json!({"session": session, "service": "LayThuTuc"});
    let (reply, errors, _) = judge(&mut state, &bare);
    assert_eq!(errors, ["required@madonvi", "required@maTTHC"]);
    assert_eq!(code(&reply), -1);
}

/// Dossiers as (NgayTiepNhan, NgayHenTra, finished), and the figures of a period by hand.
#[test]
fn figures_are_a_recount_of_the_dossiers() {
    let cases = [
        // before the period: finished before it, open, finished in it in time and late
        ("20240101", "20240110", "20240105"),
        ("20240101", "20240110", ""),
        ("20240101", "20240310", "20240310"),
        ("20240101", "20240301", "20240301"),
        ("20240101", "20240301", "20240302"),
        // in it: open in time, open late, finished after it, finished on its last day
        ("20240301", "20240401", ""),
        ("20240331", "20240330", ""),
        ("20240315", "20240320", "20240401"),
        ("20240315", "", "20240331"),
        // after it, and one without any date
        ("20240401", "20240410", ""),
        ("", "", ""),
    ];
    let mut figures = Figures::default();
    for (accepted, promised, finished) in cases {
        let full = |day: &str| if day.is_empty() { String::new() } else { format!("{day}120000") };
        let case =
            Case { accepted: full(accepted), promised: full(promised), finished: full(finished) };
        figures.count(&case, "20240301", "20240331");
    }
    let expected = Figures {
        received: 4,
        carried: 4,
        done_in_time: 3,
        done_late: 1,
        open_in_time: 1,
        open_late: 3,
    };
    assert_eq!(figures, expected);
    assert_eq!(figures.total(), figures.done() + figures.open());
    let told = serde_json::to_value(figures).unwrap();
    let sums = ["TongSoXuLy", "TongDaXuLy", "TongChuaXuLy"].map(|name| told[name].clone());
    assert_eq!(sums, [json!("8"), json!("4"), json!("4")]);
    assert_eq!(
        (&told["PhanTramXuLyDungHan"], &told["PhanTramXuLyTreHan"]),
        (&json!("75.00"), &json!("25.00"))
    );
    let thirds = Figures { done_in_time: 2, done_late: 1, ..Figures::default() };
    assert_eq!(serde_json::to_value(thirds).unwrap()["PhanTramXuLyDungHan"], "66.67");
    assert_eq!(serde_json::to_value(Figures::default()).unwrap()["PhanTramXuLyDungHan"], "0.00");

    let mut state = State::new(settings()).unwrap();
    let session = login(&mut state);
    for number in ["02", "06"] {
        assert_eq!(code(&take(&mut state, &session, number)), 0);
    }
    let all = state.figures("20240101", "20241231", "");
    assert_eq!(all.received, state.dossiers().count() as u64);
    assert_eq!(state.figures("20240101", "20241231", "none").received, 0);
}

/// The tables of the platform have the form that this reader takes, and say nothing that the
/// fixtures contradict.
#[test]
fn the_platforms_own_table_files_can_be_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../packet/tables");
    let mut tables = Vec::new();
    for expected in Tables::builtin().iter() {
        let name = format!("{}.toml", expected.packet);
        let text = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        tables.push((name, text));
    }
    let strict = Settings { demand: Demand::Known, tables, ..settings() };
    for fixture in fixture::ALL.iter().filter(|fixture| fixture.request().is_some()) {
        if fixture.name.starts_with("01") {
            continue;
        }
        let mut state = State::new(strict.clone()).unwrap();
        let session = login(&mut state);
        if matches!(&fixture.name[..2], "03" | "04" | "08") {
            take(&mut state, &session, "02");
        }
        let (reply, errors, _) = judge(&mut state, &request(&fixture.name[..2], &session));
        let bad = fixture.name.starts_with('9');
        assert_eq!(code(&reply), -i64::from(bad), "{}: {errors:?}", fixture.name);
    }
}

#[test]
fn no_body_brings_it_down_or_passes_without_an_answer() {
    let seed = u64::from_be_bytes(Random::system().bytes());
    println!("seed {seed}");
    let random = Random::seeded(seed);
    let draw = |below: usize| u64::from_be_bytes(random.bytes()) as usize % below;
    let mut state = State::new(Settings { demand: Demand::Known, ..settings() }).unwrap();
    let session = login(&mut state);
    let bodies: Vec<String> =
        fixture::ALL.iter().filter_map(|fixture| fixture.request_in(&session)).collect();
    let pieces: [&[u8]; 10] = [
        b"[",
        b"{",
        b"\"",
        b",",
        b"null",
        b"1e999",
        b"\\ud800",
        b"\xff",
        b"[[[[[[[[",
        b"\"data\":{}",
    ];
    for _ in 0..3_000 {
        let mut body = bodies[draw(bodies.len())].clone().into_bytes();
        for _ in 0..=draw(4) {
            let at = draw(body.len());
            match draw(3) {
                0 => body[at] = random.bytes::<1>()[0],
                1 => drop(body.drain(at..(at + draw(40)).min(body.len()))),
                _ => drop(body.splice(at..at, pieces[draw(pieces.len())].iter().copied())),
            }
            if body.is_empty() {
                body.push(b'{');
            }
        }
        let mut seen = CallSeen::default();
        let reply = parse(&state.take(Call::read(&body), &mut seen).answer);
        let told = reply["message"].as_str().unwrap();
        assert!(code(&reply) == 0 || !told.is_empty(), "{reply}");
    }
}

#[test]
fn a_call_has_a_bound() {
    let mut state = State::new(settings()).unwrap();
    let session = login(&mut state);
    for (rows, expected) in [(20_000, 0), (20_001, -1)] {
        let data = vec!["{}"; rows].join(",");
        let body =
            format!(r#"{{"session":"{session}","service":"DongBoPAKNDiaPhuong","data":[{data}]}}"#);
        let reply =
            parse(&state.take(Call::read(body.as_bytes()), &mut CallSeen::default()).answer);
        assert_eq!(code(&reply), expected, "{reply}");
    }
    let names: Vec<String> = (0..20_001).map(|number| format!("\"n{number}\":1")).collect();
    assert!(Call::read(format!("{{{}}}", names.join(",")).as_bytes()).is_none());
    for open in ["[", "{\"a\":"] {
        let deep = open.repeat(200_000);
        assert!(Call::read(deep.as_bytes()).is_none());
        let call = format!("{{\"session\":\"{session}\",\"service\":\"LayQDCB\",\"data\":{deep}");
        assert!(Call::read(call.as_bytes()).is_none());
    }
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let deep = format!(
        r#"{{"session":"{session}","service":"DongBoHoSoMC","data":[{{"MaHoSo":"1","x":{open}{close},"TaiLieuNop":{open}{close}}}]}}"#
    );
    let mut seen = CallSeen::default();
    let reply = parse(&state.take(Call::read(deep.as_bytes()), &mut seen).answer);
    assert!(matches!(code(&reply), 0 | -1), "{reply}");
}
