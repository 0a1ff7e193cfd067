//! The words of table files and reports in the person's language. What programs read (`--json`, the
//! files themselves) keeps its own words.

use packet::table::Format;
use packet::{Direction, Evidence, Form, Required};

use crate::output::Output;

pub(super) fn direction(output: Output, direction: Direction) -> &'static str {
    match direction {
        Direction::Push => output.say("gửi", "push"),
        Direction::Pull => output.say("lấy", "pull"),
    }
}

pub(super) fn form(output: Output, form: Form) -> &'static str {
    match form {
        Form::Text => output.say("chữ", "text"),
        Form::Datetime => output.say("ngày giờ", "datetime"),
        Form::Number => output.say("số", "number"),
        Form::Code => output.say("mã", "code"),
        Form::List => output.say("danh sách", "list"),
        Form::File => output.say("địa chỉ tệp", "file"),
    }
}

pub(super) fn format(output: Output, format: Format) -> &'static str {
    match format {
        Format::Iso => output.say("ISO 8601", "ISO 8601"),
        other => other.as_str(),
    }
}

pub(super) fn required(output: Output, required: Required) -> &'static str {
    match required {
        Required::Yes => output.say("có", "yes"),
        Required::No => output.say("không", "no"),
        Required::Unknown => output.say("chưa rõ", "unknown"),
    }
}

pub(super) fn evidence(output: Output, evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Code => output.say("mã nguồn", "code"),
        Evidence::Page => output.say("trang công khai", "page"),
        Evidence::Memory => output.say("trí nhớ", "memory"),
        Evidence::Inferred => output.say("suy ra", "inferred"),
        Evidence::Unknown => output.say("chưa rõ", "unknown"),
    }
}

/// What the packets of a system came to, `conforms`, `findings` or `fails`.
pub(super) fn conformance(output: Output, word: &'static str) -> &'static str {
    match word {
        "conforms" => output.say("phù hợp", word),
        "findings" => output.say("có ghi nhận", word),
        "fails" => output.say("không phù hợp", word),
        _ => word,
    }
}
