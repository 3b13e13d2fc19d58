//! Relocations that cannot be applied, as they are reported: what explains them later.

use hashbrown::HashMap;

use crate::format::relocation::RelocationType;
use crate::index::ObjectId;

/// Why a relocation cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It needs an address that only the loader knows: the code is not position-independent.
    Absolute,
    /// It is relative to this module, and nothing in the module defines the symbol.
    RelativeToNothing,
    /// The symbol is not thread-local, or nothing defines it.
    ThreadLocal,
    /// No code can apply it when the module is loaded.
    NotAtRunTime,
    /// It needs an address of something that has none.
    WrongKind,
    /// It needs the index of something that has none.
    NoIndex,
    /// It calls a function that has another signature.
    Call,
}

/// A relocation that was reported.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// Its object.
    pub object: ObjectId,
    /// Its type.
    pub kind: RelocationType,
    /// The object's symbol that it refers to.
    pub index: u32,
    /// How many of the object's relocations of that type and symbol were reported before, for the same reason.
    pub before: usize,
    /// Why.
    pub reason: Reason,
    /// Position of its first diagnostic.
    pub diagnostic: usize,
}

/// The list of them.
#[derive(Default)]
pub(super) struct RefusedList {
    pub(super) list: Vec<Refused>,
    counts: HashMap<(ObjectId, u8, u32, Reason), usize>,
}

impl RefusedList {
    /// Adds one.
    pub(super) fn add(
        &mut self,
        (object, kind, index): (ObjectId, RelocationType, u32),
        reason: Reason,
        diagnostic: usize,
    ) {
        let count = self.counts.entry((object, kind as u8, index, reason)).or_default();
        self.list.push(Refused { object, kind, index, before: *count, reason, diagnostic });
        *count += 1;
    }
}
