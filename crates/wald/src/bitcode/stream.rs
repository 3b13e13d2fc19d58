//! The blocks and records of a bitstream.
//! See <https://llvm.org/docs/BitCodeFormat.html#bitstream-format>.
//!
//! The operands of a record are passed to a closure one by one, so a record takes no memory. An abbreviation is stored as the
//! position of its definition, which is read again for each record that uses it.

use super::abbreviation::{define, Encoding};
use super::bits::{Bits, MAX_WIDTH};
use crate::parse_error::ParseError;

/// Blocks' ids. See <https://llvm.org/docs/BitCodeFormat.html#llvm-ir-blocks>.
pub(super) mod id {
    pub const BLOCKINFO: u32 = 0;
    pub const MODULE: u32 = 8;
    pub const CONSTANTS: u32 = 11;
    pub const IDENTIFICATION: u32 = 13;
    pub const METADATA: u32 = 15;
    pub const THIN_SUMMARY: u32 = 20;
    pub const STRING_TABLE: u32 = 23;
    pub const FULL_SUMMARY: u32 = 24;
    pub const SYMBOL_TABLE: u32 = 25;
}

const END_BLOCK: u64 = 0;
const ENTER_SUBBLOCK: u64 = 1;
const DEFINE_ABBREVIATION: u64 = 2;
const UNABBREVIATED: u64 = 3;
const FIRST_ABBREVIATION: u64 = 4;
/// The record of a BLOCKINFO block with the id of the blocks that the next abbreviations are for.
const SET_BLOCK: u32 = 1;

/// Part of a block.
pub(super) enum Entry<'a> {
    /// A nested block, which was skipped.
    Block(Nested<'a>),
    /// A record with this code.
    Record(u32),
}

/// A nested block.
#[derive(Clone, Copy)]
pub(super) struct Nested<'a> {
    /// See [`id`].
    pub id: u32,
    /// Bits of an abbreviation's id.
    pub width: u32,
    /// The bits of its entries.
    pub contents: Bits<'a>,
}

/// One operand of a record.
pub(super) struct Operand<'a> {
    /// The record's code.
    pub code: u32,
    /// The operand's position in the record, without the code.
    pub index: usize,
    value: Value<'a>,
}

/// The value of an operand.
#[derive(Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Blob(Bits<'a>),
}

impl<'a> Operand<'a> {
    /// The number; zero for a blob.
    pub fn number(&self) -> u64 {
        match self.value {
            Value::Number(number) => number,
            Value::Blob(_) => 0,
        }
    }

    /// The blob, if it is one.
    pub fn blob(&self) -> Option<Bits<'a>> {
        match self.value {
            Value::Number(_) => None,
            Value::Blob(blob) => Some(blob),
        }
    }
}

/// Positions of definitions of abbreviations in the stream.
type Abbreviations = Vec<u64>;

/// A block that is being read.
pub(super) struct Block<'a> {
    bits: Bits<'a>,
    /// Bits of an abbreviation's id.
    width: u32,
    inherited: &'a [u64],
    defined: Abbreviations,
}

impl<'a> Block<'a> {
    /// The outermost level of a stream.
    pub fn outermost(bits: Bits<'a>) -> Self {
        Block { bits, width: 2, inherited: &[], defined: Vec::new() }
    }

    /// Starts to read a block. BLOCKINFO defines its `inherited` abbreviations.
    pub fn enter(nested: Nested<'a>, inherited: &'a [u64]) -> Self {
        Block { bits: nested.contents, width: nested.width, inherited, defined: Vec::new() }
    }

