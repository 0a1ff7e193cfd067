//! The demo's own data folder: made, or emptied of an earlier demo; never anybody else's.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::lock::{Lock, LockError};
use crate::output::{Exit, Failure};

/// A folder with this file belongs to the demo.
const MARK: &str = ".lgsp-demo";
/// What a demo leaves; nothing else is ever removed.
const FILES: [&str; 6] =
    ["lgsp.db", "lgsp.db-wal", "lgsp.db-shm", "lgsp.toml", "province.yaml", "portal.secret"];
const FOLDERS: [&str; 2] = ["keys", "journal"];

/// Makes `data` an empty, marked folder. Refused when it holds anything that is not a demo's, or
/// when a server runs on it.
pub(super) fn prepare(data: &Path) -> Result<(), Failure> {
    let unusable = |error| {
        let data = data.display();
        let vi = format!("không dùng được thư mục {data}");
        Failure::io(Exit::Unable, &vi, &format!("cannot use the folder {data}"), &error)
    };
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(unusable)?;
    let empty = std::fs::read_dir(data).map_err(unusable)?.next().is_none();
    if !empty && !data.join(MARK).is_file() {
        let data = data.display();
        return Err(Failure::refused(
            format!("thư mục {data} đã có dữ liệu khác; chọn thư mục khác bằng --data"),
            format!("the folder {data} holds other data; choose another one with --data"),
        ));
    }
    let lock = Lock::take(data).map_err(|error| match error {
        LockError::Held => Failure::unable(
            format!("một lgsp khác đang chạy trên thư mục {}", data.display()),
            format!("another lgsp runs on the folder {}", data.display()),
        ),
        LockError::Io(error) => error.into(),
    })?;
    std::fs::write(data.join(MARK), "lgsp demo\n")?;
    for file in FILES {
        absent(std::fs::remove_file(data.join(file)))?;
    }
    for folder in FOLDERS {
        absent(std::fs::remove_dir_all(data.join(folder)))?;
    }
    drop(lock);
    Ok(())
}

fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::prepare;
    use crate::lock::Lock;
    use crate::output::Exit;

    #[test]
    fn only_an_empty_or_marked_folder_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("demo");
        prepare(&data).unwrap();
        std::fs::create_dir(data.join("journal")).unwrap();
        std::fs::write(data.join("journal/1.log"), "old").unwrap();
        std::fs::write(data.join("note.txt"), "mine").unwrap();
        prepare(&data).unwrap();
        assert!(!data.join("journal").exists(), "an earlier demo is cleared");
        assert!(data.join("note.txt").exists(), "nothing else is");
        let lock = Lock::take(&data).unwrap();
        assert_eq!(prepare(&data).unwrap_err().exit, Exit::Unable);
        drop(lock);
        let other = folder.path().join("other");
        std::fs::create_dir(&other).unwrap();
        std::fs::write(other.join("lgsp.db"), "precious").unwrap();
        assert_eq!(prepare(&other).unwrap_err().exit, Exit::Refused);
        assert!(other.join("lgsp.db").exists());
    }
}
