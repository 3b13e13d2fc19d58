//! `wald-component-ld` and wasm-component-ld write the same bytes for the same command line, and fail for the same ones.
//!
//! The reference is the crate `wasm-component-ld`, with which this test is linked: under the name `wasm-component-ld` this program is
//! the reference. The reference starts `wasm-ld-22`, or if that is not installed this program under the name `wasm-ld`, which then is Wald:
//! what is compared is the work after the link, and that modules are the same is tested elsewhere.

mod command_lines;
#[cfg(unix)]
mod drivers;
mod folder;
mod support;

use libtest_mimic::Arguments;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    match args.first().and_then(|name| Path::new(name).file_stem()?.to_str()) {
        Some("wasm-component-ld") => {
            wasm_component_ld::main();
            return ExitCode::SUCCESS;
        }
        Some("wasm-ld") => return be_wald(&args),
        _ => {}
    }
    if support::find_program("wasm-ld-22").is_none() {
        println!("wasm-ld-22 is not installed: Wald links the reference's modules, too");
    }
    let mut trials = command_lines::trials();
    #[cfg(unix)]
    trials.extend(drivers::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The core linker of the reference, if there is no wasm-ld.
fn be_wald(args: &[OsString]) -> ExitCode {
    let (mut stdout, mut stderr) = (std::io::stdout(), std::io::stderr());
    let mut host = wald_cli::Host::new(&mut stdout, &mut stderr);
    ExitCode::from(wald_cli::run(args, &mut host) as u8)
}
