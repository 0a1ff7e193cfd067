//! Cut power, torn tails, flipped bytes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::frame::{Found, HEAD};
use crate::segment;

/// Eight threads write until the power is cut; gives what was acknowledged.
fn write_until_cut(ground: &Ground, rows: u64) -> HashSet<ExchangeId> {
    let (journal, _) = ground.open();
    let acknowledged = Mutex::new(HashSet::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Ok(mut entry) = journal.reserve(Class::Identified) else { return };
                    let row = ground.row();
                    if entry.open(&row).is_err() || entry.close(&row).wait().is_err() {
                        return;
                    }
                    let mut acknowledged = acknowledged.lock();
                    acknowledged.insert(row.exchange_id);
                    if acknowledged.len() as u64 == rows {
                        ground.disk.cut(ground);
                    }
                }
            });
        }
    });
    acknowledged.into_inner()
}

#[test]
fn nothing_acknowledged_is_lost_with_the_power_and_without_fsync_something_is() {
    let mut lost_without = 0;
    for round in 0..12 {
        for sync in [Sync::Always, Sync::Never] {
            let mut ground = Ground::new(100 + round);
            ground.sync = sync;
            // Some rounds are cut within the first segment, some behind several.
            ground.bounds.segment_bytes = if round % 2 == 0 { 32 * 1024 } else { 1 << 30 };
            let cut_at = 1 + ground.below(600);
            let acknowledged = write_until_cut(&ground, cut_at);
            ground.sync = Sync::Always;
            let reopened = ground.reopen();
            let rows = ground.found();
            assert_eq!(rows.len(), ids(&rows).len(), "no row is there twice");
            let lost = acknowledged.difference(&ids(&rows)).count();
            match sync {
                Sync::Always => {
                    let failed = |row: &&Row| row.outcome == Some(Outcome::Failed);
                    let stopped: HashSet<_> =
                        rows.iter().filter(failed).map(|row| row.exchange_id).collect();
                    assert_eq!(lost, 0, "round {round}");
                    assert!(acknowledged.is_disjoint(&stopped), "round {round}");
                    drop(reopened);
                    assert!(ground.verify().ok, "round {round}: {:?}", ground.verify());
                }
                Sync::Never => lost_without += lost,
            }
        }
    }
    assert!(
        lost_without > 0,
        "the disk layer must be able to lose rows, or the test shows nothing"
    );
}

/// A segment of three rows, not sealed, as a crash leaves it.
fn small_segment(seed: u64) -> (Ground, Vec<u8>) {
    let ground = Ground::new(seed);
    let (journal, _) = ground.open();
    for _ in 0..3 {
        journal.write(&ground.row()).wait().unwrap();
    }
    let bytes = std::fs::read(&ground.logs()[0]).unwrap();
    ground.disk.set(|disk| disk.cut = true);
    drop(journal);
    std::fs::write(&ground.logs()[0], &bytes).unwrap();
    (ground, bytes)
}

fn offsets(bytes: &[u8]) -> Vec<usize> {
    segment::scan(bytes)
        .filter_map(|found| match found {
            Found::Frame(frame) => Some(frame.offset),
            _ => None,
        })
        .collect()
}

#[test]
fn a_tail_torn_at_any_byte_is_pending_and_set_aside() {
    let (mut ground, bytes) = small_segment(200);
    let last = *offsets(&bytes).last().unwrap();
    let path = ground.logs()[0].clone();
    for end in last..bytes.len() {
        std::fs::remove_dir_all(ground.dir()).unwrap();
        std::fs::create_dir_all(ground.dir()).unwrap();
        std::fs::write(&path, &bytes[..end]).unwrap();
        let verdict = ground.verify();
        assert!(verdict.ok && verdict.rows == 2, "{end}: {verdict:?}");
        assert_eq!(verdict.pending.len(), usize::from(end > last), "{end}");
        let (journal, recovery) = ground.reopen();
        assert!(recovery.damage.is_empty() && recovery.stopped == 0, "{end}: {recovery:?}");
        assert_eq!(recovery.torn.len(), usize::from(end > last), "{end}");
        for torn in &recovery.torn {
            assert_eq!(std::fs::read(torn).unwrap(), bytes[last..end], "{end}");
        }
        drop(journal);
        let verdict = ground.verify();
        assert!(
            verdict.ok && verdict.rows == 2 && verdict.pending.is_empty(),
            "{end}: {verdict:?}"
        );
    }
}

