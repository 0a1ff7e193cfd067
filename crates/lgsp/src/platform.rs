//! The running platform: its parts in the order in which they need each other.

mod facts;
mod statistic;
mod tables;
mod watch;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use access::Access;
use gateway::{
    Certificate, Facades, Gateway, GatewayError, Inbound, Listeners, Running, Settings, Shared,
    Used,
};
use journal::{Journal, Recovery};
use keyring::Keyring;
use registry::{Registry, RegistryError};
use serde::Serialize;
use terms::clock::Clock;
use terms::fault::Sentence;
use terms::random::Random;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use facts::Facts;
use tables::TableWatch;

use crate::base::{Base, with_causes};
use crate::config::{Config, Listen};
use crate::lock::{Lock, LockError};
use crate::ops::{self, Health};
use crate::output::{Exit, Failure};

/// Where the platform listens; `None` is off or not built.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Addresses {
    /// Live, HTTP.
    pub live: Option<SocketAddr>,
    /// Live, HTTPS.
    pub live_tls: Option<SocketAddr>,
    /// Trial, HTTP.
    pub trial: Option<SocketAddr>,
    /// Trial, HTTPS.
    pub trial_tls: Option<SocketAddr>,
    /// For calls of the national side, HTTP or else HTTPS.
    pub inbound: Option<SocketAddr>,
    /// The web face; arrives with its issue.
    pub console: Option<SocketAddr>,
    /// Health and metrics.
    pub ops: Option<SocketAddr>,
}

/// What is switched off for a measurement; nothing in service.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// Rows are acknowledged before the disk has them.
    pub without_sync: bool,
    /// Bodies are not digested.
    pub without_digests: bool,
}

/// A running platform. [`Platform::stop`] ends it in order; dropping it ends it at once.
pub struct Platform {
    /// Where it listens.
    pub addresses: Addresses,
    base: Base,
    journal: Journal,
    gateway: Running,
    health: Health,
    facts: Facts,
    /// Everything that runs beside the gateway until the end.
    tasks: Vec<JoinHandle<()>>,
    ops: Option<JoinHandle<()>>,
    _lock: Lock,
}

impl Platform {
    /// Starts everything; connections are accepted when it returns.
    ///
    /// # Errors
    /// Exit 3 when another server runs on the data folder, a port is taken, or a file or the
    /// database cannot be had; exit 2 when a certificate is not one.
    pub async fn start(
        config: Config,
        measured: Measured,
        clock: Clock,
        random: Random,
    ) -> Result<Platform, Failure> {
        // Before the gateway takes hold of its counters.
        ops::metrics();
        let listeners = listeners(&config)?;
        let lock = Lock::take(&config.data).map_err(|error| refuse_lock(error, &config.data))?;
        let ops_listener = match config.ops {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let base = Base::open(config, clock.clone(), random.clone()).await?;
        let journal = open_journal(&base, measured).await?;
        let health = Health::default();
        let Base { store, keyring, .. } = &base;
        let access = Access::open(
            store.clone(),
            keyring.clone(),
            journal.clone(),
            clock.clone(),
            random.clone(),
        )
        .await?;
        let registry = Registry::open(store.clone(), keyring.clone(), clock.clone()).await?;
        health.catalogue_loaded();
        let tables = TableWatch::start(&base.config.data);
        let facts = Facts::open(&base).await?;
        let shared = Shared {
            access: access.clone(),
            registry: registry.clone(),
            journal: journal.clone(),
            keyring: keyring.clone(),
            clock,
            random,
            zone: base.config.zone.clone(),
            used: read_used(&base).await?,
            tables: tables.tables(),
            portals: Arc::default(),
            desk: facts.desk(),
            settings: settings(&base, measured),
        };
        let gateway = Gateway::start(shared, listeners)?;
        let live = gateway.addresses().live;
        let mut tasks = vec![
            access.follow(),
            registry.follow(),
            tokio::spawn(journal::audit::drain(store.clone(), journal.clone())),
            tokio::spawn(watch::run(base.clone(), journal.clone(), health.clone(), facts.desk())),
            tokio::spawn(tables.run()),
        ];
        tasks.extend(facts.send(&base.config, &access, live));
        let ops_address = ops_listener.as_ref().and_then(|l| l.local_addr().ok());
        let ops = ops_listener.map(|l| tokio::spawn(ops::serve(l, health.clone())));
        let addresses = addresses(&gateway, ops_address);
        Ok(Platform { addresses, base, journal, gateway, health, facts, tasks, ops, _lock: lock })
    }

    /// Database, keyring and configuration of this platform.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// Readiness goes down, no connection is accepted any more, calls in flight end (at most 30 s),
    /// the journal is sealed.
    pub async fn stop(self) {
        let Platform { base, journal, gateway, health, facts, tasks, ops, _lock, .. } = self;
        health.stopping();
        // Both block; neither can fail but by a panic, which has been told by then.
        let _ = tokio::task::spawn_blocking(move || gateway.stop()).await;
        for task in tasks {
            task.abort();
            let _ = task.await;
        }
        facts.stop().await;
        let _ = tokio::task::spawn_blocking(move || journal.stop()).await;
        base.store.close().await;
        if let Some(ops) = ops {
            ops.abort();
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))
}

pub(crate) fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::io(
        Exit::Unable,
        &format!("không lắng nghe được ở {address}"),
        &format!("cannot listen on {address}"),
        error,
    )
}

