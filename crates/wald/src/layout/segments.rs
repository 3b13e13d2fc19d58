//! Output data segments: which input segments go into which, in which order, at which offset.

use hashbrown::HashMap;
use rayon::prelude::*;

use crate::format::segment_flags;
use crate::index::{ObjectId, SymbolId};
use crate::merge_strings::{self, MergedStrings};
use crate::object::{InputSegment, Object, SegmentFamily};
use crate::options::Options;
use crate::program::Program;
use crate::symbols::Common;

/// A data segment of the output.
#[derive(Debug, Default)]
pub struct OutputSegment {
    /// Its name.
    pub name: Vec<u8>,
    /// Alignment as a power of two.
    pub alignment: u32,
    /// How many bytes.
    pub size: u64,
    /// Where it is in memory.
    pub address: u64,
    /// It has only zeros, and is left out of the file if memory is zero at the start.
    pub is_bss: bool,
    /// It is thread-local.
    pub is_tls: bool,
    /// It is copied into memory by code, not when the module is instantiated.
    pub is_passive: bool,
    /// What a relocatable object says of it in its `linking` section: [`segment_flags`], without that for thread-local data.
    pub flags: u32,
    /// What it is made of.
    pub parts: Vec<Part>,
}

/// A part of an output segment.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Where it starts in the output segment.
    pub offset: u64,
    /// What it is.
    pub content: Content,
}

/// What a part is.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// An object's segment.
    Input(ObjectId, u32),
    /// Merged strings, by position in [`Segments::merged`].
    Merged(u32),
    /// Common data: the symbol, and its size.
    Common(SymbolId, u64),
}

/// Where an input segment went.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Position in [`Segments::list`], or [`Place::NOWHERE`].
    pub segment: u32,
    /// Offset in it; for merged strings the offset of all of them.
    pub offset: u64,
    /// For merged strings: position in [`Segments::merged`] and among its inputs.
    pub merged: Option<(u32, u32)>,
}

impl Place {
    /// The segment of what is not in the output.
    pub const NOWHERE: u32 = u32::MAX;
}

/// All output segments.
#[derive(Debug, Default)]
pub struct Segments {
    /// In the order of the output.
    pub list: Vec<OutputSegment>,
    /// Place of each input segment, by [`Chunks::segments`](crate::chunks::Chunks::segments).
    pub places: Vec<Place>,
    /// Merged strings and their inputs.
    pub merged: Vec<Merged>,
    /// Segment and offset of common data.
    pub commons: HashMap<SymbolId, (u32, u64)>,
    /// Address and size of each segment as it was placed, whether or not it was combined with others since.
    pub bounds: Vec<(u64, u64)>,
}

/// Strings of several input segments.
#[derive(Debug)]
pub struct Merged {
    /// The name of the segment that they were put into, which may be part of another since.
    pub name: Vec<u8>,
    /// The input segments.
    pub inputs: Vec<(ObjectId, u32)>,
    /// The result.
    pub strings: MergedStrings,
}

impl Segments {
    /// Segment and offset in it of a byte of an input segment; `None` if the segment is not in the output.
    pub fn locate(&self, program: Program<'_>, flat: usize, offset: u64) -> Option<(&OutputSegment, u64)> {
        let place = &self.places[flat];
        let segment = self.list.get(place.segment as usize)?;
        let inside = match place.merged {
            Some((merged, input)) => {
                let merged = &self.merged[merged as usize];
                let (object, index) = merged.inputs[input as usize];
                let parsed = program.objects[object.at()].object();
                let strings = parsed.strings().of_segment(index as usize);
                merged.strings.output_offset(input as usize, parsed, strings, offset)
            }
            None => offset,
        };
        Some((segment, place.offset + inside))
    }

    /// Address of common data; 0 if they are not in the output.
    pub fn common_address(&self, id: SymbolId) -> u64 {
        self.commons.get(&id).map_or(0, |&(segment, offset)| self.list[segment as usize].address + offset)
    }

    /// Makes one segment of all that are in the file, with the gaps that they have in memory. The loader decides where memory
    /// begins, and without extended constant expressions only one segment can be placed there.
    pub fn combine(mut self, is_in_file: impl Fn(&OutputSegment) -> bool) -> Self {
        if self.list.len() <= 1 {
            return self;
        }
        let start = self.list[0].address;
        let mut combined =
            OutputSegment { name: b".data".to_vec(), address: start, ..OutputSegment::default() };
        let (mut numbers, mut rest) = (Vec::new(), Vec::new());
        for mut segment in std::mem::take(&mut self.list) {
            if !is_in_file(&segment) {
                rest.push(segment);
                numbers.push((rest.len() as u32, 0));
                continue;
            }
            let shift = segment.address - start;
            numbers.push((0, shift));
            combined.alignment = combined.alignment.max(segment.alignment);
            combined.size = shift + segment.size;
            for part in &mut segment.parts {
                part.offset += shift;
            }
            combined.parts.append(&mut segment.parts);
        }
        self.list = std::iter::once(combined).chain(rest).collect();
        for place in self.places.iter_mut().filter(|place| place.segment != Place::NOWHERE) {
            let (number, shift) = numbers[place.segment as usize];
            place.segment = number;
            place.offset += shift;
        }
        for place in self.commons.values_mut() {
            let (number, shift) = numbers[place.0 as usize];
            *place = (number, place.1 + shift);
        }
        self
    }

