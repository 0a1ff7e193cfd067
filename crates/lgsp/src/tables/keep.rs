//! The texts in force from table files, kept by the platform in a file of its own, so that a
//! restart beside a broken file does not bring the built-in table back.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use packet::Table;
use serde::{Deserialize, Serialize};

/// Its name within the data folder.
pub(super) const FILE: &str = "packet-in-force.json";

/// A table that a file brought in force, at the text that held last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The file from which it came.
    pub(super) file: String,
    pub(super) packet: String,
    pub(super) version: String,
    pub(super) text: String,
}

/// All of them, in the order of their packets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Keep {
    pub(super) tables: Vec<Kept>,
}

impl Kept {
    pub(super) fn new(file: &str, table: &Table) -> Kept {
        Kept {
            file: file.to_owned(),
            packet: table.packet.to_string(),
            version: table.version.to_string(),
            text: table.text.to_string(),
        }
    }

    /// What of two files can stand in force only once.
    pub(super) fn key(&self) -> (String, String) {
        (self.packet.to_ascii_lowercase(), self.version.clone())
    }
}

/// What was kept on this data folder; nothing when it was never written.
pub(super) fn read(data: &Path) -> io::Result<Keep> {
    match std::fs::read(data.join(FILE)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Keep::default()),
        Err(error) => Err(error),
    }
}

/// Leaves a file that cannot be read to a person: it is not written over.
pub(super) fn set_aside(data: &Path) -> io::Result<()> {
    let path = data.join(FILE);
    match std::fs::rename(&path, path.with_extension("json.damaged")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Keeps `keep` instead of what was kept: the whole of it or, after a crash, what was there.
pub(super) fn write(data: &Path, keep: &Keep) -> io::Result<()> {
    let new = data.join(format!(".{FILE}.new"));
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&serde_json::to_vec_pretty(keep)?)?;
    file.sync_all()?;
    std::fs::rename(&new, data.join(FILE))?;
    File::open(data)?.sync_all()
}
