//! Who gives way when strangers have filled their room.

use super::*;

const MIB: usize = 1024 * 1024;

fn room() -> (Room, Clock) {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    (Room::new(clock.clone()), clock)
}

fn from(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn system(code: &str) -> SystemCode {
    SystemCode::known(code)
}

fn code(grown: Result<(), Fault>) -> Result<(), FaultCode> {
    grown.map_err(|fault| fault.code)
}

#[test]
fn strangers_take_nothing_of_the_room_of_known_callers() {
    let (room, _) = room();
    let mut stranger = room.enter_unknown(from("10.0.0.1"));
    assert_eq!(code(stranger.grow(WHOLE_UNKNOWN_BYTES_MAX)), Ok(()));
    assert_eq!(code(stranger.grow(1)), Err(FaultCode::Overloaded), "nobody else to give way");
    let mut known = [room.enter(&system("a")), room.enter(&system("b"))];
    for place in &mut known {
        assert_eq!(code(place.grow(WHOLE_SYSTEM_BYTES_MAX)), Ok(()));
    }
    let third = system("c");
    assert_eq!(code(room.enter(&third).grow(1)), Err(FaultCode::Overloaded));
    assert_eq!(code(stranger.admit(&third)), Err(FaultCode::Overloaded), "nor room for it there");
    drop(known);
    let grown = room.enter(&third).grow(WHOLE_SYSTEM_BYTES_MAX);
    assert_eq!(code(grown), Ok(()), "what was given back is free");
}

#[test]
fn one_system_takes_no_more_than_its_share() {
    let (room, _) = room();
    let (greedy, other) = (system("greedy"), system("other"));
    let mut places: Vec<Place> = (0..4).map(|_| room.enter(&greedy)).collect();
    for place in &mut places {
        place.grow(WHOLE_SYSTEM_BYTES_MAX / 4).unwrap();
    }
    let refused = room.enter(&greedy).grow(1).unwrap_err();
    assert!(refused.detail.is_some_and(|told| told.en.contains("share")));
    let mut session = room.enter_unknown(from("10.0.0.1"));
    session.grow(1).unwrap();
    assert_eq!(code(session.admit(&greedy)), Err(FaultCode::Overloaded), "however it is known");
    assert_eq!(code(room.enter(&other).grow(WHOLE_SYSTEM_BYTES_MAX)), Ok(()));
    places[0].shrink_to(MIB);
    assert_eq!(code(room.enter(&greedy).grow(MIB)), Ok(()));
    drop((places, session));
    let known = room.0.known.borrow();
    assert_eq!((known.bytes, known.systems.len()), (0, 0), "nothing is left behind");
}

#[test]
fn the_network_that_holds_most_gives_way_and_in_it_what_cost_most() {
    let (room, clock) = room();
    let mut others = room.enter_unknown(from("10.9.9.1"));
    others.grow(10 * MIB).unwrap();
    let mut old = room.enter_unknown(from("10.0.0.1"));
    old.grow(16 * MIB).unwrap();
    clock.advance(Duration::from_secs(4));
    // larger, but it came just now
    let mut new = room.enter_unknown(from("10.0.0.200"));
    new.grow(30 * MIB).unwrap();
    clock.advance(Duration::from_secs(1));
    let mut small = room.enter_unknown(from("10.0.0.7"));
    assert_eq!(code(small.grow(9 * MIB)), Ok(()));
    assert_eq!(code(old.grow(1)), Err(FaultCode::Overloaded), "16 MiB for 5 s");
    for place in [&mut others, &mut new, &mut small] {
        assert_eq!(code(place.grow(1)), Ok(()));
    }
    assert_eq!(code(old.admit(&system("a"))), Err(FaultCode::Overloaded), "it stays turned away");
}

#[test]
fn a_body_that_is_itself_the_worst_is_refused_and_nobody_else() {
    let (room, clock) = room();
    let mut small = room.enter_unknown(from("10.0.0.1"));
    small.grow(MIB).unwrap();
    let mut large = room.enter_unknown(from("10.0.1.1"));
    large.grow(60 * MIB).unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(code(large.grow(4 * MIB)), Err(FaultCode::Overloaded));
    assert_eq!(code(small.grow(MIB)), Ok(()));
}

#[test]
fn a_caller_who_became_known_gives_way_to_nobody() {
    let (room, clock) = room();
    let mut known = room.enter_unknown(from("10.0.0.1"));
    known.grow(60 * MIB).unwrap();
    known.admit(&system("a")).unwrap();
    clock.advance(Duration::from_secs(9));
    let mut stranger = room.enter_unknown(from("10.0.0.1"));
    assert_eq!(code(stranger.grow(WHOLE_UNKNOWN_BYTES_MAX)), Ok(()));
    assert_eq!(code(known.grow(1)), Ok(()));
    stranger.shrink_to(MIB);
    assert_eq!((stranger.bytes(), room.0.strangers.borrow().bytes), (MIB, MIB));
    known.shrink_to(MIB);
    assert_eq!((known.bytes(), room.0.known.borrow().bytes), (MIB, MIB));
    drop(stranger);
    let strangers = room.0.strangers.borrow();
    assert_eq!((strangers.bytes, strangers.networks.len(), strangers.bodies.len()), (0, 0, 0));
}

#[test]
fn whoever_must_give_way_is_woken() {
    let (room, clock) = room();
    let mut waiting = room.enter_unknown(from("2001:db8:1:2::1"));
    waiting.grow(60 * MIB).unwrap();
    clock.advance(Duration::from_secs(1));
    let woken = std::sync::Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    assert!(waiting.check(&Context::from_waker(&waker)).is_ok());
    // another network of the same party
    room.enter_unknown(from("2001:db8:1:ffff::2")).grow(5 * MIB).unwrap();
    assert!(woken.0.load(std::sync::atomic::Ordering::Relaxed));
    assert!(waiting.check(&Context::from_waker(&waker)).is_err());
}

#[derive(Default)]
struct Woken(std::sync::atomic::AtomicBool);

impl std::task::Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn the_speed_of_a_stranger_counts_after_the_grace() {
    let (room, _) = room();
    let stranger = room.enter_unknown(from("10.0.0.1"));
    assert_eq!(stranger.patience(0), Some(UNKNOWN_GRACE));
    let two = stranger.patience(2 * UNKNOWN_SPEED_MIN);
    assert_eq!(two, Some(UNKNOWN_GRACE + Duration::from_secs(2)));
    assert_eq!(room.enter(&system("a")).patience(0), None);
}
