//! What a command says: results on stdout, messages on stderr, tables that people can read.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use serde::Serialize;
use terms::clock::Timestamp;
use terms::fault::{Language, Sentence};
use unicode_width::UnicodeWidthStr;

/// How a command ended; the number is the exit code (design §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; also: nothing found.
    Done = 0,
    /// Refused, or found wrong.
    Refused = 1,
    /// Usage or configuration.
    Usage = 2,
    /// Could not: I/O, database, network, port taken.
    Unable = 3,
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What to tell the person; `None` when it has been told already.
    pub sentence: Option<Sentence>,
}

impl Failure {
    /// Refused: exit 1.
    pub fn refused(vi: impl Into<String>, en: impl Into<String>) -> Failure {
        Failure::new(Exit::Refused, vi, en)
    }

    /// Wrong usage or configuration: exit 2.
    pub fn usage(vi: impl Into<String>, en: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, vi, en)
    }

    /// Could not: exit 3.
    pub fn unable(vi: impl Into<String>, en: impl Into<String>) -> Failure {
        Failure::new(Exit::Unable, vi, en)
    }

    /// The person has been told; only the exit code is left.
    pub fn told(exit: Exit) -> Failure {
        Failure { exit, sentence: None }
    }

    fn new(exit: Exit, vi: impl Into<String>, en: impl Into<String>) -> Failure {
        Failure { exit, sentence: Some(Sentence::made(vi.into(), en.into())) }
    }
}

/// A result that could not be written: the reader went away (`| head`), or the disk is full.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::told(Exit::Done),
            _ => Failure::unable(
                format!("không ghi hoặc đọc được: {error}"),
                format!("cannot read or write: {error}"),
            ),
        }
    }
}

/// What every command gives.
pub type Outcome = Result<Exit, Failure>;

/// Where a command speaks, and how.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// One JSON object a line instead of tables.
    pub json: bool,
    /// Language of people's text.
    pub language: Language,
}

impl Output {
    /// A line of the result.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn line(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// An object of the result, on one line.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn object(&self, object: &impl Serialize) -> io::Result<()> {
        self.line(&serde_json::to_string(object)?)
    }

    /// A table of the result; nothing but the heading when it is empty.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn table(&self, table: &Table) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(table.render().as_bytes())?;
        out.flush()
    }

    /// A message to the person, on stderr. A closed stderr is no reason to fail.
    pub fn message(&self, sentence: &Sentence) {
        self.message_text(sentence.text(self.language));
    }

    /// A message that is one text in both languages.
    pub fn message_text(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// The text in the person's language.
    pub fn say<'a>(&self, vi: &'a str, en: &'a str) -> &'a str {
        match self.language {
            Language::Vi => vi,
            Language::En => en,
        }
    }
}

/// `2026-11-21 08:00:00.123` in the platform's zone: how tables show a point in time.
pub fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_jiff().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// Columns aligned by the width that a terminal gives to each character.
#[derive(Clone, Debug, Default)]
pub struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table under this heading.
    pub fn new<T: Into<String>>(heading: impl IntoIterator<Item = T>) -> Table {
        Table { heading: heading.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row. Control characters are shown as spaces: a cell is one line, and nothing in it
    /// may command the terminal.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let clean = |text: String| text.replace(|c: char| c.is_control(), " ");
        self.rows.push(cells.into_iter().map(|c| clean(c.into())).collect());
    }

    /// The table as text, each line ended. A column whose cells are all numbers stands right.
    pub fn render(&self) -> String {
        let columns = self.heading.len();
        let cell = |row: &'_ [String], column: usize| row.get(column).cloned().unwrap_or_default();
        let mut widths = vec![0; columns];
        for row in std::iter::once(&self.heading).chain(&self.rows) {
            for (column, width) in widths.iter_mut().enumerate() {
                *width = (*width).max(cell(row, column).width());
            }
        }
        let right: Vec<bool> = (0..columns).map(|c| self.is_number(c)).collect();
        let rule = widths.iter().map(|w| "─".repeat(*w)).collect();
        let mut text = String::new();
        for row in [&self.heading, &rule].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for column in 0..columns {
                let cell = cell(row, column);
                let space = " ".repeat(widths[column] - cell.width());
                let (before, after) = match right[column] {
                    true => (space.as_str(), ""),
                    false => ("", space.as_str()),
                };
                let gap = if column == 0 { "" } else { "  " };
                line.push_str(&[gap, before, &cell, after].concat());
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn is_number(&self, column: usize) -> bool {
        let number =
            |row: &Vec<String>| row.get(column).is_some_and(|cell| cell.parse::<f64>().is_ok());
        !self.rows.is_empty() && self.rows.iter().all(number)
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_align_by_what_the_eye_sees() {
        let mut table = Table::new(["Bước", "ms"]);
        table.row(["Tra cứu đất đai", "7"]);
        // decomposed: e + dot below + circumflex takes one place
        table.row(["Vie\u{323}\u{302}t", "1200"]);
        table.row(["a\u{1b}[2Jb\nc", "3"]);
        let expected = concat!(
            "Bước               ms\n",
            "───────────────  ────\n",
            "Tra cứu đất đai     7\n",
            "Vie\u{323}\u{302}t             1200\n",
            "a [2Jb c            3\n",
        );
        assert_eq!(table.render(), expected);
    }
}
