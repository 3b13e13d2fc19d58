//! Relocations in custom sections, of which debug information has more than all code: what an object's symbols resolve to
//! there is worked out once for each symbol. And relocations that were [prepared](crate::object::Prepared), there and in code.

use rayon::prelude::*;

use super::{patch, ObjectRelocator, Relocator, SymbolValues};
use crate::format::relocation::{Encoding, Relocation, RelocationType};
use crate::format::SymbolKind;
use crate::index::{ObjectId, ObjectSymbolIndex};
use crate::layout::indices::NONE;
use crate::merge_strings::MergedStrings;
use crate::object::{ChunkStrings, Meaning, PreparedRelocation};
use crate::symbols::{LinkedObject, Reference};

/// What the symbols of the objects resolve to in custom sections.
#[derive(Default)]
pub struct CustomValues {
    /// For each object, by its symbols; empty if it has no relocations that need it.
    objects: Vec<Box<[u64]>>,
}

/// It takes more than the symbol to tell.
const ASK: u64 = u64::MAX;
/// Not in the output.
const DEAD: u64 = u64::MAX - 1;
/// A section of merged strings.
const MERGED: u64 = u64::MAX - 2;

impl CustomValues {
    /// Works them out.
    pub fn new(relocator: &Relocator<'_>) -> Self {
        let objects = relocator.layout.program.objects.par_iter().enumerate();
        let values = |(position, linked): (usize, &LinkedObject)| {
            let sections = &linked.object().custom_sections;
            if sections.iter().all(|section| section.relocations.len == 0) {
                return Box::default();
            }
            let object = relocator.of(ObjectId::new(position));
            (0..linked.object().symbols.len() as u32).map(|index| object.custom_value(index)).collect()
        };
        CustomValues { objects: objects.with_min_len(16).map(values).collect() }
    }

    /// Whether an object's symbols resolve to the same as in another link of the same objects. Where merged strings are is not
    /// compared.
    pub fn is_same(&self, other: &CustomValues, object: ObjectId) -> bool {
        self.objects.get(object.at()) == other.objects.get(object.at())
    }
}

/// The section of strings that was asked for last: nearly all entries mean the same one.
#[derive(Clone, Copy)]
struct Strings<'r> {
    section: u32,
    chunk: ChunkStrings,
    /// Where it starts, if it was not merged.
    start: u64,
    merged: Option<(&'r MergedStrings, usize)>,
}

impl<'r> ObjectRelocator<'r> {
    fn custom_value(&self, index: u32) -> u64 {
        let reference = self.linked.reference(index);
        let global = match reference {
            Reference::Global(id) => Some(&self.link.values.symbols[id.at()]),
            Reference::Local(_) => None,
        };
        if global.is_some_and(|value| !value.is_live()) {
            return DEAD;
        }
        let own = self.linked.own(ObjectSymbolIndex(index));
        match (own.kind, global) {
            (SymbolKind::Function, _) => self.function_offset(reference).unwrap_or(DEAD),
            // The addend counts from a definition: null stays null.
            (SymbolKind::Data, Some(value)) if !value.is_defined() => ASK,
            (SymbolKind::Data, Some(value)) => value.value,
            (SymbolKind::Data, None) => self.own_address(own).unwrap_or(DEAD),
            (SymbolKind::Section, _) => {
                let flat = self.link.layout.program.chunks.sections.of(self.object, own.element as usize);
                let sections = self.link.sections;
                sections.merged_inputs[flat].map_or(u64::from(sections.offsets[flat]), |_| MERGED)
            }
            _ => ASK,
        }
    }

    /// Patches the copy of the custom section at `position`.
    pub fn apply_custom(
        &self,
        values: &CustomValues,
        position: usize,
        tombstone: Option<u64>,
        copy: &mut [u8],
    ) {
        let values = &*values.objects[self.object.at()];
        let range = self.parsed.custom_sections[position].relocations;
        let prepared = self.parsed.prepared.get().map_or(&[][..], |prepared| prepared.of_section(position));
        let mut strings = None;
        for entry in prepared {
            let value = match entry.meaning() {
                Meaning::Piece => self.piece_offset(entry.index(), entry.addend as usize, &mut strings),
                _ => self.value_in_custom(values, &entry.relocation(), tombstone, &mut None),
            };
            patch_plain(entry.kind().encoding(), &mut copy[entry.offset as usize..], value);
        }
        if prepared.is_empty() {
            for relocation in self.parsed.many_relocations(range) {
                let at = &mut copy[relocation.offset as usize..];
                let known = match relocation.kind.is_plain() {
                    true => values[relocation.index as usize],
                    false => ASK,
                };
                // Nearly all are such.
                if let (0..MERGED, Some(at)) = (known, at.first_chunk_mut::<4>()) {
                    *at = (known as u32).wrapping_add(relocation.addend as u32).to_le_bytes();
                    continue;
                }
                let value = self.value_in_custom(values, &relocation, tombstone, &mut strings);
                patch_plain(relocation.kind.encoding(), at, value);
            }
        }
    }

