//! Tells the linkers and units of one process apart.

use std::sync::atomic::{AtomicU32, Ordering};

/// A linker or unit, in the ids of what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Owner(u32);

impl Owner {
    /// A number that nothing else in the process has.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Relaxed: only the numbers must differ.
        Owner(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A new owner: a `Default` linker or unit is another one each time.
impl Default for Owner {
    fn default() -> Self {
        Owner::new()
    }
}
