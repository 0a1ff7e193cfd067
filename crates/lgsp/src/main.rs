//! lgsp
fn main() {}
