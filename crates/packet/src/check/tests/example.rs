//! One example of every rule, in both languages, and the page that shows them.

use terms::fault::Language;
use terms::limit::{
    PACKET_BYTES_MAX, PACKET_DEPTH_MAX, PACKET_MEMBERS_MAX, PACKET_RECORDS_MAX, PACKET_VALUES_MAX,
};

use super::*;

const DOSSIER: &str = "DongBoHoSoMC";
const STEPS: &str = "CapNhatTienDoHoSoMC";
const FIGURES: &str = "DongBoThongKeHoSo";

/// A valid dossier with some members set to other JSON values.
fn dossier(changes: &[(&str, &str)]) -> String {
    let tables = Tables::builtin();
    let table = tables.find(DOSSIER, date(2026, 11, 22)).unwrap();
    let text = crate::sample::request(&tables, table, crate::sample::Extent::Standard);
    let mut whole: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (name, json) in changes {
        whole["data"][0][name] = serde_json::from_str(json).unwrap();
    }
    whole.to_string()
}

fn step(changes: &[(&str, &str)]) -> String {
    let mut step = serde_json::json!({
        "MaHoSo": "000.00.07.H99-240304-00017", "NguoiXuLy": "Cán bộ một cửa",
        "ThoiDiemXuLy": "20240304081500", "NoiDungXuLy": "Tiếp nhận hồ sơ", "TrangThai": "2",
    });
    for (name, json) in changes {
        step[name] = serde_json::from_str(json).unwrap();
    }
    step.to_string()
}

