//! The packet tables in force: those of the program, and over them the files of the data folder
//! (`DATA/packet/*.toml`), of which a broken one never takes the place of a good one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use packet::{TableFault, Tables};
use terms::fault::{Language, Sentence};
use terms::limit::{PACKET_TABLE_BYTES_MAX, PACKET_TABLE_FILES_MAX};

/// Their folder within the data folder.
const FOLDER: &str = "packet";

/// Files by name.
type Files = BTreeMap<String, String>;

/// What stands in the folder, without reading it: name, size, time of the last change.
type Look = Vec<(String, u64, Option<SystemTime>)>;

/// The table files of one data folder, and the last good text of each.
#[derive(Debug)]
pub struct TableFolder {
    dir: PathBuf,
    /// The files as they were seen last.
    seen: Option<Look>,
    /// The files as they were when they were taken last.
    taken: Option<Look>,
    good: Files,
}

/// What came of reading the folder.
#[derive(Debug)]
pub struct Taken {
    /// What is in force from now on.
    pub tables: Tables,
    /// Files of the folder that are in force, at the text of now or at their last good one.
    pub files: usize,
    /// What is wrong with the others.
    pub faults: Vec<TableFault>,
}

/// The tables of a data folder as a command sees them: broken files are left out and told.
pub fn read(data: &Path) -> Taken {
    TableFolder::new(data).take()
}

/// `FILE:LINE:COLUMN: text`: how a fault of a table file is told.
pub fn line(fault: &TableFault, language: Language) -> String {
    let TableFault { file, line, column, sentence } = fault;
    format!("{FOLDER}/{file}:{line}:{column}: {}", sentence.text(language))
}

impl TableFolder {
    /// The folder of this data folder; nothing is read yet.
    pub fn new(data: &Path) -> TableFolder {
        let dir = data.join(FOLDER);
        TableFolder { dir, seen: None, taken: None, good: Files::new() }
    }

    /// Reads the folder anew when it has changed since it was read last and did not change between
    /// this look and the one before: a file that is just being written is left to its end.
    pub fn take_changed(&mut self) -> Option<Taken> {
        let look = look(&self.dir);
        let settled = self.seen.as_ref() == Some(&look);
        let changed = self.taken.as_ref() != Some(&look);
        self.seen = Some(look);
        (settled && changed).then(|| self.take())
    }

    /// Reads the folder. A broken file leaves its last good text in force.
    pub fn take(&mut self) -> Taken {
        let look = look(&self.dir);
        let (found, mut faults) = read_all(&self.dir, &look);
        self.seen = Some(look.clone());
        self.taken = Some(look);
        // Files that are gone leave with their tables; unreadable ones keep their last good text.
        let unread = |name: &String| faults.iter().any(|fault| fault.file == *name);
        self.good.retain(|name, _| found.contains_key(name) || unread(name));
        let (tables, files, broken) = settle(found, &self.good);
        faults.extend(broken);
        let taken = Taken { tables, files: files.len(), faults };
        self.good = files;
        taken
    }
}

/// The tables of `found`, where a file that does not hold gives way to its `good` text, and that to
/// nothing.
fn settle(found: Files, good: &Files) -> (Tables, Files, Vec<TableFault>) {
    let mut told = Vec::new();
    let mut files = good.clone();
    files.extend(found);
    loop {
        let texts: Vec<(String, String)> =
            files.iter().map(|(name, text)| (name.clone(), text.clone())).collect();
        let faults = match Tables::builtin().with(&texts) {
            Ok(tables) => return (tables, files, told),
            Err(faults) => faults,
        };
        let broken: BTreeSet<&String> = faults.iter().map(|fault| &fault.file).collect();
        let mut moved = false;
        for name in broken {
            let Some(text) = files.remove(name) else { continue };
            moved = true;
            if let Some(good) = good.get(name).filter(|good| **good != text) {
                files.insert(name.clone(), good.clone());
            }
        }
        told.extend(faults);
        if !moved {
            return (Tables::builtin(), Files::new(), told);
        }
    }
}

/// Every `.toml` of the folder, sorted by name; a folder that is not there is empty.
fn look(dir: &Path) -> Look {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut look: Look = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            // An editor's own files begin with a dot or `#`.
            let ours = name.ends_with(".toml") && !name.starts_with(['.', '#']);
            let metadata = std::fs::metadata(entry.path()).ok().filter(|_| ours)?;
            metadata.is_file().then(|| (name, metadata.len(), metadata.modified().ok()))
        })
        .collect();
    look.sort();
    look
}

fn read_all(dir: &Path, look: &Look) -> (Files, Vec<TableFault>) {
    let (mut files, mut faults) = (Files::new(), Vec::new());
    for (at, (name, size, _)) in look.iter().enumerate() {
        if at >= PACKET_TABLE_FILES_MAX {
            faults.push(fault(name, format!("quá {PACKET_TABLE_FILES_MAX} tệp bảng"), {
                format!("more than {PACKET_TABLE_FILES_MAX} table files")
            }));
            continue;
        }
        match read_one(&dir.join(name), *size) {
            Ok(text) => drop(files.insert(name.clone(), text)),
            Err(error) => faults.push(fault(
                name,
                format!("không đọc được tệp bảng: {error}"),
                format!("the table file cannot be read: {error}"),
            )),
        }
    }
    (files, faults)
}

fn read_one(path: &Path, size: u64) -> io::Result<String> {
    if size > PACKET_TABLE_BYTES_MAX as u64 {
        let text = format!("{size} > {PACKET_TABLE_BYTES_MAX} byte");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    std::fs::read_to_string(path)
}

fn fault(file: &str, vi: String, en: String) -> TableFault {
    TableFault { file: file.to_owned(), line: 1, column: 1, sentence: Sentence::made(vi, en) }
}

#[cfg(test)]
mod tests;
