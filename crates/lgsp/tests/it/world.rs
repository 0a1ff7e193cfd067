//! World: the platform as its operator runs it (the built program, a data folder, commands beside
//! it), with simulated providers around it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::wire::{Answer, Connection, request};

/// The province of these tests; `PROVIDER` is the simulated provider's address.
const PROVINCE: &str = r#"
format: 1
members:
  - { code: H01, name: UBND tỉnh }
  - { code: H01.009, name: Sở Tư pháp, parent: H01 }
  - { code: H01.013, name: Sở Nông nghiệp và Môi trường, parent: H01 }
systems:
  - { code: one-stop, member: H01.009, name: Hệ thống một cửa }
  - { code: archive, member: H01.009, name: Kho lưu trữ }
services:
  - code: land
    provider: H01.013
    name: Tra cứu đất đai
    context: /datdai
    versions:
      - { version: "1.0", aliases: [v1], endpoints: { live: ["http://PROVIDER"], trial: ["http://PROVIDER"] }, body_max: 32MiB }
  - code: short
    provider: H01.013
    name: Dịch vụ có thời hạn ngắn
    context: /ngan
    versions:
      - { version: "1.0", timeout: 1s, endpoints: { live: ["http://PROVIDER"] } }
  - code: other
    provider: H01.013
    name: Dịch vụ chưa đăng ký
    context: /khac
    versions:
      - { version: "1.0", endpoints: { live: ["http://PROVIDER"] } }
subscriptions:
  - { system: one-stop, service: land, version: "1.0", environment: live }
  - { system: one-stop, service: land, version: "1.0", environment: trial }
  - { system: one-stop, service: short, version: "1.0", environment: live }
  - { system: archive, service: land, version: "1.0", environment: live }
credentials:
  - { system: one-stop, environment: live }
  - { system: one-stop, environment: trial }
  - { system: archive, environment: live }
"#;

/// Consumer key and secret key of one system.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) consumer_key: String,
    pub(crate) secret_key: String,
}

/// Where the running platform listens.
#[derive(Clone, Debug)]
pub(crate) struct Listening {
    pub(crate) live: SocketAddr,
    pub(crate) trial: SocketAddr,
    pub(crate) ops: SocketAddr,
    pub(crate) live_tls: Option<SocketAddr>,
    pub(crate) inbound: Option<SocketAddr>,
}

/// What a world is made of.
#[derive(Clone, Debug)]
pub(crate) struct Making {
    /// The registry file; `PROVIDER` is the simulated provider's address.
    pub(crate) province: String,
    /// `--live-tls`.
    pub(crate) live_tls: &'static str,
    /// Further flags of `serve`.
    pub(crate) flags: Vec<String>,
    /// Variables of `apply` and `serve`.
    pub(crate) environment: Vec<(String, String)>,
}

impl Default for Making {
    fn default() -> Making {
        Making {
            province: PROVINCE.to_owned(),
            live_tls: "off",
            flags: Vec::new(),
            environment: Vec::new(),
        }
    }
}

pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) provider: simulator::provider::Provider,
    pub(crate) listening: Listening,
    server: Child,
    making: Making,
    credentials: Vec<(String, String, Credential)>,
    /// Carries the simulated provider; ends it when the world ends.
    _runtime: tokio::runtime::Runtime,
}

impl World {
    /// The platform with the province of these tests, running.
    pub(crate) fn start() -> World {
        World::make(Making::default())
    }

    /// The same, with TLS on the live environment as well.
    pub(crate) fn start_with_tls() -> World {
        World::make(Making { live_tls: "127.0.0.1:0", ..Making::default() })
    }

