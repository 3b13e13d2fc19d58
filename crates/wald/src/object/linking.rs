//! The `linking` section: symbol table, segment info, init functions, comdats.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#linking-metadata-section>.

use hashbrown::HashSet;

use super::parts::{Linking, Parts};
use super::read::{check_header, count, next_section, range_of};
use super::tables::{InitFunction, InputSegment, Interners, ObjectSymbol, NONE};
use crate::format::{linking as subsection, section, segment_flags, types, SymbolFlags, SymbolKind};
use crate::index::{ByteRange, NameId, ObjectSymbolIndex};
use crate::leb128::Reader;
use crate::parse_error::{ErrorKind, ParseError};

/// Finds the subsections.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Linking, ParseError> {
    let at = reader.position();
    let version = reader.u32()?;
    if version != subsection::VERSION {
        return Err(ParseError::new(at, ErrorKind::LinkingVersion(version)));
    }
    let mut linking = Linking::default();
    while !reader.is_empty() {
        let at = reader.position();
        let id = reader.byte()?;
        let range = range_of(reader)?;
        match id {
            subsection::SEGMENT_INFO => linking.segments.push(range),
            subsection::INIT_FUNCS => linking.init_functions.push(range),
            // What is counted from its start would be anyone's guess.
            subsection::COMDAT_INFO if linking.comdats.is_some() => {
                return Err(ParseError::malformed(at, "more than one list of COMDATs"));
            }
            subsection::SYMBOL_TABLE if linking.symbols.is_some() => {
                return Err(ParseError::malformed(at, "more than one symbol table"));
            }
            subsection::COMDAT_INFO => linking.comdats = Some(range),
            subsection::SYMBOL_TABLE => linking.symbols = Some(range),
            _ => {}
        }
    }
    Ok(linking)
}

fn reader_of(data: &[u8], range: ByteRange) -> Reader<'_> {
    Reader::within(data, range.start as usize, range.end() as usize)
}

/// A subsection must have been read to its end.
fn at_end(reader: &Reader<'_>) -> Result<(), ParseError> {
    match reader.is_empty() {
        true => Ok(()),
        false => Err(reader.error(ErrorKind::Malformed("linking sub-section ended prematurely"))),
    }
}

type Attached = (Vec<ObjectSymbol>, Vec<NameId>, Vec<InitFunction>);

/// Reads the subsections and attaches them to the parts they speak of.
pub(super) fn attach(
    data: &[u8],
    parts: &mut Parts,
    linking: Linking,
    interners: &Interners,
) -> Result<Attached, ParseError> {
    for &range in &linking.segments {
        segment_info(&mut reader_of(data, range), parts)?;
    }
    for segment in &mut parts.segments {
        let name = segment.name.of(data);
        if name.starts_with(b".tdata") || name.starts_with(b".tbss") {
            segment.flags |= segment_flags::TLS;
        }
    }
    let comdats = comdats(&mut reader_of(data, linking.comdats.unwrap_or_default()), parts, interners)?;
    let mut symbols = SymbolTable { data, parts, interners, list: Vec::new(), tables: 0 };
    let table = linking.symbols.unwrap_or_default();
    symbols.read(&mut reader_of(data, table))?;
    symbols.add_legacy_function_table(table.start as usize)?;
    let symbols = symbols.list;
    let mut list = Vec::new();
    for &range in &linking.init_functions {
        // They must come after the symbol table.
        let known = if range.start > table.start { &symbols[..] } else { &[] };
        init_functions(&mut reader_of(data, range), known, &mut list)?;
    }
    Ok((symbols, comdats, list))
}

fn segment_info(reader: &mut Reader<'_>, parts: &mut Parts) -> Result<(), ParseError> {
    if reader.is_empty() {
        return Ok(());
    }
    let at = reader.position();
    let count = count(reader)?;
    if count > parts.segments.len() {
        return Err(ParseError::malformed(at, "too many segment names"));
    }
    for segment in &mut parts.segments[..count] {
        segment.name = range_of(reader)?;
        let at = reader.position();
        segment.alignment = reader.u32()?;
        segment.flags = reader.u32()?;
        if segment.alignment > 31 {
            return Err(ParseError::malformed(at, "alignment of a segment is too large"));
        }
    }
    at_end(reader)
}