    /// The bits that are left.
    pub fn bits(&self) -> &Bits<'a> {
        &self.bits
    }

    /// Reads the next entry. Passes the operands of a record to `visit`. Returns `None` at the end of the block.
    pub fn next(&mut self, mut visit: impl FnMut(Operand<'a>)) -> Result<Option<Entry<'a>>, ParseError> {
        loop {
            match self.bits.fixed(self.width)? {
                END_BLOCK => return Ok(None),
                ENTER_SUBBLOCK => return self.nested().map(|nested| Some(Entry::Block(nested))),
                DEFINE_ABBREVIATION => {
                    let definition = define(&mut self.bits)?;
                    self.defined.push(definition);
                }
                UNABBREVIATED => return self.unabbreviated(visit).map(|code| Some(Entry::Record(code))),
                abbreviation => {
                    let definition = self.definition(abbreviation - FIRST_ABBREVIATION)?;
                    let code = self.abbreviated(definition, &mut visit)?;
                    return Ok(Some(Entry::Record(code)));
                }
            }
        }
    }

    fn nested(&mut self) -> Result<Nested<'a>, ParseError> {
        let id = self.bits.vbr32(8)?;
        let width = self.bits.vbr32(4)?;
        self.bits.align()?;
        let words = self.bits.fixed(32)?;
        let contents = self.bits.take(words * 4)?;
        if !(2..=MAX_WIDTH).contains(&width) {
            return Err(contents.malformed("block in bitcode has abbreviations of an invalid width"));
        }
        Ok(Nested { id, width, contents })
    }

    fn definition(&self, index: u64) -> Result<Bits<'a>, ParseError> {
        let index = index as usize;
        let inherited = self.inherited.get(index);
        let found = inherited.or_else(|| self.defined.get(index - self.inherited.len()));
        match found {
            Some(&position) => Ok(self.bits.at(position)),
            None => Err(self.bits.malformed("unknown abbreviation in bitcode")),
        }
    }

    fn unabbreviated(&mut self, mut visit: impl FnMut(Operand<'a>)) -> Result<u32, ParseError> {
        let code = self.bits.vbr32(6)?;
        let count = self.bits.vbr32(6)?;
        for index in 0..count as usize {
            let value = Value::Number(self.bits.vbr(6)?);
            visit(Operand { code, index, value });
        }
        Ok(code)
    }

    fn abbreviated(
        &mut self,
        mut definition: Bits<'a>,
        visit: &mut impl FnMut(Operand<'a>),
    ) -> Result<u32, ParseError> {
        let bits = &mut self.bits;
        let mut left = definition.vbr32(5)? - 1;
        let code = Encoding::read(&mut definition)?.number(bits)? as u32;
        let mut index = 0;
        while left > 0 {
            left -= 1;
            match Encoding::read(&mut definition)? {
                Encoding::Array => {
                    let element = Encoding::read(&mut definition)?;
                    for _ in 0..bits.vbr32(6)? {
                        visit(Operand { code, index, value: Value::Number(element.number(bits)?) });
                        index += 1;
                    }
                    break;
                }
                Encoding::Blob => {
                    let len = bits.vbr32(6)?;
                    bits.align()?;
                    let blob = bits.take(u64::from(len))?;
                    bits.align()?;
                    visit(Operand { code, index, value: Value::Blob(blob) });
                }
                scalar => visit(Operand { code, index, value: Value::Number(scalar.number(bits)?) }),
            }
            index += 1;
        }
        Ok(code)
    }
}

/// Reads the abbreviations that a BLOCKINFO block defines for blocks with the id `wanted`.
pub(super) fn read_block_info(nested: Nested, wanted: u32) -> Result<Vec<u64>, ParseError> {
    let mut block = Block::enter(nested, &[]);
    let mut found = Vec::new();
    let mut current = None;
    loop {
        let before = current;
        let entry = block.next(|operand| {
            if (operand.code, operand.index) == (SET_BLOCK, 0) {
                current = Some(operand.number());
            }
        })?;
        // These definitions precede the record that may have changed the current block.
        let defined = block.defined.drain(..);
        if before == Some(u64::from(wanted)) {
            found.extend(defined);
        }
        if entry.is_none() {
            return Ok(found);
        }
    }
}
