//! Decodes many relocation entries in a row, as debug sections have them.
//!
//! The start of an entry is only known once the end of the entry before it is. So the ends of all numbers in a block of bytes are found
//! first, as bits of one word. The next entry is then three or four bits further, and the processor can start on it while it still
//! decodes the numbers of this one.

use super::relocation::{decode_any, joined, sign_extended, Relocation, RelocationType};
use crate::index::ByteRange;

/// How many bytes a block has: one for each bit of a word.
const BLOCK: usize = u64::BITS as usize;
/// Numbers are read in words of four or eight bytes, which may extend past the end of the block.
const ROOM: usize = BLOCK + 8;

/// The entries from some place in an object on.
pub(crate) struct RelocationBlocks<'a> {
    object: &'a [u8],
    /// Where the block starts in the object.
    base: usize,
    block: &'a [u8; ROOM],
    /// Where the next entry starts in the block.
    start: usize,
    /// A bit for each byte of the block from `start` on that ends a number or is a relocation type.
    ends: u64,
}

static NOTHING: [u8; ROOM] = [0; ROOM];

impl<'a> RelocationBlocks<'a> {
    /// Starts with the entry at `position`.
    #[inline]
    pub(crate) fn new(object: &'a [u8], position: usize) -> Self {
        RelocationBlocks { object, base: position, block: &NOTHING, start: 0, ends: 0 }
    }

    /// Where the next entry starts in the object.
    #[inline(always)]
    pub(crate) fn position(&self) -> usize {
        self.base + self.start
    }

    /// Goes on at `position`.
    #[cold]
    pub(crate) fn go_to(&mut self, position: usize) {
        *self = RelocationBlocks::new(self.object, position);
    }

    /// The next entry. It may end behind the range that it belongs to. `None` near the end of the object, or if a number has more than
    /// four bytes: the caller then decodes the entry byte by byte, and calls [`RelocationBlocks::go_to`] with its end.
    #[inline(always)]
    pub(crate) fn next_short(&mut self) -> Option<Relocation> {
        let mut later = without_first(without_first(without_first(self.ends)));
        if later == 0 {
            self.load()?;
            later = without_first(without_first(without_first(self.ends)));
        }
        // `start` is below the size of the block. The remainder tells the compiler, which then checks no bounds.
        let (block, start) = (self.block, self.start % BLOCK);
        let kind = RelocationType::from_number(u32::from(block[start]))?;
        let of_offset = without_first(self.ends);
        let of_index = without_first(of_offset);
        let (offset_end, index_end) = (of_offset.trailing_zeros(), of_index.trailing_zeros());
        // Offset and index together have eight bytes at most.
        let word = u64::from_le_bytes(*block[start + 1..].first_chunk()?);
        let (offset_len, index_len) =
            (offset_end.wrapping_sub(start as u32), index_end.wrapping_sub(offset_end));
        let offset = joined(word as u32, (8 * offset_len).wrapping_sub(1));
        let index = joined((word >> ((8 * offset_len) & 63)) as u32, (8 * index_len).wrapping_sub(1));
        let mut longest = offset_len.wrapping_sub(1) | index_len.wrapping_sub(1);
        let (mut addend, mut end, mut ends) = (0, index_end, later);
        if kind.has_addend() {
            end = later.trailing_zeros();
            let len = end.wrapping_sub(index_end);
            let word = u32::from_le_bytes(*block[index_end as usize % BLOCK + 1..].first_chunk()?);
            addend = sign_extended(joined(word, (8 * len).wrapping_sub(1)), len);
            longest |= len.wrapping_sub(1);
            ends = without_first(later);
        }
        if longest >= 4 {
            return None;
        }
        (self.start, self.ends) = (end as usize + 1, ends);
        Some(Relocation { kind, offset, index, addend })
    }

    /// Starts a new block at the next entry. `None` near the end of the object.
    #[inline]
    fn load(&mut self) -> Option<()> {
        (self.base, self.start, self.ends) = (self.position(), 0, 0);
        self.block = self.object.get(self.base..)?.first_chunk()?;
        self.ends = ends_in(self.block);
        Some(())
    }
}

/// The bits without the lowest one.
#[inline(always)]
fn without_first(bits: u64) -> u64 {
    bits & bits.wrapping_sub(1)
}

/// A bit for each byte of the block that ends a number.
#[inline(always)]
fn ends_in(block: &[u8; ROOM]) -> u64 {
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    /// Multiplied with this, the lowest bits of eight bytes come together in the highest byte.
    const TOGETHER: u64 = 0x0102_0408_1020_4080;
    let mut bits = 0;
    for (number, word) in block[..BLOCK].chunks_exact(8).enumerate() {
        let word = word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        let ends = ((!word & HIGHEST) >> 7).wrapping_mul(TOGETHER) >> 56;
        bits |= ends << (8 * number);
    }
    bits
}

/// Decodes the entries of a section that has many of them. Parsing has checked them.
pub struct SectionRelocations<'a> {
    blocks: RelocationBlocks<'a>,
    end: usize,
}

impl<'a> SectionRelocations<'a> {
    /// The entries in `range` of `object`.
    pub fn new(object: &'a [u8], range: ByteRange) -> Self {
        SectionRelocations {
            blocks: RelocationBlocks::new(object, range.start as usize),
            end: range.end() as usize,
        }
    }

    #[cold]
    fn next_long(&mut self) -> Option<Relocation> {
        let position = self.blocks.position();
        let (entry, len) = decode_any(self.blocks.object.get(position..)?)?;
        self.blocks.go_to(position + len);
        Some(entry)
    }
}

impl Iterator for SectionRelocations<'_> {
    type Item = Relocation;

    #[inline(always)]
    fn next(&mut self) -> Option<Relocation> {
        if self.blocks.position() >= self.end {
            return None;
        }
        match self.blocks.next_short() {
            Some(entry) => Some(entry),
            None => self.next_long(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::relocation::RelocationIterator;
    use crate::leb128::{write_i64, write_u64};

    /// The same as decoding one by one, wherever entries begin, however long numbers are, and near the end of the object.
    #[test]
    fn blocks_give_what_decoding_one_by_one_gives() {
        let mut state = 7u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % below
        };
        for round in 0..2000 {
            let start = random(70) as usize;
            let mut object = vec![0x80; start];
            let mut count = 0;
            for _ in 0..random(60) {
                let kind = loop {
                    let kind = random(RelocationType::COUNT as u64) as u32;
                    if let Some(kind) = RelocationType::from_number(kind) {
                        break kind;
                    }
                };
                let most = if round % 4 == 0 { 32 } else { 21 };
                let mut value = || {
                    let bits = random(most);
                    random(1 << bits)
                };
                object.push(kind as u8);
                write_u64(&mut object, value());
                write_u64(&mut object, value());
                if kind.has_addend() {
                    write_i64(&mut object, value() as i64 - value() as i64);
                }
                count += 1;
            }
            let range = ByteRange::between(start, object.len());
            object.extend(std::iter::repeat_n(0x80, random(100) as usize));
            let expected: Vec<Relocation> = RelocationIterator::new(&object, range).collect();
            assert_eq!(expected.len(), count);
            let found: Vec<Relocation> = SectionRelocations::new(&object, range).collect();
            assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        }
    }
}