fn comdats(
    reader: &mut Reader<'_>,
    parts: &mut Parts,
    interners: &Interners,
) -> Result<Vec<NameId>, ParseError> {
    let mut names = Vec::new();
    let groups = read_comdats(reader, parts, &mut names);
    let ids = interners.names.intern_all(names.iter().map(|&(_, name)| name));
    if let Some((at, name)) = find_twice(&ids).and_then(|position| names.get(position)) {
        return Err(wrong_comdat_name(name, *at));
    }
    groups.map(|()| ids.into_iter().map(NameId).collect())
}

/// The position of the first number that occurs before.
fn find_twice(ids: &[u32]) -> Option<usize> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    if sorted.windows(2).all(|pair| pair[0] != pair[1]) {
        return None;
    }
    let mut seen = HashSet::new();
    ids.iter().position(|id| !seen.insert(id))
}

#[cold]
fn wrong_comdat_name(name: &[u8], at: usize) -> ParseError {
    ParseError::text(at, format!("bad/duplicate COMDAT name {}", String::from_utf8_lossy(name)))
}

/// Reads the groups, their names with the places where they are.
fn read_comdats<'d>(
    reader: &mut Reader<'d>,
    parts: &mut Parts,
    names: &mut Vec<(usize, &'d [u8])>,
) -> Result<(), ParseError> {
    if reader.is_empty() {
        return Ok(());
    }
    let imported = parts.imports.functions.len();
    for group in 0..count(reader)? as u32 {
        let at = reader.position();
        let name = reader.string()?;
        if name.is_empty() {
            return Err(wrong_comdat_name(name, at));
        }
        names.push((at, name));
        if reader.u32()? != 0 {
            return Err(ParseError::malformed(at, "unsupported COMDAT flags"));
        }
        for _ in 0..count(reader)? {
            let at = reader.position();
            let kind = reader.u32()?;
            let index = reader.u32()? as usize;
            let (slot, missing, twice) = match kind {
                subsection::COMDAT_DATA => (
                    parts.segments.get_mut(index).map(|s| &mut s.comdat),
                    "COMDAT data index out of range",
                    "data segment in two COMDATs",
                ),
                subsection::COMDAT_FUNCTION => (
                    index
                        .checked_sub(imported)
                        .and_then(|i| parts.functions.get_mut(i))
                        .map(|f| &mut f.comdat),
                    "COMDAT function index out of range",
                    "function in two COMDATs",
                ),
                subsection::COMDAT_SECTION if index >= parts.section_count as usize => {
                    (None, "COMDAT section index out of range", "")
                }
                subsection::COMDAT_SECTION => {
                    let found = custom_section(parts, index as u32);
                    let slot = found.map(|position| &mut parts.custom_sections[position].comdat);
                    (slot, "non-custom section in a COMDAT", "section in two COMDATs")
                }
                _ => return Err(ParseError::malformed(at, "invalid COMDAT entry type")),
            };
            match slot {
                Some(slot) if *slot == NONE => *slot = group,
                Some(_) => return Err(ParseError::malformed(at, twice)),
                None => return Err(ParseError::malformed(at, missing)),
            }
        }
    }
    at_end(reader)
}

/// Position among the custom sections of the one with this index among all sections.
fn custom_section(parts: &Parts, section: u32) -> Option<usize> {
    parts.custom_sections.binary_search_by_key(&section, |s| s.section_index).ok()
}

fn init_functions(
    reader: &mut Reader<'_>,
    symbols: &[ObjectSymbol],
    list: &mut Vec<InitFunction>,
) -> Result<(), ParseError> {
    if reader.is_empty() {
        return Ok(());
    }
    for _ in 0..count(reader)? {
        let priority = reader.u32()?;
        let at = reader.position();
        let symbol = reader.u32()?;
        match symbols.get(symbol as usize) {
            Some(entry) if entry.kind == SymbolKind::Function => {}
            _ => return Err(ParseError::text(at, format!("invalid function symbol: {symbol}"))),
        }
        list.push(InitFunction { priority, symbol: ObjectSymbolIndex(symbol), offset: Some(at as u32) });
    }
    at_end(reader)
}

