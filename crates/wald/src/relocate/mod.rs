//! What relocations resolve to, and writing it at their place.
//!
//! A new relocation type needs an arm in `ObjectRelocator::value`; how it is written follows from its encoding in
//! `format::relocation`.

mod custom;
mod values;

use std::iter::Peekable;

use crate::format::relocation::{Encoding, Relocation, RelocationIterator, RelocationType};
use crate::format::SymbolKind;
use crate::index::{ByteRange, ObjectId};
use crate::layout::indices::NONE;
use crate::layout::Layout;
use crate::leb128::{patch_padded_i64, patch_padded_u64, size_i64, size_u64, write_i64, write_u64};
use crate::object::{Object, ObjectSymbol};
use crate::symbols::AnySymbol;
use crate::symbols::{LinkedObject, Reference};

pub use custom::CustomValues;
pub use values::{any_address, any_table_index, data_address, got_value, own_address, SymbolValues};

/// Where custom sections' contents went.
#[derive(Debug, Default)]
pub struct SectionOffsets {
    /// Offset of each custom section in the output section, by `Chunks::sections`.
    pub offsets: Vec<u32>,
    /// For merged string sections: position in [`SectionOffsets::merged`] and among its inputs.
    pub merged_inputs: Vec<Option<(u32, u32)>>,
    /// Merged string sections.
    pub merged: Vec<crate::merge_strings::MergedStrings>,
}

/// Resolves relocations of a laid out link.
pub struct Relocator<'a> {
    layout: &'a Layout<'a>,
    values: &'a SymbolValues,
    /// Offset of each function in the code section, by function position in the output.
    code_offsets: &'a [u32],
    sections: &'a SectionOffsets,
}

/// What debug information gets as the address of something that is not in the output: a value that no code has, the same as
/// wasm-ld's. `None` for sections in which the addend alone is written.
pub fn tombstone(section: &[u8]) -> Option<u64> {
    match section {
        // -1 means something else in these.
        b".debug_ranges" | b".debug_loc" => Some(-2i64 as u64),
        name if name.starts_with(b".debug_") || name.starts_with(b"llvm.func_attr.") => Some(-1i64 as u64),
        _ => None,
    }
}

impl<'a> Relocator<'a> {
    /// Resolves by these values and offsets.
    pub fn new(
        layout: &'a Layout<'a>,
        values: &'a SymbolValues,
        code_offsets: &'a [u32],
        sections: &'a SectionOffsets,
    ) -> Self {
        Relocator { layout, values, code_offsets, sections }
    }

    /// For the relocations of this object.
    #[inline]
    pub fn of(&self, object: ObjectId) -> ObjectRelocator<'_> {
        let indices = &self.layout.indices;
        let program = self.layout.program;
        let linked = &program.objects[object.at()];
        let parsed = linked.object();
        let functions = &indices.function[program.chunks.functions.of(object, 0)..][..parsed.functions.len()];
        let segments =
            &self.values.segments[program.chunks.segments.of(object, 0)..][..parsed.segments.len()];
        ObjectRelocator { link: self, object, linked, parsed, functions, segments }
    }

    #[inline]
    fn code_offset(&self, index: u32) -> u64 {
        u64::from(self.code_offsets[(index - self.layout.imports.functions) as usize])
    }
}

/// Resolves one object's relocations.
pub struct ObjectRelocator<'r> {
    link: &'r Relocator<'r>,
    object: ObjectId,
    linked: &'r LinkedObject,
    parsed: &'r Object,
    /// The indices of the object's functions.
    functions: &'r [u32],
    /// The addresses of its segments, or [`SymbolValues::ASK`].
    segments: &'r [u64],
}

