//! Functions that the linker writes: constructors, memory initialisation, addresses that the loader decides on, command
//! wrappers, traps.

mod bodies;
mod commands;
mod constructors;
mod dynamic;
mod init_memory;

use crate::context::Context;
use crate::diagnostics::Diagnostics;
use crate::format::{SymbolFlags, SymbolKind};
use crate::index::{SignatureId, SyntheticFunctionId};
use crate::program::{Adder, Program};
use crate::symbols::{Purpose, Resolution, Synthetic, SyntheticFunction};

pub use bodies::{write_code, MAX_BODY};
pub use commands::wrap_commands;
pub use constructors::{arity, collect as collect_constructors};
pub use dynamic::add_start_up;

/// Adds a function without arguments, with its symbol.
fn add_function(
    context: &Context<'_>,
    adder: &mut Adder<'_>,
    name: &[u8],
    flags: u32,
    purpose: Purpose,
) -> SyntheticFunctionId {
    let signature = SignatureId(context.interners.signatures.intern(&[0, 0]));
    let number = adder.add_function(SyntheticFunction::named(name, signature, purpose));
    let (id, _) = adder.insert(context.name(name));
    let symbol = adder.change(id);
    symbol.kind = SymbolKind::Function;
    symbol.flags = SymbolFlags(flags);
    symbol.signature = Some(signature);
    symbol.resolution = Resolution::Synthetic(Synthetic::Function(number));
    adder.mark(id);
    number
}

/// Reports the functions of [`add_start_up`] that `--trace-symbol` names: they are defined later than all other symbols.
fn trace_start_up(context: &Context<'_>, program: Program<'_>, diagnostics: &mut Diagnostics) {
    use Purpose::*;
    for function in program.functions() {
        let is_late = matches!(
            function.purpose,
            ApplyDataRelocs | InitMemory | ApplyGlobalTlsRelocs | ApplyTlsRelocs | ApplyGlobalRelocs | Start
        );
        if is_late {
            context.trace_definition(&function.symbol_name, diagnostics);
        }
    }
}
