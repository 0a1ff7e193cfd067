//! The table folder: what takes a place, what keeps it, what is told.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use terms::fault::Language;
use terms::limit::PACKET_TABLE_BYTES_MAX;

use super::{TableFolder, Taken, keep, line, read};

/// A table of one packet whose only field is called `field`.
fn file(version: &str, field: &str) -> String {
    format!(
        "packet = \"DongBoPAKNDiaPhuong\"\ntable = 8\nversion = \"{version}\"\n\
         valid_from = 2020-07-01\ndirection = \"push\"\ncount = 23\n\n\
         [[field]]\nposition = 1\nname = \"{field}\"\nform = \"text\"\nrequired = \"yes\"\n\
         evidence = \"page\"\n"
    )
}

fn write(data: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(data.join("packet")).unwrap();
    std::fs::write(data.join("packet").join(name), text).unwrap();
}

/// The names of the fields of Table 8 that are in force.
fn names(taken: &Taken) -> Vec<String> {
    let day = jiff::civil::date(2026, 11, 22);
    let table = taken.tables.find("DongBoPAKNDiaPhuong", day).unwrap();
    table.fields.iter().filter_map(|field| field.name.as_deref().map(str::to_owned)).collect()
}

#[test]
fn a_file_takes_the_place_of_the_built_in_table_and_leaves_it() {
    let data = tempfile::tempdir().unwrap();
    let mut folder = TableFolder::new(data.path());
    let taken = folder.take();
    assert_eq!((names(&taken), taken.files, taken.faults.len()), (vec![], 0, 0));
    write(data.path(), "DongBoPAKNDiaPhuong.toml", &file("2019", "TieuDe"));
    let taken = folder.take();
    assert_eq!((names(&taken), taken.files), (vec!["TieuDe".to_owned()], 1));
    assert_eq!(taken.tables.iter().count(), 15, "it replaces, it does not add");
    std::fs::remove_file(data.path().join("packet/DongBoPAKNDiaPhuong.toml")).unwrap();
    assert_eq!(names(&folder.take()), Vec::<String>::new());
}

#[test]
fn a_broken_file_is_told_with_line_and_column_and_the_last_good_one_stays() {
    let data = tempfile::tempdir().unwrap();
    let mut folder = TableFolder::new(data.path());
    write(data.path(), "a.toml", &file("2019", "TieuDe"));
    assert!(folder.take().faults.is_empty());
    let broken = file("2019", "KhongDung").replace("form = \"text\"", "form = \"word\"");
    write(data.path(), "a.toml", &broken);
    let other = file("1", "X").replace("DongBoPAKNDiaPhuong", "GoiTinBo");
    write(data.path(), "b.toml", &other);
    let taken = folder.take();
    assert_eq!(names(&taken), ["TieuDe"], "the last good text is in force");
    assert!(taken.tables.has("GoiTinBo"), "another file is not held up by it");
    let told: Vec<String> = taken.faults.iter().map(|f| line(f, Language::En)).collect();
    assert!(told.len() == 1 && told[0].starts_with("packet/a.toml:11:8: "), "{told:?}");
    write(data.path(), "a.toml", &file("2019", "TieuDeMoi"));
    let taken = folder.take();
    assert_eq!((names(&taken), taken.faults.len()), (vec!["TieuDeMoi".to_owned()], 0));
}

#[test]
fn without_a_good_text_before_a_broken_file_leaves_the_built_in_table() {
    let data = tempfile::tempdir().unwrap();
    write(data.path(), "a.toml", "packet = \n");
    write(data.path(), "big.toml", &"#".repeat(1024 * 1024 + 1));
    std::fs::write(data.path().join("packet/latin.toml"), b"# \xfc").unwrap();
    let taken = read(data.path());
    assert_eq!((names(&taken), taken.files), (vec![], 0));
    let files: Vec<&str> = taken.faults.iter().map(|fault| fault.file.as_str()).collect();
    assert_eq!(files, ["big.toml", "latin.toml", "a.toml"]);
    assert!(taken.held.is_empty(), "there is nothing to hold to");
}