impl ObjectRelocator<'_> {
    /// The value of a relocation. `place` is the address of the relocated bytes, for relative ones.
    #[inline]
    fn value(&self, relocation: &Relocation, tombstone: Option<u64>, place: u64) -> u64 {
        use RelocationType::*;
        let dead = tombstone.unwrap_or(relocation.addend as u64);
        let kind = relocation.kind;
        if kind == TypeIndexLeb {
            let signature = self.parsed.types[relocation.index as usize];
            return u64::from(self.link.layout.indices.type_of(signature));
        }
        let reference = self.linked.reference(relocation.index);
        if let Reference::Global(id) = reference {
            if !self.link.values.symbols[id.at()].is_live() {
                return dead;
            }
        }
        match kind {
            FunctionIndexLeb | FunctionIndexI32 => self.index_of(reference).map_or(dead, u64::from),
            TagIndexLeb | TableNumberLeb => u64::from(self.tag_or_table(reference)),
            GlobalIndexLeb | GlobalIndexI32 => self.global_index(reference).map_or(dead, u64::from),
            TableIndexSleb | TableIndexI32 | TableIndexSleb64 | TableIndexI64 => {
                self.table_index(reference).map_or(dead, u64::from)
            }
            TableIndexRelSleb | TableIndexRelSleb64 => match self.table_index(reference) {
                Some(0) if !self.is_lazy(reference) => 0,
                Some(index) => u64::from(index.wrapping_sub(self.link.layout.table.base as u32)),
                None => dead,
            },
            MemoryAddrLeb | MemoryAddrSleb | MemoryAddrI32 | MemoryAddrRelSleb | MemoryAddrLeb64
            | MemoryAddrSleb64 | MemoryAddrI64 | MemoryAddrRelSleb64 | MemoryAddrTlsSleb
            | MemoryAddrTlsSleb64 => self.address(reference, relocation.addend, dead),
            MemoryAddrLocrelI32 => self.address(reference, relocation.addend, dead).wrapping_sub(place),
            FunctionOffsetI32 | FunctionOffsetI64 => {
                let start = self.function_offset(reference);
                start.map_or(dead, |start| start.wrapping_add(relocation.addend as u64))
            }
            SectionOffsetI32 => self.section_offset(relocation),
            TypeIndexLeb => dead,
        }
    }

    #[inline]
    fn index_of(&self, reference: Reference) -> Option<u32> {
        let index = match reference {
            Reference::Global(id) => self.link.values.symbols[id.at()].index,
            Reference::Local(own) => match self.linked.own(own) {
                own if own.kind == SymbolKind::Function => {
                    self.functions[self.parsed.defined_function(own.element)]
                }
                _ => {
                    let indices = &self.link.layout.indices;
                    let program = self.link.layout.program;
                    indices.of_element(program, self.object, own.0)
                }
            },
        };
        (index != NONE).then_some(index)
    }

    fn is_lazy(&self, reference: Reference) -> bool {
        match reference {
            Reference::Global(id) => self.link.values.symbols[id.at()].is_lazy(),
            Reference::Local(_) => false,
        }
    }

    /// Index of a tag or table. An undefined one that is ignored has the index that none has; of one that is undefined and of another
    /// kind in another object wasm-ld takes the number that its own symbol has in that place.
    fn tag_or_table(&self, reference: Reference) -> u32 {
        let index = self.index_of(reference).unwrap_or(NONE);
        match reference {
            Reference::Global(id) => self.link.values.symbols[id.at()].as_tag_or_table(index),
            Reference::Local(_) => index,
        }
    }

    /// Index of a global, or of the global that keeps the address of what is none.
    fn global_index(&self, reference: Reference) -> Option<u32> {
        let is_global = match reference {
            Reference::Local(own) => self.linked.own(own).kind == SymbolKind::Global,
            Reference::Global(id) => self.link.values.symbols[id.at()].is_global(),
        };
        if is_global {
            // An undefined one that is ignored has the index that none has.
            return Some(self.index_of(reference).unwrap_or(NONE));
        }
        let key = match reference {
            Reference::Local(own) => AnySymbol::Local(self.object, own),
            Reference::Global(id) => AnySymbol::Global(id),
        };
        self.link.layout.indices.got.get(&key).copied()
    }

    /// Index in the function table; 0 for functions that are not in it, `None` for dead ones.
    fn table_index(&self, reference: Reference) -> Option<u32> {
        match reference {
            Reference::Global(id) => Some(self.link.values.symbols[id.at()].table_index()),
            Reference::Local(own) => values::own_table_index(self.link.layout, self.object, own),
        }
    }

    #[inline]
    fn address(&self, reference: Reference, addend: i64, dead: u64) -> u64 {
        match reference {
            Reference::Global(id) => {
                let value = &self.link.values.symbols[id.at()];
                match value.is_defined() {
                    true => value.value.wrapping_add(addend as u64),
                    // As with wasm-ld; the loader writes over it.
                    false if value.is_undefined_function() => u64::MAX.wrapping_add(addend as u64),
                    // The addend counts from a definition: null stays null.
                    false => 0,
                }
            }
            Reference::Local(own) => {
                let address = self.own_address(self.linked.own(own));
                address.map_or(dead, |address| address.wrapping_add(addend as u64))
            }
        }
    }

    #[inline]
    fn own_address(&self, own: &ObjectSymbol) -> Option<u64> {
        match self.segments.get(own.element as usize) {
            Some(&start) if start != SymbolValues::ASK && !own.flags.is_tls() && !own.flags.is_absolute() => {
                Some(start + own.offset)
            }
            _ => own_address(self.link.layout, self.object, own, false),
        }
    }

    /// Offset of a function's body from the start of the code section's contents; `None` if it has no body there.
    #[inline]
    fn function_offset(&self, reference: Reference) -> Option<u64> {
        let (index, prefix) = match reference {
            Reference::Local(own) => {
                let function = self.parsed.defined_function(self.linked.own(own).element);
                (self.functions[function], self.parsed.functions[function].prefix)
            }
            Reference::Global(id) => {
                let value = &self.link.values.symbols[id.at()];
                (value.body(), value.prefix)
            }
        };
        (index != NONE).then(|| self.link.code_offset(index) + u64::from(prefix))
    }

    /// Offset in the output of a place in a custom section.
    #[inline]
    fn section_offset(&self, relocation: &Relocation) -> u64 {
        let (sections, addend) = (self.link.sections, relocation.addend as u64);
        let element = self.parsed.symbols[relocation.index as usize].element as usize;
        let flat = self.link.layout.program.chunks.sections.of(self.object, element);
        match sections.merged_inputs[flat] {
            None => u64::from(sections.offsets[flat]).wrapping_add(addend),
            Some((merged, input)) => {
                let strings = self.parsed.strings().of_section(element);
                sections.merged[merged as usize].output_offset(input as usize, self.parsed, strings, addend)
            }
        }
    }

    /// The addend of a relocation that stays in the output. It moves with the contents of a custom section.
    pub fn new_addend(&self, relocation: &Relocation) -> i64 {
        match relocation.kind {
            RelocationType::SectionOffsetI32 => self.section_offset(relocation) as i64,
            _ => relocation.addend,
        }
    }

    /// Patches a chunk's copy. `base` is what relocation offsets count from, `place` the address of the copy.
    pub fn apply(&self, range: ByteRange, base: u32, tombstone: Option<u64>, place: u64, copy: &mut [u8]) {
        for relocation in self.parsed.relocations(range) {
            let at = (relocation.offset - base) as usize;
            let value = self.value(&relocation, tombstone, place.wrapping_add(at as u64));
            patch(relocation.kind.encoding(), &mut copy[at..], value);
        }
    }

    /// How many bytes a function's body takes when its relocated numbers are as short as can be.
    pub fn compressed_size(&self, function: usize) -> u32 {
        let function = &self.parsed.functions[function];
        let mut size = function.range.len - u32::from(function.prefix);
        for relocation in self.parsed.relocations(function.relocations) {
            let encoding = relocation.kind.encoding();
            let value = self.value(&relocation, None, 0);
            size = size - encoding.width() as u32 + short_width(encoding, value) as u32;
        }
        size
    }

    /// Where the places of a function's body go when its relocated numbers are as short as can be.
    pub fn compressed_places(&self, function: usize) -> CompressedPlaces<'_> {
        let function = &self.parsed.functions[function];
        let relocations = self.parsed.relocations(function.relocations);
        let base = function.offset_base + u32::from(function.prefix);
        CompressedPlaces { relocator: self, base, relocations: relocations.peekable(), saved: 0 }
    }

    /// Writes a function's body with short numbers.
    pub fn write_compressed(&self, function: usize, out: &mut Vec<u8>) {
        let parsed = self.parsed;
        let function = &parsed.functions[function];
        let bytes: &[u8] = &parsed.bytes;
        let mut position = (function.range.start + u32::from(function.prefix)) as usize;
        for relocation in parsed.relocations(function.relocations) {
            let at = (function.range.start + relocation.offset - function.offset_base) as usize;
            out.extend_from_slice(&bytes[position..at]);
            let encoding = relocation.kind.encoding();
            let value = self.value(&relocation, None, 0);
            write_short(encoding, value, out);
            position = at + encoding.width();
        }
        out.extend_from_slice(&bytes[position..function.range.end() as usize]);
    }
}

