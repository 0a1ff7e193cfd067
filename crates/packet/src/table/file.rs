//! What is wrong with a table file, and where.

use std::fmt;

use terms::fault::{Language, Sentence};

/// A fault of a table file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFault {
    /// The file, as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, for people.
    pub sentence: Sentence,
}

impl fmt::Display for TableFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TableFault { file, line, column, sentence } = self;
        write!(f, "{file}:{line}:{column}: {}", sentence.text(Language::Vi))
    }
}

impl std::error::Error for TableFault {}

impl TableFault {
    /// Two files for one packet and version.
    pub fn twice(file: &str, other: &str) -> TableFault {
        let sentence = Sentence::made(
            format!("cùng gói tin và phiên bản với tệp {other}"),
            format!("the same packet and version as in the file {other}"),
        );
        TableFault { file: file.to_owned(), line: 1, column: 1, sentence }
    }
}

/// The line and the column of a byte, both from 1.
pub(super) fn spot(text: &str, at: usize) -> (u32, u32) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}
