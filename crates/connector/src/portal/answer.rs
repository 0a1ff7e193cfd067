//! What the portal says in its answers: success, "exists already", "your session is over".

use std::ops::Range;

use http::StatusCode;
use packet::ErrorCode;
use packet::answer::{ERROR_CODE, MESSAGE};
use terms::portal::PortalAccess;
use unicode_normalization::UnicodeNormalization as _;

use super::scan::{is_name, members, quoted, text_of};

/// The parts of an answer that decide what happens next.
#[derive(Debug, Default)]
pub(super) struct Answer {
    told: Option<ErrorCode>,
    message: Option<Range<usize>>,
    /// The session in a login's answer, as JSON.
    pub(super) session: Option<String>,
}

/// Words by which portals say that a session is over, in lower case: what it is, and what is wrong
/// with it. No official code is known.
const SESSION_WORDS: [&str; 4] = ["phiên làm việc", "phiên đăng nhập", "session", "token"];
const OVER_WORDS: [&str; 9] = [
    "hết hạn",
    "hết hiệu lực",
    "không hợp lệ",
    "không tồn tại",
    "không đúng",
    "expired",
    "invalid",
    "not valid",
    "not exist",
];
const LOGIN_WORDS: [&str; 2] = ["chưa đăng nhập", "đăng nhập lại"];
/// So much of a message is looked at.
const MESSAGE_CHARS_MAX: usize = 4_096;

impl Answer {
    /// Reads an answer, also one that an adapter put as text into its own `message`; nothing is
    /// known of one that is no JSON object or has no code.
    pub(super) fn read(body: &[u8], session_name: &str) -> Answer {
        let (answer, message) = Answer::read_plain(body, session_name);
        if answer.told.is_none() && message.trim_start().starts_with('{') {
            let (wrapped, _) = Answer::read_plain(message.as_bytes(), session_name);
            // its message cannot be added to without writing two texts anew
            return Answer { message: None, ..wrapped };
        }
        answer
    }

    fn read_plain(body: &[u8], session_name: &str) -> (Answer, String) {
        let mut answer = Answer::default();
        let (mut code, mut message) = (None, String::new());
        let whole = members(body, 0, |member| {
            let (written, value) = (&body[member.name], &body[member.value.clone()]);
            if is_name(written, ERROR_CODE) {
                code = text_of(value).map(|code| code.trim().to_owned());
            } else if is_name(written, MESSAGE) {
                message = text_of(value).unwrap_or_default();
                answer.message = value.starts_with(b"\"").then_some(member.value);
            } else if is_name(written, session_name) && !matches!(value, b"null" | b"\"\"") {
                answer.session = std::str::from_utf8(value).ok().map(str::to_owned);
            }
            Some(())
        });
        if let (Some(text), Some(())) = (code, whole) {
            let message = message.clone();
            answer.told = Some(ErrorCode { number: text.parse().ok(), text, message });
        }
        (answer, message)
    }

    /// `error_code` as text.
    pub(super) fn code(&self) -> Option<&str> {
        self.told.as_ref().map(|told| &*told.text)
    }

    pub(super) fn is_success(&self) -> bool {
        self.told.as_ref().is_some_and(ErrorCode::is_success)
    }

    /// The portal holds the record already.
    pub(super) fn exists(&self) -> bool {
        self.told.as_ref().is_some_and(ErrorCode::exists)
    }

    /// Says neither success nor failure.
    pub(super) fn is_mute(&self) -> bool {
        self.told.is_none()
    }

    /// The session is not valid (any more).
    pub(super) fn refuses_session(&self, status: StatusCode, access: &PortalAccess) -> bool {
        if status == StatusCode::UNAUTHORIZED {
            return true;
        }
        let Some(told) = self.told.as_ref().filter(|told| !told.is_success()) else { return false };
        if access.session_refused.iter().any(|code| **code == *told.text) {
            return true;
        }
        let chars = told.message.chars().take(MESSAGE_CHARS_MAX);
        let message: String = chars.nfc().flat_map(char::to_lowercase).collect();
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        (says(&SESSION_WORDS) && says(&OVER_WORDS)) || says(&LOGIN_WORDS)
    }

    /// The same answer with a sentence more at the end of its message; `None` when it has none.
    pub(super) fn with_remark(&self, body: &[u8], remark: &str) -> Option<Vec<u8>> {
        let span = self.message.clone()?;
        let message = text_of(&body[span.clone()])?;
        let message = quoted(format!("{message} {remark}").trim_start());
        Some([&body[..span.start], &message, &body[span.end..]].concat())
    }
}
