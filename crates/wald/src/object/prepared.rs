//! Prepares objects while a link waits for other inputs, so that little is left after the last one. Decodes relocations, looks up
//! their meaning in the object, and demangles the names of functions.
//!
//! A link from nothing prepares nothing. It would take longer, and entries are larger than the bytes of relocations.

use super::{InputFunction, Object};
use crate::format::relocation::{Relocation, RelocationType};
use crate::format::SymbolKind;
use crate::index::ByteRange;

/// A relocation, decoded.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Offset from the start of the function, including its size, or of the custom section.
    pub offset: u32,
    /// Type, meaning of the index, and the index.
    what: u32,
    /// Added to the value of the index; for [`Means::Piece`] the number of the string.
    pub addend: i32,
}

/// The meaning of the index of an [`Entry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// Symbol table index (or type index), as in the object.
    Symbol,
    /// A function that the object itself defines: its position. The relocation needs its index.
    OwnFunction,
    /// A segment of the object: its position. The relocation needs an address in it.
    OwnSegment,
    /// A segment or custom section with mergeable strings: its position. The relocation needs the start of a string.
    Piece,
}

const KIND_BITS: u32 = 5;
const MEANS_BITS: u32 = 2;
const INDEX_SHIFT: u32 = KIND_BITS + MEANS_BITS;

impl Entry {
    /// `None` if a number does not fit.
    fn new(kind: RelocationType, means: Means, offset: u32, index: u32, addend: i64) -> Option<Entry> {
        if index >> (32 - INDEX_SHIFT) != 0 {
            return None;
        }
        let what = kind as u32 | (means as u32) << KIND_BITS | index << INDEX_SHIFT;
        Some(Entry { offset, what, addend: i32::try_from(addend).ok()? })
    }

    /// Its type.
    #[inline(always)]
    pub fn kind(&self) -> RelocationType {
        RelocationType::from_number(self.what & ((1 << KIND_BITS) - 1))
            .unwrap_or(RelocationType::FunctionIndexLeb)
    }

    /// The meaning of [`Entry::index`].
    #[inline(always)]
    pub fn means(&self) -> Means {
        match self.what >> KIND_BITS & ((1 << MEANS_BITS) - 1) {
            0 => Means::Symbol,
            1 => Means::OwnFunction,
            2 => Means::OwnSegment,
            _ => Means::Piece,
        }
    }

    /// See [`Entry::means`].
    #[inline(always)]
    pub fn index(&self) -> u32 {
        self.what >> INDEX_SHIFT
    }

    /// The relocation as in the object. Only for [`Means::Symbol`].
    #[inline(always)]
    pub fn relocation(&self) -> Relocation {
        let addend = i64::from(self.addend);
        Relocation { kind: self.kind(), offset: self.offset, index: self.index(), addend }
    }
}

/// A prepared object.
#[derive(Debug, Default)]
pub struct Prepared {
    entries: Vec<Entry>,
    /// The end of each function's entries. They start at the end of the previous function's.
    functions: Vec<u32>,
    /// The entries of functions that need a table or GOT entry: see [`RelocationType::asks_for_entry`].
    asking: Vec<Entry>,
    /// The end of each function's such entries, even if it is not prepared.
    asking_ends: Vec<(u32, bool)>,
    /// The end of each custom section's entries, which follow those of the functions.
    sections: Vec<u32>,
    names: Vec<u8>,
    /// The end of each function's name.
    name_ends: Vec<u32>,
    /// Whether names are demangled.
    demangled: bool,
}

