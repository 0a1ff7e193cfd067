//! Checks of the house itself, of what no compiler looks at: the ladder of crates, sizes, names,
//! who owns which table, and that documents and code say the same.

pub mod deny;
pub mod document;
pub mod ladder;
pub mod law;
pub mod name;
pub mod rule;
pub mod size;
pub mod source;
pub mod table;
pub mod test;
pub mod tree;
pub mod word;

#[cfg(test)]
mod tests;

use rule::Rules;
use tree::Tree;

/// Something that is not as the house wants it: where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path from the root of the repository.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub text: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path, self.line, self.column, self.text)
    }
}

/// Every check of the tree's own text, in the order of files. What a dependency may be is asked
/// of cargo and stands apart, in [`deny`].
pub fn check(tree: &Tree, rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    ladder::check(tree, rules, &mut findings);
    size::check(tree, rules, &mut findings);
    name::check(tree, rules, &mut findings);
    table::check(tree, &mut findings);
    test::check(tree, rules, &mut findings);
    document::check(tree, rules, &mut findings);
    law::check(tree, &mut findings);
    word::check(tree, rules, &mut findings);
    findings.sort();
    findings
}
