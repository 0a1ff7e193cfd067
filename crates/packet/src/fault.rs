//! A body that cannot be read as one packet.

use std::fmt;

use terms::fault::{Language, Sentence};

use crate::rule::Rule;

/// Why a body is no document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormFault {
    /// Which rule of form it breaks.
    pub rule: Rule,
    /// The value at which the reading stopped, `data[0].MaHoSo`; empty for the body itself.
    pub path: String,
    /// Bytes from the beginning of the body.
    pub offset: usize,
    /// What is wrong, for people.
    pub sentence: Sentence,
}

impl FormFault {
    /// A fault of the body as such.
    pub(crate) fn new(rule: Rule, offset: usize, sentence: Sentence) -> FormFault {
        FormFault { rule, path: String::new(), offset, sentence }
    }
}

impl fmt::Display for FormFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.sentence.text(Language::En);
        write!(f, "{} at byte {} ({}): {text}", self.rule, self.offset, self.path)
    }
}

impl std::error::Error for FormFault {}
