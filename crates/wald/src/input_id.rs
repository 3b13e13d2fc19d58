//! Names an input of a linker.

use std::sync::atomic::{AtomicU32, Ordering};

/// An input of one [`Linker`](crate::Linker). It stays valid until the input is removed; another linker does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputId {
    owner: Owner,
    position: u32,
}

impl InputId {
    /// The input at this position among all that were declared.
    pub(crate) fn new(owner: Owner, position: usize) -> Self {
        InputId { owner, position: position as u32 }
    }

    /// The position among all inputs that were declared; `None` if another linker declared it.
    pub(crate) fn position(self, owner: Owner) -> Option<usize> {
        (self.owner == owner).then_some(self.position as usize)
    }
}

/// Tells linkers of one process apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Owner(u32);

impl Owner {
    /// A number that no other linker of the process has.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Relaxed: only the numbers must differ.
        Owner(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