/// A body that breaks the rule, and as what it is checked.
#[allow(clippy::too_many_lines, reason = "a table: one line a rule")]
fn broken(rule: Rule) -> (&'static str, Side, Vec<u8>) {
    let of_dossier = |changes: &[(&str, &str)]| (DOSSIER, Side::Request, dossier(changes));
    let of_steps = |steps: String| (STEPS, Side::Data, format!("[{steps}]"));
    let of_figures = |json: &str| (FIGURES, Side::Data, format!("[{json}]"));
    let of_body = |body: &str| (DOSSIER, Side::Request, body.to_owned());
    let text = |name: &str| of_dossier(&[("ChuHoSo", name)]);
    let (packet, side, body) = match rule {
        Rule::BodyMissing => of_body(""),
        Rule::BodyTooLarge => of_body(&" ".repeat(PACKET_BYTES_MAX + 1)),
        Rule::NotUtf8 => {
            let body = b"{\"data\":[{\"ChuHoSo\":\"Nguy\xea\xden\"}]}".to_vec();
            return (DOSSIER, Side::Request, body);
        }
        Rule::Syntax => of_body(r#"{"data":[{"MaHoSo":"1",}]}"#),
        Rule::ByteOrderMark => of_body(&format!("\u{feff}{}", dossier(&[]))),
        Rule::TooDeep => of_body(&"[".repeat(PACKET_DEPTH_MAX + 1)),
        Rule::TooMany => of_body(&format!("[{}1]", "1,".repeat(PACKET_VALUES_MAX))),
        Rule::TooManyMembers => {
            let members = (0..=PACKET_MEMBERS_MAX).map(|n| format!("\"k{n}\":1"));
            of_body(&format!("{{{}}}", members.collect::<Vec<_>>().join(",")))
        }
        Rule::DuplicateKey => of_body(r#"{"data":[{"MaHoSo":"1","MaHoSo":"2"}]}"#),
        Rule::Doctype => of_body(r#"<!DOCTYPE a [<!ENTITY b "x">]><a>&b;</a>"#),
        Rule::Entity => of_body("<DongBoHoSoMC><session>&phien;</session></DongBoHoSoMC>"),
        Rule::XmlForm => of_body("<DongBoHoSoMC>x<data/></DongBoHoSoMC>"),
        Rule::ServiceUnknown => ("KhongTonTai", Side::Request, "{}".to_owned()),
        Rule::ServiceMismatch => {
            let (packet, side, body) = of_dossier(&[]);
            (
                packet,
                side,
                body.replace("\"service\":\"DongBoHoSoMC\"", "\"service\":\"LayThuTuc\""),
            )
        }
        Rule::TooManyRecords => {
            (DOSSIER, Side::Data, format!("[{}{{}}]", "{},".repeat(PACKET_RECORDS_MAX)))
        }
        Rule::NotInForce => (DOSSIER, Side::Request, "{}".to_owned()),
        Rule::NoRecord => (STEPS, Side::Data, "[]".to_owned()),
        Rule::Required => of_dossier(&[("MaHoSo", "null")]),
        Rule::Empty => of_dossier(&[("MaHoSo", "\"\"")]),
        Rule::Shape => of_dossier(&[("TaiLieuNop", "\"x\"")]),
        Rule::DatetimeForm => of_dossier(&[("NgayTiepNhan", "\"04/03/2024 08:15\"")]),
        Rule::DatetimeImpossible => of_dossier(&[("NgayHenTra", "\"20240231170000\"")]),
        Rule::NumberForm => of_figures(r#"{"SoNhanTrongKy":"hai trăm"}"#),
        Rule::NumberRange => of_figures(r#"{"PhanTramXuLyDungHan":"120.00"}"#),
        Rule::CodeUnknown => of_dossier(&[("TrangThaiHoSo", "\"12\"")]),
        Rule::TooLong => of_steps(step(&[("NguoiXuLy", &format!("\"{}\"", "x".repeat(51)))])),
        Rule::NotComposed => text("\"Nguye\u{302}\u{303}n Thị Thử\""),
        Rule::ControlCharacter => text(r#""Nguyễn\u0002 Thị Thử""#),
        Rule::FileAddress => of_dossier(&[(
            "TaiLieuNop",
            r#"[{"TenTepDinhKem":"Đơn.pdf","DuongDanTaiTepTin":"D:\\don.pdf"}]"#,
        )]),
        Rule::NameRepeated => of_dossier(&[("mahoso", "\"1\"")]),
        Rule::UnknownField => of_dossier(&[("GhiChuThem", "\"x\"")]),
        Rule::DateOrder => of_dossier(&[("NgayHenTra", "\"20240301170000\"")]),
        Rule::Sum => {
            of_figures(r#"{"TongDaXuLy":"211","TongXuLyDungHan":"199","TongXuLyTreHan":"11"}"#)
        }
        Rule::Share => of_figures(
            r#"{"PhanTramXuLyDungHan":"99.00","TongXuLyDungHan":"199","TongDaXuLy":"210"}"#,
        ),
        Rule::Period => of_figures(r#"{"LoaiThongKe":"3","Thang":"3","Nam":"2024"}"#),
        Rule::StatusStep => {
            of_steps([step(&[("TrangThai", "\"10\"")]), step(&[("TrangThai", "\"2\"")])].join(","))
        }
        Rule::StatusDate => of_dossier(&[("TrangThaiHoSo", "\"10\""), ("NgayTra", "\"\"")]),
        Rule::KeyRepeated => {
            let one = dossier(&[]);
            let whole: serde_json::Value = serde_json::from_str(&one).unwrap();
            let record = whole["data"][0].to_string();
            (DOSSIER, Side::Data, format!("[{record},{record}]"))
        }
        Rule::GroupSize => of_steps(vec![step(&[]); 11].join(",")),
    };
    (packet, side, body.into_bytes())
}

/// How the rule is told, in a language.
fn example(rule: Rule, language: Language) -> String {
    let (packet, side, mut body) = broken(rule);
    if rule == Rule::Required {
        let text = String::from_utf8(body).unwrap();
        body = text.replace("\"MaHoSo\":null,", "").into_bytes();
    }
    let on = if rule == Rule::NotInForce { date(2020, 1, 1) } else { date(2026, 11, 22) };
    let report = judge(&Tables::builtin(), packet, side, &body, None, on);
    assert!(report.violations.iter().all(|found| found.rule == rule), "{rule}: {report:#?}");
    let first = report.violations.first().unwrap_or_else(|| panic!("{rule} is not broken"));
    first.to_json(Mode::Strict, language)
}

/// The page holds, letter for letter, what a clerk reads of each rule.
#[test]
fn the_page_shows_every_rule_as_it_is_told() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol/packet.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut section = String::new();
    let mut absent = 0;
    for rule in Rule::ALL {
        section.push_str(&format!("### {rule}\n\n```json\n"));
        for language in [Language::Vi, Language::En] {
            let line = example(*rule, language);
            absent += usize::from(!page.lines().any(|found| found == line));
            section.push_str(&line);
            section.push('\n');
        }
        section.push_str("```\n\n");
        assert!(page.contains(&format!("| `{rule}` |")), "the table on the page has no {rule}");
    }
    assert_eq!(absent, 0, "lines are not on the page; it should have:\n\n{section}");
}
