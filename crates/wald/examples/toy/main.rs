//! A compiler for a toy language that hands its functions to the linker without an object file:
//!
//! ```text
//! cargo run -p wald --example toy -- [--with OBJECT]… OUTPUT SOURCE [EDITED SOURCE]…
//! ```
//!
//! It compiles all functions of SOURCE in parallel, adds each to a [`Unit`] when it is ready, and links. Then it goes on to the
//! edited sources, one after another, as an editor would: only functions whose text has changed are compiled, and only they
//! change in the unit.
//!
//! The language has numbers of 32 bits, functions, variables, conditions, loops and strings to print:
//!
//! ```text
//! fn fib(n) { if n < 2 { return n }  return fib(n - 1) + fib(n - 2) }
//! fn main() { let i = 0  while i < 10 { print fib(i)  i = i + 1 }  print "done" }
//! ```
//!
//! `print` and what it needs are in `runtime.toy`. A call of a function that is defined nowhere is an undefined symbol: an object
//! that is named with `--with` may define it.

mod generate;
mod parse;
mod program;

use std::process::ExitCode;
use std::time::Instant;

use program::Program;
use wald::diagnostics::{Code, Diagnostic};
use wald::options::Options;
use wald::unit::Unit;
use wald::{Bytes, InputDescription, Linker};

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("toy: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: Vec<String>) -> Result<(), String> {
    let mut objects = Vec::new();
    while args.first().is_some_and(|arg| arg == "--with") && args.len() > 1 {
        objects.push(args.remove(1));
        args.remove(0);
    }
    let [output, sources @ ..] = &args[..] else { return Err(usage()) };
    if sources.is_empty() {
        return Err(usage());
    }

    let mut options = Options::default();
    options.output = output.into();
    let mut linker = Linker::new(options);
    let ours = linker.declare_input(InputDescription::new(&sources[0]));
    for path in &objects {
        let input = linker.declare_input(InputDescription::new(path));
        let provided = match std::fs::read(path) {
            Ok(bytes) => linker.provide(input, Bytes::from(bytes)),
            Err(error) => linker.fail_input(input, Diagnostic::error(Code::Open, format!("{path}: {error}"))),
        };
        provided.map_err(|error| error.to_string())?;
    }

    let mut unit = Unit::new();
    let mut program = Program::new(&mut unit).map_err(|error| error.to_string())?;
    program.update(&mut unit, include_str!("runtime.toy"), "the runtime")?;
    for source in sources {
        let text = std::fs::read_to_string(source).map_err(|error| format!("{source}: {error}"))?;
        let begin = Instant::now();
        let changed = program.update(&mut unit, &text, source)?;
        let compiled = begin.elapsed();
        let provided = linker.replace(ours).and_then(|()| linker.provide_unit(ours, &unit));
        provided.map_err(|error| error.to_string())?;
        let result = linker.link();
        let linked = begin.elapsed() - compiled;
        for diagnostic in &result.diagnostics {
            eprintln!("toy: {diagnostic}");
        }
        let module = result.module.map_err(|_| "not linked".to_string())?;
        std::fs::write(output, module).map_err(|error| format!("{output}: {error}"))?;
        println!("{source}: {changed} functions compiled in {compiled:.1?}, linked in {linked:.1?}");
    }
    Ok(())
}

fn usage() -> String {
    "USAGE: toy [--with OBJECT]… OUTPUT SOURCE [EDITED SOURCE]…".into()
}
