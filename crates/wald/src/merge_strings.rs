//! Merges NUL-terminated strings: equal ones become one, and one that is the tail of another points into it.
//!
//! The result is wasm-ld's: unique strings sorted by their reversed text, greatest first, so that every tail
//! stands right behind a string that ends with it. Splitting, hashing, finding duplicates and sorting run in
//! parallel; none of it depends on the number of threads.

use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::HashTable;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use crate::diagnostics::{Code, Diagnostic, Diagnostics, LinkFailure};
use crate::object::InputSection;
use crate::options::Options;
use crate::symbols::SymbolTable;

/// A string that stands in the output.
#[derive(Clone, Copy, Debug)]
pub struct OutputString {
    /// Which input it is taken from.
    pub input: u32,
    /// Where it starts there.
    pub start: u32,
    /// Its length with the NUL.
    pub len: u32,
    /// Where it stands in the output.
    pub offset: u32,
}

/// The merged strings.
#[derive(Debug, Default)]
pub struct MergedStrings {
    /// What stands in the output, in order.
    pub strings: Vec<OutputString>,
    /// Size of the output.
    pub size: u64,
    /// The strings of all inputs: offset in the input, offset in the output.
    pieces: Vec<(u32, u32)>,
    /// Where each input's pieces start, and the end of the last one's.
    starts: Vec<u32>,
    /// For inputs with many strings: for every [`STRIDE`] bytes the string that they begin in, counted in the input.
    hints: Vec<Vec<u32>>,
}

/// How many bytes of an input share a hint.
const STRIDE: usize = 32;
/// Inputs with more strings than this have hints.
const MANY: u32 = 8;

impl MergedStrings {
    /// Where the byte at `offset` of an input went.
    #[inline]
    pub fn output_offset(&self, input: usize, offset: u64) -> u64 {
        let pieces = &self.pieces[self.starts[input] as usize..self.starts[input + 1] as usize];
        let near = self.hints.get(input).and_then(|hints| hints.get(offset as usize / STRIDE));
        let near = near.map_or(0, |&near| near as usize);
        let behind = pieces[near..].iter().position(|&(start, _)| u64::from(start) > offset);
        let Some(position) = behind.map_or(pieces.len(), |behind| near + behind).checked_sub(1) else {
            return offset;
        };
        let (start, output) = pieces[position];
        u64::from(output).wrapping_add(offset).wrapping_sub(u64::from(start))
    }

    /// Notes for every input with many strings where they are.
    fn add_hints(&mut self, inputs: &[&[u8]]) {
        let many = |range: &[u32]| range[1] - range[0] > MANY;
        let hints = |(input, range): (&&[u8], &[u32])| {
            let pieces = &self.pieces[range[0] as usize..range[1] as usize];
            let mut hints = Vec::new();
            if many(range) {
                hints.reserve(input.len() / STRIDE + 1);
                for (position, &(start, _)) in pieces.iter().enumerate().skip(1) {
                    while hints.len() * STRIDE < start as usize {
                        hints.push(position as u32 - 1);
                    }
                }
                hints.resize(input.len() / STRIDE + 1, pieces.len() as u32 - 1);
            }
            hints
        };
        if self.starts.windows(2).any(many) {
            self.hints =
                inputs.par_iter().zip(self.starts.par_windows(2)).with_min_len(64).map(hints).collect();
        }
    }
}

/// Checks that everything that is to be merged ends with a NUL, whether or not it will be linked.
pub fn check_terminated(
    options: &Options,
    symbols: &SymbolTable,
    diagnostics: &mut Diagnostics,
) -> Result<(), LinkFailure> {
    let suspects = symbols.objects.iter().filter(|o| o.object().properties.has_unterminated_strings);
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

/// An input's last string is not terminated.
#[derive(Debug, PartialEq, Eq)]
pub struct NotTerminated {
    /// Which input.
    pub input: usize,
}

#[derive(Clone, Copy)]
struct Piece {
    start: u32,
    len: u32,
    hash: u64,
}

impl Piece {
    fn of<'i>(&self, input: &'i [u8]) -> &'i [u8] {
        &input[self.start as usize..(self.start + self.len) as usize]
    }
}

/// All inputs, split.
#[derive(Default)]
struct Split {
    pieces: Vec<Piece>,
    /// Where each input's pieces start, and the end of the last one's.
    starts: Vec<u32>,
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
    shard: u32,
}

