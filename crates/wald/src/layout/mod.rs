//! Layout: places in memory and in the output's index spaces. Beyond it every size and every address is known.

pub mod function_table;
pub mod imports;
pub mod indices;
pub mod memory;
pub mod mutable_globals;
pub mod segments;
pub mod start_stop;

use std::sync::Arc;

use crate::chunks::Chunks;
use crate::features::Features;
use crate::mark_live::Liveness;
use crate::merge_strings::Pools;
use crate::options::Options;
use crate::symbols::SymbolTable;

/// Everything that is decided before bytes are written.
pub struct Layout<'a> {
    /// What was asked for.
    pub options: &'a Options,
    /// Names and signatures.
    pub interners: &'a crate::object::Interners,
    /// The names, to read without locks.
    pub names: crate::names::Snapshot<'a>,
    /// Resolved symbols.
    pub symbols: SymbolTable,
    /// Flat numbers of chunks.
    pub chunks: Chunks,
    /// What is live.
    pub live: Liveness,
    /// Strings of custom sections that were merged before.
    pub strings: Arc<Pools>,
    /// Target features.
    pub features: Features,
    /// Output segments.
    pub segments: segments::Segments,
    /// Linear memory.
    pub memory: memory::Memory,
    /// Imports.
    pub imports: imports::Imports,
    /// Index spaces.
    pub indices: indices::Indices,
    /// The indirect function table.
    pub table: function_table::FunctionTable,
    /// Constructors in the order in which they run.
    pub constructors: Vec<crate::symbols::Constructor>,
    /// Bodies of the functions that the linker writes, with their size prefix; empty for dead ones.
    pub synthetic_bodies: Vec<Vec<u8>>,
    /// The start function.
    pub start: Option<crate::index::SyntheticFunctionId>,
}

impl Layout<'_> {
    /// Drops the layout and what was made of it, unless memory is left to the system. The next link can lock the names again.
    pub fn release<T>(mut self, rest: T) {
        let options = self.options;
        self.names.unlock();
        options.release((self, rest));
    }

    /// Whether addresses have 64 bits.
    pub fn is64(&self) -> bool {
        self.options.is64 == Some(true)
    }

    /// Whether a segment's bytes are in the file: bss is left out where memory starts out zeroed, or where code
    /// can zero it.
    pub fn is_in_file(&self, segment: &segments::OutputSegment) -> bool {
        is_in_file(self.options, &self.features, segment)
    }
}

/// The loader decides where memory begins. Without extended constant expressions only one segment can be said to be there;
/// passive segments are copied by code, which can add.
pub fn combine_segments(options: &Options, features: &Features, segments: &mut segments::Segments) {
    if options.is_position_independent() && !options.shared_memory && !features.has("extended-const") {
        segments.combine(|segment| is_in_file(options, features, segment));
    }
}

/// See [`Layout::is_in_file`].
pub fn is_in_file(options: &Options, features: &Features, segment: &segments::OutputSegment) -> bool {
    !segment.is_bss
        || options.keeps_relocations()
        || options.import_memory.is_some() && !features.has("bulk-memory")
}
