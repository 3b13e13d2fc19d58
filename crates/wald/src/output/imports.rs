//! The import section; with `--compact-imports` in the form of
//! <https://github.com/WebAssembly/compact-import-section>, wherever that is shorter.

use super::sections::*;
use crate::format::{external, GlobalType, SymbolKind};
use crate::layout::imports::{global_type, table_type};
use crate::layout::Layout;
use crate::leb128::{write_u32, write_u64};

/// Module, field, and kind with type as they are written.
struct Entry<'a> {
    module: &'a [u8],
    field: &'a [u8],
    of: Vec<u8>,
}

/// The section's contents; `None` without imports.
pub(super) fn imports(layout: &Layout<'_>) -> Option<Vec<u8>> {
    let entries = entries(layout);
    if !layout.options.compact_imports {
        return list(&entries, plain);
    }
    let groups = group(&entries);
    list(&groups, |out, group| write_group(out, group))
}

fn entries<'a>(layout: &'a Layout<'_>) -> Vec<Entry<'a>> {
    let imports = &layout.imports;
    let mut entries = Vec::with_capacity(imports.symbols.len() + imports.got.len() + 1);
    if let Some(import) = &layout.options.import_memory {
        let mut of = vec![external::MEMORY];
        memory_limits(layout, &mut of);
        entries.push(Entry { module: import.module.as_bytes(), field: import.field.as_bytes(), of });
    }
    for &id in &imports.symbols {
        let symbol = layout.program.get(id);
        let module = symbol.import.module.map_or(&b"env"[..], |module| layout.names.text(module.0));
        let field = layout.names.text(symbol.import.field.unwrap_or(symbol.name).0);
        let type_index = symbol.signature.map_or(0, |signature| layout.indices.type_of(signature));
        let mut of = Vec::new();
        match symbol.kind {
            SymbolKind::Function => {
                of.push(external::FUNCTION);
                write_u32(&mut of, type_index);
            }
            SymbolKind::Global => {
                of.push(external::GLOBAL);
                write_global_type(&mut of, global_type(layout.options, layout.program, id));
            }
            SymbolKind::Table => {
                of.push(external::TABLE);
                let functions = layout.program.function_table() == Some(id);
                let table = match functions {
                    true => function_table_type(layout, false),
                    false => table_type(layout.program, id),
                };
                write_table_type(&mut of, &table);
            }
            _ => {
                of.extend([external::TAG, 0]);
                write_u32(&mut of, type_index);
            }
        }
        entries.push(Entry { module, field, of });
    }
    for &id in &imports.got {
        let symbol = layout.program.get(id);
        // If only an unneeded archive member defines a datum, wasm-ld does not count it as data, and cannot make a library of it.
        let is_data = symbol.kind == SymbolKind::Data && (!symbol.is_lazy() || layout.options.is_shared());
        let module: &[u8] = if is_data { b"GOT.mem" } else { b"GOT.func" };
        let mut of = vec![external::GLOBAL];
        write_global_type(&mut of, GlobalType { value: pointer_type(layout), mutable: true });
        entries.push(Entry { module, field: layout.names.text(symbol.name.0), of });
    }
    entries
}

fn plain(out: &mut Vec<u8>, entry: &Entry<'_>) {
    name(out, entry.module);
    name(out, entry.field);
    out.extend_from_slice(&entry.of);
}

/// How a group of imports that follow each other is written.
enum Group<'e, 'a> {
    Plain(&'e Entry<'a>),
    NamesAndTypes(&'e [Entry<'a>]),
    Names(&'e [Entry<'a>]),
}

/// Cuts the imports into groups. Their order stays, since it is that of indices.
fn group<'e, 'a>(entries: &'e [Entry<'a>]) -> Vec<Group<'e, 'a>> {
    let mut groups = Vec::new();
    for of_module in entries.chunk_by(|a, b| a.module == b.module) {
        let by_type = of_module.chunk_by(|a, b| a.of == b.of);
        let apart: Vec<_> = by_type.flat_map(of_one_type).collect();
        let together = vec![Group::NamesAndTypes(of_module)];
        groups.extend(if size(&together) < size(&apart) { together } else { apart });
    }
    groups
}

fn of_one_type<'e, 'a>(entries: &'e [Entry<'a>]) -> Vec<Group<'e, 'a>> {
    let plain: Vec<_> = entries.iter().map(Group::Plain).collect();
    let names = vec![Group::Names(entries)];
    if size(&names) < size(&plain) {
        names
    } else {
        plain
    }
}

fn size(groups: &[Group<'_, '_>]) -> usize {
    let mut out = Vec::new();
    for group in groups {
        write_group(&mut out, group);
    }
    out.len()
}

fn write_group(out: &mut Vec<u8>, group: &Group<'_, '_>) {
    let (entries, form) = match group {
        Group::Plain(entry) => return plain(out, entry),
        Group::NamesAndTypes(entries) => (entries, external::COMPACT_NAMES_AND_TYPES),
        Group::Names(entries) => (entries, external::COMPACT_NAMES),
    };
    let Some(first) = entries.first() else { return };
    name(out, first.module);
    name(out, b"");
    out.push(form);
    let one_type = form == external::COMPACT_NAMES;
    if one_type {
        out.extend_from_slice(&first.of);
    }
    write_u64(out, entries.len() as u64);
    for entry in *entries {
        name(out, entry.field);
        if !one_type {
            out.extend_from_slice(&entry.of);
        }
    }
}
