//! The `wald` command.
fn main() {}
