//! A path per packet, and what the check of packets does to a call.

use serde_json::{Value, json as value};
use simulator::fixture;
use terms::exchange::{Facade, Outcome};

use super::{PORTAL, Province, json, sample, told};
use crate::tests::consumer::Seen;

/// The records of a fixture.
fn records(start: &str) -> Value {
    let request: Value =
        serde_json::from_str(fixture::find(start).unwrap().request().unwrap()).unwrap();
    request["data"].clone()
}

fn passed_on(province: &Province) -> Value {
    let received = province.portal.received();
    serde_json::from_slice(&received.last().unwrap().body()).unwrap()
}

#[test]
fn tolerance_07_a_path_per_packet() {
    let province = Province::start();
    let data = records("02");
    let ways = [
        ("", data.to_string()),
        ("?isUpdating=True&madonvi=000.00.00.H99", data.to_string()),
        ("?MaDinhDanhDV=000.00.00.H99&isupdating=true", value!({ "data": data }).to_string()),
        (
            "",
            value!({ "isUpdating": "True", "madonvi": "000.00.00.H99", "data": data }).to_string(),
        ),
    ];
    for (query, body) in ways {
        let answer = province.post_known(&format!("/packets/DongBoHoSoMC{query}"), &body);
        assert_eq!(told(&answer).0, 0, "{query} {}", answer.text());
        let envelope = passed_on(&province);
        assert_eq!(envelope["service"], "DongBoHoSoMC");
        assert_eq!(envelope["madonvi"], "000.00.00.H99", "the account's where none is named");
        assert_eq!(envelope["data"], data);
        let is_new = query.is_empty() && body.starts_with('[');
        assert_eq!(envelope["isUpdating"], if is_new { "False" } else { "True" });
        assert!(envelope["session"].as_str().is_some_and(|s| !s.starts_with("lg")));
        let row = province.world.row(&answer);
        assert_eq!(row.facade, Some(Facade::Packet));
        assert_eq!(row.operation.as_deref(), Some("DongBoHoSoMC"));
        assert_eq!(row.service.as_deref(), Some("dvcqg-goi-tin"));
        assert_eq!(row.request_bytes, Some(body.len() as u64));
    }
}

