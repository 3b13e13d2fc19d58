//! Reads what a linker needs of an LLVM bitcode file, without LLVM: the symbol table and the kind of each module.
//! See <https://llvm.org/docs/BitCodeFormat.html>.
//!
//! A bitcode file is a stream of bits ([`stream`]). It contains one or more modules, one symbol table for linkers and one string
//! table. The code of the modules is skipped. LLVM builds a new symbol table from the modules if it cannot rely on the one in the
//! file; [`Unknown`] lists the cases.

mod bits;
mod abbreviation;
mod stream;
mod symbol;
mod table;
mod module;
mod flags;
mod link_table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod damage_tests;

use crate::bytes::Bytes;
use crate::parse_error::ParseError;
use bits::Bits;
use module::{read_blob, read_identification, read_module};
use std::ops::Range;
use stream::{id, Block, Entry};

pub use link_table::{complete_link_table, is_position_independent, read_link_table};
pub use module::{Module, Summary};
pub use symbol::{Comdat, Selection, Symbol, SymbolTable, Text, Uncommon, Visibility};
pub use table::Unknown;

const MAGIC: &[u8; 4] = b"BC\xc0\xde";
/// The start of a header that contains the offset and size of the stream.
const WRAPPER_MAGIC: [u8; 4] = 0x0b17_c0deu32.to_le_bytes();
const WRAPPER_HEADER: usize = 16;
/// LLVM ignores up to this many bytes after the last block.
const TRAILING: u64 = 8;

/// A bitcode file.
#[derive(Clone, Debug)]
pub struct File {
    bytes: Bytes,
    /// The part of `bytes` that is the stream.
    stream: Range<usize>,
    /// The part of `bytes` that is the string table.
    strings: Range<usize>,
    /// The modules, at least one.
    pub modules: Vec<Module>,
    /// The symbols, or the reason why only LLVM can list them.
    pub symbol_table: Result<SymbolTable, Unknown>,
}

/// Whether `bytes` starts with the magic number of a bitcode file, or of the wrapper of one.
pub fn is_bitcode(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || bytes.starts_with(&WRAPPER_MAGIC)
}

/// Reads a bitcode file.
///
/// `producer` is the version of the LLVM that will generate code, such as `22.1.8`. LLVM does not use a symbol table that another
/// version wrote, and neither does this function. `None` accepts the table of any version.
///
/// # Errors
/// The bytes are not bitcode or are malformed. The offset counts from the start of `bytes`.
pub fn parse(bytes: &Bytes, producer: Option<&[u8]>) -> Result<File, ParseError> {
    let stream = find_stream(bytes)?;
    let mut bits = Bits::new(&bytes[stream.clone()], stream.start);
    if &bytes[bits.take(4)?.range_in_file()] != MAGIC {
        return Err(ParseError::malformed(stream.start, "bitcode does not start with its magic number"));
    }
    let mut block = Block::outermost(bits);
    let mut modules = Vec::new();
    let (mut table, mut strings) = (0..0, 0..0);
    let mut identification = None;
    while block.bits().remaining_bytes() > TRAILING {
        let Some(entry) = block.next(|_| {})? else {
            return Err(block.bits().malformed("end of a block in bitcode without its start"));
        };
        let nested = match entry {
            Entry::Block(nested) => nested,
            Entry::Record(_) => continue,
        };
        if identification.is_some() && nested.id != id::MODULE {
            return Err(nested.contents.malformed("identification in bitcode without a module"));
        }
        match nested.id {
            id::IDENTIFICATION => identification = Some(read_identification(nested)?),
            id::MODULE => modules.push(read_module(nested, identification.take().unwrap_or_default())?),
            // A second table is only in concatenated files. There the first one lacks modules, so neither is used.
            id::SYMBOL_TABLE if table.is_empty() => table = read_blob(nested)?,
            id::STRING_TABLE if !table.is_empty() && strings.is_empty() => strings = read_blob(nested)?,
            _ => {}
        }
    }
    if modules.is_empty() {
        return Err(block.bits().malformed("bitcode file without a module"));
    }
    let (base, table) = (table.start, &bytes[table]);
    let symbol_table = table::parse(table, base, &bytes[strings.clone()], modules.len(), producer)?;
    Ok(File { bytes: bytes.clone(), stream, strings, modules, symbol_table })
}

impl File {
    /// A text of the symbol table.
    pub fn text(&self, text: Text) -> &[u8] {
        self.bytes[self.strings.clone()].get(text.range()).unwrap_or_default()
    }

    /// Whether a module takes part in ThinLTO.
    pub fn is_thin(&self) -> bool {
        self.modules.iter().any(|module| module.summary == Summary::Thin)
    }

    /// The level of position-independent code of one of the file's modules: its flag `PIC Level`, or 0.
    ///
    /// Reads the module's metadata, which takes as long as the rest of [`parse`] or, with debug information, longer.
    ///
    /// # Errors
    /// The metadata is malformed.
    pub fn pic_level(&self, module: &Module) -> Result<u64, ParseError> {
        let stream = Bits::new(&self.bytes[self.stream.clone()], self.stream.start);
        flags::read_flag(&stream, &module.block, b"PIC Level").map(|level| level.unwrap_or(0))
    }
}

/// The part of a file that is the stream.
fn find_stream(bytes: &[u8]) -> Result<Range<usize>, ParseError> {
    if bytes.len() % 4 != 0 {
        return Err(ParseError::malformed(bytes.len(), "size of bitcode is not a multiple of 4"));
    }
    if !bytes.starts_with(&WRAPPER_MAGIC) {
        return Ok(0..bytes.len());
    }
    let word =
        |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|word| u32::from_le_bytes(*word));
    match word(8).zip(word(12)).map(|(offset, size)| (u64::from(offset), u64::from(size))) {
        Some((offset, size)) if offset >= WRAPPER_HEADER as u64 && offset + size <= bytes.len() as u64 => {
            Ok(offset as usize..(offset + size) as usize)
        }
        _ => Err(ParseError::malformed(0, "wrapper of bitcode has an invalid offset or size")),
    }
}
