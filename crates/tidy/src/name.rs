//! Names (naming rule 1): no drawer without a label.

use crate::Finding;
use crate::rule::Rules;
use crate::source::{identifier, words};
use crate::tree::Tree;

/// Files, folders, modules and types against the banned words of `tidy.toml`.
pub fn check(tree: &Tree, rules: &Rules, findings: &mut Vec<Finding>) {
    let banned = |word: &str| rules.names_banned.iter().any(|name| name.eq_ignore_ascii_case(word));
    for file in tree.files.iter().filter(|file| !file.is_foreign()) {
        for part in file.path.split('/') {
            let stem = part.split('.').next().unwrap_or(part);
            if stem.split(['_', '-']).any(banned) {
                let text = format!("a file called `{part}`: name it after the thing inside");
                findings.push(file.finding(0, text));
            }
        }
        let Some(masked) = &file.masked else { continue };
        for keyword in ["mod", "struct", "enum", "trait", "type"] {
            for at in words(&masked.code, keyword) {
                let Some((start, name)) = identifier(&masked.code, at + keyword.len()) else {
                    continue;
                };
                let capital = name.starts_with(|first: char| first.is_ascii_uppercase());
                if (keyword == "mod" || capital) && parts(name).into_iter().any(banned) {
                    let text = format!("{keyword} `{name}`: name it after what it is");
                    findings.push(file.finding(start, text));
                }
            }
        }
    }
}

/// `HeadHandler` is `Head`, `Handler`; `head_handler` likewise.
fn parts(name: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, letter) in name.char_indices().skip(1) {
        if letter.is_ascii_uppercase() || letter == '_' {
            parts.push(name[start..at].trim_matches('_'));
            start = at;
        }
    }
    parts.push(name[start..].trim_matches('_'));
    parts
}
