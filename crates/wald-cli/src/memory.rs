//! Running out of memory is an error with a message, not a crash.
//!
//! The command's allocator is the system's. When the system has no memory left, Rust's own answer is to abort. Most requests
//! are small, and their failure ends the process here. A large one fails first to its caller, who may be able to report
//! it; if it cannot, Rust aborts, and the handler of `SIGABRT` ends up here.

#![allow(unsafe_code, reason = "the global allocator")]

use crate::out_of_memory;
use std::alloc::{GlobalAlloc, Layout, System};

/// From this size on a failed request is its caller's to handle.
const LARGE: usize = 1 << 20;

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
    out_of_memory::note();
    if size < LARGE {
        crate::signals::clean_up();
        out_of_memory::report_and_exit();
    }
}

/// Makes a panic whose reason is exhausted memory an ordinary error.
pub fn install_panic_hook() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if out_of_memory::ran_out() {
            crate::signals::clean_up();
            out_of_memory::report_and_exit();
        }
        report(panic);
    }));
}
