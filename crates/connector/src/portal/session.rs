//! The sessions we hold at portals: one for each account and endpoint, used by all threads, made
//! by one login at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use terms::clock::{Clock, Timestamp};
use terms::endpoint::{Endpoint, TlsMaterial};
use terms::limit::{
    PORTAL_LOGIN_PAUSE, PORTAL_RENEWAL_PAUSE, PORTAL_RENEWAL_PAUSE_MAX, PORTAL_SESSION_LIFETIME,
    PORTAL_SESSION_SHORT, PORTAL_SESSIONS_MAX,
};
use terms::portal::PortalAccess;
use tokio::sync::watch;

use super::PortalCall;
use super::login::LoginFault;

/// How a login ended.
pub(super) type Outcome = Result<Arc<str>, LoginFault>;

/// Sessions by account and endpoint. There are a handful: they are found by looking at each.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Vec<Slot>>);

#[derive(Debug)]
struct Slot {
    key: SessionKey,
    state: State,
}

/// Whose session it is, and where. With another password or path it is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SessionKey {
    upstream: Arc<str>,
    base: Arc<str>,
    tls: Option<Arc<TlsMaterial>>,
    destination: Option<Arc<str>>,
    access: PortalAccess,
}

/// `short`: so many sessions in a row, up to this one, were refused soon after their login.
#[derive(Debug)]
enum State {
    Open {
        session: Arc<str>,
        opened_at: Timestamp,
        opened: Instant,
        short: u32,
    },
    Opening {
        told: watch::Receiver<Option<Outcome>>,
        short: u32,
    },
    /// The portal refused the session; it is not made anew before this instant.
    Ended {
        short: u32,
        until: Instant,
    },
    /// The login was refused; it is not tried again before this instant.
    Refused {
        fault: LoginFault,
        until: Instant,
    },
}

/// What a call that needs a session has to do.
pub(super) enum Look {
    /// There is one, or there will be none for now.
    Known(Outcome),
    /// Look again then.
    Pause(Instant),
    /// Another call logs in.
    Wait(watch::Receiver<Option<Outcome>>),
    /// Log in, tell the outcome to [`Sessions::settle`], then to those who wait.
    LogIn(Box<SessionKey>, watch::Sender<Option<Outcome>>),
}

impl SessionKey {
    fn new(call: &PortalCall<'_>, endpoint: &Endpoint) -> SessionKey {
        SessionKey {
            upstream: endpoint.upstream.clone(),
            base: endpoint.base.clone(),
            tls: call.tls.cloned(),
            destination: call.destination.map(Arc::from),
            access: call.access.clone(),
        }
    }

    fn fits(&self, call: &PortalCall<'_>, endpoint: &Endpoint) -> bool {
        let access = &self.access;
        self.upstream == endpoint.upstream
            && self.base == endpoint.base
            && access.user == call.access.user
            && access.secret == call.access.secret
            && access.login == call.access.login
            && access.names == call.access.names
            && access.destination_in == call.access.destination_in
            && self.destination.as_deref() == call.destination
            && self.tls.as_ref() == call.tls
    }
}

impl Sessions {
    /// Looks for a session; makes the asking call the one that logs in when there is none.
    pub(super) fn look(&self, call: &PortalCall<'_>, endpoint: &Endpoint, clock: &Clock) -> Look {
        let mut slots = self.0.lock();
        let at = slots.iter().position(|slot| slot.key.fits(call, endpoint));
        let (key, at) = match at {
            None => (SessionKey::new(call, endpoint), None),
            Some(at) => {
                slots[at].state.calm(clock);
                match slots[at].state.look(clock) {
                    Some(look) => return look,
                    None => (slots[at].key.clone(), Some(at)),
                }
            }
        };
        let (sender, told) = watch::channel(None);
        let short = at.map_or(0, |at| slots[at].state.short());
        let state = State::Opening { told, short };
        match at {
            Some(at) => slots[at].state = state,
            None => {
                slots.retain(|slot| !slot.state.is_over(clock));
                if slots.len() >= PORTAL_SESSIONS_MAX {
                    slots.remove(0);
                }
                slots.push(Slot { key: key.clone(), state });
            }
        }
        Look::LogIn(Box::new(key), sender)
    }

