//! QCVN 120, table files in the data folder: what is in force outlives a broken file, a restart and
//! another name; what leaves is told; what is no file is told and holds nothing up.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::program::text;
use crate::province::Province;
use crate::wire::{Connection, request};
use crate::world::{json_lines, wait_until};

/// Table 8 with one required field; `form` is its form.
fn table_8(form: &str) -> String {
    let mut file = String::from(
        "packet = \"DongBoPAKNDiaPhuong\"\ntable = 8\nversion = \"2019\"\n\
         valid_from = 2020-07-01\ndirection = \"push\"\ncount = 23\n",
    );
    file.push_str(&format!(
        "\n[[field]]\nposition = 1\nname = \"MaPAKN\"\nform = \"{form}\"\nrequired = \"yes\"\n\
         evidence = \"page\"\n"
    ));
    for position in 2..=23 {
        file.push_str(&format!("\n[[field]]\nposition = {position}\nevidence = \"unknown\"\n"));
    }
    file
}

/// The alert of files that are not in force.
const BROKEN: &str = "packet_table_broken";

struct Watched {
    province: Province,
    token: String,
}

impl Watched {
    /// A province with Table 8 from `a.toml` in force.
    fn start() -> Watched {
        let province = Province::start();
        let token = province.world.token("strict");
        let watched = Watched { province, token };
        std::fs::create_dir_all(watched.path("")).unwrap();
        std::fs::write(watched.path("a.toml"), table_8("text")).unwrap();
        watched.wait("the file is in force", 22);
        watched
    }

    fn path(&self, name: &str) -> PathBuf {
        self.province.world.data().join("packet").join(name)
    }

    /// What the platform makes of a record without the field.
    fn verdict(&self) -> Value {
        let target = "/packets/DongBoPAKNDiaPhuong/check";
        self.province.post(&self.token, target, r#"[{"Khac": 1}]"#).json()
    }

    /// Waits until so many positions are not checked: 22 by the file, 23 by the built-in table.
    fn wait(&self, what: &str, unchecked: u64) {
        wait_until(Duration::from_secs(5), what, || self.verdict()["unchecked"] == unchecked);
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.province.world.dir.path().join("server.log")).unwrap()
    }

    fn wait_log(&self, words: &str) {
        wait_until(Duration::from_secs(5), words, || self.log().contains(words));
    }

    fn alert(&self, code: &str) -> String {
        let ask = request("GET", "/metrics", &[("Connection", "close")], b"");
        let all = Connection::open(self.province.world.listening.ops).ask(ask).unwrap().text();
        let line = all.lines().find(|line| line.contains(&format!("code=\"{code}\"")));
        line.unwrap_or_default().to_owned()
    }

    /// What `lgsp doctor` says of the table files.
    fn doctor(&self) -> (String, String) {
        let found = json_lines(&self.province.world.run(&["doctor", "--json", "--lang", "en"]));
        let found = found.iter().find(|line| line["check"] == "packet-tables").unwrap();
        let text = |key: &str| found[key].as_str().unwrap().to_owned();
        (text("verdict"), text("text"))
    }
}

#[test]
fn a_broken_file_loosens_nothing_after_a_restart_nor_under_another_name() {
    let mut watched = Watched::start();
    assert_eq!(watched.verdict()["verdict"], "refused");
    std::fs::write(watched.path("a.toml"), table_8("word")).unwrap();
    watched.wait_log("packet/a.toml:11:8: ");
    assert_eq!(watched.province.world.stop(), 0);
    watched.province.world.restart();
    assert_eq!(watched.verdict()["unchecked"], 22, "the last good one is in force");
    assert_eq!(watched.verdict()["verdict"], "refused", "strict is as strict as before");
    assert!(watched.alert(BROKEN).ends_with("} 1"), "{}", watched.alert(BROKEN));
    let (verdict, told) = watched.doctor();
    assert_eq!(verdict, "fail");
    assert!(told.contains("packet/a.toml:11:8: "), "{told}");
    assert!(told.contains("DongBoPAKNDiaPhuong 2019 stays at the last good text"), "{told}");
    std::fs::rename(watched.path("a.toml"), watched.path("b.toml")).unwrap();
    watched.wait_log("packet/b.toml:11:8: ");
    assert_eq!(watched.verdict()["unchecked"], 22, "another name loosens nothing");
    watched.province.world.kill();
    watched.province.world.restart();
    assert_eq!(watched.verdict()["unchecked"], 22, "nor does a killed server");
    // Nobody asks for the table any more: the built-in one is in force, and that is told.
    std::fs::remove_file(watched.path("b.toml")).unwrap();
    watched.wait("the built-in table is back", 23);
    watched.wait_log("the built-in table is in force again");
    wait_until(Duration::from_secs(5), "the alert ends", || watched.alert(BROKEN).ends_with("} 0"));
    assert_eq!(watched.doctor().0, "ok");
}

#[test]
fn a_deleted_file_is_told_also_when_the_server_was_down() {
    let mut watched = Watched::start();
    watched.wait_log("in force from this file");
    assert_eq!(watched.province.world.stop(), 0);
    std::fs::remove_file(watched.path("a.toml")).unwrap();
    assert!(!watched.log().contains("in force again"), "{}", watched.log());
    watched.province.world.restart();
    assert_eq!(watched.verdict()["unchecked"], 23);
    let log = watched.log();
    let told = log.lines().find(|line| line.contains("in force again")).unwrap_or_default();
    for words in ["WARN", "packet_table_changed", "DongBoPAKNDiaPhuong", "2019", "a.toml"] {
        assert!(told.contains(words), "{words}: {told}\n{log}");
    }
    assert_eq!(watched.alert("packet_table_changed"), "", "it is news, and nothing would end it");
    assert!(watched.alert("packet_table_unkept").ends_with("} 0"), "an alert is there to be asked");
}

#[test]
fn what_is_no_file_is_told_and_holds_nothing_up() {
    let watched = Watched::start();
    assert!(Command::new("mkfifo").arg(watched.path("pipe.toml")).status().unwrap().success());
    std::fs::create_dir(watched.path("folder.toml")).unwrap();
    std::os::unix::fs::symlink("nowhere", watched.path("link.toml")).unwrap();
    std::fs::write(watched.path("latin.toml"), b"# \xe9").unwrap();
    for told in [
        "packet/pipe.toml:1:1: is a pipe",
        "packet/folder.toml:1:1: is a folder",
        "packet/link.toml:1:1: is a link that leads nowhere",
        "packet/latin.toml:1:3: from here on it is not UTF-8",
    ] {
        watched.wait_log(told);
    }
    // The watcher goes on: a good file beside them is taken.
    std::fs::write(watched.path("a.toml"), table_8("number")).unwrap();
    let wrong = || {
        let target = "/packets/DongBoPAKNDiaPhuong/check";
        watched.province.post(&watched.token, target, r#"[{"MaPAKN": "x"}]"#).json()
    };
    wait_until(Duration::from_secs(5), "the change is in force", || {
        wrong()["violations"][0]["rule"] == "number_form"
    });
    let listed = watched.province.world.run(&["packet", "list", "--lang", "vi"]);
    assert_eq!(listed.status.code(), Some(1));
    let told = text(&listed.stderr);
    assert!(told.contains("packet/pipe.toml:1:1: là ống dẫn (FIFO), không phải tệp"), "{told}");
}
