//! Golden clients: one-stop systems as the wild ones are written, each told only a base URL and
//! its keys. First straight against the simulated national portal, so that it is known that they
//! can do what is asked of them; then against the platform. They run side by side, and what they
//! print is compared. `./test` brings PHP, a JDK, Node and the Python libraries.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::command;
use crate::wire::{Answer, Connection, request};
use crate::world::{Making, World};

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
    /// A token cut out by position, a path for each packet: there is none of that at the portal.
    Wrapper,
}

/// All that speak the session protocol.
const SESSION: [Kind; 4] = [Kind::Java, Kind::Php, Kind::Node, Kind::Python];

/// The charset as its application server sets it, since the machine's decides what it reads; the
/// rest makes a short life cheap.
const JAVA_FLAGS: &[&str] =
    &["-Dfile.encoding=UTF-8", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

impl Kind {
    fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Kind::Java => 60,
            Kind::Php => 20,
            Kind::Node => 3,
            Kind::Python | Kind::Wrapper => 30,
        })
    }

    fn command(self) -> Command {
        let (program, flags, script): (_, &[&str], _) = match self {
            Kind::Java => ("java".into(), JAVA_FLAGS, "java/OneStop.java"),
            Kind::Php => ("php".into(), &[], "php/one_stop.php"),
            Kind::Node => ("node".into(), &[], "node/one_stop.mjs"),
            Kind::Python => (python(), &[], "python/one_stop.py"),
            Kind::Wrapper => (python(), &[], "python/wrapper.py"),
        };
        let mut command = Command::new(program);
        command.args(flags).arg(clients().join(script));
        // Whatever proxy this machine uses, its own loopback is none of the proxy's business.
        command.env("no_proxy", "127.0.0.1").env("NO_PROXY", "127.0.0.1");
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

/// What the platform is told of the golden clients; the words in capitals are put in.
const PROVINCE: &str = r#"
members:
  - { code: H01.009, name: Sở Tư pháp }
  - { code: G22, name: Văn phòng Chính phủ }
  - { code: G01, name: Bộ Công an }
systems:
  - { code: golden-java, member: H01.009, errors: legacy }
  - { code: golden-php, member: H01.009, errors: legacy }
  - { code: golden-node, member: H01.009, errors: legacy }
  - { code: golden-python, member: H01.009, errors: legacy }
  - { code: golden-wrapper, member: H01.009, errors: legacy }
  - { code: golden-modern, member: H01.009 }
services:
  - code: national-portal
    provider: G22
    context: /cong-dvc
    destination: "VN:GOV:000.00.00.G22:vpcpdvcprovider"
    versions:
      - version: "1.0"
        protocol: portal
        timeout: TIMEOUT
        endpoints: { live: ["http://NATIONAL"] }
        portal: { user: 000.00.00.H99, secret: "env:PORTAL_SECRET" }
  - code: population
    provider: G01
    context: /dancu
    versions:
      - { version: "1.0", endpoints: { live: ["http://CITIZEN"] } }
subscriptions:
  - { system: golden-php, service: population, version: "1.0", environment: live }
"#;
const OPERATIONS: &str = "[DongBoHoSoMC, CapNhatTienDoHoSoMC, LayThuTuc, TraCuuHoSo]";
const SYSTEMS: [&str; 6] = [
    "golden-java",
    "golden-php",
    "golden-node",
    "golden-python",
    "golden-wrapper",
    "golden-modern",
];

/// The platform with the golden clients' province and the portal behind it.
struct Golden {
    portal: Portal,
    world: World,
    /// Where the portal runs.
    _folder: tempfile::TempDir,
}

impl Golden {
    /// `timeout` is that of the portal's version.
    fn start(timeout: &str) -> Golden {
        let folder = tempfile::tempdir().unwrap();
        let portal = Portal::start(folder.path());
        let mut province = PROVINCE
            .replace("TIMEOUT", timeout)
            .replace("NATIONAL", &portal.address.to_string())
            .replace("CITIZEN", &population().to_string());
        for system in SYSTEMS {
            province += &format!(
                "  - {{ system: {system}, service: national-portal, version: '1.0', \
                 environment: live, operations: {OPERATIONS}, packets: refuse }}\n"
            );
        }
        province += "credentials:\n";
        for system in SYSTEMS {
            province += &format!("  - {{ system: {system}, environment: live }}\n");
        }
        let environment = vec![("PORTAL_SECRET".to_owned(), ACCOUNT.1.to_owned())];
        let world = World::make(Making { province, environment, ..Making::default() });
        Golden { portal, world, _folder: folder }
    }

    /// A client of a system, told the base URL with this behind it, and its keys.
    fn client(&self, kind: Kind, system: &str, behind: &str) -> Client {
        let base = format!("http://{}{behind}", self.world.listening.live);
        let keys = self.world.credential(system, "live");
        Client::start(kind, &base, &keys.consumer_key, &keys.secret_key)
    }

    /// One client of each kind, each at another door.
    fn clients(&self) -> Vec<Client> {
        DOORS.iter().map(|door| self.client(door.0, door.1, door.2)).collect()
    }

    /// How often the platform logged in at the portal.
    fn logins(&self) -> usize {
        let received = self.portal.ask("GET", "/inspect/received", "").json();
        let lines = received.as_array().unwrap().iter();
        lines.filter(|r| r["line"].as_str().unwrap().contains("/mapi/login")).count()
    }
}

/// Client, system, what stands behind the listener's address in its base URL, and the façade that
/// it meets. A base that ends in "/" is one character too short in some, one slash too long in
/// others. Two of one system share its keys, as two servers of one product do.
const DOORS: [(Kind, &str, &str, &str); 7] = [
    (Kind::Java, "golden-java", "", "portal"),
    (Kind::Java, "golden-java", "/XrdAdapter/RestService/forward//", "adapter"),
    (Kind::Php, "golden-php", "/VXPAdapter/RestService/forward", "adapter"),
    (Kind::Node, "golden-node", "/", "portal"),
    (Kind::Node, "golden-node", "//web/guest/XrdAdapter/RestService/forward/", "adapter"),
    (Kind::Python, "golden-python", "", "portal"),
    (Kind::Wrapper, "golden-wrapper", "", "packet"),
];

/// A stand-in of the population database: the same XML to every call, with prefixes that its
/// clients delete as text. Gives its address; it goes on until the tests end.
fn population() -> SocketAddr {
    const ANSWER: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#,
        r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">"#,
        r#"<soapenv:Body><ns1:CongdanCollection xmlns:ns1="http://www.mic.gov.vn/dancu/1.0">"#,
        "<ns1:CongDan><ns1:HoVaTen>Nguyễn Văn Thử</ns1:HoVaTen></ns1:CongDan>",
        "</ns1:CongdanCollection></soapenv:Body></soapenv:Envelope>"
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let mut length = 0;
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                let (name, value) = line.split_once(':').unwrap_or_default();
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_ok() {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/xml; charset=utf-8\r\n\
                     Content-Length: {}\r\nConnection: close\r\n\r\n",
                    ANSWER.len()
                );
                let _ = reader.get_mut().write_all((head + ANSWER).as_bytes());
            }
        }
    });
    address
}

