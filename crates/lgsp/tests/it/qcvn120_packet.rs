//! QCVN 120, the packets as data: what is known of them, how samples are judged, how a table file
//! takes its place while the platform runs.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{run, text};
use crate::province::Province;
use crate::wire::{Connection, request};
use crate::world::{json_lines, wait_until};

/// Table 1 of the standard: packet, its tables, fields sent and received.
const STANDARD: [(&str, &[u64], u64); 15] = [
    ("DongBoHoSoMC", &[2], 27),
    ("CapNhatTienDoHoSoMC", &[3], 9),
    ("DongBoDanhGia", &[4], 8),
    ("DongBoThongKeHoSo", &[5], 18),
    ("LayThuTuc", &[6], 25),
    ("LayQDCB", &[7], 5),
    ("DongBoPAKNDiaPhuong", &[8], 23),
    ("DanhSachPAKNChoXuLy", &[9], 24),
    ("DongBoKetQuaXuLyPAKN", &[10], 7),
    ("LayTaiLieuPAKN", &[11, 12], 1 + 3),
    ("DanhSachPAKNCongKhai", &[13], 26),
    ("DongBoHoiDap", &[14], 11),
    ("LayDanhSachHoiDapGuiTuDVCQG", &[15], 12),
    ("DongBoKetQuaHoiDapGuiTuDVCQG", &[16], 6),
    ("LayDanhSachHoiDapBoCoQuan", &[17], 11),
];

#[test]
fn the_fifteen_packets_have_the_counts_of_the_standard() {
    let folder = tempfile::tempdir().unwrap();
    let rows = json_lines(&run(folder.path(), &["packet", "list", "--json"]));
    assert_eq!(rows.len(), STANDARD.len());
    for (row, (packet, tables, count)) in rows.iter().zip(STANDARD) {
        let number = |key: &str| row[key].as_u64().unwrap();
        println!("{packet}: {} known, {} unknown", number("known"), number("unknown"));
        assert_eq!(row["packet"], packet);
        let seen: Vec<u64> =
            row["table"].as_array().unwrap().iter().map(|t| t.as_u64().unwrap()).collect();
        assert_eq!(seen, tables, "{packet}");
        assert_eq!(number("count") + number("count_sent"), count, "{packet}");
        assert_eq!(number("known") + number("unknown"), count, "{packet}");
    }
    let table = text(&run(folder.path(), &["packet", "list"]).stdout);
    assert_eq!(table.lines().count(), 2 + 15, "{table}");
}

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/qcvn120");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn check(folder: &Path, file: &Path, mode: &str) -> Output {
    let arguments = ["packet", "check", file.to_str().unwrap(), "--mode", mode, "--json"];
    run(folder, &arguments)
}

/// What is wrong with the wrong samples: where, and by which rule.
const WRONG: [(&str, &str, &str); 7] = [
    ("90-bad-status", "data[0].TrangThaiHoSo", "code_unknown"),
    ("91-bad-date", "data[0].NgayTiepNhan", "datetime_form"),
    ("92-missing-key", "data[0].MaHoSo", "required"),
    ("93-bad-type", "data[0].TaiLieuNop", "shape"),
    ("94-impossible-date", "data[0].NgayHenTra", "datetime_impossible"),
    ("95-bad-no-session", "session", "required"),
    ("96-bad-unknown-service", "service", "service_unknown"),
];

#[test]
fn every_sample_is_judged_as_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    let files = samples();
    assert_eq!(files.len(), 31);
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let wrong = WRONG.iter().find(|wrong| wrong.0 == name);
        assert_eq!(wrong.is_some(), name.starts_with('9'), "{name}");
        for mode in ["report", "refuse", "strict"] {
            let output = check(folder.path(), file, mode);
            let reports = json_lines(&output);
            let refused: Vec<&Value> =
                reports.iter().filter(|report| report["verdict"] == "refused").collect();
            let expected = usize::from(wrong.is_some() && mode != "report");
            assert_eq!(refused.len(), expected, "{name} in {mode}: {reports:?}");
            assert_eq!(output.status.code(), Some(expected as i32), "{name} in {mode}");
        }
        let Some((_, path, rule)) = wrong else { continue };
        let report = &json_lines(&check(folder.path(), file, "strict"))[0];
        let found = &report["violations"][0];
        println!("{name}: {} → {}", found["sentence"], found["suggestion"]);
        assert_eq!((&found["path"], &found["rule"]), (&(*path).into(), &(*rule).into()), "{name}");
        assert!(found["sentence"].as_str().unwrap().len() > 10, "a clerk reads a sentence");
        assert!(found["suggestion"].as_str().unwrap().len() > 10, "and what to do");
    }
}

