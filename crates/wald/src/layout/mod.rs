//! Layout: places in memory and in the output's index spaces. Beyond it every size and every address is known.

pub mod function_table;
pub mod imports;
pub mod indices;
pub mod memory;
pub mod mutable_globals;
pub mod segments;
pub mod start_stop;

use crate::features::Features;
use crate::incremental::EarlierStrings;
use crate::index::{ObjectId, SyntheticFunctionId};
use crate::names::Snapshot;
use crate::options::Options;
use crate::program::Program;
use crate::symbols::SyntheticFunction;
use std::ops::Deref;

/// Everything that is decided before bytes are written.
pub struct Layout<'a> {
    /// What was asked for.
    pub options: &'a Options,
    /// The names.
    pub names: &'a Snapshot<'a>,
    /// The signatures.
    pub signatures: &'a Snapshot<'a>,
    /// What is linked.
    pub program: Program<'a>,
    /// Strings of custom sections that were merged before.
    pub strings: EarlierStrings,
    /// What was decided.
    pub decisions: Decisions,
}

/// What was decided about the output, apart from what it was decided for. A later link can go on from it.
pub struct Decisions {
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
    /// Functions that `ref.func` names and that nothing else declares: by their index in the output, ascending.
    pub declared: Vec<u32>,
    /// The code of the functions that the linker writes.
    pub code: LinkerCode,
    /// The start function.
    pub start: Option<SyntheticFunctionId>,
}

impl Deref for Layout<'_> {
    type Target = Decisions;

    fn deref(&self) -> &Decisions {
        &self.decisions
    }
}

/// The code of the functions that the linker writes.
#[derive(Default)]
pub struct LinkerCode {
    /// The bodies, with their size prefix; empty for dead functions. Those of the parts are last.
    pub bodies: Vec<Vec<u8>>,
    /// Parts of functions that would be too large. They follow all other functions.
    pub parts: Vec<SyntheticFunction>,
}

impl Layout<'_> {
    /// The layout with the linker's own code, which was made for it.
    pub fn with_code(mut self, code: LinkerCode) -> Self {
        let first = self.program.function_count();
        for (position, part) in code.parts.iter().enumerate() {
            self.decisions.indices.add_part(SyntheticFunctionId::new(first + position), part.signature);
        }
        self.decisions.code = code;
        self
    }

    /// A function that the linker writes.
    pub fn function(&self, id: SyntheticFunctionId) -> &SyntheticFunction {
        match id.at().checked_sub(self.program.function_count()) {
            Some(part) => &self.code.parts[part],
            None => self.program.function(id),
        }
    }

    /// The functions of an object that are in the output: position in the object, and index.
    pub fn functions_of(&self, object: ObjectId) -> impl Iterator<Item = (usize, u32)> + '_ {
        let first = self.program.chunks.functions.of(object, 0);
        let count = self.program.objects[object.at()].object().functions.len();
        let indices = self.indices.function[first..first + count].iter().copied().enumerate();
        indices.filter(|&(_, index)| index != indices::NONE)
    }

    /// Whether addresses have 64 bits.
    pub fn is64(&self) -> bool {
        self.options.is64()
    }

    /// Whether a segment's bytes are in the file. Bss is left out if memory is zero at the start, or if code can zero it.
    pub fn is_in_file(&self, segment: &segments::OutputSegment) -> bool {
        is_in_file(self.options, &self.features, segment)
    }
}

/// Makes one segment of all if the loader decides where memory begins: without extended constant expressions only one active
/// segment can be placed there. Passive segments are copied by code, which can add.
pub fn combine_segments(
    options: &Options,
    features: &Features,
    segments: segments::Segments,
) -> segments::Segments {
    if options.is_position_independent() && !options.shared_memory && !features.has("extended-const") {
        return segments.combine(|segment| is_in_file(options, features, segment));
    }
    segments
}

/// See [`Layout::is_in_file`].
pub fn is_in_file(options: &Options, features: &Features, segment: &segments::OutputSegment) -> bool {
    !segment.is_bss
        || options.keeps_relocations()
        || options.import_memory.is_some() && !features.has("bulk-memory")
}
