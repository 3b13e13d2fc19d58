//! Handles of what is in a unit.

/// A symbol of a [`Unit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolHandle(pub(super) u32);

impl SymbolHandle {
    /// A number that stands for the handle where handles cannot go, as in another language.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The handle with this number. One that belongs to nothing is an error where it is used.
    pub fn from_number(number: u32) -> Self {
        SymbolHandle(number)
    }
}

/// A function signature of a [`Unit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeHandle(pub(super) u32);

impl TypeHandle {
    /// As [`SymbolHandle::number`].
    pub fn number(self) -> u32 {
        self.0
    }

    /// As [`SymbolHandle::from_number`].
    pub fn from_number(number: u32) -> Self {
        TypeHandle(number)
    }
}

/// A comdat group of a [`Unit`]: of groups with one name, the link keeps the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComdatHandle(pub(super) u32);

impl ComdatHandle {
    /// As [`SymbolHandle::number`].
    pub fn number(self) -> u32 {
        self.0
    }

    /// As [`SymbolHandle::from_number`].
    pub fn from_number(number: u32) -> Self {
        ComdatHandle(number)
    }
}
