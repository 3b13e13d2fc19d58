//! `cargo xtask bless`: keeps anew what wasm-ld answers to the link cases.

use crate::workspace::{self, cargo};

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask bless [FILTER]

Builds the sources of the link cases (only those whose name contains FILTER), and rewrites tests/kept from the answers of
wasm-ld-22, never from Wald's. Then read the changes: does each answer make sense for what the case claims?
";

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    workspace::wasm_ld()?;
    let mut command = cargo(&["test", "--package", "wald-tests", "--"]);
    workspace::run(command.args(args).env("WALD_BLESS", "1"))
}
