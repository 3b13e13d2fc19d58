//! A string where it first occurs.

use std::cmp::Ordering;

use super::tails;
use crate::object::StringPiece;

/// The strings of an input, and its bytes.
pub type Input<'i> = (&'i [StringPiece], &'i [u8]);

/// The string at `position` of an input.
pub(crate) fn text<'i>((pieces, data): Input<'i>, position: usize) -> &'i [u8] {
    let end = pieces.get(position + 1).map_or(data.len(), |next| next.start as usize);
    &data[pieces[position].start as usize..end]
}

/// A different string with its first occurrence. `key` holds its last eight bytes before the NUL, the last
/// one on top: most comparisons need no more.
#[derive(Clone, Copy, Default)]
pub(crate) struct Unique {
    pub(crate) key: u64,
    pub(crate) input: u32,
    pub(crate) start: u32,
    pub(crate) len: u32,
    /// Where it is among its shard's strings.
    pub(crate) number: u32,
}

impl Unique {
    pub(crate) fn text<'i>(&self, inputs: &[Input<'i>]) -> &'i [u8] {
        &inputs[self.input as usize].1[self.start as usize..][..self.len as usize]
    }

    /// Whether `longer` ends with this string.
    pub(super) fn is_tail_of(&self, longer: &Unique, inputs: &[Input<'_>]) -> bool {
        let body = self.len - 1;
        if self.len > longer.len || body > 0 && (self.key ^ longer.key) >> (64 - 8 * body.min(8)) != 0 {
            return false;
        }
        body <= 8 || longer.text(inputs).ends_with(self.text(inputs))
    }

    fn order(&self, other: &Unique, inputs: &[Input<'_>]) -> Ordering {
        other.key.cmp(&self.key).then_with(|| tails::order(self.text(inputs), other.text(inputs), 8))
    }

    /// Whether it precedes `other`.
    pub(super) fn is_before(&self, other: &Unique, inputs: &[Input<'_>]) -> bool {
        self.order(other, inputs) == Ordering::Less
    }
}