impl Unique {
    fn text<'i>(&self, inputs: &[&'i [u8]]) -> &'i [u8] {
        &inputs[self.input as usize][self.start as usize..(self.start + self.len) as usize]
    }

    /// Whether `longer` ends with this string.
    fn is_tail_of(&self, longer: &Unique, inputs: &[&[u8]]) -> bool {
        let body = self.len - 1;
        if self.len > longer.len || body > 0 && (self.key ^ longer.key) >> (64 - 8 * body.min(8)) != 0 {
            return false;
        }
        body <= 8 || longer.text(inputs).ends_with(self.text(inputs))
    }
}

/// Merges the strings of `inputs`, aligning each to `alignment` bytes.
pub fn merge(inputs: &[&[u8]], alignment: u64) -> Result<MergedStrings, NotTerminated> {
    let split = split_all(inputs)?;
    let shards = rayon::current_num_threads().next_power_of_two().min(64);
    let shards = if split.pieces.len() < 10_000 { 1 } else { shards };
    // For each piece the number of its string in its shard.
    let numbers: Vec<AtomicU32> = split.pieces.iter().map(|_| AtomicU32::new(0)).collect();
    let unique: Vec<Vec<Unique>> = (0..shards)
        .into_par_iter()
        .map(|shard| deduplicate(inputs, &split, shard, shards, &numbers))
        .collect();
    let mut offsets: Vec<Vec<u32>> = unique.iter().map(|unique| vec![0; unique.len()]).collect();
    let mut order: Vec<Unique> = unique.concat();
    order.par_sort_unstable_by(|a, b| {
        b.key.cmp(&a.key).then_with(|| b.text(inputs).iter().rev().cmp(a.text(inputs).iter().rev()))
    });
    let mut merged = MergedStrings::default();
    let mut previous: Option<&Unique> = None;
    let mut size = 0u64;
    for unique in &order {
        let inside = size.wrapping_sub(u64::from(unique.len));
        let is_tail = previous.is_some_and(|previous| unique.is_tail_of(previous, inputs));
        let offset = if is_tail && inside % alignment == 0 {
            inside
        } else {
            let offset = size.next_multiple_of(alignment);
            let Unique { input, start, len, .. } = *unique;
            merged.strings.push(OutputString { input, start, len, offset: offset as u32 });
            size = offset + u64::from(len);
            previous = Some(unique);
            offset
        };
        offsets[unique.shard as usize][unique.number as usize] = offset as u32;
    }
    merged.size = size;
    let pieces = split.pieces.par_iter().zip(&numbers).with_min_len(1024);
    let place = |(piece, number): (&Piece, &AtomicU32)| {
        let number = number.load(Ordering::Relaxed) as usize;
        (piece.start, offsets[shard_of(piece.hash, shards)][number])
    };
    merged.pieces = pieces.map(place).collect();
    merged.starts = split.starts;
    merged.add_hints(inputs);
    Ok(merged)
}

/// How many inputs are split at a time: most of them have one string.
const INPUTS: usize = 128;

fn split_all(inputs: &[&[u8]]) -> Result<Split, NotTerminated> {
    let blocks: Vec<Option<Split>> = inputs.par_chunks(INPUTS).map(split).collect();
    let mut all = Split::default();
    all.starts.reserve(inputs.len() + 1);
    all.pieces.reserve(blocks.iter().flatten().map(|block| block.pieces.len()).sum());
    for (position, block) in blocks.into_iter().enumerate() {
        let Some(block) = block else {
            let unterminated = |input: &&[u8]| input.last().is_some_and(|&last| last != 0);
            let inside = inputs[position * INPUTS..].iter().position(unterminated).unwrap_or(0);
            return Err(NotTerminated { input: position * INPUTS + inside });
        };
        let base = all.pieces.len() as u32;
        all.starts.extend(block.starts.iter().map(|start| base + start));
        all.pieces.extend_from_slice(&block.pieces);
    }
    all.starts.push(all.pieces.len() as u32);
    Ok(all)
}

fn split(inputs: &[&[u8]]) -> Option<Split> {
    let mut split = Split::default();
    for input in inputs {
        split.starts.push(split.pieces.len() as u32);
        let mut start = 0;
        while start < input.len() {
            let len = memchr(&input[start..])? + 1;
            let hash = xxh3_64(&input[start..start + len]);
            split.pieces.push(Piece { start: start as u32, len: len as u32, hash });
            start += len;
        }
    }
    Some(split)
}

