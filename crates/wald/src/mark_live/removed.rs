//! The list of what was removed. With `--verbose` also the sizes.

use std::fmt;

use hashbrown::HashMap;

use super::liveness::Liveness;
use crate::chunks::Chunks;
use crate::context::Context;
use crate::diagnostics::Diagnostics;
use crate::format::SymbolKind;
use crate::index::ObjectId;
use crate::messages::MessageKind;
use crate::object::ObjectSymbol;
use crate::symbols::SymbolTable;

/// Lists what was removed, if `--print-gc-sections` asks for it.
pub fn print_removed(
    context: &Context<'_>,
    symbols: &SymbolTable,
    chunks: &Chunks,
    live: &Liveness,
    diagnostics: &mut Diagnostics,
) {
    if !context.options.print_gc_sections {
        return;
    }
    let names = &context.interners.names;
    let mut totals = Totals::default();
    let mut say = |path: &str, name: &str, kind: SymbolKind, size: u32| {
        let mut text = format!("removing unused section {path}:({name})");
        if context.options.verbose {
            totals.add(kind, size);
            text += &format!("\n    note: {size} bytes");
        }
        diagnostics.say(MessageKind::GcSection, text);
    };
    for (position, linked) in symbols.objects.iter().enumerate() {
        let (object, id) = (linked.object(), ObjectId::new(position));
        let [global_names, tag_names, table_names] =
            [SymbolKind::Global, SymbolKind::Tag, SymbolKind::Table].map(|kind| object.first_names(kind));
        let name_of = |names: &HashMap<u32, &ObjectSymbol>, element: usize| {
            let symbol = names.get(&(element as u32));
            symbol.map_or_else(String::new, |s| String::from_utf8_lossy(s.name_in(object)).into_owned())
        };
        for (index, function) in object.functions.iter().enumerate() {
            if !live.functions.contains(chunks.functions.of(id, index)) {
                let name = object.symbols.get(function.symbol as usize);
                let name = name
                    .map_or_else(String::new, |s| String::from_utf8_lossy(s.name_in(object)).into_owned());
                say(&linked.path, &name, SymbolKind::Function, function.range.len);
            }
        }
        for (index, segment) in object.segments.iter().enumerate() {
            if !live.segments.contains(chunks.segments.of(id, index)) {
                let name = String::from_utf8_lossy(segment.name.of(&object.bytes));
                say(&linked.path, &name, SymbolKind::Data, segment.data.len);
            }
        }
        for index in 0..object.globals.len() {
            if !live.globals.contains(chunks.globals.of(id, index)) {
                let name = name_of(&global_names, object.imports.globals.len() + index);
                say(&linked.path, &name, SymbolKind::Global, 0);
            }
        }
        for index in 0..object.tags.len() {
            if !live.tags.contains(chunks.tags.of(id, index)) {
                let name = name_of(&tag_names, object.imports.tags.len() + index);
                say(&linked.path, &name, SymbolKind::Tag, 0);
            }
        }
        for index in 0..object.tables.len() {
            if !live.tables.contains(chunks.tables.of(id, index)) {
                let name = name_of(&table_names, object.imports.tables.len() + index);
                say(&linked.path, &name, SymbolKind::Table, 0);
            }
        }
    }
    for (index, function) in symbols.synthetic_functions.iter().enumerate() {
        if !live.synthetic_functions.contains(index) {
            say("<internal>", &String::from_utf8_lossy(&function.symbol_name), SymbolKind::Function, 0);
        }
    }
    let known = &symbols.well_known;
    let globals = [known.stack_pointer, known.tls_base, known.tls_size, known.tls_align];
    for id in globals.into_iter().flatten().filter(|id| !live.symbols.contains(id.at())) {
        // For position-independent code, the loader provides the stack pointer.
        if !symbols.get(id).is_defined() {
            continue;
        }
        say("<internal>", &crate::display::name_text(names, symbols.get(id).name), SymbolKind::Global, 0);
    }
    if context.options.verbose {
        diagnostics.say(MessageKind::GcSection, format!("    note: removed {totals}"));
    }
}

/// How much was removed.
#[derive(Default)]
struct Totals {
    functions: (u64, u64),
    segments: (u64, u64),
    others: u64,
}

impl Totals {
    fn add(&mut self, kind: SymbolKind, size: u32) {
        let sum = match kind {
            SymbolKind::Function => &mut self.functions,
            SymbolKind::Data => &mut self.segments,
            _ => return self.others += 1,
        };
        sum.0 += 1;
        sum.1 += u64::from(size);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals { functions, segments, others } = self;
        write!(
            f,
            "{} functions ({} bytes), {} data segments ({} bytes)",
            functions.0, functions.1, segments.0, segments.1
        )?;
        match others {
            0 => Ok(()),
            others => write!(f, ", {others} globals, tags and tables"),
        }
    }
}
