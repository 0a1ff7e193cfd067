//! The room for bodies that are read whole: who may hold how much of a thread's memory, and who
//! gives way when callers that nobody knows have filled theirs.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use terms::clock::{Clock, Timestamp};
use terms::code::SystemCode;
use terms::fault::{Fault, FaultCode, Sentence};
use terms::limit::{
    UNKNOWN_GRACE, UNKNOWN_SPEED_MIN, WHOLE_BYTES_MAX, WHOLE_SYSTEM_BYTES_MAX,
    WHOLE_UNKNOWN_BYTES_MAX,
};

#[cfg(test)]
mod tests;

/// What the bodies of a thread hold that are read whole. Known callers have a room of their own:
/// whatever strangers do, it stays free for them.
pub(crate) struct Room(Rc<Inside>);

struct Inside {
    known: RefCell<Known>,
    strangers: RefCell<Strangers>,
    clock: Clock,
}

/// What the bodies of known callers hold. A system has a share of the room: what one does, by a
/// fault or with a lost key, is not felt by the others.
#[derive(Default)]
struct Known {
    bytes: usize,
    /// What each system holds; none of them holds nothing.
    systems: HashMap<Arc<str>, usize>,
}

/// The bodies of callers who are not known yet.
#[derive(Default)]
struct Strangers {
    bytes: usize,
    /// What each network holds; none of them holds nothing.
    networks: HashMap<IpAddr, usize>,
    /// By number, the oldest first.
    bodies: BTreeMap<u64, Rc<Guest>>,
    bodies_seen: u64,
}

/// The body of a stranger.
struct Guest {
    network: IpAddr,
    since: Timestamp,
    bytes: Cell<usize>,
    turned_away: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// The part of the room that one body takes, given back when this is dropped.
pub(crate) struct Place {
    inside: Rc<Inside>,
    /// What a known caller's body holds.
    bytes: usize,
    /// The system of a known caller.
    system: Option<Arc<str>>,
    stranger: Option<(u64, Rc<Guest>)>,
}

impl Room {
    pub(crate) fn new(clock: Clock) -> Room {
        Room(Rc::new(Inside { known: RefCell::default(), strangers: RefCell::default(), clock }))
    }

    /// For the body of a caller who is known.
    pub(crate) fn enter(&self, system: &SystemCode) -> Place {
        Place { inside: self.0.clone(), bytes: 0, system: Some(system.text()), stranger: None }
    }

