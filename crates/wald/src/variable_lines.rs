//! From a datum's name to the line that declares it, by the object's DWARF entries. Line tables have code only.
//!
//! As in [`source_lines`](crate::source_lines), nothing is done unless there is something to say, and debug information is input:
//! damaged entries end the search. See <https://dwarfstd.org/doc/DWARF5.pdf>, section 4.1.

use std::borrow::Cow;

use gimli::{AttributeValue, Dwarf, DwarfSections, EndianSlice, LittleEndian, SectionId};

use crate::diagnostics::SourcePosition;
use crate::object::Object;
use crate::source_lines::{section_contents, LineStrings, LARGEST_HEADER};

type Slice<'s> = EndianSlice<'s, LittleEndian>;

/// No more entries of an object are looked at.
const MOST_ENTRIES: usize = 1 << 20;

/// The line on which a variable is declared whose symbol has this name. `None` if the object does not say.
pub fn find(object: &Object, name: &[u8]) -> Option<SourcePosition> {
    // A unit's line table is read as a whole, and takes a hundred times as much memory.
    if section_contents(object, SectionId::DebugLine).len() as u64 > LARGEST_HEADER {
        return None;
    }
    let load = |id: SectionId| Ok::<Cow<'_, [u8]>, gimli::Error>(section_contents(object, id));
    let sections = DwarfSections::load(load).ok()?;
    let dwarf = sections.borrow(|section| EndianSlice::new(section, LittleEndian));
    search(&dwarf, &LineStrings::new(object), name).ok().flatten()
}

fn search(
    dwarf: &Dwarf<Slice<'_>>,
    strings: &LineStrings<'_>,
    name: &[u8],
) -> gimli::Result<Option<SourcePosition>> {
    let mut count = 0;
    let mut units = dwarf.units();
    while let Some(header) = units.next()? {
        let unit = dwarf.unit(header)?;
        let mut entries = unit.entries();
        while let Some((_, entry)) = entries.next_dfs()? {
            count += 1;
            if count > MOST_ENTRIES {
                return Ok(None);
            }
            if entry.tag() != gimli::DW_TAG_variable {
                continue;
            }
            let linkage_name = entry.attr_value(gimli::DW_AT_linkage_name)?;
            let own_name = entry.attr_value(gimli::DW_AT_name)?;
            let Some(own_name) = linkage_name.or(own_name) else { continue };
            if dwarf.attr_string(&unit, own_name)?.slice() != name {
                continue;
            }
            let line = entry.attr_value(gimli::DW_AT_decl_line)?.and_then(|line| line.udata_value());
            let file = match entry.attr_value(gimli::DW_AT_decl_file)? {
                Some(AttributeValue::FileIndex(file)) => Some(file),
                _ => None,
            };
            let program = unit.line_program.as_ref();
            if let (Some(line), Some(file), Some(program)) = (line, file, program) {
                let path = strings.path(program.header(), file);
                let line = u32::try_from(line).ok().filter(|&line| line > 0);
                return Ok(path.zip(line).map(|(path, line)| SourcePosition::new(path, line)));
            }
        }
    }
    Ok(None)
}
