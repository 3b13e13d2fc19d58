//! Bitcode that is part of the link.

use std::sync::Arc;

use crate::index::{FileId, SymbolId};

/// Bitcode that is part of the link.
#[derive(Clone)]
pub struct LinkedBitcode {
    /// Which file it is.
    pub file: FileId,
    /// For each of its COMDAT groups, whether this file's copy is the one that is kept.
    pub kept_comdats: Arc<[bool]>,
    /// For each of its symbols, the entry in the link's symbol table.
    pub references: Vec<SymbolId>,
}
