//! What tests, fuzz targets and tools of this project look into.

pub use crate::names::Interner;
pub use crate::object::{scan_defined_symbols, Interners, Object, ObjectSymbol, NONE};

pub mod archive {
    //! See the module of this name.
    pub use crate::archive::*;
}

pub mod bitcode {
    //! See the module of this name.
    pub use crate::bitcode::*;
}

pub mod format {
    //! See the module of this name.
    pub use crate::format::*;
}

pub mod index {
    //! See the module of this name.
    pub use crate::index::*;
}

pub mod leb128 {
    //! See the module of this name.
    pub use crate::leb128::*;
}
