//! The program as a person or a script uses it: arguments in, exit code, stdout and stderr out.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A run of the built binary in `folder`, with no variable of ours from outside.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lgsp"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command.env_clear().env("PATH", "/usr/bin:/bin").env("USER", "can-bo");
    command
}

/// Runs it to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("the binary is built with the tests")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("ended by itself")
}

#[test]
fn usage_ends_with_two_and_help_with_nought() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (vec!["--help"], 0),
        (vec!["--version"], 0),
        (vec!["serve", "--help"], 0),
        (vec![], 2),
        (vec!["fly"], 2),
        (vec!["serve", "--fast"], 2),
        (vec!["config"], 2),
        (vec!["config", "show", "--lang", "fr"], 2),
        (vec!["config", "show", "--config", "absent.toml"], 2),
        (vec!["demo", "--once", "--config", "absent.toml"], 2),
        (vec!["simulate", "consumer", "http://127.0.0.1:1", "/", "--config", "absent.toml"], 2),
        (vec!["packet", "list"], 0),
        (vec!["packet", "show", "Nothing"], 1),
        (vec!["packet", "check", "absent.json"], 2),
        (vec!["packet", "check", "x", "--mode", "hard"], 2),
        (vec!["serve", "--console", "off"], 2),
    ] {
        let output = run(folder.path(), &arguments);
        assert_eq!(code(&output), expected, "{arguments:?}: {}", text(&output.stderr));
        let spoken = if expected == 0 { &output.stdout } else { &output.stderr };
        assert!(!spoken.is_empty(), "{arguments:?}");
    }
    let help = text(&run(folder.path(), &["--help"]).stdout);
    for absent in ["console", "mailbox"] {
        assert!(!help.contains(absent), "{absent} arrives with its crate");
    }
}

#[test]
fn a_broken_configuration_is_one_for_check_and_two_for_others() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lgsp.toml"), "[ops]\n\nlissen = \"off\"\n").unwrap();
    for (arguments, expected) in [
        (vec!["config", "check"], 1),
        (vec!["config", "check", "--json"], 1),
        (vec!["config", "show"], 2),
        (vec!["serve"], 2),
    ] {
        let output = run(folder.path(), &arguments);
        assert_eq!(code(&output), expected, "{arguments:?}");
        let told = text(&output.stderr);
        assert!(told.contains("lgsp.toml:3:1: unknown_key: ops.lissen"), "{told}");
    }
    let output = run(folder.path(), &["config", "check", "--json", "--lang", "en"]);
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["ok"], false);
    assert_eq!(object["line"], 3);
    assert_eq!(object["key"], "ops.lissen");
}

#[test]
fn show_tells_where_each_value_came_from() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.toml"), "[platform]\nname = \"An Giang\"\n").unwrap();
    let output = command(folder.path(), &["config", "show", "--json", "--config", "x.toml"])
        .env("LGSP_OPS_LISTEN", "off")
        .output()
        .unwrap();
    assert_eq!(code(&output), 0);
    let shown = text(&output.stdout);
    for line in [
        r#"{"key":"platform.name","source":"x.toml:2:8","value":"An Giang"}"#,
        r#"{"key":"ops.listen","source":"LGSP_OPS_LISTEN","value":"off"}"#,
        r#"{"key":"gateway.live.http","source":"default","value":"127.0.0.1:8280"}"#,
        r#"{"key":"gateway.live.certificate","source":"default","value":null}"#,
    ] {
        assert!(shown.lines().any(|l| l == line), "{line}\n{shown}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path(), &["config", "show", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
