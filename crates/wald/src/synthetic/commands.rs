//! Command exports: every exported function runs constructors before and destructors after itself, unless the
//! program calls `__wasm_call_ctors` by itself.

use crate::context::Context;
use crate::format::{SymbolFlags, SymbolKind};
use crate::index::{SymbolId, SyntheticFunctionId};
use crate::layout::indices::Indices;
use crate::mark_live::{is_exported, Liveness};
use crate::resolve::display_name;
use crate::symbols::{Constructor, Purpose, Resolution, SymbolTable, Synthetic, SyntheticFunction};

/// Puts a wrapper around every exported function and exports the wrapper in its place.
pub fn wrap_commands(
    context: &Context<'_>,
    constructors: &[Constructor],
    symbols: &mut SymbolTable,
    live: &mut Liveness,
    indices: &mut Indices,
) {
    let Some(call_ctors) = symbols.well_known.call_ctors else { return };
    if context.options.is_position_independent() {
        return;
    }
    let explicit = symbols.get(call_ctors).used_in_regular_object
        || is_exported(context.options, symbols.get(call_ctors));
    if explicit || constructors.is_empty() && symbols.well_known.call_dtors.is_none() {
        return;
    }
    let wrapped: Vec<SymbolId> = symbols
        .named
        .iter()
        .copied()
        .filter(|&id| {
            let symbol = symbols.get(id);
            symbol.kind == SymbolKind::Function && is_exported(context.options, symbol)
        })
        .collect();
    for id in wrapped {
        wrap(context, symbols, live, indices, id);
    }
}

fn wrap(
    context: &Context<'_>,
    symbols: &mut SymbolTable,
    live: &mut Liveness,
    indices: &mut Indices,
    id: SymbolId,
) {
    let Some(signature) = symbols.get(id).signature else { return };
    let own_name = context.interners.names.with(symbols.get(id).name.0, <[u8]>::to_vec);
    let export_name = match symbols.definition(symbols.get(id)) {
        Some((object, own)) => {
            let parsed = symbols.objects[object.at()].object();
            let function = &parsed.functions[parsed.defined_function(own.element)];
            function.export_name.map(|range| range.of(&parsed.bytes).to_vec())
        }
        None => None,
    };
    let name = [&own_name[..], b".command_export"].concat();
    let number = SyntheticFunctionId::new(symbols.synthetic_functions.len());
    symbols.synthetic_functions.push(SyntheticFunction {
        symbol_name: name.clone(),
        name: display_name(&name, context.options.demangle).into_bytes(),
        signature,
        purpose: Purpose::CommandExport(id),
        export_name: Some(export_name.unwrap_or(own_name)),
    });
    live.synthetic_functions.grow(number.at() + 1, false);
    live.synthetic_functions.insert(number.at());
    let (wrapper, _) = symbols.insert(context.name(&name));
    live.symbols.grow(wrapper.at() + 1, false);
    live.symbols.insert(wrapper.at());
    let (flags, force_export) = (symbols.get(id).flags, symbols.get(id).force_export);
    let symbol = symbols.get_mut(wrapper);
    symbol.kind = SymbolKind::Function;
    symbol.signature = Some(signature);
    symbol.flags = SymbolFlags((flags.0 | SymbolFlags::EXPORTED) & !SymbolFlags::HIDDEN);
    symbol.force_export = force_export;
    symbol.resolution = Resolution::Synthetic(Synthetic::Function(number));
    let symbol = symbols.get_mut(id);
    symbol.flags = SymbolFlags((flags.0 | SymbolFlags::HIDDEN) & !SymbolFlags::EXPORTED);
    symbol.force_export = false;
    indices.add_synthetic_function(number, live);
}
