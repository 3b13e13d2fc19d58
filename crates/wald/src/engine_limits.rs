//! Limits that engines set to valid modules. A module beyond one is written all the same, with a note.
//!
//! The figures are those of the JavaScript API (<https://webassembly.github.io/spec/js-api/#limits>), which V8, SpiderMonkey and
//! JavaScriptCore keep to (V8: `src/wasm/wasm-limits.h`), and of wasmparser 0.244 (`src/limits.rs`), with which Wasmtime reads
//! modules. Where they differ, the smaller one counts.

use crate::diagnostics::{Code, Diagnostic, Diagnostics, Location};
use crate::index::SymbolId;
use crate::layout::indices::OutputFunction;
use crate::layout::Layout;
use crate::object::MAX_LOCALS;
use crate::output::Plan;
use crate::synthetic::MAX_BODY;
use crate::text::unescape_path;

/// Most types, functions, globals and tags: both.
const MOST_ITEMS: u64 = 1_000_000;
/// Most imports and exports: both; older browsers take 100,000.
const MOST_EXTERNALS: u64 = 1_000_000;
/// Most data segments: both.
const MOST_DATA_SEGMENTS: u64 = 100_000;
/// Most tables: Wasmtime; browsers take 100,000.
const MOST_TABLES: u64 = 100;
/// Largest size of a table: both.
const LARGEST_TABLE: u64 = 10_000_000;
/// Most parameters or results of a function: both.
const MOST_VALUES: u32 = 1_000;
/// Longest name of an import or export, in bytes: V8 and Wasmtime.
const LONGEST_NAME: usize = 100_000;
/// Largest module: browsers.
const LARGEST_MODULE: u64 = 1 << 30;
/// Largest 64-bit memory: browsers.
const LARGEST_MEMORY: u64 = 1 << 34;

/// Notes what engines may refuse.
pub fn note(layout: &Layout<'_>, plan: &Plan, diagnostics: &mut Diagnostics) {
    if layout.options.is_relocatable() {
        return;
    }
    note_counts(layout, plan, diagnostics);
    note_signatures(layout, diagnostics);
    note_names(layout, diagnostics);
    note_functions(layout, plan, diagnostics);
}

fn beyond(count: u64, what: &str, most: u64) -> Diagnostic {
    let message = format!("{count} {what}: engines take at most {most}");
    Diagnostic::note(Code::EngineLimit, message)
}

fn note_counts(layout: &Layout<'_>, plan: &Plan, diagnostics: &mut Diagnostics) {
    let (imports, indices) = (&layout.imports, &layout.indices);
    let segments = layout.segments.list.iter().filter(|segment| layout.is_in_file(segment)).count();
    let globals = indices.globals.len() + indices.internal_got.len() + indices.address_globals.len();
    let memory = if layout.is64() { layout.memory.heap_end } else { 0 };
    let sum = |imported: u32, defined: usize| u64::from(imported) + defined as u64;
    let counts = [
        (indices.types.len() as u64, "types", MOST_ITEMS),
        (sum(imports.functions, indices.functions.len()), "functions", MOST_ITEMS),
        (sum(imports.globals, globals), "globals", MOST_ITEMS),
        (sum(imports.tags, indices.tags.len()), "tags", MOST_ITEMS),
        (sum(imports.tables, indices.tables.len()), "tables", MOST_TABLES),
        ((imports.symbols.len() + imports.got.len()) as u64, "imports", MOST_EXTERNALS),
        (indices.exports.len() as u64, "exports", MOST_EXTERNALS),
        (segments as u64, "data segments", MOST_DATA_SEGMENTS),
        (u64::from(layout.table.size()), "places in the function table", LARGEST_TABLE),
        (plan.size, "bytes of module", LARGEST_MODULE),
        (memory, "bytes of memory", LARGEST_MEMORY),
    ];
    let too_many = counts.into_iter().filter(|(count, _, most)| count > most);
    diagnostics.extend(too_many.map(|(count, what, most)| beyond(count, what, most)));
}

fn note_signatures(layout: &Layout<'_>, diagnostics: &mut Diagnostics) {
    for &signature in &layout.indices.types {
        // Each value type takes a byte at least.
        let signature = layout.signatures.text(signature.0);
        if signature.len() <= MOST_VALUES as usize {
            continue;
        }
        let (parameters, results) = crate::synthetic::arity(signature);
        for (count, what) in [(parameters, "parameters of a function"), (results, "results of a function")] {
            if count > MOST_VALUES {
                diagnostics.push(beyond(count.into(), what, MOST_VALUES.into()));
            }
        }
    }
}

fn note_names(layout: &Layout<'_>, diagnostics: &mut Diagnostics) {
    let mut check = |name: &[u8], what: &str, symbol: Option<SymbolId>| {
        if name.len() > LONGEST_NAME {
            let diagnostic = beyond(name.len() as u64, what, LONGEST_NAME as u64);
            diagnostics.push(match symbol {
                Some(id) => layout.program.blame(id, diagnostic),
                None => diagnostic,
            });
        }
    };
    for &id in layout.imports.symbols.iter().chain(&layout.imports.got) {
        let symbol = layout.program.get(id);
        let module = symbol.import.module.map_or(&b"env"[..], |module| layout.names.text(module.0));
        check(module, "bytes of a module's name", Some(id));
        let field = layout.names.text(symbol.import.field.unwrap_or(symbol.name).0);
        check(field, "bytes of an import's name", Some(id));
    }
    for export in &layout.indices.exports {
        check(&export.name, "bytes of an export's name", export.symbol);
    }
}

fn note_functions(layout: &Layout<'_>, plan: &Plan, diagnostics: &mut Diagnostics) {
    // The size in front of the body has five bytes at most.
    let is_large = |position: usize| plan.code.size_of(position) > MAX_BODY + 5;
    let any = layout.program.objects.iter().any(|linked| linked.properties.has_many_locals)
        || (0..layout.indices.functions.len()).any(is_large);
    if !any {
        return;
    }
    for (position, function) in layout.indices.functions.iter().enumerate() {
        let size = plan.code.size_of(position);
        let has_many_locals = match *function {
            OutputFunction::Input(object, index) => {
                layout.program.objects[object.at()].object().functions[index as usize].has_many_locals
            }
            OutputFunction::Synthetic(_) => false,
        };
        if is_large(position) {
            let diagnostic = beyond(size, "bytes of a function", MAX_BODY);
            diagnostics.push(locate(layout, *function, diagnostic));
        }
        if has_many_locals {
            let message = format!("more locals of a function than engines take, which is {MAX_LOCALS}");
            let diagnostic = Diagnostic::note(Code::EngineLimit, message);
            diagnostics.push(locate(layout, *function, diagnostic));
        }
    }
}

/// The diagnostic with the function's name and file.
fn locate(layout: &Layout<'_>, function: OutputFunction, mut diagnostic: Diagnostic) -> Diagnostic {
    match function {
        OutputFunction::Synthetic(id) => {
            let name = &layout.function(id).name;
            diagnostic.message = format!("{}: {}", String::from_utf8_lossy(name), diagnostic.message).into();
            diagnostic
        }
        OutputFunction::Input(object, index) => {
            let linked = &layout.program.objects[object.at()];
            let parsed = linked.object();
            let function = &parsed.functions[index as usize];
            let name = String::from_utf8_lossy(function.name.of(&parsed.bytes)).into_owned();
            diagnostic.message = format!("{}: {name}: {}", linked.path, diagnostic.message).into();
            let path = unescape_path(&linked.path);
            diagnostic.with_location(Location { path, symbol: Some(name), ..Location::default() })
        }
    }
}
