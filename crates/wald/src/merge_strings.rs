//! Merges NUL-terminated strings: equal ones become one, and one that is the tail of another points into it.
//!
//! The result is wasm-ld's: unique strings sorted by their reversed text, greatest first, so that every tail
//! stands right behind a string that ends with it. Splitting, hashing, finding duplicates and sorting run in
//! parallel; none of it depends on the number of threads.

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
    /// For each input its strings: offset in the input, offset in the output.
    pub pieces: Vec<Vec<(u32, u32)>>,
}

impl MergedStrings {
    /// Where the byte at `offset` of an input went.
    pub fn output_offset(&self, input: usize, offset: u64) -> u64 {
        self.output_offset_near(input, offset, &mut 0)
    }

    /// The same. Offsets are mostly asked for in order: `last` keeps where the last one was found.
    #[inline]
    pub fn output_offset_near(&self, input: usize, offset: u64, last: &mut usize) -> u64 {
        let pieces = &self.pieces[input];
        for (position, &(start, output)) in pieces.iter().enumerate().skip(*last).take(2) {
            if u64::from(start) == offset {
                *last = position;
                return u64::from(output);
            }
        }
        let behind = pieces.partition_point(|&(start, _)| u64::from(start) <= offset);
        let Some(position) = behind.checked_sub(1) else { return offset };
        *last = position;
        let (start, output) = pieces[position];
        u64::from(output).wrapping_add(offset).wrapping_sub(u64::from(start))
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

struct Piece {
    start: u32,
    len: u32,
    hash: u64,
}

/// A different string with its first occurrence. `key` holds its last eight bytes before the NUL, the last
/// one on top: most comparisons need no more.
#[derive(Clone, Copy)]
struct Unique {
    key: u64,
    input: u32,
    start: u32,
    len: u32,
}

/// Merges the strings of `inputs`, aligning each to `alignment` bytes.
pub fn merge(inputs: &[&[u8]], alignment: u64) -> Result<MergedStrings, NotTerminated> {
    let split: Vec<Option<Vec<Piece>>> = inputs.par_iter().map(|input| split(input)).collect();
    if let Some(input) = split.iter().position(Option::is_none) {
        return Err(NotTerminated { input });
    }
    let split: Vec<Vec<Piece>> = split.into_iter().flatten().collect();
    let shards = rayon::current_num_threads().next_power_of_two().min(64);
    let shards = if split.iter().map(Vec::len).sum::<usize>() < 10_000 { 1 } else { shards };
    // Each shard's unique strings, and for each input's pieces of that shard the number of the string.
    let deduplicated: Vec<(Vec<Unique>, Vec<u32>)> =
        (0..shards).into_par_iter().map(|shard| deduplicate(inputs, &split, shard, shards)).collect();
    let mut order: Vec<(Unique, u32, u32)> = deduplicated
        .iter()
        .enumerate()
        .flat_map(|(shard, (unique, _))| {
            unique.iter().enumerate().map(move |(number, &unique)| (unique, shard as u32, number as u32))
        })
        .collect();
    let text = |unique: &Unique| {
        &inputs[unique.input as usize][unique.start as usize..(unique.start + unique.len) as usize]
    };
    order.par_sort_unstable_by(|(a, ..), (b, ..)| {
        b.key.cmp(&a.key).then_with(|| text(b).iter().rev().cmp(text(a).iter().rev()))
    });
    let mut merged = MergedStrings::default();
    let mut offsets: Vec<Vec<u32>> = deduplicated.iter().map(|(unique, _)| vec![0; unique.len()]).collect();
    let mut previous: &[u8] = &[];
    let mut size = 0u64;
    for (unique, shard, number) in &order {
        let this = text(unique);
        let inside = size.wrapping_sub(this.len() as u64);
        let offset = if previous.ends_with(this) && inside % alignment == 0 {
            inside
        } else {
            let offset = size.next_multiple_of(alignment);
            let Unique { input, start, len, .. } = *unique;
            merged.strings.push(OutputString { input, start, len, offset: offset as u32 });
            size = offset + this.len() as u64;
            previous = this;
            offset
        };
        offsets[*shard as usize][*number as usize] = offset as u32;
    }
    merged.size = size;
    merged.pieces = place_pieces(&split, &deduplicated, &offsets, shards);
    Ok(merged)
}

fn split(input: &[u8]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < input.len() {
        let len = memchr(&input[start..])? + 1;
        let hash = xxh3_64(&input[start..start + len]);
        pieces.push(Piece { start: start as u32, len: len as u32, hash });
        start += len;
    }
    Some(pieces)
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
    split: &[Vec<Piece>],
    shard: usize,
    shards: usize,
) -> (Vec<Unique>, Vec<u32>) {
    let mut table: HashTable<(u64, u32)> = HashTable::new();
    let mut unique: Vec<Unique> = Vec::new();
    let mut numbers = Vec::new();
    for (input, pieces) in split.iter().enumerate() {
        for piece in pieces.iter().filter(|piece| shard_of(piece.hash, shards) == shard) {
            let text = &inputs[input][piece.start as usize..(piece.start + piece.len) as usize];
            let same = |&(hash, number): &(u64, u32)| {
                let known: &Unique = &unique[number as usize];
                hash == piece.hash
                    && &inputs[known.input as usize][known.start as usize..(known.start + known.len) as usize]
                        == text
            };
            let number = match table.find(piece.hash, same) {
                Some(&(_, number)) => number,
                None => {
                    let number = unique.len() as u32;
                    let key = tail_key(text);
                    let (start, len) = (piece.start, piece.len);
                    unique.push(Unique { key, input: input as u32, start, len });
                    table.insert_unique(piece.hash, (piece.hash, number), |&(hash, _)| hash);
                    number
                }
            };
            numbers.push(number);
        }
    }
    (unique, numbers)
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

/// Looks up where each piece went.
fn place_pieces(
    split: &[Vec<Piece>],
    deduplicated: &[(Vec<Unique>, Vec<u32>)],
    offsets: &[Vec<u32>],
    shards: usize,
) -> Vec<Vec<(u32, u32)>> {
    // The numbers of a shard stand in the order of the pieces: a cursor for each shard walks along.
    let mut cursors = vec![0usize; shards];
    let mut result = Vec::with_capacity(split.len());
    for pieces in split {
        let mut placed = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let shard = shard_of(piece.hash, shards);
            let number = deduplicated[shard].1[cursors[shard]];
            cursors[shard] += 1;
            placed.push((piece.start, offsets[shard][number as usize]));
        }
        result.push(placed);
    }
    result
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
        for (input, pieces) in merged.pieces.iter().enumerate() {
            for &(start, output) in pieces {
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
