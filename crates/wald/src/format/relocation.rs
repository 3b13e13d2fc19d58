//! Relocation entries: their types, and an iterator that decodes them on the spot.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#relocation-sections>.
//!
//! The repository's CONTRIBUTING.md lists what a new relocation type needs.

use crate::index::ByteRange;

macro_rules! relocation_types {
    ($($number:literal $name:ident $text:literal;)*) => {
        /// A relocation's type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        #[allow(missing_docs)]
        #[non_exhaustive]
        pub enum RelocationType { $($name = $number,)* }

        impl RelocationType {
            /// How many numbers there are.
            pub(crate) const COUNT: usize = [$($number),*].len();

            /// The type with the convention's number.
            #[inline]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(RelocationType::$name),)* _ => None }
            }

            /// The convention's name.
            pub fn name(self) -> &'static str {
                match self { $(RelocationType::$name => $text,)* }
            }
        }
    };
}

relocation_types! {
    0 FunctionIndexLeb "R_WASM_FUNCTION_INDEX_LEB";
    1 TableIndexSleb "R_WASM_TABLE_INDEX_SLEB";
    2 TableIndexI32 "R_WASM_TABLE_INDEX_I32";
    3 MemoryAddrLeb "R_WASM_MEMORY_ADDR_LEB";
    4 MemoryAddrSleb "R_WASM_MEMORY_ADDR_SLEB";
    5 MemoryAddrI32 "R_WASM_MEMORY_ADDR_I32";
    6 TypeIndexLeb "R_WASM_TYPE_INDEX_LEB";
    7 GlobalIndexLeb "R_WASM_GLOBAL_INDEX_LEB";
    8 FunctionOffsetI32 "R_WASM_FUNCTION_OFFSET_I32";
    9 SectionOffsetI32 "R_WASM_SECTION_OFFSET_I32";
    10 TagIndexLeb "R_WASM_TAG_INDEX_LEB";
    11 MemoryAddrRelSleb "R_WASM_MEMORY_ADDR_REL_SLEB";
    12 TableIndexRelSleb "R_WASM_TABLE_INDEX_REL_SLEB";
    13 GlobalIndexI32 "R_WASM_GLOBAL_INDEX_I32";
    14 MemoryAddrLeb64 "R_WASM_MEMORY_ADDR_LEB64";
    15 MemoryAddrSleb64 "R_WASM_MEMORY_ADDR_SLEB64";
    16 MemoryAddrI64 "R_WASM_MEMORY_ADDR_I64";
    17 MemoryAddrRelSleb64 "R_WASM_MEMORY_ADDR_REL_SLEB64";
    18 TableIndexSleb64 "R_WASM_TABLE_INDEX_SLEB64";
    19 TableIndexI64 "R_WASM_TABLE_INDEX_I64";
    20 TableNumberLeb "R_WASM_TABLE_NUMBER_LEB";
    21 MemoryAddrTlsSleb "R_WASM_MEMORY_ADDR_TLS_SLEB";
    22 FunctionOffsetI64 "R_WASM_FUNCTION_OFFSET_I64";
    23 MemoryAddrLocrelI32 "R_WASM_MEMORY_ADDR_LOCREL_I32";
    24 TableIndexRelSleb64 "R_WASM_TABLE_INDEX_REL_SLEB64";
    25 MemoryAddrTlsSleb64 "R_WASM_MEMORY_ADDR_TLS_SLEB64";
    26 FunctionIndexI32 "R_WASM_FUNCTION_INDEX_I32";
}

/// How a relocation's value is written at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Five bytes of padded unsigned LEB128.
    Leb32,
    /// Five bytes of padded signed LEB128.
    Sleb32,
    /// Ten bytes of padded unsigned LEB128.
    Leb64,
    /// Ten bytes of padded signed LEB128.
    Sleb64,
    /// Four bytes, little-endian.
    I32,
    /// Eight bytes, little-endian.
    I64,
}

impl Encoding {
    /// How many bytes it takes.
    #[inline]
    pub const fn width(self) -> usize {
        match self {
            Encoding::Leb32 | Encoding::Sleb32 => 5,
            Encoding::Leb64 | Encoding::Sleb64 => 10,
            Encoding::I32 => 4,
            Encoding::I64 => 8,
        }
    }
}

use RelocationType::*;

