//! Functions that the linker writes: constructors, memory initialisation, addresses that the loader decides on, command
//! wrappers, traps.

mod bodies;
mod commands;
mod constructors;
mod dynamic;
mod init_memory;

use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::format::{SymbolFlags, SymbolKind};
use crate::index::{SignatureId, SyntheticFunctionId};
use crate::mark_live::Liveness;
use crate::symbols::{Purpose, Resolution, SymbolTable, Synthetic, SyntheticFunction};

pub use bodies::{write_bodies, MAX_BODY};
pub use commands::wrap_commands;
pub use constructors::{arity, collect as collect_constructors};
pub use dynamic::add_start_up;

/// Adds a function without arguments, live, with its symbol.
fn add_function(
    context: &Context<'_>,
    symbols: &mut SymbolTable,
    live: &mut Liveness,
    name: &[u8],
    flags: u32,
    purpose: Purpose,
) -> SyntheticFunctionId {
    let number = SyntheticFunctionId::new(symbols.synthetic_functions.len());
    let signature = SignatureId(context.interners.signatures.intern(&[0, 0]));
    symbols.synthetic_functions.push(SyntheticFunction::named(name, signature, purpose));
    live.synthetic_functions.grow(number.at() + 1, false);
    live.synthetic_functions.insert(number.at());
    let (id, _) = symbols.insert(context.name(name));
    let symbol = symbols.get_mut(id);
    symbol.kind = SymbolKind::Function;
    symbol.flags = SymbolFlags(flags);
    symbol.signature = Some(signature);
    symbol.resolution = Resolution::Synthetic(Synthetic::Function(number));
    live.symbols.grow(id.at() + 1, false);
    live.symbols.insert(id.at());
    number
}

/// Reports the functions of [`add_start_up`] that `--trace-symbol` names: they are defined later than all other symbols.
pub fn trace_start_up(context: &Context<'_>, symbols: &SymbolTable, diagnostics: &mut Diagnostics) {
    use Purpose::*;
    let traced = &context.options.trace_symbols;
    for function in &symbols.synthetic_functions {
        let is_late = matches!(
            function.purpose,
            ApplyDataRelocs | InitMemory | ApplyGlobalTlsRelocs | ApplyTlsRelocs | ApplyGlobalRelocs | Start
        );
        let name = &function.symbol_name;
        if is_late && traced.iter().any(|traced| traced.as_bytes() == name) {
            let message = format!("<internal>: definition of {}", String::from_utf8_lossy(name));
            diagnostics.push(Diagnostic::message(Code::TraceSymbol, message));
        }
    }
}
