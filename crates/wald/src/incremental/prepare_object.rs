//! Prepares objects while a link waits for other inputs, so that little is left after the last one. Decodes relocations, looks up
//! their meaning in the object, and demangles the names of functions.
//!
//! A link from nothing prepares nothing. It would take longer, and prepared relocations are larger than the bytes of relocations.

use crate::format::relocation::{Relocation, RelocationType};
use crate::format::SymbolKind;
use crate::index::ByteRange;
use crate::object::{InputFunction, InputSection, Meaning, Object, Prepared, PreparedRelocation, NONE};

/// Prepares the functions that are probably live, and the custom sections. `show` appends the display name of a function.
pub fn prepare(
    object: &Object,
    demangled: bool,
    is_live: impl Fn(usize) -> bool,
    mut show: impl FnMut(&[u8], &mut Vec<u8>),
) -> Prepared {
    let mut prepared = Prepared { demangled, ..Prepared::default() };
    for (position, function) in object.functions.iter().enumerate() {
        let is_live = is_live(position);
        if is_live {
            let whole = add(&mut prepared, object, function.relocations, function.offset_base, true);
            if whole && function.asks {
                add_asking(&mut prepared, object, function);
            }
            prepared.asking_ends.push((prepared.asking.len() as u32, whole));
            add_name(object, function, &mut show, &mut prepared.names);
        }
        if !is_live {
            prepared.asking_ends.push((prepared.asking.len() as u32, false));
        }
        prepared.functions.push(prepared.entries.len() as u32);
        prepared.name_ends.push(prepared.names.len() as u32);
    }
    for section in &object.custom_sections {
        add(&mut prepared, object, section.relocations, 0, false);
        prepared.sections.push(prepared.entries.len() as u32);
    }
    prepared.entries.shrink_to_fit();
    prepared
}

/// Adds all entries of a chunk, or none. Returns whether it did.
fn add(prepared: &mut Prepared, object: &Object, range: ByteRange, base: u32, code: bool) -> bool {
    let start = prepared.entries.len();
    for relocation in object.many_relocations(range) {
        match entry(object, &relocation, base, code) {
            Some(entry) => prepared.entries.push(entry),
            None => {
                prepared.entries.truncate(start);
                return false;
            }
        }
    }
    true
}

fn add_asking(prepared: &mut Prepared, object: &Object, function: &InputFunction) {
    for Relocation { kind, offset, index, addend } in object.relocations(function.relocations) {
        let of_global = || object.symbols[index as usize].kind == SymbolKind::Global;
        let asks = kind.asks_for_entry() || kind == RelocationType::GlobalIndexLeb && !of_global();
        if asks {
            let offset = offset - function.offset_base;
            prepared.asking.extend(PreparedRelocation::new(kind, Meaning::Symbol, offset, index, addend));
        }
    }
}

fn add_name(
    object: &Object,
    function: &InputFunction,
    show: &mut impl FnMut(&[u8], &mut Vec<u8>),
    names: &mut Vec<u8>,
) {
    if function.symbol != NONE {
        let text = function.name.of(&object.bytes);
        match function.has_debug_name {
            true => names.extend_from_slice(text),
            false => show(text, names),
        }
    }
}

/// The meaning of a relocation, as far as its object determines it.
fn entry(object: &Object, relocation: &Relocation, base: u32, code: bool) -> Option<PreparedRelocation> {
    let Relocation { kind, offset, index, addend } = *relocation;
    let plain = || PreparedRelocation::new(kind, Meaning::Symbol, offset - base, index, addend);
    if kind == RelocationType::TypeIndexLeb {
        return plain();
    }
    let symbol = &object.symbols[index as usize];
    if !symbol.is_defined() || !symbol.flags.is_local() {
        return plain();
    }
    let piece = |strings, start: u64| match object.strings().find(strings, start) {
        Some((piece, at)) if u64::from(at) == start => {
            PreparedRelocation::new(kind, Meaning::Piece, offset - base, symbol.element, piece as i64)
        }
        _ => plain(),
    };
    match (kind, symbol.kind) {
        (RelocationType::FunctionIndexLeb, _) if code => {
            let function = object.defined_function(symbol.element) as u32;
            PreparedRelocation::new(kind, Meaning::LocalFunction, offset - base, function, addend)
        }
        (RelocationType::SectionOffsetI32, _) => {
            let name = object.custom_sections[symbol.element as usize].name.of(&object.bytes);
            match InputSection::has_strings(name) {
                true => piece(object.strings().of_section(symbol.element as usize), addend as u64),
                false => plain(),
            }
        }
        (kind, SymbolKind::Data) if code && kind.is_memory_address() => {
            if symbol.flags.is_tls()
                || !symbol.lies_in_segment()
                || kind == RelocationType::MemoryAddrLocrelI32
            {
                return plain();
            }
            let segment = &object.segments[symbol.element as usize];
            let place = i64::try_from(symbol.offset).ok()?.checked_add(addend)?;
            match segment.has_strings() {
                false => {
                    PreparedRelocation::new(kind, Meaning::LocalSegment, offset - base, symbol.element, place)
                }
                // The addend counts from the new place of the symbol's string, even if it reaches another string.
                true if addend != 0 => plain(),
                true => piece(object.strings().of_segment(symbol.element as usize), symbol.offset),
            }
        }
        _ => plain(),
    }
}