    /// The certificate of the TLS listener, to be trusted by clients.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.dir.path().join("tls.crt")
    }

    /// The platform with this province, running.
    pub(crate) fn make(making: Making) -> World {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let provider = runtime
            .block_on(simulator::provider::start(simulator::provider::Settings::default()))
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let province = making.province.replace("PROVIDER", &provider.address.to_string());
        std::fs::write(dir.path().join("province.yaml"), province).unwrap();
        let data = dir.path().join("data");
        let file = dir.path().join("province.yaml");
        let apply = ["apply", "-f", path(&file)];
        let lines = json_lines(&checked(run(&data, &apply, &making.environment)));
        let credentials = lines
            .iter()
            .filter(|line| line["secret_key"].is_string())
            .map(|line| {
                let text = |key: &str| line[key].as_str().unwrap().to_string();
                let (consumer_key, secret_key) = (text("consumer_key"), text("secret_key"));
                (text("system"), text("environment"), Credential { consumer_key, secret_key })
            })
            .collect();
        let issued = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
        std::fs::write(dir.path().join("tls.crt"), issued.cert.pem()).unwrap();
        std::fs::write(dir.path().join("tls.key"), issued.signing_key.serialize_pem()).unwrap();
        let (server, listening) = serve(&data, &making, None);
        World { dir, provider, listening, server, making, credentials, _runtime: runtime }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The keys that `apply` printed for this system.
    pub(crate) fn credential(&self, system: &str, environment: &str) -> Credential {
        let found = self.credentials.iter().find(|(s, e, _)| s == system && e == environment);
        found.unwrap_or_else(|| panic!("no key for {system}/{environment}")).2.clone()
    }

    /// A token from the live listener.
    pub(crate) fn token(&self, system: &str) -> String {
        let credential = self.credential(system, "live");
        let answer = self.ask_token(self.listening.live, &credential);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["access_token"].as_str().unwrap().to_string()
    }

    pub(crate) fn ask_token(&self, listener: SocketAddr, credential: &Credential) -> Answer {
        let body = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            credential.consumer_key, credential.secret_key
        );
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let request = request("POST", "/token", &form, body.as_bytes());
        Connection::open(listener).ask(request).expect("an answer")
    }

    /// One call on a connection of its own.
    pub(crate) fn call(&self, token: &str, method: &str, target: &str, body: &[u8]) -> Answer {
        let bearer = format!("Bearer {token}");
        let request = request(method, target, &[("Authorization", &bearer)], body);
        Connection::open(self.listening.live).ask(request).expect("an answer")
    }

    /// Applies a registry file from another process, as an operator does.
    pub(crate) fn apply(&self, yaml: &str) -> Vec<Value> {
        let file = self.dir.path().join("change.yaml");
        std::fs::write(&file, yaml).unwrap();
        json_lines(&checked(self.run(&["apply", "-f", path(&file)])))
    }

    /// Runs a command on the same data folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run(&self.data(), arguments, &self.making.environment)
    }

    /// The journal rows that fit the flags, after waiting for those of `exchanges` to be there.
    pub(crate) fn rows(&self, flags: &[&str]) -> Vec<Value> {
        let mut arguments = vec!["journal", "search", "--json", "--limit", "0"];
        arguments.extend(flags);
        json_lines(&checked(self.run(&arguments)))
    }

    /// The one row of an exchange.
    pub(crate) fn row(&self, exchange: &str) -> Value {
        let rows = self.rows(&["--exchange", exchange]);
        assert_eq!(rows.len(), 1, "rows of {exchange}: {rows:?}");
        rows[0].clone()
    }

    /// `journal verify` must find nothing wrong.
    pub(crate) fn verify(&self) {
        let output = self.run(&["journal", "verify"]);
        assert!(output.status.success(), "{}", text(&output));
    }

    /// Ends the server without any chance to tidy up.
    pub(crate) fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Asks the server to stop.
    pub(crate) fn terminate(&self) {
        let pid = self.server.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Asks the server to stop and waits for it; gives its exit code.
    pub(crate) fn stop(&mut self) -> i32 {
        self.terminate();
        self.server.wait().unwrap().code().unwrap_or(-1)
    }

    /// Sets a variable of commands and of the server, from its next start on.
    pub(crate) fn set_variable(&mut self, name: &str, value: &str) {
        self.making.environment.retain(|(known, _)| known != name);
        self.making.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Starts the server again where it listened before.
    pub(crate) fn restart(&mut self) {
        let (server, listening) = serve(&self.data(), &self.making, Some(&self.listening));
        self.server = server;
        self.listening = listening;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        end(&mut self.server);
    }
}

/// Ends a server for good: what it keeps in the machine's memory for the next start goes as well.
pub(crate) fn end(server: &mut Child) {
    let held = std::fs::read_dir(format!("/proc/{}/fd", server.id()));
    let files = held.into_iter().flatten().flatten().filter_map(|fd| fd.path().read_link().ok());
    let files: Vec<_> = files.filter(|file| file.starts_with("/dev/shm")).collect();
    let _ = server.kill();
    let _ = server.wait();
    for file in files {
        let _ = std::fs::remove_file(file);
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lgsp"));
    command.env_remove("LGSP_DATABASE_URL").stdin(Stdio::null());
    command
}

fn run(data: &Path, arguments: &[&str], environment: &[(String, String)]) -> Output {
    let variables = environment.iter().map(|(name, value)| (name, value));
    program().args(arguments).args(["--data", path(data)]).envs(variables).output().unwrap()
}

fn serve(data: &Path, making: &Making, again: Option<&Listening>) -> (Child, Listening) {
    let picked = "127.0.0.1:0".to_string();
    let at = |pick: fn(&Listening) -> SocketAddr| match again {
        Some(listening) => pick(listening).to_string(),
        None => picked.clone(),
    };
    let folder = data.parent().unwrap();
    let log = folder.join("server.log");
    let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
    let mut server = program()
        .args([
            "serve",
            "--data",
            path(data),
            "--live",
            &at(|l| l.live),
            "--trial",
            &at(|l| l.trial),
        ])
        .args(["--ops", &at(|l| l.ops)])
        .args(["--live-tls", making.live_tls, "--trial-tls", "off"])
        .args(&making.flags)
        .envs(making.environment.iter().map(|(name, value)| (name, value)))
        .env("LGSP_GATEWAY_LIVE_CERTIFICATE", folder.join("tls.crt"))
        .env("LGSP_GATEWAY_LIVE_KEY", folder.join("tls.key"))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap_or_else(|e| {
        let log = std::fs::read_to_string(folder.join("server.log"));
        panic!("no ready line ({e}): {line:?}\n{}", log.unwrap_or_default())
    });
    assert_eq!(ready["ready"], true, "{ready}");
    let address = |key: &str| ready[key].as_str().unwrap().parse().unwrap();
    let maybe = |key: &str| ready[key].as_str().map(|text| text.parse().unwrap());
    let (live_tls, inbound) = (maybe("live_tls"), maybe("inbound"));
    let (live, trial, ops) = (address("live"), address("trial"), address("ops"));
    (server, Listening { live, trial, ops, live_tls, inbound })
}

pub(crate) fn text(output: &Output) -> String {
    format!(
        "exit {:?}\n{}\n{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

pub(crate) fn checked(output: Output) -> Output {
    assert!(output.status.success(), "{}", text(&output));
    output
}

pub(crate) fn json_lines(output: &Output) -> Vec<Value> {
    let lines = std::str::from_utf8(&output.stdout).unwrap().lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Waits until `holds` does, asking again and again; panics after `limit`.
pub(crate) fn wait_until(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < end, "waited {limit:?} in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
