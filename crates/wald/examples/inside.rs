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
    let mut options = Options::default();
    options.output = "inside.wasm".into();
    let mut linker = Linker::new(options);
    for path in std::env::args().skip(1) {
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                eprintln!("{path}: {error}");
                return ExitCode::FAILURE;
            }
        };
        let input = linker.declare_input(InputDescription::new(path));
        if let Err(error) = linker.provide(input, Bytes::from(bytes)) {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    let result = linker.finish();
    for diagnostic in &result.diagnostics {
        eprintln!("{}", diagnostic.message);
    }
    let Ok(module) = result.module else { return ExitCode::FAILURE };
    let mut digits = String::new();
    for byte in module {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    println!("{digits}");
    ExitCode::SUCCESS
}
