//! Functions that the linker writes, and those that run before the entry.

use super::reference::AnySymbol;
use crate::index::{SignatureId, SymbolId};

/// A function that the linker writes.
#[derive(Clone, Debug)]
pub struct SyntheticFunction {
    /// The name of the symbol it was made for.
    pub symbol_name: Vec<u8>,
    /// Its name in the name section.
    pub name: Vec<u8>,
    /// Its signature.
    pub signature: SignatureId,
    /// What it does.
    pub purpose: Purpose,
    /// The export name, if it is not the symbol's name.
    pub export_name: Option<Vec<u8>>,
}

impl SyntheticFunction {
    /// A function that has its symbol's name everywhere.
    pub fn named(name: &[u8], signature: SignatureId, purpose: Purpose) -> Self {
        let (symbol_name, name) = (name.to_vec(), name.to_vec());
        SyntheticFunction { symbol_name, name, signature, purpose, export_name: None }
    }
}

/// What a synthetic function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `__wasm_call_ctors`: calls every constructor.
    CallCtors,
    /// `__wasm_init_memory`: copies passive segments into place, once.
    InitMemory,
    /// `__wasm_apply_data_relocs`: writes addresses that only the loader knows into data.
    ApplyDataRelocs,
    /// `__wasm_apply_tls_relocs`: the same for a thread's block.
    ApplyTlsRelocs,
    /// `__wasm_apply_global_relocs`: writes such addresses into globals.
    ApplyGlobalRelocs,
    /// `__wasm_apply_global_tls_relocs`: the same for addresses of thread-local data.
    ApplyGlobalTlsRelocs,
    /// `__wasm_start`: calls what has to run first.
    Start,
    /// `__wasm_init_tls`: sets up a thread's block of thread-local data.
    InitTls,
    /// A part of a linker-written function that exceeds the engines' limit for one body.
    Part,
    /// Traps. Called in place of a weak undefined function.
    Unreachable,
    /// Converts its arguments, calls the function, and converts its result: a caller uses another signature than the function's.
    Adapter(SymbolId),
    /// Calls constructors, the function, destructors: what a command exports.
    CommandExport(SymbolId),
}

/// A function that runs before the program's entry.
#[derive(Clone, Copy, Debug)]
pub struct Constructor {
    /// The function.
    pub symbol: AnySymbol,
    /// How many results are to be dropped after the call.
    pub results: u32,
    /// Lower runs first.
    pub priority: u32,
}
