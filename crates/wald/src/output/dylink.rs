//! The `dylink.0` section: what a dynamic linker must know before it instantiates the module.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md#the-dylink0-section>.

use super::sections::{list, name};
use crate::format::dylink::*;
use crate::format::SymbolKind;
use crate::index::SymbolId;
use crate::layout::Layout;
use crate::leb128::{write_u32, write_u64};
use crate::options::UnresolvedPolicy;
use crate::symbols::is_exported;
use crate::text::unescape;

/// The section's contents; `None` unless a dynamic linker loads the module.
pub(super) fn dylink(layout: &Layout<'_>) -> Option<Vec<u8>> {
    let options = layout.options;
    if !options.is_position_independent()
        && options.unresolved_symbols != UnresolvedPolicy::ImportDynamic
        && layout.program.needed().is_empty()
    {
        return None;
    }
    let mut out = Vec::new();
    subsection(&mut out, MEMORY_INFO, memory_info(layout));
    if let Some(needed) = list(layout.program.needed(), |out, library| name(out, &unescape(library))) {
        subsection(&mut out, NEEDED, needed);
    }
    if let Some(exports) = list(&thread_local_exports(layout), |out, &id| {
        name(out, layout.names.text(layout.program.get(id).name.0));
        write_u32(out, layout.program.get(id).flags.0);
    }) {
        subsection(&mut out, EXPORT_INFO, exports);
    }
    if let Some(imports) = list(&weak_imports(layout), |out, &id| weak_import(layout, id, out)) {
        subsection(&mut out, IMPORT_INFO, imports);
    }
    if let Some(paths) = list(&options.rpaths, |out, path| name(out, path.as_bytes())) {
        subsection(&mut out, RUNTIME_PATH, paths);
    }
    Some(out)
}

fn subsection(out: &mut Vec<u8>, id: u8, body: Vec<u8>) {
    out.push(id);
    write_u64(out, body.len() as u64);
    out.extend_from_slice(&body);
}

/// Size and alignment of static data, number of table entries and their alignment.
fn memory_info(layout: &Layout<'_>) -> Vec<u8> {
    let pic = layout.options.is_position_independent();
    let mut body = Vec::new();
    write_u64(&mut body, if pic { layout.memory.data_end - layout.memory.data_start } else { 0 });
    write_u32(&mut body, layout.memory.alignment);
    write_u64(&mut body, layout.table.entries.len() as u64);
    body.push(0);
    body
}

/// Exported thread-local data: the exported number counts from `__tls_base`.
fn thread_local_exports(layout: &Layout<'_>) -> Vec<SymbolId> {
    let exported: Vec<SymbolId> = match layout.options.is_relocatable() {
        // The module has no export section, but the same symbols are listed.
        true => {
            let program = layout.program;
            let is_listed =
                |id: &SymbolId| is_exported(layout.options, program.get(*id)) && program.is_symbol_live(*id);
            program.named().filter(is_listed).collect()
        }
        false => layout.indices.exports.iter().filter_map(|export| export.symbol).collect(),
    };
    let is_tls = |id: &SymbolId| {
        let symbol = layout.program.get(*id);
        symbol.kind == SymbolKind::Data && symbol.flags.is_tls()
    };
    exported.into_iter().filter(is_tls).collect()
}

/// Weak references: they may stay undefined.
fn weak_imports(layout: &Layout<'_>) -> Vec<SymbolId> {
    let is_weak = |id: &SymbolId| {
        let symbol = layout.program.get(*id);
        symbol.is_undefined_weak() && !symbol.is_stub && layout.program.is_referenced(*id)
    };
    layout.program.named().filter(is_weak).collect()
}

fn weak_import(layout: &Layout<'_>, id: SymbolId, out: &mut Vec<u8>) {
    let symbol = layout.program.get(id);
    // Also for what is imported as an address, from GOT.mem or GOT.func.
    let module = symbol.import.module.map_or(&b"env"[..], |module| layout.names.text(module.0));
    name(out, module);
    name(out, layout.names.text(symbol.import.field.unwrap_or(symbol.name).0));
    write_u32(out, symbol.flags.0);
}