#[test]
fn a_change_is_taken_once_it_has_settled_and_only_once() {
    let data = tempfile::tempdir().unwrap();
    let mut folder = TableFolder::new(data.path());
    folder.take();
    assert!(folder.take_changed().is_none(), "nothing changed");
    write(data.path(), "a.toml", &file("2019", "T"));
    assert!(folder.take_changed().is_none(), "it may still be written to");
    assert_eq!(folder.take_changed().map(|taken| names(&taken)), Some(vec!["T".to_owned()]));
    assert!(folder.take_changed().is_none(), "taken");
    write(data.path(), ".a.toml.swp", "an editor's own");
    write(data.path(), "note.txt", "no table");
    assert!(folder.take_changed().is_none() && folder.take_changed().is_none());
}

/// A text that is read as TOML and is no table; it names packet and version.
fn broken(version: &str) -> String {
    file(version, "KhongDung").replace("form = \"text\"", "form = \"word\"")
}

fn path(data: &Path, name: &str) -> PathBuf {
    data.join("packet").join(name)
}

/// What `serve` does at its start: takes the folder, and lets what is in force outlive it.
fn serve(data: &Path) -> (TableFolder, Taken) {
    let mut folder = TableFolder::new(data);
    let taken = folder.take();
    folder.keep().unwrap();
    (folder, taken)
}

/// `PACKET VERSION: BEFORE -> AFTER` of each change.
fn changes(taken: &Taken) -> Vec<String> {
    let name = |file: &Option<String>| file.clone().unwrap_or_else(|| "-".to_owned());
    let tell = |change: &super::Change| {
        let (before, after) = (name(&change.before), name(&change.after));
        format!("{} {}: {before} -> {after}", change.packet, change.version)
    };
    taken.changes.iter().map(tell).collect()
}

#[test]
fn a_restart_beside_a_broken_file_stays_at_the_last_good_table() {
    let data = tempfile::tempdir().unwrap();
    write(data.path(), "a.toml", &file("2019", "TieuDe"));
    let (_, taken) = serve(data.path());
    assert_eq!(changes(&taken), ["DongBoPAKNDiaPhuong 2019: - -> a.toml"]);
    write(data.path(), "a.toml", &broken("2019"));
    for text in [broken("2019"), "packet = ".to_owned(), String::new()] {
        write(data.path(), "a.toml", &text);
        let (_, taken) = serve(data.path());
        assert_eq!(names(&taken), ["TieuDe"], "after a restart");
        assert_eq!((taken.faults.is_empty(), taken.held.len()), (false, 1));
        let held = taken.held[0].sentence();
        assert!(held.vi.contains("DongBoPAKNDiaPhuong 2019"), "{held:?}");
        assert!(held.en.contains("last good text of packet/a.toml"), "{held:?}");
        assert!(taken.changes.is_empty(), "{:?}", taken.changes);
        assert_eq!(names(&read(data.path())), ["TieuDe"], "a command sees what the server does");
    }
}

#[test]
fn a_broken_file_under_another_name_keeps_what_was_in_force() {
    for (text, other_text) in [
        (broken("2019"), "by what it says at its head"),
        (format!("{}\n[[field", broken("2019")), "no TOML, but its head is whole"),
        ("packet = \"DongBoPAKN".to_owned(), "cut off, so it may be any"),
    ] {
        let data = tempfile::tempdir().unwrap();
        write(data.path(), "a.toml", &file("2019", "TieuDe"));
        let (mut folder, _) = serve(data.path());
        write(data.path(), "a.toml", &text);
        folder.take();
        std::fs::rename(path(data.path(), "a.toml"), path(data.path(), "b.toml")).unwrap();
        let taken = folder.take();
        assert_eq!(names(&taken), ["TieuDe"], "{other_text}");
        assert_eq!((&*taken.held[0].file, &*taken.held[0].by), ("a.toml", "b.toml"));
        folder.keep().unwrap();
        let (mut folder, taken) = serve(data.path());
        assert_eq!(names(&taken), ["TieuDe"], "{other_text}, after a restart");
        // Without the broken file nobody asks for the table any more.
        std::fs::remove_file(path(data.path(), "b.toml")).unwrap();
        let taken = folder.take();
        assert_eq!((names(&taken), taken.faults.len()), (vec![], 0), "{other_text}");
        assert_eq!(changes(&taken), ["DongBoPAKNDiaPhuong 2019: a.toml -> -"]);
    }
}

