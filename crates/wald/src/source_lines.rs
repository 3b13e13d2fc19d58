//! From a place in an object's code to the line of source code, by the object's DWARF line tables.
//!
//! Nothing here is done unless there is something to say. `.debug_line` alone has files, lines and columns, so nothing else of the
//! debug information is read, and damage elsewhere does no harm. An offset in an object's code section is the same number in its
//! relocations, its line tables and here.
//!
//! Line tables are input: a damaged one is skipped. Time and memory are proportional to the size of the tables.
//! See <https://dwarfstd.org/doc/DWARF5.pdf>, section 6.2, and <https://yurydelendik.github.io/webassembly-dwarf/>.

use std::borrow::Cow;
use std::ops::Range;

use gimli::{AttributeValue, DebugLine, DebugLineOffset, EndianSlice, LineProgramHeader, LittleEndian};

use crate::diagnostics::SourcePosition;
use crate::format::relocation::{Encoding, Relocation, RelocationType};
use crate::format::SymbolKind;
use crate::index::ByteRange;
use crate::object::{InputFunction, Object};
use crate::text::Text;

type Slice<'s> = EndianSlice<'s, LittleEndian>;

/// No real header of a line table is larger. Each byte of it can take a hundred bytes of memory.
pub const LARGEST_HEADER: u64 = 1 << 22;

/// Finds the lines of places in an object's code. Offsets are from the start of the code section's contents, as those of relocations.
/// The result has an entry for each of them; `None` if there is no line table for it, or a damaged one. Each line table is read once.
pub fn find(object: &Object, offsets: &[u32]) -> Vec<Option<SourcePosition>> {
    // Sorted, with the position of each in `offsets`. The first row that contains an offset counts.
    let mut missing: Vec<(u64, usize)> = offsets.iter().map(|&offset| u64::from(offset)).zip(0..).collect();
    missing.sort_unstable();
    let mut found = vec![None; offsets.len()];
    for_each_row(object, |row| {
        let first = missing.partition_point(|&(offset, _)| offset < row.range.start);
        let count = missing[first..].iter().take_while(|&&(offset, _)| offset < row.range.end).count();
        if count > 0 {
            let position = row.position();
            for (_, of) in missing.drain(first..first + count) {
                found[of].clone_from(&position);
            }
        }
        !missing.is_empty()
    });
    found
}

/// Finds the line of a function: that of its first row, because some tables leave out what precedes the first instruction.
pub fn find_function(object: &Object, function: &InputFunction) -> Option<SourcePosition> {
    let range = range_of(function);
    let mut first: Option<(u64, Option<SourcePosition>)> = None;
    for_each_row(object, |row| {
        let is_inside = row.range.start >= u64::from(range.start) && row.range.start < u64::from(range.end);
        if is_inside && first.as_ref().is_none_or(|(start, _)| row.range.start < *start) {
            first = Some((row.range.start, row.position()));
        }
        true
    });
    let mut position = first?.1?;
    // Of the function's text, only the line is meant.
    position.column = None;
    Some(position)
}

/// The offset of a function's body, and of the first byte after it.
pub fn range_of(function: &InputFunction) -> Range<u32> {
    function.offset_base + u32::from(function.prefix)..function.offset_base + function.range.len
}

/// Instructions of one line of source code.
pub struct Row<'r, 's> {
    /// Offsets in the code section.
    pub range: Range<u64>,
    line: u32,
    column: u32,
    file: u64,
    header: &'r LineProgramHeader<Slice<'s>>,
    strings: &'r LineStrings<'s>,
}

impl Row<'_, '_> {
    /// The line. `None` if the compiler could not tell which.
    pub fn position(&self) -> Option<SourcePosition> {
        let mut position = SourcePosition::new(self.strings.path(self.header, self.file)?, self.line);
        position.column = (self.column != 0).then_some(self.column);
        Some(position)
    }
}