    /// Takes the outcome of a login. A refusal is remembered for a while, so that calls that keep
    /// coming do not lock the account; any other failure is tried again by the next call.
    pub(super) fn settle(&self, key: &SessionKey, outcome: &Outcome, clock: &Clock) {
        let mut slots = self.0.lock();
        let Some(at) = slots.iter().position(|slot| slot.key == *key) else { return };
        match outcome {
            Ok(session) => {
                let (session, opened_at) = (session.clone(), clock.now());
                let (opened, short) = (clock.instant(), slots[at].state.short());
                slots[at].state = State::Open { session, opened_at, opened, short };
            }
            Err(fault) if fault.is_refusal() => {
                let until = clock.instant() + PORTAL_LOGIN_PAUSE;
                slots[at].state = State::Refused { fault: fault.clone(), until };
            }
            Err(_) => drop(slots.remove(at)),
        }
    }

    /// The portal refused this session. Only that one is forgotten: another call may have made a
    /// new one meanwhile. Where sessions are refused soon after their login, one after the other,
    /// somebody else logs in with the account and ends ours: then the next login waits for a while,
    /// longer each time, so that both sides can work between two logins.
    pub(super) fn forget(
        &self,
        call: &PortalCall<'_>,
        endpoint: &Endpoint,
        refused: &str,
        clock: &Clock,
    ) {
        let mut slots = self.0.lock();
        let Some(slot) = slots.iter_mut().find(|slot| slot.key.fits(call, endpoint)) else {
            return;
        };
        let State::Open { session, opened, short, .. } = &slot.state else { return };
        if **session != *refused {
            return;
        }
        let now = clock.instant();
        let was = *short;
        let short = shorts(was, now - *opened);
        if was < CONTENDED && short == CONTENDED {
            tracing::warn!(
                code = ALERT,
                upstream = %endpoint.upstream,
                "sessions at a portal are refused soon after their login: does another node or \
                 program use the account?"
            );
        }
        if short == 0 {
            tell_calm(was);
        }
        slot.state = State::Ended { short, until: now + pause(short) };
    }
}

/// An alert when so many sessions in a row were short.
const CONTENDED: u32 = 3;
/// Its code.
const ALERT: &str = "portal_session";

/// So many sessions in a row were short, after one that ended at this age.
pub(super) fn shorts(before: u32, age: Duration) -> u32 {
    if age < PORTAL_SESSION_SHORT { before.saturating_add(1) } else { 0 }
}

fn tell_calm(short: u32) {
    if short >= CONTENDED {
        tracing::info!(code = ALERT, cleared = true, "sessions at a portal last again");
    }
}

/// How long the next login waits: not at all after the first short session, then longer each time.
pub(super) fn pause(short: u32) -> Duration {
    match short.checked_sub(2) {
        None => Duration::ZERO,
        Some(doublings) => PORTAL_RENEWAL_PAUSE
            .saturating_mul(1 << doublings.min(16))
            .min(PORTAL_RENEWAL_PAUSE_MAX),
    }
}

impl State {
    /// `None` when it is time to log in.
    fn look(&self, clock: &Clock) -> Option<Look> {
        match self {
            _ if self.is_over(clock) => None,
            State::Open { session, .. } => Some(Look::Known(Ok(session.clone()))),
            State::Opening { told, .. } => Some(Look::Wait(told.clone())),
            State::Ended { until, .. } if clock.instant() < *until => Some(Look::Pause(*until)),
            State::Ended { .. } => None,
            State::Refused { fault, .. } => Some(Look::Known(Err(fault.clone()))),
        }
    }

    /// A session that has lasted for a while ends a row of short ones.
    fn calm(&mut self, clock: &Clock) {
        if let State::Open { opened, short, .. } = self
            && *short > 0
            && shorts(*short, clock.instant() - *opened) == 0
        {
            tell_calm(*short);
            *short = 0;
        }
    }

    fn short(&self) -> u32 {
        match self {
            State::Open { short, .. }
            | State::Opening { short, .. }
            | State::Ended { short, .. } => *short,
            State::Refused { .. } => 0,
        }
    }

    fn is_over(&self, clock: &Clock) -> bool {
        match self {
            State::Open { opened_at, .. } => {
                clock.now().since(*opened_at) >= PORTAL_SESSION_LIFETIME
            }
            // the thread that was to log in is gone
            State::Opening { told, .. } => told.has_changed().is_err(),
            // until then it is remembered that sessions were short
            State::Ended { until, .. } => clock.instant() >= *until + PORTAL_SESSION_SHORT,
            State::Refused { until, .. } => clock.instant() >= *until,
        }
    }
}
