//! Checks an object's relocations once and notes the range that belongs to each function, segment and
//! custom section. The entries stay where they are.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#relocation-sections>.

use super::parts::RelocationSection;
use super::read::{count, next_section};
use super::tables::{Object, ObjectSymbol};
use crate::format::opcode::REF_FUNC;
use crate::format::relocation::{decode, Relocation, RelocationType};
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
            position: section.start,
            end: section.end,
            left: section.count,
            mistake: None,
            previous: 0,
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
                (body, &mut function.relocations, &mut function.asks)
            });
            entries.split(ranges, code.map(|(_, range)| range.start))?;
        } else if data.is_some_and(|(index, _)| index == section.target) {
            let ranges = object.segments.iter_mut().map(|segment| {
                let data = ByteRange { start: segment.offset_base, len: segment.data.len };
                (data, &mut segment.relocations, &mut segment.asks)
            });
            entries.split(ranges, None)?;
            object.data_knows_code = entries.know_code;
        } else {
            let position = object.custom_sections.binary_search_by_key(&section.target, |s| s.section_index);
            let mut unused = (ByteRange::default(), false);
            let (len, range) = match position.ok().and_then(|p| object.custom_sections.get_mut(p)) {
                Some(target) => (target.data.len, &mut target.relocations),
                // Other sections are made anew, from what the symbol table says: nothing in them is relocated.
                None => (section_size(&bytes, section)?, &mut unused.0),
            };
            entries.split(std::iter::once((ByteRange { start: 0, len }, range, &mut unused.1)), None)?;
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
    /// Where the next entry is, and where they end.
    position: usize,
    end: usize,
    left: usize,
    /// The first mistake. Nothing is read behind it.
    mistake: Option<ParseError>,
    previous: u32,
    /// Whether one of them gives the place of a function in the code section.
    know_code: bool,
    called_directly: &'s mut [u64],
    /// As [`Object::function_references`].
    function_references: &'s mut Vec<(u32, u32)>,
    symbols: &'s [ObjectSymbol],
    types: usize,
}

impl Entries<'_> {
    /// `code`: where the contents of the code section start. Gives each chunk, in order of position, the range of the entries that fall into it. In code the numbers that
    /// are written at relocations' places may become shorter, so they must not overlap.
    fn split<'r>(
        &mut self,
        chunks: impl Iterator<Item = (ByteRange, &'r mut ByteRange, &'r mut bool)>,
        code: Option<u32>,
    ) -> Result<(), ParseError> {
        let mut free = 0;
        let mut start = self.position;
        let mut pending = self.next();
        for (position, (chunk, range, asks)) in (0..).zip(chunks) {
            let first = start;
            while let Some(entry) = pending {
                if entry.offset >= chunk.end() {
                    break;
                }
                let width = entry.kind.encoding().width() as u32;
                if entry.offset < chunk.start || entry.offset + width > chunk.end() {
                    return Err(ParseError::malformed(start, "invalid relocation offset"));
                }
                self.know_code |= entry.kind.is_place_in_code();
                *asks |= self.asks_for_entry(&entry);
                if let Some(code) = code {
                    if !entry.kind.is_for_code() || entry.offset < free {
                        return Err(wrong_in_code(entry.kind, start));
                    }
                    free = entry.offset + width;
                    if entry.kind == RelocationType::FunctionIndexLeb
                        && self.bytes.get((code + entry.offset) as usize - 1) == Some(&REF_FUNC)
                    {
                        self.function_references.push((position, entry.index));
                    }
                }
                start = self.position;
                pending = self.next();
            }
            if start > first {
                *range = ByteRange::between(first, start);
            }
        }
        if let Some(mistake) = self.mistake.take() {
            return Err(mistake);
        }
        if pending.is_some() {
            return Err(ParseError::malformed(start, "invalid relocation offset"));
        }
        if self.position < self.end {
            return Err(ParseError::malformed(self.position, "reloc section ended prematurely"));
        }
        Ok(())
    }

    /// The next entry. `None` after the last one, or if there is a mistake.
    #[inline(always)]
    fn next(&mut self) -> Option<Relocation> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let at = self.position;
        match decode(&self.bytes[at..]) {
            Some((entry, len)) if at + len <= self.end && self.is_right(&entry) => {
                self.position += len;
                Some(entry)
            }
            _ => {
                self.next_carefully(at).map_err(|mistake| (self.left, self.mistake) = (0, Some(mistake))).ok()
            }
        }
    }

    /// Whether offset and index are possible. Notes what follows from it.
    #[inline(always)]
    fn is_right(&mut self, entry: &Relocation) -> bool {
        let (kind, index) = (entry.kind, entry.index as usize);
        if entry.offset < self.previous || entry.offset > LARGEST_OFFSET {
            return false;
        }
        if kind == RelocationType::TypeIndexLeb {
            self.previous = entry.offset;
            return index < self.types;
        }
        let fits = |symbol: &ObjectSymbol| KINDS_OF_SYMBOLS[kind as usize] >> symbol.kind as u8 & 1 != 0;
        if !self.symbols.get(index).is_some_and(fits) {
            return false;
        }
        if kind == RelocationType::FunctionIndexLeb {
            self.called_directly[index / 64] |= 1 << (index % 64);
        }
        self.previous = entry.offset;
        true
    }

    /// The next entry, byte by byte, with what is wrong about it.
    #[cold]
    fn next_carefully(&mut self, at: usize) -> Result<Relocation, ParseError> {
        let mut reader = Reader::within(self.bytes, at, self.end);
        let number = u32::from(reader.byte()?);
        let unknown = || ParseError::new(at, ErrorKind::UnknownRelocation(number));
        let kind = RelocationType::from_number(number).ok_or_else(unknown)?;
        let mut entry = Relocation { kind, offset: reader.u32()?, index: reader.u32()?, addend: 0 };
        if entry.offset < self.previous {
            return Err(ParseError::malformed(at, "relocations not in offset order"));
        }
        if entry.offset > LARGEST_OFFSET {
            return Err(ParseError::malformed(at, "invalid relocation offset"));
        }
        if !self.is_right(&entry) {
            return Err(self.wrong_index(kind, entry.index, at));
        }
        if kind.has_addend() {
            entry.addend = reader.i64()?;
        }
        self.position = reader.position();
        Ok(entry)
    }

    /// Whether the output may need something on its account. Plain globals, the stack pointer in nearly every function,
    /// ask for nothing.
    #[inline(always)]
    fn asks_for_entry(&self, entry: &Relocation) -> bool {
        match entry.kind {
            RelocationType::GlobalIndexLeb => {
                self.symbols.get(entry.index as usize).is_some_and(|symbol| symbol.kind != SymbolKind::Global)
            }
            kind => kind.asks_for_entry(),
        }
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

/// The kinds of symbols that an entry of each type may name, a bit for each.
const KINDS_OF_SYMBOLS: [u8; RelocationType::COUNT] = {
    let mut kinds = [0; RelocationType::COUNT];
    let mut number = 0;
    while number < kinds.len() {
        if let Some(kind) = RelocationType::from_number(number as u32) {
            kinds[number] = kinds_of_symbols(kind);
        }
        number += 1;
    }
    kinds
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