/// Calls `visit` with all rows of an object's line tables, in the order of the tables, until it returns `false`. Instructions for
/// which the compiler knows no line count to the line before them.
pub fn for_each_row(object: &Object, mut visit: impl FnMut(&Row<'_, '_>) -> bool) {
    let strings = LineStrings::new(object);
    let starts = starts_of_strings(object);
    for section in sections(object, b".debug_line") {
        let contents = relocated(object, section, &starts);
        let mut offset = 0;
        while let Some(table) = Table::at(&contents, offset) {
            offset = table.end;
            if table.header_length <= LARGEST_HEADER
                && !rows_of(object, &contents[..table.end], table.start, &strings, &mut visit).unwrap_or(true)
            {
                return;
            }
        }
    }
}

/// Where a line table starts and ends.
struct Table {
    start: usize,
    end: usize,
    header_length: u64,
}

impl Table {
    fn at(contents: &[u8], start: usize) -> Option<Table> {
        let rest = contents.get(start..)?;
        let word = |at: usize| Some(u64::from(u32::from_le_bytes(*rest.get(at..)?.first_chunk()?)));
        let wide = |at: usize| Some(u64::from_le_bytes(*rest.get(at..)?.first_chunk()?));
        let (length, is_wide) = match word(0)? {
            0xffff_ffff => (wide(4)?, true),
            length => (length, false),
        };
        let first = if is_wide { 12 } else { 4 };
        let end = start.checked_add(first)?.checked_add(usize::try_from(length).ok()?)?;
        let version = u16::from_le_bytes(*rest.get(first..)?.first_chunk()?);
        let at = first + if version >= 5 { 4 } else { 2 };
        let header_length = if is_wide { wide(at)? } else { word(at)? };
        (length > 0 && end <= contents.len()).then_some(Table { start, end, header_length })
    }
}

/// Visits the rows of one table. `false` if no more are wanted.
fn rows_of<'s>(
    object: &Object,
    contents: &'s [u8],
    start: usize,
    strings: &LineStrings<'s>,
    visit: &mut impl FnMut(&Row<'_, '_>) -> bool,
) -> gimli::Result<bool> {
    let address_size = if object.memory_is_64 == Some(true) { 8 } else { 4 };
    let lines = DebugLine::from(Slice::new(contents, LittleEndian));
    let mut rows = lines.program(DebugLineOffset(start), address_size, None, None)?.rows();
    // The row before this one in its sequence: where it starts, its file, line and column.
    let mut previous: Option<(u64, u64, u32, u32)> = None;
    while let Some((header, row)) = rows.next_row()? {
        if let Some((start, file, line, column)) = previous {
            let range = start..row.address();
            if line != 0 && !range.is_empty() && !visit(&Row { range, line, column, file, header, strings }) {
                return Ok(false);
            }
        }
        let line = row.line().and_then(|line| u32::try_from(line.get()).ok()).unwrap_or(0);
        let column = match row.column() {
            gimli::ColumnType::LeftEdge => 0,
            gimli::ColumnType::Column(column) => u32::try_from(column.get()).unwrap_or(0),
        };
        previous = match previous {
            _ if row.end_sequence() => None,
            Some((_, file, known, column)) if line == 0 => Some((row.address(), file, known, column)),
            _ => Some((row.address(), row.file_index(), line, column)),
        };
    }
    Ok(true)
}

/// Names of files that line tables refer to.
pub struct LineStrings<'s> {
    lines: Cow<'s, [u8]>,
    others: Cow<'s, [u8]>,
}

impl<'s> LineStrings<'s> {
    /// Those of an object.
    pub fn new(object: &'s Object) -> Self {
        LineStrings {
            lines: concatenated(object, b".debug_line_str"),
            others: concatenated(object, b".debug_str"),
        }
    }

    /// A file's name, with its folder unless that is the one in which the compiler ran.
    pub fn path(&self, header: &LineProgramHeader<Slice<'_>>, file: u64) -> Option<Text> {
        let file = header.file(file)?;
        let name = self.text(file.path_name())?;
        let folder = match file.directory_index() {
            0 => None,
            _ if name.starts_with(b"/") => None,
            _ => file.directory(header).and_then(|folder| self.text(folder)),
        };
        Some(match folder {
            Some(folder) if !folder.is_empty() => [&folder[..], b"/", &name].concat().as_slice().into(),
            _ => (&*name).into(),
        })
    }