    /// The thread-local segment.
    pub fn tls(&self) -> Option<&OutputSegment> {
        self.list.iter().find(|segment| segment.is_tls)
    }
}

/// The name of the output segment for an input segment, if it is not its own.
fn output_name(options: &Options, segment: &InputSegment) -> Option<&'static [u8]> {
    // All thread-local data is in one segment, so that it is addressed from one base.
    if segment.is_tls() {
        return Some(b".tdata");
    }
    segment.family.name().filter(|_| options.merge_data_segments)
}

/// Whether an input segment must stay by itself: the next link takes a comdat group or leaves it.
fn is_alone(options: &Options, segment: &InputSegment) -> bool {
    options.is_relocatable() && segment.comdat != crate::object::NONE
}

/// The flags that a relocatable object hands on. Segments that differ in them stay apart: none may be taken for strings, or
/// be kept, because of another. That data are thread-local follows from the name.
fn output_flags(options: &Options, segment: &InputSegment) -> u32 {
    match options.is_relocatable() {
        true => segment.flags & !segment_flags::TLS,
        false => 0,
    }
}

/// An input segment that is in the output: all that placing it takes.
struct Input {
    object: ObjectId,
    index: u32,
    len: u32,
    alignment: u32,
    /// Strings that are merged with those of segments with the same flags.
    merge_flags: Option<u32>,
}

/// An output segment and its inputs.
struct GatheredSegment<'a> {
    name: &'a [u8],
    flags: u32,
    /// It is of one input alone.
    is_alone: bool,
    inputs: Vec<Input>,
}

/// Output segments and their inputs, in the order of first appearance.
#[derive(Default)]
struct Gathered<'a> {
    list: Vec<GatheredSegment<'a>>,
    /// By name and flags.
    by_name: HashMap<(&'a [u8], u32), usize>,
    /// Nearly all segments go to a few output segments: no name is looked at for them.
    by_family: [Option<usize>; SegmentFamily::COUNT],
}

impl<'a> Gathered<'a> {
    fn slot(&mut self, name: &'a [u8], flags: u32) -> usize {
        *self.by_name.entry((name, flags)).or_insert_with(|| {
            self.list.push(GatheredSegment { name, flags, is_alone: false, inputs: Vec::new() });
            self.list.len() - 1
        })
    }

    fn add(&mut self, options: &Options, parsed: &'a Object, object: ObjectId, index: usize) {
        let segment = &parsed.segments[index];
        let of_family = output_name(options, segment);
        let flags = output_flags(options, segment);
        let has_plain_name = !segment.is_tls() && flags == 0;
        let family = of_family.filter(|_| has_plain_name).map(|_| segment.family as usize);
        if is_alone(options, segment) {
            let name = of_family.unwrap_or_else(|| segment.name.of(&parsed.bytes));
            let (len, alignment) = (segment.data.len, segment.alignment);
            let input = Input { object, index: index as u32, len, alignment, merge_flags: None };
            return self.list.push(GatheredSegment { name, flags, is_alone: true, inputs: vec![input] });
        }
        let slot = family.and_then(|family| self.by_family[family]).unwrap_or_else(|| {
            let slot = self.slot(of_family.unwrap_or_else(|| segment.name.of(&parsed.bytes)), flags);
            if let Some(family) = family {
                self.by_family[family] = Some(slot);
            }
            slot
        });
        let merge_flags = segment.is_mergeable(options).then_some(segment.flags);
        let (len, alignment) = (segment.data.len, segment.alignment);
        self.list[slot].inputs.push(Input { object, index: index as u32, len, alignment, merge_flags });
    }
}

/// How many objects one thread gathers at a time.
const OBJECTS: usize = 64;

