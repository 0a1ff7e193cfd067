//! Golden clients: one-stop systems as the wild ones are written, each told only a base URL and
//! its keys, straight against the simulated national portal: so it is known that they can do what
//! is asked of them. They run side by side, and what they print is compared. `./test` brings PHP, a
//! JDK, Node and the Python libraries.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::command;
use crate::wire::{Answer, Connection, request};

/// The account of the simulated portal.
const ACCOUNT: (&str, &str) = ("000.00.00.H99", "synthetic-not-a-secret");
/// No client waits longer than 60 s for an answer; a little more, with its start.
const PATIENCE: Duration = Duration::from_secs(90);

/// A kind of client and how long it waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Java,
    Php,
    Node,
    Python,
}

/// All that speak the session protocol.
const SESSION: [Kind; 4] = [Kind::Java, Kind::Php, Kind::Node, Kind::Python];

impl Kind {
    fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Kind::Java => 60,
            Kind::Php => 20,
            Kind::Node => 3,
            Kind::Python => 30,
        })
    }

    fn command(self) -> Command {
        let (program, flags, script): (_, &[&str], _) = match self {
            // As its application server starts it: the machine's charset decides what it reads.
            Kind::Java => ("java".into(), &["-Dfile.encoding=UTF-8"], "java/OneStop.java"),
            Kind::Php => ("php".into(), &[], "php/one_stop.php"),
            Kind::Node => ("node".into(), &[], "node/one_stop.mjs"),
            Kind::Python => (python(), &[], "python/one_stop.py"),
        };
        let mut command = Command::new(program);
        command.args(flags).arg(clients().join(script));
        command
    }
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

fn python() -> String {
    std::env::var("LGSP_TEST_PYTHON").expect("LGSP_TEST_PYTHON names a Python: run ./test")
}

/// A running client: it takes a step a line and tells what came of it.
struct Client {
    kind: Kind,
    child: Child,
    steps: ChildStdin,
    lines: Receiver<String>,
}

/// What a client made of a step.
#[derive(Clone, Debug)]
struct Told {
    outcome: String,
    /// What the clerk sees.
    shown: String,
    took: Duration,
}

impl Client {
    fn start(kind: Kind, base: &str, user: &str, password: &str) -> Client {
        let mut child = kind
            .command()
            .args([base, user, password])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{kind:?} does not start ({e}): run ./test"));
        let steps = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Client { kind, child, steps, lines }
    }

