//! Documents that must say what the code says: the conformance map, the faults, the limits.

use std::collections::BTreeSet;

use serde_json::Value;
use terms::fault::{FaultCode, Language};

use crate::Finding;
use crate::source::identifier;
use crate::test::names;
use crate::tree::{File, Tree};

const CONFORMANCE: &str = "docs/conformance.md";
const FAULT: &str = "docs/protocol/fault.md";
const LIMIT: &str = "docs/limit.md";

/// The three documents against the tree; a tree without them has three findings.
pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    conformance(tree, findings);
    faults(tree, findings);
    limits(tree, findings);
}

fn document<'a>(tree: &'a Tree, path: &str, findings: &mut Vec<Finding>) -> Option<&'a File> {
    let found = tree.find(path);
    if found.is_none() {
        let text = "this document is not there: write it".to_owned();
        findings.push(Finding { path: path.to_owned(), line: 1, column: 1, text });
    }
    found
}

/// Each row `| id | text | state |` says `tested by NAME…`, `planned` or `not yet`; each NAME is
/// `crate::function` of a test that is there; no id comes twice.
fn conformance(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(file) = document(tree, CONFORMANCE, findings) else { return };
    let tests = names(tree);
    let mut seen = BTreeSet::new();
    for (offset, line) in file.lines().filter(|(_, line)| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let (Some(id), Some(state)) = (cells.first(), cells.last()) else { continue };
        if !id.contains(|letter: char| letter.is_ascii_digit()) {
            continue;
        }
        let at = offset + line.rfind(state).unwrap_or(0);
        if !seen.insert(*id) {
            findings.push(file.finding(offset, format!("{id} stands here a second time")));
        }
        if let Some(named) = state.strip_prefix("tested by ") {
            for name in named.split(',').map(|name| name.trim().trim_matches('`')) {
                if !tests.contains(name) {
                    let text = format!(
                        "no test `{name}`: name one as `crate::function`, or say `planned`"
                    );
                    findings.push(file.finding(at, text));
                }
            }
        } else if !state.starts_with("planned") && !state.starts_with("not yet") {
            let text = "a row ends in `tested by NAME`, `planned` or `not yet`".to_owned();
            findings.push(file.finding(at, text));
        }
    }
}

/// Every fault that can be sent has an example in Vietnamese and in English, and each example has
/// the fixed members that the code gives.
fn faults(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(file) = document(tree, FAULT, findings) else { return };
    let mut shown = BTreeSet::new();
    for (offset, line) in file.lines().filter(|(_, line)| line.starts_with("{\"type\":")) {
        match example(line) {
            Ok(found) => {
                shown.insert(found);
            }
            Err(text) => findings.push(file.finding(offset, text)),
        }
    }
    for &code in FaultCode::ALL.iter().filter(|code| **code != FaultCode::PlatformStopped) {
        for language in [Language::Vi, Language::En] {
            if !shown.contains(&(code, language.as_str())) {
                let language = language.as_str();
                findings.push(file.finding(0, format!("no example of `{code}` in `{language}`")));
            }
        }
    }
}

/// Reads one example and compares its fixed members.
fn example(line: &str) -> Result<(FaultCode, &'static str), String> {
    let found: Value = serde_json::from_str(line).map_err(|error| format!("no JSON: {error}"))?;
    let code = found["code"].as_str().and_then(FaultCode::parse).ok_or("no such fault code")?;
    let language = [Language::Vi, Language::En]
        .into_iter()
        .find(|&language| found["title"] == code.title(language))
        .ok_or_else(|| format!("the title of `{code}` is `{}`", code.title(Language::Vi)))?;
    for (member, expected) in [
        ("type", Value::from(format!("urn:lgsp:fault:{code}"))),
        ("status", Value::from(code.status())),
        ("blame", Value::from(code.blame().as_str())),
    ] {
        if found[member] != expected {
            return Err(format!("`{member}` of `{code}` is {expected}"));
        }
    }
    for member in ["retry", "reached"] {
        if !found[member].is_boolean() {
            return Err(format!("`{member}` is true or false"));
        }
    }
    Ok((code, language.as_str()))
}

/// Every constant of `terms/limit.rs` is named in the document, and the document names no other.
fn limits(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(file) = document(tree, LIMIT, findings) else { return };
    let Some(source) = tree.find("crates/terms/src/limit.rs") else { return };
    let mut known = BTreeSet::new();
    for (offset, line) in source.lines() {
        let Some(rest) = line.strip_prefix("pub const ") else { continue };
        let Some((_, name)) = identifier(rest, 0) else { continue };
        known.insert(name);
        if !file.text.contains(&format!("`{name}`")) {
            findings
                .push(source.finding(offset, format!("`{name}` is not in {LIMIT}: add its row")));
        }
    }
    for (offset, line) in file.lines() {
        let Some(name) = line.strip_prefix("| `").and_then(|rest| rest.split('`').next()) else {
            continue;
        };
        if !known.contains(name) {
            findings.push(file.finding(offset, format!("no limit `{name}` in terms/limit.rs")));
        }
    }
}
