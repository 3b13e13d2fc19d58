//! The `wald` command.
#![forbid(unsafe_code)]

use std::io::{BufWriter, IsTerminal};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let stderr = std::io::stderr();
    let mut host = wald_cli::Host {
        stdout: &mut BufWriter::new(std::io::stdout().lock()),
        stderr_is_terminal: stderr.is_terminal(),
        stderr: &mut stderr.lock(),
        shuffle: None,
        ends_process: true,
    };
    ExitCode::from(wald_cli::run(&args, &mut host) as u8)
}
