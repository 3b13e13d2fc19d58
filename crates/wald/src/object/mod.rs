//! A parsed relocatable object: tables of ranges into its bytes, in local indices only.
//!
//! [`Object::parse`] takes bytes and returns a finished value or an error and nothing. It reads all that one
//! file can tell: sections, signatures (interned), symbols (names interned), which functions are called
//! directly, and for every function, segment and custom section the range of its relocations. Relocations
//! themselves stay raw bytes and are decoded where they are used.

mod custom;
mod derived;
mod elements;
mod imports;
mod interface;
mod linking;
mod locals;
mod parse;
mod parts;
mod prepared;
mod properties;
mod read;
mod relocations;
mod shared_library;
mod strings;
mod tables;
#[cfg(test)]
mod tests;

pub use linking::scan_defined_symbols;
pub(crate) use locals::locals;
pub use prepared::{Meaning, Prepared, PreparedRelocation};
pub use properties::{Properties, SegmentFamily};
pub(crate) use read::constant_expression;
pub use shared_library::{SharedLibrary, SharedSymbol};
#[cfg(test)]
pub(crate) use strings::StringTable;
pub use strings::{ChunkStrings, StringPiece};
pub use tables::{
    Feature, Import, Imports, InitFunction, InputFunction, InputGlobal, InputSection, InputSegment,
    InputTable, Interners, Object, ObjectSymbol, Producers, MAX_LOCALS, NONE,
};
