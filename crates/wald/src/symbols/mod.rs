//! The link's symbol table: one entry for each name (and for each variant of a name that disagrees on its
//! signature), and for every object the translation from its own symbol indices.

mod exported;
mod function;
mod linked_bitcode;
mod linked_object;
mod reference;
mod resolution;
mod symbol;
mod table;
mod well_known;

pub use exported::is_exported;
pub use function::{Constructor, Purpose, SyntheticFunction};
pub use linked_bitcode::LinkedBitcode;
pub use linked_object::LinkedObject;
pub use reference::{AnySymbol, Reference};
pub use resolution::{Resolution, Synthetic, SyntheticData, SyntheticGlobal};
pub use symbol::{ImportAttributes, Symbol};
pub use table::{Common, SymbolTable};
pub use well_known::WellKnown;