impl RelocationType {
    /// Whether entries of this type carry an addend.
    #[inline]
    pub fn has_addend(self) -> bool {
        const WITH_ADDEND: u32 = 1 << MemoryAddrLeb as u32
            | 1 << MemoryAddrSleb as u32
            | 1 << MemoryAddrI32 as u32
            | 1 << FunctionOffsetI32 as u32
            | 1 << SectionOffsetI32 as u32
            | 1 << MemoryAddrRelSleb as u32
            | 1 << MemoryAddrLeb64 as u32
            | 1 << MemoryAddrSleb64 as u32
            | 1 << MemoryAddrI64 as u32
            | 1 << MemoryAddrRelSleb64 as u32
            | 1 << MemoryAddrTlsSleb as u32
            | 1 << FunctionOffsetI64 as u32
            | 1 << MemoryAddrLocrelI32 as u32
            | 1 << MemoryAddrTlsSleb64 as u32;
        WITH_ADDEND >> self as u32 & 1 != 0
    }

    /// How the value is written.
    #[inline]
    pub(crate) const fn encoding(self) -> Encoding {
        match self {
            FunctionIndexLeb | MemoryAddrLeb | TypeIndexLeb | GlobalIndexLeb | TagIndexLeb
            | TableNumberLeb => Encoding::Leb32,
            TableIndexSleb | MemoryAddrSleb | MemoryAddrRelSleb | TableIndexRelSleb | MemoryAddrTlsSleb => {
                Encoding::Sleb32
            }
            MemoryAddrLeb64 => Encoding::Leb64,
            MemoryAddrSleb64 | MemoryAddrRelSleb64 | TableIndexSleb64 | TableIndexRelSleb64
            | MemoryAddrTlsSleb64 => Encoding::Sleb64,
            TableIndexI32 | MemoryAddrI32 | FunctionOffsetI32 | SectionOffsetI32 | GlobalIndexI32
            | MemoryAddrLocrelI32 | FunctionIndexI32 => Encoding::I32,
            MemoryAddrI64 | TableIndexI64 | FunctionOffsetI64 => Encoding::I64,
        }
    }

    /// Whether it asks for a function's place in the indirect function table.
    #[inline]
    pub(crate) const fn is_table_index(self) -> bool {
        matches!(
            self,
            TableIndexSleb
                | TableIndexI32
                | TableIndexRelSleb
                | TableIndexSleb64
                | TableIndexI64
                | TableIndexRelSleb64
        )
    }

    /// Whether it asks for the address of a function only, so that an undefined weak function needs no body. As in wasm-ld, offsets from
    /// the start of the module's own part of the table do not count.
    #[inline]
    pub(crate) fn is_null_for_stubs(self) -> bool {
        self.is_table_index() && !matches!(self, TableIndexRelSleb | TableIndexRelSleb64)
    }

    /// Whether the output may need an entry on its account: a type, a place in the function table, a global that
    /// keeps an address; or whether it must be checked (thread-local addresses).
    #[inline]
    pub(crate) const fn asks_for_entry(self) -> bool {
        self.is_table_index()
            || matches!(self, TypeIndexLeb | GlobalIndexI32 | MemoryAddrTlsSleb | MemoryAddrTlsSleb64)
    }

    /// Whether the value is the place of a function in the code section.
    #[inline]
    pub(crate) const fn is_place_in_code(self) -> bool {
        matches!(self, FunctionOffsetI32 | FunctionOffsetI64)
    }

    /// Whether it is one of those that nearly all entries of debug information are: four bytes for the place of a function, of a
    /// datum, or of something in another section.
    #[inline]
    pub(crate) fn is_plain(self) -> bool {
        const PLAIN: u32 =
            1 << FunctionOffsetI32 as u32 | 1 << SectionOffsetI32 as u32 | 1 << MemoryAddrI32 as u32;
        PLAIN >> self as u32 & 1 != 0
    }

    /// Whether code can have it. Offsets of code are unknown while its own numbers are compressed, and code has no memory
    /// address.
    #[inline]
    pub(crate) const fn is_for_code(self) -> bool {
        !matches!(self, FunctionOffsetI32 | FunctionOffsetI64 | SectionOffsetI32 | MemoryAddrLocrelI32)
    }

