//! Cases: a body, a side, and what the summary says.

use super::*;

#[track_caller]
fn check(packet: &str, side: Side, body: &str, expected: &str) {
    let on = date(2026, 11, 22);
    let report = judge(&Tables::builtin(), packet, side, body.as_bytes(), None, on);
    assert_eq!(report.summary(999), expected, "{packet} {body}");
}

#[test]
fn figures_are_compared_and_the_suspect_is_named() {
    let figures = |name: &str, value: &str| {
        let mut map = crate::statistic::figures([200, 50, 250, 210, 199, 11, 40, 36, 4]);
        if !name.is_empty() {
            map.insert(name.into(), value.into());
        }
        format!("[{}]", serde_json::to_string(&map).unwrap())
    };
    for (name, value, expected) in [
        ("", "", ""),
        ("TongSoXuLy", "251", "sum@[0].TongSoXuLy sum@[0].TongSoXuLy"),
        (
            "TongDaXuLy",
            "211",
            "share@[0].PhanTramXuLyDungHan sum@[0].TongDaXuLy sum@[0].TongDaXuLy",
        ),
        (
            "TongChuaXuLy",
            "41",
            "share@[0].PhanTramChuaXuLyTrongHan share@[0].PhanTramChuaXuLyTreHan \
          sum@[0].TongChuaXuLy sum@[0].TongChuaXuLy",
        ),
        ("SoTonKyTruoc", "51", "sum@[0].TongSoXuLy"),
        ("PhanTramXuLyDungHan", "94.80", ""),
        ("PhanTramXuLyDungHan", "95%", "share@[0].PhanTramXuLyDungHan"),
        ("TongXuLyTreHan", "-1", "number_range@[0].TongXuLyTreHan"),
    ] {
        check("DongBoThongKeHoSo", Side::Data, &figures(name, value), expected);
    }
}

