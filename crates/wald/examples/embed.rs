//! A compiler that feeds the linker while it works: `cargo run -p wald --example embed -- OUTPUT INPUT…`.
//!
//! Every input is declared first; that fixes its place. Threads then hand over the bytes in any order, and each input is
//! parsed on the thread that brings it.

use std::path::PathBuf;
use std::process::ExitCode;
use wald::diagnostics::{Code, Diagnostic};
use wald::options::Options;
use wald::{Bytes, InputDescription, Linker};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(output) = args.next() else {
        eprintln!("USAGE: embed OUTPUT INPUT…");
        return ExitCode::FAILURE;
    };
    let paths: Vec<PathBuf> = args.collect();
    let mut options = Options::default();
    options.output = output.clone();
    let mut linker = Linker::new(options);
    let ids: Vec<_> = paths.iter().map(|path| linker.declare_input(InputDescription::new(path))).collect();
    std::thread::scope(|scope| {
        for (path, id) in paths.iter().zip(ids).rev() {
            let linker = &linker;
            scope.spawn(move || match std::fs::read(path) {
                Ok(bytes) => linker.provide(id, Bytes::from(bytes)),
                Err(error) => {
                    let message = format!("{}: {error}", path.display());
                    linker.fail_input(id, Diagnostic::error(Code::Open, message))
                }
            });
        }
    });
    let result = linker.finish();
    for diagnostic in &result.diagnostics {
        eprintln!("{diagnostic}");
    }
    match result.module.map(|module| std::fs::write(&output, module)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