#[test]
fn tolerance_07_pulls_by_query_or_body() {
    let province = Province::start();
    let ways = [
        province.get_known(&format!("/packets/LayThuTuc?dstcode={PORTAL}&maTTHC=9.000123")),
        province.get_known(&format!("/packets/laythutuc?destination={PORTAL}&maTTHC=9.000123")),
        province.post_known("/packets/LayThuTuc", r#"{"maTTHC":"9.000123"}"#),
    ];
    for answer in ways {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(passed_on(&province)["maTTHC"], "9.000123");
        assert_eq!(province.world.row(&answer).operation.as_deref(), Some("LayThuTuc"));
    }
    // services outside the tables pass as well
    let answer = province.get_known("/packets/TraCuuHoSo?madonvi=000.00.00.H99&mahoso=000.1");
    assert_eq!(told(&answer).0, 0, "{}", answer.text());
    let envelope = passed_on(&province);
    assert_eq!(
        (&envelope["service"], &envelope["mahoso"]),
        (&value!("TraCuuHoSo"), &value!("000.1"))
    );
}

#[test]
fn tolerance_07_further_prefixes() {
    let mut settings = crate::Settings::default();
    settings.facade.packet = vec!["/KetNoiMotCuaQuocGia".to_owned(), "/api/SynsTTHCC/".to_owned()];
    settings.facade.login = vec!["/dvc/dang-nhap".to_owned()];
    settings.facade.data = vec!["/dvc/goi".to_owned(), "/mapi/g".to_owned()];
    let province = Province::with(settings, "");
    let answer = province.get_known("/KetNoiMotCuaQuocGia/LayThuTuc?maTTHC=9.000123");
    assert_eq!(told(&answer).0, 0, "{}", answer.text());
    let target = "/api/SynsTTHCC/DongBoHoSoMC?MaDinhDanhDV=000.00.00.H99&isUpdating=False";
    let answer = province.post_known(target, &records("02").to_string());
    assert_eq!(told(&answer).0, 0, "{}", answer.text());
    let (key, secret) = &province.world.secret;
    let login = format!(r#"{{"username":"{key}","password":"{secret}"}}"#);
    let session = json(&province.post("/dvc/dang-nhap", "", &login))["session"].clone();
    let body = sample("13", session.as_str().unwrap());
    assert_eq!(told(&province.post("/dvc/goi", "", &body)).0, 0);
    // what was there by default is no longer, and services stay where they are
    assert_eq!(province.get_known("/mapi/login").fault(), "no_such_route");
    assert_eq!(province.world.get("/x").status, 200);
}

#[test]
fn a_part_named_in_both_spellings_is_refused_and_not_sent() {
    let province = Province::given("operations: [LayThuTuc]");
    province.world.apply(
        "services: [{ code: dvcqg-goi-tin, versions: [{ version: \"1.0\", portal: { names: { \
         service: MaDichVu, unit: MaDV, session: phien, updating: CapNhat } } }] }]\n",
    );
    let session = province.session();
    let envelope = |more: &str| {
        format!(r#"{{"session":"{session}","madonvi":"H01","service":"LayThuTuc",{more}}}"#)
    };
    let second = [
        r#""MaDichVu":"DongBoHoSoMC","data":[]"#,
        r#""madichvu":"LayThuTuc""#,
        r#""Ma\u0044ichVu":"DongBoHoSoMC""#,
        r#""MaDV":"H02""#,
        r#""Phien":"x""#,
        r#""isUpdating":"False","CapNhat":"True""#,
    ];
    let mut refused = Vec::new();
    for more in second {
        refused.push(province.post("/mapi/g", "", &envelope(more)));
        refused.push(province.post_known("/dvcqg/1.0/mapi/g", &envelope(more)));
    }
    // an envelope of ours stands around these
    let service = r#"{"MaDichVu":"DongBoHoSoMC"}"#;
    refused.push(province.post_known("/packets/LayThuTuc", service));
    refused.push(province.post_known("/packets/LayThuTuc", "<a><MaDichVu>TraCuu</MaDichVu></a>"));
    refused.push(province.get_known("/packets/LayThuTuc?MaDichVu=DongBoHoSoMC"));
    for answer in refused {
        let row = province.world.row(&answer);
        assert_eq!(row.fault.as_deref(), Some("request_invalid"), "{}", answer.text());
        assert_eq!((row.outcome, row.upstream), (Some(Outcome::Denied), None));
    }
    assert_eq!(province.portal.count(), 0, "nothing was sent, no login either");

    // named once, in whichever spelling, each part goes on once and as the portal spells it; the
    // simulator hands out a `session` only
    province.world.apply(
        "services: [{ code: dvcqg-goi-tin, versions: [{ version: \"1.0\", portal: { names: { \
         session: session } } }] }]\n",
    );
    let once = [r#"{"service":"LayThuTuc"}"#, r#"{"MaDV":"H01","service":"LayThuTuc"}"#];
    for body in once {
        province.post_known("/dvcqg/1.0/mapi/g", body);
        let received = province.portal.received();
        let sent = String::from_utf8(received.last().unwrap().body().to_vec()).unwrap();
        let count = |name: &str| sent.matches(&format!("\"{name}\":")).count();
        let names = ["session", "MaDV", "MaDichVu", "madonvi", "service"];
        assert_eq!(names.map(count), [1, 1, 1, 0, 0], "{sent}");
    }
}

#[test]
fn tolerance_07_xml_becomes_the_portals_json() {
    let province = Province::start();
    let data = records("08").to_string();
    let document = packet::Document::read(data.as_bytes(), None).unwrap();
    let xml = document.to_xml("CapNhatTienDoHoSoMC");
    let answer = province.post_known("/packets/CapNhatTienDoHoSoMC", &xml);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(passed_on(&province)["data"], records("08"));
}

#[test]
fn tolerance_09_bodies_reach_the_portal_as_they_came() {
    let province = Province::start();
    let item = "{ \"MaHoSo\" : \"000.00.07.H99-240304-00019\",\"X\":1.50,\"Moi\":\"\\u0111\" }";
    let answer = province.post_known("/packets/DongBoHoSoMC", &format!("[ {item} ]"));
    assert_eq!(answer.status, 200);
    let received = province.portal.received();
    let body = String::from_utf8(received.last().unwrap().body().to_vec()).unwrap();
    assert!(body.contains(item), "{body}");
}

#[test]
fn tolerance_08_a_packet_path_tells_legacy_systems_in_200() {
    let province = Province::given("packets: strict");
    let body = records("91").to_string();
    let modern = province.post_known("/packets/DongBoHoSoMC", &body);
    assert_eq!((modern.status, modern.fault()), (422, "packet_invalid".to_owned()));
    province.legacy();
    let legacy = province.post_known("/packets/DongBoHoSoMC", &body);
    assert_eq!((legacy.status, told(&legacy).0), (200, -1));
    assert!(told(&legacy).1.starts_with("Gói tin không đúng quy chuẩn: "), "{}", legacy.text());
}

fn header(answer: &Seen) -> &str {
    answer.header("lgsp-packet").unwrap_or_default()
}

#[test]
fn modes_report_refuse_and_strict() {
    for (mode, verdict, status) in
        [("report", "report", 200), ("refuse", "refused", 422), ("strict", "refused", 422)]
    {
        let province = Province::given(&format!("packets: {mode}"));
        let session = province.session();
        let good = province.post("/mapi/g", "", &sample("02", &session));
        assert!(header(&good).starts_with("ok; unchecked="), "{mode} {}", header(&good));
        let bad = province.post("/mapi/g", "", &sample("91", &session));
        assert_eq!(bad.status, status, "{mode} {}", bad.text());
        assert!(header(&bad).starts_with(&format!("{verdict}; ")), "{mode} {}", header(&bad));
        assert!(header(&bad).ends_with("violations=1"), "{mode} {}", header(&bad));
        let forwarded = province.portal.calls().iter().filter(|c| c.service != "login").count();
        assert_eq!(forwarded, if status == 200 { 2 } else { 1 }, "{mode}");
        let row = province.world.row(&bad);
        assert_eq!(row.outcome == Some(Outcome::Denied), status == 422, "{mode}");
        assert_eq!(row.packet_verdict.as_deref(), Some(verdict), "{mode}");
        assert_eq!(row.packet_unchecked, Some(0), "{mode}");
        let broken = row.packet_violations.as_deref().unwrap_or_default();
        assert!(broken.ends_with("@data[0].NgayTiepNhan"), "{mode} {broken}");
        assert_eq!(province.world.row(&good).packet_violations, None, "{mode}");
        if status == 422 {
            let detail = bad.problem()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("NgayTiepNhan"), "what a clerk needs: {detail}");
        }
    }
}

#[test]
fn a_body_that_is_no_document_is_a_fault_with_its_place() {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16 = String::from_utf8(utf16).unwrap();
    let bodies = [
        deep,
        utf16,
        "{\"data\":[],\"data\":[]}".to_owned(),
        "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>".to_owned(),
        "[1,".to_owned(),
    ];
    for (mode, fault) in [("report", "request_invalid"), ("strict", "packet_invalid")] {
        let province = Province::given(&format!("packets: {mode}"));
        for body in &bodies {
            let path = province.post_known("/packets/DongBoHoSoMC", body);
            assert_eq!(path.fault(), fault, "{mode}");
            let plain = province.post_known("/dvcqg/1.0/mapi/g", body);
            assert_eq!(plain.fault(), fault, "{mode}");
            if mode == "report" {
                let detail = path.problem()["detail"].as_str().unwrap().to_owned();
                assert!(detail.contains("byte "), "{detail}");
            }
        }
        assert_eq!(province.portal.count(), 0, "nothing was forwarded");
    }
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let province = Province::start();
    province.world.apply(
        "services:\n  - code: dvcqg-goi-tin\n    versions:\n      - { version: \"1.0\", body_max: 1KiB }\n",
    );
    let session = province.session();
    let body = sample("06", &session);
    assert!(body.len() > 1_024);
    for answer in [
        province.post("/mapi/g", "", &body),
        province.post_known("/packets/DongBoHoSoMC", &body),
        province.post_known("/dvcqg/1.0", &body),
    ] {
        assert_eq!(answer.fault(), "body_too_large");
    }
}

#[test]
fn a_dry_run_forwards_nothing() {
    let province = Province::given("packets: refuse");
    let target = "/packets/DongBoHoSoMC/check";
    let good = province.post_known(target, &records("02").to_string());
    assert_eq!(
        (good.status, json(&good)["verdict"].as_str()),
        (200, Some("ok")),
        "{}",
        good.text()
    );
    let bad = province.post_known(target, &records("91").to_string());
    assert_eq!(bad.status, 200);
    let told = json(&bad);
    assert_eq!(told["verdict"], "refused", "the subscription's mode");
    assert_eq!(told["violations"][0]["path"], "data[0].NgayTiepNhan");
    let milder = province.post_known(&format!("{target}?mode=report"), &records("91").to_string());
    assert_eq!(json(&milder)["verdict"], "report");
    let wrong = province.post_known(&format!("{target}?mode=mild"), "[]");
    assert_eq!(wrong.fault(), "parameter_invalid");
    let broken = province.post_known(target, "{");
    assert_eq!((broken.status, json(&broken)["verdict"].as_str()), (200, Some("refused")));
    assert_eq!(province.post(target, "", "[]").fault(), "token_missing");
    assert_eq!(province.get_known(target).fault(), "method_not_allowed");
    assert_eq!(province.portal.count(), 0);
    let row = province.world.row(&bad);
    assert_eq!(
        (row.facade, row.operation.as_deref()),
        (Some(Facade::Packet), Some("DongBoHoSoMC"))
    );
    assert_eq!((row.outcome, row.attempts), (Some(Outcome::Answered), Some(0)));
}

#[test]
fn a_packet_path_to_a_provider_that_is_no_portal_passes_as_it_came() {
    let province = Province::start();
    let body = format!(" {} ", records("02"));
    let target = "/packets/DongBoHoSoMC?dstcode=VN:GOV:H01:noi-bo&isUpdating=True";
    let answer = province.post_known(target, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = province.world.provider.last();
    assert_eq!(seen.head[0], "POST /base/DongBoHoSoMC?isUpdating=True HTTP/1.1");
    assert_eq!(String::from_utf8(seen.body).unwrap(), body);
    assert!(header(&answer).starts_with("ok; "), "{}", header(&answer));
    // in report mode nothing is lost, whatever it is
    let target = "/packets/DongBoHoSoMC?dstcode=VN:GOV:H01:noi-bo";
    let answer = province.post_known(target, "{ broken");
    assert_eq!(answer.status, 200);
    assert_eq!(province.world.provider.last().body, b"{ broken");
    assert!(header(&answer).starts_with("report; "), "{}", header(&answer));
}

#[test]
fn a_list_with_something_behind_it_is_no_list() {
    let province = Province::start();
    let bodies = [
        r#"[],"isUpdating":"True""#,
        r#"[],"service":"LayThuTuc""#,
        r#"[],"x":1"#,
        "[]}",
        "[] []",
        "[",
        "[]\u{0}",
    ];
    for body in bodies {
        let answer = province.post_known("/packets/DongBoHoSoMC", body);
        assert_eq!(answer.fault(), "request_invalid", "{body}");
    }
    assert_eq!(province.portal.count(), 0);
    let answer = province.post_known("/packets/DongBoHoSoMC", " \n[ ]\t");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(passed_on(&province)["data"], value!([]));
}

#[test]
fn a_parameter_that_is_unclear_is_refused_by_its_name() {
    let province = Province::start();
    let push = "/packets/DongBoHoSoMC";
    let local = "/packets/DongBoHoSoMC?dstcode=VN:GOV:H01:noi-bo";
    let table = [
        (format!("{push}?isUpdating=yes"), "[]", "isUpdating"),
        (format!("{local}&isUpdating=yes"), "[]", "isUpdating"),
        (format!("{push}?isUpdating=True&isUpdating=False"), "[]", "isUpdating"),
        (push.to_owned(), r#"{"isUpdating":"yes","data":[]}"#, "isUpdating"),
        (format!("{push}?isUpdating=True"), r#"{"isUpdating":false,"data":[]}"#, "isUpdating"),
        (format!("{local}&isUpdating=True"), r#"{"isUpdating":false,"data":[]}"#, "isUpdating"),
        (format!("{push}?madonvi=H01"), r#"{"madonvi":"H02","data":[]}"#, "madonvi"),
        (format!("{push}?maTTHC=1"), "[]", "maTTHC"),
        ("/packets/LayThuTuc?maTTHC=1&maTTHC=2".to_owned(), "", "maTTHC"),
        ("/packets/LayThuTuc?maTTHC=1&m%61ttHC=1".to_owned(), "", "mattHC"),
        ("/packets/LayThuTuc?maTTHC=%C4".to_owned(), "", "maTTHC"),
        ("/packets/LayThuTuc?maTTHC=1&%C4=1".to_owned(), "", "#2"),
        ("/packets/LayThuTuc?maTTHC=1".to_owned(), r#"{"maTTHC":"2"}"#, "maTTHC"),
        (format!("{push}/check?isUpdating=yes"), "[]", "isUpdating"),
        (format!("{push}/check?isUpdating=True"), r#"{"isUpdating":"0","data":[]}"#, "isUpdating"),
        (format!("{push}/check?mode=strict&mode=report"), "[]", "mode"),
    ];
    let legacies = [false, true];
    for is_legacy in legacies {
        if is_legacy {
            province.legacy();
        }
        for (target, body, name) in &table {
            for (language, begins) in [("vi", "Tham số "), ("en", "Parameter ")] {
                let known = format!(
                    "authorization: Bearer {}\r\naccept-language: {language}\r\n",
                    province.world.token
                );
                let answer = province.say("POST", target, &known, body);
                let row = province.world.row(&answer);
                let fault = row.fault.as_deref();
                assert_eq!(fault, Some("parameter_invalid"), "{target} {body}");
                let told = json(&answer)[if is_legacy { "message" } else { "detail" }].clone();
                let told = told.as_str().unwrap().to_owned();
                assert!(told.contains(&format!("{begins}{name} ")), "{target} {body}: {told}");
                assert_eq!(answer.status, if is_legacy { 200 } else { 400 });
            }
        }
    }
    assert_eq!(province.portal.count(), 0, "nothing was sent");
    assert!(province.world.provider.seen().is_empty());
}

#[test]
fn a_dry_run_is_no_exchange_that_a_report_counts() {
    let province = Province::start();
    for start in ["02", "91"] {
        let body = records(start).to_string();
        let answer = province.post_known("/packets/DongBoHoSoMC/check", &body);
        assert!(!header(&answer).is_empty(), "its consumer is told");
        let row = province.world.row(&answer);
        assert_eq!(row.packet_verdict, None);
        assert_eq!((row.packet_unchecked, row.packet_violations), (None, None));
        let answer = province.post_known("/packets/DongBoHoSoMC", &body);
        assert!(province.world.row(&answer).packet_verdict.is_some());
    }
}

#[test]
fn a_byte_order_mark_is_told_and_refused_where_form_matters() {
    for (mode, verdict) in [("report", "report"), ("refuse", "refused"), ("strict", "refused")] {
        let province = Province::given(&format!("packets: {mode}"));
        let list = format!("\u{feff}{}", records("02"));
        let object = format!("\u{feff}{}", value!({ "data": records("02") }));
        let envelope = format!("\u{feff}{}", sample("02", &province.session()));
        let answers = [
            province.post_known("/packets/DongBoHoSoMC", &list),
            province.post_known("/packets/DongBoHoSoMC", &object),
            province.post_known("/packets/DongBoHoSoMC/check", &list),
            province.post_known("/packets/DongBoHoSoMC/check", &object),
            province.post("/mapi/g", "", &envelope),
            province.post_known("/dvcqg/1.0/mapi/g", &envelope),
        ];
        for (place, answer) in answers.iter().enumerate() {
            let told = header(answer);
            assert!(told.starts_with(&format!("{verdict}; ")), "{mode} {place} {told}");
            assert!(told.ends_with("violations=1"), "{mode} {place} {told}");
            let dry_run = place == 2 || place == 3;
            let row = province.world.row(answer);
            if dry_run {
                assert_eq!(json(answer)["violations"][0]["rule"], "byte_order_mark");
            } else {
                let broken = row.packet_violations.unwrap_or_default();
                assert!(broken.starts_with("byte_order_mark@"), "{broken}");
            }
            let refused = mode != "report" && !dry_run;
            let fault = refused.then_some("packet_invalid");
            assert_eq!(row.fault.as_deref(), fault, "{mode} {place} {}", answer.text());
        }
        let sent = province.portal.calls().iter().filter(|c| c.service != "login").count();
        assert_eq!(sent, if mode == "report" { 4 } else { 0 });
    }
}
