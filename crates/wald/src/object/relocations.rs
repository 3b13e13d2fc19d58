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
            reader: Reader::within(&bytes, section.start, section.end),
            left: section.count,
            previous: 0,
            know_code: false,
            called_directly: &mut called_directly,
            function_references: &mut function_references,
            symbols: &object.symbols,
            types: object.types.len(),
            bytes: &bytes,
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

struct Entries<'a, 's> {
    reader: Reader<'a>,
    left: usize,
    previous: u32,
    /// Whether one of them gives the place of a function in the code section.
    know_code: bool,
    called_directly: &'s mut [u64],
    /// As [`Object::function_references`].
    function_references: &'s mut Vec<(u32, u32)>,
    symbols: &'s [ObjectSymbol],
    types: usize,
    bytes: &'s [u8],
}

impl Entries<'_, '_> {
    /// `code`: where the contents of the code section start. Gives each chunk, in order of position, the range of the entries that fall into it. In code the numbers that
    /// are written at relocations' places may become shorter, so they must not overlap.
    fn split<'r>(
        &mut self,
        chunks: impl Iterator<Item = (ByteRange, &'r mut ByteRange, &'r mut bool)>,
        code: Option<u32>,
    ) -> Result<(), ParseError> {
        let mut free = 0;
        let mut start = self.reader.position();
        let mut pending = self.next()?;
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
                if code.is_some() && !entry.kind.is_for_code() {
                    let message = format!("{} has no meaning in code", entry.kind.name());
                    return Err(ParseError::text(start, message));
                }
                if code.is_some() && entry.offset < free {
                    return Err(ParseError::malformed(start, "relocations overlap"));
                }
                free = entry.offset + width;
                *asks |= self.asks_for_entry(&entry);
                if let (RelocationType::FunctionIndexLeb, Some(code)) = (entry.kind, code) {
                    if self.bytes.get((code + entry.offset) as usize - 1) == Some(&REF_FUNC) {
                        self.function_references.push((position, entry.index));
                    }
                }
                start = self.reader.position();
                pending = self.next()?;
            }
            if start > first {
                *range = ByteRange::between(first, start);
            }
        }
        if pending.is_some() {
            return Err(ParseError::malformed(start, "invalid relocation offset"));
        }
        if !self.reader.is_empty() {
            return Err(self.reader.error(ErrorKind::Malformed("reloc section ended prematurely")));
        }
        Ok(())
    }

    #[inline]
    fn next(&mut self) -> Result<Option<Relocation>, ParseError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let at = self.reader.position();
        if let Some((entry, len)) = decode(&self.bytes[at..]) {
            if len <= self.reader.remaining() {
                self.reader.skip(len)?;
                self.check(&entry, at)?;
                return Ok(Some(entry));
            }
        }
        self.next_carefully(at).map(Some)
    }

    /// The next entry, byte by byte.
    #[cold]
    fn next_carefully(&mut self, at: usize) -> Result<Relocation, ParseError> {
        let number = u32::from(self.reader.byte()?);
        let unknown = ParseError { offset: at as u64, kind: ErrorKind::UnknownRelocation(number) };
        let kind = RelocationType::from_number(number).ok_or(unknown)?;
        let mut entry = Relocation { kind, offset: self.reader.u32()?, index: self.reader.u32()?, addend: 0 };
        self.check(&entry, at)?;
        if kind.has_addend() {
            entry.addend = self.reader.i64()?;
        }
        Ok(entry)
    }

    #[inline]
    fn check(&mut self, entry: &Relocation, at: usize) -> Result<(), ParseError> {
        if entry.offset < self.previous {
            return Err(ParseError::malformed(at, "relocations not in offset order"));
        }
        if entry.offset > u32::MAX - 16 {
            return Err(ParseError::malformed(at, "invalid relocation offset"));
        }
        self.previous = entry.offset;
        self.check_index(entry.kind, entry.index, at)
    }

    /// Whether the output may need something on its account. Plain globals, the stack pointer in nearly every function,
    /// ask for nothing.
    #[inline]
    fn asks_for_entry(&self, entry: &Relocation) -> bool {
        match entry.kind {
            RelocationType::GlobalIndexLeb => {
                self.symbols.get(entry.index as usize).is_some_and(|symbol| symbol.kind != SymbolKind::Global)
            }
            kind => kind.asks_for_entry(),
        }
    }

    /// An entry must name a symbol (or type) of the kind that its type is about.
    #[inline]
    fn check_index(&mut self, kind: RelocationType, index: u32, at: usize) -> Result<(), ParseError> {
        if kind == RelocationType::TypeIndexLeb {
            if index as usize >= self.types {
                return Err(ParseError::malformed(at, "invalid relocation type index"));
            }
            return Ok(());
        }
        let fits = |symbol: &ObjectSymbol| kinds_of_symbols(kind) >> symbol.kind as u32 & 1 != 0;
        if !self.symbols.get(index as usize).is_some_and(fits) {
            return Err(self.wrong_index(kind, index, at));
        }
        if kind == RelocationType::FunctionIndexLeb {
            self.called_directly[index as usize / 64] |= 1 << (index % 64);
        }
        Ok(())
    }

    #[cold]
    fn wrong_index(&self, kind: RelocationType, index: u32, at: usize) -> ParseError {
        use RelocationType::*;
        let what = match kind {
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

/// The kinds of symbols that an entry of this type may name, a bit for each.
#[inline(always)]
fn kinds_of_symbols(kind: RelocationType) -> u32 {
    use RelocationType::*;
    const FUNCTION: u32 = 1 << SymbolKind::Function as u32;
    const DATA: u32 = 1 << SymbolKind::Data as u32;
    const GLOBAL: u32 = 1 << SymbolKind::Global as u32;
    match kind {
        FunctionIndexLeb | FunctionIndexI32 | TableIndexSleb | TableIndexI32 | TableIndexRelSleb
        | TableIndexSleb64 | TableIndexI64 | TableIndexRelSleb64 | FunctionOffsetI32 | FunctionOffsetI64 => {
            FUNCTION
        }
        TableNumberLeb => 1 << SymbolKind::Table as u32,
        // Address of a datum or function through its GOT entry, or a plain global.
        GlobalIndexLeb => GLOBAL | DATA | FUNCTION,
        GlobalIndexI32 => GLOBAL,
        TagIndexLeb => 1 << SymbolKind::Tag as u32,
        SectionOffsetI32 => 1 << SymbolKind::Section as u32,
        TypeIndexLeb => 0,
        MemoryAddrLeb | MemoryAddrSleb | MemoryAddrI32 | MemoryAddrRelSleb | MemoryAddrLeb64
        | MemoryAddrSleb64 | MemoryAddrI64 | MemoryAddrRelSleb64 | MemoryAddrTlsSleb
        | MemoryAddrTlsSleb64 | MemoryAddrLocrelI32 => DATA,
    }
}
