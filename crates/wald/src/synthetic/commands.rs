//! Command exports: every exported function runs constructors before and destructors after itself, unless the
//! program calls `__wasm_call_ctors` by itself.

use crate::context::Context;
use crate::display::display_name;
use crate::format::{SymbolFlags, SymbolKind};
use crate::index::SymbolId;
use crate::program::{Adder, Additions, Program};
use crate::symbols::{is_exported, Constructor, Purpose, Resolution, Symbol, Synthetic, SyntheticFunction};

/// Puts a wrapper around every exported function and exports the wrapper in its place.
pub fn wrap_commands(context: &Context<'_>, program: Program<'_>, constructors: &[Constructor]) -> Additions {
    let mut adder = Adder::new(program);
    let Some(call_ctors) = program.well_known.call_ctors else { return adder.finish() };
    let explicit = program.get(call_ctors).used_in_regular_object
        || is_exported(context.options, program.get(call_ctors));
    let has_nothing_to_call = constructors.is_empty() && program.well_known.call_dtors.is_none();
    if context.options.is_position_independent() || explicit || has_nothing_to_call {
        return adder.finish();
    }
    let is_wrapped = |&id: &SymbolId| {
        let symbol = program.get(id);
        symbol.kind == SymbolKind::Function && is_exported(context.options, symbol)
    };
    for id in program.named().filter(is_wrapped) {
        wrap(context, &mut adder, id);
    }
    adder.finish()
}

fn wrap(context: &Context<'_>, adder: &mut Adder<'_>, id: SymbolId) {
    let program = adder.program();
    let &Symbol { name, signature, flags, force_export, .. } = program.get(id);
    let Some(signature) = signature else { return };
    let own_name = context.interners.names.with(name.0, <[u8]>::to_vec);
    let export_name = match program.definition(program.get(id)) {
        Some((object, own)) => {
            let parsed = program.objects[object.at()].object();
            let function = &parsed.functions[parsed.defined_function(own.element)];
            function.export_name.map(|range| range.of(&parsed.bytes).to_vec())
        }
        None => None,
    };
    let name = [&own_name[..], b".command_export"].concat();
    let number = adder.add_function(SyntheticFunction {
        symbol_name: name.clone(),
        name: display_name(&name, context.options.demangle).into_bytes(),
        signature,
        purpose: Purpose::CommandExport(id),
        export_name: Some(export_name.unwrap_or(own_name)),
    });
    let (wrapper, _) = adder.insert(context.name(&name));
    adder.mark(wrapper);
    let symbol = adder.change(wrapper);
    symbol.kind = SymbolKind::Function;
    symbol.signature = Some(signature);
    symbol.flags = SymbolFlags((flags.0 | SymbolFlags::EXPORTED) & !SymbolFlags::HIDDEN);
    symbol.force_export = force_export;
    symbol.resolution = Resolution::Synthetic(Synthetic::Function(number));
    let symbol = adder.change(id);
    symbol.flags = SymbolFlags((flags.0 | SymbolFlags::HIDDEN) & !SymbolFlags::EXPORTED);
    symbol.force_export = false;
}
