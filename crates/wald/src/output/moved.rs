//! Makes an output out of the last one, in its memory: what stayed the same is moved, and only the rest is made again.
//!
//! The plan is that of the last link, adapted to replaced objects ([`Replaced`](super::Replaced)). No index and no address has changed, so the code and the
//! data of all other objects are the same bytes. Their debug information also contains places in the code section; it is the same if
//! what the object's symbols resolve to there is the same.

use std::ops::Range;

use super::custom::CustomPlan;
use super::data;
use super::plan::{Body, Origin, Plan};
use super::window::{Pieces, Work, PIECE};
use crate::format::HEADER;
use crate::index::ObjectId;
use crate::layout::segments::{Content, Part};
use crate::layout::Layout;
use crate::relocate::{CustomValues, SectionOffsets};

/// The bytes of the last output, and what they depend on.
#[derive(Default)]
pub struct KeptOutput {
    /// The bytes. Empty if they are not known.
    pub(super) bytes: Vec<u8>,
    /// What symbols resolved to in custom sections.
    pub(super) values: CustomValues,
}

/// All of the output in pieces, of which some are in the last one.
pub(super) fn pieces<'p>(
    layout: &'p Layout<'_>,
    plan: &'p Plan,
    origin: &Origin,
    (old, new): (&CustomValues, &CustomValues),
    add_other: impl Fn(&'p Body, &mut Pieces<'p>),
) -> Pieces<'p> {
    let mut pieces = Pieces::default();
    pieces.add_bytes(&HEADER[..]);
    for section in &plan.sections {
        pieces.add_bytes(&section.header);
        match &section.body {
            Body::Code => add_code(layout, plan, origin, &mut pieces),
            Body::Data => add_data(layout, origin, &mut pieces),
            Body::Custom(number) => {
                let is_same = |object: ObjectId| !origin.is_replaced(object) && old.is_same(new, object);
                let of_section = (*number, &plan.custom[*number], &plan.section_offsets);
                add_custom(layout, of_section, origin, is_same, &mut pieces);
            }
            Body::Names => {
                let names = plan.names.iter();
                names.for_each(|names| {
                    names.add_pieces_again(origin.names, &origin.names_changed, &mut pieces)
                });
            }
            body => add_other(body, &mut pieces),
        }
        debug_assert_eq!(pieces.size(), section.end());
    }
    pieces
}

fn add_code<'p>(layout: &'p Layout<'_>, plan: &'p Plan, origin: &Origin, pieces: &mut Pieces<'p>) {
    let start = pieces.size();
    pieces.add_bytes(plan.code.prefix());
    let mut changed: Vec<usize> = Vec::new();
    for &object in &origin.replaced {
        changed.extend(
            layout.functions_of(object).map(|(_, index)| (index - layout.imports.functions) as usize),
        );
    }
    changed.sort_unstable();
    let mut position = 0;
    for run in changed.chunk_by(|a, b| a + 1 == *b) {
        add_moved_code(plan, origin, position..run[0], pieces);
        position = run[0] + run.len();
        plan.code.add_functions(run[0]..position, pieces);
    }
    add_moved_code(plan, origin, position..plan.code.offsets.len(), pieces);
    debug_assert_eq!(pieces.size() - start, plan.code.size);
}

/// Functions between those of replaced objects: all have moved by the same distance.
fn add_moved_code(plan: &Plan, origin: &Origin, functions: Range<usize>, pieces: &mut Pieces<'_>) {
    if functions.is_empty() {
        return;
    }
    let start = plan.code.offset_of(functions.start);
    let before = origin.shifts.partition_point(|&(position, _)| position <= functions.start);
    let shift = before.checked_sub(1).map_or(0, |last| origin.shifts[last].1);
    let size = plan.code.offset_of(functions.end) - start;
    pieces.add_kept(size, (origin.code + start).wrapping_add_signed(-shift));
}

/// All data are where they were in the section.
fn add_data<'p>(layout: &'p Layout<'_>, origin: &Origin, pieces: &mut Pieces<'p>) {
    let start = pieces.size();
    let mut all = Pieces::default();
    data::add_pieces(layout, &mut all);
    let is_same = |part: &Part| match part.content {
        Content::Input(object, _) => {
            let parsed = layout.program.objects[object.at()].object();
            // Where functions are may have changed.
            !parsed.data_knows_code && !origin.is_replaced(object)
        }
        Content::Merged(_) | Content::Common(..) => true,
    };
    pieces.add_all(all, |work, offset| match work {
        Work::SegmentParts(segment, parts) => {
            let parts = &layout.segments.list[*segment].parts[parts.clone()];
            parts.iter().all(is_same).then_some(origin.data + offset - start)
        }
        _ => None,
    });
}

fn add_custom<'p>(
    layout: &'p Layout<'_>,
    (number, plan, offsets): (usize, &'p CustomPlan, &SectionOffsets),
    origin: &Origin,
    is_same: impl Fn(ObjectId) -> bool,
    pieces: &mut Pieces<'p>,
) {
    let old = origin.custom.iter().find(|(name, _)| *name == plan.name).map(|&(_, start)| start);
    // Strings may be elsewhere, and gaps may have another size.
    let Some(old) = old.filter(|_| !origin.changes_strings && !plan.is_aligned()) else {
        return plan.add_pieces(number, pieces);
    };
    if plan.is_merged() {
        return pieces.add_kept(plan.size, old);
    }
    let mut inputs = plan.inputs.iter().peekable();
    let (mut first, mut position, mut start) = (0, 0, 0);
    while let Some(&(object, index, offset)) = inputs.next() {
        let end = inputs.peek().map_or(plan.size, |next| next.2);
        let flat = layout.program.chunks.sections.of(object, index as usize);
        let is_kept = is_same(object);
        if is_kept || offset - start >= PIECE {
            pieces.add(offset - start, Work::CustomParts(number, first..position));
            (first, start) = (position, offset);
        }
        position += 1;
        if is_kept {
            debug_assert_eq!(offsets.offsets[flat] as u64, offset);
            pieces.add_kept(end - offset, old + u64::from(origin.offsets[flat]));
            (first, start) = (position, end);
        }
    }
    pieces.add(plan.size - start, Work::CustomParts(number, first..position));
}
