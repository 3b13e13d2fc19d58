//! Memory for small blocks. Each thread cuts them from a region of its own. Freed blocks are kept in lists by size and reused.
//!
//! A link allocates several hundred thousand tables and keeps most of them until it ends. Because each thread has a region, it waits for
//! no lock here or in the system. Each new region of a thread is larger than the last. Large regions use huge pages if the system
//! allows that, which saves a page fault for every four kilobytes.

#![allow(unsafe_code, reason = "the global allocator")]

use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The size of the largest block.
pub const LARGEST: usize = 512 * 1024;
/// The alignment of all blocks.
pub const ALIGNMENT: usize = 16;

/// Up to this size there is a list for each multiple of [`ALIGNMENT`]; above it there are four lists for each power of two.
const FINE: usize = 1024;
const FINE_LISTS: usize = FINE / ALIGNMENT;
const LISTS: usize = FINE_LISTS + 4 * (LARGEST / FINE).trailing_zeros() as usize;

/// The first region of a thread, and the largest.
const FIRST_REGION: usize = 1024 * 1024;
const LARGEST_REGION: usize = 16 * 1024 * 1024;
const _: () = assert!(LARGEST <= FIRST_REGION, "a new region has room for any block");
/// Regions of this size and more use huge pages.
#[cfg(unix)]
const HUGE: usize = 2 * 1024 * 1024;

/// About how many free bytes of one size a thread keeps. It gives more than that to all threads.
const MOST_WAITING: usize = 1024 * 1024;

/// The list that a block of this size belongs to.
fn list_of(size: usize) -> usize {
    if size <= FINE {
        return size.max(1).div_ceil(ALIGNMENT) - 1;
    }
    // The top three bits decide.
    let below = size - 1;
    let shift = below.ilog2() - 2;
    FINE_LISTS + 4 * (shift as usize - 8) + ((below >> shift) - 4)
}

/// The size of the blocks of a list.
fn size_of_list(list: usize) -> usize {
    match list.checked_sub(FINE_LISTS) {
        None => (list + 1) * ALIGNMENT,
        Some(list) => (5 + list % 4) << (8 + list / 4),
    }
}

/// The contents of a free block.
struct Free {
    next: *mut Free,
    /// In the shared lists: the next batch.
    next_batch: *mut Free,
}

/// Unused memory.
#[derive(Clone, Copy)]
struct Region {
    start: *mut u8,
    len: usize,
}

const NO_REGION: Region = Region { start: null_mut(), len: 0 };

/// The start of a region that an ended thread has left.
struct Left {
    next: *mut Left,
    len: usize,
}

#[derive(Clone, Copy)]
struct List {
    first: *mut Free,
    /// How many bytes they are.
    bytes: usize,
}

impl List {
    /// Takes the first block out, which exists.
    fn take_first(&mut self, size: usize) {
        // SAFETY: what is in a list is a free block.
        let next = unsafe { (*self.first).next };
        *self = List { first: next, bytes: if next.is_null() { 0 } else { self.bytes.saturating_sub(size) } };
    }
}

const EMPTY: List = List { first: null_mut(), bytes: 0 };

struct Arena {
    region: Region,
    next_region: usize,
    lists: [List; LISTS],
}

/// Free memory that any thread may take.
struct Shared {
    batches: [*mut Free; LISTS],
    regions: *mut Left,
    /// For threads that are ending, and so have no arena any more.
    region: Region,
}

// SAFETY: the blocks are free. A thread that takes one out under the lock owns it.
unsafe impl Send for Shared {}

static SHARED: Mutex<Shared> =
    Mutex::new(Shared { batches: [null_mut(); LISTS], regions: null_mut(), region: NO_REGION });

fn shared() -> MutexGuard<'static, Shared> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

struct OfThread(UnsafeCell<Arena>);

thread_local! {
    static ARENA: OfThread = const {
        OfThread(UnsafeCell::new(Arena {
            region: NO_REGION,
            next_region: FIRST_REGION,
            lists: [EMPTY; LISTS],
        }))
    };
}

/// A block of `size` bytes, which is at most [`LARGEST`]. Null if there is no memory.
#[inline]
pub fn allocate(size: usize) -> *mut u8 {
    let list = list_of(size);
    // SAFETY: no other thread has it, and nothing in it calls back.
    let block = ARENA.try_with(|arena| unsafe { (*arena.0.get()).allocate(list) });
    block.unwrap_or_else(|_| shared().allocate(size_of_list(list)))
}

/// Whether blocks of these sizes are the same.
pub fn is_same(size: usize, other: usize) -> bool {
    list_of(size) == list_of(other)
}

