//! The small sections: types to elements, producers, target features. Each function returns the contents, or
//! `None` if the section is not needed.

use hashbrown::{HashMap, HashSet};

use super::data::{constant_pointer, pointer_from};
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::format::{limits, types, GlobalType, Limits, SymbolKind, TableType};
use crate::index::{NameId, SymbolId};
use crate::layout::indices::{Export, OutputGlobal, OutputTable};
use crate::layout::Layout;
use crate::leb128::{write_u32, write_u64};
use crate::relocate::{data_address, got_value};
use crate::symbols::AnySymbol;
use crate::symbols::{Resolution, Synthetic, SyntheticGlobal};

const DEFAULT_PAGE_SIZE: u64 = 65536;

pub(super) fn name(out: &mut Vec<u8>, text: &[u8]) {
    write_u64(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// A count, and then every item as `write` writes it; `None` without items.
pub(super) fn list<T>(items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) -> Option<Vec<u8>> {
    if items.is_empty() {
        return None;
    }
    let mut out = Vec::new();
    write_u64(&mut out, items.len() as u64);
    for item in items {
        write(&mut out, item);
    }
    Some(out)
}

fn write_limits(out: &mut Vec<u8>, limits: &Limits) {
    out.push(limits.flags);
    write_u64(out, limits.minimum);
    if limits.flags & limits::HAS_MAX != 0 {
        write_u64(out, limits.maximum);
    }
}

pub(super) fn write_table_type(out: &mut Vec<u8>, of: &TableType) {
    out.push(of.element);
    write_limits(out, &of.limits);
}

pub(super) fn write_global_type(out: &mut Vec<u8>, of: GlobalType) {
    out.extend([of.value, u8::from(of.mutable)]);
}

pub(super) fn types(layout: &Layout<'_>) -> Option<Vec<u8>> {
    list(&layout.indices.types, |out, signature| {
        out.push(types::FUNC);
        out.extend_from_slice(layout.signatures.text(signature.0));
    })
}

/// Limits of the memory.
pub(super) fn memory_limits(layout: &Layout<'_>, out: &mut Vec<u8>) {
    let (options, memory) = (layout.options, &layout.memory);
    let has_maximum = memory.maximum_pages != 0 || options.shared_memory;
    let mut flags = 0;
    for (condition, flag) in [
        (has_maximum, limits::HAS_MAX),
        (options.shared_memory, limits::SHARED),
        (layout.is64(), limits::IS_64),
        (options.page_size != DEFAULT_PAGE_SIZE, limits::PAGE_SIZE),
    ] {
        flags |= if condition { flag } else { 0 };
    }
    out.push(flags);
    write_u64(out, memory.pages);
    if has_maximum {
        write_u64(out, memory.maximum_pages);
    }
    if options.page_size != DEFAULT_PAGE_SIZE {
        write_u32(out, options.page_size.trailing_zeros());
    }
}

/// The type of the indirect function table.
pub(super) fn function_table_type(layout: &Layout<'_>, defined: bool) -> TableType {
    let minimum = u64::from(layout.table.size());
    let mut flags = 0;
    if defined && !layout.options.growable_table {
        flags |= limits::HAS_MAX;
    }
    if layout.is64() {
        flags |= limits::IS_64;
    }
    TableType { element: types::FUNCREF, limits: Limits { flags, minimum, maximum: minimum } }
}

pub(super) fn pointer_type(layout: &Layout<'_>) -> u8 {
    if layout.is64() {
        types::I64
    } else {
        types::I32
    }
}

pub(super) fn functions(layout: &Layout<'_>) -> Option<Vec<u8>> {
    list(&layout.indices.function_types, |out, &type_index| write_u32(out, type_index))
}

pub(super) fn tables(layout: &Layout<'_>) -> Option<Vec<u8>> {
    list(&layout.indices.tables, |out, table| match *table {
        OutputTable::Functions => write_table_type(out, &function_table_type(layout, true)),
        OutputTable::Input(object, index) => {
            let parsed = layout.program.objects[object.at()].object();
            write_table_type(out, &parsed.tables[index as usize].of);
        }
    })
}

pub(super) fn memory(layout: &Layout<'_>) -> Option<Vec<u8>> {
    if layout.options.import_memory.is_some() {
        return None;
    }
    let mut out = vec![1];
    memory_limits(layout, &mut out);
    Some(out)
}

pub(super) fn tags(layout: &Layout<'_>) -> Option<Vec<u8>> {
    list(&layout.indices.tags, |out, &(object, tag)| {
        let parsed = layout.program.objects[object.at()].object();
        out.push(0);
        let signature = parsed.types[parsed.tags[tag as usize] as usize];
        write_u32(out, layout.indices.type_of(signature));
    })
}

/// Initial value of a global that the linker makes.
fn synthetic_value(layout: &Layout<'_>, global: SyntheticGlobal) -> u64 {
    let tls = layout.segments.tls();
    match global {
        SyntheticGlobal::StackPointer | SyntheticGlobal::InitStackPointer => layout.memory.stack_high,
        SyntheticGlobal::TlsBase if layout.options.shared_memory => 0,
        SyntheticGlobal::TlsBase | SyntheticGlobal::InitTlsBase => tls.map_or(0, |segment| segment.address),
        SyntheticGlobal::TlsSize => tls.map_or(0, |segment| segment.size),
        SyntheticGlobal::TlsAlign => tls.map_or(0, |segment| 1 << segment.alignment),
    }
}

pub(super) fn globals(layout: &Layout<'_>) -> Option<Vec<u8>> {
    let indices = &layout.indices;
    let count = indices.globals.len() + indices.internal_got.len() + indices.address_globals.len();
    if count == 0 {
        return None;
    }
    let (is64, value) = (layout.is64(), pointer_type(layout));
    let mut out = Vec::new();
    write_u64(&mut out, count as u64);
    for global in &indices.globals {
        match *global {
            OutputGlobal::Synthetic(global) => {
                let mutable = match global {
                    SyntheticGlobal::StackPointer => true,
                    SyntheticGlobal::TlsBase => layout.options.shared_memory,
                    _ => false,
                };
                write_global_type(&mut out, GlobalType { value, mutable });
                constant_pointer(&mut out, is64, synthetic_value(layout, global));
            }
            OutputGlobal::Input(object, index) => {
                let parsed = layout.program.objects[object.at()].object();
                let global = &parsed.globals[index as usize];
                write_global_type(&mut out, global.of);
                out.extend_from_slice(global.init.of(&parsed.bytes));
            }
        }
    }
    for &symbol in &indices.internal_got {
        got_global(layout, symbol, &mut out);
    }
    for &id in &indices.address_globals {
        write_global_type(&mut out, GlobalType { value, mutable: false });
        constant_pointer(&mut out, is64, data_address(layout, id, false));
    }
    Some(out)
}

/// A global that keeps an address.
fn got_global(layout: &Layout<'_>, symbol: AnySymbol, out: &mut Vec<u8>) {
    let program = layout.program;
    let (is_tls, is_function) =
        (program.flags_of(symbol).is_tls(), program.kind_of(symbol) == SymbolKind::Function);
    let (is_stub, is_here) = match symbol {
        AnySymbol::Global(id) => {
            (program.get(id).is_stub, program.get(id).is_defined() && !program.get(id).is_shared())
        }
        AnySymbol::Local(..) => (false, true),
    };
    let pic = layout.options.is_position_independent();
    let by_expression = layout.features.has("extended-const");
    // Code sets the values that no constant expression can have. For thread-local data it runs in each thread.
    let by_thread = is_tls && layout.options.shared_memory;
    let mutable = !is_stub && (by_thread || pic && !by_expression && !is_tls);
    write_global_type(out, GlobalType { value: pointer_type(layout), mutable });
    let base = match is_function {
        true if !is_stub => program.well_known.table_base,
        false if is_here && !is_tls => program.well_known.memory_base,
        _ => None,
    };
    let value = got_value(layout, symbol);
    match base.filter(|_| pic && by_expression) {
        Some(base) => pointer_from(out, layout, Some(base), value),
        None => constant_pointer(out, layout.is64(), value),
    }
}

pub(super) fn exports(layout: &Layout<'_>) -> Option<Vec<u8>> {
    list(&layout.indices.exports, |out, export| {
        name(out, &export.name);
        out.push(export.kind);
        write_u32(out, export.index);
    })
}

/// Refuses a module that exports two things under one name.
/// See <https://webassembly.github.io/spec/core/valid/modules.html#valid-module>.
pub(super) fn check_export_names(layout: &Layout<'_>, diagnostics: &mut Diagnostics) {
    let exports = &layout.indices.exports;
    let mut first = HashMap::with_capacity(exports.len());
    let what = |export: &Export| match export.symbol {
        Some(id) => {
            let symbol = layout.program.get(id);
            let name = String::from_utf8_lossy(layout.names.text(symbol.name.0)).into_owned();
            let object = symbol.file.and_then(|file| layout.program.object_of(file));
            let path = object.map_or("<internal>", |object| &layout.program.objects[object.at()].path);
            format!("{} {name} in {path}", symbol.kind.name().to_lowercase())
        }
        None => "memory".to_string(),
    };
    for export in exports {
        let Some(earlier) = first.insert(&export.name[..], export) else { continue };
        let name = String::from_utf8_lossy(&export.name);
        let message =
            format!("duplicate export name: {name}\n>>> of {}\n>>> of {}", what(earlier), what(export));
        let diagnostic = Diagnostic::error(Code::DuplicateSymbol, message);
        diagnostics.push(match export.symbol.or(earlier.symbol) {
            Some(id) => layout.program.blame(id, diagnostic),
            None => diagnostic,
        });
    }
}

/// Refuses a function table that no engine can make.
/// See <https://webassembly.github.io/spec/core/valid/types.html#table-types>.
pub(super) fn check_table_size(layout: &Layout<'_>, diagnostics: &mut Diagnostics) {
    let (base, count) = (layout.table.base, layout.table.entries.len() as u64);
    if layout.program.function_table().is_none()
        || base.checked_add(count).is_some_and(|size| size <= u64::from(u32::MAX))
    {
        return;
    }
    let message = format!(
        "function table too large, cannot be greater than {}: {count} functions from {base} on",
        u32::MAX
    );
    diagnostics.push(Diagnostic::error(Code::Layout, message));
}

/// Refuses names of imports and exports that no module can have, and imported functions without a type.
pub(super) fn check_externals(layout: &Layout<'_>, diagnostics: &mut Diagnostics) {
    let mut untyped = Vec::new();
    let mut check = |what: &str, name: &[u8], symbol: Option<SymbolId>| {
        if std::str::from_utf8(name).is_ok() {
            return;
        }
        let message = format!("name of {what} is not valid UTF-8: {}", String::from_utf8_lossy(name));
        let diagnostic = Diagnostic::error(Code::SymbolType, message);
        diagnostics.push(match symbol {
            Some(id) => layout.program.blame(id, diagnostic),
            None => diagnostic,
        });
    };
    for &id in &layout.imports.symbols {
        let symbol = layout.program.get(id);
        let module = symbol.import.module.map_or(&b"env"[..], |module| layout.names.text(module.0));
        check("imported module", module, Some(id));
        check("import", layout.names.text(symbol.import.field.unwrap_or(symbol.name).0), Some(id));
        if symbol.kind == SymbolKind::Function && symbol.signature.is_none() {
            untyped.push(id);
        }
    }
    for &id in &layout.imports.got {
        check("import", layout.names.text(layout.program.get(id).name.0), Some(id));
    }
    for export in &layout.indices.exports {
        check("export", &export.name, export.symbol);
    }
    // --wrap makes functions of names that may name something else.
    for id in untyped {
        let name = String::from_utf8_lossy(layout.names.text(layout.program.get(id).name.0));
        let message = format!("cannot import function of unknown signature: {name}");
        diagnostics.push(Diagnostic::error(Code::SymbolType, message));
    }
}

pub(super) fn start(layout: &Layout<'_>) -> Option<Vec<u8>> {
    let function = layout.start?;
    let mut out = Vec::new();
    write_u32(&mut out, layout.indices.synthetic_function[function.at()]);
    Some(out)
}

/// The functions in the indirect function table.
pub(super) fn elements(layout: &Layout<'_>) -> Option<Vec<u8>> {
    let (imports, indices, table) = (&layout.imports, &layout.indices, &layout.table);
    let program = layout.program;
    let declared = &layout.declared;
    if table.entries.is_empty() {
        return declarations(1, declared);
    }
    let number = match program.function_table() {
        Some(id) if matches!(program.get(id).resolution, Resolution::Synthetic(Synthetic::FunctionTable)) => {
            indices.function_table(imports).unwrap_or(0)
        }
        Some(id) => imports.index_of(id).unwrap_or(0),
        None => 0,
    };
    let mut out = vec![if declared.is_empty() { 1 } else { 2 }];
    if number == 0 {
        out.push(0);
    } else {
        out.push(2);
        write_u32(&mut out, number);
    }
    pointer_from(&mut out, layout, program.well_known.table_base, table.base);
    if number != 0 {
        // The element kind: function references.
        out.push(0);
    }
    write_u64(&mut out, table.entries.len() as u64);
    for &entry in &table.entries {
        // If another module's definition may win, this is the index of its import.
        let index = indices.of_any(program, imports, entry);
        write_u32(&mut out, index);
    }
    out.extend(declarations(0, declared).unwrap_or_default());
    Some(out)
}

/// A declarative element segment: its functions may be named by `ref.func`. Behind the number of segments, if that is not 0.
/// See <https://webassembly.github.io/spec/core/syntax/modules.html#element-segments>.
fn declarations(segments: u8, functions: &[u32]) -> Option<Vec<u8>> {
    const DECLARATIVE: u8 = 3;
    const FUNCTION_INDICES: u8 = 0;
    if functions.is_empty() {
        return None;
    }
    let mut out = if segments == 0 { Vec::new() } else { vec![segments] };
    out.extend([DECLARATIVE, FUNCTION_INDICES]);
    out.extend(list(functions, |out, &function| write_u32(out, function)).unwrap_or_default());
    Some(out)
}

pub(super) fn data_count(layout: &Layout<'_>) -> Option<Vec<u8>> {
    let count = layout.segments.list.iter().filter(|segment| layout.is_in_file(segment)).count();
    let is_used = layout.segments.list.iter().any(|segment| segment.is_passive);
    if count == 0 || !(layout.options.shared_memory || is_used) {
        return None;
    }
    let mut out = Vec::new();
    write_u64(&mut out, count as u64);
    Some(out)
}

fn is_stripped(layout: &Layout<'_>, name: &str) -> bool {
    layout.options.strip_all && !layout.options.keep_sections.iter().any(|kept| kept == name)
}

/// Names and versions of a producers field.
type Versions<'a> = Vec<(&'a [u8], &'a [u8])>;

/// Wald as a tool of the `producers` section: name and version.
const LINKER: (&[u8], &[u8]) = (b"Wald", env!("CARGO_PKG_VERSION").as_bytes());

/// The producers of all objects; the first version of each name wins. With `--producers-linker` also Wald.
pub(super) fn producers(layout: &Layout<'_>) -> Option<Vec<u8>> {
    if is_stripped(layout, "producers") {
        return None;
    }
    let mut fields: [(&str, Versions<'_>); 3] =
        [("language", Vec::new()), ("processed-by", Vec::new()), ("sdk", Vec::new())];
    let mut known: [HashSet<&[u8]>; 3] = Default::default();
    let mut seen: HashSet<NameId> = HashSet::new();
    for linked in layout.program.objects {
        // What an earlier object stated in the same words adds nothing.
        if linked.properties.producers.is_none_or(|text| !seen.insert(text)) {
            continue;
        }
        let (bytes, from): (&[u8], _) = (&linked.object().bytes, &linked.object().producers);
        for (field, list) in [&from.languages, &from.tools, &from.sdks].into_iter().enumerate() {
            for (name, version) in list {
                let name = name.of(bytes);
                if known[field].insert(name) {
                    fields[field].1.push((name, version.of(bytes)));
                }
            }
        }
    }
    let [_, (_, tools), _] = &mut fields;
    if layout.options.producers_linker && known[1].insert(LINKER.0) {
        tools.push(LINKER);
    }
    let fields: Vec<_> = fields.into_iter().filter(|(_, entries)| !entries.is_empty()).collect();
    list(&fields, |out, (field, entries)| {
        name(out, field.as_bytes());
        write_u64(out, entries.len() as u64);
        for (key, version) in entries {
            name(out, key);
            name(out, version);
        }
    })
}

pub(super) fn target_features(layout: &Layout<'_>) -> Option<Vec<u8>> {
    if is_stripped(layout, "target_features") {
        return None;
    }
    let features: Vec<&Vec<u8>> = layout.features.used.iter().collect();
    list(&features, |out, feature| {
        out.push(b'+');
        name(out, feature);
    })
}
