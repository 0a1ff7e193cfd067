//! What is read of a registry file, and what is refused, with its place.

use std::collections::HashMap;

use terms::fault::Language;

use crate::file::entry::Entries;
use crate::file::read;
use crate::file::table::Noun;
use crate::plan::plan;
use crate::plan::state::State;

const LAND: &str = "
services:
  - code: tra-cuu
    provider: H01.013
    context: /datdai
    versions:
      - version: 1.0
        endpoints: { live: [\"http://127.0.0.1:9101\"] }
";

const PORTAL: &str = "
services:
  - code: cong
    provider: H01.013
    context: /cong
    destination: VN:GOV:G22
    role: statistics
    versions:
      - version: v
        aliases: [w]
        protocol: portal
        endpoints: { live: [\"http://127.0.0.1:9101\"] }
        portal: { user: u, secret: \"env:X\", names: { unit: MaDonVi }, session_refused: [a] }
        tls: { ca: \"file:/x\" }
        parameters: [{ name: a, in: query }]
";

fn entries(text: &str) -> Entries {
    let read = read(&[("a.yaml", text)]);
    assert_eq!(read.faults(), [], "{text}");
    read
}

/// `CODE LINE:COLUMN` of everything wrong with `text`.
fn faults(text: impl AsRef<[u8]>) -> Vec<String> {
    let found = read(&[("a.yaml", text)]).faults();
    for fault in &found {
        let (vi, en) = (fault.sentence.text(Language::Vi), fault.sentence.text(Language::En));
        assert!(!vi.is_empty() && !en.is_empty() && vi != en, "{fault}");
    }
    found.iter().map(|f| format!("{} {}:{}", f.code, f.line, f.column)).collect()
}

#[test]
fn scalars_are_kept_as_they_were_written() {
    let read = entries(LAND);
    assert_eq!(read.len(), 2);
    assert_eq!(read.list[1].noun, Noun::Version);
    assert_eq!(read.list[1].text("version"), Some("1.0"), "not the number 1");
    assert_eq!(read.list[1].text("service"), Some("tra-cuu"));
    for (text, name) in [("0123456789", "0123456789"), ("\"null\"", "null"), ("1e3", "1e3")] {
        let text = format!("members: [{{ code: H01, name: {text} }}]");
        assert_eq!(entries(&text).list[0].text("name"), Some(name));
    }
}

#[test]
fn absent_is_not_null() {
    let read = entries("members: [{ code: H01, name: a, parent: , contact: { email: ~ } }]");
    let given = |name: &str| read.list[0].given.iter().find(|g| g.field.name == name);
    assert!(given("parent").is_some_and(|g| g.value.is_null()));
    assert!(given("aliases").is_none());
    let member = read.list[0].merge(None);
    assert_eq!(member.to_text(), r#"{"code":"H01","name":"a"}"#);
}

#[test]
fn values_are_brought_to_one_form_and_defaults_left_out() {
    let table = [
        ("token_lifetime: 60m", r#"{"code":"s","member":"H01"}"#),
        ("token_lifetime: 120s", r#"{"code":"s","member":"H01","token_lifetime":"120s"}"#),
        ("state: active", r#"{"code":"s","member":"H01"}"#),
        ("errors: modern", r#"{"code":"s","member":"H01"}"#),
        ("errors: legacy", r#"{"code":"s","errors":"legacy","member":"H01"}"#),
        ("state: stopped", r#"{"code":"s","member":"H01","state":"stopped"}"#),
        ("addresses: []", r#"{"code":"s","member":"H01"}"#),
        ("addresses: [\"10.0.0.1\"]", r#"{"addresses":["10.0.0.1/32"],"code":"s","member":"H01"}"#),
    ];
    for (field, stated) in table {
        let read = entries(&format!("systems: [{{ code: s, member: H01, {field} }}]"));
        assert_eq!(read.list[0].merge(None).to_text(), stated, "{field}");
    }
}

#[test]
fn empty_files_and_sections_say_nothing() {
    for text in
        ["", "\u{feff}", "# nothing\n", "format: 1\n", "members:\nsystems: []\n", "~", "---\n"]
    {
        assert!(entries(text).is_empty(), "{text:?}");
    }
    assert_eq!(entries(&format!("\u{feff}{LAND}")).len(), 2, "a byte order mark is tolerated");
}

#[test]
fn several_files_are_one_set() {
    let read = read(&[("a", "members: [{ code: H01, name: a }]"), ("b", LAND)]);
    assert_eq!(read.len(), 3);
    assert_eq!(read.list[2].spot.file, 1);
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn each_fault_has_its_code_and_place() {
    let member = |field: &str| format!("members:\n  - {{ code: H01, name: a, {field} }}\n");
    let system = |field: &str| format!("systems:\n  - {{ code: s, member: H01, {field} }}\n");
    let version =
        |field: &str| format!("services:\n- code: s\n  versions:\n  - version: v\n    {field}\n");
    let subscription = |field: &str| {
        let key = "system: s, service: s, version: v, environment: live";
        format!("subscriptions:\n- {{ {key},\n    {field} }}\n")
    };
    let credential =
        |field: &str| format!("credentials:\n- {{ system: s, environment: live,\n    {field} }}\n");
    let table: Vec<(String, &str)> = vec![
        ("members: [".into(), "yaml 1:11"),
        ("a: b: c\n".into(), "key_unknown 1:1 yaml 1:5"),
        ("- 1\n".into(), "type_wrong 1:1"),
        ("members: {}\n---\nmembers: {}\n".into(), "type_wrong 1:10 yaml 2:1"),
        ("member: []\n".into(), "key_unknown 1:1"),
        ("format: 2\n".into(), "format_unknown 1:9"),
        ("members: []\nmembers: []\n".into(), "key_twice 2:1"),
        ("members: x\n".into(), "type_wrong 1:10"),
        ("members:\n  - x\n".into(), "type_wrong 2:5"),
        ("members:\n  - name: a\n".into(), "key_missing 2:5"),
        ("members:\n  - code: ~\n    name: a\n".into(), "null_refused 2:11"),
        ("members:\n  - code: H01\n    name: ~\n".into(), "null_refused 3:11"),
        ("members:\n  - code: h01\n    name: a\n".into(), "code_invalid 2:11"),
        ("members:\n  - code: H01\n    code: H02\n".into(), "key_twice 3:5"),
        ("members:\n  - ? [a]\n    : b\n    code: H01\n".into(), "key_form 2:7"),
        (member("staet: active"), "key_unknown 2:27"),
        (member("state: gone"), "word_unknown 2:34"),
        (member("aliases: H02"), "type_wrong 2:36"),
        (member("aliases: [h02]"), "code_invalid 2:37"),
        (member("aliases: [~]"), "type_wrong 2:37"),
        (member("contact: { mail: x }"), "key_unknown 2:38"),
        (member("name: !!int 3"), "key_twice 2:27 tag 2:39"),
        (system("addresses: [\"10.1.0.1/16\"]"), "network_invalid 2:41"),
        (system("token_lifetime: 3600"), "duration_invalid 2:45"),
        (system("token_lifetime: 25h"), "duration_invalid 2:45"),
        (system("kind: app"), "word_unknown 2:35"),
        ("services:\n- { code: s, context: datdai }\n".into(), "context_invalid 2:23"),
        ("services:\n- { code: s, context: /a/b/c/d/e }\n".into(), "context_invalid 2:23"),
        ("services:\n- { code: s, context: /a//b }\n".into(), "context_invalid 2:23"),
        ("services:\n- { code: s, context: /a/../b }\n".into(), "context_invalid 2:23"),
        ("services:\n- { code: s, context: /token }\n".into(), "context_reserved 2:23"),
        ("services:\n- { code: s, context: /XrdAdapter/x }\n".into(), "context_reserved 2:23"),
        ("services:\n- { code: s, versions: x }\n".into(), "type_wrong 2:24"),
        (version("state: old"), "word_unknown 5:12"),
        (version("sunset: 2027-02-30"), "date_invalid 5:13"),
        (version("methods: []"), "list_length 5:14"),
        (version("methods: [get]"), "method_invalid 5:15"),
        (version("methods: [TRACE]"), "method_invalid 5:15"),
        (version("endpoints: { live: [ftp://h] }"), "url_invalid 5:25"),
        (version("endpoints: { live: [\"http://u:p@h\"] }"), "url_invalid 5:25"),
        (version("endpoints: { test: [] }"), "key_unknown 5:18"),
        (version("auth: { kind: digest }"), "word_unknown 5:19"),
        (version("auth: { kind: bearer, secret: s3cret }"), "secret_form 5:35"),
        (version("tls: { ca: ca.pem }"), "secret_form 5:16"),
        (version("timeout: 0s"), "duration_invalid 5:14"),
        (version("idempotent: yes"), "flag_invalid 5:17"),
        (version("body_max: 32MB/s"), "size_invalid 5:15"),
        (version("in_flight_max: 0"), "number_invalid 5:20"),
        (version("parameters: [{ name: a, in: body }]"), "word_unknown 5:33"),
        (version("parameters: [{ in: query }]"), "key_missing 5:18"),
        (version("parameters: [{ name: a, in: query, pattern: \"(\" }]"), "pattern_invalid 5:49"),
        (system("errors: soap"), "word_unknown 2:37"),
        ("services:\n- { code: s, destination: portal }\n".into(), "destination_invalid 2:27"),
        (
            "services:\n- { code: s, destination: \"VN:GOV:a b\" }\n".into(),
            "destination_invalid 2:27",
        ),
        (
            "services:\n- { code: s, destination: VN:GOV:a:b:c }\n".into(),
            "destination_invalid 2:27",
        ),
        (
            "services:\n- { code: s, destination: \"VN:GOV::b\" }\n".into(),
            "destination_invalid 2:27",
        ),
        ("services:\n- { code: s, role: provider }\n".into(), "word_unknown 2:20"),
        (version("protocol: soap"), "word_unknown 5:15"),
        (version("portal: { login: mapi/login }"), "path_invalid 5:22"),
        (version("portal: { data: \"/a/../b\" }"), "path_invalid 5:21"),
        (version("portal: { data: \"/a/%2e%2e/b\" }"), "path_invalid 5:21"),
        (version("portal: { share: \"/a#b\" }"), "path_invalid 5:22"),
        (version("portal: { share: \"/a b\" }"), "path_invalid 5:22"),
        (version("portal: { secret: s3cret }"), "secret_form 5:23"),
        (version("portal: { destination_in: body }"), "word_unknown 5:31"),
        (version("portal: { exists: ignore }"), "word_unknown 5:23"),
        (version("portal: { names: { session: \"a b\" } }"), "name_invalid 5:33"),
        (version("portal: { names: { sesion: a } }"), "key_unknown 5:24"),
        (version("portal: { pasword: a }"), "key_unknown 5:15"),
        (subscription("operations: []"), "list_length 3:17"),
        (subscription("operations: [\"a b\"]"), "name_invalid 3:18"),
        (subscription("operations: LayThuTuc"), "type_wrong 3:17"),
        (subscription("packets: ignore"), "word_unknown 3:14"),
        (subscription("rate: 600"), "rate_invalid 3:11"),
        (subscription("rate: 0/min"), "rate_invalid 3:11"),
        (subscription("quota: 5/year"), "quota_invalid 3:12"),
        (subscription("days: mon-fry"), "days_invalid 3:11"),
        (subscription("hours: \"08:00-08:00\""), "hours_invalid 3:12"),
        (subscription("from: 1/1/2026"), "date_invalid 3:11"),
        (subscription("environment: test"), "key_twice 3:5"),
        (credential("consumer_key: \"a:b\""), "key_invalid 3:19"),
        (credential("secret_key: \"\""), "secret_form 3:17"),
        (credential("weak_until: soon"), "date_invalid 3:17"),
        ("members:\n  - { code: H01, name: \"a\\u0007\" }\n".into(), "text_invalid 2:24"),
        ("members:\n  - { code: H01, name: a\u{7}b }\n".into(), "control_character 2:25"),
        ("a: &a [x]\nb: *c\n".into(), "key_unknown 1:1 yaml 2:4"),
    ];
    let mut wrong = Vec::new();
    for (text, expected) in table {
        let found = faults(&text).join(" ");
        if found != expected {
            wrong.push(format!("{text}  expected {expected}, found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(faults(b"members:\n  - \xff\n").join(" "), "not_utf8 2:5");
}

#[test]
fn all_faults_come_at_once_in_the_order_of_the_text() {
    let text = "members:\n  - { code: h01 }\n  - { code: H01, state: x }\nsystem: []\n";
    assert_eq!(faults(text), ["code_invalid 2:13", "word_unknown 3:25", "key_unknown 4:1"]);
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let found = read(&[("a.yaml", "systems: [{ code: s, adresses: [] }]")]).faults();
    let text = "a.yaml:1:22: key_unknown: key \"adresses\" is unknown; did you mean \"addresses\"?";
    assert_eq!(found[0].to_string(), text);
}

#[test]
fn what_is_doubtful_is_a_warning() {
    let text = "members: [{ code: H99, name: a }]\ncredentials: [{ system: s, \
                environment: live, consumer_key: k, secret_key: hunter2 }]";
    let read = entries(text);
    let codes: Vec<&str> = read.warnings().iter().map(|w| w.code).collect();
    assert_eq!(codes, ["agency_unknown", "secret_clear"]);
    assert!(!format!("{:?} {read:?}", read.warnings()).contains("hunter2"));
    for text in
        ["members: [{ code: 000.00.13.H01, name: a }]", "systems: [{ code: s, member: H99 }]"]
    {
        assert!(entries(text).warnings().is_empty(), "{text}");
    }
}

#[test]
fn a_refused_secret_is_never_shown() {
    let text = format!("{LAND}        auth: {{ kind: bearer, secret: hunter2 }}\n");
    let read = read(&[("a", text)]);
    assert!(!format!("{:?} {read:?}", read.faults()).contains("hunter2"));
}

#[test]
fn aliases_serve_but_do_not_explode() {
    let text = "members: [&a { code: H01, name: a }]\nsystems: [{ code: s, member: H01, name: &n \
                x }, { code: t, member: H01, name: *n }]";
    assert_eq!(entries(text).list[2].text("name"), Some("x"));
    let mut bomb = String::from("a: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let copies = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("b{level}: &a{level} [{copies}]\n"));
    }
    assert!(faults(&bomb).iter().any(|f| f.starts_with("alias_limit")));
    let deep = format!("members: {}{}", "[".repeat(20), "]".repeat(20));
    assert!(faults(&deep)[0].starts_with("too_deep"), "{:?}", faults(&deep));
}

#[test]
fn any_bytes_are_read_or_refused_within_the_text() {
    const ALPHABET: &[u8] = b"[]{}:,-?&*!|>'\"#%@`~ \n\r\t\\xnull019.\xc3\xa9\xef\xbb\xbf\0\x7f";
    let member = "members: [{ code: H01, name: a, aliases: [H02], contact: { email: e } }]";
    let subscription = "subscriptions: [{ system: s, service: t, version: v, environment: live, \
                        operations: [A], from: 2027-01-01, until: 2028-01-01 }]";
    let seeds = [LAND, member, "a: &a [*a]", PORTAL, subscription];
    bolero::check!()
        .with_test_time(std::time::Duration::from_secs(20))
        .with_type::<(u8, Vec<(u16, u8)>, Vec<u8>)>()
        .for_each(|(seed, edits, tail)| {
            // Near what people write, and far from it.
            let seed = seeds.get(*seed as usize % 6).copied().unwrap_or_default();
            let mut text = seed.as_bytes().to_vec();
            for (at, byte) in edits {
                let at = *at as usize % (text.len() + 1);
                let sign = ALPHABET.get(*byte as usize).copied();
                match sign {
                    Some(sign) => text.insert(at, sign),
                    None => text.truncate(at.max(text.len() / 2)),
                }
            }
            text.extend(tail);
            let lines = String::from_utf8_lossy(&text).replace("\r\n", "\n").replace('\r', "\n");
            let lines: Vec<&str> = lines.split('\n').collect();
            let read = read(&[("f", &text)]);
            // What is made of it is as sound: no panic, and every fault within the text.
            let mut findings = read.findings.clone();
            plan(State::default(), &read.list, &HashMap::new(), &mut findings);
            for fault in findings.faults() {
                let line = (fault.line as usize).checked_sub(1).expect("lines count from 1");
                let width = lines.get(line).map_or(0, |line| line.chars().count());
                let column = fault.column as usize;
                assert!(line < lines.len() && (1..=width + 1).contains(&column), "{fault}");
            }
        });
}
