//! NUL-terminated strings that may be merged with those of other objects: split and hashed once, when it is known that they
//! will be.

use xxhash_rust::xxh3::xxh3_64;

/// A string of an object.
#[derive(Clone, Copy, Debug)]
pub struct StringPiece {
    /// Where it starts in its segment or section.
    pub start: u32,
    /// Hash of its text with the NUL.
    pub hash: u32,
}

/// The strings of one segment or section: see [`StringTable::of`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ChunkStrings {
    first: u32,
    count: u32,
    first_hint: u32,
}

impl ChunkStrings {
    /// Whether there are none.
    #[cfg(test)]
    pub fn is_empty(self) -> bool {
        self.count == 0
    }
}

/// How many bytes share a hint.
const STRIDE: usize = 128;
/// Chunks with more strings than this have hints.
const MANY: u32 = 8;

/// All strings of an object.
#[derive(Debug, Default)]
pub struct StringTable {
    pieces: Vec<StringPiece>,
    /// For chunks with many strings: for every [`STRIDE`] bytes the string that they begin in, counted in the chunk.
    hints: Vec<u32>,
    /// By data segment; empty if no segment has strings.
    segments: Box<[ChunkStrings]>,
    /// By custom section; empty if none has strings.
    sections: Box<[ChunkStrings]>,
}

impl StringTable {
    /// The strings of an object's data segments and custom sections. `None` is for one without strings that may be merged.
    pub(super) fn new<'d>(
        segments: impl Iterator<Item = Option<&'d [u8]>>,
        sections: impl Iterator<Item = Option<&'d [u8]>>,
    ) -> Self {
        let mut table = StringTable::default();
        table.segments = table.add_all(segments);
        table.sections = table.add_all(sections);
        table.pieces.shrink_to_fit();
        table.hints.shrink_to_fit();
        table
    }

    fn add_all<'d>(&mut self, all: impl Iterator<Item = Option<&'d [u8]>>) -> Box<[ChunkStrings]> {
        let strings = |data: Option<&[u8]>| data.map_or(ChunkStrings::default(), |data| self.add(data));
        let chunks: Box<[ChunkStrings]> = all.map(strings).collect();
        match chunks.iter().all(|chunk| chunk.count == 0) {
            true => Box::default(),
            false => chunks,
        }
    }

    /// The strings of the data segment at `position`.
    #[inline]
    pub fn of_segment(&self, position: usize) -> ChunkStrings {
        self.segments.get(position).copied().unwrap_or_default()
    }

    /// The strings of the custom section at `position`.
    #[inline]
    pub fn of_section(&self, position: usize) -> ChunkStrings {
        self.sections.get(position).copied().unwrap_or_default()
    }

    /// The strings of a segment or section, in order.
    pub fn of(&self, chunk: ChunkStrings) -> &[StringPiece] {
        &self.pieces[chunk.first as usize..][..chunk.count as usize]
    }

    /// The string that the byte at `offset` belongs to: its position in the chunk, and where it starts.
    #[inline]
    pub fn find(&self, chunk: ChunkStrings, offset: u64) -> Option<(usize, u32)> {
        let pieces = self.of(chunk);
        let mut near = 0;
        if chunk.count > MANY {
            // Behind the end the last hint is the nearest.
            let stride = (offset / STRIDE as u64).min(self.last_hint(chunk));
            near = self.hints[chunk.first_hint as usize + stride as usize] as usize;
        }
        let behind = pieces[near..].iter().position(|piece| u64::from(piece.start) > offset);
        let position = behind.map_or(pieces.len(), |behind| near + behind).checked_sub(1)?;
        Some((position, pieces[position].start))
    }

    fn last_hint(&self, chunk: ChunkStrings) -> u64 {
        let last = self.of(chunk).last().map_or(0, |piece| piece.start as usize / STRIDE);
        last as u64
    }

    /// Adds the strings of `data`, the last of which must be terminated.
    pub(crate) fn add(&mut self, data: &[u8]) -> ChunkStrings {
        let (first, first_hint) = (self.pieces.len() as u32, self.hints.len() as u32);
        let mut start = 0;
        while let Some(len) = find_nul(&data[start..]).map(|nul| nul + 1) {
            let hash = xxh3_64(&data[start..start + len]) as u32;
            self.pieces.push(StringPiece { start: start as u32, hash });
            start += len;
        }
        let count = self.pieces.len() as u32 - first;
        if count > MANY {
            let pieces = &self.pieces[first as usize..];
            let strides = pieces[count as usize - 1].start as usize / STRIDE + 1;
            let mut next = 0;
            for stride in 0..strides {
                while pieces.get(next).is_some_and(|piece| piece.start as usize <= stride * STRIDE) {
                    next += 1;
                }
                self.hints.push(next as u32 - 1);
            }
        }
        ChunkStrings { first, count, first_hint }
    }
}

/// Position of the first NUL: eight bytes at a time.
fn find_nul(bytes: &[u8]) -> Option<usize> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_by_any_of_their_bytes() {
        let mut table = StringTable::default();
        let mut data = Vec::new();
        let mut starts = Vec::new();
        for number in 0..300usize {
            starts.push(data.len());
            data.extend(std::iter::repeat_n(b'a' + (number % 26) as u8, number * 7 % 90));
            data.push(0);
        }
        let one = table.add(b"one\0two\0");
        let many = table.add(&data);
        for (offset, _) in data.iter().enumerate() {
            let expected = starts.iter().rfind(|&&start| start <= offset).copied();
            let found = table.find(many, offset as u64).map(|(position, start)| {
                assert_eq!(starts[position], start as usize);
                start as usize
            });
            assert_eq!(found, expected, "at {offset}");
        }
        assert_eq!(table.find(many, u64::MAX).map(|(_, start)| start as usize), starts.last().copied());
        assert_eq!(table.find(one, 5), Some((1, 4)));
        assert!(table.find(ChunkStrings::default(), 0).is_none());
        let ids: Vec<u32> = table.of(many).iter().map(|piece| piece.hash).collect();
        // Both have 0 times 7 bytes, and 90 times 7 bytes later the lengths and, after 26 of those, the letters repeat.
        assert_eq!(ids[0], ids[90]);
        assert_ne!(ids[0], ids[1]);
    }
}
