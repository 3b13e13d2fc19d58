//! When work before and between links is worth it: every number that only affects speed and memory.

/// Below this many bytes of new names, freeing names is not worth the time.
const LEAST_NAMES: usize = 1 << 20;

/// A larger output is not kept in memory for the next link.
const MOST_OUTPUT: u64 = 1 << 28;

/// Whether so many of the declared inputs are enough for a speculative link. It takes time and memory, and is the less likely
/// to fit the whole link the more inputs are missing.
pub fn is_worth_speculating(available: usize, declared: usize) -> bool {
    available * 8 >= declared * 7
}

/// Whether more inputs became available than is worth another speculative link. `last` is how many the last one had, or 0.
pub fn is_worth_speculating_again(last: usize, available: usize, declared: usize) -> bool {
    last == 0 || available >= last + (declared / 64).max(16)
}

/// Whether sorted strings are worth reusing if so many of the sources differ.
pub fn is_pool_reusable(different: usize, sources: usize) -> bool {
    different * 4 <= sources.max(4)
}

/// Whether merged strings are near enough to those of a link if so many of the sources differ. What is added to them takes time when
/// the last input is there.
pub fn is_pool_near(different: usize, sources: usize) -> bool {
    different * 64 <= sources.max(64)
}

/// Whether names of this total size are worth renewing. `in_use` is their size when all of them were used.
pub fn is_worth_renewing(size: usize, in_use: usize) -> bool {
    size > 2 * in_use + LEAST_NAMES
}

/// Whether an output of this size is worth its memory: a kept linker makes the next one out of it, if only contents change.
pub fn is_output_worth_keeping(size: u64) -> bool {
    size <= MOST_OUTPUT
}
