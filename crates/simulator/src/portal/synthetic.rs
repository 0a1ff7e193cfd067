//! Made-up content of the portal: procedures, petitions, questions. No real person, place or case.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use terms::clock::Timestamp;

use super::table::{Field, Form};
use crate::fixture;

/// An attachment is at most so long, in bytes.
const CONTENT_MAX: usize = 32 * 1024 * 1024;

/// Code (MALINHVUC) and name of each domain.
pub(super) const DOMAINS: [(&str, &str); 5] = [
    ("G99-TN01", "Lĩnh vực thử nghiệm"),
    ("G99-TN02", "Đất đai (mẫu)"),
    ("G99-TN03", "Hộ tịch (mẫu)"),
    ("G99-TN04", "Thành lập và hoạt động doanh nghiệp (mẫu)"),
    ("G99-TN05", "Bảo trợ xã hội (mẫu)"),
];

/// Code, name and level (CAPDONVI) of each agency.
pub(super) const AGENCIES: [(&str, &str, &str); 6] = [
    ("H99", "UBND tỉnh Mẫu", "1"),
    ("H99.07", "Sở Thử nghiệm", "1"),
    ("H99.13", "Sở Nông nghiệp và Môi trường tỉnh Mẫu", "1"),
    ("H99.15", "Sở Tư pháp tỉnh Mẫu", "1"),
    ("H99.31", "UBND xã Mẫu Một", "3"),
    ("H99.32", "UBND xã Mẫu Hai", "3"),
];

/// A procedure in the list.
pub(super) struct Procedure {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    /// Index in [`DOMAINS`].
    pub(super) domain: usize,
}

const fn procedure(code: &'static str, name: &'static str, domain: usize) -> Procedure {
    Procedure { code, name, domain }
}

/// The first is that of fixture 13; the others have its shape.
pub(super) const PROCEDURES: [Procedure; 8] = [
    procedure("9.000123", "Cấp giấy xác nhận thử nghiệm", 0),
    procedure("9.000124", "Cấp lại giấy xác nhận thử nghiệm", 0),
    procedure("9.000201", "Đăng ký biến động đất đai (mẫu)", 1),
    procedure("9.000202", "Cung cấp thông tin đất đai (mẫu)", 1),
    procedure("9.000301", "Cấp bản sao trích lục hộ tịch (mẫu)", 2),
    procedure("9.000302", "Đăng ký khai sinh (mẫu)", 2),
    procedure("9.000401", "Đăng ký thành lập hộ kinh doanh (mẫu)", 3),
    procedure("9.000501", "Đề nghị trợ cấp xã hội hằng tháng (mẫu)", 4),
];

#[derive(Deserialize)]
struct Answered {
    #[serde(alias = "DanhSachPAKNCongKhai")]
    result: Vec<Box<RawValue>>,
}

/// The rows of a fixture's answer, as they stand in the file.
fn answered(number: &str) -> Vec<Box<RawValue>> {
    let answer = fixture::find(number).and_then(|fixture| fixture.response());
    let answered = answer.and_then(|text| serde_json::from_str::<Answered>(text).ok());
    answered.map_or_else(Vec::new, |answered| answered.result)
}

/// By MATTHC.
pub(super) fn procedures() -> BTreeMap<String, Box<RawValue>> {
    let Some(model) = answered("13-").into_iter().next() else {
        return BTreeMap::new();
    };
    let first = &PROCEDURES[0];
    let of = |(number, procedure): (usize, &Procedure)| {
        let (domain, domain_name) = DOMAINS[procedure.domain];
        let text = model
            .get()
            .replace(first.code, procedure.code)
            .replace(first.name, procedure.name)
            .replace("\"10001\"", &format!("\"{}\"", 10_001 + number))
            .replace(DOMAINS[0].0, domain)
            .replace(DOMAINS[0].1, domain_name);
        Some((procedure.code.to_owned(), RawValue::from_string(text).ok()?))
    };
    PROCEDURES.iter().enumerate().filter_map(of).collect()
}

/// By id. Of the five names of Table 7 three are known.
pub(super) fn decisions() -> BTreeMap<String, Box<RawValue>> {
    let first = answered("15-").into_iter().next();
    let mut decisions: BTreeMap<_, _> =
        first.into_iter().map(|row| ("20001".to_owned(), row)).collect();
    for number in 2..=3 {
        let row = ordered(&[
            ("SOQUYETDINH", format!("12{number}/QĐ-TN").into()),
            ("NGAYQUYETDINH", format!("2024-0{number}-15T00:00:00").into()),
            ("TRICHYEU", format!("Công bố thủ tục thử nghiệm (đợt {number})").into()),
        ]);
        decisions.insert(format!("2000{number}"), row);
    }
    decisions
}

