//! The shape of a value without the value.

use terms::limit::PACKET_MASK_SIGNS_MAX;

/// Letters as x (capitals as X), digits as 9; spaces and signs stay, so that a wrong form is seen.
pub(crate) fn mask(text: &str) -> String {
    let mut masked: String = text.chars().take(PACKET_MASK_SIGNS_MAX).map(mask_sign).collect();
    if text.chars().nth(PACKET_MASK_SIGNS_MAX).is_some() {
        masked.push('…');
    }
    masked
}

fn mask_sign(sign: char) -> char {
    match sign {
        sign if sign.is_numeric() => '9',
        sign if sign.is_uppercase() => 'X',
        sign if sign.is_alphabetic() => 'x',
        sign if sign.is_control() => '?',
        sign if sign.is_ascii() => sign,
        _ => 'x',
    }
}

/// A code of at most four signs says nothing about a person and much about the mistake.
pub(crate) fn mask_code(text: &str) -> String {
    let is_short = text.len() <= 4 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_short { text.to_owned() } else { mask(text) }
}