    fn text<'t>(&'t self, value: AttributeValue<Slice<'t>>) -> Option<Cow<'t, [u8]>> {
        let up_to_nul = |bytes: &'t [u8], start: usize| {
            let text = bytes.get(start..)?.split(|&byte| byte == 0).next()?;
            Some(Cow::Borrowed(text))
        };
        match value {
            AttributeValue::String(text) => Some(Cow::Borrowed(text.slice())),
            AttributeValue::DebugLineStrRef(offset) => up_to_nul(&self.lines, offset.0),
            AttributeValue::DebugStrRef(offset) => up_to_nul(&self.others, offset.0),
            _ => None,
        }
    }
}

/// Positions of the custom sections of this name.
fn sections<'o>(object: &'o Object, name: &'o [u8]) -> impl Iterator<Item = usize> + 'o {
    let has_name = move |&position: &usize| object.custom_sections[position].name.of(&object.bytes) == name;
    (0..object.custom_sections.len()).filter(has_name)
}

/// The contents of all sections of this name, which has no relocations.
fn concatenated<'o>(object: &'o Object, name: &'o [u8]) -> Cow<'o, [u8]> {
    let mut parts = sections(object, name).map(|position| contents(object, position));
    let first = parts.next().unwrap_or_default();
    parts.fold(Cow::Borrowed(first), |mut all, part| {
        all.to_mut().extend_from_slice(part);
        all
    })
}

/// The contents of a debug section, with relocations applied if it has any.
pub fn section_contents(object: &Object, id: gimli::SectionId) -> Cow<'_, [u8]> {
    match id {
        gimli::SectionId::DebugStr => concatenated(object, b".debug_str"),
        gimli::SectionId::DebugLineStr => concatenated(object, b".debug_line_str"),
        id => {
            let first = sections(object, id.name().as_bytes()).next();
            first.map_or(Cow::default(), |section| relocated(object, section, &starts_of_strings(object)))
        }
    }
}

fn contents(object: &Object, section: usize) -> &[u8] {
    object.custom_sections[section].data.of(&object.bytes)
}

/// For each custom section, where it starts in the [`concatenated`] sections of its name; 0 if it has no strings.
fn starts_of_strings(object: &Object) -> Vec<u64> {
    let mut starts = vec![0; object.custom_sections.len()];
    for name in [&b".debug_line_str"[..], b".debug_str"] {
        let mut size = 0;
        for section in sections(object, name) {
            starts[section] = size;
            size += contents(object, section).len() as u64;
        }
    }
    starts
}

/// A section's contents with relocations applied.
fn relocated<'o>(object: &'o Object, section: usize, starts: &[u64]) -> Cow<'o, [u8]> {
    let mut contents = Cow::Borrowed(contents(object, section));
    let range: ByteRange = object.custom_sections[section].relocations;
    if range.len > 0 {
        for relocation in object.relocations(range) {
            let Some(value) = value(object, &relocation, starts) else { continue };
            let width = relocation.kind.encoding().width();
            let place = contents.to_mut().get_mut(relocation.offset as usize..);
            // The place was checked when the object was parsed.
            if let Some(place) = place.and_then(|place| place.get_mut(..width)) {
                place.copy_from_slice(&value.to_le_bytes()[..width]);
            }
        }
    }
    contents
}

/// The value of a relocation in a line table. `None` leaves what is there.
fn value(object: &Object, relocation: &Relocation, starts: &[u64]) -> Option<u64> {
    let symbol = object.symbols.get(relocation.index as usize)?;
    let start = match (relocation.kind, symbol.kind) {
        (RelocationType::FunctionOffsetI32 | RelocationType::FunctionOffsetI64, SymbolKind::Function)
            if symbol.is_defined() =>
        {
            let function = object.functions.get(object.chunk_of(symbol)? as usize)?;
            u64::from(range_of(function).start)
        }
        (RelocationType::SectionOffsetI32, SymbolKind::Section) => *starts.get(symbol.element as usize)?,
        _ => return None,
    };
    match relocation.kind.encoding() {
        Encoding::I32 | Encoding::I64 => Some(start.wrapping_add_signed(relocation.addend)),
        _ => None,
    }
}
