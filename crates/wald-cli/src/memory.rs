//! The command's allocator. Running out of memory is an error with a message, not a crash.
//!
//! The arena allocates small blocks, the system's allocator all others. When the system has no memory left, Rust's own
//! answer is to abort. Most requests are small, and their failure ends the process here. A large one fails first to its caller, who may
//! be able to report it; if it cannot, Rust aborts, and the handler of `SIGABRT` ends up here.

#![allow(unsafe_code, reason = "the global allocator")]

use crate::arena;
use crate::out_of_memory;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// From this size on a failed request is its caller's to handle.
const LARGE: usize = 1 << 20;

/// The allocator, which ends the process when memory runs out.
pub struct Allocator;

/// Whether the arena allocates small blocks. It needs a destructor of thread-local data, and only with glibc can the standard library
/// register one without allocating memory. Sanitizers must see every block.
const HAS_ARENA: bool = cfg!(all(target_os = "linux", target_env = "gnu", not(wald_system_allocator)));

/// Whether the arena has the blocks of this layout.
#[inline]
fn is_small(layout: Layout) -> bool {
    HAS_ARENA && layout.size() <= arena::LARGEST && layout.align() <= arena::ALIGNMENT
}

// SAFETY: the layout decides which of the two allocators a block belongs to, and each gets its own back.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = match is_small(layout) {
            true => arena::allocate(layout.size()),
            // SAFETY: the caller's promise.
            false => unsafe { System.alloc(layout) },
        };
        checked(block, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_small(layout) {
            // SAFETY: the caller's promise.
            let block = unsafe { self.alloc(layout) };
            if !block.is_null() {
                // SAFETY: it is a new block of that size.
                unsafe { block.write_bytes(0, layout.size()) };
            }
            return block;
        }
        // SAFETY: the caller's promise.
        checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size is possible with this alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (is_small(layout), is_small(new_layout)) {
            // SAFETY: the caller's promise.
            (false, false) => checked(unsafe { System.realloc(block, layout, size) }, size),
            (true, true) if arena::is_same(layout.size(), size) => block,
            _ => {
                // SAFETY: the caller's promise.
                let new = unsafe { self.alloc(new_layout) };
                if !new.is_null() {
                    // SAFETY: both blocks are that long, and the new one is not shared. The old one is no longer used.
                    unsafe {
                        std::ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                        self.dealloc(block, layout);
                    }
                }
                new
            }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match is_small(layout) {
            // SAFETY: `alloc` took it from there; and the caller's promise.
            true => unsafe { arena::free(block, layout.size()) },
            // SAFETY: the caller's promise.
            false => unsafe { System.dealloc(block, layout) },
        }
    }
}

#[inline]
fn checked(block: *mut u8, size: usize) -> *mut u8 {
    if block.is_null() {
        fail(size);
    }
    block
}

#[cold]
fn fail(size: usize) {
    out_of_memory::note();
    if size < LARGE {
        crate::signals::clean_up();
        out_of_memory::report_and_exit();
    }
}

thread_local! {
    /// Whether this thread goes on after a panic.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What a panic exits with if nobody catches it, in any thread.
const PANICKED: i32 = 101;

/// Does work whose panics do not end the process.
///
/// # Errors
/// What it panicked with.
pub fn catch_panic<R>(work: impl FnOnce() -> R) -> std::thread::Result<R> {
    let before = IS_CAUGHT.replace(true);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    IS_CAUGHT.set(before);
    result
}

/// Makes a panic whose reason is exhausted memory an ordinary error. Any other one ends the process at once: threads that wait for the one
/// that panicked would wait forever.
pub(crate) fn install_panic_hook() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if out_of_memory::ran_out() {
            crate::signals::clean_up();
            out_of_memory::report_and_exit();
        }
        report(panic);
        if !IS_CAUGHT.get() {
            crate::signals::clean_up();
            std::process::exit(PANICKED);
        }
    }));
}
