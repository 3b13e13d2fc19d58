//! Garbage collection: finds what the roots reach through relocations.
//!
//! Roots are the entry, exported and no-strip symbols, and the constructors and retained segments of objects that are not
//! archive members. A constructor of an archive member is a root if one of the member's symbols is live.

mod constructors;
mod liveness;
mod marker;
mod marks;
mod removed;
mod roots;
mod sets;

use crate::chunks::Chunks;
use rayon::prelude::*;

use crate::options::Options;
use crate::symbols::SymbolTable;
use constructors::mark_call_ctors;
use marker::Marker;

pub use constructors::is_left_out;
pub use liveness::Liveness;
pub use marks::Marks;
pub use removed::print_removed;
pub(crate) use sets::Sets;

/// Finds what is live, starting from earlier marks.
pub fn mark_live(
    options: &Options,
    symbols: &SymbolTable,
    chunks: &Chunks,
    earlier: Option<Marks>,
) -> Liveness {
    // Without garbage collection everything is live, even copies of comdat groups that nothing refers to.
    let all = !options.gc_sections;
    let mut marker = Marker::new(symbols, chunks, all, earlier.filter(|_| options.gc_sections));
    symbols.symbols.par_iter().enumerate().with_min_len(4096).for_each(|(position, symbol)| {
        if symbol.referenced {
            marker.sets.symbols.insert(position);
        }
    });
    let known = &symbols.well_known;
    let stack_pointer = known.stack_pointer.filter(|_| !options.is_position_independent());
    for id in [stack_pointer, known.memory_base, known.table_base].into_iter().flatten() {
        marker.sets.symbols.insert(id.at());
    }
    if options.gc_sections {
        marker.mark_all(options);
    } else {
        marker.mark_first_objects();
    }
    let mut live = marker.into_liveness(all);
    mark_call_ctors(options, symbols, chunks, &mut live);
    live
}
