//! The server and the commands beside it: ready line, exit codes, what each command prints.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;
use simulator::consumer::{self, Call};
use tempfile::TempDir;

use crate::program::{command, run, text};
use crate::world::{World, wait_until};

const PROVINCE: &str = "\
members:
  - { code: H01.009, name: Văn phòng }
  - { code: H01.013, name: Sở NN&MT }
systems:
  - { code: one-stop, member: H01.009 }
services:
  - code: land
    provider: H01.013
    context: /dat
    versions:
      - { version: '1.0', endpoints: { live: ['http://127.0.0.1:9'] } }
subscriptions:
  - { system: one-stop, service: land, version: '1.0', environment: live }
credentials:
  - { system: one-stop, environment: live }
";

/// A running server on free ports; killed when dropped.
struct Server {
    child: Child,
    ready: Value,
}

impl Server {
    fn start(folder: &Path) -> Server {
        let free = "127.0.0.1:0";
        let arguments = ["serve", "--live", free, "--trial", "off", "--ops", free];
        let mut child = command(folder, &arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut told = String::new();
            child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
            panic!("not ready: {line}{told}")
        });
        Server { child, ready }
    }

    fn url(&self, listener: &str, path: &str) -> String {
        format!("http://{}{path}", self.ready[listener].as_str().unwrap())
    }

    fn get(&self, listener: &str, path: &str) -> (u16, String) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let call = Call::get(self.url(listener, path));
        let reply = runtime.block_on(consumer::call(&call)).unwrap();
        (reply.status.as_u16(), reply.text())
    }

    /// SIGTERM, then the exit code and the log.
    fn stop(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        std::process::Command::new("kill").arg(&pid).status().unwrap();
        let mut told = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        (self.child.wait().unwrap().code(), told)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        crate::world::end(&mut self.child);
    }
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    text(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Runs a command, checks its exit code, gives what it printed.
fn done(folder: &Path, arguments: &[&str], code: i32) -> Vec<u8> {
    let output = run(folder, arguments);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    output.stdout
}

fn province() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.yaml"), PROVINCE).unwrap();
    folder
}

#[test]
fn ready_is_one_line_and_sigterm_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let keys: Vec<&String> = server.ready.as_object().unwrap().keys().collect();
    let expected = ["console", "inbound", "live", "live_tls", "ops", "ready", "trial", "trial_tls"];
    assert_eq!(keys, expected);
    assert_eq!(server.ready["ready"], true);
    for off in ["console", "inbound", "live_tls", "trial", "trial_tls"] {
        assert!(server.ready[off].is_null(), "{off}");
    }
    assert_eq!(server.get("ops", "/health/live").0, 200);
    let (status, body) = server.get("ops", "/health/ready");
    assert_eq!((status, body.contains("\"ready\":true")), (200, true), "{body}");
    assert_eq!(server.get("ops", "/").0, 404);
    assert_eq!(server.get("live", "/x/1").0, 401);
    let (status, metrics) = server.get("ops", "/metrics");
    assert_eq!(status, 200);
    for name in ["lgsp_build_info", "lgsp_calls_total", "lgsp_journal_disk_free_bytes"] {
        assert!(metrics.contains(name), "{name}\n{metrics}");
    }
    let data = folder.path().join("lgsp-data");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.child.id())).unwrap();
    let files = limits.lines().find(|l| l.starts_with("Max open files")).unwrap();
    let files: Vec<&str> = files.split_whitespace().collect();
    assert_eq!(files[3], files[4], "soft is hard");
    let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    let (code, told) = server.stop();
    assert_eq!(code, Some(0), "{told}");
    for line in told.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "not JSON: {line}");
    }
    assert!(data.join("journal/manifest.jsonl").is_file(), "the journal was sealed");
}