struct SymbolTable<'a, 'p> {
    data: &'a [u8],
    parts: &'p mut Parts,
    interners: &'p Interners,
    list: Vec<ObjectSymbol>,
    /// How many table symbols there are.
    tables: usize,
}

impl SymbolTable<'_, '_> {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        if reader.is_empty() {
            return Ok(());
        }
        let start = reader.position();
        let count = count(reader)?;
        // An entry has three bytes and more.
        self.list.reserve(count.min(reader.remaining() / 3));
        for _ in 0..count {
            let symbol = self.symbol(reader)?;
            self.list.push(symbol);
        }
        at_end(reader)?;
        self.intern_names();
        self.check_names(start)
    }

    /// Interns the names of symbols that other files may refer to, or that messages must name because nothing defines them.
    fn intern_names(&mut self) {
        let is_named = |symbol: &&mut ObjectSymbol| {
            symbol.kind != SymbolKind::Section && (symbol.flags.is_undefined() || !symbol.flags.is_local())
        };
        let data = self.data;
        let named: Vec<&mut ObjectSymbol> = self.list.iter_mut().filter(is_named).collect();
        let ids = self.interners.names.intern_all(named.iter().map(|symbol| symbol.text.of(data)));
        for (symbol, id) in named.into_iter().zip(ids) {
            symbol.name = NameId(id);
        }
    }

    /// A name belongs to one symbol of the object, except for local ones.
    fn check_names(&self, at: usize) -> Result<(), ParseError> {
        let mut names: Vec<NameId> =
            self.list.iter().filter(|s| !s.flags.is_local()).map(|s| s.name).collect();
        names.sort_unstable();
        let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) else { return Ok(()) };
        let name = self.interners.names.with(twice[0].0, |text| String::from_utf8_lossy(text).into_owned());
        Err(ParseError::text(at, format!("duplicate symbol name {name}")))
    }

    fn symbol(&mut self, reader: &mut Reader<'_>) -> Result<ObjectSymbol, ParseError> {
        let at = reader.position();
        let number = reader.byte()?;
        let kind = SymbolKind::from_number(number)
            .ok_or_else(|| ParseError::new(at, ErrorKind::UnknownSymbolKind(number)))?;
        let flags = SymbolFlags(reader.u32()?);
        let (name, element, offset, size) = match kind {
            SymbolKind::Data => return self.data_symbol(reader, flags),
            SymbolKind::Section => return self.section_symbol(reader, flags),
            _ => {
                let at = reader.position();
                let element = reader.u32()?;
                let field = self.check_element(kind, flags, element, at)?;
                if kind != SymbolKind::Function && flags.is_undefined() && flags.is_weak() {
                    return Err(ParseError::malformed(at, "undefined weak global symbol"));
                }
                let explicit = !flags.is_undefined() || flags.has_explicit_name();
                let name = if explicit { range_of(reader)? } else { field };
                (name, element, 0, 0)
            }
        };
        if kind == SymbolKind::Function && !flags.is_undefined() {
            let function = &mut self.parts.functions[element as usize - self.parts.imports.functions.len()];
            if function.symbol == NONE {
                function.symbol = self.list.len() as u32;
            }
        }
        if kind == SymbolKind::Table {
            self.tables += 1;
        }
        let (text, name) = (name, ObjectSymbol::UNNAMED);
        Ok(ObjectSymbol { kind, flags, name, text, element, offset, size })
    }

    /// Checks that `element` is an import for an undefined symbol and a definition for a defined one; gives the
    /// import's field name.
    fn check_element(
        &self,
        kind: SymbolKind,
        flags: SymbolFlags,
        element: u32,
        at: usize,
    ) -> Result<ByteRange, ParseError> {
        let imports = &self.parts.imports;
        let element = element as usize;
        let (field, imported, defined, what) = match kind {
            SymbolKind::Function => (
                imports.functions.get(element).map(|i| i.field),
                imports.functions.len(),
                self.parts.functions.len(),
                "invalid function symbol index",
            ),
            SymbolKind::Global => (
                imports.globals.get(element).map(|i| i.field),
                imports.globals.len(),
                self.parts.globals.len(),
                "invalid global symbol index",
            ),
            SymbolKind::Tag => (
                imports.tags.get(element).map(|i| i.field),
                imports.tags.len(),
                self.parts.tags.len(),
                "invalid tag symbol index",
            ),
            _ => (
                imports.tables.get(element).map(|i| i.field),
                imports.tables.len(),
                self.parts.tables.len(),
                "invalid table symbol index",
            ),
        };
        match (flags.is_undefined(), field) {
            (true, Some(field)) => Ok(field),
            (false, None) if element < imported + defined => Ok(ByteRange::default()),
            _ => Err(ParseError::malformed(at, what)),
        }
    }

    fn data_symbol(
        &mut self,
        reader: &mut Reader<'_>,
        flags: SymbolFlags,
    ) -> Result<ObjectSymbol, ParseError> {
        let text = range_of(reader)?;
        if flags.binding() == SymbolFlags::COMMON {
            return self.common_symbol(reader, flags, text);
        }
        let (mut element, mut offset, mut size) = (NONE, 0, 0);
        if !flags.is_undefined() {
            let at = reader.position();
            element = reader.u32()?;
            offset = reader.u64()?;
            size = reader.u64()?;
            if flags.is_absolute() {
                element = NONE;
            } else {
                match self.parts.segments.get(element as usize) {
                    None => {
                        return Err(ParseError::text(at, format!("invalid data segment index: {element}")));
                    }
                    Some(segment) if offset > u64::from(segment.data.len) => {
                        let message = format!(
                            "invalid data symbol offset: `{}` (offset: {offset} segment size: {})",
                            String::from_utf8_lossy(text.of(self.data)),
                            segment.data.len
                        );
                        return Err(ParseError::text(at, message));
                    }
                    Some(_) => {}
                }
            }
        }
        // Old compilers marked thread-local data by its segment's name alone.
        let in_tls = self.parts.segments.get(element as usize).is_some_and(InputSegment::is_tls);
        let flags = if in_tls { SymbolFlags(flags.0 | SymbolFlags::TLS) } else { flags };
        let name = ObjectSymbol::UNNAMED;
        Ok(ObjectSymbol { kind: SymbolKind::Data, flags, name, text, element, offset, size })
    }

    /// Common data: size, and alignment as a power of two
    /// (<https://github.com/WebAssembly/tool-conventions/pull/267>). A reference to such data is like any other.
    fn common_symbol(
        &self,
        reader: &mut Reader<'_>,
        flags: SymbolFlags,
        text: ByteRange,
    ) -> Result<ObjectSymbol, ParseError> {
        let (flags, offset, size) = match flags.is_undefined() {
            true => (flags.with_binding(0), 0, 0),
            false => {
                let size = reader.u32()?;
                let at = reader.position();
                let alignment = reader.byte()?;
                if alignment > 31 {
                    return Err(ParseError::malformed(at, "alignment of a common symbol is too large"));
                }
                if flags.is_tls() || flags.is_absolute() {
                    return Err(ParseError::malformed(at, "common symbol is thread-local or absolute"));
                }
                (flags, u64::from(alignment), u64::from(size))
            }
        };
        let name = ObjectSymbol::UNNAMED;
        Ok(ObjectSymbol { kind: SymbolKind::Data, flags, name, text, element: NONE, offset, size })
    }

    fn section_symbol(
        &mut self,
        reader: &mut Reader<'_>,
        flags: SymbolFlags,
    ) -> Result<ObjectSymbol, ParseError> {
        if !flags.is_local() {
            return Err(reader.error(ErrorKind::Malformed("section symbols must have local binding")));
        }
        let at = reader.position();
        let index = reader.u32()?;
        let element = custom_section(self.parts, index)
            .ok_or_else(|| ParseError::malformed(at, "invalid section symbol index"))?;
        let section = &self.parts.custom_sections[element];
        let text = section.name;
        // The section exists, whatever the flags say.
        let flags = SymbolFlags(flags.0 & !SymbolFlags::UNDEFINED);
        let name = ObjectSymbol::UNNAMED;
        let element = element as u32;
        Ok(ObjectSymbol { kind: SymbolKind::Section, flags, name, text, element, offset: 0, size: 0 })
    }

    /// Objects from before table symbols use the indirect function table without naming it: they get a symbol
    /// for the table they import.
    fn add_legacy_function_table(&mut self, at: usize) -> Result<(), ParseError> {
        let imported = &self.parts.imports.tables;
        let all = imported.len() + self.parts.tables.len();
        if all == self.tables {
            return Ok(());
        }
        if self.tables != 0 {
            let what = format!(
                "expected one symbol table entry for each of the {all} table(s) present, but got {} symbol(s) instead.",
                self.tables
            );
            return Err(ParseError::tables(at, what));
        }
        if !self.parts.tables.is_empty() {
            let what = "unexpected table definition(s) without corresponding symbol-table entries.";
            return Err(ParseError::tables(at, what));
        }
        if all != 1 {
            let what = "multiple table imports, but no corresponding symbol-table entries.";
            return Err(ParseError::tables(at, what));
        }
        let field = imported[0].field.of(self.data);
        if field != b"__indirect_function_table" || imported[0].of.element != types::FUNCREF {
            let name = String::from_utf8_lossy(field);
            let what = format!("table import {name} is missing a symbol table entry.");
            return Err(ParseError::tables(imported[0].field.start as usize, what));
        }
        self.list.push(ObjectSymbol {
            kind: SymbolKind::Table,
            flags: SymbolFlags(SymbolFlags::UNDEFINED | SymbolFlags::NO_STRIP),
            name: NameId(self.interners.names.intern(field)),
            text: imported[0].field,
            element: 0,
            offset: 0,
            size: 0,
        });
        self.parts.legacy_function_table = true;
        Ok(())
    }
}

