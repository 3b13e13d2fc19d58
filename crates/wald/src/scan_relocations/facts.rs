//! What the objects ask of symbols, copied from the symbols.

use rayon::prelude::*;

use crate::bit_set::BitSet;
use crate::index::{SignatureId, SymbolId};
use crate::program::Program;
use crate::symbols::{Resolution, Synthetic};

/// Facts about symbols, by [`SymbolId`]: in so little memory that the processor's cache has room for it.
pub(super) struct Facts {
    /// Symbols to which any reference counts, whatever its type: most objects refer to none, and of those only the
    /// chunks that ask for something are looked through.
    pub(super) watched: BitSet,
    /// The signature of each symbol.
    pub(super) signatures: Vec<Option<SignatureId>>,
}

impl Facts {
    pub(super) fn new(program: Program<'_>) -> Facts {
        let symbol = |position: usize| program.get(SymbolId::new(position));
        let watched = BitSet::collect(program.symbol_count(), |position| {
            let symbol = symbol(position);
            // An address that the linker defines may be a global to the object: `__memory_base`.
            let is_address = matches!(symbol.resolution, Resolution::Synthetic(Synthetic::Data(_)));
            symbol.is_undefined() || symbol.is_lazy() || symbol.is_shared() || is_address
        });
        let all = (0..program.symbol_count()).into_par_iter().with_min_len(4096);
        Facts { watched, signatures: all.map(|position| symbol(position).signature).collect() }
    }
}
