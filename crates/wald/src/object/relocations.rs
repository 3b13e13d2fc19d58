//! Checks an object's relocations once and notes the range that belongs to each function, segment and
//! custom section. The entries stay where they are.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#relocation-sections>.

use super::parts::RelocationSection;
use super::read::{count, next_section};
use super::tables::{Object, ObjectSymbol};
use crate::format::opcode::REF_FUNC;
use crate::format::relocation::{Relocation, RelocationType};
use crate::format::relocation_blocks::RelocationBlocks;
use crate::format::SymbolKind;
use crate::index::ByteRange;
use crate::leb128::Reader;
use crate::parse_error::{ErrorKind, ParseError};

/// Reads the header before the entries. They apply to a section that precedes this one.
pub(super) fn read_header(reader: &mut Reader<'_>, own: u32) -> Result<RelocationSection, ParseError> {
    let at = reader.position();
    let target = reader.u32()?;
    if target >= own {
        return Err(ParseError::malformed(at, "invalid section index"));
    }
    let count = count(reader)?;
    Ok(RelocationSection { target, count, start: reader.position(), end: reader.end() })
}

/// Decodes every entry once: checks it and puts it into its chunk's range.
pub(super) fn partition(
    object: &mut Object,
    sections: &[RelocationSection],
    code: Option<(u32, ByteRange)>,
    data: Option<(u32, ByteRange)>,
) -> Result<(), ParseError> {
    let mut called_directly = vec![0u64; object.symbols.len().div_ceil(64)];
    let mut function_references = Vec::new();
    let mut targets: Vec<u32> = sections.iter().map(|section| section.target).collect();
    targets.sort_unstable();
    if let Some(twice) = targets.windows(2).find(|pair| pair[0] == pair[1]) {
        let at =
            sections.iter().rfind(|section| section.target == twice[0]).map_or(0, |section| section.start);
        return Err(ParseError::malformed(at, "more than one reloc section for a section"));
    }
    for section in sections {
        let bytes = object.bytes.clone();
        let mut entries = Entries {
            bytes: &bytes,
            blocks: RelocationBlocks::new(&bytes, section.start),
            start: section.start,
            end: section.end,
            count: section.count,
            know_code: false,
            called_directly: &mut called_directly,
            function_references: &mut function_references,
            symbols: &object.symbols,
            types: object.types.len(),
        };
        if code.is_some_and(|(index, _)| index == section.target) {
            let ranges = object.functions.iter_mut().map(|function| {
                let prefix = u32::from(function.prefix);
                let body =
                    ByteRange { start: function.offset_base + prefix, len: function.range.len - prefix };
                Chunk { range: body, entries: &mut function.relocations, asks: &mut function.asks }
            });
            entries.split(ranges, code.map(|(_, range)| range.start))?;
        } else if data.is_some_and(|(index, _)| index == section.target) {
            let ranges = object.segments.iter_mut().map(|segment| {
                let data = ByteRange { start: segment.offset_base, len: segment.data.len };
                Chunk { range: data, entries: &mut segment.relocations, asks: &mut segment.asks }
            });
            entries.split(ranges, None)?;
            object.data_knows_code = entries.know_code;
        } else {
            let position = object.custom_sections.binary_search_by_key(&section.target, |s| s.section_index);
            match position.ok().and_then(|position| object.custom_sections.get_mut(position)) {
                Some(target) => target.relocations = entries.check(target.data.len)?,
                // Other sections are made anew, from what the symbol table says: nothing in them is relocated.
                None => _ = entries.check(section_size(&bytes, section)?)?,
            }
        }
    }
    object.called_directly = called_directly;
    object.function_references = function_references;
    Ok(())
}

/// Size of the contents of the section that the entries apply to.
fn section_size(bytes: &[u8], section: &RelocationSection) -> Result<u32, ParseError> {
    let mut reader = Reader::within(bytes, 8, bytes.len());
    for _ in 0..section.target {
        next_section(&mut reader, bytes)?;
    }
    let (_, contents) = next_section(&mut reader, bytes)?;
    Ok(contents.remaining() as u32)
}

struct Entries<'s> {
    /// The object.
    bytes: &'s [u8],
    /// The entries that were not yet decoded.
    blocks: RelocationBlocks<'s>,
    /// Where the first entry is, and where they end.
    start: usize,
    end: usize,
    count: usize,
    /// Whether one of them gives the place of a function in the code section.
    know_code: bool,
    called_directly: &'s mut [u64],
    /// As [`Object::function_references`].
    function_references: &'s mut Vec<(u32, u32)>,
    symbols: &'s [ObjectSymbol],
    types: usize,
}

/// What a function, segment or section is told of its entries.
struct Chunk<'r> {
    /// What their offsets point into.
    range: ByteRange,
    entries: &'r mut ByteRange,
    asks: &'r mut bool,
}