    /// Patches a custom section that has the `old` values so that it has the `new` ones. Strings are where they were.
    pub fn apply_custom_again(
        &self,
        (old, new): (&CustomValues, &CustomValues),
        position: usize,
        tombstone: Option<u64>,
        bytes: &mut [u8],
    ) {
        let (old, new) = (&*old.objects[self.object.at()], &*new.objects[self.object.at()]);
        for relocation in self.parsed.many_relocations(self.parsed.custom_sections[position].relocations) {
            // What it takes more than the symbol to tell is the same: no index has changed.
            if known(old, &relocation) != known(new, &relocation) {
                let value = self.value_in_custom(new, &relocation, tombstone, &mut None);
                patch_plain(relocation.kind.encoding(), &mut bytes[relocation.offset as usize..], value);
            }
        }
    }

    #[inline(always)]
    fn value_in_custom(
        &self,
        values: &[u64],
        relocation: &Relocation,
        tombstone: Option<u64>,
        strings: &mut Option<Strings<'r>>,
    ) -> u64 {
        match known(values, relocation) {
            ASK => self.value(relocation, tombstone, u64::from(relocation.offset)),
            DEAD => tombstone.unwrap_or(relocation.addend as u64),
            MERGED => {
                let section = self.parsed.symbols[relocation.index as usize].element;
                match self.strings(section, strings) {
                    Strings { merged: Some((merged, input)), chunk, .. } => {
                        merged.output_offset(input, self.parsed, chunk, relocation.addend as u64)
                    }
                    _ => relocation.addend as u64,
                }
            }
            value => value.wrapping_add(relocation.addend as u64),
        }
    }

    /// Where a string of a section went.
    #[inline(always)]
    fn piece_offset(&self, section: u32, piece: usize, last: &mut Option<Strings<'r>>) -> u64 {
        match self.strings(section, last) {
            Strings { merged: Some((merged, input)), .. } => u64::from(merged.offset_of(input, piece)),
            Strings { chunk, start, .. } => start + u64::from(self.parsed.strings().of(chunk)[piece].start),
        }
    }

    #[inline(always)]
    fn strings(&self, section: u32, last: &mut Option<Strings<'r>>) -> Strings<'r> {
        match *last {
            Some(strings) if strings.section == section => strings,
            _ => *last.insert(self.find_strings(section)),
        }
    }

    fn find_strings(&self, section: u32) -> Strings<'r> {
        let sections = self.link.sections;
        let flat = self.link.layout.program.chunks.sections.of(self.object, section as usize);
        let merged = sections.merged_inputs[flat];
        Strings {
            section,
            chunk: self.parsed.strings().of_section(section as usize),
            start: u64::from(sections.offsets[flat]),
            merged: merged.map(|(merged, input)| (&sections.merged[merged as usize], input as usize)),
        }
    }

    /// Patches a function's copy.
    pub fn apply_function(&self, position: usize, copy: &mut [u8]) {
        let function = &self.parsed.functions[position];
        let entries = self.parsed.prepared.get().map_or(&[][..], |prepared| prepared.of_function(position));
        if entries.is_empty() || self.apply_entries(entries, copy).is_none() {
            self.apply(function.relocations, function.offset_base, None, 0, copy);
        }
    }

    /// `None` if the entries do not tell.
    #[inline]
    fn apply_entries(&self, entries: &[PreparedRelocation], copy: &mut [u8]) -> Option<()> {
        for entry in entries {
            let index = entry.index() as usize;
            let value = match entry.meaning() {
                Meaning::Symbol => self.value(&entry.relocation(), None, u64::from(entry.offset)),
                // What is not in the output has the value that `ObjectRelocator::value` gives for it.
                Meaning::LocalFunction => match self.functions[index] {
                    NONE => 0,
                    function => u64::from(function),
                },
                Meaning::LocalSegment => match self.segments[index] {
                    SymbolValues::ASK => return None,
                    start => start.wrapping_add(i64::from(entry.addend) as u64),
                },
                Meaning::Piece => self.piece_address(index, entry.addend as usize)?,
            };
            patch(entry.kind().encoding(), &mut copy[entry.offset as usize..], value);
        }
        Some(())
    }

    /// Address of a string of a segment.
    #[inline]
    fn piece_address(&self, segment: usize, piece: usize) -> Option<u64> {
        let (program, segments) = (&self.link.layout.program, &self.link.layout.segments);
        let place = &segments.places[program.chunks.segments.of(self.object, segment)];
        let (merged, input) = place.merged?;
        let offset = segments.merged[merged as usize].strings.offset_of(input as usize, piece);
        let output = segments.list.get(place.segment as usize)?;
        Some(output.address + place.offset + u64::from(offset))
    }
}

/// What the symbol of a relocation resolves to, if its kind asks for that.
#[inline(always)]
fn known(values: &[u64], relocation: &Relocation) -> u64 {
    use RelocationType::*;
    match relocation.kind {
        SectionOffsetI32 | FunctionOffsetI32 | MemoryAddrI32 | FunctionOffsetI64 | MemoryAddrI64 => {
            values[relocation.index as usize]
        }
        _ => ASK,
    }
}

/// As [`patch`]: nearly all numbers in custom sections have four bytes.
#[inline(always)]
fn patch_plain(encoding: Encoding, at: &mut [u8], value: u64) {
    match (encoding, at.first_chunk_mut::<4>()) {
        (Encoding::I32, Some(at)) => *at = (value as u32).to_le_bytes(),
        _ => patch(encoding, at, value),
    }
}