/// A petition (phản ánh, kiến nghị).
#[derive(Clone, Debug)]
pub(super) struct Petition {
    pub(super) id: u32,
    pub(super) sender: String,
    pub(super) title: String,
    pub(super) content: String,
    /// `yyyyMMddHHmmss`
    pub(super) sent: String,
    pub(super) reply: String,
    pub(super) attachment: String,
}

/// What petitions are about: title and content.
const SUBJECTS: [(&str, &str); 5] = [
    ("Về thời gian giải quyết", "Đề nghị trả kết quả đúng hẹn"),
    ("Về thành phần hồ sơ", "Đề nghị không yêu cầu giấy tờ đã nộp trước đó"),
    ("Về đèn chiếu sáng", "Đoạn đường mẫu số 5 mất đèn đã ba ngày"),
    ("Về phí, lệ phí", "Đề nghị niêm yết mức phí tại bộ phận một cửa"),
    ("Về hệ thống trực tuyến", "Trang nộp hồ sơ báo lỗi khi tải tệp"),
];
const SENDERS: [&str; 4] = ["Lê Văn Thử", "Phạm Thị Mẫu", "Trần Văn Nghiệm", "Hoàng Thị Ví Dụ"];

/// `count` petitions with ids from `id` on.
pub(super) fn petitions(count: u32, id: u32) -> Vec<Petition> {
    let made = (0..count).map(|number| {
        let at = number as usize;
        let (title, content) = SUBJECTS[at % SUBJECTS.len()];
        Petition {
            id: id + number,
            sender: SENDERS[at % SENDERS.len()].to_owned(),
            title: title.to_owned(),
            content: content.to_owned(),
            sent: format!("202403{:02}093000", number % 28 + 1),
            reply: "Đã xử lý".to_owned(),
            attachment: format!("/pakn/2024/03/{}.pdf", id + number),
        }
    });
    made.collect()
}

/// The public ones: the first is that of fixture 18.
pub(super) fn public() -> Vec<Petition> {
    petitions(25, 40_001)
}

impl Petition {
    /// A row with the fields a table names; `None` when it names none.
    pub(super) fn row(&self, fields: &[Field], total: usize) -> Option<Box<RawValue>> {
        let value = |name: &str, field: &Field| match name.to_ascii_lowercase().as_str() {
            "id" => self.id.to_string().into(),
            "ten" => self.sender.clone().into(),
            "tieude" => self.title.clone().into(),
            "noidungpakn" => self.content.clone().into(),
            "ngayguipakn" => self.sent.clone().into(),
            "tongso" => total.to_string().into(),
            // Position 13 of Tables 9 and 13 is known by its meaning: paths of attachments.
            _ if field.position == Some(13) || field.form == Form::File => {
                self.attachment.clone().into()
            }
            _ => any(field),
        };
        named(fields, value)
    }
}

/// A row with the fields of Table 12, as far as a table names them.
pub(super) fn file_row(fields: &[Field], path: &str, content: &[u8]) -> Option<Box<RawValue>> {
    named(fields, |name, field| {
        let name = name.to_ascii_lowercase();
        if field.form == Form::File || name.contains("base64") || name.contains("noidung") {
            STANDARD.encode(content).into()
        } else if name.contains("duongdan") {
            path.into()
        } else {
            path.rsplit('/').next().unwrap_or_default().into()
        }
    })
}

/// A row with a made-up value in each named field; `None` when there is none.
pub(super) fn row(fields: &[Field]) -> Option<Box<RawValue>> {
    named(fields, |_, field| any(field))
}

fn named(fields: &[Field], value: impl Fn(&str, &Field) -> Value) -> Option<Box<RawValue>> {
    let named = fields.iter().filter_map(|field| Some((field.name.as_deref()?, field)));
    let pairs: Vec<(&str, Value)> = named.map(|(name, field)| (name, value(name, field))).collect();
    (!pairs.is_empty()).then(|| ordered(&pairs))
}

/// An object whose names stand in this order.
pub(super) fn ordered(pairs: &[(&str, Value)]) -> Box<RawValue> {
    struct Pairs<'a>(&'a [(&'a str, Value)]);
    impl Serialize for Pairs<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
        }
    }
    // Text keys and JSON values can always be written.
    serde_json::value::to_raw_value(&Pairs(pairs)).unwrap_or_default()
}

