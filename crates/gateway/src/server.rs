//! The gateway as a whole: what it shares, its threads, its start and its stop.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use access::Access;
use arc_swap::ArcSwap;
use connector::Portals;
use jiff::tz::TimeZone;
use journal::Journal;
use keyring::Keyring;
use registry::Registry;
use registry::network::Network;
use terms::clock::Clock;
use terms::environment::Environment;
use terms::limit::{IN_FLIGHT_MAX, STOP_TIMEOUT};
use terms::random::Random;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use tokio::task::spawn_local;

use crate::admit::{Counts, Used};
use crate::connection;
use crate::facade::{Facades, Inbound};
use crate::lane::Lane;
use crate::listener::{Bound, Door, Listeners, bind};
use crate::peer::SWEEP;

/// What all threads of the gateway share.
pub struct Shared {
    /// Checks tokens, answers at the token endpoints.
    pub access: Access,
    /// Gives the catalogue.
    pub registry: Registry,
    /// Takes the record of every call.
    pub journal: Journal,
    /// Gives the keys of digests.
    pub keyring: Keyring,
    /// Gives the time.
    pub clock: Clock,
    /// Makes exchange ids.
    pub random: Random,
    /// The platform's zone: windows and quotas are kept in it.
    pub zone: TimeZone,
    /// What the journal knew of quotas at start.
    pub used: Used,
    /// The tables by which packets are checked; whoever changes them puts new ones in.
    pub tables: Arc<ArcSwap<packet::Tables>>,
    /// Sessions at portals, and the order of calls to them.
    pub portals: Arc<Portals>,
    /// Keeps facts of dossiers for statistics; only where a legal ground is written down.
    pub desk: Option<dossier::Desk>,
    /// What can be set.
    pub settings: Settings,
}

/// What can be set about the gateway.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Runtime threads; 0 = one a core.
    pub threads: usize,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Calls in flight on this node.
    pub in_flight_max: u32,
    /// Connections open on this node; further ones are refused with 503.
    pub connections_max: usize,
    /// Our name in `Via`, by which a loop is known: unique among all platforms.
    pub via: String,
    /// Bodies are digested. Off for measurements only.
    pub digests: bool,
    /// Where the façades stand.
    pub facade: Facades,
    /// Whose the inbound listener is; nothing is served there without it.
    pub inbound: Option<Inbound>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            threads: 0,
            trusted_proxies: Vec::new(),
            in_flight_max: IN_FLIGHT_MAX,
            connections_max: CONNECTIONS_MAX,
            via: "lgsp".to_owned(),
            digests: true,
            facade: Facades::default(),
            inbound: None,
        }
    }
}

/// Connections open on one node, default of [`Settings::connections_max`].
const CONNECTIONS_MAX: usize = 16_384;

impl Settings {
    /// Runtime threads, at least one.
    pub(crate) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if self.threads == 0 { cores() } else { self.threads }
    }
}

/// Why the gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// An address cannot be listened on; most often its port is taken.
    #[error("cannot listen on {address}")]
    Bind {
        /// Which one.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The certificate chain is not PEM or empty.
    #[error("the certificate cannot be read")]
    Certificate,
    /// The private key is not PEM or does not fit its certificate.
    #[error("the private key cannot be read or does not fit its certificate")]
    CertificateKey,
    /// A thread or its runtime could not be made.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// The addresses that are listened on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Live, plain.
    pub live: Option<SocketAddr>,
    /// Live, TLS.
    pub live_tls: Option<SocketAddr>,
    /// Trial, plain.
    pub trial: Option<SocketAddr>,
    /// Trial, TLS.
    pub trial_tls: Option<SocketAddr>,
    /// Of the national side, plain.
    pub inbound: Option<SocketAddr>,
    /// Of the national side, TLS.
    pub inbound_tls: Option<SocketAddr>,
}

/// The data plane.
pub struct Gateway;

/// A gateway that is running. Dropping it stops it without waiting.
pub struct Running {
    addresses: Addresses,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    counts: Arc<Counts>,
}

