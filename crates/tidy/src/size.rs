//! Sizes (style rule 12): 70 lines a function, 500 a file, 100 columns.

use crate::Finding;
use crate::rule::Rules;
use crate::source::{Masked, functions, spans};
use crate::tree::{File, Tree};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 500;
const COLUMNS_MAX: usize = 100;

/// Exempt are tests, foreign files, tables (`#[rustfmt::skip]`) and long strings; other exceptions
/// stand in `tidy.toml`.
pub fn check(tree: &Tree, rules: &Rules, findings: &mut Vec<Finding>) {
    for file in tree.files.iter().filter(|file| is_ours(file)) {
        if file.is_test() {
            continue;
        }
        columns(file, findings);
        file_lines(file, rules, findings);
        if let Some(masked) = &file.masked {
            function_lines(file, masked, rules, findings);
        }
    }
    unused(tree, rules, findings);
}

fn is_ours(file: &File) -> bool {
    let script = !file.path.contains('.') || file.path == ".ci/run";
    let code = ["rs", "py", "sh", "c"].iter().any(|end| file.is(end));
    (code || script) && !file.is_foreign()
}

fn allowed(rules: &Rules, path: &str, function: Option<&str>) -> Option<usize> {
    let excuse = rules.size.iter().find(|e| e.file == path && e.function.as_deref() == function);
    excuse.map(|excuse| excuse.lines)
}

/// Spans that are exempt: tables, and tests beside the code.
fn exempt(masked: &Masked) -> Vec<(usize, usize)> {
    let mut found = spans(&masked.code, "#[rustfmt::skip]");
    found.extend(spans(&masked.code, "#[cfg(test)]"));
    found
}

fn is_inside(spans: &[(usize, usize)], offset: usize) -> bool {
    spans.iter().any(|span| (span.0..span.1).contains(&offset))
}

fn columns(file: &File, findings: &mut Vec<Finding>) {
    let exempt = file.masked.as_ref().map_or_else(Vec::new, exempt);
    for (offset, line) in file.lines() {
        let columns = line.chars().count();
        if columns <= COLUMNS_MAX || is_inside(&exempt, offset) {
            continue;
        }
        let edge = offset + line.char_indices().nth(COLUMNS_MAX).map_or(0, |(at, _)| at);
        // a string that cannot be cut runs over the edge
        let is_string = file.masked.as_ref().is_some_and(|masked| {
            let text = &masked.strings.as_bytes()[offset..offset + line.len()];
            text.iter().filter(|byte| **byte != b' ').count() * 2 > columns
        });
        if !is_string {
            let text = format!("{columns} columns, {COLUMNS_MAX} at most: break the line");
            findings.push(file.finding(edge, text));
        }
    }
}

fn file_lines(file: &File, rules: &Rules, findings: &mut Vec<Finding>) {
    let max = allowed(rules, &file.path, None).unwrap_or(FILE_LINES_MAX);
    let lines = file.lines().count();
    if lines > max {
        let text = format!("{lines} lines, {max} at most: cut out a noun of its own");
        findings.push(file.finding(0, text));
    }
}

fn function_lines(file: &File, masked: &Masked, rules: &Rules, findings: &mut Vec<Finding>) {
    let exempt = exempt(masked);
    for function in functions(&masked.code) {
        if is_inside(&exempt, function.start) {
            continue;
        }
        let max = allowed(rules, &file.path, Some(function.name)).unwrap_or(FUNCTION_LINES_MAX);
        // as clippy counts: lines of the body that hold more than a comment
        let body = function.open + 1..function.close;
        let (code, strings) = (&masked.code[body.clone()], &masked.strings[body]);
        let held =
            |(code, text): &(&str, &str)| !(code.trim().is_empty() && text.trim().is_empty());
        let lines = code.lines().zip(strings.lines()).filter(held).count();
        if lines > max {
            let text = format!(
                "function `{}` has {lines} lines, {max} at most: keep the branches, move straight \
                 parts into functions",
                function.name
            );
            findings.push(file.finding(function.start, text));
        }
    }
}

/// An exception whose place is gone is a trap for the next reader.
fn unused(tree: &Tree, rules: &Rules, findings: &mut Vec<Finding>) {
    for excuse in &rules.size {
        let there = tree.find(&excuse.file).is_some_and(|file| match &excuse.function {
            None => true,
            Some(name) => file.masked.as_ref().is_some_and(|masked| {
                functions(&masked.code).iter().any(|function| function.name == name)
            }),
        });
        if !there {
            let place = excuse.function.as_deref().unwrap_or("the file");
            let text = format!("exception for {place} in {}: it is not there", excuse.file);
            findings.push(Finding { path: "tidy.toml".into(), line: 1, column: 1, text });
        }
    }
}