impl Prepared {
    /// Prepares the functions that are probably live, and the custom sections. `show` appends the display name of a function.
    pub fn new(
        object: &Object,
        demangled: bool,
        is_live: impl Fn(usize) -> bool,
        mut show: impl FnMut(&[u8], &mut Vec<u8>),
    ) -> Prepared {
        let mut prepared = Prepared { demangled, ..Prepared::default() };
        for (position, function) in object.functions.iter().enumerate() {
            let is_live = is_live(position);
            if is_live {
                let whole = prepared.add(object, function.relocations, function.offset_base, true);
                if whole && function.asks {
                    prepared.add_asking(object, function);
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
            prepared.add(object, section.relocations, 0, false);
            prepared.sections.push(prepared.entries.len() as u32);
        }
        prepared.entries.shrink_to_fit();
        prepared
    }

    /// Adds all entries of a chunk, or none. Returns whether it did.
    fn add(&mut self, object: &Object, range: ByteRange, base: u32, code: bool) -> bool {
        let start = self.entries.len();
        for relocation in object.relocations(range) {
            match entry(object, &relocation, base, code) {
                Some(entry) => self.entries.push(entry),
                None => {
                    self.entries.truncate(start);
                    return false;
                }
            }
        }
        true
    }

    fn add_asking(&mut self, object: &Object, function: &InputFunction) {
        for Relocation { kind, offset, index, addend } in object.relocations(function.relocations) {
            let of_global = || object.symbols[index as usize].kind == SymbolKind::Global;
            let asks = kind.asks_for_entry() || kind == RelocationType::GlobalIndexLeb && !of_global();
            if asks {
                let offset = offset - function.offset_base;
                self.asking.extend(Entry::new(kind, Means::Symbol, offset, index, addend));
            }
        }
    }

    /// The entries of a function that need a table or GOT entry. `None` if not prepared.
    #[inline]
    pub fn asking(&self, position: usize) -> Option<impl Iterator<Item = Relocation> + '_> {
        let start = position.checked_sub(1).map_or(0, |before| self.asking_ends[before].0);
        let (end, prepared) = self.asking_ends[position];
        prepared.then(|| self.asking[start as usize..end as usize].iter().map(Entry::relocation))
    }

    /// The entries of a function. `None` if not prepared.
    #[inline]
    pub fn of_function(&self, position: usize) -> &[Entry] {
        let start = position.checked_sub(1).map_or(0, |before| self.functions[before]);
        &self.entries[start as usize..self.functions[position] as usize]
    }

    /// The entries of a custom section. `None` if not prepared.
    pub fn of_section(&self, position: usize) -> &[Entry] {
        let before = position.checked_sub(1).map(|before| &self.sections[before]);
        let start = before.or(self.functions.last()).copied().unwrap_or(0);
        &self.entries[start as usize..self.sections[position] as usize]
    }

    /// The display name of a function. Empty if not prepared.
    #[inline]
    pub fn name(&self, position: usize, demangled: bool) -> &[u8] {
        if demangled != self.demangled {
            return &[];
        }
        let start = position.checked_sub(1).map_or(0, |before| self.name_ends[before]);
        &self.names[start as usize..self.name_ends[position] as usize]
    }
}

fn add_name(
    object: &Object,
    function: &InputFunction,
    show: &mut impl FnMut(&[u8], &mut Vec<u8>),
    names: &mut Vec<u8>,
) {
    if function.symbol != super::NONE {
        let text = function.name.of(&object.bytes);
        match function.has_debug_name {
            true => names.extend_from_slice(text),
            false => show(text, names),
        }
    }
}

/// The meaning of a relocation, as far as its object determines it.
fn entry(object: &Object, relocation: &Relocation, base: u32, code: bool) -> Option<Entry> {
    let Relocation { kind, offset, index, addend } = *relocation;
    let plain = || Entry::new(kind, Means::Symbol, offset - base, index, addend);
    if kind == RelocationType::TypeIndexLeb {
        return plain();
    }
    let symbol = &object.symbols[index as usize];
    if !symbol.is_defined() || !symbol.flags.is_local() {
        return plain();
    }
    let piece = |strings, start: u64| match object.strings.find(strings, start) {
        Some((piece, at)) if u64::from(at) == start => {
            Entry::new(kind, Means::Piece, offset - base, symbol.element, piece as i64)
        }
        _ => plain(),
    };
    match (kind, symbol.kind) {
        (RelocationType::FunctionIndexLeb, _) if code => {
            let function = object.defined_function(symbol.element) as u32;
            Entry::new(kind, Means::OwnFunction, offset - base, function, addend)
        }
        (RelocationType::SectionOffsetI32, _) => {
            let strings = object.custom_sections[symbol.element as usize].strings;
            match strings.is_empty() {
                true => plain(),
                false => piece(strings, addend as u64),
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
            match segment.strings.is_empty() {
                true => Entry::new(kind, Means::OwnSegment, offset - base, symbol.element, place),
                // The addend counts from the new place of the symbol's string, even if it reaches another string.
                false if addend != 0 => plain(),
                false => piece(segment.strings, symbol.offset),
            }
        }
        _ => plain(),
    }
}
