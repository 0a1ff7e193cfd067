//! The tables that are built in, and files over them.

use jiff::civil::date;
use terms::fault::Language;

use super::*;
use crate::check::{Side, judge};
use crate::mode::{Mode, Verdict};

/// Name, table, positions, known: as Table 1 of the standard counts and as far as names are known.
const STANDARD: [(&str, &str, u32, u32); 15] = [
    ("DongBoHoSoMC", "2", 27, 27),
    ("CapNhatTienDoHoSoMC", "3", 9, 9),
    ("DongBoDanhGia", "4", 8, 8),
    ("DongBoThongKeHoSo", "5", 18, 18),
    ("LayThuTuc", "6", 25, 24),
    ("LayQDCB", "7", 5, 3),
    ("DongBoPAKNDiaPhuong", "8", 23, 0),
    ("DanhSachPAKNChoXuLy", "9", 24, 0),
    ("DongBoKetQuaXuLyPAKN", "10", 7, 0),
    ("LayTaiLieuPAKN", "11, 12", 4, 1),
    ("DanhSachPAKNCongKhai", "13", 26, 6),
    ("DongBoHoiDap", "14", 11, 7),
    ("LayDanhSachHoiDapGuiTuDVCQG", "15", 12, 5),
    ("DongBoKetQuaHoiDapGuiTuDVCQG", "16", 6, 6),
    ("LayDanhSachHoiDapBoCoQuan", "17", 11, 7),
];

#[test]
fn the_built_in_tables_count_as_the_standard_does() {
    let tables = Tables::builtin();
    let found: Vec<(&str, String, u32, u32)> = tables
        .iter()
        .map(|t| (t.packet.as_ref(), t.table_text(), t.positions(), t.known()))
        .collect();
    let expected: Vec<(&str, String, u32, u32)> = STANDARD
        .iter()
        .map(|(name, table, count, known)| (*name, (*table).into(), *count, *known))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(tables.iter().map(Table::positions).sum::<u32>(), 216, "of Tables 2 to 17");
    for table in tables.iter() {
        let counted = table.fields.iter().filter(|field| field.counted).count();
        assert_eq!(
            counted,
            usize::from(table.count),
            "{}: each position has its entry",
            table.packet
        );
        assert!(table.file.is_none() && table.text.contains(table.packet.as_ref()));
        for field in table.fields.iter().filter(|field| field.name.is_none()) {
            assert_eq!(field.required, Required::Unknown, "nothing is claimed of an unknown field");
        }
        for name in table.fields.iter().filter_map(|field| field.name.as_deref()) {
            assert_ne!(table.fields.find(name).unwrap().evidence, Evidence::Unknown, "{name}");
        }
    }
    assert_eq!(tables.auxiliaries().count(), 24);
    assert!(tables.is_auxiliary("tracuuhoso") && !tables.is_auxiliary("DongBoHoSoMC"));
    assert_eq!(tables.envelopes().request.len(), 4);
}

#[test]
fn names_are_found_in_any_case_and_by_date() {
    let tables = Tables::builtin();
    assert!(tables.find("dongbohosomc", date(2026, 1, 1)).is_some());
    assert!(tables.find("DongBoHoSoMC", date(2020, 6, 30)).is_none(), "in force from 1 July 2020");
    assert!(tables.find("DongBoHoSoMC", date(2020, 7, 1)).is_some());
    let newer = "packet = \"dongbohosomc\"\nversion = \"2026\"\nvalid_from = 2026-07-20\n\
                 direction = \"push\"\ncount = 0\n";
    let with = tables.with(&[("a.toml".into(), newer.into())]).unwrap();
    let version = |day| with.find("DongBoHoSoMC", day).unwrap().version.to_string();
    assert_eq!(version(date(2026, 7, 19)), "2019");
    assert_eq!(version(date(2026, 7, 20)), "2026", "the date decides");
    assert_eq!(with.iter().count(), 16);
    let none = judge(&tables, "DongBoHoSoMC", Side::Data, b"[]", None, date(2020, 1, 1));
    assert_eq!(none.summary(99), "not_in_force@service");
}

