//! The result: strings with their offsets in the output.

use hashbrown::HashMap;

use super::unique::Unique;
use crate::object::{ChunkStrings, Object};

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
    pub(crate) offsets: Vec<u32>,
    /// Where each input's offsets start, and the end of the last one's.
    pub(crate) starts: Vec<u32>,
}

impl MergedStrings {
    /// Where the byte at `offset` of an input went: of these strings of this object.
    #[inline]
    pub fn output_offset(&self, input: usize, object: &Object, strings: ChunkStrings, offset: u64) -> u64 {
        match object.strings().find(strings, offset) {
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

    /// For each string in the output, the first input that has it. Where its bytes are taken from depends on what earlier links
    /// of a kept linker have merged.
    pub fn owners(&self) -> Vec<u32> {
        let positions: HashMap<u32, usize> =
            self.strings.iter().zip(0..).map(|(string, position)| (string.offset, position)).collect();
        let mut owners: Vec<u32> = self.strings.iter().map(|string| string.input).collect();
        for (input, range) in self.starts.windows(2).enumerate().rev() {
            for offset in &self.offsets[range[0] as usize..range[1] as usize] {
                if let Some(&position) = positions.get(offset) {
                    owners[position] = input as u32;
                }
            }
        }
        owners
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

    /// Adds a string behind the others, or inside of the last one that is not a tail itself. Notes its offset by its number.
    pub(super) fn push(&mut self, string: &Unique, is_tail: bool) {
        self.offsets[string.number as usize] = self.put(string, is_tail);
    }

    /// The same. Returns its offset.
    pub(super) fn put(&mut self, string: &Unique, is_tail: bool) -> u32 {
        if is_tail {
            return (self.size - u64::from(string.len)) as u32;
        }
        let offset = self.size as u32;
        let Unique { input, start, len, .. } = *string;
        self.strings.push(OutputString { input, start, len, offset });
        self.size += u64::from(len);
        offset
    }
}