/// Position of the first NUL: eight bytes at a time.
fn memchr(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let mut chunks = bytes.chunks_exact(8);
    let mut position = 0;
    for chunk in &mut chunks {
        let word = u64::from_le_bytes([
            chunk[0], chunk[1], chunk[2], chunk[3], chunk[4], chunk[5], chunk[6], chunk[7],
        ]);
        let zeros = word.wrapping_sub(ONES) & !word & HIGHS;
        if zeros != 0 {
            return Some(position + zeros.trailing_zeros() as usize / 8);
        }
        position += 8;
    }
    chunks.remainder().iter().position(|&byte| byte == 0).map(|rest| position + rest)
}

fn shard_of(hash: u64, shards: usize) -> usize {
    (hash >> 32) as usize & (shards - 1)
}

fn deduplicate(
    inputs: &[&[u8]],
    split: &Split,
    shard: usize,
    shards: usize,
    numbers: &[AtomicU32],
) -> Vec<Unique> {
    let mut table: HashTable<(u64, u32)> = HashTable::new();
    let mut unique: Vec<Unique> = Vec::new();
    for (input, range) in split.starts.windows(2).enumerate() {
        let range = range[0] as usize..range[1] as usize;
        for (piece, slot) in split.pieces[range.clone()].iter().zip(&numbers[range]) {
            if shard_of(piece.hash, shards) != shard {
                continue;
            }
            let text = piece.of(inputs[input]);
            let same = |&(hash, number): &(u64, u32)| {
                hash == piece.hash && unique[number as usize].text(inputs) == text
            };
            let number = match table.find(piece.hash, same) {
                Some(&(_, number)) => number,
                None => {
                    let number = unique.len() as u32;
                    let Piece { start, len, hash } = *piece;
                    let (key, input, shard) = (tail_key(text), input as u32, shard as u32);
                    unique.push(Unique { key, input, start, len, number, shard });
                    table.insert_unique(hash, (hash, number), |&(hash, _)| hash);
                    number
                }
            };
            // Each piece belongs to one shard, so to one thread; the others read it after this loop.
            slot.store(number, Ordering::Relaxed);
        }
    }
    unique
}

/// The last eight bytes before the NUL, the last on top.
fn tail_key(text: &[u8]) -> u64 {
    let body = &text[..text.len() - 1];
    let mut key = 0;
    for position in 0..8 {
        let byte = body.len().checked_sub(position + 1).map_or(0, |index| body[index]);
        key = key << 8 | u64::from(byte);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(inputs: &[&[u8]], alignment: u64) -> (Vec<u8>, MergedStrings) {
        let merged = merge(inputs, alignment).unwrap();
        let mut out = vec![0; merged.size as usize];
        for s in &merged.strings {
            let text = &inputs[s.input as usize][s.start as usize..(s.start + s.len) as usize];
            out[s.offset as usize..][..text.len()].copy_from_slice(text);
        }
        (out, merged)
    }

    #[test]
    fn tails_point_into_longer_strings() {
        let inputs: [&[u8]; 2] = [b"zero\0one\0gone\0", b"one\0\0averylongstringtail\0longstringtail\0"];
        let (out, merged) = contents(&inputs, 1);
        assert_eq!(out, b"zero\0averylongstringtail\0gone\0");
        for (input, range) in merged.starts.windows(2).enumerate() {
            for &(start, output) in &merged.pieces[range[0] as usize..range[1] as usize] {
                let text =
                    |bytes: &[u8], at: u32| bytes[at as usize..].split(|&b| b == 0).next().unwrap().to_vec();
                assert_eq!(text(inputs[input], start), text(&out, output));
            }
        }
        assert_eq!(merged.output_offset(0, 6), 27);
    }

    #[test]
    fn alignment_keeps_tails_apart() {
        let (out, _) = contents(&[b"gone\0one\0"], 4);
        assert_eq!(out, b"gone\0\0\0\0one\0");
    }

    #[test]
    fn unterminated_strings_are_refused() {
        assert_eq!(merge(&[b"a\0", b"b"], 1).unwrap_err(), NotTerminated { input: 1 });
    }
}
