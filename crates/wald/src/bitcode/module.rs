//! The producer of a module, and how the module takes part in link-time optimization.

use super::stream::{id, Block, Entry, Nested};
use crate::parse_error::ParseError;
use std::ops::Range;

/// Records of an IDENTIFICATION block.
const PRODUCER: u32 = 1;
const EPOCH: u32 = 2;
/// The record of a summary with the flags below.
const FLAGS: u32 = 20;
const SPLIT_LTO_UNIT: u64 = 1 << 3;
const UNIFIED_LTO: u64 = 1 << 9;

/// A module of a bitcode file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// What wrote the module, such as `LLVM22.1.8`. Empty if the file does not contain it.
    pub producer: Box<[u8]>,
    /// The kind of summary.
    pub summary: Summary,
    /// Whether it was compiled with `-fsplit-lto-unit`: virtual tables and the like may be in a full module of the same file.
    /// `false` without a summary.
    pub has_split_lto_unit: bool,
    /// Whether it was compiled with `-funified-lto`, so that the linker chooses between thin and full. `false` without a summary.
    pub is_unified: bool,
    /// Where its block is, for metadata that is read later.
    pub(super) block: ModuleBlock,
}

/// How a module takes part in link-time optimization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// No summary. LLVM treats the module as a full one.
    Missing,
    /// LLVM merges the module with the other full modules.
    Full,
    /// LLVM optimises the module on its own, with the summaries of all others.
    Thin,
}

/// A module's block in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModuleBlock {
    /// Bits of an abbreviation's id.
    pub width: u32,
    /// The contents.
    pub bits: Range<u64>,
}

/// Reads the producer of the next module.
pub(super) fn read_identification(nested: Nested) -> Result<Box<[u8]>, ParseError> {
    let mut block = Block::enter(nested, &[]);
    let (mut producer, mut epoch) = (Vec::new(), 0);
    while block
        .next(|operand| match operand.code {
            PRODUCER => producer.push(operand.number() as u8),
            EPOCH => epoch = operand.number(),
            _ => {}
        })?
        .is_some()
    {}
    match epoch {
        0 => Ok(producer.into_boxed_slice()),
        _ => Err(block.bits().malformed("bitcode of an incompatible LLVM")),
    }
}

/// Reads a module up to its summary.
pub(super) fn read_module(nested: Nested, producer: Box<[u8]>) -> Result<Module, ParseError> {
    let mut module = Module {
        producer,
        summary: Summary::Missing,
        has_split_lto_unit: false,
        is_unified: false,
        block: ModuleBlock { width: nested.width, bits: nested.contents.range() },
    };
    let mut block = Block::enter(nested, &[]);
    while let Some(entry) = block.next(|_| {})? {
        let Entry::Block(nested) = entry else { continue };
        module.summary = match nested.id {
            id::THIN_SUMMARY => Summary::Thin,
            id::FULL_SUMMARY => Summary::Full,
            _ => continue,
        };
        let flags = read_flags(nested)?;
        module.has_split_lto_unit = flags & SPLIT_LTO_UNIT != 0;
        module.is_unified = flags & UNIFIED_LTO != 0;
        break;
    }
    Ok(module)
}

/// Reads the flags of a summary.
fn read_flags(nested: Nested) -> Result<u64, ParseError> {
    let mut block = Block::enter(nested, &[]);
    let mut flags = None;
    while flags.is_none() {
        let entry = block.next(|operand| {
            if (operand.code, operand.index) == (FLAGS, 0) {
                flags = Some(operand.number());
            }
        })?;
        if entry.is_none() {
            break;
        }
    }
    Ok(flags.unwrap_or(0))
}

/// Reads the blob of a symbol table's or string table's block. Returns its position in the file.
pub(super) fn read_blob(nested: Nested) -> Result<Range<usize>, ParseError> {
    const BLOB: u32 = 1;
    let mut block = Block::enter(nested, &[]);
    let mut range = 0..0;
    while block
        .next(|operand| {
            if let Some(blob) = operand.blob().filter(|_| operand.code == BLOB) {
                range = blob.range_in_file();
            }
        })?
        .is_some()
    {}
    Ok(range)
}
