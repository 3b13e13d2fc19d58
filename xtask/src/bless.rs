//! `cargo xtask bless`: keeps anew what wasm-ld answers to the link cases.

use crate::workspace::{self, cargo};

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask bless [FILTER]

Builds the sources of the link cases (those whose name holds FILTER) and writes tests/kept anew from what wasm-ld-22
answers, never from what Wald says. Then look at the changes: does each answer make sense for what the case claims?
";

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    workspace::wasm_ld()?;
    let mut command = cargo(&["test", "--package", "wald-tests", "--"]);
    workspace::run(command.args(args).env("WALD_BLESS", "1"))
}
