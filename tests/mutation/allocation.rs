//! An allocator that counts what each thread holds, and refuses more than a gibibyte while a link is watched.

#![allow(unsafe_code, reason = "a counting allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// How much a link may hold.
pub const LIMIT: usize = 1 << 30;

/// Where the last refusal is written down.
const LAST_REFUSED: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/refused-mutant");

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
    /// The mutant that is being linked plus one, or 0.
    static MUTANT: Cell<u64> = const { Cell::new(0) };
}

/// Counts this much; false if it is too much.
fn add(size: usize) -> bool {
    let held = HELD.get().saturating_add(size);
    if MUTANT.get() != 0 && held > LIMIT {
        return false;
    }
    HELD.set(held);
    MOST.set(MOST.get().max(held));
    true
}

fn subtract(size: usize) {
    HELD.set(HELD.get().saturating_sub(size));
}

/// Whoever cannot do without the memory aborts the process now: then [`LAST_REFUSED`] says which mutant it was.
fn refuse(size: usize) -> *mut u8 {
    let number = MUTANT.replace(0);
    let _ = std::fs::write(LAST_REFUSED, format!("mutant {} is refused {size} bytes\n", number - 1));
    MUTANT.set(number);
    std::ptr::null_mut()
}

// SAFETY: everything is passed on to the system's allocator unchanged, or refused with a null pointer.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !add(layout.size()) {
            return refuse(layout.size());
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !add(layout.size()) {
            return refuse(layout.size());
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        subtract(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !add(size.saturating_sub(layout.size())) {
            return refuse(size);
        }
        subtract(layout.size().saturating_sub(size));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Calls `f`; says how much memory this thread held at most while it ran.
pub fn most_held<R>(mutant: u64, f: impl FnOnce() -> R) -> (R, usize) {
    let before = HELD.get();
    HELD.set(0);
    MOST.set(0);
    MUTANT.set(mutant + 1);
    let result = f();
    MUTANT.set(0);
    HELD.set(before);
    (result, MOST.get())
}
