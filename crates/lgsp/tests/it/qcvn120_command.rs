//! QCVN 120 on the command line: what a clerk reads is in one language, what a program reads is JSON.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::program::{run, text};
use crate::world::{World, json_lines};

fn said(folder: &Path, arguments: &[&str]) -> (Output, String) {
    let output = run(folder, arguments);
    let said = text(&output.stdout);
    (output, said)
}

#[test]
fn tables_speak_the_persons_language() {
    let folder = tempfile::tempdir().unwrap();
    let words = |text: &str| -> Vec<String> {
        let split = |c: char| !c.is_alphanumeric();
        text.split(split).map(str::to_lowercase).collect()
    };
    for (arguments, there) in [
        (vec!["packet", "list"], vec!["gửi", "lấy", "Hiệu lực"]),
        (vec!["packet", "show", "DongBoHoSoMC"], vec!["ngày giờ", "chưa rõ", "mã nguồn", "gửi"]),
        (vec!["packet", "show", "LayThuTuc"], vec!["lấy", "danh sách", "số"]),
    ] {
        let (_, vietnamese) = said(folder.path(), &arguments);
        for word in there {
            assert!(vietnamese.contains(word), "{word}: {vietnamese}");
        }
        let english = ["push", "pull", "yes", "no", "unknown", "code", "text", "datetime", "list"];
        let found: Vec<&str> = english
            .into_iter()
            .filter(|word| words(&vietnamese).iter().any(|found| found == word))
            .collect();
        assert_eq!(found, Vec::<&str>::new(), "{vietnamese}");
        let (_, english) = said(folder.path(), &[&arguments[..], &["--lang", "en"]].concat());
        assert!(english.contains("push") || english.contains("pull"), "{english}");
        assert!(!english.contains("gửi") && !english.contains("chưa rõ"), "{english}");
    }
}

#[test]
fn fields_stand_under_their_list_and_no_code_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    for language in ["vi", "en"] {
        let (_, shown) =
            said(folder.path(), &["packet", "show", "DongBoHoSoMC", "--lang", language]);
        assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
        let line = |name: &str| shown.lines().find(|line| line.contains(name)).unwrap();
        assert!(line("DuongDanTaiTepTin").contains("  DuongDanTaiTepTin"), "{shown}");
        for code in ["DanhSachTepDinhKemKhac", "yyyyMMddHHmmss", "DuongDanTaiTepTin", " 10"] {
            assert!(shown.contains(code), "{code}: {shown}");
        }
    }
}

#[test]
fn a_table_file_that_is_no_toml_is_told_in_a_vietnamese_sentence_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let tables = folder.path().join("lgsp-data/packet");
    std::fs::create_dir_all(&tables).unwrap();
    std::fs::write(tables.join("a.toml"), "packet = \"A\"\nversion = \n").unwrap();
    let output = run(folder.path(), &["packet", "list"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.starts_with("packet/a.toml:2:"), "{told}");
    assert!(told.contains("không đúng cú pháp TOML"), "{told}");
    let output = run(folder.path(), &["packet", "check", "a.json"]);
    assert_eq!(output.status.code(), Some(1), "by tables that may be the wrong ones");
    let told = text(&output.stderr);
    assert!(told.contains("chưa kiểm tra gói tin nào"), "{told}");
}

#[test]
fn a_sample_in_json_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    for packet in ["DongBoHoSoMC", "DongBoPAKNDiaPhuong", "LayThuTuc"] {
        let (output, _) = said(folder.path(), &["packet", "sample", packet, "--json"]);
        let lines = json_lines(&output);
        assert_eq!(lines.len(), 1, "{packet}");
        assert_eq!(lines[0]["service"], packet);
        let (_, pretty) = said(folder.path(), &["packet", "sample", packet]);
        assert_eq!(serde_json::from_str::<Value>(&pretty).unwrap(), lines[0], "the same");
        assert!(pretty.lines().count() > 3, "for people it stands on several lines");
    }
    let refused = run(folder.path(), &["packet", "sample", "LayThuTuc", "--json", "--xml"]);
    assert_eq!(refused.status.code(), Some(2), "it is one or the other");
}