    /// Whether the value is an address in linear memory.
    pub(crate) fn is_memory_address(self) -> bool {
        matches!(
            self,
            MemoryAddrLeb
                | MemoryAddrSleb
                | MemoryAddrI32
                | MemoryAddrRelSleb
                | MemoryAddrLeb64
                | MemoryAddrSleb64
                | MemoryAddrI64
                | MemoryAddrRelSleb64
                | MemoryAddrTlsSleb
                | MemoryAddrTlsSleb64
                | MemoryAddrLocrelI32
        )
    }
}

/// One decoded entry.
#[derive(Clone, Copy, Debug)]
pub struct Relocation {
    /// Its type.
    pub kind: RelocationType,
    /// Where it applies, from the start of the section's contents.
    pub offset: u32,
    /// Symbol table index; for [`TypeIndexLeb`] an index into the object's types.
    pub index: u32,
    /// Added to the symbol's value.
    pub addend: i64,
}

/// Decodes the entries in a range that parsing has checked.
#[derive(Clone)]
pub struct RelocationIterator<'a> {
    /// From the next entry to the end of the object, not only of the range: several bytes are read at once.
    bytes: &'a [u8],
    /// How many of these bytes are after the range.
    behind: usize,
}

/// How many bytes of an entry, after its type, are decoded at once.
const WORD: usize = size_of::<u64>();

/// The highest bit of each byte of a LEB128 number says whether another byte follows.
const CONTINUES: u64 = 0x8080_8080_8080_8080;

/// Decodes the entry at the start of `bytes`, and returns its length too. It may end behind the range that it belongs to. `None` near
/// the end of the bytes, or if a number has more than four bytes: then it must be decoded byte by byte.
///
/// Where the next entry starts depends on this one, so the time of a loop over entries is that of the longest chain of operations in
/// here. The length is therefore taken from one word without looking at the numbers, and without branches, because no processor
/// predicts how long the numbers are.
#[inline(always)]
fn decode(bytes: &[u8]) -> Option<(Relocation, usize)> {
    let (&number, rest) = bytes.split_first()?;
    let word = u64::from_le_bytes(*rest.first_chunk::<WORD>()?);
    let kind = RelocationType::from_number(u32::from(number))?;
    let first = !word & CONTINUES;
    let second = first & first.wrapping_sub(1);
    let third = second & second.wrapping_sub(1);
    let last = if kind.has_addend() { third } else { second };
    if last == 0 {
        return decode_long(bytes, kind);
    }
    // Each number ends with the highest bit of its last byte.
    let (end, end_of_index) = (first.trailing_zeros(), second.trailing_zeros());
    let of_index = word >> end >> 1;
    let is_short = |bits: u32| bits <= u32::BITS;
    let mut all_short = is_short(end + 1) & is_short(end_of_index - end);
    let offset = joined(word as u32, end);
    let index = joined(of_index as u32, end_of_index - end - 1);
    let mut addend = 0;
    if kind.has_addend() {
        let bits = last.trailing_zeros() - end_of_index;
        all_short &= is_short(bits);
        let value = joined((word >> end_of_index >> 1) as u32, bits - 1);
        addend = sign_extended(value, bits / 8);
    }
    let len = 1 + (last.trailing_zeros() as usize + 1) / 8;
    all_short.then_some((Relocation { kind, offset, index, addend }, len))
}

/// The same for an entry that does not fit a word, as some do in large debug sections.
#[inline(never)]
fn decode_long(bytes: &[u8], kind: RelocationType) -> Option<(Relocation, usize)> {
    let word = |at: usize| bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let number = |at: usize| {
        let word = word(at)?;
        let last = !word & CONTINUES as u32;
        (last != 0).then(|| (joined(word, last.trailing_zeros()), last.trailing_zeros() / 8 + 1))
    };
    let (offset, len) = number(1)?;
    let mut at = 1 + len as usize;
    let (index, len) = number(at)?;
    at += len as usize;
    let mut addend = 0;
    if kind.has_addend() {
        let (value, len) = number(at)?;
        addend = sign_extended(value, len);
        at += len as usize;
    }
    Some((Relocation { kind, offset, index, addend }, at))
}

/// The signed number that takes so many bytes, at most four.
#[inline(always)]
pub(super) fn sign_extended(value: u32, bytes: u32) -> i64 {
    let unused = 32u32.wrapping_sub(7 * bytes) & 31;
    i64::from((value << unused) as i32 >> unused)
}

