//! The data section.

use hashbrown::HashMap;

use super::window::{take, Pieces, Work, PIECE};
use crate::format::opcode;
use crate::index::SymbolId;
use crate::layout::segments::{Content, OutputSegment, Part};
use crate::layout::Layout;
use crate::leb128::{size_u64, write_i64, write_u32, write_u64};
use crate::relocate::Relocator;

/// Size of the section's contents; `None` without a section.
pub(super) fn size(layout: &Layout<'_>) -> Option<u64> {
    let segments = || layout.segments.list.iter().filter(|segment| layout.is_in_file(segment));
    let count = segments().count();
    let size: u64 = segments().map(|s| header(layout, s).len() as u64 + s.size).sum();
    (count > 0).then(|| size_u64(count as u64) as u64 + size)
}

/// For each segment in the file: offset of its header in the section's contents, and the header's size.
pub(super) fn headers(layout: &Layout<'_>) -> HashMap<u32, (u64, u64)> {
    let in_file = |(_, segment): &(usize, &OutputSegment)| layout.is_in_file(segment);
    let segments: Vec<_> = layout.segments.list.iter().enumerate().filter(in_file).collect();
    let mut offset = size_u64(segments.len() as u64) as u64;
    let mut headers = HashMap::new();
    for (number, segment) in segments {
        let len = header(layout, segment).len() as u64;
        headers.insert(number as u32, (offset, len));
        offset += len + segment.size;
    }
    headers
}

/// The header before a segment's bytes.
fn header(layout: &Layout<'_>, segment: &OutputSegment) -> Vec<u8> {
    let mut out = Vec::new();
    if segment.is_passive {
        out.push(1);
    } else {
        out.push(0);
        let base = layout.program.well_known.memory_base;
        pointer_from(&mut out, layout, base, segment.address);
    }
    write_u64(&mut out, segment.size);
    out
}

/// A constant expression that gives an address or table index.
pub(super) fn constant_pointer(out: &mut Vec<u8>, is64: bool, value: u64) {
    if is64 {
        out.push(opcode::I64_CONST);
        write_i64(out, value as i64);
    } else {
        out.push(opcode::I32_CONST);
        write_i64(out, i64::from(value as i32));
    }
    out.push(opcode::END);
}

/// A constant expression for an address or table index, relative to `base`: the start of memory or table that the loader
/// decides. Without a `base` the value is absolute.
pub(super) fn pointer_from(out: &mut Vec<u8>, layout: &Layout<'_>, base: Option<SymbolId>, value: u64) {
    let Some(base) = base else {
        return constant_pointer(out, layout.is64(), value);
    };
    let (imports, indices) = (&layout.imports, &layout.indices);
    let program = layout.program;
    out.push(opcode::GLOBAL_GET);
    write_u32(out, indices.of_symbol(program, imports, base));
    if value != 0 {
        // An extended constant expression: <https://github.com/WebAssembly/extended-const>.
        constant_pointer(out, layout.is64(), value);
        out.pop();
        out.push(if layout.is64() { opcode::I64_ADD } else { opcode::I32_ADD });
    }
    out.push(opcode::END);
}

/// Cuts the contents into pieces.
pub(super) fn add_pieces(layout: &Layout<'_>, pieces: &mut Pieces<'_>) {
    let in_file = |segment: &OutputSegment| layout.is_in_file(segment);
    let mut prefix = Vec::new();
    write_u64(&mut prefix, layout.segments.list.iter().filter(|s| in_file(s)).count() as u64);
    pieces.add_bytes(prefix);
    for (number, segment) in layout.segments.list.iter().enumerate().filter(|(_, s)| in_file(s)) {
        pieces.add_bytes(header(layout, segment));
        let (parts, mut first, mut start) = (&segment.parts, 0, 0);
        while first < parts.len() {
            let last = parts.partition_point(|part| part.offset < start + PIECE).max(first + 1);
            let end = parts.get(last).map_or(segment.size, |part| part.offset);
            pieces.add(end - start, Work::SegmentParts(number, first..last));
            (first, start) = (last, end);
        }
        pieces.add_zeros(segment.size - start);
    }
}

fn part_size(layout: &Layout<'_>, content: &Content) -> u64 {
    match *content {
        Content::Input(object, index) => {
            u64::from(layout.program.objects[object.at()].object().segments[index as usize].data.len)
        }
        Content::Merged(merged) => layout.segments.merged[merged as usize].strings.size,
        Content::Common(_, size) => size,
    }
}

/// Copies and patches consecutive parts, up to the start of the next one.
pub(super) fn write(
    layout: &Layout<'_>,
    relocator: &Relocator<'_>,
    segment: usize,
    parts: std::ops::Range<usize>,
    slice: &mut [u8],
) {
    let segment = &layout.segments.list[segment];
    let mut position = segment.parts[parts.start].offset;
    let mut rest = slice;
    for part in &segment.parts[parts] {
        take(&mut rest, (part.offset - position) as usize).fill(0);
        let size = part_size(layout, &part.content);
        write_part(layout, relocator, segment, part, take(&mut rest, size as usize));
        position = part.offset + size;
    }
    rest.fill(0);
}

fn write_part(
    layout: &Layout<'_>,
    relocator: &Relocator<'_>,
    segment: &OutputSegment,
    part: &Part,
    slice: &mut [u8],
) {
    match part.content {
        Content::Input(object, index) => {
            let parsed = layout.program.objects[object.at()].object();
            let input = &parsed.segments[index as usize];
            slice.copy_from_slice(input.data.of(&parsed.bytes));
            let place = segment.address + part.offset;
            relocator.of(object).apply(input.relocations, input.offset_base, None, place, slice);
        }
        Content::Merged(merged) => {
            let merged = &layout.segments.merged[merged as usize];
            let text = |input: u32| {
                let (object, index) = merged.inputs[input as usize];
                let parsed = layout.program.objects[object.at()].object();
                parsed.segments[index as usize].data.of(&parsed.bytes)
            };
            merged.strings.write(text, 0..merged.strings.strings.len(), slice);
        }
        Content::Common(..) => slice.fill(0),
    }
}