#[test]
fn what_takes_the_name_of_a_good_file_lets_nothing_go() {
    let data = tempfile::tempdir().unwrap();
    write(data.path(), "a.toml", &file("2019", "TieuDe"));
    let (mut folder, _) = serve(data.path());
    write(data.path(), "a.toml", &broken("2019").replace("DongBoPAKNDiaPhuong", "GoiTinKhac"));
    assert_eq!(names(&folder.take()), ["TieuDe"], "it says another packet, but under this name");
    std::fs::remove_file(path(data.path(), "a.toml")).unwrap();
    std::fs::create_dir(path(data.path(), "a.toml")).unwrap();
    let taken = folder.take();
    assert_eq!(names(&taken), ["TieuDe"], "a folder in its place");
    assert_eq!((&*taken.held[0].file, &*taken.held[0].by), ("a.toml", "a.toml"));
}

#[test]
fn a_broken_file_of_another_table_keeps_nothing_that_is_not_its_own() {
    let data = tempfile::tempdir().unwrap();
    let other = |text: String| text.replace("DongBoPAKNDiaPhuong", "GoiTinKhac");
    write(data.path(), "a.toml", &file("2019", "TieuDe"));
    write(data.path(), "b.toml", &other(file("1", "X")));
    let (mut folder, _) = serve(data.path());
    write(data.path(), "b.toml", &other(broken("1")));
    std::fs::remove_file(path(data.path(), "a.toml")).unwrap();
    let taken = folder.take();
    assert_eq!(names(&taken), Vec::<String>::new(), "a good file was deleted on purpose");
    assert!(taken.tables.has("GoiTinKhac"), "the last good one of the broken file stays");
    assert_eq!(changes(&taken), ["DongBoPAKNDiaPhuong 2019: a.toml -> -"]);
}

#[test]
fn a_deleted_file_is_told_also_when_nobody_was_watching() {
    let data = tempfile::tempdir().unwrap();
    write(data.path(), "a.toml", &file("2019", "TieuDe"));
    drop(serve(data.path()));
    std::fs::remove_dir_all(data.path().join("packet")).unwrap();
    let (_, taken) = serve(data.path());
    assert_eq!((names(&taken), taken.faults.len()), (vec![], 0));
    assert_eq!(changes(&taken), ["DongBoPAKNDiaPhuong 2019: a.toml -> -"]);
    let (_, taken) = serve(data.path());
    assert!(changes(&taken).is_empty(), "once");
}

#[test]
fn a_good_file_under_another_name_is_the_same_table() {
    let data = tempfile::tempdir().unwrap();
    write(data.path(), "a.toml", &file("2019", "TieuDe"));
    let (mut folder, _) = serve(data.path());
    std::fs::rename(path(data.path(), "a.toml"), path(data.path(), "b.toml")).unwrap();
    let taken = folder.take();
    assert_eq!((names(&taken), taken.files), (vec!["TieuDe".to_owned()], 1));
    assert!(taken.changes.is_empty() && taken.faults.is_empty() && taken.held.is_empty());
    // Of two files the one in force stays, whatever their names.
    write(data.path(), "a.toml", &file("2019", "KhacHan"));
    let taken = folder.take();
    assert_eq!(names(&taken), ["TieuDe"]);
    assert_eq!(taken.faults.len(), 1);
    assert!(line(&taken.faults[0], Language::En).contains("packet/a.toml"), "{:?}", taken.faults);
    // A mended file under a new name is taken, although the broken one is still there.
    write(data.path(), "b.toml", &broken("2019"));
    let taken = folder.take();
    assert_eq!((names(&taken), taken.faults.len()), (vec!["KhacHan".to_owned()], 1));
}

