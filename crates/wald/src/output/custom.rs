//! Custom sections of the objects: those of one name become one, in the order of the objects. In debug sections
//! strings are merged and dead code gets tombstones. Coverage data are aligned.

use hashbrown::HashMap;

use super::metadata;
use super::window::{take, Pieces, Work, PIECE};
use crate::incremental::Source;
use crate::index::ObjectId;
use crate::layout::Layout;
use crate::merge_strings::MergedStrings;
use crate::object::InputSection;
use crate::relocate::{tombstone, CustomValues, Relocator, SectionOffsets};

/// A custom section of the output.
#[derive(Default)]
pub struct CustomPlan {
    /// Its name.
    pub name: Vec<u8>,
    /// Size of its contents.
    pub size: u64,
    /// Objects' sections: object, custom section, offset.
    pub inputs: Vec<(ObjectId, u32, u64)>,
    parts: Vec<Part>,
}

#[derive(Clone, Copy)]
enum Part {
    /// Position in the inputs.
    Input(usize),
    /// A range of the strings of this merge, and its end in the output.
    Strings { merge: usize, first: usize, last: usize, end: u64 },
}

/// Where the objects' sections of this name may begin. Custom sections have no alignment of their own, but the readers of
/// LLVM's coverage data step through records that are aligned like this.
fn alignment(name: &[u8]) -> u64 {
    match name {
        b"__llvm_covfun" | b"__llvm_covmap" => 8,
        _ => 1,
    }
}

/// Merged strings by the name of the section.
type NamedStrings = Vec<(Vec<u8>, MergedStrings)>;

/// Takes the merged strings out of an earlier plan.
pub(super) fn take_strings(plans: &[CustomPlan], offsets: &mut SectionOffsets) -> NamedStrings {
    let merged = plans.iter().filter_map(|plan| match plan.parts.first() {
        Some(&Part::Strings { merge, .. }) => {
            Some((plan.name.clone(), std::mem::take(&mut offsets.merged[merge])))
        }
        _ => None,
    });
    merged.collect()
}

/// Collects the sections by name and gives each its place. Strings that are already `merged` are taken from there.
pub(super) fn plan(layout: &Layout<'_>, mut merged: NamedStrings) -> (Vec<CustomPlan>, SectionOffsets) {
    let options = layout.options;
    let strip_debug = options.strip_debug || options.strip_all;
    let mut by_name: HashMap<&[u8], usize> = HashMap::new();
    let mut plans: Vec<CustomPlan> = Vec::new();
    for (position, linked) in layout.program.objects.iter().enumerate() {
        if !linked.properties.has_custom_sections {
            continue;
        }
        for (index, section) in linked.object().custom_sections.iter().enumerate() {
            let name = section.name.of(&linked.object().bytes);
            let unwanted = InputSection::is_consumed(name)
                || strip_debug && name.starts_with(b".debug_")
                || metadata::is_merged(layout, name);
            // Strip tools leave empty sections so as not to renumber the others.
            if unwanted || section.data.len == 0 || linked.is_discarded(section.comdat) {
                continue;
            }
            let slot = *by_name.entry(name).or_insert_with(|| {
                plans.push(CustomPlan { name: name.to_vec(), ..CustomPlan::default() });
                plans.len() - 1
            });
            plans[slot].inputs.push((ObjectId::new(position), index as u32, 0));
        }
    }
    let count = layout.program.chunks.sections.total();
    let mut offsets =
        SectionOffsets { offsets: vec![0; count], merged_inputs: vec![None; count], merged: Vec::new() };
    for plan in &mut plans {
        let known = merged.iter().position(|(name, _)| *name == plan.name);
        let strings = known.map(|position| merged.swap_remove(position).1);
        plan.place(layout, strings, &mut offsets);
    }
    (plans, offsets)
}

impl CustomPlan {
    fn place(&mut self, layout: &Layout<'_>, strings: Option<MergedStrings>, offsets: &mut SectionOffsets) {
        if InputSection::is_mergeable(layout.options, &self.name) {
            let strings = strings.unwrap_or_else(|| self.merge(layout));
            self.place_strings(layout, strings, offsets);
            return;
        }
        let alignment = alignment(&self.name);
        for (position, (object, index, offset)) in self.inputs.iter_mut().enumerate() {
            let section = &layout.program.objects[object.at()].object().custom_sections[*index as usize];
            *offset = self.size.next_multiple_of(alignment);
            offsets.offsets[layout.program.chunks.sections.of(*object, *index as usize)] = *offset as u32;
            self.size = *offset + u64::from(section.data.len);
            self.parts.push(Part::Input(position));
        }
    }

    fn merge(&self, layout: &Layout<'_>) -> MergedStrings {
        let source = |&(object, section, _): &(ObjectId, u32, u64)| {
            let object = layout.program.objects[object.at()].shared_object().clone();
            Source { object, section }
        };
        let sources: Vec<Source> = self.inputs.iter().map(source).collect();
        layout.strings.merge(&self.name, &sources)
    }

