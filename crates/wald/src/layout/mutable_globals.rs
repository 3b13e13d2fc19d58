//! Mutable globals may be imported or exported only if the inputs have the feature.

use super::imports::{global_type, Imports};
use super::indices::Indices;
use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::features::Features;
use crate::format::SymbolKind;
use crate::index::SymbolId;
use crate::options::Options;
use crate::program::Program;
use crate::resolve::object_global_type;
use crate::symbols::{Resolution, Synthetic, SyntheticGlobal};

/// Checks imported and exported globals.
pub fn check(
    context: &Context<'_>,
    features: &Features,
    program: Program<'_>,
    imports: &Imports,
    indices: &Indices,
    diagnostics: &mut Diagnostics,
) {
    let options = context.options;
    if options.is_relocatable() || !options.check_features || features.has("mutable-globals") {
        return;
    }
    let imported = imports.symbols.iter().copied();
    let imported = imported.filter(|&id| {
        program.get(id).kind == SymbolKind::Global && global_type(options, program, id).mutable
    });
    let exported = indices.exports.iter().filter_map(|export| export.symbol);
    let exported = exported.filter(|&id| is_mutable_global(options, program, id));
    for (id, how) in imported.map(|id| (id, "imported")).chain(exported.map(|id| (id, "exported"))) {
        let name = context.display(program.get(id).name);
        let message = format!(
            "mutable global {how} but 'mutable-globals' feature not present in inputs: `{name}`. Use \
             --no-check-features to suppress."
        );
        diagnostics.push(program.blame(id, Diagnostic::error(Code::Features, message)));
    }
}

fn is_mutable_global(options: &Options, program: Program<'_>, id: SymbolId) -> bool {
    let symbol = program.get(id);
    if symbol.kind != SymbolKind::Global {
        return false;
    }
    match symbol.resolution {
        Resolution::Synthetic(Synthetic::Global(SyntheticGlobal::StackPointer)) => true,
        Resolution::Synthetic(Synthetic::Global(SyntheticGlobal::TlsBase)) => options.shared_memory,
        _ => program.definition(symbol).is_some_and(|(object, own)| {
            object_global_type(program.objects[object.at()].object(), own).mutable
        }),
    }
}