impl Entries<'_> {
    /// Gives each chunk, in order of position, the range of the entries that fall into it. `code` is where the contents of the code
    /// section start. In code the numbers that are written at relocations' places may become shorter, so they must not overlap.
    fn split<'r>(
        &mut self,
        chunks: impl Iterator<Item = Chunk<'r>>,
        code: Option<u32>,
    ) -> Result<(), ParseError> {
        let mut chunks = (0..).zip(chunks);
        let mut current = chunks.next();
        // Where the current chunk's entries start; whether one of them asks for an entry.
        let (mut first, mut asks) = (self.start, false);
        let (mut position, mut previous, mut free, mut all) = (self.start, 0, 0, 0);
        for _ in 0..self.count {
            let at = position;
            let (entry, facts, len) = self.decode(at, previous)?;
            (position, previous) = (at + len, entry.offset);
            let end = entry.offset + u32::from(facts.width);
            let range = loop {
                let Some((_, chunk)) = &mut current else {
                    return Err(ParseError::malformed(at, "invalid relocation offset"));
                };
                if entry.offset < chunk.range.end() {
                    break chunk.range;
                }
                if at > first {
                    *chunk.entries = ByteRange::between(first, at);
                    *chunk.asks |= asks;
                    (first, asks) = (at, false);
                }
                current = chunks.next();
            };
            if entry.offset < range.start || end > range.end() {
                return Err(ParseError::malformed(at, "invalid relocation offset"));
            }
            asks |= facts.asks && !self.is_plain_global(&entry);
            all |= facts.places;
            let Some(code) = code else { continue };
            if facts.places & NOT_FOR_CODE != 0 || entry.offset < free {
                return Err(wrong_in_code(entry.kind, at));
            }
            free = end;
            if entry.kind == RelocationType::FunctionIndexLeb
                && self.bytes.get((code + entry.offset) as usize - 1) == Some(&REF_FUNC)
            {
                let function = current.as_ref().map_or(0, |(number, _)| *number);
                self.function_references.push((function, entry.index));
            }
        }
        if let Some((_, chunk)) = current.filter(|_| position > first) {
            *chunk.entries = ByteRange::between(first, position);
            *chunk.asks |= asks;
        }
        self.know_code = all & PLACE_IN_CODE != 0;
        match position < self.end {
            true => Err(ParseError::malformed(position, "reloc section ended prematurely")),
            false => Ok(()),
        }
    }

    /// Checks the entries of a section with contents of this length, and returns their range. Debug information has most of all
    /// entries, so this is [`Entries::split`] without what such sections do not need.
    fn check(&mut self, len: u32) -> Result<ByteRange, ParseError> {
        let (mut position, mut previous) = (self.start, 0);
        for _ in 0..self.count {
            let at = position;
            let (entry, facts, entry_len) = self.decode(at, previous)?;
            (position, previous) = (at + entry_len, entry.offset);
            if entry.offset + u32::from(facts.width) > len {
                return Err(ParseError::malformed(at, "invalid relocation offset"));
            }
        }
        match position < self.end {
            true => Err(ParseError::malformed(position, "reloc section ended prematurely")),
            false => Ok(ByteRange::between(self.start, position)),
        }
    }

    /// The entry at `at`, checked; what splitting asks of its type; its length.
    #[inline(always)]
    fn decode(&mut self, at: usize, previous: u32) -> Result<(Relocation, Facts, usize), ParseError> {
        match self.blocks.next_short() {
            Some(entry) if self.blocks.position() <= self.end && self.is_right(&entry, previous) => {
                Ok((entry, FACTS[entry.kind as usize], self.blocks.position() - at))
            }
            _ => self.decode_carefully(at, previous),
        }
    }

    /// Whether offset and index are possible. Notes what follows from it.
    #[inline(always)]
    fn is_right(&mut self, entry: &Relocation, previous: u32) -> bool {
        let (kind, index) = (entry.kind, entry.index as usize);
        if entry.offset < previous || entry.offset > LARGEST_OFFSET {
            return false;
        }
        if kind == RelocationType::TypeIndexLeb {
            return index < self.types;
        }
        let Some(symbol) = self.symbols.get(index) else { return false };
        if kind == RelocationType::FunctionIndexLeb {
            self.called_directly[index / 64] |= 1 << (index % 64);
        }
        FACTS[kind as usize].symbols >> symbol.kind as u8 & 1 != 0
    }

    /// An entry, byte by byte, with what is wrong about it.
    #[cold]
    fn decode_carefully(
        &mut self,
        at: usize,
        previous: u32,
    ) -> Result<(Relocation, Facts, usize), ParseError> {
        let mut reader = Reader::within(self.bytes, at, self.end);
        let number = u32::from(reader.byte()?);
        let unknown = || ParseError::new(at, ErrorKind::UnknownRelocation(number));
        let kind = RelocationType::from_number(number).ok_or_else(unknown)?;
        let mut entry = Relocation { kind, offset: reader.u32()?, index: reader.u32()?, addend: 0 };
        if entry.offset < previous {
            return Err(ParseError::malformed(at, "relocations not in offset order"));
        }
        if entry.offset > LARGEST_OFFSET {
            return Err(ParseError::malformed(at, "invalid relocation offset"));
        }
        if !self.is_right(&entry, previous) {
            return Err(self.wrong_index(kind, entry.index, at));
        }
        if kind.has_addend() {
            entry.addend = reader.i64()?;
        }
        let end = reader.position();
        self.blocks.go_to(end);
        Ok((entry, FACTS[kind as usize], end - at))
    }

    /// Whether it names a global as such, as nearly every function names the stack pointer.
    #[inline(always)]
    fn is_plain_global(&self, entry: &Relocation) -> bool {
        entry.kind == RelocationType::GlobalIndexLeb
            && self.symbols.get(entry.index as usize).is_some_and(|symbol| symbol.kind == SymbolKind::Global)
    }

    #[cold]
    fn wrong_index(&self, kind: RelocationType, index: u32, at: usize) -> ParseError {
        use RelocationType::*;
        let what = match kind {
            TypeIndexLeb => return ParseError::malformed(at, "invalid relocation type index"),
            TableNumberLeb => "table",
            GlobalIndexLeb | GlobalIndexI32 => "global",
            TagIndexLeb => "tag",
            SectionOffsetI32 => "section",
            _ if kind.is_memory_address() => "data",
            _ => "function",
        };
        let name = self.symbols.get(index as usize).map_or(&[][..], |symbol| symbol.text.of(self.bytes));
        let name = String::from_utf8_lossy(name);
        ParseError::text(at, format!("invalid {what} relocation: {name}"))
    }
}

