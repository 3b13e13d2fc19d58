//! The result: what is live.

use crate::bit_set::BitSet;
use crate::chunks::{Chunks, Target};
use crate::format::SymbolKind;
use crate::index::{ObjectId, SymbolId, SyntheticFunctionId};
use crate::object::ObjectSymbol;
use crate::symbols::{Resolution, SymbolTable, Synthetic};

/// What is live.
#[derive(PartialEq, Eq)]
pub struct Liveness {
    /// Functions, by [`Chunks::functions`].
    pub functions: BitSet,
    /// Segments.
    pub segments: BitSet,
    /// Globals.
    pub globals: BitSet,
    /// Tags.
    pub tags: BitSet,
    /// Tables.
    pub tables: BitSet,
    /// Whether custom sections count as live: only without garbage collection.
    pub sections: bool,
    /// Symbols of the link that something live refers to.
    pub(super) symbols: BitSet,
    /// Functions that the linker writes.
    pub(super) synthetic_functions: BitSet,
    /// Objects of which something is live.
    pub objects: BitSet,
}

impl Liveness {
    /// Whether something live refers to a symbol of the table.
    #[inline]
    pub fn is_referenced(&self, id: SymbolId) -> bool {
        self.symbols.contains_checked(id.at())
    }

    /// Whether a synthetic function of the symbol table is live.
    pub fn is_function_live(&self, id: SyntheticFunctionId) -> bool {
        self.synthetic_functions.contains_checked(id.at())
    }

    /// Whether something live refers to the symbol, or its chunk is live.
    pub(super) fn is_symbol_live(&self, symbols: &SymbolTable, chunks: &Chunks, id: SymbolId) -> bool {
        match symbols.get(id).resolution {
            Resolution::Object => match chunks.of_symbol(id) {
                Some(target) => self.is_chunk_live(chunks, target),
                None => self.symbols.contains(id.at()),
            },
            Resolution::Synthetic(Synthetic::Function(number)) => {
                self.synthetic_functions.contains(number.at())
            }
            _ => self.symbols.contains(id.at()),
        }
    }

    /// Whether the chunk of an object's own definition is live; `None` if it has no chunk.
    pub(super) fn is_own_live(
        &self,
        symbols: &SymbolTable,
        chunks: &Chunks,
        object: ObjectId,
        own: &ObjectSymbol,
    ) -> Option<bool> {
        let position = symbols.objects[object.at()].object().chunk_of(own)?;
        Some(self.is_chunk_live(chunks, Target::new(object, own.kind, position)))
    }

    /// Whether the chunk is live. Custom sections always count as live.
    #[inline]
    pub fn is_chunk_live(&self, chunks: &Chunks, target: Target) -> bool {
        let (object, position) = (target.object(), target.position());
        match target.kind() {
            SymbolKind::Function => self.functions.contains(chunks.functions.of(object, position)),
            SymbolKind::Data => self.segments.contains(chunks.segments.of(object, position)),
            SymbolKind::Global => self.globals.contains(chunks.globals.of(object, position)),
            SymbolKind::Tag => self.tags.contains(chunks.tags.of(object, position)),
            SymbolKind::Table => self.tables.contains(chunks.tables.of(object, position)),
            SymbolKind::Section => true,
        }
    }
}
