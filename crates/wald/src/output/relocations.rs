//! The `reloc.*` sections of an output that keeps its relocations: `-r` and `--emit-relocs`.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#relocation-sections>.

use hashbrown::HashMap;
use rayon::prelude::*;

use super::custom::CustomPlan;
use super::linking::OutputSymbols;
use super::CodePlan;
use crate::format::relocation::{Relocation, RelocationType};
use crate::index::{ByteRange, ObjectId};
use crate::layout::indices::OutputFunction;
use crate::layout::segments::Content;
use crate::layout::Layout;
use crate::leb128::{write_i64, write_u32, write_u64};
use crate::relocate::Relocator;
use crate::symbols::AnySymbol;

/// The relocations of a chunk, and how far their places moved.
struct Chunk {
    object: ObjectId,
    range: ByteRange,
    shift: i64,
}

/// Writes relocation entries.
pub(super) struct Emitter<'a> {
    pub(super) layout: &'a Layout<'a>,
    pub(super) relocator: &'a Relocator<'a>,
    pub(super) symbols: &'a OutputSymbols,
    /// Position among the output's custom sections of each section that came with an object.
    pub(super) section_of: &'a HashMap<(ObjectId, u32), usize>,
}

impl Emitter<'_> {
    /// `reloc.CODE`.
    pub(super) fn code(&self, section: usize, code: &CodePlan) -> Option<Vec<u8>> {
        let functions = self.layout.indices.functions.iter().zip(&code.offsets);
        let chunks = functions.filter_map(|(function, &offset)| match *function {
            OutputFunction::Synthetic(_) => None,
            OutputFunction::Input(object, index) => {
                let parsed = self.layout.program.objects[object.at()].object();
                let function = &parsed.functions[index as usize];
                let shift = i64::from(offset) - i64::from(function.offset_base);
                Some(Chunk { object, range: function.relocations, shift })
            }
        });
        self.section(section, chunks.collect(), true)
    }

    /// `reloc.DATA`. `headers` has the offset in the section of each segment's header, and its size.
    pub(super) fn data(&self, section: usize, headers: &HashMap<u32, (u64, u64)>) -> Option<Vec<u8>> {
        let mut chunks = Vec::new();
        for (number, segment) in self.layout.segments.list.iter().enumerate() {
            let Some(&(offset, header)) = headers.get(&(number as u32)) else { continue };
            for part in &segment.parts {
                if let Content::Input(object, index) = part.content {
                    let parsed = self.layout.program.objects[object.at()].object();
                    let input = &parsed.segments[index as usize];
                    let shift = (offset + header + part.offset) as i64 - i64::from(input.offset_base);
                    chunks.push(Chunk { object, range: input.relocations, shift });
                }
            }
        }
        self.section(section, chunks, true)
    }

    /// The relocations of a custom section.
    pub(super) fn custom(&self, section: usize, plan: &CustomPlan) -> Option<Vec<u8>> {
        if plan.is_merged() {
            return None;
        }
        let chunk = |&(object, index, offset): &(ObjectId, u32, u64)| {
            let parsed = self.layout.program.objects[object.at()].object();
            Chunk { object, range: parsed.custom_sections[index as usize].relocations, shift: offset as i64 }
        };
        self.section(section, plan.inputs.iter().map(chunk).collect(), false)
    }

    /// A whole section. With `count_dead` the number in front says how many relocations the chunks have, and not how many
    /// follow: as with wasm-ld.
    fn section(&self, section: usize, chunks: Vec<Chunk>, count_dead: bool) -> Option<Vec<u8>> {
        let pieces = chunks.par_chunks(256);
        let parts: Vec<(u64, Vec<u8>)> = pieces.map(|chunks| self.entries(chunks, count_dead)).collect();
        let count: u64 = parts.iter().map(|(count, _)| count).sum();
        if count == 0 {
            return None;
        }
        let mut out = Vec::new();
        write_u64(&mut out, section as u64);
        write_u64(&mut out, count);
        parts.iter().for_each(|(_, entries)| out.extend_from_slice(entries));
        Some(out)
    }

    fn entries(&self, chunks: &[Chunk], count_dead: bool) -> (u64, Vec<u8>) {
        let (mut count, mut out) = (0, Vec::new());
        for chunk in chunks {
            let parsed = self.layout.program.objects[chunk.object.at()].object();
            let relocator = self.relocator.of(chunk.object);
            for relocation in parsed.relocations(chunk.range) {
                let is_dead = self.is_dead(chunk.object, &relocation);
                count += u64::from(!is_dead || count_dead);
                if is_dead {
                    continue;
                }
                let index = self.index(chunk.object, &relocation);
                out.push(relocation.kind as u8);
                write_u32(&mut out, (i64::from(relocation.offset) + chunk.shift) as u32);
                write_u32(&mut out, index);
                if relocation.kind.has_addend() {
                    write_i64(&mut out, relocator.new_addend(&relocation));
                }
            }
        }
        (count, out)
    }

    /// Whether the relocation refers to what is not in the output.
    fn is_dead(&self, object: ObjectId, relocation: &Relocation) -> bool {
        let program = self.layout.program;
        match relocation.kind {
            RelocationType::TypeIndexLeb => false,
            // With garbage collection custom sections count as referred to by nothing.
            RelocationType::SectionOffsetI32 => !program.live.sections,
            _ => match program.any(object, relocation.index) {
                AnySymbol::Global(id) => !program.is_symbol_live(id),
                AnySymbol::Local(object, own) => {
                    let own = program.objects[object.at()].own(own);
                    program.is_own_live(object, own) == Some(false)
                }
            },
        }
    }

    fn index(&self, object: ObjectId, relocation: &Relocation) -> u32 {
        let indices = &self.layout.indices;
        let program = self.layout.program;
        let parsed = program.objects[object.at()].object();
        match relocation.kind {
            RelocationType::TypeIndexLeb => indices.type_of(parsed.types[relocation.index as usize]),
            RelocationType::SectionOffsetI32 => {
                let element = parsed.symbols[relocation.index as usize].element;
                let section = self.section_of.get(&(object, element)).copied();
                section.map_or(0, |section| self.symbols.of_section(section))
            }
            _ => self.symbols.index_of(program.any(object, relocation.index)),
        }
    }
}