#[test]
fn what_is_no_file_is_told_and_never_waited_for() {
    let data = tempfile::tempdir().unwrap();
    write(data.path(), "good.toml", &file("2019", "TieuDe"));
    let at = |name: &str| path(data.path(), name);
    std::fs::create_dir(at("folder.toml")).unwrap();
    std::fs::create_dir(at("more")).unwrap();
    for name in ["pipe.toml", "pipe"] {
        assert!(Command::new("mkfifo").arg(at(name)).status().unwrap().success());
    }
    symlink("nowhere", at("link.toml")).unwrap();
    symlink("circle.toml", at("circle.toml")).unwrap();
    symlink("/dev/zero", at("zero.toml")).unwrap();
    // A file that cannot be read, also by root.
    symlink("/proc/self/mem", at("unread.toml")).unwrap();
    std::os::unix::net::UnixListener::bind(at("socket.toml")).unwrap();
    std::fs::write(at("latin.toml"), b"packet = \"A\"\n# caf\xe9").unwrap();
    std::fs::write(at("big.toml"), "#".repeat(PACKET_TABLE_BYTES_MAX + 1)).unwrap();
    let raw = std::ffi::OsStr::from_bytes(b"t\xe9n.toml");
    std::fs::write(data.path().join("packet").join(raw), "x").unwrap();
    let (send, receive) = mpsc::channel();
    let folder = data.path().to_owned();
    std::thread::spawn(move || send.send(read(&folder)));
    let taken = receive.recv_timeout(Duration::from_secs(20)).expect("nothing is waited for");
    assert_eq!(names(&taken), ["TieuDe"], "the good one is in force");
    let told: BTreeMap<String, String> = taken
        .faults
        .iter()
        .map(|fault| {
            let (vi, en) = (line(fault, Language::Vi), line(fault, Language::En));
            assert_ne!(vi, en);
            (fault.file.clone(), en)
        })
        .collect();
    for (name, reason) in [
        ("folder.toml", "1:1: is a folder"),
        ("pipe.toml", "1:1: is a pipe"),
        ("link.toml", "1:1: is a link that leads nowhere"),
        ("circle.toml", "1:1: is a link that leads nowhere"),
        ("zero.toml", "1:1: is a device"),
        ("socket.toml", "1:1: is a socket"),
        ("unread.toml", "1:1: the table file cannot be read: "),
        ("latin.toml", "2:6: from here on it is not UTF-8"),
        ("big.toml", "1:1: the file is larger than 1024 KiB"),
        ("t\u{fffd}n.toml", "1:1: has a name that is not UTF-8"),
    ] {
        let found = told.get(name).unwrap_or_else(|| panic!("{name} is not told: {told:?}"));
        assert!(found.starts_with(&format!("packet/{name}:{reason}")), "{found}");
    }
    assert_eq!(told.len(), 10, "{told:?}");
    let notes: Vec<&str> = taken.notes.iter().map(|note| note.file.as_str()).collect();
    assert_eq!(notes, ["more", "pipe"], "told, though they are in nobody's way");
}

#[test]
fn a_pipe_that_comes_between_look_and_reading_is_not_waited_for() {
    let data = tempfile::tempdir().unwrap();
    write(data.path(), "a.toml", "");
    let dir = data.path().join("packet");
    let look = super::look(&dir);
    std::fs::remove_file(dir.join("a.toml")).unwrap();
    assert!(Command::new("mkfifo").arg(dir.join("a.toml")).status().unwrap().success());
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(super::folder::read(&dir, &look)));
    let found = receive.recv_timeout(Duration::from_secs(20)).expect("nothing is waited for");
    assert_eq!(found.faults[0].sentence.en, "is a pipe (FIFO), not a file");
}

#[test]
fn an_unreadable_folder_lets_nothing_go() {
    let data = tempfile::tempdir().unwrap();
    write(data.path(), "a.toml", &file("2019", "TieuDe"));
    let (mut folder, _) = serve(data.path());
    // Rights do not bind root, so the folder is put out of reach by a file in its place.
    std::fs::remove_dir_all(data.path().join("packet")).unwrap();
    std::fs::write(data.path().join("packet"), "").unwrap();
    let taken = folder.take();
    assert_eq!((names(&taken), taken.faults.len()), (vec!["TieuDe".to_owned()], 1));
    assert!(taken.held[0].sentence().en.contains("because of packet"), "{:?}", taken.held);
}

