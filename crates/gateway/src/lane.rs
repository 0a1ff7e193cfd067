//! What one runtime thread has to itself: its connector, its caches, its connections.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use access::token::Terms;
use connector::Connector;
use http::HeaderValue;
use registry::System;
use terms::code::SystemCode;
use tokio::sync::Notify;

use crate::admit::{Counts, MeterCache};
use crate::body::{RequestBody, Room};
use crate::digest::DigestKeys;
use crate::gauge::Gauge;
use crate::header::Via;
use crate::peer::Peer;
use crate::server::Shared;

/// One runtime thread.
pub(crate) struct Lane {
    pub(crate) shared: Arc<Shared>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) meters: MeterCache,
    pub(crate) connector: Connector<RequestBody>,
    /// `None` when digests are switched off for a measurement.
    pub(crate) digest_keys: Option<DigestKeys>,
    pub(crate) via: Via,
    pub(crate) gauge: Gauge,
    /// Room for bodies that are read whole.
    pub(crate) room: Room,
    /// A façade stands where a service could stand.
    pub(crate) facades_elsewhere: bool,
    /// `Lgsp-Consumer` of the systems seen; the member of a system never changes.
    consumers: RefCell<HashMap<SystemCode, HeaderValue>>,
    peers: RefCell<HashMap<u64, Rc<Peer>>>,
    peers_seen: Cell<u64>,
    stopping: Cell<bool>,
    cut_off: Cell<bool>,
    /// Told when a connection ends.
    left: Notify,
}

impl Lane {
    pub(crate) fn new(shared: Arc<Shared>, counts: Arc<Counts>) -> Lane {
        let digest_keys = shared.settings.digests.then(|| DigestKeys::new(shared.keyring.clone()));
        Lane {
            counts,
            meters: MeterCache::default(),
            connector: Connector::with_portals(shared.clock.clone(), shared.portals.clone()),
            digest_keys,
            via: Via::new(&shared.settings.via),
            gauge: Gauge::new(),
            room: Room::new(shared.clock.clone()),
            facades_elsewhere: shared.settings.facade.are_elsewhere(),
            consumers: RefCell::default(),
            peers: RefCell::default(),
            peers_seen: Cell::new(0),
            stopping: Cell::new(false),
            cut_off: Cell::new(false),
            left: Notify::new(),
            shared,
        }
    }

    /// `MEMBER/SYSTEM` as a header value.
    pub(crate) fn consumer(&self, system: &System) -> HeaderValue {
        let mut consumers = self.consumers.borrow_mut();
        if let Some(value) = consumers.get(&system.code) {
            return value.clone();
        }
        let value = HeaderValue::try_from(format!("{}/{}", system.member, system.code))
            .unwrap_or(HeaderValue::from_static(""));
        consumers.insert(system.code.clone(), value.clone());
        value
    }

    /// Under what terms a system may have a token.
    pub(crate) fn terms(&self, system: &SystemCode) -> Option<Terms> {
        let catalogue = self.shared.registry.current();
        let system = catalogue.system(system)?;
        Some(Terms {
            active: system.active,
            lifetime: system.token_lifetime,
            member: system.member.clone(),
        })
    }

    /// Takes a connection in; `None` when there are too many.
    pub(crate) fn enter(&self, peer: &Rc<Peer>) -> Option<u64> {
        let mut peers = self.peers.borrow_mut();
        if peers.len() >= self.shared.settings.connections_max / self.shared.settings.threads() {
            self.gauge.connections_refused.increment(1);
            return None;
        }
        let number = self.peers_seen.get();
        self.peers_seen.set(number + 1);
        peers.insert(number, peer.clone());
        self.gauge.connections.increment(1.0);
        Some(number)
    }

    pub(crate) fn leave(&self, number: u64) {
        self.peers.borrow_mut().remove(&number);
        self.gauge.connections.decrement(1.0);
        self.left.notify_waiters();
    }

    /// Ends connections whose time is over.
    pub(crate) fn sweep(&self) {
        let now = self.shared.clock.instant();
        self.peers.borrow().values().for_each(|peer| peer.sweep(now));
        self.gauge.in_flight.set(f64::from(self.counts.in_flight()));
    }

    /// Lets every connection end after its present call.
    pub(crate) fn stop(&self) {
        self.stopping.set(true);
        self.peers.borrow().values().for_each(|peer| peer.wake());
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// The time to stop is over: calls still in flight are dropped by us.
    pub(crate) fn cut_off(&self) {
        self.cut_off.set(true);
    }

    pub(crate) fn is_cut_off(&self) -> bool {
        self.cut_off.get()
    }

    /// Waits until the last connection has ended.
    pub(crate) async fn emptied(&self) {
        loop {
            let left = self.left.notified();
            if self.peers.borrow().is_empty() {
                return;
            }
            left.await;
        }
    }
}
