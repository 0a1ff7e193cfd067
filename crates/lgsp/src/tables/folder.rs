//! What stands in the folder of table files, read without waiting for anything: a pipe, a folder or
//! a link to nowhere is told, never opened.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use packet::{Claim, TableFault};
use terms::fault::Sentence;
use terms::limit::{PACKET_TABLE_BYTES_MAX, PACKET_TABLE_FILES_MAX};

use super::Files;
use crate::output::cause;

/// The ending of table files.
const ENDING: &str = ".toml";

/// What stands in the folder, without reading it; equal looks mean that nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    entries: Vec<Entry>,
    /// Why the folder itself cannot be read.
    refused: Option<Sentence>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// As it is shown; a name that is not UTF-8 with replacement signs.
    name: String,
    path: PathBuf,
    /// Why it cannot be a table file; `None`: it is a file.
    strange: Option<Strange>,
    /// Number of the file, size, and when it was last changed in any way.
    seal: (u64, u64, i64, i64),
}

/// What an entry is that is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strange {
    Folder,
    Pipe,
    Socket,
    Device,
    /// A link to nowhere, or in a circle.
    Link,
    /// Its name is not UTF-8.
    Name,
    /// The system does not say what it is.
    Hidden,
}

impl Strange {
    fn sentence(self) -> Sentence {
        let (vi, en) = match self {
            Strange::Folder => ("là thư mục, không phải tệp", "is a folder, not a file"),
            Strange::Pipe => ("là ống dẫn (FIFO), không phải tệp", "is a pipe (FIFO), not a file"),
            Strange::Socket => ("là socket, không phải tệp", "is a socket, not a file"),
            Strange::Device => ("là thiết bị, không phải tệp", "is a device, not a file"),
            Strange::Link => ("là liên kết không dẫn tới tệp nào", "is a link that leads nowhere"),
            Strange::Name => ("tên tệp không phải UTF-8", "has a name that is not UTF-8"),
            Strange::Hidden => (
                "không xem được: kiểm tra quyền của thư mục",
                "cannot be looked at: check the rights of the folder",
            ),
        };
        Sentence::new(vi, en)
    }
}

/// The folder, read.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The texts by name.
    pub(super) texts: Files,
    /// Names without a text, and what they may be about; `None`: no file, so nothing but what
    /// stood under the name.
    pub(super) unread: Vec<(String, Option<Claim>)>,
    /// Why.
    pub(super) faults: Vec<TableFault>,
    /// What else stands there and is no file: told, but it stands in nobody's way.
    pub(super) notes: Vec<TableFault>,
    /// The folder itself could not be read, so nothing is known of its files.
    pub(super) closed: bool,
}

/// Looks at the folder; one that is not there is empty.
pub(super) fn look(dir: &Path) -> Look {
    let refused = |error: io::Error| Look { entries: Vec::new(), refused: Some(cause(&error)) };
    let listed = match std::fs::read_dir(dir) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Look { entries: Vec::new(), refused: None };
        }
        Err(error) => return refused(error),
    };
    let mut entries = Vec::new();
    for entry in listed {
        match entry {
            Ok(entry) => entries.extend(seen(entry.path())),
            Err(error) => return refused(error),
        }
    }
    entries.sort();
    Look { entries, refused: None }
}

/// One entry; what is neither a table file nor in anybody's way is passed over.
fn seen(path: PathBuf) -> Option<Entry> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    // An editor's own files begin with a dot or `#`.
    if name.starts_with(['.', '#']) {
        return None;
    }
    let metadata = std::fs::metadata(&path);
    let strange = match &metadata {
        _ if path.to_str().is_none() && name.ends_with(ENDING) => Some(Strange::Name),
        Ok(metadata) => strange(metadata),
        Err(_) if path.is_symlink() => Some(Strange::Link),
        // It left while the folder was being looked at.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(_) => Some(Strange::Hidden),
    };
    let seal = metadata.ok().map_or((0, 0, 0, 0), |metadata| {
        let Strange::Folder = strange.unwrap_or(Strange::Link) else {
            return (metadata.ino(), metadata.len(), metadata.ctime(), metadata.ctime_nsec());
        };
        (metadata.ino(), 0, 0, 0)
    });
    (strange.is_some() || name.ends_with(ENDING)).then_some(Entry { name, path, strange, seal })
}

