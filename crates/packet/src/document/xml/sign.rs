//! Which signs and texts may stand where in XML.

use terms::fault::Sentence;

use crate::document::{MARKED, Shape, json};
use crate::rule::Rule;

use super::Stop;

/// The sign behind `&#…;`.
pub(super) fn numbered(digits: &str) -> Option<char> {
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(code).filter(|sign| *sign >= ' ' || matches!(sign, '\t' | '\n' | '\r'))
}

/// Marks a text that may hold combining marks or control characters.
pub(super) fn flags_of(text: &str) -> u8 {
    let strange = |byte: u8| {
        matches!(byte, 0x7f | 0xc2 | 0xcc | 0xcd)
            || (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'))
    };
    if text.bytes().any(strange) { MARKED } else { 0 }
}

/// No sign that XML 1.0 does not have (2.2).
pub(super) fn check_signs(piece: &str) -> Result<(), Stop> {
    let strange = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    if piece.bytes().any(strange) {
        let sentence = Sentence::new(
            "Ký tự điều khiển không được phép trong XML.",
            "A control character may not stand in XML.",
        );
        return Err((Rule::Syntax, sentence));
    }
    Ok(())
}

/// Would this text in quotes be JSON?
pub(super) fn is_json_inside(text: &str) -> bool {
    is_json(&format!("\"{text}\""), Shape::Text)
}

pub(super) fn is_json_number(text: &str) -> bool {
    is_json(text, Shape::Number)
        && !text.ends_with(char::is_whitespace)
        && !text.starts_with(char::is_whitespace)
}

fn is_json(text: &str, shape: Shape) -> bool {
    json::read(text, 0).is_ok_and(|document| document.root().shape() == shape)
}