#[test]
fn a_segment_torn_within_its_beginning_is_set_aside_whole() {
    let (mut ground, bytes) = small_segment(201);
    let second = offsets(&bytes)[1];
    let path = ground.logs()[0].clone();
    for end in 0..second {
        std::fs::remove_dir_all(ground.dir()).unwrap();
        std::fs::create_dir_all(ground.dir()).unwrap();
        std::fs::write(&path, &bytes[..end]).unwrap();
        assert!(ground.verify().ok, "{end}");
        let (journal, recovery) = ground.reopen();
        assert_eq!(recovery.torn.len(), 1, "{end}");
        drop(journal);
        assert!(ground.verify().ok, "{end}: {:?}", ground.verify());
    }
}

#[test]
fn every_flipped_byte_of_an_open_segment_is_placed() {
    let (ground, bytes) = small_segment(202);
    let path = ground.logs()[0].clone();
    let begins = offsets(&bytes);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::write(&path, &changed).unwrap();
        let verdict = ground.verify();
        assert!(!verdict.ok, "byte {at}");
        assert_eq!(verdict.file.as_deref(), Some("n1-0000000001.log"));
        let frame = begins.iter().rev().find(|begin| **begin <= at).copied().unwrap_or(0);
        assert_eq!(verdict.offset, Some(frame as u64), "byte {at}: {verdict:?}");
        // The frames behind it stay readable.
        let later = begins.iter().filter(|begin| **begin > at).count();
        let rows = ground.found().len();
        assert!(rows >= later.min(3), "byte {at}: {rows} of {later}");
    }
}

#[test]
fn damage_is_reported_never_set_aside_and_writing_goes_on() {
    let (mut ground, mut bytes) = small_segment(203);
    let path = ground.logs()[0].clone();
    let second = offsets(&bytes)[2];
    bytes[second + HEAD + 5] ^= 0x10;
    std::fs::write(&path, &bytes).unwrap();
    for _ in 0..3 {
        let (journal, recovery) = ground.reopen();
        assert!(recovery.torn.is_empty());
        journal.write(&ground.row()).wait().unwrap();
        drop(journal);
        let verdict = ground.verify();
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "never touched");
        assert_eq!((verdict.ok, verdict.offset), (false, Some(second as u64)), "{verdict:?}");
    }
    assert_eq!(ground.found().len(), 2 + 3);
}

#[test]
fn every_flipped_byte_of_a_sealed_segment_and_its_manifest_is_found() {
    let ground = Ground::new(204);
    let (journal, _) = ground.open();
    for _ in 0..2 {
        journal.write(&ground.row()).wait().unwrap();
    }
    journal.stop();
    let manifest = ground.dir().join("manifest.jsonl");
    for path in [ground.logs()[0].clone(), manifest] {
        let bytes = std::fs::read(&path).unwrap();
        let begins = offsets(&bytes);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            std::fs::write(&path, &changed).unwrap();
            let verdict = ground.verify();
            // The last byte of the manifest is its line's end: without it the line is unfinished
            // and the segment is read as an open one.
            let unfinished = begins.is_empty() && at + 1 == bytes.len();
            assert_eq!(verdict.ok, unfinished, "{path:?} byte {at}: {verdict:?}");
            if !begins.is_empty() {
                assert_eq!(verdict.file.as_deref(), Some("n1-0000000001.log"));
                let frame = begins.iter().rev().find(|begin| **begin <= at).copied().unwrap_or(0);
                assert_eq!(verdict.offset, Some(frame as u64), "byte {at}: {verdict:?}");
            }
        }
        std::fs::write(&path, &bytes).unwrap();
    }
    assert!(ground.verify().ok);
}