#[cold]
fn wrong_in_code(kind: RelocationType, at: usize) -> ParseError {
    if kind.is_for_code() {
        ParseError::malformed(at, "relocations overlap")
    } else {
        ParseError::text(at, format!("{} has no meaning in code", kind.name()))
    }
}

/// Behind it no number fits.
const LARGEST_OFFSET: u32 = u32::MAX - 16;

/// What splitting asks of a type, in one place.
#[derive(Clone, Copy)]
struct Facts {
    /// The kinds of symbols that an entry may name, a bit for each.
    symbols: u8,
    width: u8,
    /// The output may need something on its account.
    asks: bool,
    /// [`PLACE_IN_CODE`], [`NOT_FOR_CODE`].
    places: u8,
}

const PLACE_IN_CODE: u8 = 1;
const NOT_FOR_CODE: u8 = 2;

const FACTS: [Facts; RelocationType::COUNT] = {
    let mut facts = [Facts { symbols: 0, width: 0, asks: false, places: 0 }; RelocationType::COUNT];
    let mut number = 0;
    while number < facts.len() {
        if let Some(kind) = RelocationType::from_number(number as u32) {
            facts[number] = Facts {
                symbols: kinds_of_symbols(kind),
                width: kind.encoding().width() as u8,
                asks: kind.asks_for_entry() || matches!(kind, RelocationType::GlobalIndexLeb),
                places: (kind.is_place_in_code() as u8 * PLACE_IN_CODE)
                    | (!kind.is_for_code() as u8 * NOT_FOR_CODE),
            };
        }
        number += 1;
    }
    facts
};

const fn kinds_of_symbols(kind: RelocationType) -> u8 {
    use RelocationType::*;
    const FUNCTION: u8 = 1 << SymbolKind::Function as u8;
    const DATA: u8 = 1 << SymbolKind::Data as u8;
    const GLOBAL: u8 = 1 << SymbolKind::Global as u8;
    match kind {
        FunctionIndexLeb | FunctionIndexI32 | TableIndexSleb | TableIndexI32 | TableIndexRelSleb
        | TableIndexSleb64 | TableIndexI64 | TableIndexRelSleb64 | FunctionOffsetI32 | FunctionOffsetI64 => {
            FUNCTION
        }
        TableNumberLeb => 1 << SymbolKind::Table as u8,
        // Address of a datum or function through its GOT entry, or a plain global.
        GlobalIndexLeb => GLOBAL | DATA | FUNCTION,
        GlobalIndexI32 => GLOBAL,
        TagIndexLeb => 1 << SymbolKind::Tag as u8,
        SectionOffsetI32 => 1 << SymbolKind::Section as u8,
        TypeIndexLeb => 0,
        MemoryAddrLeb | MemoryAddrSleb | MemoryAddrI32 | MemoryAddrRelSleb | MemoryAddrLeb64
        | MemoryAddrSleb64 | MemoryAddrI64 | MemoryAddrRelSleb64 | MemoryAddrTlsSleb
        | MemoryAddrTlsSleb64 | MemoryAddrLocrelI32 => DATA,
    }
}
