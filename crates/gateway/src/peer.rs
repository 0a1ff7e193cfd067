//! One connection of a consumer: what it is busy with and until when, so that a sweep of all
//! connections finds those whose time is over without a timer each.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::task::Waker;
use std::time::{Duration, Instant};

use terms::clock::Clock;
use terms::environment::Environment;
use terms::limit::{BULK_MAX, HEAD_TIMEOUT, IDLE_TIMEOUT, RESPONSE_MAX};

#[cfg(test)]
mod tests;

/// What a connection is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not one byte has come, since then.
    Fresh(Instant),
    /// No request after the last one, since then.
    Idle(Instant),
    /// A request head is coming, since then.
    Head(Instant),
    /// A call runs, since its head was read.
    Call(Instant),
    /// The call is over, its last bytes wait for the socket.
    Leaving(Instant),
}

/// The state of one connection, shared by its wire, its calls and the sweep.
pub(crate) struct Peer {
    pub(crate) environment: Environment,
    pub(crate) address: IpAddr,
    /// It came over TLS.
    pub(crate) secure: bool,
    /// It came to the listener of the national side.
    pub(crate) inbound: bool,
    clock: Clock,
    phase: Cell<Phase>,
    /// How long a call may take, its last byte in the socket.
    call_max: Cell<Duration>,
    /// What hyper wanted to say on its own: the status of its refusal.
    refusal: Cell<Option<u16>>,
    expired: Cell<bool>,
    /// The call's answer has been handed over to hyper, or a part of it.
    answering: Cell<bool>,
    /// The consumer has ended its side of the connection.
    half_closed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Peer {
    pub(crate) fn new(
        environment: Environment,
        address: IpAddr,
        secure: bool,
        inbound: bool,
        clock: Clock,
    ) -> Peer {
        Peer {
            environment,
            address: address.to_canonical(),
            secure,
            inbound,
            phase: Cell::new(Phase::Fresh(clock.instant())),
            call_max: Cell::new(CALL_MAX),
            clock,
            refusal: Cell::new(None),
            expired: Cell::new(false),
            answering: Cell::new(false),
            half_closed: Cell::new(false),
            waker: RefCell::new(None),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// It is ready for its first request: a handshake has had its own time.
    pub(crate) fn opened(&self) {
        self.phase.set(Phase::Fresh(self.clock.instant()));
    }

    /// Bytes came from the consumer.
    pub(crate) fn received(&self) {
        if matches!(self.phase.get(), Phase::Fresh(_) | Phase::Idle(_)) {
            self.phase.set(Phase::Head(self.clock.instant()));
        }
    }

    /// A request head has been read.
    pub(crate) fn called(&self, at: Instant) {
        self.phase.set(Phase::Call(at));
        self.call_max.set(CALL_MAX);
        self.answering.set(false);
    }

    pub(crate) fn is_calling(&self) -> bool {
        matches!(self.phase.get(), Phase::Call(_))
    }

    /// From here on an answer leaves.
    pub(crate) fn answers(&self) {
        self.answering.set(true);
    }

    pub(crate) fn is_answering(&self) -> bool {
        self.answering.get()
    }

    /// The consumer has ended its side: whether it still listens is looked at with each sweep.
    pub(crate) fn half_closed(&self) {
        self.half_closed.set(true);
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.instant()
    }

    /// The call is one of a `bulk` version.
    pub(crate) fn extend(&self) {
        self.call_max.set(BULK_CALL_MAX);
    }

    /// The answer's body has been handed over to hyper.
    pub(crate) fn answered(&self) {
        if let Phase::Call(since) = self.phase.get() {
            self.phase.set(Phase::Leaving(since));
        }
    }

    /// Everything written has left for the socket.
    pub(crate) fn flushed(&self) {
        if matches!(self.phase.get(), Phase::Leaving(_)) {
            self.phase.set(Phase::Idle(self.clock.instant()));
        }
    }

    /// Is nothing of ours on its way? What hyper writes then are its own words.
    pub(crate) fn is_between_calls(&self) -> bool {
        matches!(self.phase.get(), Phase::Fresh(_) | Phase::Idle(_) | Phase::Head(_))
    }

    pub(crate) fn note_refusal(&self, status: u16) {
        self.refusal.set(Some(status));
    }

    pub(crate) fn refusal(&self) -> Option<u16> {
        self.refusal.get()
    }

    /// Marks a connection whose time is over and wakes it.
    pub(crate) fn sweep(&self, now: Instant) {
        if now >= self.due() {
            self.expired.set(true);
            self.wake();
        } else if self.half_closed.get() {
            self.wake();
        }
    }

    pub(crate) fn is_expired(&self) -> bool {
        self.expired.get()
    }

    fn due(&self) -> Instant {
        match self.phase.get() {
            Phase::Idle(since) => since + IDLE_TIMEOUT,
            Phase::Fresh(since) | Phase::Head(since) => since + HEAD_TIMEOUT,
            Phase::Call(since) | Phase::Leaving(since) => since + self.call_max.get(),
        }
    }

    /// Remembers whom to wake.
    pub(crate) fn attend(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

/// A connection whose call has not left by then is closed at the next sweep.
const CALL_MAX: Duration = RESPONSE_MAX.saturating_sub(SWEEP);

/// The same of a `bulk` call.
const BULK_CALL_MAX: Duration = BULK_MAX.saturating_sub(SWEEP);

/// How often all connections of a thread are looked at.
pub(crate) const SWEEP: Duration = Duration::from_millis(100);
