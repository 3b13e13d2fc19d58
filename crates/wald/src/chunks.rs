//! Flat numbering of all objects' functions, segments, globals, tags, tables and custom sections, so that what
//! a phase knows of each is one array or one bit set.

use crate::index::ObjectId;
use crate::symbols::LinkedObject;

/// Start of each object's numbers, and behind the last object the total.
#[derive(Clone, Debug, Default)]
pub struct Range(Vec<u32>);

impl Range {
    fn new(counts: impl Iterator<Item = usize>) -> Self {
        let mut starts = vec![0];
        let mut total = 0u32;
        for count in counts {
            total += count as u32;
            starts.push(total);
        }
        Range(starts)
    }

    /// Number of an object's item.
    #[inline]
    pub fn of(&self, object: ObjectId, item: usize) -> usize {
        self.0[object.at()] as usize + item
    }

    /// How many items there are in all objects.
    pub fn total(&self) -> usize {
        self.0.last().copied().unwrap_or(0) as usize
    }
}

/// The numbering.
#[derive(Clone, Debug, Default)]
pub struct Chunks {
    /// Defined functions.
    pub functions: Range,
    /// Data segments.
    pub segments: Range,
    /// Defined globals.
    pub globals: Range,
    /// Defined tags.
    pub tags: Range,
    /// Defined tables.
    pub tables: Range,
    /// Custom sections.
    pub sections: Range,
}

impl Chunks {
    /// Numbers everything in `objects`.
    pub fn new(objects: &[LinkedObject<'_>]) -> Self {
        let range = |count: fn(&LinkedObject<'_>) -> usize| Range::new(objects.iter().map(count));
        Chunks {
            functions: range(|o| o.object.functions.len()),
            segments: range(|o| o.object.segments.len()),
            globals: range(|o| o.object.globals.len()),
            tags: range(|o| o.object.tags.len()),
            tables: range(|o| o.object.tables.len()),
            sections: range(|o| o.object.custom_sections.len()),
        }
    }
}

/// A set of numbers.
#[derive(Clone, Debug, Default)]
pub struct BitSet(Vec<u64>);

impl BitSet {
    /// A set that can hold numbers below `size`: none of them, or all.
    pub fn new(size: usize, full: bool) -> Self {
        BitSet(vec![if full { !0 } else { 0 }; size.div_ceil(64)])
    }

    /// Whether `number` is in it.
    #[inline]
    pub fn contains(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 != 0
    }

    /// Whether `number` is in it; numbers it has no room for are not.
    pub fn contains_checked(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 != 0)
    }

    /// Adds `number`; whether it is new.
    #[inline]
    pub fn insert(&mut self, number: usize) -> bool {
        let word = &mut self.0[number / 64];
        let bit = 1 << (number % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Takes `number` out.
    pub fn remove(&mut self, number: usize) {
        self.0[number / 64] &= !(1 << (number % 64));
    }

    /// Makes room for numbers below `size`.
    pub fn grow(&mut self, size: usize, full: bool) {
        self.0.resize(size.div_ceil(64).max(self.0.len()), if full { !0 } else { 0 });
    }
}
