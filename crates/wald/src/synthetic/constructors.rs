//! Constructors in the order in which `__wasm_call_ctors` calls them.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#initialization-functions>.

use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::display::display_name;
use crate::index::ObjectId;
use crate::layout::imports::should_import;
use crate::leb128::Reader;
use crate::mark_live::is_left_out;
use crate::program::Program;
use crate::symbols::{AnySymbol, Constructor, Reference};

/// Collects all live constructors, by priority and then in the order of the objects.
pub fn collect(
    context: &Context<'_>,
    program: Program<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<Constructor> {
    let mut constructors = Vec::new();
    let called = program.well_known.call_ctors.is_some_and(|id| program.is_symbol_live(id));
    if !called && !context.options.is_relocatable() {
        return constructors;
    }
    for (position, linked) in program.objects.iter().enumerate().filter(|(_, o)| o.properties.has_roots) {
        let object = ObjectId::new(position);
        for init in &linked.object().init_functions {
            let (symbol, is_live, signature) = match linked.reference(init.symbol.0) {
                Reference::Local(own) => {
                    let entry = linked.own(own);
                    let is_live = program.is_own_live(object, entry) == Some(true);
                    let type_index =
                        linked.object().functions[linked.object().defined_function(entry.element)].type_index;
                    (AnySymbol::Local(object, own), is_live, Some(linked.object().types[type_index as usize]))
                }
                Reference::Global(id) => {
                    let is_live = program.is_symbol_live(id);
                    (AnySymbol::Global(id), is_live, program.get(id).signature)
                }
            };
            let left_out = match symbol {
                AnySymbol::Local(_, own) => is_left_out(linked, own),
                AnySymbol::Global(_) => false,
            };
            if !is_live || left_out {
                continue;
            }
            if let AnySymbol::Global(id) = symbol {
                let own = program.get(id);
                if !own.is_defined()
                    && own.stub.is_none()
                    && !should_import(context, program, id)
                    && !context.options.is_relocatable()
                {
                    let message = format!("init function is not defined: {}", context.display(own.name));
                    let diagnostic = Diagnostic::error(Code::UndefinedSymbol, message);
                    diagnostics.push(diagnostic.blame(&linked.path, init.offset.map(u64::from)));
                    continue;
                }
            }
            let (parameters, results) =
                signature.map_or((0, 0), |signature| context.interners.signatures.with(signature.0, arity));
            if parameters != 0 {
                let name = linked.object().symbols[init.symbol.at()].name_in(linked.object());
                let name = match symbol {
                    AnySymbol::Local(..) => display_name(name, context.options.demangle),
                    AnySymbol::Global(id) => context.display(program.get(id).name),
                };
                let message = format!("constructor functions cannot take arguments: {name}");
                let diagnostic = Diagnostic::error(Code::SymbolType, message);
                diagnostics.push(diagnostic.blame(&linked.path, init.offset.map(u64::from)));
            }
            constructors.push(Constructor { symbol, results, priority: init.priority });
        }
    }
    constructors.sort_by_key(|constructor| constructor.priority);
    constructors
}

/// How many parameters and results a signature has.
pub fn arity(signature: &[u8]) -> (u32, u32) {
    let mut reader = Reader::new(signature);
    let parameters = reader.u32().unwrap_or(0);
    for _ in 0..parameters {
        // A type constructor and its heap type are two numbers.
        if matches!(reader.byte(), Ok(0x63 | 0x64)) {
            _ = reader.i64();
        }
    }
    (parameters, reader.u32().unwrap_or(0))
}