#[test]
fn rows_changed_removed_or_exchanged_with_right_checksums_are_found() {
    let mut ground = Ground::new(205);
    ground.bounds.segment_bytes = 1 << 30;
    let (journal, _) = ground.open();
    let rows: Vec<_> = (0..1_100).map(|_| journal.write(&ground.row())).collect();
    rows.into_iter().for_each(|row| row.wait().unwrap());
    journal.stop();
    let path = ground.logs()[0].clone();
    let bytes = std::fs::read(&path).unwrap();
    let begins = offsets(&bytes);
    // The 1,050th row, in the second block of 1,024: another status, all checksums made anew.
    let (from, to) = (begins[1_050], begins[1_051]);
    let mut row = Row::decode(&bytes[from + HEAD..to]).unwrap();
    row.status = Some(201);
    let mut forged = bytes[..from].to_vec();
    crate::frame::push(&mut forged, crate::frame::kind::ROW, |out| row.encode(out));
    crate::frame::seal(&mut forged[from..from + HEAD], 1_050);
    assert_eq!(forged.len(), to);
    forged.extend_from_slice(&bytes[to..]);
    std::fs::write(&path, &forged).unwrap();
    let verdict = ground.verify();
    assert_eq!((verdict.ok, verdict.row), (false, Some(1_024)), "{verdict:?}");

    let mut removed = bytes[..from].to_vec();
    removed.extend_from_slice(&bytes[to..]);
    std::fs::write(&path, &removed).unwrap();
    let verdict = ground.verify();
    assert_eq!((verdict.ok, verdict.offset), (false, Some(from as u64)), "{verdict:?}");

    // The same in an open segment, which has no tree yet.
    std::fs::remove_file(ground.dir().join("manifest.jsonl")).unwrap();
    let verdict = ground.verify();
    assert_eq!((verdict.ok, verdict.offset), (false, Some(from as u64)), "{verdict:?}");
    std::fs::write(&path, &bytes).unwrap();
    assert!(ground.verify().ok);
}

#[test]
fn a_missing_segment_a_cut_chain_and_added_bytes_are_found() {
    let mut ground = Ground::new(206);
    for _ in 0..3 {
        let (journal, _) = ground.reopen();
        journal.write(&ground.row()).wait().unwrap();
        drop(journal);
    }
    assert!(ground.verify().ok);
    let manifest = ground.dir().join("manifest.jsonl");
    let lines = std::fs::read_to_string(&manifest).unwrap();
    let without: Vec<_> = lines.split_inclusive('\n').enumerate().filter(|l| l.0 != 1).collect();
    let without: String = without.into_iter().map(|line| line.1).collect();
    std::fs::write(&manifest, without).unwrap();
    let verdict = ground.verify();
    assert_eq!((verdict.ok, verdict.offset), (false, Some(2)), "{verdict:?}");
    let first: String = lines.split_inclusive('\n').take(1).collect();
    for (left, unsealed) in [("", "n1-0000000001.log"), (&first, "n1-0000000002.log")] {
        std::fs::write(&manifest, left).unwrap();
        let verdict = ground.verify();
        if left.is_empty() {
            assert_eq!((verdict.ok, verdict.file.as_deref()), (false, Some(unsealed)));
        } else {
            assert_eq!(verdict.pending, [unsealed], "{verdict:?}");
        }
    }
    std::fs::remove_file(&manifest).unwrap();
    assert!(!ground.verify().ok, "without its manifest nothing is proven");
    std::fs::write(&manifest, &lines).unwrap();

    let log = ground.logs()[1].clone();
    let bytes = std::fs::read(&log).unwrap();
    std::fs::write(&log, [&bytes[..], b"more"].concat()).unwrap();
    let verdict = ground.verify();
    assert_eq!((verdict.ok, verdict.offset), (false, Some(bytes.len() as u64)), "{verdict:?}");

    std::fs::remove_file(&log).unwrap();
    let verdict = ground.verify();
    assert_eq!((verdict.ok, verdict.file.as_deref()), (false, Some("n1-0000000002.log")));
}

#[test]
fn a_manifest_line_torn_by_a_crash_is_written_anew() {
    let (mut ground, _) = small_segment(207);
    ground.reopen().0.stop();
    let manifest = ground.dir().join("manifest.jsonl");
    let bytes = std::fs::read(&manifest).unwrap();
    std::fs::write(&manifest, &bytes[..bytes.len() - 20]).unwrap();
    let verdict = ground.verify();
    assert!(verdict.ok && verdict.pending == ["manifest.jsonl"], "{verdict:?}");
    ground.reopen().0.stop();
    let verdict = ground.verify();
    assert!(verdict.ok && verdict.pending.is_empty() && verdict.rows == 3, "{verdict:?}");
}

