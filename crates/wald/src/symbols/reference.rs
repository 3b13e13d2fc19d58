//! References to symbols: from an object, and in the whole link.

use crate::index::{ObjectId, ObjectSymbolIndex, SymbolId};

/// A symbol as an object refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A symbol that only the object sees: its definition is in the object's own table.
    Local(ObjectSymbolIndex),
    /// An entry of the link's symbol table.
    Global(SymbolId),
}

/// A symbol of the link, or a local symbol of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnySymbol {
    /// In the link's symbol table.
    Global(SymbolId),
    /// A local symbol of an object.
    Local(ObjectId, ObjectSymbolIndex),
}
