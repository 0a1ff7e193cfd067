//! Which texts are in force, of those in the folder and those that were: a pure decision.

use std::collections::BTreeMap;

use packet::{Claim, Table, TableFault};
use terms::fault::Sentence;

use super::folder::{Found, fault};
use super::keep::{FILE, Keep, Kept};
use super::{Change, Held};

/// A packet in small letters, and a version.
type Key = (String, String);

/// What is in force from now on, and what is to be told of it.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) keep: Keep,
    pub(super) faults: Vec<TableFault>,
    pub(super) held: Vec<Held>,
    pub(super) changes: Vec<Change>,
}

/// A file that holds is in force. One that does not was never in force: what was, stays for as long
/// as a broken file stands under the name of the one it came from, or names its packet and version
/// at its head, or is such that nobody can tell what it is about. Without one it leaves.
pub(super) fn settle(found: &Found, before: &Keep) -> Settled {
    let mut faults = found.faults.clone();
    let mut claims = found.unread.clone();
    let mut good: Vec<(&String, Table)> = Vec::new();
    for (name, text) in &found.texts {
        match Table::read(name, text) {
            Ok(table) => good.push((name, table)),
            Err(told) => {
                faults.extend(told);
                claims.push((name.clone(), Some(Claim::of(text))));
            }
        }
    }
    let mut tables = of_files(good, before, &mut faults, &mut claims);
    let mut held = Vec::new();
    for old in &before.tables {
        if tables.contains_key(&old.key()) {
            continue;
        }
        let own = claims.iter().find(|(name, _)| *name == old.file);
        let other = || claims.iter().find(|(_, claim)| covers(claim.as_ref(), old));
        let by = own.or_else(other).map(|(name, _)| name.clone());
        let Some(by) = by.or_else(|| found.closed.then(String::new)) else { continue };
        if let Err(told) = Table::read(&old.file, &old.text) {
            faults.extend(told.into_iter().map(|fault| unfit(old, &fault)));
            continue;
        }
        let Kept { file, packet, version, .. } = old.clone();
        held.push(Held { packet, version, file, by });
        tables.insert(old.key(), old.clone());
    }
    let keep = Keep { tables: tables.into_values().collect() };
    let changes = changes(before, &keep);
    Settled { keep, faults, held, changes }
}

/// The tables of the files that hold. Of two for one packet and version the one in force stays, of
/// new ones the first by name.
fn of_files(
    mut good: Vec<(&String, Table)>,
    before: &Keep,
    faults: &mut Vec<TableFault>,
    claims: &mut Vec<(String, Option<Claim>)>,
) -> BTreeMap<Key, Kept> {
    let is_old = |kept: &Kept| {
        before.tables.iter().any(|old| old.key() == kept.key() && old.file == kept.file)
    };
    good.sort_by_key(|(name, table)| (!is_old(&Kept::new(name, table)), (*name).clone()));
    let mut tables: BTreeMap<Key, Kept> = BTreeMap::new();
    for (name, table) in good {
        let kept = Kept::new(name, &table);
        if let Some(other) = tables.get(&kept.key()) {
            faults.push(TableFault::twice(name, &other.file));
            claims.push((name.clone(), None));
            continue;
        }
        tables.insert(kept.key(), kept);
    }
    tables
}

fn covers(claim: Option<&Claim>, old: &Kept) -> bool {
    claim.is_some_and(|claim| claim.covers(&old.packet, &old.version))
}

/// A text that held and does not hold any more: this program asks more than the one before.
fn unfit(old: &Kept, told: &TableFault) -> TableFault {
    let (file, line) = (&old.file, told.line);
    fault(
        file,
        Sentence::made(
            format!(
                "bản tốt gần nhất trong {FILE} không còn dùng được, dòng {line}: {}",
                { &told.sentence.vi }
            ),
            format!("the last good text, in {FILE}, does not hold any more, line {line}: {}", {
                &told.sentence.en
            }),
        ),
    )
}

fn changes(before: &Keep, after: &Keep) -> Vec<Change> {
    let find = |keep: &Keep, of: &Kept| keep.tables.iter().find(|k| k.key() == of.key()).cloned();
    let mut changes = Vec::new();
    for new in &after.tables {
        let old = find(before, new);
        if old.as_ref().is_none_or(|old| old.text != new.text) {
            let (packet, version) = (new.packet.clone(), new.version.clone());
            changes.push(Change {
                packet,
                version,
                before: old.map(|old| old.file),
                after: Some(new.file.clone()),
            });
        }
    }
    for old in before.tables.iter().filter(|old| find(after, old).is_none()) {
        let Kept { file, packet, version, .. } = old.clone();
        changes.push(Change { packet, version, before: Some(file), after: None });
    }
    changes
}