    /// For the body of a caller who is known once it has been read.
    pub(crate) fn enter_unknown(&self, from: IpAddr) -> Place {
        let guest = Rc::new(Guest {
            network: network(from),
            since: self.0.clock.now(),
            bytes: Cell::new(0),
            turned_away: Cell::new(false),
            waker: RefCell::default(),
        });
        let mut strangers = self.0.strangers.borrow_mut();
        let number = strangers.bodies_seen;
        strangers.bodies_seen += 1;
        strangers.bodies.insert(number, guest.clone());
        Place { inside: self.0.clone(), bytes: 0, system: None, stranger: Some((number, guest)) }
    }
}

impl Place {
    /// Takes so many bytes more.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        if let Some((number, guest)) = &self.stranger {
            if guest.turned_away.get() {
                return Err(turned_away());
            }
            let now = self.inside.clock.now();
            return self.inside.strangers.borrow_mut().grow(*number, guest, bytes, now);
        }
        if let Some(system) = &self.system {
            self.inside.known.borrow_mut().grow(system, bytes)?;
            self.bytes += bytes;
        }
        Ok(())
    }

    /// Gives back what goes beyond so many bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        match &self.stranger {
            Some((_, guest)) => {
                self.inside.strangers.borrow_mut().shrink_to(guest, bytes);
            }
            None => {
                let less = self.bytes.saturating_sub(bytes);
                self.give_back(less);
            }
        }
    }

    /// The caller is known from here on: nobody's body makes way for another any more.
    pub(crate) fn admit(&mut self, system: &SystemCode) -> Result<(), Fault> {
        let bytes = match &self.stranger {
            None => return Ok(()),
            Some((_, guest)) if guest.turned_away.get() => return Err(turned_away()),
            Some((_, guest)) => guest.bytes.get(),
        };
        self.leave();
        self.system = Some(system.text());
        self.grow(bytes)
    }

    /// Fails once the body had to make way; if not, whoever asks is woken when it must.
    pub(crate) fn check(&self, cx: &Context<'_>) -> Result<(), Fault> {
        let Some((_, guest)) = &self.stranger else { return Ok(()) };
        if guest.turned_away.get() {
            return Err(turned_away());
        }
        *guest.waker.borrow_mut() = Some(cx.waker().clone());
        Ok(())
    }

    /// How long a body may take of which so much has come; that of a known caller has the time of
    /// its call.
    pub(crate) fn patience(&self, bytes: u64) -> Option<Duration> {
        self.stranger.as_ref()?;
        let worth = Duration::from_millis(bytes.saturating_mul(1_000) / UNKNOWN_SPEED_MIN);
        Some(UNKNOWN_GRACE + worth)
    }

    /// What it holds.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.stranger.as_ref().map_or(self.bytes, |(_, guest)| guest.bytes.get())
    }

    fn leave(&mut self) {
        if let Some((number, guest)) = self.stranger.take() {
            self.inside.strangers.borrow_mut().remove(number, &guest);
        }
        self.give_back(self.bytes);
    }

    fn give_back(&mut self, bytes: usize) {
        if let Some(system) = &self.system {
            self.inside.known.borrow_mut().shrink(system, bytes);
            self.bytes -= bytes;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Known {
    fn grow(&mut self, system: &Arc<str>, bytes: usize) -> Result<(), Fault> {
        let held = self.systems.get(system).copied().unwrap_or_default();
        if held + bytes > WHOLE_SYSTEM_BYTES_MAX {
            return Err(Fault::new(FaultCode::Overloaded).because(Sentence::new(
                "Các lượt gọi đang gửi của hệ thống này đã chiếm hết phần chỗ của nó.",
                "The calls under way of this system have taken its share of the room.",
            )));
        }
        if self.bytes + bytes > WHOLE_BYTES_MAX {
            return Err(FaultCode::Overloaded.into());
        }
        self.bytes += bytes;
        self.systems.insert(system.clone(), held + bytes);
        Ok(())
    }

    fn shrink(&mut self, system: &Arc<str>, bytes: usize) {
        self.bytes -= bytes;
        if let Some(held) = self.systems.get_mut(system) {
            *held -= bytes;
            if *held == 0 {
                self.systems.remove(system);
            }
        }
    }
}

impl Strangers {
    /// Makes room for so many bytes more of a body; others give way, or it does itself.
    fn grow(
        &mut self,
        number: u64,
        guest: &Guest,
        bytes: usize,
        now: Timestamp,
    ) -> Result<(), Fault> {
        while self.bytes + bytes > WHOLE_UNKNOWN_BYTES_MAX {
            match self.worst(now) {
                Some((worst, other)) if worst != number => self.turn_away(worst, &other),
                _ => return Err(turned_away()),
            }
        }
        self.bytes += bytes;
        *self.networks.entry(guest.network).or_default() += bytes;
        guest.bytes.set(guest.bytes.get() + bytes);
        Ok(())
    }

    /// In the network that holds most, the body that has held most for longest: bytes by time is
    /// what it costs the others. A small one that has just begun is never it.
    fn worst(&self, now: Timestamp) -> Option<(u64, Rc<Guest>)> {
        let (heaviest, _) =
            self.networks.iter().max_by_key(|(network, held)| (**held, **network))?;
        let of_heaviest = self.bodies.iter().filter(|(_, guest)| guest.network == *heaviest);
        let (number, guest) = of_heaviest.max_by_key(|(_, guest)| guest.cost(now))?;
        Some((*number, guest.clone()))
    }

    fn turn_away(&mut self, number: u64, guest: &Guest) {
        self.remove(number, guest);
        guest.turned_away.set(true);
        let waker = guest.waker.borrow_mut().take();
        waker.into_iter().for_each(Waker::wake);
    }

    fn remove(&mut self, number: u64, guest: &Guest) {
        if self.bodies.remove(&number).is_some() {
            self.shrink_to(guest, 0);
        }
    }

    fn shrink_to(&mut self, guest: &Guest, bytes: usize) {
        let less = guest.bytes.get().saturating_sub(bytes);
        guest.bytes.set(guest.bytes.get() - less);
        self.bytes -= less;
        if let Some(held) = self.networks.get_mut(&guest.network) {
            *held -= less;
            if *held == 0 {
                self.networks.remove(&guest.network);
            }
        }
    }
}

impl Guest {
    /// Bytes by milliseconds.
    fn cost(&self, now: Timestamp) -> u128 {
        let bytes = u128::try_from(self.bytes.get()).unwrap_or(u128::MAX);
        bytes * now.since(self.since).as_millis()
    }
}

/// Addresses that are one party's as far as anybody can tell: /24, or /48 of IPv6, as the journal
/// folds them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & !0xff).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !((1 << 80) - 1)).into(),
    }
}

fn turned_away() -> Fault {
    Fault::new(FaultCode::Overloaded).because(Sentence::new(
        "Chỗ nhận nội dung chưa rõ người gửi đã đầy; gửi token trong Authorization thì có chỗ riêng.",
        "The room for bodies of unknown senders is full; a token in Authorization has its own.",
    ))
}