#[test]
fn a_file_that_names_unknown_fields_makes_them_checked() {
    let tables = Tables::builtin();
    let on = date(2026, 11, 22);
    let before = tables.find("DongBoPAKNDiaPhuong", on).unwrap();
    assert_eq!((before.known(), before.unknown()), (0, 23));
    // What a person does with the official text at hand; these three names are of this test only.
    let named = |text: String, position: u32, name: &str, more: &str| {
        let entry = format!("position = {position}\n");
        let filled = format!("{entry}name = \"{name}\"\n{more}\n");
        text.replacen(&entry, &filled, 1).replacen(
            "evidence = \"unknown\"",
            "evidence = \"page\"",
            1,
        )
    };
    let text = named(before.text.to_string(), 1, "ThuMot", "required = \"yes\"");
    let text = named(text, 2, "ThuHai", "form = \"datetime\"");
    let text = named(text, 3, "ThuBa", "form = \"code\"\ncodes = [\"1\", \"2\"]");
    let with = tables.with(&[("DongBoPAKNDiaPhuong.toml".into(), text)]).unwrap();
    let after = with.find("DongBoPAKNDiaPhuong", on).unwrap();
    assert_eq!((after.known(), after.unknown()), (3, 20));
    assert_eq!(with.iter().count(), 15, "it replaces the built-in one");
    assert_eq!(after.file.as_deref(), Some("DongBoPAKNDiaPhuong.toml"));
    let body = br#"[{"thuhai":"hom nay","ThuBa":3,"x":1}]"#;
    let check = |tables| judge(tables, "DongBoPAKNDiaPhuong", Side::Data, body, None, on);
    let report = check(&tables);
    assert_eq!((report.verdict(Mode::Strict), report.unchecked), (Verdict::Ok, 23));
    let report = check(&with);
    assert_eq!(report.unchecked, 20);
    assert_eq!(
        report.summary(999),
        "datetime_form@[0].ThuHai code_unknown@[0].ThuBa required@[0].ThuMot"
    );
    assert_eq!(report.verdict(Mode::Refuse), Verdict::Refused, "a page is firm");
}

#[test]
fn a_packet_of_another_ministry_is_added_by_a_file() {
    let text = r#"
packet = "GoiTinKhac"
version = "1"
direction = "push"
count = 2
[[field]]
name = "Ma"
required = "yes"
evidence = "page"
[[field]]
name = "Con"
form = "list"
evidence = "page"
[[field.children]]
name = "So"
form = "number"
range = [0, 10]
evidence = "page"
[[rule]]
kind = "unique"
fields = ["Ma"]
evidence = "inferred"
"#;
    let tables = Tables::builtin().with(&[("khac.toml".into(), text.into())]).unwrap();
    let on = date(2026, 1, 1);
    let body = br#"[{"Ma":"1","Con":[{"So":"11"}]},{"Ma":"1"}]"#;
    let report = judge(&tables, "goitinkhac", Side::Data, body, None, on);
    assert_eq!(report.packet.as_ref(), "GoiTinKhac");
    assert_eq!(report.summary(99), "number_range@[0].Con[0].So key_repeated@[1].Ma");
}

/// `LINE:COLUMN ENGLISH` of everything wrong with a file.
fn faults(text: &str) -> Vec<String> {
    let found = Tables::builtin().with(&[("a.toml".into(), text.into())]).err().unwrap_or_default();
    for fault in &found {
        let (vi, en) = (fault.sentence.text(Language::Vi), fault.sentence.text(Language::En));
        assert!(!vi.is_empty() && !en.is_empty() && vi != en, "{fault}");
        assert_eq!(fault.file, "a.toml");
    }
    found.iter().map(|f| format!("{}:{} {}", f.line, f.column, f.sentence.en)).collect()
}

#[test]
fn everything_wrong_in_a_file_is_told_with_its_place() {
    let head = "packet = \"A\"\nversion = \"1\"\ndirection = \"push\"\ncount = 9\n";
    let table = [
        ("packet = ", "1:10 broken TOML: string values must be quoted, expected literal string"),
        ("packet = \"A\"\nversion = 1\ndirection = \"push\"", "2:11 `version`: text is expected"),
        (&format!("{head}[[field]]\nname = \"x\""), "5:1 `evidence` is missing"),
        (&format!("{head}colour = 1"), "5:1 no key `colour` here"),
        (
            &format!("{head}[[field]]\nevidence = \"hearsay\""),
            "6:12 `evidence`: one of code, page, memory, inferred, unknown is expected",
        ),
        (
            &format!("{head}[[field]]\nname = \"Đ\"\nposition = \"một\"\nevidence = \"code\""),
            "7:12 `position`: a whole number is expected",
        ),
        (
            &format!(
                "{head}[[field]]\nname = \"a\"\nevidence = \"code\"\n[[field]]\nname = \"A\"\nevidence = \"code\""
            ),
            "9:8 `name`: a name not used before is expected",
        ),
        (
            &format!("{head}[[rule]]\nkind = \"sum\"\nfields = [\"x\", \"y\"]"),
            "7:11 this table has no field x",
        ),
        (
            &format!("{head}[[field]]\nname = \"a\"\nform = \"code\"\nevidence = \"code\""),
            "7:8 `form`: codes for form = \"code\" is expected",
        ),
        (
            &head.replace("count = 9", "count = 0\n[[field]]\nposition = 1"),
            "4:9 1 fields are counted, more than count = 0",
        ),
        (&format!("{head}blank = 1"), "5:9 `blank`: true or false is expected"),
        (
            &format!("{head}valid_from = 2026-02-01\nvalid_until = 2026-01-01"),
            "6:15 `valid_until`: not before valid_from is expected",
        ),
        (
            &format!("{head}[[field]]\nname = \"a\"\nrange = [3, 1]\nevidence = \"code\""),
            "7:9 `range`: two numbers, the smaller first is expected",
        ),
    ];
    for (text, expected) in table {
        let found = faults(text);
        let hit =
            found.iter().any(|fault| fault.starts_with(expected.get(..30).unwrap_or(expected)));
        assert!(hit, "{text}\n{found:#?}");
    }
    assert!(
        faults(&format!("{head}colour = 1\n[[field]]\nname = \"\"\n[[rule]]\n")).len() >= 4,
        "all of them"
    );
    assert!(faults(&"#".repeat(PACKET_TABLE_BYTES + 1))[0].contains("larger"));
    assert!(faults(&format!("a = {}", "[".repeat(10_000)))[0].contains("TOML"));
    let deep = (0..20).fold(head.to_owned(), |text, depth| {
        let key = format!("field{}", ".children".repeat(depth));
        format!("{text}[[{key}]]\nname = \"a\"\nform = \"list\"\nevidence = \"code\"\n")
    });
    assert!(faults(&deep).iter().any(|fault| fault.contains("too deep")));
}

