//! A platform with one consumer, one service and one provider, from nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use access::Access;
use access::credential::Issuer;
use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use journal::{Filter, Journal, Row};
use keyring::Keyring;
use registry::Registry;
use rustls_pki_types::CertificateDer;
use store::Store;
use terms::clock::Clock;
use terms::exchange::ExchangeId;
use terms::random::Random;
use tokio::runtime::Runtime;

use super::consumer::{Consumer, Seen};
use super::provider::Provider;
use crate::{Certificate, Gateway, Listeners, Running, Settings, Shared, Used};

pub(crate) struct World {
    pub(crate) provider: Provider,
    pub(crate) live: SocketAddr,
    pub(crate) trial: SocketAddr,
    pub(crate) live_tls: SocketAddr,
    pub(crate) inbound: SocketAddr,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) token: String,
    pub(crate) secret: (String, String),
    running: Option<Running>,
    journal: Journal,
    runtime: Runtime,
    registry: Registry,
    access: Access,
    keyring: Keyring,
    store: Store,
    folder: tempfile::TempDir,
}

/// The version and subscription of a test: further fields of their entries.
#[derive(Clone, Copy, Default)]
pub(crate) struct Given {
    pub(crate) version: &'static str,
    pub(crate) subscription: &'static str,
    pub(crate) system: &'static str,
    /// Another address than that of the provider.
    pub(crate) elsewhere: Option<&'static str>,
}

impl World {
    pub(crate) fn start() -> World {
        World::with(Given::default(), Settings::default())
    }

    pub(crate) fn given(given: Given) -> World {
        World::with(given, Settings::default())
    }

    pub(crate) fn with(given: Given, settings: Settings) -> World {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let provider = Provider::start();
        let folder = tempfile::tempdir().unwrap();
        let (clock, random) = (Clock::system(), Random::system());
        let path = folder.path();
        let url = format!("sqlite:{}", path.join("lgsp.db").display());
        let keyring = Keyring::open(&path.join("keyring.toml"), &clock, &random).unwrap();
        let config = journal::Config {
            dir: path.join("journal"),
            keys: path.join("keys"),
            node: "node-1".to_owned(),
            retention_months: 24,
            sync: journal::Sync::Always,
        };
        let (journal, _) = Journal::open(&config, clock.clone()).unwrap();
        let (store, registry, access, secret) = runtime.block_on(async {
            let store = Store::open(&store::Config { url }).await.unwrap();
            let text = province(&given, provider.address);
            let secret = apply(&store, &keyring, &text).await.expect("a credential");
            let registry =
                Registry::open(store.clone(), keyring.clone(), clock.clone()).await.unwrap();
            let (keyring, journal) = (keyring.clone(), journal.clone());
            let access =
                Access::open(store.clone(), keyring, journal, clock.clone(), random.clone());
            (store.clone(), registry, access.await.unwrap(), secret)
        });
        let kept = keyring.clone();
        let shared = Shared {
            access: access.clone(),
            registry: registry.clone(),
            journal: journal.clone(),
            keyring,
            clock,
            random,
            zone: TimeZone::get("Asia/Ho_Chi_Minh").unwrap(),
            used: Used::default(),
            tables: Arc::new(ArcSwap::from_pointee(packet::Tables::builtin())),
            portals: Arc::default(),
            desk: None,
            settings: Settings { threads: settings.threads.max(1), ..settings },
        };
        let (listeners, certificate) = listeners();
        let running = Gateway::start(shared, listeners).unwrap();
        let addresses = running.addresses();
        let mut world = World {
            provider,
            live: addresses.live.unwrap(),
            trial: addresses.trial.unwrap(),
            live_tls: addresses.live_tls.unwrap(),
            inbound: addresses.inbound.unwrap(),
            certificate,
            token: String::new(),
            secret,
            running: Some(running),
            journal,
            runtime,
            registry,
            access,
            keyring: kept,
            store,
            folder,
        };
        world.token = world.fetch_token();
        world
    }

