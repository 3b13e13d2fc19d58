//! Names an input of a linker.

use crate::owner::Owner;

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