#[test]
fn many_acknowledged_rows_survive_without_a_stop() {
    // The million is the task of `examples/million.rs`; this is what fits the time of a test.
    const ROWS: usize = 20_000;
    let mut ground = Ground::new(208);
    let (journal, _) = ground.open();
    let waiting: Vec<_> = (0..ROWS).map(|_| journal.write(&ground.row())).collect();
    for row in waiting {
        row.wait().unwrap();
    }
    ground.disk.cut(&ground);
    drop(journal);
    let (_journal, recovery) = ground.reopen();
    assert_eq!(recovery.sealed, 1);
    assert_eq!(
        crate::stats(&ground.dir(), &Filter::default(), &[], &jiff::tz::TimeZone::UTC).unwrap()[0]
            .count,
        ROWS as u64
    );
}

#[test]
fn a_node_that_changed_its_name_still_closes_what_was_open() {
    let mut ground = Ground::new(207);
    let row = ground.row();
    let (journal, _) = ground.reopen();
    let mut entry = journal.reserve(crate::Class::Identified).unwrap();
    let _ = entry.open(&row);
    entry.open_durable().wait().unwrap();
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(ground.dir()).unwrap() {
        let file = file.unwrap().path();
        std::fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
    }
    let renamed = Config { dir: copy.path().to_owned(), node: "n2".to_owned(), ..ground.config() };
    let (second, recovery) = Journal::open(&renamed, ground.clock.clone()).unwrap();
    assert_eq!((recovery.stopped, recovery.sealed), (1, 1), "{recovery:?}");
    // Beside a node that writes into the same folder only its own are touched.
    let third = Config { node: "n3".to_owned(), ..renamed.clone() };
    let (third, recovery) = Journal::open(&third, ground.clock.clone()).unwrap();
    assert_eq!((recovery.stopped, recovery.sealed), (0, 0), "{recovery:?}");
    drop((second, third));
    let rows = found(copy.path(), &Filter::default());
    assert!(rows.iter().any(|found| found.exchange_id == row.exchange_id), "{rows:?}");
    drop((entry, journal));
}

#[test]
fn a_record_opened_a_moment_before_the_process_dies_is_closed_as_stopped() {
    let mut ground = Ground::new(209);
    let (journal, _) = ground.open();
    let closed = ground.row();
    let opened = Row { outcome: None, status: None, ..ground.row() };
    let mut entry = journal.reserve(crate::Class::Identified).unwrap();
    entry.open(&closed).unwrap();
    entry.close(&closed).wait().unwrap();
    let mut entry = journal.reserve(crate::Class::Identified).unwrap();
    entry.open(&opened).unwrap();
    // Nobody waits for it, so that it is not in the log yet; from here on nothing comes to it.
    ground.disk.cut(&ground);
    drop(journal);
    assert!(ground.found().iter().all(|row| row.exchange_id != opened.exchange_id));
    let (journal, recovery) = ground.reopen();
    assert_eq!(recovery.stopped, 1, "only what was open");
    drop(journal);
    let rows = ground.found();
    assert_eq!(rows.len(), 2, "{rows:?}");
    let row = rows.iter().find(|row| row.exchange_id == opened.exchange_id).unwrap();
    assert_eq!(row.fault.as_deref(), Some("platform_stopped"));
    let (_journal, recovery) = ground.reopen();
    assert_eq!(recovery.stopped, 0, "only once");
    drop(entry);
}

#[test]
fn after_a_failed_sync_the_next_one_acknowledges_nothing_of_that_segment() {
    let mut ground = Ground::new(210);
    let (journal, _) = ground.open();
    let (over, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let acknowledged: Vec<_> = std::thread::scope(|scope| {
        let write = || {
            let mut rows = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let row = ground.row();
                if journal.write(&row).wait().is_ok() {
                    rows.push(row.exchange_id);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
            rows
        };
        let writing: Vec<_> = (0..4).map(|_| scope.spawn(write)).collect();
        for _ in 0..20 {
            let before = count.load(Ordering::Relaxed);
            while count.load(Ordering::Relaxed) < before + 20 {
                std::thread::yield_now();
            }
            ground.disk.set(|disk| disk.sync_fails_once = true);
            while ground.disk.0.lock().sync_fails_once {
                std::thread::yield_now();
            }
        }
        over.store(true, Ordering::Relaxed);
        writing.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    ground.disk.cut(&ground);
    drop(journal);
    let (_journal, _) = ground.reopen();
    let found = ids(&ground.found());
    let missing = acknowledged.iter().filter(|id| !found.contains(id)).count();
    assert_eq!(missing, 0, "of {} acknowledged", acknowledged.len());
    assert!(ground.logs().len() > 20, "each failure ends a segment");
}
