//! Module flags: named numbers that a front end sets, such as `PIC Level`.
//! See <https://llvm.org/docs/LangRef.html#module-flags-metadata>.
//!
//! The named metadata `llvm.module.flags` lists nodes. Each node has a behaviour, a name and a value. The value refers to a
//! constant in another block. Each step reads the blocks again, so that no table of metadata has to be kept.

use super::bits::Bits;
use super::module::ModuleBlock;
use super::stream::{id, read_block_info, Block, Entry, Nested, Operand};
use crate::parse_error::ParseError;

/// The maximum number of flags. Front ends set about ten.
const MAX_FLAGS: usize = 1024;

/// Records of a METADATA block.
const VALUE: u32 = 2;
const NODE: u32 = 3;
const NAME: u32 = 4;
const KIND: u32 = 6;
const NAMED_NODE: u32 = 10;
const ATTACHMENT: u32 = 11;
const STRINGS: u32 = 35;
const GLOBAL_ATTACHMENT: u32 = 36;
const INDEX_OFFSET: u32 = 38;
const INDEX: u32 = 39;

/// Records of a MODULE block that define a value: variable, function, alias (old and new), indirect function.
const GLOBALS: [u32; 5] = [7, 8, 9, 14, 15];

/// Records of a CONSTANTS block. All except `SETTYPE` define a value.
const SETTYPE: u32 = 1;
const NULL: u32 = 2;
const INTEGER: u32 = 4;

/// Reads the flag `name` of a module. `None` if it is not set or not an integer.
pub(super) fn read_flag(stream: &Bits, of: &ModuleBlock, name: &[u8]) -> Result<Option<u64>, ParseError> {
    let module = Nested { id: id::MODULE, width: of.width, contents: stream.within(&of.bits) };
    let mut block = Block::enter(module, &[]);
    let (mut of_metadata, mut of_constants) = (Vec::new(), Vec::new());
    while let Some(entry) = block.next(|_| {})? {
        match entry {
            Entry::Block(nested) if nested.id == id::BLOCKINFO => {
                of_metadata = read_block_info(nested, id::METADATA)?;
                of_constants = read_block_info(nested, id::CONSTANTS)?;
            }
            Entry::Block(nested) if nested.id == id::METADATA => {
                let metadata = || Metadata { block: Block::enter(nested, &of_metadata), next: 0 };
                let nodes = flag_nodes(metadata())?;
                let Some(value) = flag_value(metadata(), &nodes, name)? else { return Ok(None) };
                let Some(constant) = value_number(metadata(), value)? else { return Ok(None) };
                return read_constant(Block::enter(module, &[]), &of_constants, constant);
            }
            _ => {}
        }
    }
    Ok(None)
}

/// A module's METADATA block. Strings and nodes are numbered together, in the order of their records.
struct Metadata<'a> {
    block: Block<'a>,
    next: u64,
}

