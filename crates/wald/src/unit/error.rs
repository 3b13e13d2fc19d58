//! What a compiler can get wrong.

use std::fmt;

use crate::format::SymbolKind;

/// Why a [`Unit`](super::Unit) did not take something. It is as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnitError {
    /// The handle is another unit's, or belongs to nothing in this unit, or to something that was removed.
    UnknownHandle,
    /// Another symbol has the name, and both are seen by other units.
    DuplicateName(String),
    /// Another comdat group has the name, or it is empty.
    ComdatName(String),
    /// The symbol is of another kind.
    WrongKind {
        /// What is needed.
        needed: SymbolKind,
        /// The symbol's name.
        name: String,
    },
    /// Something refers to the symbol.
    InUse(String),
    /// Another symbol is an alias of this one or a place in it, so it must stay defined, and large enough.
    HasAliases(String),
    /// A relocation is out of bounds, overlaps another one, or precedes it.
    RelocationOffset(u32),
    /// A relocation of this type cannot refer to that target, or cannot be there.
    Relocation(&'static str),
    /// A function has no body.
    EmptyBody,
    /// A function's body does not end where its code ends: an `end` is missing, or one is too many.
    Nesting {
        /// The function's name.
        function: String,
        /// What is wrong.
        problem: String,
    },
    /// A data symbol is outside its bytes.
    DataOffset(u64),
    /// Alignments go up to 31.
    Alignment(u32),
    /// An initial value is not a constant expression of the global's type.
    Initializer,
    /// The element type or the limits of a table.
    TableType,
    /// Undefined globals, tables and tags cannot be weak.
    WeakReference,
    /// The linker writes custom sections of this name itself.
    ReservedSection(String),
    /// A target feature or producer that was stated before, or a prefix other than `+` and `-`.
    Metadata(String),
    /// The unit has 4 GiB or more.
    TooLarge,
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnitError::UnknownHandle => f.write_str("the handle belongs to nothing in this unit"),
            UnitError::DuplicateName(name) => write!(f, "duplicate symbol name {name}"),
            UnitError::ComdatName(name) => write!(f, "bad or duplicate comdat name: {name}"),
            UnitError::WrongKind { needed, name } => {
                write!(f, "{name} is not a {} symbol", needed.name().to_lowercase())
            }
            UnitError::InUse(name) => write!(f, "{name} is still referred to"),
            UnitError::HasAliases(name) => write!(f, "{name} has aliases, or symbols within it"),
            UnitError::RelocationOffset(offset) => write!(f, "invalid relocation offset {offset}"),
            UnitError::Relocation(name) => write!(f, "{name} cannot be used like this"),
            UnitError::EmptyBody => f.write_str("the function's body is empty"),
            UnitError::Nesting { function, problem } => {
                write!(f, "the body of {function} is malformed: {problem}")
            }
            UnitError::DataOffset(offset) => write!(f, "offset {offset} is behind the data"),
            UnitError::Alignment(alignment) => write!(f, "an alignment of 2^{alignment} is too large"),
            UnitError::Initializer => f.write_str("the initial value is no constant of the global's type"),
            UnitError::TableType => f.write_str("invalid table type"),
            UnitError::WeakReference => f.write_str("undefined globals, tables and tags cannot be weak"),
            UnitError::ReservedSection(name) => write!(f, "the linker writes {name} sections itself"),
            UnitError::Metadata(what) => write!(f, "repeated or malformed: {what}"),
            UnitError::TooLarge => f.write_str("the unit is too large: objects end at 4 GiB"),
        }
    }
}

impl std::error::Error for UnitError {}
