//! Which ids a unit's names have in a link.

use std::sync::{Arc, Weak};

use crate::index::NameId;
use crate::object::{Interners, ObjectSymbol};

/// Names' ids in the link that the unit was handed to last: nearly all are the same the next time.
#[derive(Default)]
pub(super) struct Interned {
    link: Weak<()>,
    /// By slot; [`ObjectSymbol::UNNAMED`] if it is not known.
    pub names: Vec<NameId>,
}

impl Interned {
    /// Makes room for the names of so many slots. Ids of another link are forgotten.
    pub fn prepare(&mut self, interners: &Interners, slots: usize) {
        if !std::ptr::eq(self.link.as_ptr(), Arc::as_ptr(&interners.identity)) {
            *self = Interned { link: Arc::downgrade(&interners.identity), names: Vec::new() };
        }
        self.names.resize(slots, ObjectSymbol::UNNAMED);
    }

    /// The name of a slot has changed.
    pub fn forget(&mut self, slot: u32) {
        if let Some(name) = self.names.get_mut(slot as usize) {
            *name = ObjectSymbol::UNNAMED;
        }
    }
}
