//! Dependencies against `deny.toml`: who may need what, under which licence, from where. The file
//! has the form of cargo-deny, which takes minutes to build; these are the parts of it we use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::Finding;

/// The parts of `deny.toml` that are read here.
#[derive(Debug, Deserialize)]
pub struct Rules {
    graph: Graph,
    bans: Bans,
    licenses: Licences,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

/// A crate that nobody may need but the wrappers.
#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    #[serde(default)]
    wrappers: Vec<String>,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

/// What cargo will build: who needs whom directly, and each one's licence.
#[derive(Debug, Default)]
pub struct Needs {
    /// Name of the needed, name of who needs it.
    pub pairs: BTreeSet<(String, String)>,
    /// Licence expression by name and version.
    pub licences: BTreeMap<String, String>,
}

/// Asks cargo and compares.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let text = std::fs::read_to_string(root.join("deny.toml")).context("deny.toml")?;
    let rules: Rules = toml::from_str(&text).context("deny.toml")?;
    let mut needs = Needs::default();
    for target in &rules.graph.targets {
        needs.read(&tree(root, target)?);
    }
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
    let findings = compare(&rules, &needs).into_iter().chain(origins(&rules, &lock));
    Ok(findings
        .map(|text| Finding { path: "deny.toml".to_owned(), line: 1, column: 1, text })
        .collect())
}

/// The graph as cargo resolves its features; `cargo metadata` shows more than is built.
fn tree(root: &Path, target: &str) -> Result<String> {
    let told = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--workspace", "--edges", "normal,build,dev"])
        .args(["--prefix", "depth", "--format", " {p}|{l}", "--target", target])
        .current_dir(root)
        .output()
        .context("cargo tree")?;
    let error = String::from_utf8_lossy(&told.stderr);
    ensure!(told.status.success(), "cargo tree: {error}");
    Ok(String::from_utf8(told.stdout)?)
}

impl Needs {
    /// Takes in the lines `DEPTH NAME VERSION…|LICENCE`.
    pub fn read(&mut self, told: &str) {
        let mut above: Vec<&str> = Vec::new();
        for line in told.lines() {
            let Some((depth, rest)) = line.split_once(' ') else { continue };
            let Ok(depth) = depth.parse::<usize>() else { continue };
            let (package, licence) = rest.split_once('|').unwrap_or((rest, ""));
            let mut words = package.split(' ');
            let name = words.next().unwrap_or_default();
            let version = words.next().unwrap_or_default();
            above.truncate(depth);
            if let Some(parent) = above.last() {
                self.pairs.insert((name.to_owned(), (*parent).to_owned()));
            }
            above.push(name);
            let licence = licence.trim_end_matches("(*)").trim();
            self.licences.insert(format!("{name} {version}"), licence.to_owned());
        }
    }
}

/// Every ban and every licence.
fn compare(rules: &Rules, needs: &Needs) -> Vec<String> {
    let mut found = Vec::new();
    for ban in &rules.bans.deny {
        for (needed, by) in &needs.pairs {
            if *needed == ban.name && !ban.wrappers.contains(by) {
                found.push(format!("`{by}` may not need `{needed}`: {}", ban.reason));
            }
        }
    }
    for (package, licence) in &needs.licences {
        if !is_allowed(licence, &rules.licenses.allow) {
            found
                .push(format!("the licence of {package}, `{licence}`, is not among those allowed"));
        }
    }
    found
}

/// Everything from the registries allowed, nothing from a repository.
fn origins(rules: &Rules, lock: &str) -> Vec<String> {
    let sources = lock.lines().filter_map(|line| line.strip_prefix("source = "));
    let foreign: BTreeSet<&str> = sources
        .map(|source| source.trim_matches('"'))
        .filter(|source| {
            let address = source.strip_prefix("registry+").unwrap_or_default();
            !rules.sources.allow_registry.iter().any(|allowed| allowed == address)
        })
        .collect();
    foreign.into_iter().map(|source| format!("a package comes from {source}")).collect()
}

/// Does an SPDX expression hold, with these licences accepted? `/` is an old way to write OR; AND
/// binds closer than OR.
pub fn is_allowed(expression: &str, allow: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    either(&mut words, allow) && words.peek().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>, allow: &[String]) -> bool {
    let mut holds = both(words, allow);
    while words.next_if_eq(&"OR").is_some() {
        holds |= both(words, allow);
    }
    holds
}

fn both(words: &mut Words<'_>, allow: &[String]) -> bool {
    let mut holds = one(words, allow);
    while words.next_if_eq(&"AND").is_some() {
        holds &= one(words, allow);
    }
    holds
}

fn one(words: &mut Words<'_>, allow: &[String]) -> bool {
    match words.next() {
        Some("(") => either(words, allow) && words.next() == Some(")"),
        Some(licence) => {
            // an exception only widens what the licence grants
            if words.next_if_eq(&"WITH").is_some() {
                words.next();
            }
            allow.iter().any(|allowed| allowed == licence)
        }
        None => false,
    }
}
