//! The code section: the offset of each function, and copying and patching it.

use rayon::prelude::*;

use super::window::{take, Pieces, Work, PIECE};
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::format::relocation::Encoding;
use crate::index::ObjectId;
use crate::layout::indices::OutputFunction;
use crate::layout::Layout;
use crate::leb128::{size_u64, write_u32, write_u64};
use crate::places::{self, Described, File, Place};
use crate::relocate::{Relocator, SectionOffsets, SymbolValues};

/// Where the functions go.
pub struct CodePlan {
    /// Offset of each function (of its size prefix) in the section's contents.
    pub offsets: Vec<u32>,
    /// Size of the section's contents.
    pub size: u64,
    /// With `--compress-relocations`: size of each function's body.
    compressed: Option<Vec<u32>>,
}

impl CodePlan {
    /// Adds up the functions' sizes.
    pub fn new(layout: &Layout<'_>, values: &SymbolValues) -> CodePlan {
        let functions = &layout.indices.functions;
        let compressed = layout.options.compress_relocations.then(|| compressed_sizes(layout, values));
        let size_of = |(position, function): (usize, &OutputFunction)| match (*function, &compressed) {
            (OutputFunction::Synthetic(id), _) => layout.code.bodies[id.at()].len() as u64,
            (OutputFunction::Input(..), Some(sizes)) => {
                let body = u64::from(sizes[position]);
                body + size_u64(body) as u64
            }
            (OutputFunction::Input(object, index), None) => {
                let parsed = layout.program.objects[object.at()].object();
                u64::from(parsed.functions[index as usize].range.len)
            }
        };
        let sizes: Vec<u64> = functions.par_iter().enumerate().with_min_len(4096).map(size_of).collect();
        let mut size = size_u64(functions.len() as u64) as u64;
        let mut place = |own: &u64| {
            let offset = size as u32;
            size += own;
            offset
        };
        let offsets = sizes.iter().map(&mut place).collect();
        CodePlan { offsets, size, compressed }
    }

    /// Moves the functions behind those of replaced objects, which may have other sizes.
    /// The result says by how much functions have moved, from which position on.
    pub fn update(&mut self, layout: &Layout<'_>, replaced: &[ObjectId]) -> Vec<(usize, i64)> {
        // Positions of the functions that grew or shrank, and by how much.
        let mut resized: Vec<(usize, i64)> = Vec::new();
        for &object in replaced {
            for (function, index) in layout.functions_of(object) {
                let position = (index - layout.imports.functions) as usize;
                let size = layout.program.objects[object.at()].object().functions[function].range.len;
                let grown = i64::from(size) - self.size_of(position) as i64;
                resized.extend((grown != 0).then_some((position, grown)));
            }
        }
        resized.sort_unstable();
        resized.dedup();
        let (mut shift, mut shifts) = (0, Vec::new());
        for (number, &(position, grown)) in resized.iter().enumerate() {
            shift += grown;
            let next = resized.get(number + 1).map_or(self.offsets.len(), |&(next, _)| next + 1);
            for offset in &mut self.offsets[position + 1..next] {
                *offset = offset.wrapping_add_signed(shift as i32);
            }
            shifts.push((position + 1, shift));
        }
        self.size = self.size.wrapping_add_signed(shift);
        shifts
    }

    /// Size of a function with its prefix.
    pub fn size_of(&self, position: usize) -> u64 {
        let end = self.offsets.get(position + 1).map_or(self.size, |&next| u64::from(next));
        end - u64::from(self.offsets[position])
    }

    /// Offset of a function, or the end of the last one.
    pub(super) fn offset_of(&self, position: usize) -> u64 {
        self.offsets.get(position).map_or(self.size, |&offset| u64::from(offset))
    }

    /// What precedes the functions: their number.
    pub(super) fn prefix(&self) -> Vec<u8> {
        let mut prefix = Vec::new();
        write_u64(&mut prefix, self.offsets.len() as u64);
        prefix
    }

