//! The `wald` command.
#![forbid(unsafe_code)]

use std::io::{BufWriter, IsTerminal};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let stderr = std::io::stderr();
    let mut host = wald_cli::Host {
        stdout_is_terminal: std::io::stdout().is_terminal(),
        stdout: &mut BufWriter::new(std::io::stdout().lock()),
        stderr_is_terminal: stderr.is_terminal(),
        stderr: &mut stderr.lock(),
        // The link cases ask for it: the order in which inputs are read changes nothing.
        shuffle: std::env::var("WALD_SHUFFLE_ARRIVAL").ok().and_then(|seed| seed.parse().ok()),
        ends_process: true,
    };
    ExitCode::from(wald_cli::run(&args, &mut host) as u8)
}
