//! The `linking` section of an output that keeps its symbol table: `-r` and `--emit-relocs`.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#linking-metadata-section>.

use std::collections::BTreeMap;

use super::sections::{list, name};
use crate::format::linking::*;
use crate::format::{SymbolFlags, SymbolKind};
use crate::index::{ObjectId, ObjectSymbolIndex, SymbolId};
use crate::layout::indices::{OutputFunction, NONE};
use crate::layout::segments::Content;
use crate::layout::Layout;
use crate::leb128::{write_u32, write_u64};
use crate::object::{Object, ObjectSymbol};
use crate::relocate::data_address;
use crate::symbols::{AnySymbol, Reference, Resolution, Synthetic};

/// The output's symbol table.
pub struct OutputSymbols {
    entries: Vec<Entry>,
    /// Index of each symbol of the link, or [`NONE`].
    of_symbol: Vec<u32>,
    /// Where the numbers of each object's symbols begin in `of_own`.
    first_own: Vec<usize>,
    /// Index of each object's own symbols, or [`NONE`].
    of_own: Vec<u32>,
    /// Index of the first section symbol: they follow each other like the output's custom sections.
    first_section: u32,
}

enum Entry {
    Symbol(SymbolId),
    Local(ObjectId, ObjectSymbolIndex),
}

impl OutputSymbols {
    /// Symbols of the link first, in the order in which they first appeared, then those that each object has for
    /// itself.
    pub fn new(layout: &Layout<'_>) -> Self {
        let program = layout.program;
        let mut first_own = vec![0];
        for linked in program.objects {
            first_own.push(first_own[first_own.len() - 1] + linked.object().symbols.len());
        }
        let mut table = OutputSymbols {
            entries: Vec::new(),
            of_symbol: vec![NONE; program.symbol_count()],
            of_own: vec![NONE; first_own[first_own.len() - 1]],
            first_own,
            first_section: 0,
        };
        for id in program.named() {
            let symbol = program.get(id);
            let is_live = layout.program.is_symbol_live(id);
            // To wasm-ld, a library's tag is an undefined symbol.
            let is_left_out = symbol.is_shared() && symbol.kind != SymbolKind::Tag;
            if symbol.used_in_regular_object && is_live && !is_left_out {
                table.add(id);
            }
        }
        for (position, linked) in program.objects.iter().enumerate() {
            let object = ObjectId::new(position);
            for (index, own) in linked.object().symbols.iter().enumerate() {
                match linked.reference(index as u32) {
                    Reference::Global(id)
                        if program.get(id).flags.is_local() && layout.program.is_symbol_live(id) =>
                    {
                        table.add(id);
                    }
                    Reference::Local(index) if own.kind != SymbolKind::Section => {
                        let is_live = layout.program.is_own_live(object, own);
                        if is_live.unwrap_or(layout.program.live.objects.contains(position)) {
                            table.of_own[table.first_own[position] + index.at()] = table.entries.len() as u32;
                            table.entries.push(Entry::Local(object, index));
                        }
                    }
                    _ => {}
                }
            }
        }
        table.first_section = table.entries.len() as u32;
        table
    }

    fn add(&mut self, id: SymbolId) {
        self.of_symbol[id.at()] = self.entries.len() as u32;
        self.entries.push(Entry::Symbol(id));
    }

    /// Functions that have an entry, but no index that it could state. Of others that are undefined and ignored wasm-ld says the
    /// index that nothing has.
    pub fn without_index(&self, layout: &Layout<'_>) -> Vec<SymbolId> {
        let (imports, indices) = (&layout.imports, &layout.indices);
        let program = layout.program;
        let entries = self.entries.iter().filter_map(|entry| match *entry {
            Entry::Symbol(id) => Some(id),
            Entry::Local(..) => None,
        });
        let is_lost = |id: &SymbolId| {
            program.get(*id).kind == SymbolKind::Function
                && indices.of_definition(program, imports, *id) == NONE
        };
        entries.filter(is_lost).collect()
    }

    /// Index of a symbol; [`NONE`] if it is not in the output.
    pub fn index_of(&self, symbol: AnySymbol) -> u32 {
        match symbol {
            AnySymbol::Global(id) => self.of_symbol[id.at()],
            AnySymbol::Local(object, own) => self.of_own[self.first_own[object.at()] + own.at()],
        }
    }

    /// Index of the symbol for the output's custom section at this position.
    pub fn of_section(&self, position: usize) -> u32 {
        self.first_section + position as u32
    }
}

/// The section's contents. `custom` are the positions of the custom sections that objects brought.
pub(super) fn linking(
    layout: &Layout<'_>,
    symbols: &OutputSymbols,
    custom: std::ops::Range<usize>,
) -> Vec<u8> {
    let mut out = Vec::new();
    write_u32(&mut out, VERSION);
    let mut subsection = |id: u8, body: Option<Vec<u8>>| {
        if let Some(body) = body {
            out.push(id);
            write_u64(&mut out, body.len() as u64);
            out.extend_from_slice(&body);
        }
    };
    subsection(SYMBOL_TABLE, symbol_table(layout, symbols, custom));
    subsection(
        SEGMENT_INFO,
        list(&layout.segments.list, |out, segment| {
            name(out, &segment.name);
            write_u32(out, segment.alignment);
            write_u32(out, segment.flags);
        }),
    );
    subsection(
        INIT_FUNCS,
        list(&layout.constructors, |out, constructor| {
            write_u32(out, constructor.priority);
            write_u32(out, symbols.index_of(constructor.symbol));
        }),
    );
    subsection(COMDAT_INFO, comdats(layout));
    out
}

