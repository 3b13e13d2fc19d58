//! Numbers in a stream of bits: of fixed width, and of variable width (VBR).
//! See <https://llvm.org/docs/BitCodeFormat.html#primitives>.

use crate::parse_error::{ErrorKind, ParseError};
use std::ops::Range;

/// The widest field of the format, in bits.
pub(super) const MAX_WIDTH: u32 = 32;

/// A cursor over the bits of a stream. Bits are numbered from the stream's start, the lowest bit of each byte first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    stream: &'a [u8],
    /// Offset of the stream in the file: only errors need it.
    base: usize,
    position: u64,
    end: u64,
}

impl<'a> Bits<'a> {
    /// Reads all of `stream`, which starts at byte `base` of the file.
    pub fn new(stream: &'a [u8], base: usize) -> Self {
        Bits { stream, base, position: 0, end: stream.len() as u64 * 8 }
    }

    /// The next bit's number.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The number of whole bytes that are left.
    pub fn remaining_bytes(&self) -> u64 {
        (self.end - self.position) / 8
    }

    /// The bits that are left.
    pub fn range(&self) -> Range<u64> {
        self.position..self.end
    }

    /// A cursor at another bit of the same stream.
    pub fn at(&self, position: u64) -> Self {
        Bits { position, end: self.stream.len() as u64 * 8, ..*self }
    }

    /// A cursor that reads only these bits, as far as the stream has them.
    pub fn within(&self, range: &Range<u64>) -> Self {
        let len = self.stream.len() as u64 * 8;
        Bits { position: range.start.min(len), end: range.end.min(len), ..*self }
    }

    /// An error at the current byte.
    #[cold]
    pub fn error(&self, kind: ErrorKind) -> ParseError {
        ParseError::new(self.base + (self.position / 8) as usize, kind)
    }

    /// `what` is wrong at the current byte.
    #[cold]
    pub fn malformed(&self, what: &'static str) -> ParseError {
        self.error(ErrorKind::Malformed(what))
    }

    /// A number of `width` bits, 1 to [`MAX_WIDTH`].
    #[inline]
    pub fn fixed(&mut self, width: u32) -> Result<u64, ParseError> {
        debug_assert!((1..=MAX_WIDTH).contains(&width));
        if self.end - self.position < u64::from(width) {
            return Err(self.error(ErrorKind::UnexpectedEnd));
        }
        let start = (self.position / 8) as usize;
        let word = match self.stream[start..].first_chunk::<8>() {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => self.stream[start..].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        };
        let value = word >> (self.position % 8) & ((1 << width) - 1);
        self.position += u64::from(width);
        Ok(value)
    }

    /// A number in chunks of `width` bits, 1 to [`MAX_WIDTH`]. The highest bit of a chunk says that another one follows.
    pub fn vbr(&mut self, width: u32) -> Result<u64, ParseError> {
        let more = 1 << (width - 1);
        let (mut value, mut shift) = (0, 0);
        loop {
            let chunk = self.fixed(width)?;
            value |= (chunk & (more - 1)) << shift;
            if chunk & more == 0 {
                return Ok(value);
            }
            shift += width - 1;
            if shift >= u64::BITS {
                return Err(self.malformed("number in bitcode is too long"));
            }
        }
    }

    /// A number of variable width that has at most 32 bits.
    pub fn vbr32(&mut self, width: u32) -> Result<u32, ParseError> {
        let value = self.vbr(width)?;
        u32::try_from(value).map_err(|_| self.malformed("number in bitcode is too large"))
    }

    /// Skips to a multiple of 32 bits.
    pub fn align(&mut self) -> Result<(), ParseError> {
        let aligned = self.position.next_multiple_of(32);
        if aligned > self.end {
            return Err(self.error(ErrorKind::UnexpectedEnd));
        }
        self.position = aligned;
        Ok(())
    }

    /// Takes `bytes` bytes off the front. The position must be at a byte.
    pub fn take(&mut self, bytes: u64) -> Result<Self, ParseError> {
        if bytes > self.remaining_bytes() {
            return Err(self.error(ErrorKind::UnexpectedEnd));
        }
        let start = self.position;
        self.position += bytes * 8;
        Ok(Bits { position: start, end: self.position, ..*self })
    }

    /// Whether what is left has these bytes. The position must be at a byte.
    pub fn eq_bytes(&self, bytes: &[u8]) -> bool {
        self.stream[(self.position / 8) as usize..(self.end / 8) as usize] == *bytes
    }

    /// Where in the file the bytes that are left are.
    pub fn range_in_file(&self) -> Range<usize> {
        self.base + (self.position / 8) as usize..self.base + (self.end / 8) as usize
    }
}
