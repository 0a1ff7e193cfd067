//! Rebuilds the crate when a migration is added.

#[allow(clippy::print_stdout, reason = "cargo reads its orders from a build script's stdout")]
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