/// The value of an unsigned LEB128 number of at most four bytes, whose last byte's highest bit is at `end`.
#[inline(always)]
pub(super) fn joined(word: u32, end: u32) -> u32 {
    let unused = 31u32.wrapping_sub(end) & 31;
    let word = word << unused >> unused;
    // Two bytes become 14 bits, and then two of those 28.
    let pairs = word & 0x007f_007f | word >> 1 & 0x3f80_3f80;
    pairs & 0x3fff | pairs >> 2 & 0x0fff_c000
}

/// The entry at the start of `bytes`, however long its numbers are, and its length.
pub(super) fn decode_any(bytes: &[u8]) -> Option<(Relocation, usize)> {
    let mut entries = RelocationIterator { bytes, behind: 0 };
    let entry = entries.next_long()?;
    Some((entry, bytes.len() - entries.bytes.len()))
}

impl<'a> RelocationIterator<'a> {
    /// The entries in `range` of `object`.
    #[inline]
    pub fn new(object: &'a [u8], range: ByteRange) -> Self {
        let behind = object.len() - range.end() as usize;
        RelocationIterator { bytes: &object[range.start as usize..], behind }
    }

    /// The next entry if it is longer than most, or near the end of the bytes.
    #[cold]
    fn next_long(&mut self) -> Option<Relocation> {
        let (&number, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        let kind = RelocationType::from_number(u32::from(number))?;
        let offset = self.long_unsigned()? as u32;
        let index = self.long_unsigned()? as u32;
        let addend = if kind.has_addend() { self.long_signed()? } else { 0 };
        Some(Relocation { kind, offset, index, addend })
    }

    fn long_unsigned(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
            shift = (shift + 7).min(63);
        }
    }

    fn long_signed(&mut self) -> Option<i64> {
        let (mut value, mut shift) = (0i64, 0);
        loop {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= i64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let unused = 57u32.saturating_sub(shift);
                return Some(value << unused >> unused);
            }
            shift = (shift + 7).min(63);
        }
    }
}

impl Iterator for RelocationIterator<'_> {
    type Item = Relocation;

    #[inline(always)]
    fn next(&mut self) -> Option<Relocation> {
        if self.bytes.len() <= self.behind {
            return None;
        }
        let Some((entry, len)) = decode(self.bytes) else { return self.next_long() };
        self.bytes = &self.bytes[len..];
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_entries_in_a_row() {
        let bytes = [0u8, 0x84, 0x01, 0x03, 4, 5, 6, 0x7c, 1, 9, 1];
        let range = ByteRange { start: 0, len: bytes.len() as u32 };
        let all: Vec<Relocation> = RelocationIterator::new(&bytes, range).collect();
        assert_eq!(all.len(), 3);
        assert_eq!((all[0].kind, all[0].offset, all[0].index, all[0].addend), (FunctionIndexLeb, 132, 3, 0));
        assert_eq!((all[1].kind, all[1].offset, all[1].index, all[1].addend), (MemoryAddrSleb, 5, 6, -4));
        assert_eq!((all[2].kind, all[2].offset, all[2].index), (TableIndexSleb, 9, 1));
    }

    #[test]
    fn decodes_numbers_of_every_length_wherever_they_stand() {
        use crate::leb128::{write_i64, write_u64};
        let mut numbers = vec![0i64, 1, -1, 63, 64, -64, -65, i64::from(i32::MIN), i64::from(u32::MAX)];
        for shift in 0..63 {
            numbers.extend([1 << shift, -(1 << shift), (1 << shift) - 1]);
        }
        for &addend in &numbers {
            for padding in 0..9 {
                let offset = addend.unsigned_abs() as u32;
                let mut bytes = vec![0xff, 5];
                write_u64(&mut bytes, u64::from(offset));
                bytes.push(1);
                write_i64(&mut bytes, addend);
                let range = ByteRange { start: 1, len: bytes.len() as u32 - 1 };
                bytes.extend(std::iter::repeat_n(0, padding));
                let all: Vec<Relocation> = RelocationIterator::new(&bytes, range).collect();
                assert_eq!(all.len(), 1);
                assert_eq!((all[0].offset, all[0].index, all[0].addend), (offset, 1, addend));
            }
        }
    }
}