impl<'a> Metadata<'a> {
    /// Reads the next record. Returns its code and the number of what it defines.
    fn next(&mut self, mut visit: impl FnMut(Operand<'a>)) -> Result<Option<(u32, u64)>, ParseError> {
        loop {
            let mut strings = 0;
            let entry = self.block.next(|operand| {
                if (operand.code, operand.index) == (STRINGS, 0) {
                    strings = operand.number();
                }
                visit(operand);
            })?;
            let code = match entry {
                None => return Ok(None),
                Some(Entry::Block(_)) => continue,
                Some(Entry::Record(code)) => code,
            };
            let number = self.next;
            let defined = match code {
                STRINGS => strings,
                NAME | KIND | NAMED_NODE | ATTACHMENT | GLOBAL_ATTACHMENT | INDEX_OFFSET | INDEX => 0,
                _ => 1,
            };
            self.next = self.next.saturating_add(defined);
            return Ok(Some((code, number)));
        }
    }
}

/// The numbers of the flags' nodes, sorted.
fn flag_nodes(mut metadata: Metadata) -> Result<Vec<u64>, ParseError> {
    const FLAGS: &[u8] = b"llvm.module.flags";
    let mut nodes = Vec::new();
    // A name is in the record before its list. This is its length, or 0 if the name differs.
    let mut equal = 0;
    loop {
        let is_flags = equal == FLAGS.len();
        let mut is_wrong = false;
        equal = 0;
        let record = metadata.next(|operand| match operand.code {
            NAME => {
                let expected = FLAGS.get(operand.index).map(|&letter| u64::from(letter));
                is_wrong |= expected != Some(operand.number());
                equal += 1;
            }
            NAMED_NODE if is_flags && nodes.len() < MAX_FLAGS => nodes.push(operand.number()),
            _ => {}
        })?;
        if is_wrong {
            equal = 0;
        }
        if record.is_none() {
            nodes.sort_unstable();
            return Ok(nodes);
        }
    }
}

/// The number of the metadata that is the value of the flag `name`.
fn flag_value(mut metadata: Metadata, nodes: &[u64], name: &[u8]) -> Result<Option<u64>, ParseError> {
    let mut name_number = None;
    loop {
        let (mut operands, mut blob) = ([0; 3], None);
        let record = metadata.next(|operand| {
            blob = operand.blob();
            if let Some(slot) = operands.get_mut(operand.index) {
                *slot = operand.number();
            }
        })?;
        match (record, blob) {
            (None, _) => return Ok(None),
            (Some((STRINGS, first)), Some(blob)) => {
                let found = find_string(blob, operands[0], operands[1], name)?;
                name_number = found.map(|position| first + position);
            }
            // An operand of a node is a number plus 1, or 0 for no operand.
            (Some((NODE, number)), _)
                if nodes.binary_search(&number).is_ok()
                    && name_number.is_some_and(|name| Some(name) == operands[1].checked_sub(1)) =>
            {
                return Ok(operands[2].checked_sub(1));
            }
            _ => {}
        }
    }
}

/// The position of a string among the `count` strings of a blob: their lengths, and at `start` their characters.
fn find_string(blob: Bits, count: u64, start: u64, wanted: &[u8]) -> Result<Option<u64>, ParseError> {
    let mut characters = blob;
    let mut lengths = characters.take(start)?;
    for position in 0..count {
        let len = lengths.vbr32(6)?;
        if characters.take(u64::from(len))?.eq_bytes(wanted) {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

/// The number of the constant that metadata wraps.
fn value_number(mut metadata: Metadata, wanted: u64) -> Result<Option<u64>, ParseError> {
    loop {
        let mut constant = None;
        let record = metadata.next(|operand| {
            if (operand.code, operand.index) == (VALUE, 1) {
                constant = Some(operand.number());
            }
        })?;
        match record {
            Some((VALUE, number)) if number == wanted => return Ok(constant),
            Some(_) => {}
            None => return Ok(None),
        }
    }
}

/// Reads an integer constant of a module.
fn read_constant(mut module: Block, inherited: &[u64], wanted: u64) -> Result<Option<u64>, ParseError> {
    let mut next = 0;
    while let Some(entry) = module.next(|_| {})? {
        match entry {
            Entry::Record(code) if GLOBALS.contains(&code) => next += 1,
            Entry::Block(nested) if nested.id == id::CONSTANTS => {
                let mut constants = Block::enter(nested, inherited);
                let mut value = 0;
                while let Some(entry) = constants.next(|operand| value = operand.number())? {
                    match entry {
                        Entry::Record(NULL) if next == wanted => return Ok(Some(0)),
                        // The lowest bit is the sign, and no flag is negative.
                        Entry::Record(INTEGER) if next == wanted => return Ok(Some(value >> 1)),
                        Entry::Record(SETTYPE) | Entry::Block(_) => {}
                        Entry::Record(_) => next += 1,
                    }
                }
            }
            _ => {}
        }
    }
    Ok(None)
}