#[test]
fn calls_in_flight_end_before_the_server_does() {
    let mut world = World::start();
    let token = world.token("one-stop");
    let health = format!("http://{}/health/ready", world.listening.ops);
    std::thread::scope(|scope| {
        let world = &world;
        let call = scope.spawn(|| world.call(&token, "GET", "/datdai/1.0/delay/1500", b""));
        wait_until(Duration::from_secs(10), "the provider is asked", || {
            world.provider.count() == 1
        });
        world.terminate();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        wait_until(Duration::from_secs(10), "readiness goes down", || {
            let reply = runtime.block_on(consumer::call(&Call::get(health.as_str())));
            reply.is_ok_and(|reply| reply.status == 503 && reply.text().contains("stopping"))
        });
        let refused = || std::net::TcpStream::connect(world.listening.live).is_err();
        wait_until(Duration::from_secs(1), "new connections are refused", refused);
        assert_eq!(call.join().unwrap().status, 200);
    });
    assert_eq!(world.stop(), 0);
    let rows = world.rows(&["--kind", "call"]);
    assert_eq!((rows.len(), &rows[0]["outcome"]), (1, &"answered".into()));
    world.verify();
}

#[test]
fn a_folder_and_a_port_have_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let told = |arguments: &[&str]| {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(output.stdout.is_empty(), "no ready line");
        text(&output.stderr)
    };
    let same = told(&["serve", "--lang", "en", "--ops", "off"]);
    assert!(same.contains("another `lgsp serve` runs on the folder lgsp-data"), "{same}");
    for (flag, listener) in [("--live", "live"), ("--trial", "live"), ("--ops", "ops")] {
        let taken = server.ready[listener].as_str().unwrap();
        let free = ["serve", "--lang", "en", "--data", "other", "--live", "127.0.0.1:0"];
        let mut arguments = free.to_vec();
        arguments.extend(["--trial", "off", "--ops", "off"]);
        match arguments.iter().position(|a| *a == flag) {
            Some(at) => arguments[at + 1] = taken,
            None => arguments.extend([flag, taken]),
        }
        let told = told(&arguments);
        assert!(
            told.contains(&format!("cannot listen on {taken}: Address already in use")),
            "{told}"
        );
    }
}

#[test]
fn a_broken_certificate_is_a_broken_configuration() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.pem"), "nothing").unwrap();
    for pair in [("a.pem", "a.pem"), ("absent.pem", "a.pem")] {
        for (arguments, code) in [(["serve", "--ops=off"], 2), (["config", "check"], 1)] {
            let output = command(folder.path(), &arguments)
                .env("LGSP_GATEWAY_LIVE_CERTIFICATE", pair.0)
                .env("LGSP_GATEWAY_LIVE_KEY", pair.1)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        }
    }
    let output = run(folder.path(), &["serve", "--live-tls", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(2), "no certificate at all");
}

