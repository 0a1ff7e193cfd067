//! The first steps of the manual, typed as they stand there.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::program::{command, text};

/// A program of the first terminals; killed when dropped.
struct Running {
    child: Child,
    ready: Value,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Running {
        let mut command = command(folder, arguments);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it is");
        let ready = serde_json::from_str(&line).expect("a ready line");
        Running { child, ready }
    }

    fn address(&self, name: &str) -> &str {
        self.ready[name].as_str().expect("an address")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        crate::world::end(&mut self.child);
    }
}

/// The shell blocks of a document, in order.
fn blocks(document: &str) -> Vec<String> {
    let parts = document.split("```sh\n").skip(1);
    parts.filter_map(|part| Some(part.split_once("```")?.0.to_owned())).collect()
}

/// The lines without their comments.
fn commands(blocks: &[String]) -> Vec<&str> {
    let lines = blocks.iter().flat_map(|block| block.lines());
    lines.map(|line| line.split(" #").next().unwrap_or_default().trim_end()).collect()
}

#[test]
fn the_first_steps_run_as_they_are_printed() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/manual");
    let program = Path::new(env!("CARGO_BIN_EXE_lgsp")).parent().expect("a folder");
    let mut steps: Vec<Vec<String>> = Vec::new();
    for name in ["start.md", "start.vi.md"] {
        let document = std::fs::read_to_string(manual.join(name)).expect("the manual is there");
        let mut blocks = blocks(&document);
        assert!(blocks.len() >= 7, "{name}: {} blocks", blocks.len());
        // building, and the two terminals that stay
        let staying: Vec<String> = blocks.drain(..3).skip(1).collect();
        assert_eq!(staying, ["lgsp simulate provider --listen 127.0.0.1:9102\n", "lgsp serve\n"]);
        steps.push(blocks.clone());
        let folder = tempfile::tempdir().expect("a folder");
        let free = "127.0.0.1:0";
        let provider = Running::start(folder.path(), &["simulate", "provider", "--listen", free]);
        let serve = ["serve", "--live", free, "--trial", "off", "--ops", "off"];
        let serve = Running::start(folder.path(), &serve);
        let script = blocks.concat();
        for port in ["127.0.0.1:9102", "127.0.0.1:8280"] {
            assert!(script.contains(port), "{name}: {port}");
        }
        let script = script
            .replace("127.0.0.1:9102", provider.address("provider"))
            .replace("127.0.0.1:8280", serve.address("live"));
        let path = format!("{}:/usr/bin:/bin", program.display());
        let output = std::process::Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", path)
            .output()
            .expect("bash is there");
        let (shown, told) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{name}: {told}{shown}");
        for expected in [
            r#""key":"one-stop/tra-cuu/1.0/live","change":"created""#,
            r#""maThua":"123""#,
            r#""calls":100,"status":{"200":100}"#,
            r#"{"ok":true,"#,
            "✓ hoso.json",
        ] {
            assert!(shown.contains(expected), "{name}: {expected}\n{shown}");
        }
    }
    // the comments apart, both languages tell the same steps
    assert_eq!(commands(&steps[0]), commands(&steps[1]));
}
