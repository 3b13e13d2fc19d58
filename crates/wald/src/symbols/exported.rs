//! Which symbols the module exports.

use super::symbol::Symbol;
use crate::options::Options;

/// Whether a symbol is exported by its flags or by options.
pub fn is_exported(options: &Options, symbol: &Symbol) -> bool {
    if !symbol.is_defined() || symbol.is_shared() || symbol.flags.is_local() {
        return false;
    }
    let is_exported = options.export_all
        || options.export_dynamic && !symbol.flags.is_hidden()
        || symbol.flags.is_exported();
    symbol.force_export || is_exported && !symbol.is_withheld
}