/// Puts all live segments into output segments.
pub fn create(options: &Options, program: Program<'_>) -> Segments {
    let blocks: Vec<Gathered<'_>> = program
        .objects
        .par_chunks(OBJECTS)
        .enumerate()
        .map(|(block, objects)| {
            let mut gathered = Gathered::default();
            for (position, linked) in objects.iter().enumerate() {
                let object = ObjectId::new(block * OBJECTS + position);
                for index in 0..linked.object().segments.len() {
                    if program.live.segments.contains(program.chunks.segments.of(object, index)) {
                        gathered.add(options, linked.object(), object, index);
                    }
                }
            }
            gathered
        })
        .collect();
    let mut all = Gathered::default();
    for segment in blocks.into_iter().flat_map(|block| block.list) {
        if segment.is_alone {
            all.list.push(segment);
            continue;
        }
        let slot = all.slot(segment.name, segment.flags);
        all.list[slot].inputs.extend(segment.inputs);
    }
    let commons = live_commons(options, program);
    let of_commons = SegmentFamily::Bss.name().filter(|_| options.merge_data_segments).unwrap_or(COMMONS);
    if !commons.is_empty() {
        all.slot(of_commons, 0);
    }
    all.list.sort_by_key(|segment| rank(segment.name));
    let nowhere = Place { segment: Place::NOWHERE, offset: 0, merged: None };
    let mut segments =
        Segments { places: vec![nowhere; program.chunks.segments.total()], ..Segments::default() };
    for GatheredSegment { name, flags, inputs, .. } in &all.list {
        let output = OutputSegment {
            name: name.to_vec(),
            alignment: inputs.iter().map(|input| input.alignment).max().unwrap_or(0),
            is_bss: name.starts_with(b".bss") && !options.is_relocatable(),
            is_tls: *name == b".tdata",
            is_passive: options.shared_memory || options.cooperative_threading && *name == b".tdata",
            flags: *flags,
            ..OutputSegment::default()
        };
        let commons = if *name == of_commons { &commons[..] } else { &[] };
        place_inputs(program, &mut segments, output, inputs);
        place_commons(&mut segments, commons);
    }
    segments
}

/// The segment of common data, if segments are not merged.
const COMMONS: &[u8] = b".bss.common";

/// The common data that are in the output, in the order in which their names first appeared. A relocatable object
/// hands them on.
fn live_commons(options: &Options, program: Program<'_>) -> Vec<(SymbolId, Common)> {
    let is_here = |id: SymbolId| program.get(id).is_common() && program.is_symbol_live(id);
    let all = program.commons().iter().map(|(&id, &common)| (id, common));
    let mut list: Vec<_> = all.filter(|&(id, _)| !options.is_relocatable() && is_here(id)).collect();
    list.sort_by_key(|&(id, _)| id.at());
    list
}

/// Puts common data at the end of the last segment.
fn place_commons(segments: &mut Segments, commons: &[(SymbolId, Common)]) {
    let number = segments.list.len() as u32 - 1;
    let Some(output) = segments.list.last_mut() else { return };
    for &(id, Common { size, alignment }) in commons {
        let offset = output.size.next_multiple_of(1 << alignment);
        output.parts.push(Part { offset, content: Content::Common(id, size) });
        output.size = offset + size;
        output.alignment = output.alignment.max(alignment);
        segments.commons.insert(id, (number, offset));
    }
}

fn rank(name: &[u8]) -> u32 {
    let ranks: [(&[u8], u32); 4] = [(b".tdata", 0), (b".rodata", 1), (b".data", 2), (b".bss", 4)];
    ranks.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or(3, |&(_, rank)| rank)
}

fn place_inputs(program: Program<'_>, segments: &mut Segments, mut output: OutputSegment, inputs: &[Input]) {
    let number = segments.list.len() as u32;
    // The strings take the place of the first of their inputs.
    let first_merged = segments.merged.len();
    let mut alike: HashMap<u32, usize> = HashMap::new();
    for input in inputs {
        let Some(flags) = input.merge_flags else { continue };
        let position = *alike.entry(flags).or_insert_with(|| {
            let name = output.name.clone();
            segments.merged.push(Merged { name, inputs: Vec::new(), strings: MergedStrings::default() });
            segments.merged.len() - 1
        });
        segments.merged[position].inputs.push((input.object, input.index));
    }
    for merged in &mut segments.merged[first_merged..] {
        merged.merge(program);
    }
    let mut size = 0u64;
    output.parts.reserve(inputs.len());
    for input in inputs {
        match input.merge_flags {
            None => {
                let offset = size.next_multiple_of(1 << input.alignment);
                output.parts.push(Part { offset, content: Content::Input(input.object, input.index) });
                size = offset + u64::from(input.len);
                segments.places[program.chunks.segments.of(input.object, input.index as usize)] =
                    Place { segment: number, offset, merged: None };
            }
            Some(flags) => {
                let Some(position) = alike.remove(&flags) else { continue };
                let merged = &segments.merged[position];
                let offset = size;
                output.parts.push(Part { offset, content: Content::Merged(position as u32) });
                size = offset + merged.strings.size;
                for (input, &(object, index)) in merged.inputs.iter().enumerate() {
                    segments.places[program.chunks.segments.of(object, index as usize)] =
                        Place { segment: number, offset, merged: Some((position as u32, input as u32)) };
                }
            }
        }
    }
    output.size = size;
    segments.list.push(output);
}

impl Merged {
    fn merge(&mut self, program: Program<'_>) {
        let input = |&(object, index): &(ObjectId, u32)| {
            let parsed = program.objects[object.at()].object();
            let (position, strings) = (index as usize, parsed.strings());
            (strings.of(strings.of_segment(position)), parsed.segments[position].data.of(&parsed.bytes))
        };
        let inputs: Vec<_> = self.inputs.par_iter().with_min_len(256).map(input).collect();
        self.strings = merge_strings::merge(&inputs);
    }
}
