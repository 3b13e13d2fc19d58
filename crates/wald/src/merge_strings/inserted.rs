//! Adds strings to a finished result. A link that waits for inputs merges the strings of the inputs that exist, and later adds those of
//! the last ones.
//!
//! No string is removed, so all strings between two added ones move by the same distance. Old offsets tell which strings these are, because
//! they ascend in the order of the strings: a tail follows the string that contains it, and the longer of two tails comes first.

use super::merged::{MergedStrings, OutputString};
use super::sorted::Sorted;
use super::unique::{Input, Unique};

/// The result for the inputs of a [`Sorted`], and what it takes to add to it.
pub struct Finished {
    merged: MergedStrings,
    /// The offset of each string, by number.
    places: Vec<u32>,
}

/// A result with more strings.
pub struct Extended {
    /// The strings, and the size. Not yet offsets of inputs' strings.
    pub merged: MergedStrings,
    /// Offsets of the added strings, in their order.
    pub added: Vec<u32>,
    shifts: Shifts,
}

/// How far strings have moved, by their old offsets.
struct Shifts {
    /// From which offset on strings have moved how far, ascending.
    list: Vec<(u32, u32)>,
    /// For each block of old offsets, the entry that holds at its start.
    first: Vec<u32>,
}

/// As a power of two: how many old offsets share an entry of [`Shifts::first`].
const BLOCK: u32 = 10;

impl Finished {
    /// The result for all inputs.
    pub fn new(sorted: &Sorted) -> Finished {
        let (merged, places) = sorted.merged_and_places();
        Finished { merged, places }
    }

    /// The old offset of a string.
    pub fn place(&self, number: u32) -> u32 {
        self.places[number as usize]
    }

    /// The old offsets of an input's strings.
    pub fn offsets_of(&self, input: usize) -> &[u32] {
        let range = self.merged.starts[input] as usize..self.merged.starts[input + 1] as usize;
        &self.merged.offsets[range]
    }

    /// Adds strings, which are sorted. `in_link` says which of `inputs` each input of the result is.
    pub fn extend(
        &self,
        sorted: &Sorted,
        (inputs, in_link): (&[Input<'_>], &[u32]),
        added: &[Unique],
    ) -> Extended {
        let old = &self.merged.strings;
        let in_link_of = |string: &Unique| Unique { input: in_link[string.input as usize], ..*string };
        let mut extended = Extended {
            merged: MergedStrings {
                strings: Vec::with_capacity(old.len() + added.len()),
                ..MergedStrings::default()
            },
            added: Vec::with_capacity(added.len()),
            shifts: Shifts { list: vec![(0, 0)], first: Vec::new() },
        };
        // Old strings before this one are in the result.
        let mut taken = 0;
        let mut rest = added;
        while let Some(first) = rest.first() {
            let at = sorted.order.partition_point(|string| in_link_of(string).is_before(first, inputs));
            let next = sorted.order.get(at).map(in_link_of);
            let is_behind = |added: &Unique| next.is_some_and(|next| next.is_before(added, inputs));
            let group;
            (group, rest) = rest.split_at(rest.partition_point(|added| !is_behind(added)));
            // Old strings that are written before the group, and where they end.
            let is_tail = next.is_some() && sorted.is_tail(at);
            let offset = next.map(|next| self.place(next.number));
            let before = offset.map_or(old.len(), |offset| old.partition_point(|old| old.offset < offset));
            let end = old.get(before).map_or(self.merged.size, |old| u64::from(old.offset));
            extended.take(&old[taken..before], in_link);
            taken = before;
            let mut last = at.checked_sub(1).map(|at| in_link_of(&sorted.order[at]));
            for added in group {
                let is_tail = last.is_some_and(|last| added.is_tail_of(&last, inputs));
                extended.added.push(extended.merged.put(added, is_tail));
                last = Some(*added);
            }
            let (Some(next), Some(offset)) = (next, offset) else { continue };
            let ends_another = last.is_some_and(|last| next.is_tail_of(&last, inputs));
            // What was written by itself may be the tail of an added string.
            let saved = match ends_another && !is_tail {
                true => {
                    taken += 1;
                    u64::from(next.len)
                }
                false => 0,
            };
            let shift = extended.merged.size.wrapping_sub(end).wrapping_sub(saved);
            extended.shifts.list.push((offset, shift as u32));
        }
        extended.take(&old[taken..], in_link);
        extended.shifts.index(self.merged.size);
        extended
    }
}

impl Extended {
    /// Old strings that follow each other.
    fn take(&mut self, strings: &[OutputString], in_link: &[u32]) {
        let (Some(first), Some(last)) = (strings.first(), strings.last()) else { return };
        let shift = (self.merged.size as u32).wrapping_sub(first.offset);
        let moved = |string: &OutputString| OutputString {
            input: in_link[string.input as usize],
            offset: string.offset.wrapping_add(shift),
            ..*string
        };
        self.merged.strings.extend(strings.iter().map(moved));
        self.merged.size += u64::from(last.offset + last.len - first.offset);
    }

    /// Where a string went, by its old offset.
    #[inline]
    pub fn offset(&self, old: u32) -> u32 {
        let Shifts { list, first } = &self.shifts;
        let mut at = first[(old >> BLOCK) as usize] as usize;
        while list.get(at + 1).is_some_and(|next| next.0 <= old) {
            at += 1;
        }
        old.wrapping_add(list[at].1)
    }
}

impl Shifts {
    /// Notes for each block what holds at its start.
    fn index(&mut self, size: u64) {
        let mut at = 0;
        for block in 0..=(size >> BLOCK) as u32 {
            while self.list.get(at + 1).is_some_and(|next| next.0 <= block << BLOCK) {
                at += 1;
            }
            self.first.push(at as u32);
        }
    }
}
