//! `tidy` checks the tree; `tidy deny` checks the dependencies. Exits 1 when anything is found.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use tidy::{Finding, deny, rule::Rules, tree::Tree};

#[allow(clippy::print_stdout, reason = "the findings are this program's result")]
fn main() -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let findings: Vec<Finding> = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        [] => tidy::check(&Tree::read(&root)?, &Rules::read(&root)?),
        ["deny"] => deny::check(&root)?,
        _ => bail!("usage: tidy [deny]"),
    };
    for finding in &findings {
        println!("{finding}");
    }
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
