//! Output data segments: which input segments go into which, in which order, at which offset.

use hashbrown::HashMap;

use crate::chunks::Chunks;
use crate::index::ObjectId;
use crate::mark_live::Liveness;
use crate::merge_strings::{self, MergedStrings};
use crate::object::{InputSegment, SegmentFamily};
use crate::options::Options;
use crate::symbols::SymbolTable;

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
    /// It holds only zeros and is left out of the file where memory starts out zeroed.
    pub is_bss: bool,
    /// It is thread-local.
    pub is_tls: bool,
    /// It is copied into memory by code, not when the module is instantiated.
    pub is_passive: bool,
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
    /// Place of each input segment, by [`Chunks::segments`].
    pub places: Vec<Place>,
    /// Merged strings and where their inputs come from.
    pub merged: Vec<Merged>,
}

/// Strings of several input segments.
#[derive(Debug)]
pub struct Merged {
    /// The input segments.
    pub inputs: Vec<(ObjectId, u32)>,
    /// Alignment as a power of two.
    alignment: u32,
    /// The result.
    pub strings: MergedStrings,
}

impl Segments {
    /// Segment and offset in it of a byte of an input segment; `None` where the segment is not in the output.
    pub fn locate(&self, flat: usize, offset: u64) -> Option<(&OutputSegment, u64)> {
        let place = &self.places[flat];
        let segment = self.list.get(place.segment as usize)?;
        let inside = match place.merged {
            Some((merged, input)) => {
                self.merged[merged as usize].strings.output_offset(input as usize, offset)
            }
            None => offset,
        };
        Some((segment, place.offset + inside))
    }

    /// The thread-local segment.
    pub fn tls(&self) -> Option<&OutputSegment> {
        self.list.iter().find(|segment| segment.is_tls)
    }
}

/// The name of the output segment that an input segment goes to, where that is not its own.
fn output_name(options: &Options, segment: &InputSegment) -> Option<&'static [u8]> {
    // All thread-local data is in one segment, so that it is addressed from one base.
    if segment.is_tls() {
        return Some(b".tdata");
    }
    segment.family.name().filter(|_| options.merge_data_segments)
}

/// Puts all live segments into output segments.
pub fn create(options: &Options, symbols: &SymbolTable, chunks: &Chunks, live: &Liveness) -> Segments {
    let mut by_name: HashMap<&[u8], usize> = HashMap::new();
    // Nearly all segments go to a few output segments: no name is looked at for them.
    let mut by_family: [Option<usize>; SegmentFamily::COUNT] = [None; SegmentFamily::COUNT];
    let mut list: Vec<(OutputSegment, Vec<(ObjectId, u32)>)> = Vec::new();
    for (position, linked) in symbols.objects.iter().enumerate() {
        let id = ObjectId::new(position);
        for (index, segment) in linked.object().segments.iter().enumerate() {
            if !live.segments.contains(chunks.segments.of(id, index)) {
                continue;
            }
            let of_family = output_name(options, segment);
            let family = of_family.filter(|_| !segment.is_tls()).map(|_| segment.family as usize);
            let known = family.and_then(|family| by_family[family]);
            let slot = known.unwrap_or_else(|| {
                let name = of_family.unwrap_or_else(|| segment.name.of(&linked.object().bytes));
                *by_name.entry(name).or_insert_with(|| {
                    let output = OutputSegment {
                        name: name.to_vec(),
                        is_bss: name.starts_with(b".bss"),
                        is_tls: name == b".tdata",
                        is_passive: options.shared_memory,
                        ..OutputSegment::default()
                    };
                    list.push((output, Vec::new()));
                    list.len() - 1
                })
            });
            if let Some(family) = family {
                by_family[family] = Some(slot);
            }
            let (output, inputs) = &mut list[slot];
            output.alignment = output.alignment.max(segment.alignment);
            inputs.push((id, index as u32));
        }
    }
    list.sort_by_key(|(segment, _)| rank(&segment.name));
    let nowhere = Place { segment: Place::NOWHERE, offset: 0, merged: None };
    let mut segments =
        Segments { list: Vec::new(), places: vec![nowhere; chunks.segments.total()], merged: Vec::new() };
    for (output, inputs) in list {
        place_inputs(options, symbols, chunks, &mut segments, output, &inputs);
    }
    segments
}

fn rank(name: &[u8]) -> u32 {
    let ranks: [(&[u8], u32); 4] = [(b".tdata", 0), (b".rodata", 1), (b".data", 2), (b".bss", 4)];
    ranks.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or(3, |&(_, rank)| rank)
}

fn place_inputs(
    options: &Options,
    symbols: &SymbolTable,
    chunks: &Chunks,
    segments: &mut Segments,
    mut output: OutputSegment,
    inputs: &[(ObjectId, u32)],
) {
    let number = segments.list.len() as u32;
    let first_merged = segments.merged.len();
    let mut alike: HashMap<(u32, u32), usize> = HashMap::new();
    let mut parts = Vec::new();
    for &(object, index) in inputs {
        let segment = &symbols.objects[object.at()].object().segments[index as usize];
        if !segment.is_mergeable(options) {
            parts.push(Content::Input(object, index));
            continue;
        }
        let (alignment, flags) = (segment.alignment, segment.flags);
        let position = *alike.entry((alignment, flags)).or_insert_with(|| {
            parts.push(Content::Merged(segments.merged.len() as u32));
            segments.merged.push(Merged { inputs: Vec::new(), alignment, strings: MergedStrings::default() });
            segments.merged.len() - 1
        });
        segments.merged[position].inputs.push((object, index));
    }
    for merged in &mut segments.merged[first_merged..] {
        merge(symbols, merged);
    }
    let mut size = 0u64;
    for content in parts {
        match content {
            Content::Input(object, index) => {
                let segment = &symbols.objects[object.at()].object().segments[index as usize];
                let offset = size.next_multiple_of(1 << segment.alignment);
                output.parts.push(Part { offset, content });
                size = offset + u64::from(segment.data.len);
                segments.places[chunks.segments.of(object, index as usize)] =
                    Place { segment: number, offset, merged: None };
            }
            Content::Merged(position) => {
                let merged = &segments.merged[position as usize];
                let offset = size.next_multiple_of(1 << merged.alignment);
                output.parts.push(Part { offset, content });
                size = offset + merged.strings.size;
                for (input, &(object, index)) in merged.inputs.iter().enumerate() {
                    segments.places[chunks.segments.of(object, index as usize)] =
                        Place { segment: number, offset, merged: Some((position, input as u32)) };
                }
            }
        }
    }
    output.size = size;
    segments.list.push(output);
}

fn merge(symbols: &SymbolTable, merged: &mut Merged) {
    let input = |&(object, index): &(ObjectId, u32)| {
        let parsed = symbols.objects[object.at()].object();
        parsed.segments[index as usize].data.of(&parsed.bytes)
    };
    let inputs: Vec<&[u8]> = merged.inputs.iter().map(input).collect();
    // That strings are terminated was checked: one that is not would stay as it is.
    merged.strings = merge_strings::merge(&inputs, 1 << merged.alignment).unwrap_or_default();
}
