//! The fold rule, with a clock that is moved.

use super::*;
use crate::deny::{Decision, FOLDED_MAX, Fold};
use terms::limit::{DENIED_ROWS_BURST, DENIED_ROWS_PER_MINUTE};

fn denied(ground: &Ground, credential: Option<&str>, address: [u8; 4], fault: &'static str) -> Row {
    Row {
        credential: credential.map(Arc::from),
        outcome: Some(Outcome::Denied),
        fault: Some(fault.into()),
        status: Some(403),
        client_address: Some(address.into()),
        closed_at: Some(ground.clock.now()),
        request_bytes: Some(10),
        environment: Some(Environment::Live),
        ..Row::new(Kind::Call, ground.id(), ground.clock.now())
    }
}

/// Own rows among `count` refusals.
fn own(ground: &Ground, fold: &mut Fold, credential: Option<&str>, count: u32) -> u32 {
    let decide = |_: &u32| {
        let row = denied(ground, credential, [10, 0, 0, 1], "not_subscribed");
        matches!(fold.decide(row, ground.clock.now(), false), Decision::Write(_))
    };
    u32::try_from((0..count).filter(decide).count()).unwrap()
}

#[test]
fn the_allowance_is_a_burst_and_its_refill() {
    let ground = Ground::new(300);
    let mut fold = Fold::default();
    assert_eq!(own(&ground, &mut fold, Some("a"), DENIED_ROWS_BURST + 500), DENIED_ROWS_BURST);
    assert_eq!(own(&ground, &mut fold, Some("b"), 100), 100, "each credential has its own");
    assert_eq!(own(&ground, &mut fold, None, DENIED_ROWS_BURST + 1), DENIED_ROWS_BURST);
    ground.clock.advance(Duration::from_millis(99));
    assert_eq!(own(&ground, &mut fold, Some("a"), 10), 0);
    ground.clock.advance(Duration::from_millis(1));
    assert_eq!(own(&ground, &mut fold, Some("a"), 10), 1);
    ground.clock.advance(Duration::from_secs(60));
    assert_eq!(own(&ground, &mut fold, Some("a"), 1_000), DENIED_ROWS_PER_MINUTE);
    ground.clock.advance(Duration::from_secs(86_400));
    assert_eq!(own(&ground, &mut fold, Some("a"), DENIED_ROWS_BURST + 1), DENIED_ROWS_BURST);
}

#[test]
fn a_folded_row_counts_by_network_and_fault_for_a_minute() {
    let ground = Ground::new(301);
    let mut fold = Fold::default();
    let mut decide = |address, fault| {
        let row = denied(&ground, None, address, fault);
        match fold.decide(row, ground.clock.now(), true) {
            Decision::Begin(row) => (true, row.exchange_id),
            Decision::Counted(id) => (false, id),
            Decision::Write(_) => panic!("the disk is scarce: refusals of others fold at once"),
        }
    };
    let (begun, first) = decide([10, 0, 0, 1], "token_missing");
    assert!(begun);
    assert_eq!(decide([10, 0, 0, 255], "token_missing"), (false, first));
    assert!(decide([10, 0, 1, 1], "token_missing").0, "another network");
    assert!(decide([10, 0, 0, 1], "token_invalid").0, "another fault");
    ground.clock.advance(Duration::from_secs(59));
    assert_eq!(decide([10, 0, 0, 2], "token_missing"), (false, first));
    assert!(fold.due(ground.clock.now()).is_empty());
    ground.clock.advance(Duration::from_secs(1));
    let mut due = fold.due(ground.clock.now());
    due.sort_by_key(|row| row.count);
    assert_eq!(due.iter().map(|row| row.count).collect::<Vec<_>>(), [1, 1, 3]);
    let row = &due[2];
    assert_eq!(row.exchange_id, first);
    assert_eq!(row.client_address, Some([10, 0, 0, 0].into()));
    assert_eq!(row.request_bytes, Some(30), "sums stay sums");
    assert_eq!(row.closed_at.unwrap().since(row.opened_at), Duration::from_secs(59));
    assert_eq!((row.total_us, row.environment), (None, Some(Environment::Live)));
    assert!(fold.drain().is_empty());
}