/// Form bodies that claim to be JSON or text; a token found by position; XML read as text.
#[test]
fn golden_clients_get_a_token_and_the_bytes_as_they_are() {
    let golden = Golden::start("null");
    let mut clients = [
        golden.client(Kind::Php, "golden-php", "/VXPAdapter/RestService/forward"),
        golden.client(Kind::Wrapper, "golden-wrapper", ""),
    ];
    side_by_side(&mut clients, |client| match client.kind {
        Kind::Php => client.expect("xml", "ok", "Nguyễn Văn Thử"),
        _ => {
            client.expect("login", "ok", "");
            // RFC 6749 wants a 401 there, whose body such a client loses.
            client.expect("wrong", "unreadable", "(401)")
        }
    });
    golden.world.verify();
}

#[test]
fn the_golden_clients_do_their_work_through_the_platform() {
    let golden = Golden::start("null");
    let mut clients = golden.clients();
    for form in FORMS {
        golden.portal.write_as(form);
        side_by_side(&mut clients, |client| live(client, &golden.portal));
    }
    assert_eq!(golden.portal.verdict()["verdict"], "passed", "{}", golden.portal.verdict());
    side_by_side(&mut clients, |client| {
        client.expect("unknown", "refused", "Không tìm thấy hồ sơ");
        client.expect("bad", "refused", "NgayTiepNhan");
        client.expect("foreign", "refused", "Chưa được cấp quyền khai thác dịch vụ này");
        if client.kind != Kind::Wrapper {
            client.expect("wrong", "refused", " ");
        }
    });
    assert_eq!(golden.logins(), 1, "the national session is shared");
    // The platform sees to the national session; no client notices its end.
    golden.portal.end_sessions();
    side_by_side(&mut clients, |client| client.expect("procedure", "ok", "Cấp giấy"));
    assert_eq!(golden.logins(), 2);
    side_by_side(&mut clients, |client| {
        client.expect("later", "ok", "");
        client.expect("procedure", "ok", "Cấp giấy");
    });
    drop(clients);
    for (_, system, _, facade) in DOORS {
        let rows = golden.world.rows(&["--system", system, "--kind", "call"]);
        let operations: BTreeSet<&str> = rows
            .iter()
            .filter(|row| row["facade"] == facade)
            .filter_map(|row| row["operation"].as_str())
            .collect();
        let all = ["CapNhatTienDoHoSoMC", "DongBoHoSoMC", "LayThuTuc", "TraCuuHoSo"];
        assert!(operations.is_superset(&all.into()), "{system} by {facade}: {operations:?}");
        let statuses: BTreeSet<u64> = rows.iter().filter_map(|r| r["status"].as_u64()).collect();
        assert_eq!(statuses, [200].into(), "{system}: never a status that loses the body");
    }
    golden.world.verify();
}

