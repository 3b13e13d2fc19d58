//! Reads the symbol table of a bitcode file: LLVM's `irsymtab`, version 3 of the format, which LLVM 14 to 22 write.
//!
//! Source: `llvm/include/llvm/Object/IRSymtab.h`. Numbers have 32 bits, little-endian. A text is an offset and a length in the
//! string table. A range is an offset in the symbol table and a number of entries.

use super::symbol::{flag, Comdat, Selection, Symbol, SymbolTable, Text, Uncommon};
use crate::parse_error::{ErrorKind, ParseError};
use std::ops::Range;

/// The version of the format that this module reads.
const VERSION: u32 = 3;

/// Sizes of the entries, in bytes.
const HEADER: usize = 76;
const MODULE: usize = 12;
const COMDAT: usize = 12;
const SYMBOL: usize = 24;
const UNCOMMON: usize = 24;
const TEXT: usize = 8;

/// Why only LLVM can list the symbols of a well-formed file: it builds a new table from the modules.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unknown {
    /// The file has no symbol table, or no string table for it.
    NoTable,
    /// The table has another version of the format.
    Version(u32),
    /// Another version of LLVM than the expected one wrote the table.
    Producer,
    /// The numbers of modules in the table and in the file differ, because files were concatenated.
    ModuleCount,
}

/// Reads a symbol table. `base` is its offset in the file, and `modules` is the number of modules in the file.
///
/// `producer` is the only version of LLVM whose table is accepted. `None` accepts any.
pub(super) fn parse(
    table: &[u8],
    base: usize,
    strings: &[u8],
    modules: usize,
    producer: Option<&[u8]>,
) -> Result<Result<SymbolTable, Unknown>, ParseError> {
    let reader = TableReader { table, base, strings: strings.len() };
    if strings.is_empty() || table.len() < HEADER {
        return Ok(Err(Unknown::NoTable));
    }
    let version = reader.word(0);
    if version != VERSION {
        return Ok(Err(Unknown::Version(version)));
    }
    let found = reader.text(4)?;
    if producer.is_some_and(|expected| expected != &strings[found.range()]) {
        return Ok(Err(Unknown::Producer));
    }
    let module_entries = reader.entries(12, MODULE)?;
    if module_entries.len() / MODULE != modules {
        return Ok(Err(Unknown::ModuleCount));
    }
    let comdats = reader.all(20, COMDAT, |at| reader.comdat(at))?;
    let uncommons = reader.all(36, UNCOMMON, |at| reader.uncommon(at))?;
    let mut symbols = reader.all(28, SYMBOL, |at| reader.symbol(at, comdats.len()))?;
    let modules = reader.assign(module_entries, &mut symbols, uncommons.len())?;
    Ok(Ok(SymbolTable {
        producer: found,
        target_triple: reader.text(44)?,
        source_file_name: reader.text(52)?,
        symbols,
        modules,
        comdats,
        uncommons,
        dependent_libraries: reader.all(68, TEXT, |at| reader.text(at))?,
    }))
}

/// The bytes of a symbol table. Positions of fields must be inside of the header or of an entry.
struct TableReader<'a> {
    table: &'a [u8],
    base: usize,
    /// The length of the string table.
    strings: usize,
}

impl TableReader<'_> {
    fn malformed(&self, at: usize, what: &'static str) -> ParseError {
        ParseError::malformed(self.base + at, what)
    }

    fn word(&self, at: usize) -> u32 {
        self.table[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    fn text(&self, at: usize) -> Result<Text, ParseError> {
        let (offset, len) = (self.word(at), self.word(at + 4));
        match u64::from(offset) + u64::from(len) <= self.strings as u64 {
            true => Ok(Text { offset, len }),
            false => Err(self.malformed(at, "text of a bitcode symbol table is not in the string table")),
        }
    }

    /// The bytes of the entries of the range at `at`, each of `size` bytes.
    fn entries(&self, at: usize, size: usize) -> Result<Range<usize>, ParseError> {
        let (offset, count) = (u64::from(self.word(at)), u64::from(self.word(at + 4)));
        let end = offset + count * size as u64;
        if end > self.table.len() as u64 {
            return Err(ParseError::new(self.base + at, ErrorKind::UnexpectedEnd));
        }
        Ok(offset as usize..end as usize)
    }

    fn all<T>(
        &self,
        at: usize,
        size: usize,
        read: impl Fn(usize) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        self.entries(at, size)?.step_by(size).map(read).collect()
    }

    fn comdat(&self, at: usize) -> Result<Comdat, ParseError> {
        let selection = match self.word(at + 8) {
            0 => Selection::Any,
            1 => Selection::ExactMatch,
            2 => Selection::Largest,
            3 => Selection::NoDeduplicate,
            4 => Selection::SameSize,
            _ => return Err(self.malformed(at + 8, "unknown kind of comdat in a bitcode symbol table")),
        };
        Ok(Comdat { name: self.text(at)?, selection })
    }

    fn uncommon(&self, at: usize) -> Result<Uncommon, ParseError> {
        // The text at 8 is what a weak external of COFF falls back to.
        let section = self.text(at + 16)?;
        Ok(Uncommon { common_size: self.word(at), common_alignment: self.word(at + 4), section })
    }

    fn symbol(&self, at: usize, comdats: usize) -> Result<Symbol, ParseError> {
        let comdat = match self.word(at + 16) {
            u32::MAX => None,
            comdat if (comdat as usize) < comdats => Some(comdat),
            _ => return Err(self.malformed(at + 16, "unknown comdat in a bitcode symbol table")),
        };
        let flags = self.word(at + 20);
        Ok(Symbol { name: self.text(at)?, ir_name: self.text(at + 8)?, comdat, uncommon: None, flags })
    }

    /// Assigns the uncommons to the symbols, in order. Returns the range of each module's symbols.
    fn assign(
        &self,
        modules: Range<usize>,
        symbols: &mut [Symbol],
        uncommons: usize,
    ) -> Result<Vec<Range<usize>>, ParseError> {
        let (mut next, mut next_uncommon) = (0, 0);
        let mut ranges = Vec::with_capacity(modules.len() / MODULE);
        for at in modules.clone().step_by(MODULE) {
            let (begin, end) = (self.word(at) as usize, self.word(at + 4) as usize);
            let is_adjacent = begin == next && end >= begin && self.word(at + 8) == next_uncommon;
            let Some(of_module) = symbols.get_mut(begin..end).filter(|_| is_adjacent) else {
                return Err(self.malformed(at, "modules of a bitcode symbol table are not adjacent"));
            };
            for symbol in of_module.iter_mut().filter(|symbol| symbol.has(flag::UNCOMMON)) {
                symbol.uncommon = Some(next_uncommon);
                next_uncommon += 1;
            }
            if of_module.iter().any(|symbol| symbol.is_common() && symbol.uncommon.is_none()) {
                return Err(self.malformed(at, "common symbol without size in a bitcode symbol table"));
            }
            ranges.push(begin..end);
            next = end;
        }
        if next != symbols.len() || next_uncommon as usize != uncommons {
            return Err(self.malformed(modules.end, "symbols of a bitcode symbol table belong to no module"));
        }
        Ok(ranges)
    }
}
