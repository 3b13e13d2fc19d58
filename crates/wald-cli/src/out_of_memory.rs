//! Whether memory ran out, and the message that says so.

#![allow(unsafe_code, reason = "a system call that asks for memory, and writing without allocating")]

use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

/// Whether a request has failed.
static RAN_OUT: AtomicBool = AtomicBool::new(false);

/// The message. There is no memory to build it when it is needed, and two threads may need it at once: one call writes all of it.
static MESSAGE: (AtomicPtr<u8>, AtomicUsize) =
    (AtomicPtr::new(DEFAULT_MESSAGE.as_ptr().cast_mut()), AtomicUsize::new(DEFAULT_MESSAGE.len()));
const DEFAULT_MESSAGE: &str = "wald: error: out of memory\n";

/// Whether a thread is writing the message.
static IS_REPORTED: AtomicBool = AtomicBool::new(false);

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
    let message = crate::text::to_bytes(&format!("{name}: error: out of memory\n")).into_owned();
    let message = Box::leak(message.into_boxed_slice());
    MESSAGE.0.store(message.as_mut_ptr(), Ordering::SeqCst);
    MESSAGE.1.store(message.len(), Ordering::SeqCst);
}

/// Says that memory ran out and ends the process with exit code 1. Allocates nothing and is async-signal-safe.
#[cfg(unix)]
pub fn report_and_exit() -> ! {
    // SAFETY: the message is a string that lives for ever.
    unsafe {
        if IS_REPORTED.swap(true, Ordering::SeqCst) {
            // Another thread is about to end the process. Not for ever: it may be this one, in a signal handler.
            libc::usleep(100_000);
        } else {
            libc::write(2, MESSAGE.0.load(Ordering::SeqCst).cast(), MESSAGE.1.load(Ordering::SeqCst));
        }
        libc::_exit(1)
    }
}

/// Says that memory ran out and ends the process with exit code 1.
#[cfg(not(unix))]
pub fn report_and_exit() -> ! {
    use std::io::Write;
    if !IS_REPORTED.swap(true, Ordering::SeqCst) {
        let _ = std::io::stderr().write_all(b"error: out of memory\n");
    }
    std::process::exit(1)
}