#[test]
fn a_body_that_does_not_name_its_packet_is_told_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (_, sample) = said(folder.path(), &["packet", "sample", "DongBoHoSoMC", "--json"]);
    let sample: Value = serde_json::from_str(&sample).unwrap();
    let file = folder.path().join("a.json");
    let check = |body: &str, more: &[&str]| {
        std::fs::write(&file, body).unwrap();
        let output = run(folder.path(), &[&["packet", "check", "a.json"], more].concat());
        (output.status.code().unwrap(), text(&output.stdout))
    };
    let array = sample["data"].to_string();
    let (code, told) = check(&array, &[]);
    assert_eq!(code, 1);
    assert!(told.contains("Mảng 1 bản ghi, đúng cú pháp"), "{told}");
    assert!(told.contains("Thêm --packet DongBoHoSoMC: "), "{told}");
    assert!(!told.contains("không có trong Bảng 1"), "{told}");
    let (_, told) = check(&array, &["--lang", "en"]);
    assert!(told.contains("An array of 1 records, well formed"), "{told}");
    let (code, told) = check(&array, &["--packet", "DongBoHoSoMC"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("phần dữ liệu · DongBoHoSoMC: đạt"), "{told}");
    for (body, expected) in [
        (format!(r#"{{"data":{array}}}"#), "Thêm --packet DongBoHoSoMC: "),
        ("[]".to_owned(), "Mảng 0 bản ghi"),
        (r#"[{"x":1,"y":2}]"#.to_owned(), "Thêm --packet TÊN"),
        (r#"{"error_code":0}"#.to_owned(), "Đúng cú pháp; nội dung không nêu"),
    ] {
        let (code, told) = check(&body, &[]);
        assert!(code == 1 && told.contains(expected), "{body}: {told}");
    }
}

#[test]
fn an_empty_packet_and_a_byte_order_mark_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.json");
    for (body, rule, modes) in [
        ("[]", "no_record", [("report", 0), ("refuse", 0), ("strict", 1)]),
        ("{\"data\":[]}", "no_record", [("report", 0), ("refuse", 0), ("strict", 1)]),
        ("\u{feff}[{}]", "byte_order_mark", [("report", 0), ("refuse", 1), ("strict", 1)]),
    ] {
        std::fs::write(&file, body).unwrap();
        for (mode, code) in modes {
            let packet = ["--packet", "DongBoPAKNDiaPhuong", "--mode", mode, "--json"];
            let output =
                run(folder.path(), &[&["packet", "check", "a.json"][..], &packet].concat());
            assert_eq!(output.status.code(), Some(code), "{body} in {mode}");
            assert_eq!(json_lines(&output)[0]["violations"][0]["rule"], rule, "{body}");
        }
    }
}

#[test]
fn a_report_is_written_in_the_form_that_was_asked_for() {
    let world = World::start();
    let written = |flags: &[&str]| {
        let file = world.dir.path().join("report");
        let _ = std::fs::remove_file(&file);
        let out = ["packet", "report", "--out", file.to_str().unwrap()];
        let output = world.run(&[&out[..], flags].concat());
        assert!(output.status.success(), "{flags:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "it went to the file");
        std::fs::read_to_string(file).unwrap()
    };
    for (flags, is_json) in [
        (vec![], false),
        (vec!["--json"], true),
        (vec!["--format", "json"], true),
        (vec!["--format", "html", "--json"], false),
    ] {
        let text = written(&flags);
        let read = serde_json::from_str::<Value>(&text);
        assert_eq!(read.is_ok_and(|report| report["systems"].is_array()), is_json, "{flags:?}");
        assert_eq!(text.starts_with("<!doctype html>"), !is_json, "{flags:?}: {text}");
    }
}
