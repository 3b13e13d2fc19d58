//! Abbreviations: how the operands of a record are stored.
//! See <https://llvm.org/docs/BitCodeFormat.html#define-abbrev-encoding>.

use super::bits::{Bits, MAX_WIDTH};
use crate::parse_error::ParseError;

/// The maximum number of operands of an abbreviation. LLVM defines at most about 20. Without a limit, a small file could take
/// long to read.
const MAX_ABBREVIATION: u32 = 64;

/// How an operand is stored.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Encoding {
    /// The value is in the abbreviation.
    Literal(u64),
    Fixed(u32),
    Vbr(u32),
    /// Any number of operands in the encoding that follows.
    Array,
    Char6,
    Blob,
}

impl Encoding {
    /// Reads how the next operand is stored.
    pub fn read(definition: &mut Bits) -> Result<Self, ParseError> {
        if definition.fixed(1)? == 1 {
            return Ok(Encoding::Literal(definition.vbr(8)?));
        }
        let kind = definition.fixed(3)?;
        match kind {
            1 | 2 => {
                let width = definition.vbr(5)?;
                if width > u64::from(MAX_WIDTH) {
                    return Err(definition.malformed("field of an abbreviation in bitcode is too wide"));
                }
                Ok(match (kind, width as u32) {
                    (_, 0) => Encoding::Literal(0),
                    (1, width) => Encoding::Fixed(width),
                    (_, width) => Encoding::Vbr(width),
                })
            }
            3 => Ok(Encoding::Array),
            4 => Ok(Encoding::Char6),
            5 => Ok(Encoding::Blob),
            _ => Err(definition.malformed("unknown encoding in an abbreviation in bitcode")),
        }
    }

    /// Whether each operand is a number that takes bits of the record.
    fn is_stored_number(self) -> bool {
        matches!(self, Encoding::Fixed(_) | Encoding::Vbr(_) | Encoding::Char6)
    }

    /// Reads an operand that is a number.
    pub fn number(self, bits: &mut Bits) -> Result<u64, ParseError> {
        match self {
            Encoding::Literal(number) => Ok(number),
            Encoding::Fixed(width) => bits.fixed(width),
            Encoding::Vbr(width) => bits.vbr(width),
            Encoding::Char6 => {
                const CHARACTERS: &[u8; 64] =
                    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._";
                Ok(u64::from(CHARACTERS[bits.fixed(6)? as usize & 63]))
            }
            Encoding::Array | Encoding::Blob => Err(bits.malformed("abbreviation in bitcode has no number")),
        }
    }
}

/// Reads and checks a definition of an abbreviation. Returns its position.
pub(super) fn define(bits: &mut Bits) -> Result<u64, ParseError> {
    let position = bits.position();
    let count = bits.vbr32(5)?;
    if count == 0 || count > MAX_ABBREVIATION {
        return Err(bits.malformed("abbreviation in bitcode has no operands or too many"));
    }
    let mut is_element = false;
    for index in 0..count {
        let encoding = Encoding::read(bits)?;
        let is_valid = match (is_element, encoding) {
            (true, encoding) => encoding.is_stored_number(),
            (false, Encoding::Array) => index > 0 && index + 2 == count,
            (false, Encoding::Blob) => index > 0,
            _ => true,
        };
        if !is_valid {
            return Err(bits.malformed("abbreviation in bitcode has an array or blob at a wrong position"));
        }
        is_element = encoding == Encoding::Array;
    }
    Ok(position)
}
