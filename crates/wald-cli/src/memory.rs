//! Running out of memory is an error with a message, not a crash.
//!
//! The command's allocator is the system's. When the system has no memory left, Rust's own answer is to abort. Most requests
//! are small, and their failure ends the process here. A large one fails first to its caller, who may be able to report
//! it; if it cannot, Rust aborts, and the handler of `SIGABRT` ends up here.

#![allow(unsafe_code, reason = "the global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

/// From this size on a failed request is its caller's to handle.
const LARGE: usize = 1 << 20;

/// Whether a request has failed.
static RAN_OUT: AtomicBool = AtomicBool::new(false);

/// The start of the message, `name: error: `: there is no memory to build it when it is needed.
static START: (AtomicPtr<u8>, AtomicUsize) =
    (AtomicPtr::new(DEFAULT_START.as_ptr().cast_mut()), AtomicUsize::new(DEFAULT_START.len()));
const DEFAULT_START: &str = "wald: error: ";

/// The system's allocator, which ends the process when memory runs out.
pub struct Allocator;

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        checked(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        checked(unsafe { System.realloc(pointer, layout, size) }, size)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[inline]
fn checked(pointer: *mut u8, size: usize) -> *mut u8 {
    if pointer.is_null() {
        fail(size);
    }
    pointer
}

#[cold]
fn fail(size: usize) {
    RAN_OUT.store(true, Ordering::SeqCst);
    if size < LARGE {
        crate::signals::clean_up();
        report_and_exit();
    }
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

/// Makes a panic whose reason is exhausted memory an ordinary error.
pub fn install_panic_hook() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if ran_out() {
            crate::signals::clean_up();
            report_and_exit();
        }
        report(panic);
    }));
}

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
