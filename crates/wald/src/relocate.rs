//! What relocations resolve to, and writing it at their place.
//!
//! A new relocation type needs an arm in [`Relocator::value`]; how it is written follows from its encoding in
//! `format::relocation`.

use rayon::prelude::*;

use crate::format::relocation::{Encoding, Relocation, RelocationType};
use crate::format::SymbolKind;
use crate::index::{ByteRange, ObjectId, ObjectSymbolIndex, SymbolId};
use crate::layout::indices::NONE;
use crate::layout::Layout;
use crate::leb128::{patch_padded_i64, patch_padded_u64, size_i64, size_u64, write_i64, write_u64};
use crate::object::ObjectSymbol;
use crate::symbols::AnySymbol;
use crate::symbols::{Reference, Resolution, Synthetic, SyntheticData};

/// What a symbol of the link resolved to, looked up once for all its relocations.
#[derive(Clone, Copy, Debug)]
struct SymbolValue {
    /// Index in its index space.
    index: u32,
    /// Functions: index in the function table, or 0.
    table_index: u32,
    /// It is in the output.
    live: bool,
    /// Data: its address.
    address: u64,
}

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

/// What every symbol of the link resolved to: looked up once, before anything is written.
pub struct SymbolValues(Vec<SymbolValue>);

impl SymbolValues {
    /// Looks up every symbol.
    pub fn new(layout: &Layout<'_>) -> Self {
        let positions = (0..layout.symbols.symbols.len()).into_par_iter().with_min_len(1024);
        SymbolValues(positions.map(|position| look_up(layout, SymbolId::new(position))).collect())
    }
}

fn look_up(layout: &Layout<'_>, id: SymbolId) -> SymbolValue {
    let Layout { symbols, chunks, live, imports, indices, table, .. } = layout;
    let symbol = symbols.get(id);
    let index = indices.of_symbol(symbols, chunks, imports, id);
    let live = live.is_symbol_live(symbols, chunks, id);
    let is_function = symbol.kind == SymbolKind::Function;
    let table_index = if is_function { table.of_symbol(symbols, chunks, id) } else { 0 };
    let address = if symbol.kind == SymbolKind::Data { data_address(layout, id, false) } else { 0 };
    SymbolValue { index, table_index, live, address }
}

/// Address of a data symbol; thread-local ones relative to their block unless `absolute`. 0 where nothing
/// defines it.
pub fn data_address(layout: &Layout<'_>, id: SymbolId, absolute: bool) -> u64 {
    let symbols = &layout.symbols;
    let symbol = symbols.get(id);
    match symbol.resolution {
        Resolution::Synthetic(Synthetic::Data(data)) => synthetic_address(layout, data),
        Resolution::Object => match symbols.definition(symbol) {
            Some((object, own)) => own_address(layout, object, own, absolute).unwrap_or(0),
            None => 0,
        },
        _ => 0,
    }
}

/// Address of an object's own datum; `None` where its segment is not in the output.
#[inline]
pub fn own_address(layout: &Layout<'_>, object: ObjectId, own: &ObjectSymbol, absolute: bool) -> Option<u64> {
    if own.flags.is_absolute() {
        return Some(own.offset);
    }
    let flat = layout.chunks.segments.of(object, own.element as usize);
    let (segment, offset) = layout.segments.locate(flat, own.offset)?;
    Some(if own.flags.is_tls() && !absolute { offset } else { segment.address + offset })
}

/// Index of an object's own function in the function table; 0 for functions that are not in it, `None` for dead
/// ones.
fn own_table_index(layout: &Layout<'_>, object: ObjectId, own: ObjectSymbolIndex) -> Option<u32> {
    let parsed = layout.symbols.objects[object.at()].object();
    let function = parsed.defined_function(parsed.symbols[own.at()].element);
    let flat = layout.chunks.functions.of(object, function);
    (layout.indices.function[flat] != NONE).then(|| layout.table.of_function(flat))
}

/// The initial value of the global that keeps a symbol's address.
pub fn got_value(layout: &Layout<'_>, symbol: AnySymbol) -> u64 {
    let Layout { symbols, chunks, table, options, .. } = layout;
    let absolute = !options.shared_memory;
    match symbol {
        AnySymbol::Own(object, index) => match symbols.objects[object.at()].own(index) {
            own if own.kind == SymbolKind::Data => own_address(layout, object, own, absolute).unwrap_or(0),
            _ => u64::from(own_table_index(layout, object, index).unwrap_or(0)),
        },
        AnySymbol::Global(id) => match symbols.get(id).kind {
            SymbolKind::Data => data_address(layout, id, absolute),
            _ => u64::from(table.of_symbol(symbols, chunks, id)),
        },
    }
}

