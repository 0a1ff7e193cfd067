//! The room for bodies that are read whole.

use super::*;

#[test]
fn strangers_have_half_of_the_room_and_give_it_back() {
    let room = Room::default();
    let half = WHOLE_BYTES_MAX / 2;
    let mut stranger = room.enter(false);
    assert_eq!(stranger.grow(half), Ok(()));
    let mut other = room.enter(false);
    assert_eq!(other.grow(1), Err(FaultCode::Overloaded));
    let mut known = room.enter(true);
    assert_eq!(known.grow(half), Ok(()));
    assert_eq!(known.grow(1), Err(FaultCode::Overloaded));
    drop(known);
    drop(stranger);
    assert_eq!(other.grow(half), Ok(()), "what was given back is free again");
}
