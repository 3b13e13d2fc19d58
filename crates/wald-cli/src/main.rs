//! The `wald` command.
#![forbid(unsafe_code)]
#![warn(clippy::expect_used, clippy::unwrap_used)]

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: wald_cli::memory::Allocator = wald_cli::memory::Allocator;

fn main() -> ExitCode {
    wald_cli::run_process(wald_cli::run)
}
