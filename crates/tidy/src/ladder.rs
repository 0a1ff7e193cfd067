//! The ladder: a crate needs only crates above it, in tests as well. Cargo would let a crate need
//! any other as long as there is no circle; then the next change closes the way back.

use crate::Finding;
use crate::rule::Rules;
use crate::tree::{File, Tree};

/// Every manifest in `crates/` against the order in `tidy.toml`.
pub fn check(tree: &Tree, rules: &Rules, findings: &mut Vec<Finding>) {
    let step = |name: &str| rules.ladder.iter().position(|rung| rung == name);
    for file in &tree.files {
        let Some(name) = crate_of_manifest(&file.path) else { continue };
        let Some(own) = step(name) else {
            let text = format!("crate `{name}` has no place on the ladder: set one in tidy.toml");
            findings.push(file.finding(0, text));
            continue;
        };
        for (offset, needed) in needs(file) {
            if step(needed).is_some_and(|at| at >= own) && needed != name {
                let text = format!(
                    "`{name}` needs `{needed}`, which stands below it on the ladder: move what \
                     both need upward, or pass it in as a value"
                );
                findings.push(file.finding(offset, text));
            }
        }
    }
}

fn crate_of_manifest(path: &str) -> Option<&str> {
    let name = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
    (!name.contains('/')).then_some(name)
}

/// Names under any `[…dependencies]`, with their offset.
fn needs(file: &File) -> Vec<(usize, &str)> {
    let mut inside = false;
    let mut found = Vec::new();
    for (offset, line) in file.lines() {
        if let Some(section) = line.trim().strip_prefix('[') {
            inside = section.trim_end_matches(']').ends_with("dependencies");
        } else if inside && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if !name.is_empty() {
                found.push((offset, name));
            }
        }
    }
    found
}
