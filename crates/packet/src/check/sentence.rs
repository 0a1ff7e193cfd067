//! What is said of each violation, in Vietnamese and in English, to a clerk and not a programmer:
//! what is wrong, in which record, and what to write instead.

use terms::fault::Sentence;
use terms::limit::PACKET_RECORDS_MAX;

use crate::document::Shape;
use crate::report::mask_code;
use crate::rule::Rule;
use crate::table::{Field, Format};

use super::moment::Why;

/// What is wrong and what to do.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) sentence: Sentence,
    pub(super) suggestion: Sentence,
}

impl Default for Words {
    fn default() -> Words {
        Words { sentence: Sentence::new("", ""), suggestion: Sentence::new("", "") }
    }
}

fn words(vi: impl Into<String>, en: impl Into<String>, todo: (String, String)) -> Words {
    let sentence = Sentence::made(vi.into(), en.into());
    Words { sentence, suggestion: Sentence::made(todo.0, todo.1) }
}

fn todo(vi: &str, en: &str) -> (String, String) {
    (vi.to_owned(), en.to_owned())
}

/// Puts record and field before what is wrong; without either, the place. What is a whole sentence
/// already stays as it is.
pub(super) fn located(
    field: Option<&Field>,
    record: Option<usize>,
    place: &str,
    words: Words,
) -> Words {
    let name = |meaning: &str| {
        let name = field.and_then(|field| field.name.as_deref()).unwrap_or_default();
        if meaning.is_empty() { name.to_owned() } else { format!("{name} ({meaning})") }
    };
    let mut vi = record.map_or(String::new(), |number| format!("Bản ghi {number}"));
    let mut en = record.map_or(String::new(), |number| format!("Record {number}"));
    if let Some(field) = field {
        let comma = if record.is_some() { ", " } else { "" };
        vi.push_str(&format!("{comma}{}", name(&field.meaning)));
        en.push_str(&format!("{comma}{}", name(&field.meaning_en)));
    }
    if vi.is_empty() && words.sentence.vi.ends_with('.') {
        return words;
    }
    if vi.is_empty() {
        vi = if place.is_empty() { "Nội dung".to_owned() } else { place.to_owned() };
        en = if place.is_empty() { "The body".to_owned() } else { place.to_owned() };
    }
    let sentence = Sentence::made(
        format!("{vi}: {}.", words.sentence.vi),
        format!("{en}: {}.", words.sentence.en),
    );
    Words { sentence, suggestion: words.suggestion }
}

/// `, ví dụ …` with the field's example.
fn example(field: &Field) -> (String, String) {
    match field.example.as_deref() {
        Some(example) => (format!(", ví dụ {example}"), format!(", for example {example}")),
        None => Default::default(),
    }
}

pub(super) fn missing(field: &Field) -> Words {
    let (vi, en) = example(field);
    let todo = (format!("Bổ sung trường này{vi}."), format!("Add this field{en}."));
    words("bắt buộc nhưng không có", "is required and is not there", todo)
}

pub(super) fn empty(field: &Field) -> Words {
    let (vi, en) = example(field);
    let todo = (format!("Điền giá trị{vi}."), format!("Fill in a value{en}."));
    words("bắt buộc nhưng để trống", "is required and is empty", todo)
}

pub(super) fn repeated() -> Words {
    let todo = todo("Chỉ giữ một.", "Keep one of them.");
    words("có hai lần, chỉ khác chữ hoa chữ thường", "is there twice, in different case", todo)
}

pub(super) fn shape(expected: Shape) -> Words {
    let (vi, en) = match expected {
        Shape::List => ("một danh sách [ … ]", "an array [ … ]"),
        Shape::Map => ("một đối tượng { … }", "an object { … }"),
        _ => ("một giá trị đơn", "a single value"),
    };
    let todo = (format!("Gửi {vi}."), format!("Send {en}."));
    words(format!("phải là {vi}"), format!("must be {en}"), todo)
}

pub(super) fn scalar(field: &Field) -> Words {
    let (vi, en) = example(field);
    let todo = (format!("Gửi một chuỗi hoặc một số{vi}."), format!("Send a text or a number{en}."));
    words("phải là một giá trị đơn", "must be a single value", todo)
}

pub(super) fn not_composed() -> Words {
    let todo = todo(
        "Chuyển văn bản sang Unicode dựng sẵn (NFC, TCVN 6909:2001) trước khi gửi.",
        "Bring the text into composed form (NFC, TCVN 6909:2001) before sending it.",
    );
    words(
        "viết bằng Unicode tổ hợp, dấu rời khỏi chữ",
        "is written with combining marks apart from their letters",
        todo,
    )
}

pub(super) fn control_character() -> Words {
    let todo = todo("Xóa ký tự điều khiển.", "Delete the control character.");
    words("có ký tự điều khiển không nhìn thấy", "has an invisible control character", todo)
}