/// Why the legacy profile exists: without it a wild client sees a refusal without its reason.
#[test]
fn a_golden_client_of_a_modern_system_loses_the_reason() {
    let golden = Golden::start("null");
    let mut client = golden.client(Kind::Java, "golden-modern", "");
    client.expect("procedure", "ok", "Cấp giấy");
    client.expect("foreign", "unreadable", "403");
}

/// The portal hangs. Within each client's patience there is a well-formed answer, or the client
/// gives up by itself; afterwards it works on.
fn hang(timeout: &str, answered: Duration) {
    let golden = Golden::start(timeout);
    let mut clients = golden.clients();
    side_by_side(&mut clients, |client| client.expect("slow", "ok", "Cấp giấy"));
    golden.portal.slow(90_000);
    side_by_side(&mut clients, |client| {
        let patience = client.kind.patience();
        let told = match patience < answered {
            true => client.expect("new", "timeout", ""),
            false => client.expect("new", "refused", "thời hạn"),
        };
        let expected = patience.min(answered);
        let limit = expected + Duration::from_secs(3);
        assert!(told.took + Duration::from_secs(1) >= expected && told.took < limit, "{told:?}");
    });
    golden.portal.slow(0);
    // The portal took the dossier before it fell silent: nobody was told, and nothing is lost.
    side_by_side(&mut clients, |client| {
        let told = client.expect("again", "updated", "đã tồn tại");
        let code = told.shown.split(' ').nth(2).unwrap();
        assert_eq!(golden.portal.dossier(code)["received"], 3, "{code}: new, again, as update");
    });
    let rows = golden.world.rows(&["--kind", "call"]);
    let fault = |name: &str| rows.iter().filter(|row| row["fault"] == name).count();
    let patient = DOORS.iter().filter(|door| door.0.patience() >= answered).count();
    assert!(fault("provider_timeout") >= patient, "{rows:?}");
    golden.world.verify();
}

/// As registered for consumers that wait 20 s.
#[test]
fn a_hanging_portal_with_18_s_is_told_to_all_but_the_shortest() {
    hang("18s", Duration::from_secs(18));
}

/// The platform's own bound: those that wait 20 s give up by themselves.
#[test]
fn a_hanging_portal_is_told_at_the_deadline() {
    hang("null", Duration::from_millis(29_500));
}
