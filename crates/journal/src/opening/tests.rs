//! Slots: when they are used again, and whose file is taken.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn frame() -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::push(&mut bytes, kind::OPEN, |out| out.extend_from_slice(b"row"));
    bytes
}

/// As on a machine whose memory is a folder of the test's.
fn open_in(dir: &tempfile::TempDir) -> Openings {
    Openings::open_in(dir.path(), "n1", dir.path(), |_| Ok(())).unwrap()
}

#[test]
fn a_slot_is_used_again_once_the_end_of_its_record_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let openings = open_in(&dir);
    let keep = |durable| openings.keep(&mut frame(), 1, durable).unwrap();
    let slots = (keep(0), keep(0));
    assert_eq!(slots, (Slot::Memory(0), Slot::Memory(1)));
    openings.free(slots.0, 7);
    assert_eq!(keep(6), Slot::Memory(2), "the frame that closes it may still be lost");
    assert_eq!(keep(7), slots.0);
    openings.remove();
}

#[test]
fn what_stands_in_a_slot_is_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let openings = open_in(&dir);
    for _ in 0..=CHUNK {
        openings.keep(&mut frame(), 9, 0).unwrap();
    }
    let bytes = std::fs::read(&openings.paths.memory).unwrap();
    assert_eq!(bytes.len(), 2 * CHUNK * SLOT);
    let numbers: Vec<_> = bytes.chunks(SLOT).map(|slot| slot[4]).collect();
    assert_eq!(numbers.iter().filter(|number| **number == 9).count(), CHUNK + 1);
    openings.clear().unwrap();
    assert_eq!(openings.keep(&mut frame(), 9, 0).unwrap(), Slot::Memory(0), "from the beginning");
    openings.remove();
}

#[test]
fn without_room_in_memory_openings_go_beside_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let full = |_: &File, _| Err(io::ErrorKind::StorageFull.into());
    let openings = Openings { grow: full, ..open_in(&dir) };
    let slot = openings.keep(&mut frame(), 9, 0).unwrap();
    assert_eq!(slot, Slot::Disk(0));
    assert_eq!(openings.keep(&mut frame(), 9, 0).unwrap(), Slot::Disk(1));
    let bytes = std::fs::read(&openings.paths.disk).unwrap();
    assert_eq!((bytes[4], bytes[SLOT + 4]), (9, 9));
    openings.free(slot, 0);
    assert_eq!(openings.keep(&mut frame(), 9, 0).unwrap(), slot, "used again");
    openings.remove();
    assert!(!openings.paths.disk.exists() && !openings.paths.memory.exists());
}

#[test]
fn a_file_that_another_process_has_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let first = open_in(&dir);
    let second = open_in(&dir);
    assert!(second.memory.is_none(), "it would shorten what the first has mapped");
    assert_eq!(second.keep(&mut frame(), 1, 0).unwrap(), Slot::Disk(0));
    second.remove();
    assert!(first.paths.memory.exists());
    first.remove();
}

#[test]
fn a_frame_too_long_for_a_slot_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let openings = open_in(&dir);
    assert!(openings.keep(&mut [0; SLOT + 1], 1, 0).is_err());
    openings.remove();
}

#[test]
fn a_file_that_others_may_read_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let theirs = Paths::of(dir.path(), "n1", dir.path()).unwrap().memory;
    std::fs::write(&theirs, "").unwrap();
    std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(open_in(&dir).memory.is_none(), "beside the log instead");
}

#[test]
fn what_is_not_in_memory_is_not_mapped() {
    let file = File::open("/proc/version").unwrap();
    assert!(is_memory(&file).is_err(), "a disk that fails would end the process by a signal");
}