pub(super) fn too_long(count: usize, length: u32) -> Words {
    let todo =
        (format!("Rút còn tối đa {length} ký tự."), format!("Cut it to {length} characters."));
    words(
        format!("dài {count} ký tự, tối đa {length}"),
        format!("has {count} characters, {length} at most"),
        todo,
    )
}

pub(super) fn datetime_form(field: &Field) -> Words {
    let shown = |format: &Format| match format {
        Format::Compact => "yyyyMMddHHmmss (20240304081500)",
        Format::DaySlash => "dd/MM/yyyy (04/03/2024)",
        Format::MonthDash => "M-yyyy (3-2024)",
        Format::Iso => "yyyy-MM-ddTHH:mm:ss (2024-03-04T08:15:00)",
    };
    let forms: Vec<&str> = field.formats.iter().map(shown).collect();
    let vi = forms.join(" hoặc ");
    let en = forms.join(" or ");
    let todo = (format!("Viết ngày giờ dạng {vi}."), format!("Write the date as {en}."));
    words("không đúng dạng ngày giờ", "is not written as a date", todo)
}

pub(super) fn impossible(why: &Why) -> Words {
    let todo = todo("Kiểm tra lại ngày giờ trong hồ sơ.", "Look up the date in the record.");
    match why {
        Why::Month(month) => words(
            format!("ngày không có thật: không có tháng {month}"),
            format!("no such date: there is no month {month}"),
            todo,
        ),
        Why::Day { day, month, year } => words(
            format!("ngày không có thật: tháng {month} năm {year} không có ngày {day}"),
            format!("no such date: month {month} of {year} has no day {day}"),
            todo,
        ),
        Why::Time => words("giờ không có thật", "no such time of day", todo),
    }
}

pub(super) fn number_form(field: &Field) -> Words {
    let (vi, en) = example(field);
    let todo = (
        format!("Viết số bằng chữ số, dấu chấm thập phân{vi}."),
        format!("Write it in digits with a decimal point{en}."),
    );
    words("không phải số", "is not a number", todo)
}

pub(super) fn number_range(least: f64, most: f64) -> Words {
    let todo = (
        format!("Ghi số từ {least} đến {most}."),
        format!("Write a number from {least} to {most}."),
    );
    words(
        format!("nằm ngoài khoảng {least} đến {most}"),
        format!("is outside {least} to {most}"),
        todo,
    )
}

pub(super) fn code_unknown(field: &Field, text: &str) -> Words {
    let listed = || {
        let mut codes: Vec<String> = field
            .codes
            .iter()
            .take(12)
            .map(|code| match code.meaning.as_ref() {
                "" => code.value.to_string(),
                meaning => format!("{} ({meaning})", code.value),
            })
            .collect();
        if field.codes.len() > 12 {
            codes.push("…".to_owned());
        }
        codes.join("; ")
    };
    let todo = (
        format!("Dùng một trong các mã: {}.", listed()),
        format!("Use one of the codes: {}.", listed()),
    );
    let code = mask_code(text);
    words(
        format!("mã {code} không có trong danh mục"),
        format!("{code} is no code of the list"),
        todo,
    )
}

pub(super) fn file_address() -> Words {
    let todo = todo(
        "Ghi địa chỉ đầy đủ bắt đầu bằng https:// mà Cổng DVCQG tải được.",
        "Write a whole address that begins with https:// and that the portal can fetch.",
    );
    words("không phải địa chỉ tải tệp", "is not an address of a file", todo)
}

pub(super) fn stranger(name: &str) -> Words {
    let todo = todo(
        "Trường vẫn được chuyển nguyên vẹn; kiểm tra lại tên nếu gõ nhầm.",
        "The field passes as it is; look at the name in case it is a slip.",
    );
    words(
        format!("trường {name} không có trong bảng"),
        format!("the table has no field {name}"),
        todo,
    )
}

pub(super) fn service(rule: Rule) -> Words {
    let todo = todo(
        "Kiểm tra tên gói tin; `lgsp packet list` cho danh sách.",
        "Look at the packet's name; `lgsp packet list` shows them.",
    );
    if rule == Rule::NotInForce {
        return words(
            "Không có phiên bản nào của gói tin này có hiệu lực trong ngày.",
            "No version of this packet is in force on the day.",
            todo,
        );
    }
    words(
        "Dịch vụ không có trong Bảng 1 và không phải dịch vụ phụ trợ đã biết.",
        "The service is neither in Table 1 nor a known auxiliary service.",
        todo,
    )
}

pub(super) fn byte_order_mark() -> Words {
    let todo = todo(
        "Sửa phần mềm gửi để ghi UTF-8 không có BOM (3 byte EF BB BF ở đầu).",
        "Mend the sending program: UTF-8 without a mark (the bytes EF BB BF at the beginning).",
    );
    words(
        "Nội dung JSON bắt đầu bằng dấu thứ tự byte (BOM), RFC 8259 không cho phép.",
        "The JSON begins with a byte order mark, which RFC 8259 forbids.",
        todo,
    )
}

