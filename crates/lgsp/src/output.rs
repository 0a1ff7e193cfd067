//! What a command says: results on stdout, messages on stderr, tables that people can read.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use serde::Serialize;
use terms::clock::Timestamp;
use terms::fault::{Language, Sentence};
use unicode_width::UnicodeWidthStr;

mod cause;
mod table;

pub(crate) use cause::cause;
pub use table::Table;

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

    /// What the operating system refused: `vi` and `en` say what was to be done, the cause follows.
    pub fn io(exit: Exit, vi: &str, en: &str, error: &io::Error) -> Failure {
        let cause = cause(error);
        Failure::new(exit, format!("{vi}: {}", cause.vi), format!("{en}: {}", cause.en))
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
            _ => {
                Failure::io(Exit::Unable, "không đọc hoặc ghi được", "cannot read or write", &error)
            }
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
    /// Places in a line of a table; `None`: as wide as it comes.
    pub width: Option<usize>,
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

    /// A table of the result; an empty one is told to be so.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn table(&self, table: &Table) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(table.render(self.width).as_bytes())?;
        out.flush()?;
        if table.is_empty() {
            self.message(&Sentence::new("Không có gì để hiện.", "There is nothing to show."));
        }
        Ok(())
    }

    /// A shell command to be copied: broken with `\\` between its flags where it is too long for
    /// the line, so that it can still be pasted.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn shell(&self, indent: &str, text: &str) -> io::Result<()> {
        let width = self.width.unwrap_or(usize::MAX).saturating_sub(indent.width() + 2);
        if text.width() <= width {
            return self.line(&format!("{indent}{text}"));
        }
        self.line(&format!("{indent}{}", text.replace(" --", &format!(" \\\n{indent}    --"))))
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
