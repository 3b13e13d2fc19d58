//! What a call leaves for JavaScript to read.

use std::cell::RefCell;
use std::sync::OnceLock;
use wald::Bytes;
use wald_cli::embedded;

/// The results of a call, by number.
#[derive(Default)]
pub struct State {
    /// What was printed, or the result of a call that is a text.
    pub stdout: Vec<u8>,
    /// What was printed as diagnostics, or what is wrong with a call.
    pub stderr: Vec<u8>,
    /// The path of the module.
    output: String,
    /// The paths of all outputs, which end with a zero byte each.
    names: Vec<u8>,
    outputs: Vec<Bytes>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// The message of a panic. Written once: the instance ends with it.
static PANIC: OnceLock<String> = OnceLock::new();

/// Calls `work` with the state.
pub fn with_state<R>(work: impl FnOnce(&mut State) -> R) -> R {
    STATE.with_borrow_mut(work)
}

/// Keeps the message of a panic.
pub fn keep_panic(message: String) {
    let _ = PANIC.set(message);
}

impl State {
    /// Takes over what was printed and written.
    pub fn keep_results(&mut self, output: String, stdout: Vec<u8>, stderr: Vec<u8>) {
        (self.stdout, self.stderr) = (stdout, stderr);
        self.output = embedded::simple_path(&output);
        (self.names, self.outputs) = (Vec::new(), Vec::new());
        for (path, bytes) in embedded::take_files() {
            self.names.extend_from_slice(path.to_string_lossy().as_bytes());
            self.names.push(0);
            self.outputs.push(bytes);
        }
    }

    fn slot(&self, number: usize) -> &[u8] {
        match number {
            0 => &self.stdout,
            1 => &self.stderr,
            2 => self.output.as_bytes(),
            3 => &self.names,
            number => self.outputs.get(number - 4).map_or(&[], |bytes| bytes),
        }
    }
}

/// The address of a result: what was printed (0), diagnostics (1), the path of the module (2), the paths of all outputs (3), and from 4
/// on these outputs.
#[no_mangle]
pub extern "C" fn wald_slot(number: usize) -> *const u8 {
    with_state(|state| state.slot(number).as_ptr())
}

/// The size of a result.
#[no_mangle]
pub extern "C" fn wald_slot_size(number: usize) -> usize {
    with_state(|state| state.slot(number).len())
}

/// Frees the results.
#[no_mangle]
pub extern "C" fn wald_free_results() {
    with_state(|state| state.keep_results(String::new(), Vec::new(), Vec::new()));
}

/// The address of the message of a panic.
#[no_mangle]
pub extern "C" fn wald_panic() -> *const u8 {
    PANIC.get().map_or(std::ptr::null(), |message| message.as_ptr())
}

/// The size of that message.
#[no_mangle]
pub extern "C" fn wald_panic_size() -> usize {
    PANIC.get().map_or(0, String::len)
}