pub(super) fn no_record() -> Words {
    let todo = todo(
        "Gửi ít nhất một bản ghi; không có gì để gửi thì không gửi gói tin.",
        "Send at least one record; with nothing to send, send no packet.",
    );
    words("không có bản ghi nào", "has no record", todo)
}

pub(super) fn too_many_records() -> Words {
    let todo = (
        format!("Chia thành các gói tối đa {PACKET_RECORDS_MAX} bản ghi."),
        format!("Send packets of at most {PACKET_RECORDS_MAX} records."),
    );
    words(
        format!("nhiều hơn {PACKET_RECORDS_MAX} bản ghi, không bản ghi nào được kiểm tra"),
        format!("has more than {PACKET_RECORDS_MAX} records, of which none was checked"),
        todo,
    )
}

pub(super) fn mismatch(packet: &str) -> Words {
    let todo = (format!("Ghi service là {packet}."), format!("Write {packet} as service."));
    words(
        format!("service trong nội dung khác với {packet} được gọi."),
        format!("service in the body is not {packet}, which was called."),
        todo,
    )
}

pub(super) fn date_order(before: &Field, after: &Field) -> Words {
    let (before_vi, after_vi) = (label(before, false), label(after, false));
    let (before_en, after_en) = (label(before, true), label(after, true));
    let todo = todo("Kiểm tra lại hai ngày.", "Look at both dates.");
    words(
        format!("{after_vi} trước {before_vi}"),
        format!("{after_en} comes before {before_en}"),
        todo,
    )
}

pub(super) fn sum(total: &Field, parts: &[&Field]) -> Words {
    let joined =
        |english| parts.iter().map(|part| label(part, english)).collect::<Vec<_>>().join(" + ");
    let todo = todo("Kiểm tra lại số liệu.", "Look at the figures.");
    words(
        format!("{} không bằng {}", label(total, false), joined(false)),
        format!("{} is not {}", label(total, true), joined(true)),
        todo,
    )
}

pub(super) fn share(share: &Field, part: &Field, whole: &Field) -> Words {
    let todo = todo("Tính lại tỷ lệ, hai số lẻ.", "Compute the percentage again, two decimals.");
    words(
        format!(
            "{} lệch với {} chia {}",
            label(share, false),
            label(part, false),
            label(whole, false)
        ),
        format!(
            "{} differs from {} divided by {}",
            label(share, true),
            label(part, true),
            label(whole, true)
        ),
        todo,
    )
}

pub(super) fn whole() -> Words {
    let todo = todo("Kiểm tra lại các tỷ lệ.", "Look at the percentages.");
    words("các tỷ lệ cộng lại không bằng 100%", "the percentages do not add up to 100%", todo)
}

pub(super) fn period() -> Words {
    let todo = todo(
        "Gói này chỉ dành cho tháng (1) hoặc năm (2). Kỳ khác: Cổng DVCQG gọi GET /thong-ke?tu=…&den=…",
        "This packet is for a month (1) or a year (2). Other periods: the portal calls GET /thong-ke?tu=…&den=…",
    );
    words(
        "kỳ thống kê không phải một tháng hoặc một năm",
        "the period is neither a month nor a year",
        todo,
    )
}

pub(super) fn status_step(from: &str, to: &str) -> Words {
    let todo = todo(
        "Kiểm tra thứ tự các bước; gói tin vẫn được chuyển.",
        "Look at the order of the steps; the packet passes.",
    );
    words(
        format!("trạng thái từ {from} sang {to} không thường gặp"),
        format!("from status {from} to {to} is not usual"),
        todo,
    )
}

pub(super) fn status_date(status: &str, date: &Field) -> Words {
    let (vi, en) = (label(date, false), label(date, true));
    let todo = (format!("Điền {vi}."), format!("Fill in {en}."));
    words(
        format!("trạng thái {status} nhưng {vi} để trống"),
        format!("status {status}, but {en} is empty"),
        todo,
    )
}

pub(super) fn key_repeated(first: usize) -> Words {
    let todo = todo(
        "Gửi mỗi hồ sơ một lần trong một gói; gói tin vẫn được chuyển.",
        "Send each record once in a packet; the packet passes.",
    );
    words(format!("đã có ở bản ghi {first}"), format!("stands in record {first} already"), todo)
}

pub(super) fn group_size(count: usize, max: usize) -> Words {
    let todo = (
        format!("Chia thành các gói tối đa {max} bản ghi; nền tảng tự chia khi gửi lên Cổng."),
        format!("Send groups of at most {max}; the platform does so towards the portal."),
    );
    words(
        format!("Gói có {count} bản ghi, thường gửi tối đa {max}."),
        format!("The packet has {count} records; at most {max} are usual."),
        todo,
    )
}

fn label(field: &Field, english: bool) -> String {
    let name = field.name.as_deref().unwrap_or_default();
    let meaning = if english { &field.meaning_en } else { &field.meaning };
    if meaning.is_empty() { name.to_owned() } else { format!("{name} ({meaning})") }
}
