//! References to symbols: from an object, and in the whole link.

use crate::index::{ObjectId, ObjectSymbolIndex, SymbolId};

/// A symbol as an object refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A local definition of the object itself: its own table has all there is to know.
    Own(ObjectSymbolIndex),
    /// An entry of the link's symbol table.
    Global(SymbolId),
}

/// A symbol wherever it is kept: in the link's table, or in an object's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnySymbol {
    /// In the link's symbol table.
    Global(SymbolId),
    /// A local symbol of an object.
    Own(ObjectId, ObjectSymbolIndex),
}
