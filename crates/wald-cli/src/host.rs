//! The process around the command, and the command as all there is in a process.

use crate::{memory, out_of_memory, signals, standard_streams, text};
use std::ffi::OsString;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

/// The process around the command.
pub struct Host<'a> {
    /// Standard output.
    pub stdout: &'a mut dyn Write,
    /// Standard error.
    pub stderr: &'a mut dyn Write,
    /// Whether standard output is a terminal: control characters of names do nothing there.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// The environment variables.
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// Reads the inputs in another order, for tests that show that the order of arrival does not matter.
    pub shuffle: Option<u64>,
    /// The process ends when [`run`](crate::run) returns, so that cleaning up may be left to the system.
    pub ends_process: bool,
}

impl<'a> Host<'a> {
    /// Two streams that are no terminals, no environment variables, and a process that goes on.
    pub fn new(stdout: &'a mut dyn Write, stderr: &'a mut dyn Write) -> Self {
        Host {
            stdout,
            stderr,
            stdout_is_terminal: false,
            stderr_is_terminal: false,
            environment: &|_| None,
            shuffle: None,
            ends_process: false,
        }
    }
}

/// Runs a command with this process' arguments, streams and environment, as all there is to do in this process.
pub fn run_process(run: fn(&[OsString], &mut Host) -> i32) -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    prepare_process(&args);
    let (mut stdout, mut stderr) = (BufWriter::new(standard_streams::writer(1)), standard_streams::writer(2));
    let mut host = Host {
        stdout_is_terminal: std::io::stdout().is_terminal(),
        stderr_is_terminal: std::io::stderr().is_terminal(),
        environment: &|name| std::env::var_os(name),
        // The link cases ask for it: the order in which inputs are read changes nothing.
        shuffle: std::env::var("WALD_SHUFFLE_ARRIVAL").ok().and_then(|seed| seed.parse().ok()),
        ends_process: true,
        ..Host::new(&mut stdout, &mut *stderr)
    };
    ExitCode::from(run(&args, &mut host) as u8)
}

/// Makes this process the command: signals and exhausted memory end it with nothing left behind. Called once, first.
fn prepare_process(args: &[OsString]) {
    let name = args.first().map_or("wald".into(), |arg| text::from_os(arg));
    out_of_memory::set_program_name(&program_name(&name));
    memory::install_panic_hook();
    signals::install();
}

/// What messages begin with: the program's file name without `.exe`.
pub fn program_name(path: &str) -> String {
    let name = Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy());
    match name.len().checked_sub(4).and_then(|at| name.split_at_checked(at)) {
        Some((stem, extension)) if extension.eq_ignore_ascii_case(".exe") => stem.to_string(),
        _ => name.into_owned(),
    }
}