fn refuse_lock(error: LockError, data: &Path) -> Failure {
    let data = data.display();
    match error {
        LockError::Held => Failure::unable(
            format!("một `lgsp serve` khác đang chạy trên thư mục {data}"),
            format!("another `lgsp serve` runs on the folder {data}"),
        ),
        LockError::Io(error) => Failure::io(
            Exit::Unable,
            &format!("không dùng được thư mục dữ liệu {data}"),
            &format!("the data folder {data} cannot be used"),
            &error,
        ),
    }
}

/// The journal's configuration, as server and commands share it.
fn journal_config(config: &Config, measured: Measured) -> journal::Config {
    journal::Config {
        dir: config.journal.clone(),
        keys: config.data.join("keys"),
        node: config.node.clone(),
        retention_months: config.retention_months,
        sync: if measured.without_sync { journal::Sync::Never } else { journal::Sync::Always },
    }
}

async fn open_journal(base: &Base, measured: Measured) -> Result<Journal, Failure> {
    let config = journal_config(&base.config, measured);
    let clock = base.clock.clone();
    let opened = tokio::task::spawn_blocking(move || Journal::open(&config, clock)).await;
    let (journal, recovery) = opened.map_err(std::io::Error::from)??;
    report(&recovery);
    Ok(journal)
}

fn report(recovery: &Recovery) {
    let Recovery { stopped, torn, damage, sealed } = recovery;
    let (torn, damage) = (torn.len(), damage.len());
    if *stopped > 0 || torn > 0 || damage > 0 {
        tracing::info!(
            stopped,
            torn,
            damage,
            sealed,
            "the last run did not end in order; put right"
        );
    }
}

/// What the journal knows of the running quotas.
async fn read_used(base: &Base) -> Result<Used, Failure> {
    let (dir, zone) = (base.config.journal.clone(), base.config.zone.clone());
    let now = base.clock.now();
    let read = tokio::task::spawn_blocking(move || Used::read(&dir, now, &zone)).await;
    Ok(read.map_err(std::io::Error::from)??)
}

fn settings(base: &Base, measured: Measured) -> Settings {
    let Base { config, keyring, .. } = base;
    Settings {
        threads: config.threads,
        trusted_proxies: config.trusted_proxies.clone(),
        in_flight_max: config.in_flight_max,
        via: config.id.clone().unwrap_or_else(|| born(keyring)),
        digests: !measured.without_digests,
        facade: Facades {
            login: config.facade.login.clone(),
            data: config.facade.data.clone(),
            packet: config.facade.packet.clone(),
            destination: config.facade.destination.clone(),
        },
        inbound: config
            .inbound_system
            .clone()
            .map(|system| Inbound { system, destination: config.inbound_destination.clone() }),
        ..Settings::default()
    }
}

/// `lgsp-` and the microsecond at which the keyring was begun: no other platform has it, and two
/// platforms that were never configured do not take each other for a loop.
fn born(keyring: &Keyring) -> String {
    let first = keyring.list().first().map(|entry| entry.created.micros());
    format!("lgsp-{:x}", first.unwrap_or_default())
}

/// Can the certificates be read and used? What `lgsp config check` asks beside the texts.
///
/// # Errors
/// Exit 2 when not.
pub fn check_certificates(config: &Config) -> Result<(), Failure> {
    listeners(config).map(drop)
}

fn listeners(config: &Config) -> Result<Listeners, Failure> {
    Ok(Listeners {
        live: config.live.http,
        live_tls: with_certificate(&config.live)?,
        trial: config.trial.http,
        trial_tls: with_certificate(&config.trial)?,
        inbound: config.inbound.http,
        inbound_tls: with_certificate(&config.inbound)?,
    })
}

fn with_certificate(listen: &Listen) -> Result<Option<(SocketAddr, Certificate)>, Failure> {
    let (Some(address), Some(chain), Some(key)) = (listen.https, &listen.certificate, &listen.key)
    else {
        return Ok(None);
    };
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| {
            let path = path.display();
            Failure::io(
                Exit::Usage,
                &format!("không đọc được {path}"),
                &format!("cannot read {path}"),
                &error,
            )
        })
    };
    Ok(Some((address, Certificate::read(&read(chain)?, &read(key)?)?)))
}

fn addresses(gateway: &Running, ops: Option<SocketAddr>) -> Addresses {
    let gateway::Addresses { live, live_tls, trial, trial_tls, inbound, inbound_tls } =
        gateway.addresses();
    let inbound = inbound.or(inbound_tls);
    Addresses { live, live_tls, trial, trial_tls, inbound, console: None, ops }
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Failure {
        match error {
            GatewayError::Bind { address, source } => cannot_listen(address, &source),
            GatewayError::Certificate => Failure::usage(
                "không đọc được chứng thư HTTPS (cần PEM)",
                "the HTTPS certificate cannot be read (PEM is needed)",
            ),
            GatewayError::CertificateKey => Failure::usage(
                "khóa riêng HTTPS không đọc được hoặc không khớp chứng thư",
                "the HTTPS private key cannot be read or does not fit its certificate",
            ),
            GatewayError::Thread(error) => error.into(),
        }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Failure {
        let sentence = Sentence::new("không đọc được danh mục", "the registry cannot be read");
        Failure { exit: Exit::Unable, sentence: Some(with_causes(&sentence, &error)) }
    }
}