#[test]
fn statistics_are_for_a_month_or_a_year() {
    for (record, expected) in [
        (r#"{"LoaiThongKe":"1","Thang":"12","Nam":"2026"}"#, ""),
        (r#"{"LoaiThongKe":1,"Thang":1,"Nam":2026}"#, ""),
        (r#"{"LoaiThongKe":"2","Thang":"","Nam":"2026"}"#, ""),
        (r#"{"Thang":"3","Nam":"2026"}"#, ""),
        (r#"{"LoaiThongKe":"3","Thang":"3","Nam":"2026"}"#, "period@[0].LoaiThongKe"),
        (r#"{"LoaiThongKe":"QUY","Nam":"2026"}"#, "period@[0].LoaiThongKe"),
        (r#"{"LoaiThongKe":"1","Thang":"0"}"#, "number_range@[0].Thang period@[0].Thang"),
        (r#"{"LoaiThongKe":"1","Thang":"01-15"}"#, "number_form@[0].Thang period@[0].Thang"),
        (r#"{"LoaiThongKe":"1","Thang":"1.5"}"#, "period@[0].Thang"),
        (r#"{"Nam":"2026-Q1"}"#, "number_form@[0].Nam period@[0].Nam"),
    ] {
        check("DongBoThongKeHoSo", Side::Data, &format!("[{record}]"), expected);
    }
}

#[test]
fn dates_of_a_dossier_follow_one_another() {
    let tables = Tables::builtin();
    let table = tables.find("DongBoHoSoMC", date(2026, 11, 22)).unwrap();
    let sample = crate::sample::request(&tables, table, crate::sample::Extent::All);
    for (name, value, expected) in [
        ("NgayHenTra", "20240304081500", ""),
        ("NgayHenTra", "20240304081459", "date_order@data[0].NgayHenTra"),
        (
            "NgayTiepNhan",
            "20240601000000",
            "date_order@data[0].NgayTiepNhan date_order@data[0].NgayTiepNhan date_order@data[0].NgayTiepNhan",
        ),
        ("NgayTra", "20240309150000", "date_order@data[0].NgayTra"),
        ("NgayNopHoSo", "20240305000000", "date_order@data[0].NgayTiepNhan"),
        ("TrangThaiHoSo", "10", ""),
    ] {
        let mut body: serde_json::Value = serde_json::from_str(&sample).unwrap();
        body["data"][0][name] = value.into();
        check("DongBoHoSoMC", Side::Request, &body.to_string(), expected);
    }
}

#[test]
fn ratings_and_steps_are_looked_at_as_a_whole() {
    let rating = |first: &str| {
        format!(
            r#"[{{"PhanTramDanhGiaRatHaiLong":"{first}","PhanTramDanhGiaHaiLong":"25%","PhanTramDanhGiaChuaHaiLong":5}}]"#
        )
    };
    check("DongBoDanhGia", Side::Data, &rating("70%"), "");
    check(
        "DongBoDanhGia",
        Side::Data,
        &rating("69,5"),
        "number_form@[0].PhanTramDanhGiaRatHaiLong",
    );
    check("DongBoDanhGia", Side::Data, &rating("60%"), "sum@[0].PhanTramDanhGiaRatHaiLong");
    let steps = |states: &[(&str, u8)]| {
        let step = |(dossier, state): &(&str, u8)| {
            format!(
                r#"{{"MaHoSo":"{dossier}","NguoiXuLy":"x","ThoiDiemXuLy":"20240304081500","NoiDungXuLy":null,"TrangThai":{state}}}"#
            )
        };
        format!("[{}]", states.iter().map(step).collect::<Vec<_>>().join(","))
    };
    let packet = "CapNhatTienDoHoSoMC";
    check(packet, Side::Data, &steps(&[("a", 1), ("b", 10), ("a", 2), ("a", 4), ("a", 9)]), "");
    check(packet, Side::Data, &steps(&[("a", 10), ("a", 4)]), "status_step@[1].TrangThai");
    check(packet, Side::Data, &steps(&[("a", 9), ("b", 1), ("a", 1)]), "status_step@[2].TrangThai");
    for (from, _, _) in crate::status::STATES {
        assert!(crate::status::is_usual(from, from) && crate::status::is_usual(from, 77));
    }
    assert!(crate::status::is_usual(4, 9) && !crate::status::is_usual(10, 1));
}

/// QCV-01 to QCV-17: every known field of every packet, taken away and spoilt.
#[test]
fn each_field_removed_or_ill_formed_gets_the_right_verdict() {
    let (tables, on) = (Tables::builtin(), date(2026, 11, 22));
    let mut tried = 0;
    for table in tables.iter() {
        let is_push = table.direction == Direction::Push;
        let (side, list, sample) = if is_push {
            let sample = crate::sample::request(&tables, table, crate::sample::Extent::All);
            (Side::Request, "data", sample)
        } else {
            (Side::Answer, "result", crate::sample::answer(table, crate::sample::Extent::All))
        };
        for field in table.fields.iter() {
            let Some(name) = field.name.as_deref() else { continue };
            tried += 1;
            let judged = |value: Option<serde_json::Value>| {
                let mut body: serde_json::Value = serde_json::from_str(&sample).unwrap();
                let record = body[list][0].as_object_mut().unwrap();
                match value {
                    Some(value) => record.insert(name.to_owned(), value),
                    None => record.remove(name),
                };
                let body = body.to_string();
                judge(&tables, &table.packet, side, body.as_bytes(), None, on)
            };
            let report = judged(None);
            let required = field.required == crate::table::Required::Yes;
            assert_eq!(
                report.is_valid(),
                !required,
                "{} without {name}: {report:#?}",
                table.packet
            );
            let path = format!("{list}[0].{name}");
            for spoilt in [serde_json::json!({ "x": 1 }), serde_json::json!(false)] {
                let report = judged(Some(spoilt));
                let mut paths: Vec<&str> =
                    report.violations.iter().map(|f| f.path.as_str()).collect();
                paths.dedup();
                assert!(!report.is_valid() && paths == [path.as_str()], "{path}: {report:#?}");
            }
        }
    }
    assert_eq!(tried, 148, "known names, those beside the standard's positions too");
}

#[test]
fn each_side_has_its_own_shape() {
    let full = r#"{"session":"s","madonvi":"H99","service":"LayThuTuc","maTTHC":"1.0"}"#;
    for (packet, side, body, expected) in [
        ("LayThuTuc", Side::Request, full, ""),
        ("laythutuc", Side::Request, &full.replace("service", "SERVICE"), ""),
        ("LayThuTuc", Side::Request, &full.replace("1.0", ""), "empty@maTTHC"),
        ("LayThuTuc", Side::Request, "[]", "shape@"),
        ("LayThuTuc", Side::Data, r#"{"maTTHC":1.0}"#, ""),
        ("LayThuTuc", Side::Data, "{}", "required@maTTHC"),
        ("LayQDCB", Side::Data, "null", ""),
        ("DongBoHoiDap", Side::Data, "[]", "no_record@"),
        ("DongBoHoiDap", Side::Data, "{}", "required@data"),
        ("DongBoHoiDap", Side::Data, r#"{"data":{}}"#, "shape@data"),
        ("DongBoHoiDap", Side::Data, r#"{"data":[1,{}]}"#, "shape@data[0]"),
        ("DongBoHoiDap", Side::Data, r#"{"data":""}"#, "shape@data"),
        ("DongBoHoiDap", Side::Data, "<a><data/></a>", "no_record@data"),
        ("DongBoHoiDap", Side::Data, "<a><data>x</data></a>", "shape@data"),
        ("DongBoHoiDap", Side::Data, "<a><item><NOIDUNG/></item></a>", ""),
        ("DongBoHoiDap", Side::Data, "1", "shape@"),
        ("DongBoPAKNDiaPhuong", Side::Data, r#"[{"bat":"ky"},"x"]"#, "shape@[1]"),
        ("DongBoHoiDap", Side::Answer, r#"{"error_code":"3","message":"x"}"#, ""),
        ("DongBoHoiDap", Side::Answer, "{}", "required@error_code"),
        ("LayQDCB", Side::Answer, r#"{"error_code":0}"#, ""),
        ("LayQDCB", Side::Answer, r#"{"error_code":0,"result":""}"#, ""),
        ("LayQDCB", Side::Answer, r#"{"error_code":0,"result":{}}"#, "shape@result"),
        (
            "LayQDCB",
            Side::Answer,
            r#"{"error_code":0,"result":[{"NGAYQUYETDINH":"hôm qua"}]}"#,
            "datetime_form@result[0].NGAYQUYETDINH",
        ),
        (
            "LayQDCB",
            Side::Answer,
            r#"{"message":"{\"error_code\":0,\"result\":[{\"NGAYQUYETDINH\":\"2024-13-01\"}]}"}"#,
            "datetime_impossible@message.result[0].NGAYQUYETDINH",
        ),
        (
            "DanhSachPAKNCongKhai",
            Side::Answer,
            r#"{"error_code":0,"danhsachpakncongkhai":[{"NgayGuiPAKN":"x"}]}"#,
            "datetime_form@DanhSachPAKNCongKhai[0].NgayGuiPAKN",
        ),
        ("TraCuuHoSo", Side::Data, r#"{"mahoso":"1"}"#, ""),
        ("tracuuhoso", Side::Data, "{}", "required@mahoso"),
        ("TraCuuHoSo", Side::Answer, r#"{"error_code":"0","result":[{}]}"#, ""),
        ("LayDVC", Side::Request, "{}", "required@session required@madonvi required@service"),
    ] {
        check(packet, side, body, expected);
    }
}

#[test]
fn values_are_taken_as_real_systems_write_them() {
    let one = |json: &str| format!(r#"[{{"NGAYTRALOI":{json}}}]"#);
    let packet = "DongBoKetQuaHoiDapGuiTuDVCQG";
    for (json, expected) in [
        (r#""05/03/2024""#, ""),
        (r#""5/3/2024""#, ""),
        (r#""20240305000000""#, ""),
        ("20240305000000", ""),
        ("null", ""),
        (r#""   ""#, ""),
        (r#""31/04/2024""#, "datetime_impossible@[0].NGAYTRALOI"),
        (r#""29/02/2023""#, "datetime_impossible@[0].NGAYTRALOI"),
        (r#""29/02/2024""#, ""),
        (r#""00/03/2024""#, "datetime_impossible@[0].NGAYTRALOI"),
        (r#""20240305240000""#, "datetime_impossible@[0].NGAYTRALOI"),
        (r#""20240005000000""#, "datetime_impossible@[0].NGAYTRALOI"),
        (r#""2024-03-05""#, "datetime_form@[0].NGAYTRALOI"),
        (r#""202403050000""#, "datetime_form@[0].NGAYTRALOI"),
        (r#""２０240305000000""#, "datetime_form@[0].NGAYTRALOI"),
        ("true", "shape@[0].NGAYTRALOI"),
        ("[]", "shape@[0].NGAYTRALOI"),
    ] {
        check(packet, Side::Data, &one(json), expected);
    }
    let id = r#"[{"HOIDAPID":88001,"madonvi":"x"}]"#;
    check(packet, Side::Data, id, "");
    let code = |json: &str| {
        format!(r#"{{"error_code":0,"result":[{{"CACHTHUCTHUCHIEN":[{{"KENH":{json}}}]}}]}}"#)
    };
    check("LayThuTuc", Side::Answer, &code("1"), "");
    check(
        "LayThuTuc",
        Side::Answer,
        &code("\"01\""),
        "code_unknown@result[0].CACHTHUCTHUCHIEN[0].KENH",
    );
}

#[test]
fn a_packet_that_is_sent_has_a_record_and_an_answer_needs_none() {
    let whole = |service: &str, data: &str| {
        let head = r#""session":"s","madonvi":"000.00.00.H99""#;
        format!(r#"{{{head},"service":"{service}","isUpdating":"False"{data}}}"#)
    };
    for (packet, side, body, expected) in [
        ("CapNhatTienDoHoSoMC", Side::Data, "[]".to_owned(), "no_record@"),
        ("CapNhatTienDoHoSoMC", Side::Data, r#"{"data":[]}"#.to_owned(), "no_record@data"),
        ("CapNhatTienDoHoSoMC", Side::Data, "<a><data/></a>".to_owned(), "no_record@data"),
        ("DongBoHoSoMC", Side::Request, whole("DongBoHoSoMC", r#","data":[]"#), "no_record@data"),
        ("DongBoHoSoMC", Side::Request, whole("DongBoHoSoMC", ""), "required@data"),
        ("DongBoPAKNDiaPhuong", Side::Data, "[]".to_owned(), "no_record@"),
        ("DongBoPAKNDiaPhuong", Side::Data, "[{}]".to_owned(), ""),
        ("LayThuTuc", Side::Answer, r#"{"error_code":0,"result":[]}"#.to_owned(), ""),
        ("LayThuTuc", Side::Answer, "<a><error_code>0</error_code><result/></a>".to_owned(), ""),
        ("DanhSachPAKNChoXuLy", Side::Data, "{}".to_owned(), ""),
    ] {
        check(packet, side, &body, expected);
    }
    let report = |tables: &Tables| {
        judge(tables, "GoiTin", Side::Data, b"[]", None, date(2026, 11, 22)).summary(99)
    };
    let table = |more: &str| {
        let head = "packet = \"GoiTin\"\nversion = \"1\"\ndirection = \"push\"\ncount = 0\n";
        Tables::builtin().with(&[("a.toml".to_owned(), format!("{head}{more}"))]).unwrap()
    };
    assert_eq!(report(&table("")), "no_record@");
    assert_eq!(report(&table("blank = true")), "", "its table may allow it");
    let refuses = |more: &str, mode| {
        judge(&table(more), "GoiTin", Side::Data, b"[]", None, date(2026, 11, 22)).verdict(mode)
    };
    assert_eq!(refuses("", Mode::Refuse), Verdict::Report, "it is inferred unless stated");
    assert_eq!(refuses("", Mode::Strict), Verdict::Refused);
    assert_eq!(refuses("blank_evidence = \"page\"", Mode::Refuse), Verdict::Refused);
}

#[test]
fn a_byte_order_mark_is_told_of_json_and_not_of_xml() {
    let json = r#"[{"MaHoSo":"1"}]"#;
    let on = date(2026, 11, 22);
    for (packet, side, body, expected) in [
        ("CapNhatTienDoHoSoMC", Side::Data, json.to_owned(), false),
        ("CapNhatTienDoHoSoMC", Side::Data, format!("\u{feff}{json}"), true),
        ("LayThuTuc", Side::Data, "\u{feff}{\"maTTHC\":\"1\"}".to_owned(), true),
        ("TraCuuHoSo", Side::Data, "\u{feff}{\"MaHoSo\":\"1\"}".to_owned(), true),
        ("LayThuTuc", Side::Data, "\u{feff}<a><maTTHC>1</maTTHC></a>".to_owned(), false),
        ("LayThuTuc", Side::Data, "<a><maTTHC>\u{feff}1</maTTHC></a>".to_owned(), false),
    ] {
        let report = judge(&Tables::builtin(), packet, side, body.as_bytes(), None, on);
        let told = report.violations.iter().find(|found| found.rule == Rule::ByteOrderMark);
        assert_eq!(told.is_some(), expected, "{body}: {report:#?}");
        let Some(found) = told else { continue };
        assert!(found.refuses(Mode::Refuse) && !found.refuses(Mode::Report), "RFC 8259 is a page");
        assert_eq!(found.path, "", "it stands at the beginning");
    }
}
