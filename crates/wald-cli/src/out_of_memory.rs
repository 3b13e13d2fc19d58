//! Whether memory ran out, and the message that says so.

#![allow(unsafe_code, reason = "a system call that asks for memory, and writing without allocating")]

use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

/// Whether a request has failed.
static RAN_OUT: AtomicBool = AtomicBool::new(false);

/// The start of the message, `name: error: `: there is no memory to build it when it is needed.
static START: (AtomicPtr<u8>, AtomicUsize) =
    (AtomicPtr::new(DEFAULT_START.as_ptr().cast_mut()), AtomicUsize::new(DEFAULT_START.len()));
const DEFAULT_START: &str = "wald: error: ";

/// Remembers that a request for memory has failed.
pub fn note() {
    RAN_OUT.store(true, Ordering::SeqCst);
}

/// Whether memory has run out: a request has failed, or one for `PROBE` bytes would. The C library and Rust's runtime
/// also request memory, past the allocator. Async-signal-safe.
#[cfg(unix)]
pub fn ran_out() -> bool {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON);
    // SAFETY: a new mapping anywhere.
    RAN_OUT.load(Ordering::SeqCst)
        || unsafe { libc::mmap(std::ptr::null_mut(), PROBE, access, kind, -1, 0) } == libc::MAP_FAILED
}

/// Whether a request for memory has failed.
#[cfg(not(unix))]
pub fn ran_out() -> bool {
    RAN_OUT.load(Ordering::SeqCst)
}

/// By so much the C library extends its heap.
#[cfg(unix)]
const PROBE: usize = 256 << 10;

/// Sets the program's name for the message.
pub fn set_program_name(name: &str) {
    let start = crate::text::to_bytes(&format!("{name}: error: ")).into_owned();
    let start = Box::leak(start.into_boxed_slice());
    START.0.store(start.as_mut_ptr(), Ordering::SeqCst);
    START.1.store(start.len(), Ordering::SeqCst);
}

/// Says that memory ran out and ends the process with exit code 1. Allocates nothing and is async-signal-safe.
#[cfg(unix)]
pub fn report_and_exit() -> ! {
    const REST: &str = "out of memory\n";
    // SAFETY: both are strings that live for ever.
    unsafe {
        libc::write(2, START.0.load(Ordering::SeqCst).cast(), START.1.load(Ordering::SeqCst));
        libc::write(2, REST.as_ptr().cast(), REST.len());
        libc::_exit(1)
    }
}

/// Says that memory ran out and ends the process with exit code 1.
#[cfg(not(unix))]
pub fn report_and_exit() -> ! {
    use std::io::Write;
    let _ = std::io::stderr().write_all(b"error: out of memory\n");
    std::process::exit(1)
}