#[test]
fn what_is_kept_is_written_whole_and_a_damaged_one_is_set_aside() {
    let data = tempfile::tempdir().unwrap();
    let kept = data.path().join(keep::FILE);
    drop(serve(data.path()));
    assert!(!kept.exists(), "nothing to keep");
    write(data.path(), "a.toml", &file("2019", "TieuDe"));
    let (mut folder, _) = serve(data.path());
    let text = std::fs::read(&kept).unwrap();
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    // A crash in the middle of writing leaves what was there.
    std::fs::write(data.path().join(format!(".{}.new", keep::FILE)), &text[..20]).unwrap();
    write(data.path(), "a.toml", "");
    assert_eq!(names(&read(data.path())), ["TieuDe"]);
    std::fs::remove_file(&kept).unwrap();
    folder.keep().unwrap();
    assert_eq!(std::fs::read(&kept).unwrap(), text, "it is written anew when it is gone");
    std::fs::write(&kept, &text[..20]).unwrap();
    assert_eq!(read(data.path()).faults.len(), 4, "a command tells it beside the broken file");
    std::fs::write(path(data.path(), "a.toml"), file("2019", "TieuDe")).unwrap();
    let taken = read(data.path());
    assert_eq!((taken.faults.len(), taken.notes.len()), (0, 1), "it decides nothing then");
    write(data.path(), "a.toml", "");
    let (mut folder, taken) = serve(data.path());
    assert_eq!(names(&taken), Vec::<String>::new());
    let told: Vec<String> = taken.faults.iter().map(|f| line(f, Language::En)).collect();
    assert!(told.iter().any(|line| line.starts_with("packet-in-force.json:1:1: ")), "{told:?}");
    assert!(data.path().join("packet-in-force.json.damaged").exists(), "for a person to look at");
    assert_eq!(folder.take().faults.len(), taken.faults.len() - 1, "it is not told for ever");
}

#[test]
fn what_is_kept_already_is_not_written_again() {
    let data = tempfile::tempdir().unwrap();
    let kept = data.path().join(keep::FILE);
    write(data.path(), "a.toml", &file("2019", "TieuDe"));
    let (mut folder, _) = serve(data.path());
    // Whoever writes puts a new file in its place.
    let number = || std::fs::metadata(&kept).unwrap().ino();
    let first = number();
    folder.keep().unwrap();
    folder.take();
    folder.keep().unwrap();
    assert_eq!(number(), first, "nothing changed");
    write(data.path(), "a.toml", &file("2019", "KhongDung").replace("\"text\"", "\"word\""));
    folder.take();
    folder.keep().unwrap();
    assert_eq!(number(), first, "a broken file changes nothing that is in force");
    write(data.path(), "a.toml", &file("2019", "TieuDeMoi"));
    folder.take();
    // A folder that cannot be written to: it is tried again.
    let obstacle = data.path().join(format!(".{}.new", keep::FILE));
    std::fs::create_dir(&obstacle).unwrap();
    folder.keep().unwrap_err();
    folder.take();
    std::fs::remove_dir(&obstacle).unwrap();
    folder.keep().unwrap();
    assert!(std::fs::read_to_string(&kept).unwrap().contains("TieuDeMoi"));
    assert_ne!(number(), first);
}

#[test]
fn a_kept_text_that_this_program_does_not_take_is_told() {
    let data = tempfile::tempdir().unwrap();
    write(data.path(), "a.toml", &file("2019", "TieuDe"));
    drop(serve(data.path()));
    let kept = data.path().join(keep::FILE);
    let text = std::fs::read_to_string(&kept).unwrap();
    std::fs::write(&kept, text.replace("form = \\\"text\\\"", "form = \\\"word\\\"")).unwrap();
    write(data.path(), "a.toml", &broken("2019"));
    let (_, taken) = serve(data.path());
    assert_eq!(names(&taken), Vec::<String>::new());
    let told: Vec<String> = taken.faults.iter().map(|f| line(f, Language::En)).collect();
    assert!(told.iter().any(|line| line.contains("does not hold any more, line 11")), "{told:?}");
    assert_eq!(changes(&taken), ["DongBoPAKNDiaPhuong 2019: a.toml -> -"]);
}

#[test]
fn more_files_than_the_limit_are_told() {
    let data = tempfile::tempdir().unwrap();
    for number in 0..=terms::limit::PACKET_TABLE_FILES_MAX {
        let text = file("1", "X").replace("DongBoPAKNDiaPhuong", &format!("GoiTin{number}"));
        write(data.path(), &format!("{number:04}.toml"), &text);
    }
    let taken = read(data.path());
    assert_eq!((taken.files, taken.faults.len()), (500, 1));
    assert_eq!(
        line(&taken.faults[0], Language::En),
        "packet/0500.toml:1:1: more than 500 table files"
    );
}
