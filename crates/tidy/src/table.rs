//! Tables (style rule 5): the SQL that names a table stands in one file.

use std::collections::BTreeMap;

use crate::Finding;
use crate::source::{identifier, words};
use crate::tree::{File, Tree};

/// Words of SQL after which a table's name stands.
const BEFORE: [&str; 5] = ["FROM", "INTO", "UPDATE", "JOIN", "TABLE"];

/// The tables that migrations create, each named by at most one file. Tests may look anywhere.
pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let mut users: BTreeMap<&str, Vec<(&File, usize)>> = BTreeMap::new();
    for file in tree.files.iter().filter(|file| file.is("sql")) {
        for at in words(&file.text, "CREATE TABLE") {
            let mut after = at + "CREATE TABLE".len();
            if let Some(rest) = file.text[after..].trim_start().strip_prefix("IF NOT EXISTS") {
                after = file.text.len() - rest.len();
            }
            if let Some((_, name)) = identifier(&file.text, after) {
                users.entry(name).or_default();
            }
        }
    }
    for file in tree.files.iter().filter(|file| !file.is_test()) {
        let Some(masked) = &file.masked else { continue };
        for at in BEFORE.iter().flat_map(|word| {
            words(&masked.strings, word).map(|at| at + word.len()).collect::<Vec<_>>()
        }) {
            let Some((start, name)) = identifier(&masked.strings, at) else { continue };
            if let Some(places) = users.get_mut(name)
                && places.iter().all(|(known, _)| known.path != file.path)
            {
                places.push((file, start));
            }
        }
    }
    for (table, places) in users {
        // the store file owns the table, wherever the others stand in the order of paths
        let owner =
            places.iter().position(|(file, _)| file.path.ends_with("store.rs")).unwrap_or(0);
        for (at, (file, offset)) in places.iter().enumerate() {
            if at != owner {
                let text = format!(
                    "table `{table}` belongs to {}: ask there, by a function",
                    places[owner].0.path
                );
                findings.push(file.finding(*offset, text));
            }
        }
    }
}
