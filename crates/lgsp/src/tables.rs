//! The packet tables in force: those of the program, and over them the files of the data folder
//! (`DATA/packet/*.toml`), of which a broken one never takes the place of a good one, nor does it
//! after a restart or under another name.

mod folder;
mod keep;
mod settle;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use packet::{TableFault, Tables};
use terms::fault::{Language, Sentence};

use crate::output::cause;
use folder::{Look, look};
use keep::Keep;
use settle::{Settled, settle};

/// Their folder within the data folder.
const FOLDER: &str = "packet";

/// Texts by name of their file.
type Files = BTreeMap<String, String>;

/// The table files of one data folder, and the last good text of each.
#[derive(Debug)]
pub struct TableFolder {
    data: PathBuf,
    /// The files as they were seen last.
    seen: Option<Look>,
    /// The files as they were when they were taken last.
    taken: Option<Look>,
    /// What is in force from files.
    keep: Keep,
    /// It does not outlive this process yet.
    unkept: bool,
    /// Why nothing is known of what was in force before this process.
    unread: Option<Sentence>,
}

/// What came of reading the folder.
#[derive(Debug)]
pub struct Taken {
    /// What is in force from now on.
    pub tables: Tables,
    /// Tables in force that came from files, at the text of now or at their last good one.
    pub files: usize,
    /// What is wrong with the other files.
    pub faults: Vec<TableFault>,
    /// What stands in the folder and is no file.
    pub notes: Vec<TableFault>,
    /// Tables that are in force at their last good text, since a broken file may be about them.
    pub held: Vec<Held>,
    /// What is in force that was not, and what is not that was.
    pub changes: Vec<Change>,
}

/// A table at its last good text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The packet.
    pub packet: String,
    /// Its version.
    pub version: String,
    /// The file from which the text came.
    pub file: String,
    /// The broken file for which it stays; empty: the folder cannot be read.
    pub by: String,
}

/// A table that came in force from a file, or left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The packet.
    pub packet: String,
    /// Its version.
    pub version: String,
    /// The file from which it was in force before; `None`: it was the built-in one, or none.
    pub before: Option<String>,
    /// The file from which it is now; `None`: the built-in one, or none.
    pub after: Option<String>,
}

impl Held {
    /// Which text is in force, and why not the file's.
    pub fn sentence(&self) -> Sentence {
        let Held { packet, version, file, by } = self;
        let by = if by.is_empty() { FOLDER.to_owned() } else { shown(by) };
        let file = shown(file);
        Sentence::made(
            format!("{packet} {version} vẫn theo bản tốt gần nhất của {file} (vì {by})"),
            format!("{packet} {version} stays at the last good text of {file} (because of {by})"),
        )
    }
}

/// The tables of a data folder as a command sees them: broken files are left out and told. Nothing
/// is written.
pub fn read(data: &Path) -> Taken {
    let mut taken = TableFolder::new(data).take();
    // Where every file holds, what was in force before decides nothing.
    if taken.faults.iter().all(|fault| fault.file == keep::FILE) {
        taken.notes.append(&mut taken.faults);
    }
    taken
}

/// `FILE:LINE:COLUMN: text`: how a fault of a table file is told.
pub fn line(fault: &TableFault, language: Language) -> String {
    let TableFault { file, line, column, sentence } = fault;
    format!("{}:{line}:{column}: {}", shown(file), sentence.text(language))
}

/// The name of a file below the data folder; nothing in it commands a terminal.
pub fn shown(file: &str) -> String {
    let clean = file.replace(|sign: char| sign.is_control(), "?");
    if file.contains('/') || file == keep::FILE { clean } else { format!("{FOLDER}/{clean}") }
}

impl TableFolder {
    /// The folder of this data folder, and what was in force there last; its files are not read
    /// yet.
    pub fn new(data: &Path) -> TableFolder {
        let read = keep::read(data);
        let unread = read.as_ref().err().map(|error| {
            let cause = cause(error);
            Sentence::made(
                format!("không đọc được các bản tốt gần nhất: {}", cause.vi),
                format!("the last good texts cannot be read: {}", cause.en),
            )
        });
        let unkept = unread.is_some();
        let keep = read.unwrap_or_default();
        TableFolder { data: data.to_owned(), seen: None, taken: None, keep, unkept, unread }
    }

    /// Reads the folder anew when it has changed since it was read last and did not change between
    /// this look and the one before: a file that is just being written is left to its end.
    pub fn take_changed(&mut self) -> Option<Taken> {
        let look = look(&self.data.join(FOLDER));
        let settled = self.seen.as_ref() == Some(&look);
        let changed = self.taken.as_ref() != Some(&look);
        self.seen = Some(look);
        (settled && changed).then(|| self.take())
    }

    /// Reads the folder. A broken file leaves in force what was.
    pub fn take(&mut self) -> Taken {
        let dir = self.data.join(FOLDER);
        let look = look(&dir);
        let found = folder::read(&dir, &look);
        self.seen = Some(look.clone());
        self.taken = Some(look);
        let Settled { keep, mut faults, held, changes } = settle(&found, &self.keep);
        let texts: Vec<(String, String)> =
            keep.tables.iter().map(|kept| (kept.file.clone(), kept.text.clone())).collect();
        // Each of them holds, and no two are of one packet and version.
        let tables = Tables::builtin().with(&texts).unwrap_or_else(|told| {
            faults.extend(told);
            Tables::builtin()
        });
        faults.extend(self.unread.clone().map(|sentence| folder::fault(keep::FILE, sentence)));
        self.unkept |= self.keep != keep;
        self.keep = keep;
        Taken { tables, files: texts.len(), faults, notes: found.notes, held, changes }
    }

    /// Lets what is in force outlive this process; does nothing when it does already.
    ///
    /// # Errors
    /// When it cannot be written; it is in force all the same.
    pub fn keep(&mut self) -> io::Result<()> {
        let is_gone = || !self.keep.tables.is_empty() && !self.data.join(keep::FILE).exists();
        if !self.unkept && !is_gone() {
            return Ok(());
        }
        if self.unread.is_some() {
            keep::set_aside(&self.data)?;
        }
        keep::write(&self.data, &self.keep)?;
        self.unkept = false;
        self.unread = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