/// Moves places in a function's body.
pub struct CompressedPlaces<'r> {
    relocator: &'r ObjectRelocator<'r>,
    /// What relocation offsets count from.
    base: u32,
    relocations: Peekable<RelocationIterator<'r>>,
    saved: usize,
}

impl CompressedPlaces<'_> {
    /// The new offset of this place. Offsets must rise from call to call. `None` for a place within a relocated number.
    pub fn place_of(&mut self, offset: u32) -> Option<u32> {
        let offset = offset as usize;
        while let Some(relocation) = self.relocations.peek() {
            let at = (relocation.offset - self.base) as usize;
            if at > offset {
                break;
            }
            let encoding = relocation.kind.encoding();
            if offset < at + encoding.width() {
                return None;
            }
            let value = self.relocator.value(relocation, None, 0);
            self.saved += encoding.width() - short_width(encoding, value);
            self.relocations.next();
        }
        Some((offset - self.saved) as u32)
    }
}

/// Writes a value over the bytes at a relocation's place.
#[inline]
fn patch(encoding: Encoding, at: &mut [u8], value: u64) {
    match encoding {
        Encoding::Leb32 => patch_padded_u64(&mut at[..5], value & 0xffff_ffff),
        Encoding::Sleb32 => patch_padded_i64(&mut at[..5], i64::from(value as i32)),
        Encoding::Leb64 => patch_padded_u64(&mut at[..10], value),
        Encoding::Sleb64 => patch_padded_i64(&mut at[..10], value as i64),
        Encoding::I32 => at[..4].copy_from_slice(&(value as u32).to_le_bytes()),
        Encoding::I64 => at[..8].copy_from_slice(&value.to_le_bytes()),
    }
}

fn short_width(encoding: Encoding, value: u64) -> usize {
    match encoding {
        Encoding::Leb32 => size_u64(value & 0xffff_ffff),
        Encoding::Leb64 => size_u64(value),
        Encoding::Sleb32 => size_i64(i64::from(value as i32)),
        Encoding::Sleb64 => size_i64(value as i64),
        Encoding::I32 => 4,
        Encoding::I64 => 8,
    }
}

fn write_short(encoding: Encoding, value: u64, out: &mut Vec<u8>) {
    match encoding {
        Encoding::Leb32 => write_u64(out, value & 0xffff_ffff),
        Encoding::Leb64 => write_u64(out, value),
        Encoding::Sleb32 => write_i64(out, i64::from(value as i32)),
        Encoding::Sleb64 => write_i64(out, value as i64),
        Encoding::I32 => out.extend_from_slice(&(value as u32).to_le_bytes()),
        Encoding::I64 => out.extend_from_slice(&value.to_le_bytes()),
    }
}
