//! Handles of what is in a unit.

use crate::owner::Owner;

macro_rules! handles {
    ($($(#[doc = $doc:literal])* $name:ident)*) => {$(
        $(#[doc = $doc])*
        ///
        /// Another unit does not know it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name {
            pub(super) unit: Owner,
            pub(super) number: u32,
        }

        impl $name {
            /// A number that represents the handle if its unit is known and handles cannot be stored, as in another language.
            pub fn number(self) -> u32 {
                self.number
            }
        }
    )*};
}

handles! {
    /// A symbol of a [`Unit`](super::Unit).
    SymbolHandle
    /// A function signature of a [`Unit`](super::Unit).
    TypeHandle
    /// A COMDAT group of a [`Unit`](super::Unit): of groups with one name, the link keeps the first.
    ComdatHandle
}
