//! Words that may stand nowhere in the tree; `tidy.toml` lists them with what to do instead.

use crate::Finding;
use crate::rule::Rules;
use crate::source::words;
use crate::tree::Tree;

/// Every text of ours but the list itself.
pub fn check(tree: &Tree, rules: &Rules, findings: &mut Vec<Finding>) {
    let files = tree.files.iter().filter(|file| !file.is_foreign() && file.path != "tidy.toml");
    for file in files {
        for word in &rules.word {
            for at in words(&file.text, &word.text) {
                findings.push(file.finding(at, format!("`{}`: {}", word.text, word.instead)));
            }
        }
    }
}
