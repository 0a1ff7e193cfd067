//! Slots: when they are used again, and whose file is taken.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn frame() -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::push(&mut bytes, kind::OPEN, |out| out.extend_from_slice(b"row"));
    bytes
}

#[test]
fn a_slot_is_used_again_once_the_end_of_its_record_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let openings = Openings::open(dir.path(), "n1").unwrap();
    let keep = |durable| openings.keep(&mut frame(), 1, durable).unwrap().0;
    assert_eq!((keep(0), keep(0)), (0, 1));
    openings.free(Slot(0), 7);
    assert_eq!(keep(6), 2, "the frame that closes it may still be lost");
    assert_eq!(keep(7), 0);
    openings.remove();
}

#[test]
fn a_frame_too_long_for_a_slot_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let openings = Openings::open(dir.path(), "n1").unwrap();
    assert!(openings.keep(&mut [0; SLOT + 1], 1, 0).is_err());
    openings.remove();
}

#[test]
fn a_file_that_others_may_read_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let name = name(dir.path(), "n1").unwrap();
    let theirs = Path::new(MEMORY).join(&name);
    std::fs::write(&theirs, "").unwrap();
    std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o644)).unwrap();
    let openings = Openings::open(dir.path(), "n1").unwrap();
    assert_eq!(openings.path, dir.path().join(&name), "beside the log instead");
    std::fs::remove_file(&theirs).unwrap();
    openings.remove();
}
