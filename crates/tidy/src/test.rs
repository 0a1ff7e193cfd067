//! Tests: none is switched off, none waits for luck.

use std::collections::BTreeSet;

use crate::Finding;
use crate::rule::Rules;
use crate::source::{functions, spans, words};
use crate::tree::{File, Tree};

/// `#[ignore]`, `#[should_panic]` and sleeping in tests.
pub fn check(tree: &Tree, rules: &Rules, findings: &mut Vec<Finding>) {
    for file in &tree.files {
        let Some(masked) = &file.masked else { continue };
        for (attribute, advice) in [
            ("#[ignore", "an ignored test proves nothing: mend it or delete it"),
            ("#[should_panic", "check the value that says so, not a panic"),
        ] {
            for (at, _) in masked.code.match_indices(attribute) {
                findings.push(file.finding(at, advice.to_owned()));
            }
        }
        if rules.sleep.iter().any(|excuse| excuse.file == file.path) {
            continue;
        }
        for at in words(&masked.code, "sleep").filter(|&at| is_in_test(file, at)) {
            let text = "a test does not sleep: move the clock, or wait for the event with a limit";
            findings.push(file.finding(at, text.to_owned()));
        }
    }
}

fn is_in_test(file: &File, at: usize) -> bool {
    let Some(masked) = &file.masked else { return false };
    file.is_test()
        || spans(&masked.code, "#[cfg(test)]").iter().any(|span| (span.0..span.1).contains(&at))
}

/// The test functions of the tree, as `crate::name`.
pub fn names(tree: &Tree) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in &tree.files {
        let Some(masked) = &file.masked else { continue };
        let Some(name) = file.path.strip_prefix("crates/").and_then(|path| path.split('/').next())
        else {
            continue;
        };
        for function in functions(&masked.code) {
            if is_test_head(&masked.code[..function.start]) {
                found.insert(format!("{name}::{}", function.name));
            }
        }
    }
    found
}

/// Does the text before `fn` end in attributes of which one makes a test?
fn is_test_head(before: &str) -> bool {
    let head = before.rfind(['}', ';', '{']).map_or(before, |at| &before[at + 1..]);
    head.contains("test]") || head.contains("test(")
}
