//! Connections kept alive, per provider, on one runtime thread.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::Body;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use terms::clock::Clock;
use terms::endpoint::{Endpoint, TlsMaterial};
use terms::limit;

use crate::connection::{Socket, Stream};
use crate::portal::Portals;
use crate::tls::TlsStore;

/// An endpoint that refused a connection is tried last for this long.
const DOWN_FOR: Duration = Duration::from_secs(5);
/// How long a connection whose answer is read may take to become ready for the next request.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(1);

/// The way out of the platform, one a runtime thread. Cheap to clone; not `Send`. `B` is the body
/// of the requests it sends.
pub struct Connector<B>(Rc<Inner<B>>);

impl<B> Clone for Connector<B> {
    fn clone(&self) -> Connector<B> {
        Connector(self.0.clone())
    }
}

struct Inner<B> {
    clock: Clock,
    idle: RefCell<HashMap<Key, VecDeque<Idle<B>>>>,
    down: RefCell<HashMap<Arc<str>, Instant>>,
    turn: Cell<usize>,
    tls: TlsStore,
    portals: Arc<Portals>,
}

/// Connections are shared by calls that mean the same provider and the same identity of ours.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    upstream: Arc<str>,
    tls: Option<Arc<TlsMaterial>>,
}

struct Idle<B> {
    sender: SendRequest<B>,
    socket: Socket,
    since: Instant,
}

/// A connection in use by one exchange.
pub(crate) struct Lease<B> {
    pub(crate) sender: SendRequest<B>,
    /// Served an earlier exchange: the provider may have closed it meanwhile.
    pub(crate) reused: bool,
    socket: Socket,
    key: Key,
    pool: Weak<Inner<B>>,
}

impl<B> Connector<B>
where
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// An empty one. Must live on a thread with a `LocalSet`.
    pub fn new(clock: Clock) -> Connector<B> {
        Connector::with_portals(clock, Arc::default())
    }

    /// An empty one that shares portal sessions, and the order of calls to portals, with others.
    pub fn with_portals(clock: Clock, portals: Arc<Portals>) -> Connector<B> {
        Connector(Rc::new(Inner {
            clock,
            portals,
            idle: RefCell::default(),
            down: RefCell::default(),
            turn: Cell::new(0),
            tls: TlsStore::default(),
        }))
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn portals(&self) -> &Arc<Portals> {
        &self.0.portals
    }

    /// Closes connections that have been idle too long or that the provider has closed, and forgets
    /// keys that no version uses any more. Called every few seconds by the thread's owner: a pool
    /// that is used from one end only never looks at the other.
    pub fn sweep(&self) {
        let now = self.0.clock.instant();
        let mut idle = self.0.idle.borrow_mut();
        idle.retain(|_, waiting| {
            waiting.retain(|c| !c.sender.is_closed() && now - c.since < limit::POOL_IDLE_TIMEOUT);
            !waiting.is_empty()
        });
        drop(idle);
        self.0.down.borrow_mut().retain(|_, until| *until > now);
        self.0.tls.forget_unused();
    }

    /// In which order the endpoints are tried: in turn, those that lately refused last.
    pub(crate) fn order(&self, endpoints: &[Endpoint]) -> impl Iterator<Item = usize> + use<B> {
        let count = endpoints.len();
        let mut order = Vec::new();
        if count > 1 {
            let turn = self.0.turn.get();
            self.0.turn.set(turn.wrapping_add(1));
            let now = self.0.clock.instant();
            let down = self.0.down.borrow();
            let is_down = |i: usize| down.get(&endpoints[i].upstream).is_some_and(|t| *t > now);
            order = (0..count).map(|i| (turn + i) % count).collect();
            order.sort_by_key(|i| is_down(*i));
        }
        let single = (count == 1).then_some(0);
        single.into_iter().chain(order)
    }

    #[cfg(test)]
    pub(crate) fn idle_count(&self) -> usize {
        self.0.idle.borrow().values().map(VecDeque::len).sum()
    }

    pub(crate) fn note_down(&self, endpoint: &Endpoint) {
        let until = self.0.clock.instant() + DOWN_FOR;
        self.0.down.borrow_mut().insert(endpoint.upstream.clone(), until);
    }

    /// A connection that waits for work, the last used first; `None` when there is none. `look` at
    /// the socket first when the request may not be sent twice.
    pub(crate) fn take_idle(
        &self,
        endpoint: &Endpoint,
        tls: Option<&Arc<TlsMaterial>>,
        look: bool,
    ) -> Option<Lease<B>> {
        let key = Key { upstream: endpoint.upstream.clone(), tls: tls.cloned() };
        let now = self.0.clock.instant();
        let mut idle = self.0.idle.borrow_mut();
        let waiting = idle.get_mut(&key)?;
        while let Some(Idle { sender, socket, since }) = waiting.pop_back() {
            let fresh = now - since < limit::POOL_IDLE_TIMEOUT;
            if fresh && sender.is_ready() && (!look || socket.is_quiet()) {
                let pool = Rc::downgrade(&self.0);
                return Some(Lease { sender, reused: true, socket, key, pool });
            }
        }
        None
    }

    /// A new connection; the caller sets the limit of time.
    pub(crate) async fn connect(
        &self,
        endpoint: &Endpoint,
        tls: Option<&Arc<TlsMaterial>>,
    ) -> std::io::Result<Lease<B>> {
        let socket = Socket::connect(endpoint).await?;
        let stream = if endpoint.tls {
            let shaken = self.0.tls.shake(socket.clone(), endpoint, tls).await?;
            Stream::Tls(Box::new(shaken))
        } else {
            Stream::Plain(socket.clone())
        };
        let (sender, connection) = Builder::new()
            .max_header_size(limit::ANSWER_HEAD_BYTES_MAX)
            // one piece is cheaper to send than two, and requests are short
            .writev(false)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(std::io::Error::other)?;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a provider's connection ended");
            }
        });
        let key = Key { upstream: endpoint.upstream.clone(), tls: tls.cloned() };
        Ok(Lease { sender, reused: false, socket, key, pool: Rc::downgrade(&self.0) })
    }
}

impl<B: Body<Data = Bytes> + 'static> Lease<B> {
    /// Back to the others, at once if it is ready, else as soon as it is.
    pub(crate) fn give_back(mut self) {
        if self.sender.is_closed() {
            return;
        }
        if self.sender.is_ready() {
            return self.put();
        }
        tokio::task::spawn_local(async move {
            let ready = tokio::time::timeout(SETTLE_TIMEOUT, self.sender.ready()).await;
            if let Ok(Ok(())) = ready {
                self.put();
            }
        });
    }

    fn put(self) {
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        let since = pool.clock.instant();
        let waiting = Idle { sender: self.sender, socket: self.socket, since };
        pool.idle.borrow_mut().entry(self.key).or_default().push_back(waiting);
    }
}
