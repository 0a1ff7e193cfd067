//! Memory of a body is what is counted, however it comes.

use terms::clock::Clock;

use super::*;
use crate::body::Room;

/// Adds a body in pieces of one size; gives it back joined, with what was counted for it.
fn add(length: usize, by: usize, promised: bool) -> (Bytes, usize) {
    let room = Room::new(Clock::system());
    let mut place = room.enter(&terms::code::SystemCode::known("a"));
    let text: Bytes = (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let mut pieces = Pieces::new(promised.then(|| u64::try_from(length).unwrap()));
    for at in (0..length).step_by(by) {
        pieces.add(text.slice(at..length.min(at + by)), &mut place).unwrap();
        let held: usize = pieces.full.iter().chain([&pieces.last]).map(BytesMut::capacity).sum();
        assert_eq!(held, place.bytes(), "capacity is counted");
    }
    assert_eq!(pieces.length, length);
    let counted = place.bytes();
    let whole = pieces.join();
    assert_eq!(whole, text);
    (whole, counted)
}

#[test]
fn what_is_counted_is_what_is_held_and_little_more_than_what_came() {
    for (length, by) in [(1, 1), (5_000, 1), (9_000, 4_096), (300_000, 7), (3_000_000, 65_536)] {
        let (_, counted) = add(length, by, true);
        assert_eq!(counted, length, "exactly what was promised");
        let (_, counted) = add(length, by, false);
        assert!(
            counted <= (2 * length).min(length + PIECE_MAX).max(PIECE_MIN),
            "{length}: {counted}"
        );
    }
}

#[test]
fn what_was_announced_costs_nothing_until_it_comes() {
    let room = Room::new(Clock::system());
    let mut place = room.enter_unknown("10.0.0.1".parse().unwrap());
    let mut pieces = Pieces::new(Some(32 * 1024 * 1024));
    pieces.add(Bytes::from_static(b"{"), &mut place).unwrap();
    assert_eq!(place.bytes(), PIECE_MIN);
}