    fn fetch_token(&self) -> String {
        let (key, secret) = &self.secret;
        let body = format!("client_id={key}&client_secret={secret}&grant_type=client_credentials");
        let form = "content-type: application/x-www-form-urlencoded";
        let request = format!(
            "POST /token HTTP/1.1\r\nhost: a\r\n{form}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = Consumer::connect(self.live).say(request).hear();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.problem()["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn consumer(&self) -> Consumer {
        Consumer::connect(self.live)
    }

    /// A request with a valid token; `headers` end with a line end each.
    pub(crate) fn request(&self, line: &str, headers: &str, body: &str) -> String {
        let token = &self.token;
        format!(
            "{line} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n{headers}\r\n{body}"
        )
    }

    pub(crate) fn get(&self, rest: &str) -> Seen {
        self.consumer().say(self.request(&format!("GET /datdai/1.0{rest}"), "", "")).hear()
    }

    /// The row of an answer; the answer has come, so its row is durable.
    pub(crate) fn row(&self, answer: &Seen) -> Row {
        let exchange = ExchangeId::parse(answer.header("exchange-id").expect("an id"));
        let rows = self.rows(&Filter { exchange, ..Filter::default() });
        let own: Vec<_> = rows.iter().filter(|row| Some(row.exchange_id) == exchange).collect();
        assert_eq!(own.len(), 1, "one row an exchange: {rows:?}");
        own[0].clone()
    }

    pub(crate) fn rows(&self, filter: &Filter) -> Vec<Row> {
        let dir = self.folder.path().join("journal");
        journal::search(&dir, filter).unwrap().map(Result::unwrap).collect()
    }

    /// Runs something on the runtime of the database.
    pub(crate) fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }

    /// Nothing can be recorded any more.
    pub(crate) fn stop_journal(&self) {
        self.journal.stop();
    }

    /// Stops the gateway and the journal; then every row is there.
    pub(crate) fn stop(&mut self) -> Vec<Row> {
        if let Some(running) = self.running.take() {
            running.stop();
        }
        self.journal.stop();
        self.rows(&Filter::default())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let rows = self.stop();
        if !std::thread::panicking() {
            assert!(rows.iter().all(|row| row.outcome.is_some()), "every exchange is closed");
        }
    }
}

impl World {
    /// Changes the registry as `lgsp apply` does; in force when this returns.
    pub(crate) fn apply(&self, text: &str) {
        self.runtime.block_on(async {
            apply(&self.store, &self.keyring, text).await;
            self.registry.refresh().await.unwrap();
            self.access.refresh().await.unwrap();
        });
    }
}

/// Every listener, on a port that is free.
fn listeners() -> (Listeners, CertificateDer<'static>) {
    let any = "127.0.0.1:0".parse().ok();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let certificate = Certificate::read(chain.as_bytes(), key.as_bytes()).unwrap();
    let live_tls = any.map(|address| (address, certificate));
    let listeners =
        Listeners { live: any, trial: any, live_tls, inbound: any, ..Listeners::default() };
    (listeners, own.cert.der().clone())
}

/// Applies a registry file; gives the credential it issued.
async fn apply(store: &Store, keyring: &Keyring, text: &str) -> Option<(String, String)> {
    let (clock, random) = (Clock::system(), Random::system());
    let issuer = Issuer::new(keyring.clone(), clock.clone(), random.clone());
    let applying = registry::Applying {
        store,
        keyring,
        issuer: &issuer,
        clock: &clock,
        random: &random,
        zone: &TimeZone::UTC,
        variable: &|_| Some("provider-secret".to_owned()),
        actor: "cli:test",
        dry_run: false,
    };
    let entries = registry::file::read(&[("test.yaml", text)]);
    let changes = registry::apply(&applying, &entries).await;
    let changes = changes.unwrap_or_else(|fault| panic!("{fault:?}\n{text}"));
    let issued = changes.into_iter().find_map(|change| change.issued)?;
    Some((issued.consumer_key.to_string(), issued.secret_key.as_str().to_owned()))
}

/// The province of a test.
fn province(given: &Given, provider: SocketAddr) -> String {
    let Given { version, subscription, system, elsewhere } = given;
    let provider = elsewhere.map_or(provider.to_string(), str::to_owned);
    format!(
        "members:
  - {{ code: H01.013, name: Sở NN&MT }}
  - {{ code: H01.009, name: Sở KH&CN }}
systems:
  - {{ code: one-stop, member: H01.009, name: Một cửa, {system} }}
services:
  - code: tra-cuu
    provider: H01.013
    name: Tra cứu đất đai
    context: /datdai
    versions:
      - {{ version: \"1.0\", aliases: [v1], endpoints: {{ live: [\"http://{provider}/base\"] }}, {version} }}
      - {{ version: \"0.9\", state: retired, endpoints: {{ live: [\"http://{provider}/base\"] }} }}
      - {{ version: \"2.0\", endpoints: {{ live: [\"http://{provider}\"] }} }}
subscriptions:
  - {{ system: one-stop, service: tra-cuu, version: \"1.0\", environment: live, {subscription} }}
credentials:
  - {{ system: one-stop, environment: live }}
"
    )
}

/// Waits for what is bound to come; what does not is told.
pub(crate) fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let clock = Clock::system();
    let since = clock.instant();
    while !is() {
        assert!(clock.instant() - since < Duration::from_secs(20), "still not: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
