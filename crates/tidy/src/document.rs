//! Documents: one title each, and no path of one machine anywhere.

use crate::Finding;
use crate::rule::Rules;
use crate::tree::{File, Tree};

/// One first-level heading a document; no absolute path of a machine in any file.
pub fn check(tree: &Tree, rules: &Rules, findings: &mut Vec<Finding>) {
    for file in &tree.files {
        if file.is("md") && !file.is_foreign() {
            titles(file, findings);
        }
        for folder in &rules.machine_folders {
            machine_paths(file, folder, findings);
        }
    }
}

fn titles(file: &File, findings: &mut Vec<Finding>) {
    let mut fenced = false;
    let mut titles = Vec::new();
    for (offset, line) in file.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced && line.starts_with("# ") {
            titles.push(offset);
        }
    }
    if titles.is_empty() {
        findings.push(file.finding(0, "no title: begin with one `# ` heading".to_owned()));
    }
    for offset in titles.into_iter().skip(1) {
        let text = "a second title: one `# ` heading a document, the rest `## ` or deeper";
        findings.push(file.finding(offset, text.to_owned()));
    }
}

fn machine_paths(file: &File, folder: &str, findings: &mut Vec<Finding>) {
    let path = format!("/{folder}/");
    for (at, _) in file.text.match_indices(&path) {
        let before = file.text[..at].chars().next_back().unwrap_or(' ');
        // a path relative to something, or an address, is no absolute path
        if !before.is_alphanumeric() && !".-_~}/:$*".contains(before) {
            let text = "a path of one machine: write it relative to the repository".to_owned();
            findings.push(file.finding(at, text));
        }
    }
}
