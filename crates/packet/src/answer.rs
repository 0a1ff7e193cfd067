//! What the portal answers: an error code as number or text, and a message with words to look for.

#[cfg(test)]
mod tests;

use crate::document::{Document, Shape, Value};

/// Name of the code in an answer.
pub const ERROR_CODE: &str = "error_code";
/// Name of the message in an answer.
pub const MESSAGE: &str = "message";
/// Name of the items in an answer.
pub const RESULT: &str = "result";

/// The code of an answer and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// As written, without quotes and spaces.
    pub text: String,
    /// As a number, if it is one.
    pub number: Option<i64>,
    /// What the portal says.
    pub message: String,
}

impl ErrorCode {
    /// Reads it from the body of an answer, also from one that an adapter wrapped as text in its
    /// own `message`; `None` when the body is no JSON or has no code.
    pub fn read(body: &[u8]) -> Option<ErrorCode> {
        let document = Document::read(body, None).ok()?;
        ErrorCode::of(document.root())
    }

    /// Reads it from an answer that was read already.
    pub fn of(answer: Value<'_>) -> Option<ErrorCode> {
        let message = answer.get(MESSAGE).and_then(Value::text).unwrap_or_default();
        let Some(text) = answer.get(ERROR_CODE).and_then(Value::text) else {
            let inner = Document::read(message.as_bytes(), None).ok()?;
            let root = inner.root();
            let has_code = root.shape() == Shape::Map && root.get(ERROR_CODE).is_some();
            return has_code.then(|| ErrorCode::of(root)).flatten();
        };
        let text = text.trim().to_owned();
        Some(ErrorCode { number: text.parse().ok(), text, message: message.into_owned() })
    }

    /// `0`, `"0"`, `"00"`.
    pub fn is_success(&self) -> bool {
        self.number == Some(0)
    }

    /// Does the portal hold this record already? `3`, `"3"`, `"-3"`, or another failure with the
    /// words "đã tồn tại".
    pub fn exists(&self) -> bool {
        matches!(self.number, Some(3 | -3))
            || (!self.is_success() && composed_lower(&self.message).contains("đã tồn tại"))
    }
}

fn composed_lower(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    text.chars().take(4096).nfc().flat_map(char::to_lowercase).collect()
}
