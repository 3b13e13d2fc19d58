//! Mutable globals may cross the module's border only where the inputs know the feature.

use super::imports::{global_type, Imports};
use super::indices::Indices;
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::features::Features;
use crate::format::SymbolKind;
use crate::object::Interners;
use crate::options::Options;
use crate::index::SymbolId;
use crate::resolve::{display_name, object_global_type};
use crate::symbols::{Resolution, SymbolTable, Synthetic, SyntheticGlobal};

/// Checks imported and exported globals.
pub fn check(
    options: &Options,
    interners: &Interners,
    features: &Features,
    symbols: &SymbolTable<'_>,
    imports: &Imports,
    indices: &Indices,
    diagnostics: &mut Diagnostics,
) {
    if !options.check_features || features.has("mutable-globals") {
        return;
    }
    let imported = imports.symbols.iter().copied();
    let imported = imported.filter(|&id| symbols.get(id).kind == SymbolKind::Global && global_type(symbols, id).mutable);
    let exported = indices.exports.iter().filter_map(|export| export.symbol);
    let exported = exported.filter(|&id| is_mutable_global(options, symbols, id));
    for (id, how) in imported.map(|id| (id, "imported")).chain(exported.map(|id| (id, "exported"))) {
        let name = symbols.get(id).name;
        let name = interners.names.with(name.0, |text| display_name(text, options.demangle));
        let message = format!(
            "mutable global {how} but 'mutable-globals' feature not present in inputs: `{name}`. Use \
             --no-check-features to suppress."
        );
        diagnostics.push(Diagnostic::error(Code::Features, message));
    }
}

fn is_mutable_global(options: &Options, symbols: &SymbolTable<'_>, id: SymbolId) -> bool {
    let symbol = symbols.get(id);
    if symbol.kind != SymbolKind::Global {
        return false;
    }
    match symbol.resolution {
        Resolution::Synthetic(Synthetic::Global(SyntheticGlobal::StackPointer)) => true,
        Resolution::Synthetic(Synthetic::Global(SyntheticGlobal::TlsBase)) => options.shared_memory,
        _ => symbols.definition(symbol).is_some_and(|(object, own)| {
            object_global_type(symbols.objects[object.at()].object, own).mutable
        }),
    }
}
