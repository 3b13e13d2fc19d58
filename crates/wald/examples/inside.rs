//! Wald inside of a WebAssembly engine: links the objects that are named on the command line, on one thread, and prints
//! the module as hexadecimal digits.
//!
//! ```sh
//! cargo build -p wald --example inside --target wasm32-wasip1 --release
//! wasmtime --dir . target/wasm32-wasip1/release/examples/inside.wasm main.o libc.a
//! ```

use std::fmt::Write;
use std::process::ExitCode;
use wald::options::Options;
use wald::{Bytes, InputDescription, Linker};

fn main() -> ExitCode {
    let mut linker = Linker::new(Options { output: "inside.wasm".into(), ..Options::default() });
    for path in std::env::args().skip(1) {
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                eprintln!("{path}: {error}");
                return ExitCode::FAILURE;
            }
        };
        let input = linker.declare_input(InputDescription { path, ..InputDescription::default() });
        linker.provide(input, Bytes::from(bytes));
    }
    let result = linker.finish();
    for diagnostic in &result.diagnostics {
        eprintln!("{}", diagnostic.message);
    }
    let Ok(output) = result.output else { return ExitCode::FAILURE };
    let mut digits = String::new();
    for byte in output.module {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    println!("{digits}");
    ExitCode::SUCCESS
}