fn symbol_table(
    layout: &Layout<'_>,
    symbols: &OutputSymbols,
    custom: std::ops::Range<usize>,
) -> Option<Vec<u8>> {
    let count = symbols.entries.len() + custom.len();
    if count == 0 {
        return None;
    }
    let mut out = Vec::new();
    write_u64(&mut out, count as u64);
    for entry in &symbols.entries {
        match *entry {
            Entry::Symbol(id) => link_symbol(layout, id, &mut out),
            Entry::Local(object, index) => own_symbol(layout, object, index, &mut out),
        }
    }
    for section in custom {
        out.extend([SymbolKind::Section as u8, SymbolFlags::LOCAL as u8]);
        write_u64(&mut out, section as u64);
    }
    Some(out)
}

fn link_symbol(layout: &Layout<'_>, id: SymbolId, out: &mut Vec<u8>) {
    let (imports, indices) = (&layout.imports, &layout.indices);
    let program = layout.program;
    let symbol = program.get(id);
    out.push(symbol.kind as u8);
    let is_address = matches!(symbol.resolution, Resolution::Synthetic(Synthetic::Data(_)));
    let has_place = symbol.is_common() && !layout.options.is_relocatable();
    let flags = if has_place { symbol.flags.with_binding(0) } else { symbol.flags };
    // A weak reference to data does not load the archive member that defines it.
    let is_undefined = symbol.kind == SymbolKind::Data && symbol.is_lazy();
    let flag = |is: bool, flag: u32| if is { flag } else { 0 };
    write_u32(
        out,
        flags.0 | flag(is_address, SymbolFlags::ABSOLUTE) | flag(is_undefined, SymbolFlags::UNDEFINED),
    );
    let text = layout.names.text(symbol.name.0);
    if symbol.kind != SymbolKind::Data {
        write_u32(out, indices.of_definition(program, imports, id));
        let is_here = symbol.is_defined() && !symbol.is_shared();
        if is_here || symbol.flags.has_explicit_name() {
            name(out, text);
        }
        return;
    }
    name(out, text);
    if !symbol.is_defined() {
        return;
    }
    match program.definition(symbol) {
        Some(_) if symbol.is_common() => {
            let common = program.commons().get(&id).copied().unwrap_or_default();
            if layout.options.is_relocatable() {
                write_u64(out, common.size);
                out.push(common.alignment as u8);
                return;
            }
            // They have a place now.
            let (segment, offset) = layout.segments.commons.get(&id).copied().unwrap_or_default();
            write_u32(out, segment);
            write_u64(out, offset);
            write_u64(out, common.size);
        }
        Some((object, own)) => data_symbol(layout, object, own, out),
        None => {
            // The linker's own symbols belong to no segment.
            out.push(0);
            write_u64(out, data_address(layout, id, true));
            out.push(0);
        }
    }
}

fn own_symbol(layout: &Layout<'_>, object: ObjectId, index: ObjectSymbolIndex, out: &mut Vec<u8>) {
    let indices = &layout.indices;
    let program = layout.program;
    let linked = &program.objects[object.at()];
    let own = linked.own(index);
    out.push(own.kind as u8);
    write_u32(out, own.flags.0);
    if own.kind != SymbolKind::Data {
        write_u32(out, indices.of_element(program, object, index.0));
        return name(out, own.name_in(linked.object()));
    }
    name(out, own.name_in(linked.object()));
    data_symbol(layout, object, own, out);
}

/// Segment, offset and size of a datum.
fn data_symbol(layout: &Layout<'_>, object: ObjectId, own: &ObjectSymbol, out: &mut Vec<u8>) {
    let flat = own.lies_in_segment().then(|| layout.program.chunks.segments.of(object, own.element as usize));
    let place = flat.and_then(|flat| layout.segments.locate(layout.program, flat, own.offset));
    match (flat, place) {
        (Some(flat), Some((_, offset))) => {
            write_u32(out, layout.segments.places[flat].segment);
            write_u64(out, offset);
        }
        _ => {
            out.push(0);
            write_u64(out, own.offset);
        }
    }
    write_u64(out, own.size);
}

/// The comdat groups of what is in the output, by name.
fn comdats(layout: &Layout<'_>) -> Option<Vec<u8>> {
    let mut groups: BTreeMap<&[u8], Vec<(u32, u32)>> = BTreeMap::new();
    let mut add = |parsed: &Object, comdat: u32, kind: u32, index: u32| {
        if let Some(&group) = parsed.comdats.get(comdat as usize) {
            groups.entry(layout.names.text(group.0)).or_default().push((kind, index));
        }
    };
    for (position, function) in layout.indices.functions.iter().enumerate() {
        if let OutputFunction::Input(object, index) = *function {
            let parsed = layout.program.objects[object.at()].object();
            let comdat = parsed.functions[index as usize].comdat;
            add(parsed, comdat, COMDAT_FUNCTION, layout.imports.functions + position as u32);
        }
    }
    for (position, segment) in layout.segments.list.iter().enumerate() {
        if let Some(Content::Input(object, index)) = segment.parts.first().map(|part| part.content) {
            let parsed = layout.program.objects[object.at()].object();
            add(parsed, parsed.segments[index as usize].comdat, COMDAT_DATA, position as u32);
        }
    }
    let groups: Vec<_> = groups.into_iter().collect();
    list(&groups, |out, (group, entries)| {
        name(out, group);
        out.push(0);
        write_u64(out, entries.len() as u64);
        for &(kind, index) in entries {
            out.push(kind as u8);
            write_u32(out, index);
        }
    })
}