fn any(field: &Field) -> Value {
    match &field.form {
        Form::Text if field.meaning.is_empty() => "mẫu".into(),
        Form::Text => format!("{} (mẫu)", field.meaning).into(),
        Form::Datetime(_) => "20240301093000".into(),
        Form::Number | Form::Percent | Form::Flag => "1".into(),
        Form::Code(codes) => codes.first().map_or("1", String::as_str).into(),
        Form::List => Value::Array(Vec::new()),
        Form::File => "/pakn/2024/03/41000.pdf".into(),
    }
}

/// `size` bytes that compress badly and are the same each time.
pub(super) fn content(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let next = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    });
    next.take(size.min(CONTENT_MAX)).collect()
}

/// Questions sent on the national portal, with their ids; the first is that of fixture 20.
pub(super) fn questions() -> Vec<(String, Box<RawValue>)> {
    let first = answered("20-").into_iter().next();
    let mut questions: Vec<_> = first.into_iter().map(|row| ("88001".to_owned(), row)).collect();
    for (number, sender) in SENDERS.iter().enumerate() {
        let id = 88_002 + number;
        let (domain, name) = DOMAINS[number % DOMAINS.len()];
        let row = ordered(&[
            ("HOIDAPID", id.into()),
            ("MALINHVUC", domain.into()),
            ("TENDONVI", "UBND tỉnh Mẫu".into()),
            ("NOIDUNG", format!("Thủ tục lĩnh vực {name} cần những giấy tờ gì?").into()),
            ("MADONVI", "000.00.00.H99".into()),
            ("HOVATEN", (*sender).into()),
            ("DIACHI", "Xã Mẫu".into()),
            ("THUDIENTU", format!("hoi{number}@example.vn").into()),
            ("SODIENTHOAI", format!("090000001{number}").into()),
            ("MATTHCDP", "9.000123.000.00.00.H99".into()),
            ("TRANGTHAI", 1.into()),
        ]);
        questions.push((id.to_string(), row));
    }
    questions
}

/// The ministries' sets of questions and answers; the first is that of fixture 22.
pub(super) fn question_sets() -> Vec<Box<RawValue>> {
    let mut sets = answered("22-");
    for (number, (domain, name)) in DOMAINS.iter().enumerate().skip(1) {
        sets.push(ordered(&[
            ("HOIDAPID", (77_001 + number).into()),
            ("MALINHVUC", (*domain).into()),
            ("TENDONVI", "Bộ Thử nghiệm".into()),
            ("NOIDUNG", format!("Lệ phí lĩnh vực {name} là bao nhiêu?").into()),
            ("MADONVI", "000.00.00.G99".into()),
            ("NOIDUNGTRALOI", "Miễn lệ phí (mẫu)".into()),
            ("TRALOIID", (55_001 + number).into()),
        ]));
    }
    sets
}

/// `TraCuuTechID`: an id that is the same for the same number, and does not tell it.
pub(super) fn technical_id(number: &str) -> Vec<Box<RawValue>> {
    if number.is_empty() {
        return Vec::new();
    }
    let mixed = number.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    vec![ordered(&[("TECHNICALID", format!("tn-{mixed:016x}").into())])]
}

/// The body of a call to the province's inbound listener. Of `addtthcKhuyenMai` the names were
/// seen in a receiver; of the others none, so these carry the known names of a dossier.
pub(super) fn delivery(service: &str, now: Timestamp) -> String {
    let dossier = format!("000.00.00.G22-{}", now.micros());
    let body = if service == "addtthcKhuyenMai" {
        json!({
            "MaHoSo": dossier,
            "MaTTHC": "9.000401",
            "MaSoThue": "0000000000",
            "TenThuongNhan": "Công ty Mẫu",
            "DiaChiDoanhNghiep": {
                "MaTinh": "99", "MaHuyen": "", "MaXa": "99001", "DiaChiChiTiet": "Số 1 đường Mẫu"
            },
            "DienThoai": "0900000003",
            "Email": "mau@example.vn",
            "NguoiLienHe": "Trần Văn Mẫu",
            "TenChuongTrinhKhuyenMai": "Chương trình mẫu",
            "TenTepDonDangKy": "don.txt",
            "TepDonDangKy": STANDARD.encode("Đơn đăng ký mẫu"),
            "TaiLieuNop": [{ "TenTepDinhKem": "kem.txt", "Base64": STANDARD.encode("Mẫu") }],
        })
    } else {
        json!({
            "service": service,
            "data": [{
                "MaHoSo": dossier,
                "MaTTHC": "9.000123",
                "TenTTHC": "Cấp giấy xác nhận thử nghiệm",
                "ChuHoSo": "Nguyễn Thị Thử",
                "TrangThaiHoSo": "1",
            }],
        })
    };
    body.to_string()
}