fn strange(metadata: &Metadata) -> Option<Strange> {
    let kind = metadata.file_type();
    match () {
        () if kind.is_file() => None,
        () if kind.is_dir() => Some(Strange::Folder),
        () if kind.is_fifo() => Some(Strange::Pipe),
        () if kind.is_socket() => Some(Strange::Socket),
        () => Some(Strange::Device),
    }
}

/// Reads every table file that was seen.
pub(super) fn read(dir: &Path, look: &Look) -> Found {
    let mut found = Found::default();
    if let Some(error) = &look.refused {
        let vi = format!("không đọc được thư mục: {}", error.vi);
        let en = format!("the folder cannot be read: {}", error.en);
        found.faults.push(fault(&dir.display().to_string(), Sentence::made(vi, en)));
        found.closed = true;
    }
    let mut count = 0;
    for Entry { name, path, strange, .. } in &look.entries {
        if !name.ends_with(ENDING) {
            let Some(strange) = strange else { continue };
            found.notes.push(fault(name, strange.sentence()));
            continue;
        }
        count += 1;
        let read = match strange {
            Some(strange) => Err((place(strange.sentence()), claim_of(*strange))),
            None if count > PACKET_TABLE_FILES_MAX => {
                let vi = format!("quá {PACKET_TABLE_FILES_MAX} tệp bảng");
                let en = format!("more than {PACKET_TABLE_FILES_MAX} table files");
                Err((place(Sentence::made(vi, en)), Some(Claim::default())))
            }
            None => read_one(path),
        };
        match read {
            Ok(text) => drop(found.texts.insert(name.clone(), text)),
            Err((Place { line, column, sentence }, claim)) => {
                let file = name.clone();
                found.faults.push(TableFault { file, line, column, sentence });
                found.unread.push((name.clone(), claim));
            }
        }
    }
    found
}

/// What may be a file behind it may stand for any table; a folder stands for none.
fn claim_of(strange: Strange) -> Option<Claim> {
    matches!(strange, Strange::Link | Strange::Name | Strange::Hidden).then(Claim::default)
}

struct Place {
    line: u32,
    column: u32,
    sentence: Sentence,
}

fn place(sentence: Sentence) -> Place {
    Place { line: 1, column: 1, sentence }
}

/// The text of a file, and if there is none why not and what the file may be about.
fn read_one(path: &Path) -> Result<String, (Place, Option<Claim>)> {
    let refused = |error: &io::Error| {
        let cause = cause(error);
        let vi = format!("không đọc được tệp bảng: {}", cause.vi);
        let en = format!("the table file cannot be read: {}", cause.en);
        (place(Sentence::made(vi, en)), Some(Claim::default()))
    };
    // Since it was looked at, a pipe may have come in its place: nothing is waited for.
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let file: File = options.open(path).map_err(|error| refused(&error))?;
    if let Some(strange) = file.metadata().map_err(|error| refused(&error)).map(|m| strange(&m))? {
        return Err((place(strange.sentence()), claim_of(strange)));
    }
    let mut bytes = Vec::new();
    file.take(PACKET_TABLE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| refused(&error))?;
    if bytes.len() > PACKET_TABLE_BYTES_MAX {
        let kib = PACKET_TABLE_BYTES_MAX >> 10;
        let vi = format!("tệp lớn hơn {kib} KiB");
        let sentence = Sentence::made(vi, format!("the file is larger than {kib} KiB"));
        return Err((place(sentence), Some(head(&bytes))));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = String::from_utf8_lossy(&bytes[..good]);
        let number = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
        let line = number(before.matches('\n').count());
        let column = number(before.rsplit('\n').next().unwrap_or_default().chars().count());
        let sentence = Sentence::new(
            "từ đây không phải UTF-8: lưu lại tệp bằng UTF-8",
            "from here on it is not UTF-8: save the file as UTF-8",
        );
        (Place { line, column, sentence }, Some(head(bytes)))
    })
}

/// What a file that is too long, or not UTF-8, is about by its first lines.
fn head(bytes: &[u8]) -> Claim {
    let bytes = &bytes[..bytes.len().min(PACKET_TABLE_BYTES_MAX)];
    Claim::of(&String::from_utf8_lossy(bytes))
}

pub(super) fn fault(file: &str, sentence: Sentence) -> TableFault {
    TableFault { file: file.to_owned(), line: 1, column: 1, sentence }
}
