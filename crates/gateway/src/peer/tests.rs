//! Which connection is ended when: one table of phases.

use std::net::Ipv4Addr;

use terms::limit::DEADLINE;

use super::*;
use crate::record::{BULK_DEADLINE, SETTLE_MAX};

#[test]
fn each_phase_has_its_time() {
    type Step = fn(&Peer, Instant);
    let table: [(&str, &[Step], Duration); 6] = [
        ("silent", &[], HEAD_TIMEOUT),
        ("head begun", &[|p, _| p.received()], HEAD_TIMEOUT),
        ("dripping head", &[|p, _| p.received(), |p, _| p.received()], HEAD_TIMEOUT),
        ("calling", &[|p, _| p.received(), |p, at| p.called(at)], RESPONSE_MAX - SWEEP),
        ("reading slowly", &[|p, at| p.called(at), |p, _| p.answered()], RESPONSE_MAX - SWEEP),
        (
            "between calls",
            &[|p, at| p.called(at), |p, _| p.answered(), |p, _| p.flushed()],
            IDLE_TIMEOUT,
        ),
    ];
    for (name, steps, limit) in table {
        let clock = Clock::system();
        let before = clock.instant();
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let peer = Peer::new(Environment::Live, address, false, false, clock.clone());
        steps.iter().for_each(|step| step(&peer, before));
        let after = clock.instant();
        peer.sweep(before + limit - Duration::from_millis(1));
        assert!(!peer.is_expired(), "{name}: too early");
        peer.sweep(after + limit);
        assert!(peer.is_expired(), "{name}: in time");
    }
}

#[test]
fn a_connection_outlives_the_fault_of_its_call() {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for (bulk, limit) in [(false, DEADLINE), (true, BULK_DEADLINE)] {
        let peer = Peer::new(Environment::Live, address, false, false, Clock::system());
        let now = Clock::system().instant();
        peer.called(now);
        if bulk {
            peer.extend();
        }
        peer.sweep(now + limit + SETTLE_MAX);
        assert!(!peer.is_expired(), "the fault may still leave; bulk: {bulk}");
    }
}

#[test]
fn hypers_own_words_are_known_by_their_time() {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let peer = Peer::new(Environment::Live, address, false, false, Clock::system());
    let now = Clock::system().instant();
    assert!(peer.is_between_calls());
    peer.called(now);
    peer.flushed();
    assert!(!peer.is_between_calls(), "an interim answer was flushed, the call goes on");
    peer.answered();
    assert!(!peer.is_between_calls(), "the answer still leaves");
    peer.flushed();
    assert!(peer.is_between_calls());
}
