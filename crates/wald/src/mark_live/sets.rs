//! The sets that marking fills, from several threads at once.

use crate::bit_set::SharedBitSet;
use crate::chunks::Chunks;
use crate::symbols::SymbolTable;

/// What is marked, by number.
#[derive(Clone)]
pub(crate) struct Sets {
    pub(crate) functions: SharedBitSet,
    pub(crate) segments: SharedBitSet,
    pub(crate) globals: SharedBitSet,
    pub(crate) tags: SharedBitSet,
    pub(crate) tables: SharedBitSet,
    pub(crate) symbols: SharedBitSet,
    pub(crate) synthetic_functions: SharedBitSet,
    pub(crate) objects: SharedBitSet,
    /// Symbols that something live refers to and that have no chunk yet.
    pub(crate) waiting: SharedBitSet,
    /// The same, if only the address is taken.
    pub(crate) waiting_addresses: SharedBitSet,
}

impl Sets {
    pub(crate) fn new(full: bool) -> Self {
        let set = || SharedBitSet::new(0, full);
        Sets {
            functions: set(),
            segments: set(),
            globals: set(),
            tags: set(),
            tables: set(),
            symbols: set(),
            synthetic_functions: set(),
            objects: set(),
            waiting: SharedBitSet::new(0, false),
            waiting_addresses: SharedBitSet::new(0, false),
        }
    }

    /// Reserves space for all chunks.
    pub(crate) fn grow(&mut self, symbols: &SymbolTable, chunks: &Chunks, full: bool) {
        self.functions.grow(chunks.functions.total(), full);
        self.segments.grow(chunks.segments.total(), full);
        self.globals.grow(chunks.globals.total(), full);
        self.tags.grow(chunks.tags.total(), full);
        self.tables.grow(chunks.tables.total(), full);
        self.symbols.grow(symbols.symbols.len(), full);
        self.synthetic_functions.grow(symbols.synthetic_functions.len(), full);
        self.objects.grow(symbols.objects.len(), full);
        self.waiting.grow(symbols.symbols.len(), false);
        self.waiting_addresses.grow(symbols.symbols.len(), false);
    }
}