/// Takes a block back.
///
/// # Safety
/// [`allocate`] returned it for this size, and it is no longer used.
pub unsafe fn free(block: *mut u8, size: usize) {
    let list = list_of(size);
    // A thread that is ending has no arena any more.
    let block = block.cast::<Free>();
    // SAFETY: as in `allocate`; and the caller's promise.
    let freed = ARENA.try_with(|arena| unsafe { (*arena.0.get()).free(block, list) });
    if freed.is_err() {
        // SAFETY: the caller's promise.
        unsafe { (*block).next = null_mut() };
        shared().add_batch(block, list);
    }
}

impl Arena {
    fn allocate(&mut self, list: usize) -> *mut u8 {
        let first = self.lists[list].first;
        let size = size_of_list(list);
        if !first.is_null() {
            self.lists[list].take_first(size);
            return first.cast();
        }
        if self.region.len >= size {
            return self.region.cut(size);
        }
        self.allocate_elsewhere(list, size)
    }

    #[cold]
    fn allocate_elsewhere(&mut self, list: usize, size: usize) -> *mut u8 {
        let mut all = shared();
        let batch = all.take_batch(list);
        if !batch.is_null() {
            // The number of bytes is only a guess.
            self.lists[list] = List { first: batch, bytes: MOST_WAITING / 2 };
            self.lists[list].take_first(size);
            return batch.cast();
        }
        // The rest of the old region can still be used for smaller blocks.
        let old = std::mem::replace(&mut self.region, all.take_region(size));
        all.leave_region(old);
        drop(all);
        if self.region.len < size {
            self.region = map(self.next_region);
            self.next_region = (self.next_region * 2).min(LARGEST_REGION);
            if self.region.len == 0 {
                // There may be memory for a small one.
                self.region = map(FIRST_REGION);
                self.next_region = FIRST_REGION;
            }
        }
        if self.region.len < size {
            return null_mut();
        }
        self.region.cut(size)
    }

    /// # Safety
    /// The block is free and of this list's size.
    unsafe fn free(&mut self, block: *mut Free, list: usize) {
        let List { first, bytes } = self.lists[list];
        // SAFETY: the caller's promise.
        unsafe { (*block).next = first };
        self.lists[list] = List { first: block, bytes: bytes + size_of_list(list) };
        if self.lists[list].bytes > MOST_WAITING {
            self.lists[list] = EMPTY;
            shared().add_batch(block, list);
        }
    }
}

impl Drop for OfThread {
    fn drop(&mut self) {
        let arena = self.0.get_mut();
        let mut all = shared();
        for (number, list) in arena.lists.iter_mut().enumerate() {
            let List { first, .. } = std::mem::replace(list, EMPTY);
            if !first.is_null() {
                all.add_batch(first, number);
            }
        }
        let region = std::mem::replace(&mut arena.region, NO_REGION);
        all.leave_region(region);
    }
}

impl Shared {
    /// A block of this size for a thread that is ending.
    #[cold]
    fn allocate(&mut self, size: usize) -> *mut u8 {
        if self.region.len < size {
            let old = std::mem::replace(&mut self.region, map(FIRST_REGION));
            self.leave_region(old);
        }
        match self.region.len < size {
            true => null_mut(),
            false => self.region.cut(size),
        }
    }

    /// Adds blocks that are linked to one another.
    fn add_batch(&mut self, batch: *mut Free, list: usize) {
        // SAFETY: the block is free.
        unsafe { (*batch).next_batch = self.batches[list] };
        self.batches[list] = batch;
    }

    fn take_batch(&mut self, list: usize) -> *mut Free {
        let batch = self.batches[list];
        if !batch.is_null() {
            // SAFETY: what is in a list is a free block.
            self.batches[list] = unsafe { (*batch).next_batch };
        }
        batch
    }

    fn leave_region(&mut self, region: Region) {
        if region.len >= FINE {
            let left = region.start.cast::<Left>();
            // SAFETY: the region is unused, and aligned like a block.
            unsafe { left.write(Left { next: self.regions, len: region.len }) };
            self.regions = left;
        }
    }

    /// A region for a block of this size, if the first one that was left is large enough.
    fn take_region(&mut self, size: usize) -> Region {
        let left = self.regions;
        // SAFETY: what is in the list is a free region.
        if left.is_null() || unsafe { (*left).len } < size {
            return NO_REGION;
        }
        // SAFETY: as above.
        let Left { next, len } = unsafe { left.read() };
        self.regions = next;
        Region { start: left.cast(), len }
    }
}

impl Region {
    /// Cuts off a block that fits.
    #[inline]
    fn cut(&mut self, size: usize) -> *mut u8 {
        let block = self.start;
        // SAFETY: the region is that long.
        self.start = unsafe { block.add(size) };
        self.len -= size;
        block
    }
}

/// How many bytes were mapped.
#[cfg(test)]
static MAPPED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// New memory from the system's allocator.
#[cfg(not(unix))]
fn map(len: usize) -> Region {
    use std::alloc::{GlobalAlloc, Layout, System};
    let Ok(layout) = Layout::from_size_align(len, ALIGNMENT) else { return NO_REGION };
    // SAFETY: the size is not zero.
    let start = unsafe { System.alloc(layout) };
    Region { start, len: if start.is_null() { 0 } else { len } }
}

