//! What a person sees in a window of 100 columns, in both languages: every command that prints a
//! table or an error, on the data of a demo and on names as long as they come.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use unicode_width::UnicodeWidthStr;

use crate::program::{command, run, text};

/// Places in a line.
const WIDTH: usize = 100;

/// Names, addresses and codes longer than any table has room for.
const LONG: &str = "
members:
  - { code: H99.021.000.001, parent: H99, name: \"Trung tâm Giám sát, điều hành thông minh và Chuyển đổi số thuộc Sở Khoa học và Công nghệ tỉnh Mẫu\" }
systems:
  - code: he-thong-thong-tin-giai-quyet-thu-tuc-hanh-chinh-cap-tinh
    member: H99.021.000.001
    name: \"Hệ thống thông tin giải quyết thủ tục hành chính dùng chung toàn tỉnh, phiên bản dùng thử\"
    addresses: [\"10.1.0.0/16\", \"10.2.0.0/16\", \"10.3.0.0/16\", \"192.168.100.0/24\", \"2001:db8:1:2::/64\"]
services:
  - code: dich-vu-tra-cuu-trang-thai-ho-so-thu-tuc-hanh-chinh
    provider: H99.021.000.001
    name: \"Dịch vụ tra cứu trạng thái hồ sơ thủ tục hành chính cho người dân và doanh nghiệp\"
    context: /tra-cuu/trang-thai/ho-so/thu-tuc
    versions:
      - { version: \"1.0\", state: superseded, endpoints: { live: [\"http://127.0.0.1:1\"] } }
      - { version: \"2.0\", endpoints: { live: [\"http://127.0.0.1:1\"] } }
      - { version: \"3.0\", state: trial, endpoints: { trial: [\"http://127.0.0.1:1\"] } }
subscriptions:
  - system: he-thong-thong-tin-giai-quyet-thu-tuc-hanh-chinh-cap-tinh
    service: dich-vu-tra-cuu-trang-thai-ho-so-thu-tuc-hanh-chinh
    version: \"2.0\"
    environment: live
    methods: [GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS]
    rate: 100000/min
    quota: 100000000/month
credentials:
  - { system: he-thong-thong-tin-giai-quyet-thu-tuc-hanh-chinh-cap-tinh, environment: live }
";

/// Every command whose result is for people's eyes.
const SHOWN: &[&str] = &[
    "show members",
    "show systems",
    "show services",
    "show subscriptions",
    "show credentials",
    "key list",
    "keyring list",
    "journal search",
    "journal stats",
    "journal stats --by day,system,service,version,member,provider,outcome,fault",
    "packet list",
    "packet report",
    "statistics status",
    "statistics list",
    "doctor",
    "config check",
    "config show",
];

/// A folder with a demo in it, and what `demo` printed.
fn demo(folder: &Path, language: &str) -> String {
    let output = run(folder, &["demo", "--once", "--data", "d", "--lang", language]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn check(what: &str, shown: &str) {
    for line in shown.lines() {
        assert!(line.width() <= WIDTH, "{what}: {} places: {line:?}", line.width());
    }
}

#[test]
fn no_table_is_wider_than_the_window() {
    let folder = tempfile::tempdir().unwrap();
    for language in ["vi", "en"] {
        check("demo", &demo(folder.path(), language));
    }
    std::fs::write(folder.path().join("long.yaml"), LONG).unwrap();
    let applied = run(folder.path(), &["apply", "-f", "long.yaml", "--data", "d"]);
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied.stderr));
    let packets = run(folder.path(), &["packet", "list", "--json"]);
    let packets = text(&packets.stdout);
    let packets = packets.lines().map(|line| {
        let packet: serde_json::Value = serde_json::from_str(line).unwrap();
        format!("packet show {}", packet["packet"].as_str().unwrap())
    });
    let shown: Vec<String> = SHOWN.iter().map(ToString::to_string).chain(packets).collect();
    assert!(shown.len() >= SHOWN.len() + 15);
    for line in shown {
        for language in ["vi", "en"] {
            let arguments: Vec<&str> =
                line.split(' ').chain(["--data", "d", "--lang", language]).collect();
            let output = run(folder.path(), &arguments);
            // doctor may find the ports of this machine taken
            let expected = matches!(output.status.code(), Some(0)) || line == "doctor";
            assert!(expected, "{line}: {}", text(&output.stderr));
            check(&line, &text(&output.stdout));
            check(&line, &text(&output.stderr));
        }
    }
}

#[test]
fn codes_stand_whole_in_a_table_and_wide_is_one_line_a_row() {
    let folder = tempfile::tempdir().unwrap();
    demo(folder.path(), "vi");
    let search = |flags: &[&str]| {
        let output = run(folder.path(), &[&["journal", "search", "--data", "d"], flags].concat());
        text(&output.stdout)
    };
    let (table, wide, rows) = (search(&[]), search(&["--wide"]), search(&["--json"]));
    for row in rows.lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let id = row["exchange_id"].as_str().unwrap();
        assert!(table.contains(id) && wide.contains(id), "{id}\n{table}");
    }
    // heading and rule
    assert_eq!(wide.lines().count(), rows.lines().count() + 2);
    assert!(table.lines().count() > wide.lines().count());
}

#[test]
fn the_systems_refusals_are_told_in_vietnamese_with_its_own_words_behind() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    std::fs::write(folder.path().join("broken.toml"), "[ops\n").unwrap();
    std::fs::write(folder.path().join("latin.toml"), b"# \xfc\n").unwrap();
    std::fs::write(folder.path().join("broken.yaml"), "members: [\n").unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for (line, exit, vi) in [
        ("apply -f absent.yaml", 2, "không có tệp hoặc thư mục này (No such file"),
        ("apply -f .", 2, "đây là thư mục, không phải tệp (Is a directory"),
        ("apply -f broken.yaml --data new", 1, "broken.yaml:2:1: yaml: sai cú pháp YAML"),
        ("config show --config absent.toml", 2, "không có tệp hoặc thư mục này (No such file"),
        ("config show --config latin.toml", 2, "tệp văn bản phải là UTF-8 ("),
        ("config check --config broken.toml", 1, "broken.toml:1:5: syntax: sai cú pháp TOML ("),
        ("serve --data file", 3, "đã có sẵn (File exists"),
        (
            "serve --data new --trial off --ops off --live TAKEN",
            3,
            "địa chỉ đang được chương trình khác dùng (Address already in use",
        ),
        (
            "simulate provider --listen TAKEN",
            3,
            "địa chỉ đang được chương trình khác dùng (Address already in use",
        ),
        (
            "simulate portal --listen TAKEN",
            3,
            "địa chỉ đang được chương trình khác dùng (Address already in use",
        ),
        ("simulate consumer http://127.0.0.1:1 / --credential file", 2, "không có dòng JSON nào"),
        (
            "simulate consumer http://127.0.0.1:1 / --credential key.json",
            3,
            "bên kia từ chối kết nối (connection refused",
        ),
        (
            "journal search --data new --outcome x",
            2,
            "viết như: answered, denied, failed, abandoned",
        ),
        ("journal search --data new --kind x", 2, "viết như: call, token, change, erasure"),
        ("show members --data new", 0, "Không có gì để hiện."),
        ("demo --once --data file", 3, "không dùng được thư mục file: đã có sẵn (File exists"),
        ("show members --data absent", 2, "không có thư mục dữ liệu absent"),
    ] {
        let key = r#"{"consumer_key":"a","secret_key":"b"}"#;
        std::fs::write(folder.path().join("key.json"), key).unwrap();
        let line = line.replace("TAKEN", &taken);
        let output = run(folder.path(), &line.split(' ').collect::<Vec<_>>());
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{line}: {told}");
        assert!(told.contains(vi), "{line}: {told}");
        let arguments: Vec<&str> = line.split(' ').chain(["--lang", "en"]).collect();
        let told = text(&run(folder.path(), &arguments).stderr);
        let accented = told.chars().any(|c| matches!(c, 'ô' | 'ệ' | 'đ' | 'ư' | 'ợ' | 'á'));
        assert!(!told.is_empty() && !accented, "{line}: {told}");
    }
}

/// Exit code and message of a command that says nothing else. One that says something has started,
/// and would run for ever: it is ended.
fn refused(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = command(folder, arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    if !said.is_empty() {
        let _ = child.kill();
        let _ = child.wait();
        panic!("{arguments:?} has started: {said}");
    }
    let output = child.wait_with_output().unwrap();
    (output.status.code(), text(&output.stderr))
}

#[test]
fn stand_ins_refuse_nonsense_before_they_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    std::fs::write(folder.path().join("bad.toml"), "packet = \n").unwrap();
    let portal = [
        "--session 0s",
        "--session-status 7",
        "--account x",
        "--account :",
        "--failed-code 0",
        "--exists-code #abc",
        "--login-path x",
        "--data-path /",
        "--login-path /mapi/g",
        "--inbound blah",
        "--live ftp://x",
        "--credential key.json",
        "--tables empty",
        "--tables absent.toml",
        "--tables bad.toml",
    ];
    let portal = portal.iter().map(|flags| format!("simulate portal --listen 127.0.0.1:0 {flags}"));
    let consumer = [
        "foo /",
        "https://127.0.0.1:1 /",
        "http://127.0.0.1:1 x",
        "http://127.0.0.1:1 / --rate 0",
        "http://127.0.0.1:1 / --rate -3",
        "http://127.0.0.1:1 / --connections 0",
        "http://127.0.0.1:1 / --calls 0",
        "http://127.0.0.1:1 / --duration 10",
    ];
    let consumer = consumer.iter().map(|flags| format!("simulate consumer {flags}"));
    for line in portal.chain(consumer) {
        for (language, foreign) in [("vi", "error:"), ("en", "lỗi:")] {
            let arguments: Vec<&str> = line.split(' ').chain(["--lang", language]).collect();
            let (code, told) = refused(folder.path(), &arguments);
            assert_eq!(code, Some(2), "{line}: {told}");
            assert!(!told.is_empty() && !told.starts_with(foreign), "{line}: {told}");
        }
    }
}

#[test]
fn help_comes_in_the_language_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (vec!["journal", "--help"], "Cách dùng: lgsp journal [TÙY CHỌN] <LỆNH>"),
        (vec!["--lang", "en", "journal", "--help"], "Usage: lgsp journal [OPTIONS] <COMMAND>"),
        (vec!["demo", "--help"], "demo: lgsp-demo]"),
    ] {
        // as on a narrow terminal as well
        let narrow = command(folder.path(), &arguments).env("COLUMNS", "60").output().unwrap();
        let output = run(folder.path(), &arguments);
        for output in [narrow, output] {
            let help = text(&output.stdout);
            assert!(help.contains(expected), "{arguments:?}: {help}");
        }
    }
}