const PACKET_TABLE_BYTES: usize = terms::limit::PACKET_TABLE_BYTES_MAX;

#[test]
fn what_a_file_is_about_is_read_as_far_as_it_goes() {
    let head = "packet = \"GoiTin\"\nversion = \"2\"\n";
    for (text, packet, version) in [
        (head.to_owned(), Some("GoiTin"), Some("2")),
        (format!("{head}direction = \n[[field]]\nname ="), Some("GoiTin"), Some("2")),
        (format!("{head}[[field]]\nform = \"word\""), Some("GoiTin"), Some("2")),
        ("packet = \"GoiTin\"\nversi".to_owned(), Some("GoiTin"), None),
        ("packet = \"Goi".to_owned(), None, None),
        ("packet = 1\nversion = \"\"".to_owned(), None, None),
        (String::new(), None, None),
        ("[".repeat(10_000), None, None),
    ] {
        let claim = Claim::of(&text);
        assert_eq!(
            (claim.packet.as_deref(), claim.version.as_deref()),
            (packet, version),
            "{text}"
        );
    }
    let claim = Claim::of(head);
    assert!(claim.covers("goitin", "2"));
    assert!(!claim.covers("GoiTin", "1") && !claim.covers("GoiTinKhac", "2"));
    assert!(Claim::default().covers("GoiTin", "1"), "what cannot be read may be any");
    assert!(Claim::of("version = \"2\"").covers("GoiTin", "2"));
}

#[test]
fn with_a_broken_file_nothing_is_taken() {
    let good = "packet = \"A\"\nversion = \"1\"\ndirection = \"push\"\ncount = 0\n";
    let tables = Tables::builtin();
    let both = [("a.toml".to_owned(), good.to_owned()), ("b.toml".to_owned(), "x".to_owned())];
    let found = tables.with(&both).unwrap_err();
    assert!(found.iter().all(|fault| fault.file == "b.toml"), "{found:?}");
    let twice =
        [("a.toml".to_owned(), good.to_owned()), ("b.toml".to_owned(), good.replace('A', "a"))];
    assert!(tables.with(&twice).unwrap_err()[0].to_string().contains("a.toml"));
}

#[test]
fn any_text_is_a_table_or_is_refused_within_the_text() {
    let builtin = Tables::builtin();
    let seeds: Vec<String> = builtin.iter().map(|table| table.text.to_string()).collect();
    bolero::check!()
        .with_test_time(std::time::Duration::from_secs(10))
        .with_type::<(u8, Vec<(u16, u8)>)>()
        .for_each(|(seed, edits)| {
            let mut text = seeds[*seed as usize % seeds.len()].clone().into_bytes();
            for (at, byte) in edits {
                let at = *at as usize % text.len();
                text[at] = *byte;
            }
            let text = String::from_utf8_lossy(&text).into_owned();
            let lines: Vec<&str> = text.split('\n').collect();
            for fault in builtin.with(&[("f".into(), text.clone())]).err().unwrap_or_default() {
                let line = lines.get(fault.line as usize - 1).expect("a line of the file");
                assert!(
                    (1..=line.chars().count() + 2).contains(&(fault.column as usize)),
                    "{fault}"
                );
            }
        });
}
