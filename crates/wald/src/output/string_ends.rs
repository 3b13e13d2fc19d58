//! Symbols at the end of merged strings. Such a symbol has no address in the output, because no string starts at its place.

use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::format::relocation::Relocation;
use crate::index::{ObjectId, ObjectSymbolIndex};
use crate::layout::Layout;
use crate::object::Object;
use crate::symbols::AnySymbol;

/// Checks that nothing refers to the address of one of these symbols.
pub(super) fn check(layout: &Layout<'_>, diagnostics: &mut Diagnostics) {
    for (position, linked) in layout.program.objects.iter().enumerate() {
        if !linked.properties.has_symbol_behind_strings {
            continue;
        }
        let (id, object) = (ObjectId::new(position), linked.object());
        for (index, symbol) in object.symbols.iter().enumerate() {
            if !object.is_behind_strings(symbol) {
                continue;
            }
            let number = symbol.element as usize;
            let segment = &object.segments[number];
            let is_live =
                layout.program.live.segments.contains(layout.program.chunks.segments.of(id, number));
            let place = layout.program.any(id, index as u32);
            if is_live
                && segment.is_mergeable(layout.options)
                && defines(layout, place, id, index)
                && is_asked_for(layout, place)
            {
                let name = String::from_utf8_lossy(segment.name.of(&object.bytes));
                let message = format!("{}:({name}): offset is outside the section", linked.path);
                diagnostics.push(Diagnostic::error(Code::Layout, message));
                return;
            }
        }
    }
}

/// Whether a name resolves to this object's symbol.
fn defines(layout: &Layout<'_>, symbol: AnySymbol, object: ObjectId, index: usize) -> bool {
    match symbol {
        AnySymbol::Own(..) => true,
        AnySymbol::Global(id) => {
            let symbol = layout.program.get(id);
            let definer = symbol.file.and_then(|file| layout.program.object_of(file));
            definer == Some(object) && symbol.index == ObjectSymbolIndex(index as u32)
        }
    }
}

fn is_asked_for(layout: &Layout<'_>, symbol: AnySymbol) -> bool {
    let is_exported = |export: &crate::layout::indices::Export| {
        export.symbol.is_some_and(|id| AnySymbol::Global(id) == symbol)
    };
    layout.options.keeps_relocations()
        || layout.indices.exports.iter().any(is_exported)
        || layout.program.objects.iter().enumerate().any(|(position, linked)| {
            let object = ObjectId::new(position);
            live_relocations(layout, object, linked.object()).any(|relocation| {
                relocation.kind.is_memory_address() && layout.program.any(object, relocation.index) == symbol
            })
        })
}

/// The relocations in all that is linked of an object.
fn live_relocations<'a>(
    layout: &'a Layout<'_>,
    id: ObjectId,
    object: &'a Object,
) -> impl Iterator<Item = Relocation> + 'a {
    let program = layout.program;
    let functions = object.functions.iter().enumerate();
    let functions = functions
        .filter(move |(index, _)| program.live.functions.contains(program.chunks.functions.of(id, *index)));
    let segments = object.segments.iter().enumerate();
    let segments = segments
        .filter(move |(index, _)| program.live.segments.contains(program.chunks.segments.of(id, *index)));
    let sections = object.custom_sections.iter().filter(move |_| program.live.sections);
    functions
        .map(|(_, function)| function.relocations)
        .chain(segments.map(|(_, segment)| segment.relocations))
        .chain(sections.map(|section| section.relocations))
        .flat_map(|range| object.relocations(range))
}