    fn place_strings(&mut self, layout: &Layout<'_>, strings: MergedStrings, offsets: &mut SectionOffsets) {
        self.size = strings.size;
        let merge = offsets.merged.len();
        for (input, &(object, index, _)) in self.inputs.iter().enumerate() {
            offsets.merged_inputs[layout.program.chunks.sections.of(object, index as usize)] =
                Some((merge as u32, input as u32));
        }
        let mut first = 0;
        while first < strings.strings.len() {
            let end = u64::from(strings.strings[first].offset) + PIECE;
            let last = strings.strings.partition_point(|s| u64::from(s.offset) < end).max(first + 1);
            let end = strings.strings.get(last).map_or(strings.size, |next| u64::from(next.offset));
            self.parts.push(Part::Strings { merge, first, last, end });
            first = last;
        }
        offsets.merged.push(strings);
    }

    /// Whether there may be gaps between the inputs.
    pub(super) fn is_aligned(&self) -> bool {
        alignment(&self.name) > 1
    }

    /// Whether the inputs' strings were merged, so that their offsets have changed.
    pub(super) fn is_merged(&self) -> bool {
        matches!(self.parts.first(), Some(Part::Strings { .. }))
    }

    /// The merged strings, if the inputs' strings were merged.
    pub fn merged<'o>(&self, offsets: &'o SectionOffsets) -> Option<&'o MergedStrings> {
        match self.parts.first() {
            Some(&Part::Strings { merge, .. }) => offsets.merged.get(merge),
            _ => None,
        }
    }

    /// Cuts the contents into pieces.
    pub(super) fn add_pieces(&self, number: usize, pieces: &mut Pieces<'_>) {
        let (mut first, mut start) = (0, 0);
        while first < self.parts.len() {
            let ends_before = |part: &Part| self.end(part) < start + PIECE;
            let last = self.parts.partition_point(ends_before).max(first) + 1;
            let last = last.min(self.parts.len());
            let end = self.end(&self.parts[last - 1]);
            pieces.add(end - start, Work::CustomParts(number, first..last));
            (first, start) = (last, end);
        }
    }

    /// Where a part ends in the contents.
    fn end(&self, part: &Part) -> u64 {
        match part {
            Part::Input(input) => self.inputs.get(input + 1).map_or(self.size, |next| next.2),
            Part::Strings { end, .. } => *end,
        }
    }

    /// Copies and patches parts that follow each other.
    pub(super) fn write(
        &self,
        layout: &Layout<'_>,
        relocator: &Relocator<'_>,
        values: (&CustomValues, &SectionOffsets),
        parts: std::ops::Range<usize>,
        slice: &mut [u8],
    ) {
        let mut rest = slice;
        let mut start = parts.start.checked_sub(1).map_or(0, |before| self.end(&self.parts[before]));
        for part in parts {
            let end = self.end(&self.parts[part]);
            self.write_part(layout, relocator, values, part, take(&mut rest, (end - start) as usize));
            start = end;
        }
    }

    fn write_part(
        &self,
        layout: &Layout<'_>,
        relocator: &Relocator<'_>,
        (values, offsets): (&CustomValues, &SectionOffsets),
        part: usize,
        slice: &mut [u8],
    ) {
        match self.parts[part] {
            Part::Input(input) => {
                let (object, index, _) = self.inputs[input];
                let parsed = layout.program.objects[object.at()].object();
                let section = &parsed.custom_sections[index as usize];
                let (copy, gap) = slice.split_at_mut(section.data.len as usize);
                copy.copy_from_slice(section.data.of(&parsed.bytes));
                gap.fill(0);
                relocator.of(object).apply_custom(values, index as usize, tombstone(&self.name), copy);
            }
            Part::Strings { merge, first, last, .. } => {
                let text = |input: u32| {
                    let (object, index, _) = self.inputs[input as usize];
                    let parsed = layout.program.objects[object.at()].object();
                    parsed.custom_sections[index as usize].data.of(&parsed.bytes)
                };
                offsets.merged[merge].write(text, first..last, slice);
            }
        }
    }

    /// Patches a part that the last output had, with what symbols resolved to then and now.
    pub(super) fn patch_moved(
        &self,
        layout: &Layout<'_>,
        relocator: &Relocator<'_>,
        (old, new): (&CustomValues, &CustomValues),
        input: usize,
        slice: &mut [u8],
    ) {
        let (object, index, _) = self.inputs[input];
        let section = &layout.program.objects[object.at()].object().custom_sections[index as usize];
        let bytes = &mut slice[..section.data.len as usize];
        relocator.of(object).apply_custom_again((old, new), index as usize, tombstone(&self.name), bytes);
    }
}
