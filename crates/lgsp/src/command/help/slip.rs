//! Slips of the keyboard told in Vietnamese.

use std::fmt::Write;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use terms::fault::Language;

use super::part;

/// What is wrong with the command line, what may be meant, how it is used.
pub(super) fn vietnamese(error: &clap::Error) -> String {
    let mut text = format!("lỗi: {}\n", sentence(error));
    let hints = [
        (ContextKind::SuggestedSubcommand, "lệnh gần giống"),
        (ContextKind::SuggestedArg, "tùy chọn gần giống"),
        (ContextKind::SuggestedValue, "giá trị gần giống"),
        (ContextKind::ValidValue, "các giá trị được nhận"),
        (ContextKind::ValidSubcommand, "các lệnh có ở đây"),
    ];
    for (kind, title) in hints {
        let values = all(error, kind);
        if !values.is_empty() {
            let _ = writeln!(text, "  {title}: {}", values.join(", "));
        }
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let _ = writeln!(text, "\n{}", super::vietnamese(&usage.to_string()).trim_end());
    }
    text.push_str("\nThêm --help để xem cách dùng.\n");
    text
}

fn sentence(error: &clap::Error) -> String {
    let arg = all(error, ContextKind::InvalidArg).join(", ");
    let value = all(error, ContextKind::InvalidValue).join(", ");
    match error.kind() {
        ErrorKind::UnknownArgument => format!("không có tùy chọn hay tham số “{arg}” ở đây"),
        ErrorKind::InvalidSubcommand => {
            let name = all(error, ContextKind::InvalidSubcommand).join(", ");
            format!("không có lệnh “{name}”")
        }
        ErrorKind::MissingSubcommand => "thiếu lệnh".to_owned(),
        ErrorKind::MissingRequiredArgument => format!("thiếu {arg}"),
        ErrorKind::InvalidValue if value.is_empty() => format!("{arg} cần một giá trị"),
        ErrorKind::InvalidValue => format!("{arg} không nhận giá trị “{value}”"),
        ErrorKind::ValueValidation => {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            let cause = cause.map_or_else(String::new, |cause| format!(": {}", why(&cause)));
            format!("{arg} không nhận giá trị “{value}”{cause}")
        }
        ErrorKind::ArgumentConflict => {
            let prior = all(error, ContextKind::PriorArg).join(", ");
            match prior.is_empty() || prior == arg {
                true => format!("{arg} chỉ được nêu một lần"),
                false => format!("{arg} không đi cùng {prior}"),
            }
        }
        ErrorKind::TooManyValues => format!("{arg} thừa giá trị “{value}”"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues | ErrorKind::NoEquals => {
            format!("{arg} thiếu giá trị")
        }
        ErrorKind::InvalidUtf8 => "tham số không phải UTF-8".to_owned(),
        other => format!("dòng lệnh sai ({other})"),
    }
}

/// Our own readers speak both languages; those of the library are told in our words.
fn why(cause: &str) -> String {
    let known = [
        ("invalid digit found in string", "phải là số nguyên không âm"),
        ("invalid float literal", "phải là số"),
        ("invalid socket address syntax", "phải có dạng IP:cổng, ví dụ 127.0.0.1:9101"),
        ("number too large to fit in target type", "số quá lớn"),
        ("cannot parse integer from empty string", "phải là số nguyên không âm"),
    ];
    match known.iter().find(|(en, _)| cause.contains(en)) {
        Some((_, vi)) => (*vi).to_owned(),
        None => match cause.split_once(" is not in ") {
            Some((_, range)) => format!("phải trong khoảng {range}"),
            None => part(cause, Language::Vi).to_owned(),
        },
    }
}

fn all(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::StyledStr(text)) => vec![text.to_string()],
        _ => Vec::new(),
    }
    .into_iter()
    .filter(|text| !text.is_empty())
    .collect()
}
