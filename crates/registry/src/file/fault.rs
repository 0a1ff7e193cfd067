//! What is wrong with a registry file, and where.

use std::sync::Arc;

use terms::fault::Sentence;

/// A place in one of the files read together: file by number, line and column from 1, the column
/// counted in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    /// The file, by its place in what was given.
    pub(crate) file: u32,
    /// Line, from 1.
    pub(crate) line: u32,
    /// Column in characters, from 1.
    pub(crate) column: u32,
}

/// One thing wrong (or, as a warning, doubtful), printed `FILE:LINE:COLUMN: code: text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFault {
    /// The file's name as it was given.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// A word that never changes.
    pub code: &'static str,
    /// What is wrong and what to do, without any secret.
    pub sentence: Sentence,
}

impl std::fmt::Display for FileFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let FileFault { file, line, column, code, sentence } = self;
        write!(f, "{file}:{line}:{column}: {code}: {}", sentence.en)
    }
}

/// What was found wrong and doubtful so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    /// Names of the files, by number.
    pub(crate) files: Vec<Arc<str>>,
    /// Some of the text could not be read: what is not found may stand there.
    pub(crate) unread: bool,
    faults: Vec<(Spot, &'static str, Sentence)>,
    warnings: Vec<(Spot, &'static str, Sentence)>,
}

impl Findings {
    /// Something is wrong at `spot`.
    pub(crate) fn fault(&mut self, spot: Spot, code: &'static str, vi: String, en: String) {
        self.faults.push((spot, code, Sentence::made(vi, en)));
    }

    /// Something is doubtful at `spot`.
    pub(crate) fn warn(&mut self, spot: Spot, code: &'static str, vi: String, en: String) {
        self.warnings.push((spot, code, Sentence::made(vi, en)));
    }

    /// Has anything been found wrong?
    pub(crate) fn is_wrong(&self) -> bool {
        !self.faults.is_empty()
    }

    /// How much has been found wrong.
    pub(crate) fn count(&self) -> usize {
        self.faults.len()
    }

    /// What is wrong, in the order of files, lines and columns.
    pub(crate) fn faults(&self) -> Vec<FileFault> {
        self.place(&self.faults)
    }

    /// What is doubtful, in the same order.
    pub(crate) fn warnings(&self) -> Vec<FileFault> {
        self.place(&self.warnings)
    }

    fn place(&self, found: &[(Spot, &'static str, Sentence)]) -> Vec<FileFault> {
        let mut found = found.to_vec();
        found.sort_by_key(|(spot, ..)| *spot);
        let name = |file| usize::try_from(file).ok().and_then(|i| self.files.get(i).cloned());
        let place = |(spot, code, sentence): (Spot, _, _)| FileFault {
            file: name(spot.file).unwrap_or_else(|| "".into()),
            line: spot.line,
            column: spot.column,
            code,
            sentence,
        };
        found.into_iter().map(place).collect()
    }
}