    /// Takes one step and waits for what came of it.
    fn take(&mut self, step: &str) -> Told {
        let began = Instant::now();
        writeln!(self.steps, "{step}").unwrap();
        self.steps.flush().unwrap();
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|e| panic!("{:?} {step}: nothing ({e})", self.kind));
        println!("{:<6} {line} ({} ms)", format!("{:?}", self.kind), began.elapsed().as_millis());
        let parts: Vec<&str> = line.splitn(3, '\t').collect();
        assert_eq!((parts.len(), parts[0]), (3, step), "{:?}: {line}", self.kind);
        Told { outcome: parts[1].into(), shown: parts[2].into(), took: began.elapsed() }
    }

    /// Takes a step that must come out so, and show these words.
    fn expect(&mut self, step: &str, outcome: &str, words: &str) -> Told {
        let told = self.take(step);
        let right = told.outcome == outcome && told.shown.contains(words);
        assert!(right, "{:?} {step}: expected {outcome} {words:?}, {told:?}", self.kind);
        told
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does the same with each client at the same time; all are waited for.
fn side_by_side<T: Send>(clients: &mut [Client], each: impl Fn(&mut Client) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let each = &each;
        let running: Vec<_> =
            clients.iter_mut().map(|client| scope.spawn(move || each(client))).collect();
        running.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

/// `lgsp simulate portal`, as a vendor starts it.
struct Portal {
    child: Child,
    address: SocketAddr,
}

impl Portal {
    fn start(folder: &Path) -> Portal {
        let account = format!("{}:{}", ACCOUNT.0, ACCOUNT.1);
        let arguments =
            ["simulate", "portal", "--listen", "127.0.0.1:0", "--account", account.as_str()];
        let mut child = command(folder, &arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let address = ready["portal"].as_str().unwrap().parse().unwrap();
        Portal { child, address }
    }

    fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let asked = request(method, path, &[], body.as_bytes());
        Connection::open(self.address).ask(asked).expect("the portal answers")
    }

    /// What it holds of a dossier.
    fn dossier(&self, code: &str) -> Value {
        self.ask("GET", &format!("/inspect/dossiers/{code}"), "").json()
    }

    /// Everything it answers from now on waits so long.
    fn slow(&self, delay_ms: u64) {
        let trouble = format!("{{\"delay_ms\":{delay_ms}}}");
        assert_eq!(self.ask("PUT", "/inspect/trouble", &trouble).status, 204);
    }

    /// Writes success and "exists already" in one of the forms seen; forgets all dossiers.
    fn write_as(&self, form: (&str, &str)) {
        let (success, exists) = form;
        let change = format!(r#"{{"success":"{success}","codes":{{"exists":{exists}}}}}"#);
        assert_eq!(self.ask("PUT", "/inspect/settings", &change).status, 204);
        assert_eq!(self.ask("DELETE", "/inspect/dossiers", "").status, 204);
    }

    /// What it says of all that it was sent: `passed` when nothing was wrong or is missing.
    fn verdict(&self) -> Value {
        self.ask("GET", "/inspect/verdict", "").json()
    }

    fn end_sessions(&self) {
        assert_eq!(self.ask("DELETE", "/inspect/sessions", "").status, 204);
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `error_code` of a success and of a duplicate, as number or text.
const FORMS: [(&str, &str); 3] = [("number", "-3"), ("text", r#""3""#), ("padded", r#""-3""#)];

/// The way of a dossier, from the login to the procedure that it follows.
fn live(client: &mut Client, portal: &Portal) {
    client.expect("login", "ok", "");
    let code = client.expect("new", "ok", "000.00.1").shown;
    client.expect("again", "updated", "");
    client.expect("progress", "ok", "");
    client.expect("procedure", "ok", "Cấp giấy xác nhận thử nghiệm");
    client.expect("lookup", "ok", "");
    let held = portal.dossier(&code);
    let updates: Vec<&Value> =
        held["states"].as_array().unwrap().iter().map(|s| &s["isUpdating"]).collect();
    assert_eq!(updates, [false, true], "{:?}: {held}", client.kind);
    assert_eq!(held["received"], 3, "new, again, as update: {held}");
    let steps: Vec<&str> = held["progress"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["NoiDungXuLy"].as_str().unwrap())
        .collect();
    let sent: Vec<String> = (1..=12).map(|at| format!("Bước {at}")).collect();
    assert_eq!(steps, sent, "{:?}: every row once, in its order", client.kind);
}

#[test]
fn the_golden_clients_do_their_work_straight_at_the_portal() {
    let folder = tempfile::tempdir().unwrap();
    let portal = Portal::start(folder.path());
    let start = |kind| Client::start(kind, &portal.base(), ACCOUNT.0, ACCOUNT.1);
    let mut clients = SESSION.map(start);
    for form in FORMS {
        portal.write_as(form);
        side_by_side(&mut clients, |client| live(client, &portal));
    }
    assert_eq!(portal.verdict()["verdict"], "passed", "{}", portal.verdict());
    side_by_side(&mut clients, |client| {
        client.expect("unknown", "refused", "Không tìm thấy hồ sơ");
        client.expect("wrong", "refused", "Sai tên đăng nhập hoặc mật khẩu");
    });
    // A session that the portal ended is used on until the ten minutes are over.
    portal.end_sessions();
    side_by_side(&mut clients, |client| match client.kind {
        Kind::Php => client.expect("procedure", "ok", "Cấp giấy"),
        _ => client.expect("procedure", "refused", "Phiên làm việc"),
    });
    side_by_side(&mut clients, |client| {
        client.expect("later", "ok", "");
        if client.kind != Kind::Node {
            client.expect("procedure", "ok", "Cấp giấy");
        }
    });
}

/// A portal slower than the shortest patience, with `LGSP_TEST_LONG` slower than all of them.
#[test]
fn the_golden_clients_wait_as_long_as_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let portal = Portal::start(folder.path());
    let mut clients = SESSION.map(|k| Client::start(k, &portal.base(), ACCOUNT.0, ACCOUNT.1));
    side_by_side(&mut clients, |client| client.expect("login", "ok", ""));
    let delay =
        Duration::from_secs(if std::env::var_os("LGSP_TEST_LONG").is_some() { 65 } else { 5 });
    portal.slow(u64::try_from(delay.as_millis()).unwrap());
    side_by_side(&mut clients, |client| {
        let patience = client.kind.patience();
        let expected = if patience < delay { "timeout" } else { "ok" };
        let told = client.expect("slow", expected, "");
        // PHP, which logs in at each page, waits twice.
        let limit = patience.min(delay) * 2 + Duration::from_secs(2);
        assert!(
            told.took >= patience.min(delay) && told.took < limit,
            "{:?}: {told:?}",
            client.kind
        );
    });
    portal.slow(0);
    side_by_side(&mut clients, |client| client.expect("slow", "ok", "Cấp giấy"));
}