#[test]
fn a_sample_of_every_packet_is_right_in_json_and_in_xml() {
    let folder = tempfile::tempdir().unwrap();
    for (packet, ..) in STANDARD {
        for flags in [vec![], vec!["--xml"], vec!["--all"]] {
            for side in ["request", "answer"] {
                let mut arguments = vec!["packet", "sample", packet, "--side", side];
                arguments.extend(&flags);
                let sample = run(folder.path(), &arguments);
                assert!(sample.status.success(), "{packet}: {}", text(&sample.stderr));
                let file = folder.path().join("sample");
                std::fs::write(&file, &sample.stdout).unwrap();
                let mut arguments = vec!["packet", "check", "sample", "--side", side];
                arguments.extend(["--packet", packet]);
                let output = run(folder.path(), &arguments);
                assert!(output.status.success(), "{packet} {side} {flags:?}: {}", {
                    format!("{}\n{}", text(&sample.stdout), text(&output.stdout))
                });
            }
        }
    }
}

/// Table 8 with names for its first three positions; `form` is that of the second.
fn table_8(form: &str) -> String {
    let mut file = String::from(
        "packet = \"DongBoPAKNDiaPhuong\"\ntable = 8\nversion = \"2019\"\n\
         valid_from = 2020-07-01\ndirection = \"push\"\ncount = 23\n",
    );
    for (position, name, form) in
        [(1, "MaPAKN", "text"), (2, "NgayGui", form), (3, "NoiDung", "text")]
    {
        file.push_str(&format!(
            "\n[[field]]\nposition = {position}\nname = \"{name}\"\nmeaning = \"{name}\"\n\
             form = \"{form}\"\nrequired = \"yes\"\nevidence = \"page\"\n"
        ));
    }
    for position in 4..=23 {
        file.push_str(&format!("\n[[field]]\nposition = {position}\nevidence = \"unknown\"\n"));
    }
    file
}

#[test]
fn a_table_file_names_three_fields_and_they_are_checked_within_a_second() {
    const RECORD: &str = r#"[{"MaPAKN": "P-1", "NgayGui": "hôm qua", "NoiDung": ""}]"#;
    let province = Province::start();
    let token = province.world.token("strict");
    let ask = || province.post(&token, "/packets/DongBoPAKNDiaPhuong/check", RECORD).json();
    let before = ask();
    assert_eq!((&before["verdict"], &before["unchecked"]), (&"ok".into(), &23.into()), "{before}");
    let folder = province.world.data().join("packet");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("DongBoPAKNDiaPhuong.toml");
    std::fs::write(&file, table_8("datetime")).unwrap();
    let dropped = Instant::now();
    let mut after = ask();
    wait_until(Duration::from_secs(1), "the file is in force", || {
        after = ask();
        after["unchecked"] == 20
    });
    println!("in force after {:?}: {after}", dropped.elapsed());
    assert_eq!(after["verdict"], "refused", "{after}");
    let paths: Vec<&str> = after["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["data[0].NgayGui", "data[0].NoiDung"], "{after}");
    // A broken file is told with its place, and the last good one stays.
    std::fs::write(&file, table_8("word")).unwrap();
    let log = || std::fs::read_to_string(province.world.dir.path().join("server.log")).unwrap();
    wait_until(Duration::from_secs(2), "the broken file is told", || {
        log().contains("packet_table_broken")
    });
    let told = log();
    let place = "packet/DongBoPAKNDiaPhuong.toml:20:8: ";
    assert!(told.contains(place), "{told}");
    assert_eq!(ask()["unchecked"], 20);
    let metrics = || {
        let ask = request("GET", "/metrics", &[("Connection", "close")], b"");
        Connection::open(province.world.listening.ops).ask(ask).unwrap().text()
    };
    assert!(metrics().contains("lgsp_alert{code=\"packet_table_broken\"} 1"), "{}", metrics());
    std::fs::write(&file, table_8("text")).unwrap();
    wait_until(Duration::from_secs(2), "the mended file is in force", || {
        ask()["violations"].as_array().unwrap().len() == 1
    });
    assert!(metrics().contains("lgsp_alert{code=\"packet_table_broken\"} 0"), "{}", metrics());
}
