//! Whether memory needs initialising by code, and the function that does it.

use super::add_function;
use super::bodies::needs_init_memory;
use crate::context::Context;
use crate::features::Features;
use crate::format::SymbolFlags;
use crate::index::SyntheticFunctionId;
use crate::layout::segments::Segments;
use crate::program::Adder;
use crate::symbols::Purpose;

/// Adds `__wasm_init_memory` if it is needed. It runs when the module starts.
pub(super) fn add_init_memory(
    context: &Context<'_>,
    features: &Features,
    segments: &Segments,
    adder: &mut Adder<'_>,
) -> Option<SyntheticFunctionId> {
    if !needs_init_memory(context.options, features, &segments.list) {
        return None;
    }
    let (name, flags) = (b"__wasm_init_memory", SymbolFlags::HIDDEN);
    let number = add_function(context, adder, name, flags, Purpose::InitMemory);
    if context.options.shared_memory {
        // The first thread's block is part of static memory: its address is set there.
        if let Some(tls_base) = adder.program().well_known.tls_base {
            adder.mark(tls_base);
        }
    }
    Some(number)
}
