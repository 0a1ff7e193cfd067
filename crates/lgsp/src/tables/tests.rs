//! The table folder: what takes a place, what keeps it, what is told.

use std::path::Path;

use terms::fault::Language;

use super::{TableFolder, Taken, line, read};

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
