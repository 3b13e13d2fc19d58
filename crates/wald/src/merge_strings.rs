//! Merges NUL-terminated strings. Equal strings become one, and a string that is the tail of another points into it.
//!
//! The order is wasm-ld's: unique strings sorted by their reversed text, greatest first. So every tail directly follows a
//! string that ends with it. Parsing splits and hashes the strings of objects. Finding duplicates and sorting run in
//! parallel; the result does not depend on the number of threads.

mod pool;
mod sorted;
mod tails;

use std::cmp::Ordering;
use std::sync::atomic::{self, AtomicU32};

use hashbrown::HashTable;
use rayon::prelude::*;

use crate::diagnostics::{Code, Diagnostic, Diagnostics, LinkFailure};
use crate::object::{ChunkStrings, InputSection, Object, StringPiece};
use crate::options::Options;
use crate::symbols::SymbolTable;

pub use pool::{Pools, Source};
use sorted::Sorted;

/// A string in the output.
#[derive(Clone, Copy, Debug)]
pub struct OutputString {
    /// Which input it is taken from.
    pub input: u32,
    /// Where it starts there.
    pub start: u32,
    /// Its length with the NUL.
    pub len: u32,
    /// Its offset in the output.
    pub offset: u32,
}

/// The merged strings.
#[derive(Debug, Default)]
pub struct MergedStrings {
    /// The strings in the output, in order.
    pub strings: Vec<OutputString>,
    /// Size of the output.
    pub size: u64,
    /// Offset in the output of every string of every input.
    offsets: Vec<u32>,
    /// Where each input's offsets start, and the end of the last one's.
    starts: Vec<u32>,
}

impl MergedStrings {
    /// Where the byte at `offset` of an input went: of these strings of this object.
    #[inline]
    pub fn output_offset(&self, input: usize, object: &Object, strings: ChunkStrings, offset: u64) -> u64 {
        match object.strings.find(strings, offset) {
            Some((position, start)) => {
                let output = self.offsets[self.starts[input] as usize + position];
                u64::from(output).wrapping_add(offset).wrapping_sub(u64::from(start))
            }
            None => offset,
        }
    }

    /// Where the string at `piece` of an input went.
    #[inline]
    pub fn offset_of(&self, input: usize, piece: usize) -> u32 {
        self.offsets[self.starts[input] as usize + piece]
    }

    /// Writes a range of the strings, starting with the first at the start of `slice`. `data` gives an input's bytes.
    pub fn write<'d>(&self, data: impl Fn(u32) -> &'d [u8], range: std::ops::Range<usize>, slice: &mut [u8]) {
        let mut rest = slice;
        for string in &self.strings[range] {
            let (front, back) = rest.split_at_mut(string.len as usize);
            front.copy_from_slice(&data(string.input)[string.start as usize..][..front.len()]);
            rest = back;
        }
    }
}

/// Checks that everything that is to be merged ends with a NUL, whether or not it will be linked.
pub fn check_terminated(
    options: &Options,
    symbols: &SymbolTable,
    diagnostics: &mut Diagnostics,
) -> Result<(), LinkFailure> {
    let suspects = symbols.objects.iter().filter(|o| o.properties.has_unterminated_strings);
    for linked in suspects {
        let bytes: &[u8] = &linked.object().bytes;
        let segments = linked.object().segments.iter().filter(|segment| segment.is_mergeable(options));
        let sections = linked.object().custom_sections.iter();
        let sections =
            sections.filter(|s| s.data.len > 0 && InputSection::is_mergeable(options, s.name.of(bytes)));
        let chunks = sections.map(|s| (s.name, s.data)).chain(segments.map(|s| (s.name, s.data)));
        for (name, _) in chunks.filter(|(_, data)| data.of(bytes).last() != Some(&0)) {
            let name = String::from_utf8_lossy(name.of(bytes));
            let message = format!("{}:({name}): string is not null terminated", linked.path);
            diagnostics.push(Diagnostic::error(Code::Parse, message));
        }
    }
    diagnostics.check()
}

/// The strings of an input, and its bytes.
pub type Input<'i> = (&'i [StringPiece], &'i [u8]);

/// The string at `position` of an input.
fn text<'i>((pieces, data): Input<'i>, position: usize) -> &'i [u8] {
    let end = pieces.get(position + 1).map_or(data.len(), |next| next.start as usize);
    &data[pieces[position].start as usize..end]
}

/// A different string with its first occurrence. `key` holds its last eight bytes before the NUL, the last
/// one on top: most comparisons need no more.
#[derive(Clone, Copy)]
struct Unique {
    key: u64,
    input: u32,
    start: u32,
    len: u32,
    /// Where it is among its shard's strings.
    number: u32,
}

