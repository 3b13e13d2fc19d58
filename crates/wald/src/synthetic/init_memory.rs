//! Whether memory needs initialising by code, and the function that does it.

use super::bodies::needs_init_memory;
use crate::context::Context;
use crate::features::Features;
use crate::format::{SymbolFlags, SymbolKind};
use crate::index::{SignatureId, SyntheticFunctionId};
use crate::layout::segments::Segments;
use crate::mark_live::Liveness;
use crate::symbols::{Purpose, Resolution, SymbolTable, Synthetic, SyntheticFunction};

/// Adds `__wasm_init_memory` where it is needed; it is then the module's start function.
pub fn add_init_memory(
    context: &Context<'_>,
    features: &Features,
    segments: &Segments,
    symbols: &mut SymbolTable,
    live: &mut Liveness,
) -> Option<SyntheticFunctionId> {
    if !needs_init_memory(context.options, features, &segments.list) {
        return None;
    }
    let name = b"__wasm_init_memory";
    let number = SyntheticFunctionId::new(symbols.synthetic_functions.len());
    let signature = SignatureId(context.interners.signatures.intern(&[0, 0]));
    symbols.synthetic_functions.push(SyntheticFunction::named(name, signature, Purpose::InitMemory));
    live.synthetic_functions.grow(number.at() + 1, false);
    live.synthetic_functions.insert(number.at());
    let (id, _) = symbols.insert(context.name(name));
    let symbol = symbols.get_mut(id);
    symbol.kind = SymbolKind::Function;
    symbol.flags = SymbolFlags(SymbolFlags::HIDDEN);
    symbol.signature = Some(signature);
    symbol.resolution = Resolution::Synthetic(Synthetic::Function(number));
    live.symbols.grow(id.at() + 1, false);
    live.symbols.insert(id.at());
    if context.options.shared_memory {
        // The first thread's block is part of static memory: its address is set there.
        if let Some(tls_base) = symbols.well_known.tls_base {
            live.symbols.insert(tls_base.at());
        }
    }
    Some(number)
}
