//! Typed indices: each names the table it points into, so that two index spaces never mix.

use std::fmt;

macro_rules! index_type {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        #[allow(dead_code, reason = "some tables are only filled, and some only read")]
        impl $name {
            /// The index from a position in its table.
            #[inline]
            pub fn new(position: usize) -> Self {
                debug_assert!(position <= u32::MAX as usize);
                $name(position as u32)
            }

            /// The position in its table.
            #[inline]
            pub fn at(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

index_type! {
    /// Index into the files that are, or may become, part of the link: objects on the command line and archive
    /// members, in declared order.
    FileId;
    /// Index into the linked objects, in loading order.
    ObjectId;
    /// Index into the interned names of a link ([`crate::names::Interner`]).
    NameId;
    /// Index into the interned function signatures of a link.
    SignatureId;
    /// Index into the link's symbol table.
    SymbolId;
    /// Index into one object's symbol table (the `index` of a relocation).
    ObjectSymbolIndex;
    /// Index into the functions that the linker itself writes.
    SyntheticFunctionId;
}

/// A range of bytes in an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteRange {
    /// Offset of the first byte from the start of the object.
    pub start: u32,
    /// The number of bytes.
    pub len: u32,
}

impl ByteRange {
    /// The range from `start` up to `end`.
    pub fn between(start: usize, end: usize) -> Self {
        ByteRange { start: start as u32, len: (end - start) as u32 }
    }

    /// Offset after the last byte.
    pub fn end(self) -> u32 {
        self.start + self.len
    }

    /// The bytes themselves. The range was checked against the object when it was made.
    #[inline]
    pub fn of(self, object: &[u8]) -> &[u8] {
        &object[self.start as usize..self.end() as usize]
    }
}