impl Unique {
    fn text<'i>(&self, inputs: &[Input<'i>]) -> &'i [u8] {
        &inputs[self.input as usize].1[self.start as usize..][..self.len as usize]
    }

    /// Whether `longer` ends with this string.
    fn is_tail_of(&self, longer: &Unique, inputs: &[Input<'_>]) -> bool {
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
    fn is_before(&self, other: &Unique, inputs: &[Input<'_>]) -> bool {
        self.order(other, inputs) == Ordering::Less
    }
}

/// Merges the strings of `inputs`.
pub fn merge(inputs: &[Input<'_>]) -> MergedStrings {
    Sorted::new(inputs).merged(inputs)
}

/// Where each input's strings start among all, and the end of the last one's.
fn starts_of(inputs: &[Input<'_>]) -> Vec<u32> {
    let mut starts = vec![0];
    let mut count = 0;
    for (pieces, _) in inputs {
        count += pieces.len() as u32;
        starts.push(count);
    }
    starts
}

/// In how many parts so many strings are worked on in parallel.
fn shards_for(strings: u32) -> usize {
    let shards = rayon::current_num_threads().next_power_of_two().min(64);
    if strings < 10_000 {
        1
    } else {
        shards
    }
}

fn shard_of(hash: u32, shards: usize) -> usize {
    (hash >> 16) as usize & (shards - 1)
}

/// The table takes its groups from the low bits and tells entries apart by the top ones.
fn spread(hash: u32) -> u64 {
    u64::from(hash) | u64::from(hash) << 32
}

/// The different strings of those hashes that belong to it.
#[derive(Default)]
struct Shard {
    /// Hashes and numbers.
    table: HashTable<(u32, u32)>,
    unique: Vec<Unique>,
}

/// Finds the different strings in so many shards; and for each string of each input the number of the different one in its
/// shard.
fn deduplicate(inputs: &[Input<'_>], starts: &[u32], shards: usize) -> (Vec<Shard>, Vec<u32>) {
    let count = starts.last().copied().unwrap_or(0);
    let numbers: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(0)).collect();
    let all = (0..shards).into_par_iter();
    let all = all.map(|shard| Shard::of(inputs, starts, (shard, shards), &numbers)).collect();
    (all, numbers.into_iter().map(AtomicU32::into_inner).collect())
}

impl Shard {
    fn of(
        inputs: &[Input<'_>],
        starts: &[u32],
        (number, count): (usize, usize),
        numbers: &[AtomicU32],
    ) -> Shard {
        let mut shard = Shard::default();
        for (input, &contents) in inputs.iter().enumerate() {
            let slots = &numbers[starts[input] as usize..starts[input + 1] as usize];
            for (position, (piece, slot)) in contents.0.iter().zip(slots).enumerate() {
                if shard_of(piece.hash, count) == number {
                    let number = shard.add(inputs, piece, input, text(contents, position));
                    // Each string belongs to one shard, so to one thread; the others read it after this loop.
                    slot.store(number, atomic::Ordering::Relaxed);
                }
            }
        }
        shard
    }

    /// The number of a string, which gets the next one if it is new.
    #[inline]
    fn add(&mut self, inputs: &[Input<'_>], piece: &StringPiece, input: usize, text: &[u8]) -> u32 {
        let same = |&(hash, number): &(u32, u32)| {
            hash == piece.hash && self.unique[number as usize].text(inputs) == text
        };
        if let Some(&(_, number)) = self.table.find(spread(piece.hash), same) {
            return number;
        }
        let number = self.unique.len() as u32;
        let (key, len) = (tails::key(text, 0), text.len() as u32);
        self.unique.push(Unique { key, input: input as u32, start: piece.start, len, number });
        self.table.insert_unique(spread(piece.hash), (piece.hash, number), |&(hash, _)| spread(hash));
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::StringTable;

    #[test]
    fn tails_point_into_longer_strings() {
        let inputs: [&[u8]; 2] = [b"zero\0one\0gone\0", b"one\0\0averylongstringtail\0longstringtail\0"];
        let mut table = StringTable::default();
        let chunks = inputs.map(|data| table.add(data));
        let split: Vec<Input<'_>> =
            chunks.iter().zip(inputs).map(|(chunk, data)| (table.of(*chunk), data)).collect();
        let merged = merge(&split);
        let mut out = vec![0xaa; merged.size as usize];
        merged.write(|input| inputs[input as usize], 0..merged.strings.len(), &mut out);
        assert_eq!(out, b"zero\0averylongstringtail\0gone\0");
        for (input, &contents) in split.iter().enumerate() {
            for position in 0..contents.0.len() {
                let offset = merged.offsets[merged.starts[input] as usize + position];
                assert!(out[offset as usize..].starts_with(text(contents, position)));
            }
        }
    }
}
