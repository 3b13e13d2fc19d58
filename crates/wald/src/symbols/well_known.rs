//! Symbols by role.

use crate::index::SymbolId;

/// Symbols that phases ask for by role instead of by name.
#[derive(Clone, Copy, Debug, Default)]
pub struct WellKnown {
    /// `__wasm_call_ctors`.
    pub call_ctors: Option<SymbolId>,
    /// `__wasm_call_dtors`, if the program defines it.
    pub call_dtors: Option<SymbolId>,
    /// `__stack_pointer`.
    pub stack_pointer: Option<SymbolId>,
    /// `__memory_base`, if it is an imported global whose value the loader decides.
    pub memory_base: Option<SymbolId>,
    /// `__table_base`, likewise.
    pub table_base: Option<SymbolId>,
    /// `__tls_base`.
    pub tls_base: Option<SymbolId>,
    /// `__wasm_set_tls_base`, if threads are cooperative: a function of a library or of the host.
    pub set_tls_base: Option<SymbolId>,
    /// `__tls_size`.
    pub tls_size: Option<SymbolId>,
    /// `__tls_align`.
    pub tls_align: Option<SymbolId>,
    /// `__wasm_init_tls`.
    pub init_tls: Option<SymbolId>,
    /// The entry function.
    pub entry: Option<SymbolId>,
}

impl WellKnown {
    /// Whether the symbol is a global that the linker imports for position-independent code, and whether that is
    /// mutable.
    pub fn imported_global(&self, id: SymbolId) -> Option<bool> {
        if self.memory_base == Some(id) || self.table_base == Some(id) {
            return Some(false);
        }
        (self.memory_base.is_some() && self.stack_pointer == Some(id)).then_some(true)
    }
}