    /// Cuts the contents into pieces.
    pub(super) fn add_pieces(&self, pieces: &mut Pieces<'_>) {
        pieces.add_bytes(self.prefix());
        self.add_functions(0..self.offsets.len(), pieces);
    }

    /// Cuts functions into pieces.
    pub(super) fn add_functions(&self, functions: std::ops::Range<usize>, pieces: &mut Pieces<'_>) {
        let mut first = functions.start;
        while first < functions.end {
            let start = self.offset_of(first);
            let is_before = |&offset: &u32| u64::from(offset) < start + PIECE;
            let last = self.offsets[..functions.end].partition_point(is_before).max(first + 1);
            pieces.add(self.offset_of(last) - start, Work::Functions(first..last));
            first = last;
        }
    }

    /// Copies and patches functions.
    pub(super) fn write(
        &self,
        layout: &Layout<'_>,
        relocator: &Relocator<'_>,
        functions: std::ops::Range<usize>,
        slice: &mut [u8],
    ) {
        let mut rest = slice;
        let mut compressed = Vec::new();
        let mut position = functions.start;
        for of_object in layout.indices.functions[functions].chunk_by(OutputFunction::is_of_same_object) {
            let OutputFunction::Input(object, _) = of_object[0] else {
                for function in of_object {
                    if let OutputFunction::Synthetic(id) = *function {
                        let body = &layout.code.bodies[id.at()];
                        take(&mut rest, body.len()).copy_from_slice(body);
                    }
                }
                position += of_object.len();
                continue;
            };
            let parsed = layout.program.objects[object.at()].object();
            let relocator = relocator.of(object);
            for index in of_object.iter().filter_map(OutputFunction::input_index) {
                let function = &parsed.functions[index];
                if let Some(sizes) = &self.compressed {
                    compressed.clear();
                    write_u32(&mut compressed, sizes[position]);
                    relocator.write_compressed(index, &mut compressed);
                    take(&mut rest, compressed.len()).copy_from_slice(&compressed);
                } else {
                    let copy = take(&mut rest, function.range.len as usize);
                    copy.copy_from_slice(function.range.of(&parsed.bytes));
                    relocator.apply_function(index, copy);
                }
                position += 1;
            }
        }
    }
}

/// Only LEB128 numbers can be made short.
pub(super) fn check_compressible(layout: &Layout<'_>, diagnostics: &mut Diagnostics) {
    if !layout.options.compress_relocations {
        return;
    }
    for function in &layout.indices.functions {
        let OutputFunction::Input(object, index) = *function else { continue };
        let linked = &layout.program.objects[object.at()];
        let parsed = linked.object();
        let function = &parsed.functions[index as usize];
        for relocation in parsed.relocations(function.relocations) {
            if matches!(relocation.kind.encoding(), Encoding::I32 | Encoding::I64) {
                let message = format!("relocation compression not supported for {}", relocation.kind.name());
                let file = File { object: parsed, path: &linked.path, candidate: None };
                let place = Place::Code { function: index as usize, offset: relocation.offset };
                let described = places::describe(&file, &[place], layout.options.demangle);
                let mut diagnostic = Diagnostic::error(Code::Relocation, message);
                for Described { location, text } in described {
                    diagnostic = diagnostic.with_location(location).with_note(text);
                }
                diagnostics.push(diagnostic);
                return;
            }
        }
    }
}

fn compressed_sizes(layout: &Layout<'_>, values: &SymbolValues) -> Vec<u32> {
    // Code refers to no offsets of code or custom sections, so none are needed here.
    let sections = SectionOffsets::default();
    let relocator = Relocator::new(layout, values, &[], &sections);
    let functions = layout.indices.functions.par_iter().with_min_len(256);
    functions
        .map(|function| match *function {
            OutputFunction::Synthetic(_) => 0,
            OutputFunction::Input(object, index) => relocator.of(object).compressed_size(index as usize),
        })
        .collect()
}