/// Resolves relocations of a laid out link.
pub struct Relocator<'a> {
    layout: &'a Layout<'a>,
    values: &'a SymbolValues,
    /// Offset of each function in the code section, by function position in the output.
    code_offsets: &'a [u32],
    sections: &'a SectionOffsets,
}

/// What debug information says of something that is not in the output: an address that no code has. The
/// values are wasm-ld's. `None` where a section has no such value and the addend stands alone.
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

    /// The value of a relocation in `object`. `place` is the address of the relocated bytes, for relative ones.
    #[inline]
    pub fn value(
        &self,
        object: ObjectId,
        relocation: &Relocation,
        tombstone: Option<u64>,
        place: u64,
    ) -> u64 {
        use RelocationType::*;
        let linked = &self.layout.symbols.objects[object.at()];
        let dead = tombstone.unwrap_or(relocation.addend as u64);
        let kind = relocation.kind;
        if kind == TypeIndexLeb {
            let signature = linked.object().types[relocation.index as usize];
            return u64::from(self.layout.indices.type_of(signature));
        }
        let reference = linked.reference(relocation.index);
        if let Reference::Global(id) = reference {
            if !self.values.0[id.at()].live {
                return dead;
            }
        }
        match kind {
            FunctionIndexLeb | FunctionIndexI32 | TagIndexLeb | TableNumberLeb => {
                self.index_of(object, reference).map_or(dead, u64::from)
            }
            GlobalIndexLeb | GlobalIndexI32 => {
                let is_global = match reference {
                    Reference::Own(own) => linked.own(own).kind == SymbolKind::Global,
                    Reference::Global(id) => self.layout.symbols.get(id).kind == SymbolKind::Global,
                };
                if is_global {
                    // An undefined one that is ignored has the index that none has.
                    return u64::from(self.index_of(object, reference).unwrap_or(NONE));
                }
                let key = match reference {
                    Reference::Own(own) => AnySymbol::Own(object, own),
                    Reference::Global(id) => AnySymbol::Global(id),
                };
                self.layout.indices.got.get(&key).map_or(dead, |&index| u64::from(index))
            }
            TableIndexSleb | TableIndexI32 | TableIndexSleb64 | TableIndexI64 => {
                self.table_index(object, reference).map_or(dead, u64::from)
            }
            TableIndexRelSleb | TableIndexRelSleb64 => match self.table_index(object, reference) {
                Some(0) => 0,
                Some(index) => u64::from(index.wrapping_sub(self.layout.table.base)),
                None => dead,
            },
            MemoryAddrLeb | MemoryAddrSleb | MemoryAddrI32 | MemoryAddrRelSleb | MemoryAddrLeb64
            | MemoryAddrSleb64 | MemoryAddrI64 | MemoryAddrRelSleb64 | MemoryAddrTlsSleb
            | MemoryAddrTlsSleb64 => self.address(object, reference, relocation.addend, dead),
            MemoryAddrLocrelI32 => {
                self.address(object, reference, relocation.addend, dead).wrapping_sub(place)
            }
            FunctionOffsetI32 | FunctionOffsetI64 => {
                self.function_offset(object, reference, relocation.addend).unwrap_or(dead)
            }
            SectionOffsetI32 => self.section_offset(object, relocation),
            TypeIndexLeb => dead,
        }
    }

    #[inline]
    fn index_of(&self, object: ObjectId, reference: Reference) -> Option<u32> {
        let Layout { symbols, chunks, indices, .. } = self.layout;
        let index = match reference {
            Reference::Global(id) => self.values.0[id.at()].index,
            Reference::Own(own) => indices.of_element(symbols, chunks, object, own.0),
        };
        (index != NONE).then_some(index)
    }

    /// Index in the function table; 0 for functions that are not in it, `None` for dead ones.
    fn table_index(&self, object: ObjectId, reference: Reference) -> Option<u32> {
        match reference {
            Reference::Global(id) => Some(self.values.0[id.at()].table_index),
            Reference::Own(own) => own_table_index(self.layout, object, own),
        }
    }

    #[inline]
    fn address(&self, object: ObjectId, reference: Reference, addend: i64, dead: u64) -> u64 {
        match reference {
            Reference::Global(id) => {
                // The addend counts from a definition: null stays null.
                if !self.layout.symbols.get(id).is_defined() {
                    return 0;
                }
                self.values.0[id.at()].address.wrapping_add(addend as u64)
            }
            Reference::Own(own) => {
                let own = self.layout.symbols.objects[object.at()].own(own);
                own_address(self.layout, object, own, false)
                    .map_or(dead, |address| address.wrapping_add(addend as u64))
            }
        }
    }

    /// Offset of a place in a function's body from the start of the code section's contents.
    fn function_offset(&self, object: ObjectId, reference: Reference, addend: i64) -> Option<u64> {
        let symbols = &self.layout.symbols;
        let (object, own) = match reference {
            Reference::Own(own) => (object, symbols.objects[object.at()].own(own)),
            Reference::Global(id) => {
                let symbol = symbols.get(id);
                match (symbol.resolution, symbols.definition(symbol)) {
                    (_, Some(found)) => found,
                    (Resolution::Synthetic(Synthetic::Function(number)), None) => {
                        // The linker's own functions have one byte of size.
                        let index = self.layout.indices.synthetic_function[number.at()];
                        return Some(u64::from(self.code_offset(index)).wrapping_add(addend as u64));
                    }
                    _ => return None,
                }
            }
        };
        let parsed = symbols.objects[object.at()].object();
        let function = parsed.defined_function(own.element);
        let index = self.layout.indices.function[self.layout.chunks.functions.of(object, function)];
        if index == NONE {
            return None;
        }
        let start = u64::from(self.code_offset(index)) + u64::from(parsed.functions[function].prefix);
        Some(start.wrapping_add(addend as u64))
    }

    fn code_offset(&self, index: u32) -> u32 {
        self.code_offsets[(index - self.layout.imports.functions) as usize]
    }

    /// Offset in the output of a place in a custom section.
    fn section_offset(&self, object: ObjectId, relocation: &Relocation) -> u64 {
        let own = &self.layout.symbols.objects[object.at()].object().symbols[relocation.index as usize];
        let flat = self.layout.chunks.sections.of(object, own.element as usize);
        if let Some((merged, input)) = self.sections.merged_inputs[flat] {
            let strings = &self.sections.merged[merged as usize];
            return strings.output_offset(input as usize, relocation.addend as u64);
        }
        u64::from(self.sections.offsets[flat]).wrapping_add(relocation.addend as u64)
    }

    /// Patches a chunk's copy. `base` is what relocation offsets count from, `place` the address of the copy.
    pub fn apply(
        &self,
        object: ObjectId,
        range: ByteRange,
        base: u32,
        tombstone: Option<u64>,
        place: u64,
        copy: &mut [u8],
    ) {
        let parsed = self.layout.symbols.objects[object.at()].object();
        for relocation in parsed.relocations(range) {
            let at = (relocation.offset - base) as usize;
            let value = self.value(object, &relocation, tombstone, place.wrapping_add(at as u64));
            patch(relocation.kind.encoding(), &mut copy[at..], value);
        }
    }

    /// How many bytes a function's body takes when its relocated numbers are as short as can be.
    pub fn compressed_size(&self, object: ObjectId, function: usize) -> u32 {
        let parsed = self.layout.symbols.objects[object.at()].object();
        let function = &parsed.functions[function];
        let mut size = function.range.len - u32::from(function.prefix);
        for relocation in parsed.relocations(function.relocations) {
            let encoding = relocation.kind.encoding();
            let value = self.value(object, &relocation, None, 0);
            size = size - encoding.width() as u32 + short_width(encoding, value) as u32;
        }
        size
    }

    /// Writes a function's body with short numbers.
    pub fn write_compressed(&self, object: ObjectId, function: usize, out: &mut Vec<u8>) {
        let parsed = self.layout.symbols.objects[object.at()].object();
        let function = &parsed.functions[function];
        let bytes: &[u8] = &parsed.bytes;
        let mut position = (function.range.start + u32::from(function.prefix)) as usize;
        for relocation in parsed.relocations(function.relocations) {
            let at = (parsed.code_start + relocation.offset) as usize;
            out.extend_from_slice(&bytes[position..at]);
            let encoding = relocation.kind.encoding();
            let value = self.value(object, &relocation, None, 0);
            write_short(encoding, value, out);
            position = at + encoding.width();
        }
        out.extend_from_slice(&bytes[position..function.range.end() as usize]);
    }
}

fn synthetic_address(layout: &Layout<'_>, data: SyntheticData) -> u64 {
    let memory = &layout.memory;
    match data {
        SyntheticData::DsoHandle | SyntheticData::GlobalBase => memory.data_start,
        SyntheticData::DataEnd => memory.data_end,
        SyntheticData::StackLow => memory.stack_low,
        SyntheticData::StackHigh => memory.stack_high,
        SyntheticData::HeapBase => memory.heap_base,
        SyntheticData::HeapEnd => memory.heap_end,
        SyntheticData::MemoryBase => 0,
        SyntheticData::TableBase => u64::from(layout.table.base),
        SyntheticData::FirstPageEnd => layout.options.page_size,
        SyntheticData::SegmentStart(segment) => layout.segments.list[segment as usize].address,
        SyntheticData::SegmentStop(segment) => {
            let segment = &layout.segments.list[segment as usize];
            segment.address + segment.size
        }
        SyntheticData::InitMemoryFlag => memory.init_flag.unwrap_or(0),
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