/// New memory from the system.
#[cfg(unix)]
fn map(len: usize) -> Region {
    #[cfg(test)]
    MAPPED.fetch_add(len, std::sync::atomic::Ordering::Relaxed);
    let is_huge = len >= HUGE;
    // Huge pages begin at multiples of their size.
    let mapped = if is_huge { len + HUGE } else { len };
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping touches no other.
    let start = unsafe { libc::mmap(null_mut(), mapped, protection, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return NO_REGION;
    }
    let mut start = start.cast::<u8>();
    if is_huge {
        // SAFETY: the mapping is that much longer.
        start = unsafe { start.add(start.align_offset(HUGE)) };
        #[cfg(target_os = "linux")]
        // SAFETY: the range is in the mapping. It is only a hint.
        unsafe {
            libc::madvise(start.cast(), len, libc::MADV_HUGEPAGE);
        }
    }
    Region { start, len }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_a_list_of_blocks_that_are_large_enough() {
        for size in 0..=LARGEST {
            let list = list_of(size);
            assert!(list < LISTS && size_of_list(list) >= size, "{size}");
            // Nothing is wasted: a smaller list would not do, and at most a fifth of a block is unused.
            assert!(list == 0 || size_of_list(list - 1) < size, "{size}");
            assert!(size <= FINE || size * 5 > size_of_list(list) * 4, "{size}");
        }
        assert_eq!(list_of(LARGEST), LISTS - 1);
    }

    #[test]
    fn blocks_do_not_overlap_whoever_frees_them() {
        let (send, receive) = std::sync::mpsc::channel::<(usize, usize, u8)>();
        let check = |(block, size, value): (usize, usize, u8)| {
            // SAFETY: the other thread gave the block away.
            unsafe {
                let block = block as *mut u8;
                assert!(std::slice::from_raw_parts(block, size).iter().all(|&byte| byte == value));
                free(block, size);
            }
        };
        std::thread::scope(|scope| {
            for thread in 0..3u64 {
                let send = send.clone();
                scope.spawn(move || {
                    let mut state = thread + 1;
                    let mut own = Vec::new();
                    for round in 0..20_000 {
                        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                        let size = (state >> 33) as usize % if round % 50 == 0 { LARGEST } else { 300 } + 1;
                        let (block, value) = (allocate(size), state as u8);
                        assert!(!block.is_null() && block as usize % ALIGNMENT == 0);
                        // SAFETY: the block is new.
                        unsafe { block.write_bytes(value, size) };
                        match round % 3 {
                            0 => send.send((block as usize, size, value)).unwrap(),
                            _ => own.push((block as usize, size, value)),
                        }
                        if round % 5 == 4 {
                            check(own.swap_remove((state >> 40) as usize % own.len()));
                        }
                    }
                    own.into_iter().for_each(check);
                });
            }
            drop(send);
            receive.iter().for_each(check);
        });
    }

    #[test]
    fn what_ended_threads_have_freed_is_used_again() {
        let work = || {
            let blocks: Vec<usize> = (0..2000).map(|_| allocate(700) as usize).collect();
            // SAFETY: they are this thread's.
            blocks.iter().for_each(|&block| unsafe { free(block as *mut u8, 700) });
            blocks
        };
        let mut all = std::collections::HashSet::new();
        for _ in 0..50 {
            all.extend(std::thread::scope(|scope| scope.spawn(work).join().unwrap()));
        }
        assert!(all.len() < 4 * 2000, "{} different blocks", all.len());
    }

    #[test]
    fn no_size_hides_what_is_free_from_others() {
        // As in a process that watches: each link has new threads, which allocate blocks of all sizes.
        let work = |round: usize| {
            let sizes =
                (0..300).map(|number| [40, 1500, 3000, 20_000, 100_000, 400_000][(number * 7 + round) % 6]);
            let blocks: Vec<(usize, usize)> = sizes.map(|size| (allocate(size) as usize, size)).collect();
            // SAFETY: they are this thread's.
            blocks.iter().for_each(|&(block, size)| unsafe { free(block as *mut u8, size) });
        };
        let mapped = || MAPPED.load(std::sync::atomic::Ordering::Relaxed);
        let run = |rounds: std::ops::Range<usize>| {
            rounds.for_each(|round| std::thread::scope(|scope| _ = scope.spawn(move || work(round)).join()));
        };
        run(0..20);
        let grown = |_| {
            let before = mapped();
            run(20..400);
            mapped() - before
        };
        // Other tests map memory meanwhile, but not each time.
        let least = (0..10).map(grown).find(|grown| *grown < 100 << 20);
        assert!(least.is_some(), "100 MiB more each time");
    }
}
