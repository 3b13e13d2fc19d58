//! Constructors: which of them are linked, and whether something must call them.

use super::liveness::Liveness;
use crate::chunks::Chunks;
use crate::format::SymbolKind;
use crate::index::{ObjectId, ObjectSymbolIndex};
use crate::options::Options;
use crate::symbols::{LinkedObject, Reference, Resolution, SymbolTable, Synthetic};

/// `__wasm_call_ctors` is needed if there is a constructor.
pub(super) fn mark_call_ctors(
    options: &Options,
    symbols: &SymbolTable,
    chunks: &Chunks,
    live: &mut Liveness,
) {
    // Position-independent modules always have it, for their loader.
    let any = options.is_position_independent()
        || symbols.objects.iter().enumerate().any(|(object, linked)| {
            linked.object().init_functions.iter().any(|init| match linked.reference(init.symbol.0) {
                Reference::Own(own) if is_left_out(linked, own) => false,
                Reference::Own(own) => {
                    let (object, own) = (ObjectId::new(object), linked.own(own));
                    live.is_own_live(symbols, chunks, object, own) == Some(true)
                }
                Reference::Global(id) => live.is_symbol_live(symbols, chunks, id),
            })
        });
    if let (true, Some(call_ctors)) = (any, symbols.well_known.call_ctors) {
        live.symbols.insert(call_ctors.at());
        if let Resolution::Synthetic(Synthetic::Function(number)) = symbols.get(call_ctors).resolution {
            live.synthetic_functions.insert(number.at());
        }
    }
}

/// Whether an object's function is discarded with its COMDAT group.
pub fn is_left_out(linked: &LinkedObject, index: ObjectSymbolIndex) -> bool {
    let own = linked.own(index);
    let function = || &linked.object().functions[linked.object().defined_function(own.element)];
    own.kind == SymbolKind::Function && linked.is_discarded(function().comdat)
}
