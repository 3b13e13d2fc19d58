//! What to compile again, and with which flag: by the name of the source file if an object has debug information, and in the words of
//! the compiler that made the object. Asked only when a link fails or warns.

use std::borrow::Cow;

use gimli::{AttributeValue, Dwarf, DwarfSections, EndianSlice, LittleEndian, SectionId};

use crate::diagnostics::{Fix, Help, Location, Note};
use crate::object::Object;
use crate::places::File;
use crate::source_lines::{section_contents, LARGEST_HEADER};

/// So many files are named. The fix has all.
const MOST_FILES: usize = 3;

/// A flag, in the words of both compilers.
#[derive(Clone, Copy)]
pub struct Flag<'a> {
    /// For clang.
    pub clang: &'a str,
    /// What the help adds to it.
    pub or: &'a str,
    /// For rustc.
    pub rustc: &'a str,
    /// What the help adds to it.
    pub and: &'a str,
}

/// Says that these files should be compiled again with a flag: one help for C and C++, and one for Rust.
pub fn with_flag(files: &[File<'_>], flag: Flag<'_>) -> Vec<Help> {
    // Objects that the link itself generated from bitcode are nobody's to compile.
    let files = files.iter().filter(|file| file.candidate.is_some());
    let (rust, others): (Vec<_>, Vec<_>) = files.partition(|file| is_of_rust(file));
    let help = |(files, flag, more): (Vec<&File<'_>>, &str, &str)| {
        (!files.is_empty()).then(|| {
            let text = format!("compile {} with {flag}{more}", sources(&files));
            let locations = files.iter().map(|file| file.location()).collect();
            Help::new(text).with_fix(Fix::AddCompilerFlag { flag: flag.into(), locations })
        })
    };
    let both = [(others, flag.clang, flag.or), (rust, flag.rustc, flag.and)];
    both.into_iter().filter_map(help).collect()
}

/// The names of source files, or else of objects: the first ones, and how many more there are.
fn sources(files: &[&File<'_>]) -> String {
    let mut names: Vec<String> = Vec::new();
    for file in files.iter().take(MOST_FILES) {
        let archive = file.candidate.filter(|candidate| candidate.name.member.is_some());
        let name = match (source(file.object), archive) {
            (Some(source), Some(archive)) => format!("{source} of {}", archive.name.path),
            (Some(source), None) => source,
            (None, _) => file.path.to_string(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    enumerate(names, files.len().saturating_sub(MOST_FILES))
}

/// A note about files: its text ends with the paths of the first ones, and with how many more there are. As data it has all.
pub fn note(text: &str, files: &[File<'_>]) -> Note {
    let locations = files.iter().map(File::location).collect();
    note_of_paths(text, files.iter().map(|file| file.path), locations)
}

/// The same about files that need not be parsed.
pub fn note_of_paths<'a>(
    text: &str,
    paths: impl ExactSizeIterator<Item = &'a str>,
    locations: Vec<Location>,
) -> Note {
    let more = paths.len().saturating_sub(MOST_FILES);
    let names = paths.take(MOST_FILES).map(str::to_string).collect();
    Note::new(format!("{text} {}", enumerate(names, more))).with_locations(locations)
}

/// `a, b and 2 more`.
fn enumerate(names: Vec<String>, more: usize) -> String {
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// Whether rustc made an object.
fn is_of_rust(file: &File<'_>) -> bool {
    let object = file.object;
    let is = |name: &str, text: &[u8]| text == name.as_bytes();
    let mut languages = object.producers.languages.iter().map(|(name, _)| name.of(&object.bytes));
    let mut tools = object.producers.tools.iter().map(|(name, _)| name.of(&object.bytes));
    // An object without that section has the name that rustc gave it.
    languages.any(|name| is("Rust", name))
        || tools.any(|name| is("rustc", name))
        || file.path.contains(".rcgu.o")
}

/// The source file of an object, if it has debug information about one and no more. Escaped as in [`crate::text`].
fn source(object: &Object) -> Option<String> {
    // A unit's line table is read as a whole, and takes a hundred times as much memory.
    if section_contents(object, SectionId::DebugLine).len() as u64 > LARGEST_HEADER {
        return None;
    }
    let load = |id: SectionId| Ok::<Cow<'_, [u8]>, gimli::Error>(section_contents(object, id));
    let sections = DwarfSections::load(load).ok()?;
    let dwarf = sections.borrow(|section| EndianSlice::new(section, LittleEndian));
    name_of_unit(&dwarf).ok().flatten()
}

/// The name of the only compilation unit.
fn name_of_unit(dwarf: &Dwarf<EndianSlice<'_, LittleEndian>>) -> gimli::Result<Option<String>> {
    let mut units = dwarf.units();
    let (Some(header), None) = (units.next()?, units.next()?) else { return Ok(None) };
    let unit = dwarf.unit(header)?;
    let mut entries = unit.entries();
    let Some((_, entry)) = entries.next_dfs()? else { return Ok(None) };
    let Some(name) = entry.attr_value(gimli::DW_AT_name)? else { return Ok(None) };
    if matches!(name, AttributeValue::Udata(_)) {
        return Ok(None);
    }
    let name = dwarf.attr_string(&unit, name)?;
    let name = crate::text::Text::from(name.slice()).to_escaped().into_owned();
    // rustc adds the name of a part of the crate.
    Ok(Some(name.split("/@/").next().unwrap_or_default().to_string()).filter(|name| !name.is_empty()))
}
