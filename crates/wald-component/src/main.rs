//! The `wald-component-ld` command.
#![forbid(unsafe_code)]
#![warn(clippy::expect_used, clippy::unwrap_used)]

use std::io::{BufWriter, IsTerminal};
use std::process::ExitCode;
use wald_cli::standard_streams::writer;

#[global_allocator]
static ALLOCATOR: wald_cli::memory::Allocator = wald_cli::memory::Allocator;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    wald_cli::prepare_process(&args);
    let mut host = wald_cli::Host {
        stdout_is_terminal: std::io::stdout().is_terminal(),
        stdout: &mut BufWriter::new(writer(1)),
        stderr_is_terminal: std::io::stderr().is_terminal(),
        stderr: &mut *writer(2),
        environment: &|name| std::env::var_os(name),
        shuffle: None,
        ends_process: true,
    };
    ExitCode::from(wald_component::run(&args, &mut host) as u8)
}