#[test]
fn networks_are_24_and_48_bits() {
    let table = [
        ("10.1.2.3", "10.1.2.0"),
        ("::ffff:10.1.2.3", "10.1.2.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
    ];
    let ground = Ground::new(302);
    for (address, network) in table {
        let row = Row {
            client_address: Some(address.parse().unwrap()),
            ..denied(&ground, None, [0; 4], "token_missing")
        };
        let Decision::Begin(row) = Fold::default().decide(row, ground.clock.now(), true) else {
            panic!("{address} is not folded");
        };
        assert_eq!(row.client_address.unwrap().to_string(), network);
    }
}

#[test]
fn folded_rows_in_memory_are_bounded_and_sums_stay_exact() {
    let ground = Ground::new(303);
    let mut fold = Fold::default();
    for network in 0..3_000_u32 {
        let [_, _, high, low] = network.to_be_bytes();
        let row = denied(&ground, None, [10, high, low, 1], "token_missing");
        assert!(!matches!(fold.decide(row, ground.clock.now(), true), Decision::Write(_)));
    }
    let rows = fold.drain();
    assert_eq!(rows.len(), FOLDED_MAX + 1);
    assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 3_000);
    let rest = rows.iter().find(|row| row.count > 1).unwrap();
    assert_eq!((rest.client_address, rest.count), (None, 3_000 - FOLDED_MAX as u64));
}

#[test]
fn what_differs_between_refusals_is_left_out() {
    let ground = Ground::new(304);
    let mut fold = Fold::default();
    let mut deny = |service: &str, version: &str| {
        let row = Row {
            service: Some(service.into()),
            version: Some(version.into()),
            reference: Some("HS-1".into()),
            ..denied(&ground, None, [10, 0, 0, 1], "token_missing")
        };
        fold.decide(row, ground.clock.now(), true);
    };
    deny("tra-cuu", "1.0");
    deny("tra-cuu", "2.0");
    let row = fold.drain().remove(0);
    assert_eq!((row.service.as_deref(), row.version, row.reference), (Some("tra-cuu"), None, None));
}

#[test]
fn a_folded_row_names_no_violation_that_is_not_that_of_all() {
    let ground = Ground::new(306);
    let fold = |checks: [(&'static str, u32, Option<&str>); 2]| {
        let mut fold = Fold::default();
        for (verdict, unchecked, violations) in checks {
            let row = Row {
                packet_verdict: Some(verdict.into()),
                packet_unchecked: Some(unchecked),
                packet_violations: violations.map(Arc::from),
                ..denied(&ground, None, [10, 0, 0, 1], "packet_invalid")
            };
            fold.decide(row, ground.clock.now(), true);
        }
        let row = fold.drain().remove(0);
        assert_eq!(row.count, 2);
        (row.packet_verdict, row.packet_unchecked, row.packet_violations)
    };
    let (one, two) = (Some("required@data[0].MaHoSo"), Some("date@data[0].NgayTiepNhan"));
    let refused = Some("refused".into());
    let alike = (refused.clone(), Some(1), one.map(Arc::from));
    assert_eq!(fold([("refused", 1, one), ("refused", 1, one)]), alike);
    assert_eq!(fold([("refused", 1, one), ("refused", 2, two)]), (refused, None, None));
    assert_eq!(fold([("refused", 0, one), ("ok", 0, None)]), (None, Some(0), None));
}

#[test]
fn every_answered_id_has_a_row_and_sums_are_exact_to_the_stop_and_the_crash() {
    for crash in [false, true] {
        let mut ground = Ground::new(305);
        ground.disk.set(|disk| disk.free = Some(0));
        let (journal, _) = ground.open();
        let mut answered = HashSet::new();
        for round in 0..3_u64 {
            for host in 0..100 {
                let row = denied(&ground, None, [10, 0, 0, host], "token_missing");
                let (id, durable) = journal.deny(row);
                assert_eq!(durable.is_some(), host == 0, "the first begins the row");
                if let Some(durable) = durable {
                    durable.wait().unwrap();
                }
                answered.insert(id);
            }
            if round < 2 {
                ground.clock.advance(Duration::from_secs(60));
                let due = |rows: Vec<Row>| rows.len() as u64 == round + 1;
                ground.look_until(&journal, || due(ground.found()));
            }
        }
        if crash {
            ground.disk.cut(&ground);
        }
        drop(journal);
        if crash {
            drop(ground.reopen());
        }
        let rows = ground.found();
        assert_eq!(ids(&rows), answered);
        assert!(rows.iter().all(|row| row.outcome == Some(Outcome::Denied)));
        let sum: u64 = rows.iter().map(|row| row.count).sum();
        // What was counted in memory within the last minute goes with the crash, the row does not.
        assert_eq!(sum, if crash { 201 } else { 300 });
    }
}