#[test]
fn apply_tells_what_it_did_and_hands_keys_out_once() {
    let folder = province();
    let folder = folder.path();
    done(folder, &["apply", "-f", "absent.yaml"], 2);
    let dry = lines(&done(folder, &["apply", "-f", "p.yaml", "--dry-run"], 0));
    assert!(dry.iter().all(|line| line["secret_key"].is_null()), "nothing issued");
    let shown = lines(&done(folder, &["show", "members", "--json"], 0));
    assert!(shown.is_empty(), "a dry run changes nothing");

    let applied = done(folder, &["apply", "-f", "p.yaml", "--keys-out", "keys.jsonl"], 0);
    assert!(!text(&applied).contains("secret_key"));
    let keys = std::fs::read_to_string(folder.join("keys.jsonl")).unwrap();
    let issued: Value = serde_json::from_str(keys.trim()).unwrap();
    assert_eq!((&issued["entry"], &issued["change"]), (&"credential".into(), &"created".into()));
    let order = ["entry", "key", "change", "fields", "system", "environment", "consumer_key"];
    let places: Vec<_> = order.iter().map(|key| keys.find(&format!("\"{key}\":"))).collect();
    assert!(places.is_sorted() && places[0] == Some(1), "the order of design §6: {keys}");
    assert!(issued["secret_key"].is_string(), "{issued}");
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(folder.join("keys.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    done(folder, &["apply", "-f", "p.yaml", "--keys-out", "keys.jsonl"], 2);

    let again = lines(&done(folder, &["apply", "-f", "p.yaml"], 0));
    assert!(again.iter().all(|line| line["change"] == "unchanged"), "{again:?}");
    let exported = done(folder, &["export"], 0);
    let object: Value = serde_json::from_slice(&done(folder, &["export", "--json"], 0)).unwrap();
    assert_eq!(object["registry"].as_str().map(str::as_bytes), Some(&*exported));
    std::fs::write(folder.join("e.yaml"), &exported).unwrap();
    let again = lines(&done(folder, &["apply", "-f", "e.yaml"], 0));
    assert!(again.iter().all(|line| line["change"] == "unchanged"), "{again:?}");
}

#[test]
fn a_wrong_registry_file_names_every_place_and_changes_nothing() {
    let folder = province();
    let folder = folder.path();
    let wrong = PROVINCE
        .replace("provider: H01.013", "provider: H01.999")
        .replace("land, ver", "lend, ver");
    std::fs::write(folder.join("w.yaml"), wrong).unwrap();
    let output = run(folder, &["apply", "-f", "w.yaml", "--keys-out", "k", "--lang", "en"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let told = text(&output.stderr);
    assert!(told.contains("w.yaml:8:15: member_unknown: "), "{told}");
    assert!(told.contains("service_unknown: "), "{told}");
    assert!(!folder.join("k").exists(), "no key, no file");
    assert!(done(folder, &["show", "systems", "--json"], 0).is_empty());
}

#[test]
fn keys_are_issued_rotated_listed_and_revoked() {
    let folder = province();
    let folder = folder.path();
    done(folder, &["apply", "-f", "p.yaml"], 0);
    let issue = |system| ["key", "issue", "--environment", "trial", "--system", system];
    done(folder, &issue("nobody"), 1);
    let issued = &lines(&done(folder, &issue("one-stop"), 0))[0];
    let key = issued["consumer_key"].as_str().unwrap();
    let rotated = &lines(&done(folder, &["key", "rotate", key, "--overlap", "1h"], 0))[0];
    assert_eq!(rotated["consumer_key"], issued["consumer_key"]);
    assert_ne!(rotated["secret_key"], issued["secret_key"]);
    let listed = done(folder, &["key", "list", "--system", "one-stop", "--json"], 0);
    assert_eq!(lines(&listed).len(), 2);
    assert!(!text(&listed).contains(rotated["secret_key"].as_str().unwrap()));
    let changed = |arguments: &[&str]| lines(&done(folder, arguments, 0))[0]["change"].clone();
    assert_eq!(changed(&["key", "revoke", key]), "updated");
    assert_eq!(changed(&["key", "revoke", key]), "unchanged");
    done(folder, &["key", "rotate", key], 1);
    done(folder, &["key", "revoke", "nobody"], 1);
    done(folder, &["key", "rotate", key, "--overlap", "long"], 2);
    assert!(done(folder, &["key", "list", "--system", "nobody", "--json"], 0).is_empty());
}

#[test]
fn the_keyring_is_rotated_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let list = |arguments: &[&str], code| {
        let printed = lines(&done(folder.path(), arguments, code));
        printed.iter().map(|e| e["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(&["keyring", "list", "--json"], 0), ["current"]);
    assert_eq!(list(&["keyring", "rotate", "--json"], 0), ["former", "current"]);
    assert!(list(&["keyring", "retire", "2", "--json"], 1).is_empty());
    assert_eq!(list(&["keyring", "retire", "1", "--json"], 0), ["retired", "current"]);
    assert!(list(&["keyring", "retire", "9", "--json"], 1).is_empty());
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn the_journal_is_read_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["journal", "search"], 2);
    let server = Server::start(folder);
    for number in 0..3 {
        assert_eq!(server.get("live", &format!("/x/{number}")).0, 401);
    }
    let found = |flags: &[&str]| {
        let mut arguments = vec!["journal", "search", "--json"];
        arguments.extend(flags);
        lines(&done(folder, &arguments, 0))
    };
    let rows = found(&[]);
    assert_eq!(rows.len(), 3);
    assert_eq!(found(&["--limit", "2"]).len(), 2);
    assert_eq!(found(&["--fault", "token_missing", "--outcome", "denied"]).len(), 3);
    assert_eq!(found(&["--outcome", "answered"]).len(), 0);
    let id = rows[1]["exchange_id"].as_str().unwrap();
    assert_eq!(found(&["--exchange", id]), [rows[1].clone()]);
    assert_eq!(found(&["--from", "2000-01-01", "--to", "2000-01-02"]).len(), 0);
    for wrong in [["--from", "yesterday"], ["--kind", "talk"], ["--exchange", "7"]] {
        done(folder, &["journal", "search", wrong[0], wrong[1]], 2);
    }
    let stats = lines(&done(folder, &["journal", "stats", "--by", "fault", "--json"], 0));
    assert_eq!((&stats[0]["fault"], &stats[0]["count"]), (&"token_missing".into(), &3.into()));
    done(folder, &["journal", "stats", "--by", "weather"], 2);
    for (format, lines) in [("jsonl", 3), ("csv", 4)] {
        let arguments = ["journal", "export", "--format", format, "--out", format];
        done(folder, &arguments, 0);
        let exported = std::fs::read_to_string(folder.join(format)).unwrap();
        assert_eq!(exported.lines().count(), lines);
        done(folder, &arguments, 2);
    }
    done(folder, &["journal", "export", "--format", "parquet", "--out", "x"], 2);
    assert_eq!(lines(&done(folder, &["journal", "verify"], 0))[0]["ok"], true);
    assert_eq!(server.stop().0, Some(0));
    flip_a_byte(&folder.join("lgsp-data/journal"));
    let verdict = &lines(&done(folder, &["journal", "verify"], 1))[0];
    assert_eq!(verdict["ok"], false);
    assert!(verdict["file"].is_string() && verdict["reason"].is_string(), "{verdict}");
    done(folder, &["doctor"], 1);
}

fn flip_a_byte(journal: &Path) {
    let files = std::fs::read_dir(journal).unwrap().map(|file| file.unwrap().path());
    let log = files.filter(|path| path.extension().is_some_and(|e| e == "log")).min().unwrap();
    let mut bytes = std::fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(log, bytes).unwrap();
}

#[test]
fn the_doctor_tells_what_is_wrong_and_what_to_do() {
    let folder = province();
    let folder = folder.path();
    done(folder, &["doctor"], 2);
    done(folder, &["apply", "-f", "p.yaml"], 0);
    let ports = [
        ("LGSP_GATEWAY_LIVE_HTTP", "127.0.0.1:0"),
        ("LGSP_GATEWAY_TRIAL_HTTP", "127.0.0.1:0"),
        ("LGSP_OPS_LISTEN", "127.0.0.1:0"),
    ];
    let examine = |also: (&str, &str)| {
        let output = command(folder, &["doctor", "--json", "--lang", "en"])
            .envs(ports)
            .env(also.0, also.1)
            .output()
            .unwrap();
        (output.status.code(), lines(&output.stdout))
    };
    let verdict = |found: &[Value], check: &str| {
        let finding = found.iter().find(|f| f["check"] == check);
        finding.map(|f| f["verdict"].as_str().unwrap().to_owned())
    };
    let (code, found) = examine(("X", ""));
    assert_eq!(code, Some(0), "{found:?}");
    // how full the disk of this machine is does not matter here
    assert!(verdict(&found, "disk-data").is_some_and(|verdict| verdict != "fail"), "{found:?}");
    for check in ["data-folder", "keyring-file", "database", "keyring", "clock", "packet-tables"] {
        assert_eq!(verdict(&found, check).as_deref(), Some("ok"), "{check}");
    }
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let (code, found) = examine(("LGSP_GATEWAY_LIVE_HTTP", &taken));
    assert_eq!((code, verdict(&found, "port-live").as_deref()), (Some(1), Some("fail")));
    let tables = folder.join("lgsp-data/packet");
    std::fs::create_dir(&tables).unwrap();
    std::fs::write(tables.join("a.toml"), "packet = \n").unwrap();
    let (code, found) = examine(("X", ""));
    assert_eq!((code, verdict(&found, "packet-tables").as_deref()), (Some(1), Some("fail")));
    std::fs::remove_file(tables.join("a.toml")).unwrap();
    use std::os::unix::fs::PermissionsExt;
    let keyring = folder.join("lgsp-data/keys/keyring.toml");
    std::fs::set_permissions(&keyring, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, found) = examine(("X", ""));
    assert_eq!((code, verdict(&found, "keyring-file").as_deref()), (Some(1), Some("fail")));
}

#[test]
fn a_stand_in_says_where_it_listens() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["portal", "provider"] {
        let mut child = command(folder.path(), &["simulate", name, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let address = ready[name].as_str().unwrap();
        let reached =
            std::net::TcpStream::connect_timeout(&address.parse().unwrap(), Duration::from_secs(5));
        assert!(reached.is_ok(), "{name}");
        std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{name}");
    }
}