impl Gateway {
    /// Binds the listeners and starts the threads; connections are accepted when it returns.
    pub fn start(shared: Shared, listeners: Listeners) -> Result<Running, GatewayError> {
        let count = shared.settings.threads();
        let live = Door { environment: Environment::Live, certificate: None, inbound: false };
        let trial = Door { environment: Environment::Trial, ..live.clone() };
        let inbound = Door { inbound: true, ..live.clone() };
        let open = |address: Option<SocketAddr>, door: &Door| {
            address.map(|address| bind(address, count, door.clone())).transpose()
        };
        let open_tls = |listener: Option<(SocketAddr, _)>, door: &Door| {
            let bound = listener.map(|(address, certificate)| {
                bind(address, count, Door { certificate: Some(certificate), ..door.clone() })
            });
            bound.transpose()
        };
        let bound = [
            open(listeners.live, &live)?,
            open_tls(listeners.live_tls, &live)?,
            open(listeners.trial, &trial)?,
            open_tls(listeners.trial_tls, &trial)?,
            open(listeners.inbound, &inbound)?,
            open_tls(listeners.inbound_tls, &inbound)?,
        ];
        let [live, live_tls, trial, trial_tls, inbound, inbound_tls] =
            bound.each_ref().map(|b| b.as_ref().map(|b| b.address));
        let addresses = Addresses { live, live_tls, trial, trial_tls, inbound, inbound_tls };
        Running::start(shared, addresses, bound.into_iter().flatten().collect())
    }
}

impl Running {
    fn start(
        shared: Shared,
        addresses: Addresses,
        mut bound: Vec<Bound>,
    ) -> Result<Running, GatewayError> {
        let (zone, used) = (shared.zone.clone(), shared.used.clone());
        let counts = Arc::new(Counts::new(zone, used, shared.settings.in_flight_max));
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(shared);
        let mut threads = Vec::new();
        for index in 0..shared.settings.threads() {
            let doors: Vec<_> = bound
                .iter_mut()
                .filter_map(|bound| Some((bound.door.clone(), bound.sockets.pop()?)))
                .collect();
            let (shared, counts, stopped) = (shared.clone(), counts.clone(), stopped.clone());
            let (ready, is_ready) = mpsc::sync_channel(1);
            let work = move || {
                // made here: it belongs to its thread
                let runtime =
                    Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
                let (runtime, made) = match runtime {
                    Ok(runtime) => (Some(runtime), Ok(())),
                    Err(error) => (None, Err(error)),
                };
                let told = ready.send(made);
                if let (Some(runtime), Ok(())) = (runtime, told) {
                    runtime.block_on(run(shared, counts, doors, stopped));
                }
            };
            let named = std::thread::Builder::new().name(format!("gateway-{index}"));
            threads.push(named.spawn(work).map_err(GatewayError::Thread)?);
            let ended = |_| Err(std::io::Error::other("the thread has ended"));
            is_ready.recv().unwrap_or_else(ended).map_err(GatewayError::Thread)?;
        }
        Ok(Running { addresses, stop, threads, counts })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Calls in flight now.
    pub fn in_flight(&self) -> u32 {
        self.counts.in_flight()
    }

    /// Accepts no more, lets calls in flight end (at most [`STOP_TIMEOUT`]), then returns. Blocks:
    /// from async code call it on a blocking thread.
    pub fn stop(mut self) {
        self.stop.send_replace(true);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the gateway panicked");
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// The life of one runtime thread.
async fn run(
    shared: Arc<Shared>,
    counts: Arc<Counts>,
    doors: Vec<(Door, std::net::TcpListener)>,
    mut stopped: watch::Receiver<bool>,
) {
    spawn_local(shared.journal.attend());
    let lane = Rc::new(Lane::new(shared, counts));
    let mut accepting = Vec::new();
    for (door, socket) in doors {
        match tokio::net::TcpListener::from_std(socket) {
            Ok(socket) => {
                accepting.push(spawn_local(connection::accept(lane.clone(), door, socket)))
            }
            Err(error) => tracing::error!(%error, "a listener was lost"),
        }
    }
    let sweeping = spawn_local(sweep(lane.clone()));
    // an error means that the handle was dropped: that is a stop as well
    let _ = stopped.wait_for(|stop| *stop).await;
    accepting.iter().for_each(tokio::task::JoinHandle::abort);
    lane.stop();
    if tokio::time::timeout(STOP_TIMEOUT, lane.emptied()).await.is_err() {
        tracing::warn!("calls were still in flight when the time to stop was over");
        lane.cut_off();
    }
    sweeping.abort();
}

/// How often idle connections to providers are looked at: a closed one holds its socket until then,
/// and a few seconds of that are few sockets.
const PROVIDER_SWEEP: Duration = Duration::from_secs(5);

async fn sweep(lane: Rc<Lane>) {
    let every = |span| {
        let mut ticks = tokio::time::interval(span);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks
    };
    let (mut ticks, mut provider_ticks) = (every(SWEEP), every(PROVIDER_SWEEP));
    loop {
        tokio::select! {
            _ = ticks.tick() => lane.sweep(),
            _ = provider_ticks.tick() => lane.connector.sweep(),
        }
    }
}
