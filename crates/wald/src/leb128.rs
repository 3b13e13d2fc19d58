//! LEB128 numbers: reading with bounds, writing minimal and padded forms.
//! See <https://webassembly.github.io/spec/core/binary/values.html#integers>.

use crate::parse_error::{ErrorKind, ParseError};

/// A cursor over bytes that reports where it stopped.
#[derive(Clone)]
pub struct Reader<'a> {
    data: &'a [u8],
    position: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// Reads all of `data`; offsets in errors count from its start.
    pub fn new(data: &'a [u8]) -> Self {
        Reader { data, position: 0, end: data.len() }
    }

    /// Reads `data[start..end]`; offsets in errors still count from the start of `data`.
    pub fn within(data: &'a [u8], start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end <= data.len());
        Reader { data, position: start, end }
    }

    /// Offset of the next byte.
    #[inline]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Offset after the last byte.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Whether everything was read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.position >= self.end
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.end - self.position
    }

    /// An error at the current position.
    pub fn error(&self, kind: ErrorKind) -> ParseError {
        ParseError::new(self.position, kind)
    }

    /// One byte.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, ParseError> {
        if self.position < self.end {
            let byte = self.data[self.position];
            self.position += 1;
            Ok(byte)
        } else {
            Err(self.error(ErrorKind::UnexpectedEnd))
        }
    }

    /// `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], ParseError> {
        if len > self.remaining() {
            return Err(self.error(ErrorKind::UnexpectedEnd));
        }
        let start = self.position;
        self.position += len;
        Ok(&self.data[start..self.position])
    }

    /// Skips `len` bytes.
    pub fn skip(&mut self, len: usize) -> Result<(), ParseError> {
        self.bytes(len).map(|_| ())
    }

    /// An unsigned LEB128 number of up to 64 bits.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, ParseError> {
        match self.short() {
            Some(value) => Ok(u64::from(value)),
            None => self.long_u64(),
        }
    }

    /// A number of one byte, as most are.
    #[inline(always)]
    fn short(&mut self) -> Option<u8> {
        if self.position >= self.end {
            return None;
        }
        let byte = self.data[self.position];
        (byte < 0x80).then(|| {
            self.position += 1;
            byte
        })
    }

    #[inline(never)]
    fn long_u64(&mut self) -> Result<u64, ParseError> {
        let start = self.position;
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift >= 64 || bits << shift >> shift != bits {
                return Err(ParseError::new(start, ErrorKind::LebTooBig));
            }
            value |= bits << shift;
            shift += 7;
            if byte < 0x80 {
                return Ok(value);
            }
        }
    }

    /// An unsigned LEB128 number that fits into 32 bits, in at most five bytes.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, ParseError> {
        match self.short() {
            Some(value) => Ok(u32::from(value)),
            None => self.long_u32(),
        }
    }

    #[inline(never)]
    fn long_u32(&mut self) -> Result<u32, ParseError> {
        let start = self.position;
        let value = self.long_u64()?;
        match u32::try_from(value) {
            Ok(value) if self.position - start <= 5 => Ok(value),
            _ => Err(ParseError::new(start, ErrorKind::LebTooBig)),
        }
    }

    /// A signed LEB128 number that fits into 32 bits, in at most five bytes.
    pub fn i32(&mut self) -> Result<i32, ParseError> {
        let start = self.position;
        let value = self.i64()?;
        match i32::try_from(value) {
            Ok(value) if self.position - start <= 5 => Ok(value),
            _ => Err(ParseError::new(start, ErrorKind::LebTooBig)),
        }
    }

    /// A signed LEB128 number of up to 64 bits.
    pub fn i64(&mut self) -> Result<i64, ParseError> {
        let start = self.position;
        let mut value = 0i64;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            // The tenth byte is the last, and holds one bit and its copies.
            if shift == 63 && !matches!(byte, 0 | 0x7f) {
                return Err(ParseError::new(start, ErrorKind::LebTooBig));
            }
            value |= i64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                if shift < 64 && byte & 0x40 != 0 {
                    value |= -1i64 << shift;
                }
                return Ok(value);
            }
        }
    }

    /// A length-prefixed byte string, as a range of the data.
    pub fn string(&mut self) -> Result<&'a [u8], ParseError> {
        let len = self.u32()? as usize;
        self.bytes(len)
    }
}

/// Appends `value` in as few bytes as it needs.
pub fn write_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends `value` in as few bytes as it needs.
pub fn write_u32(out: &mut Vec<u8>, value: u32) {
    write_u64(out, u64::from(value));
}

/// Appends `value`, signed, in as few bytes as it needs.
pub fn write_i64(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let byte = value as u8 & 0x7f;
        value >>= 7;
        if value == 0 && byte & 0x40 == 0 || value == -1 && byte & 0x40 != 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// How many bytes [`write_u64`] takes.
pub fn size_u64(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// How many bytes [`write_i64`] takes.
pub fn size_i64(value: i64) -> usize {
    let magnitude = if value < 0 { !value } else { value };
    (64 - magnitude.leading_zeros() as usize + 1).div_ceil(7)
}

/// Overwrites `out` with `value`, padded with continuation bytes to fill it (5 or 10 bytes in relocations).
#[inline]
pub fn patch_padded_u64(out: &mut [u8], mut value: u64) {
    let last = out.len() - 1;
    for byte in &mut out[..last] {
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
    out[last] = value as u8 & 0x7f;
}

/// Overwrites `out` with the signed `value`, padded to fill it.
#[inline]
pub fn patch_padded_i64(out: &mut [u8], mut value: i64) {
    let last = out.len() - 1;
    for byte in &mut out[..last] {
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
    out[last] = value as u8 & 0x7f;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let mut values = vec![0, 1, 63, 64, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        values.extend((0..64).map(|bit| 1u64 << bit));
        for value in values {
            let mut out = Vec::new();
            write_u64(&mut out, value);
            assert_eq!(out.len(), size_u64(value), "{value}");
            assert_eq!(Reader::new(&out).u64().unwrap(), value);
            for signed in [value as i64, (value as i64).wrapping_neg()] {
                let mut out = Vec::new();
                write_i64(&mut out, signed);
                assert_eq!(out.len(), size_i64(signed), "{signed}");
                assert_eq!(Reader::new(&out).i64().unwrap(), signed);
                let mut padded = [0; 10];
                patch_padded_i64(&mut padded, signed);
                assert_eq!(Reader::new(&padded).i64().unwrap(), signed);
            }
        }
    }

    #[test]
    fn overlong_numbers_are_errors() {
        assert!(Reader::new(&[0xff; 20]).u64().is_err());
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x1f]).u32().is_err());
        assert!(Reader::new(&[0x80, 0x80]).u64().is_err());
        assert!(Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]).u32().is_err());
        assert!(Reader::new(&[0x80; 10].iter().copied().chain([0]).collect::<Vec<_>>()).u64().is_err());
        for (last, value) in [(0, Some(i64::MAX)), (0x7f, Some(-1)), (1, None), (0x40, None), (0xff, None)] {
            let bytes: Vec<u8> = [0xff; 9].iter().copied().chain([last]).collect();
            assert_eq!(Reader::new(&bytes).i64().ok(), value);
        }
        assert_eq!(Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x78]).i32().unwrap(), i32::MIN);
        assert!(Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x08]).i32().is_err());
        assert_eq!(
            Reader::new(&[0x80; 9].iter().copied().chain([1]).collect::<Vec<_>>()).u64().unwrap(),
            1 << 63
        );
    }
}
