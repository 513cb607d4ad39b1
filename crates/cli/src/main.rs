//! The `konform` command line.
fn main() {}