/// Reads only the names of the non-local symbols that an object defines, in symbol table order: what an
/// archive needs to know of a member before it is needed. Touches section headers and the symbol table.
pub fn scan_defined_symbols(data: &[u8], interners: &Interners) -> Result<Vec<NameId>, ParseError> {
    check_header(data)?;
    let mut reader = Reader::within(data, 8, data.len());
    let mut linking = None;
    while !reader.is_empty() {
        let (id, mut custom) = next_section(&mut reader, data)?;
        if id == section::CUSTOM && custom.string()? == b"linking" {
            linking = Some(read(&mut custom)?);
        }
    }
    let linking = linking.ok_or_else(|| ParseError::new(0, ErrorKind::MissingLinkingSection))?;
    let mut reader = reader_of(data, linking.symbols.unwrap_or_default());
    if reader.is_empty() {
        return Ok(Vec::new());
    }
    let mut names: Vec<&[u8]> = Vec::new();
    for _ in 0..count(&mut reader)? {
        let at = reader.position();
        let number = reader.byte()?;
        let kind = SymbolKind::from_number(number)
            .ok_or_else(|| ParseError::new(at, ErrorKind::UnknownSymbolKind(number)))?;
        let flags = SymbolFlags(reader.u32()?);
        let mut name: &[u8] = &[];
        if kind == SymbolKind::Data {
            name = reader.string()?;
            if !flags.is_undefined() && flags.binding() == SymbolFlags::COMMON {
                reader.u32()?;
                reader.byte()?;
            } else if !flags.is_undefined() {
                reader.u32()?;
                reader.u64()?;
                reader.u64()?;
            }
        } else {
            reader.u32()?;
            let named = !flags.is_undefined() || flags.has_explicit_name();
            if kind != SymbolKind::Section && named {
                name = reader.string()?;
            }
        }
        if !flags.is_undefined() && !flags.is_local() && kind != SymbolKind::Section {
            names.push(name);
        }
    }
    Ok(interners.names.intern_all(names.into_iter()).into_iter().map(NameId).collect())
}
