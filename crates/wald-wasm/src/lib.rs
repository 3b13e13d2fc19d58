//! Wald as a WebAssembly module without imports, which `js/core.js` calls.
//!
//! Files, arguments and results cross the border as bytes in linear memory: JavaScript asks `wald_alloc` for memory, fills it, and
//! hands it over. Results stay in slots until the next call; `wald_slot` and `wald_slot_size` say where. A panic is a trap, after which
//! the instance must not be used again. `wald_panic` has its message.
#![allow(unsafe_code, reason = "takes over memory that JavaScript filled")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod linkers;
mod memory;
mod state;
mod units;

use memory::{text, texts};
use state::with_state;
use std::ffi::OsString;
use std::path::Path;

/// Prepares the instance. Called once, first.
#[no_mangle]
pub extern "C" fn wald_start() {
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let message = payload.downcast_ref::<&str>().map(|text| text.to_string());
        let message = message.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
        state::keep_panic(format!("{message}{}", place.unwrap_or_default()));
    }));
}

/// Adds a file that the next command can read.
///
/// # Safety
/// Both pieces of memory are from `wald_alloc` and are handed over.
#[no_mangle]
pub unsafe extern "C" fn wald_add_file(name: *mut u8, name_size: usize, bytes: *mut u8, size: usize) {
    // SAFETY: as above.
    let (name, bytes) = unsafe { (text(name, name_size), memory::take(bytes, size)) };
    wald_cli::embedded::insert_file(Path::new(&name), bytes.into());
}

/// Runs the command. The arguments end with a zero byte each. Returns the exit code. Afterwards slots have what it printed, and the files
/// that it wrote are in the table; those that it read are not.
///
/// # Safety
/// As of [`wald_add_file`].
#[no_mangle]
pub unsafe extern "C" fn wald_run(arguments: *mut u8, size: usize) -> i32 {
    // SAFETY: as above.
    let arguments = unsafe { texts(arguments, size) };
    let output = wald_cli::embedded::output_path(&arguments);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = {
        let mut host = wald_cli::Host::new(&mut stdout, &mut stderr);
        let program = std::iter::once("wald".to_string());
        let arguments: Vec<OsString> = program.chain(arguments).map(OsString::from).collect();
        wald_cli::run(&arguments, &mut host)
    };
    with_state(|state| state.keep_results(output, stdout, stderr));
    code
}

/// The option table as JSON, in the slot of standard output.
#[no_mangle]
pub extern "C" fn wald_options() {
    with_state(|state| state.stdout = wald_cli::embedded::options_json().into_bytes());
}
