//! Places in objects as messages name them: by source line, or else by function, file and offset.

use wald_demangle::Demangler;

use crate::diagnostics::{Location, SourcePosition};
use crate::display::{display_name, display_name_with};
use crate::format::relocation::{Relocation, RelocationType};
use crate::format::SymbolKind;
use crate::input::Candidate;
use crate::object::{Object, ObjectSymbol};
use crate::source_lines;
use crate::symbols::LinkedObject;
use crate::text::unescape_path;
use crate::variable_lines;

/// A place in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In code: the function's position, and the offset from the start of the code section's contents.
    Code { function: usize, offset: u32 },
    /// The start of a function: its position.
    Function(usize),
    /// In a data segment: its position, and the offset in its data.
    Data { segment: usize, offset: u32 },
    /// In a custom section: its position.
    Section(usize),
    /// The object as a whole.
    Whole,
}

impl Place {
    /// Where an object defines a symbol.
    pub fn of_definition(object: &Object, symbol: u32) -> Place {
        let Some(own) = object.symbols.get(symbol as usize) else { return Place::Whole };
        match (own.kind, object.chunk_of(own)) {
            (SymbolKind::Function, Some(function)) => Place::Function(function as usize),
            (SymbolKind::Data, Some(segment)) => Place::Data {
                segment: segment as usize,
                offset: u32::try_from(own.offset).unwrap_or(u32::MAX),
            },
            _ => Place::Whole,
        }
    }

    /// Where an object refers to a symbol first.
    pub fn of_use(object: &Object, symbol: u32) -> Place {
        let is_it = |entry: &Relocation| entry.index == symbol && entry.kind != RelocationType::TypeIndexLeb;
        let code = object.functions.iter().enumerate().find_map(|(function, of)| {
            let entry = object.relocations(of.relocations).find(is_it)?;
            Some(Place::Code { function, offset: entry.offset })
        });
        let data = || {
            object.segments.iter().enumerate().find_map(|(segment, of)| {
                let entry = object.relocations(of.relocations).find(is_it)?;
                Some(Place::Data { segment, offset: entry.offset.saturating_sub(of.offset_base) })
            })
        };
        code.or_else(data).unwrap_or(Place::Whole)
    }
}

/// A place as data and in words.
#[derive(Clone, Debug)]
pub struct Described {
    /// As data.
    pub location: Location,
    /// In words, such as `main.c:3:9 in helper`. Escaped as in [`crate::text`].
    pub text: String,
}

/// An object whose places are described.
#[derive(Clone, Copy)]
pub struct File<'a> {
    /// Its contents.
    pub object: &'a Object,
    /// Its name in messages.
    pub path: &'a str,
    /// Its name as data. `None` if it was generated from bitcode.
    pub candidate: Option<&'a Candidate>,
}

impl<'a> File<'a> {
    /// An object of the link.
    pub fn linked(linked: &'a LinkedObject, files: &[&'a Candidate]) -> Self {
        File { object: linked.object(), path: &linked.path, candidate: files.get(linked.file.at()).copied() }
    }

    /// The file as a whole.
    pub fn location(&self) -> Location {
        match self.candidate {
            Some(candidate) => candidate.name.location(),
            None => Location::file(unescape_path(self.path)),
        }
    }
}

/// Describes places of an object.
pub fn describe(file: &File<'_>, places: &[Place], demangle: bool) -> Vec<Described> {
    let File { object, path, .. } = *file;
    let offsets: Vec<u32> = places
        .iter()
        .filter_map(|place| match place {
            Place::Code { offset, .. } => Some(*offset),
            _ => None,
        })
        .collect();
    let mut sources =
        if offsets.is_empty() { Vec::new() } else { source_lines::find(object, &offsets) }.into_iter();
    let describe = |&place: &Place| {
        let mut location = file.location();
        let text = match place {
            Place::Code { function, offset } => {
                let source = sources.next().flatten();
                describe_code(file, function, offset, source, demangle, &mut location)
            }
            Place::Function(function) => {
                let of = object.functions.get(function);
                let source = of.and_then(|of| source_lines::find_function(object, of));
                let start = of.map_or(0, |of| source_lines::range_of(of).start);
                describe_code(file, function, start, source, demangle, &mut location)
            }
            Place::Data { segment, offset } => {
                let source = datum_symbol(object, segment, offset)
                    .and_then(|symbol| variable_lines::find(object, symbol.name_in(object)));
                let (name, text) = match datum_name(object, segment, offset, demangle) {
                    (name, true) => match &source {
                        Some(source) => (name.clone(), format!("{source:#} in {name}")),
                        None => (name.clone(), format!("{name} of {path}")),
                    },
                    (name, false) => (name.clone(), format!("segment {name} of {path}")),
                };
                location.offset =
                    object.segments.get(segment).map(|of| u64::from(of.data.start) + u64::from(offset));
                location.symbol = Some(name);
                location.source = source;
                text
            }
            Place::Section(section) => {
                let name =
                    object.custom_sections.get(section).map_or(&[][..], |of| of.name.of(&object.bytes));
                format!("section {} of {path}", String::from_utf8_lossy(name))
            }
            Place::Whole => path.to_string(),
        };
        Described { location, text }
    };
    places.iter().map(describe).collect()
}

/// Fills in a place in code, and says it in words.
fn describe_code(
    file: &File<'_>,
    function: usize,
    offset: u32,
    source: Option<SourcePosition>,
    demangle: bool,
    location: &mut Location,
) -> String {
    let (object, path) = (file.object, file.path);
    let Some(of) = object.functions.get(function) else { return path.to_string() };
    let at = u64::from(of.range.start) + u64::from(offset.saturating_sub(of.offset_base));
    let name = function_name(object, function, demangle);
    let text = match &source {
        Some(source) => format!("{source:#} in {name}"),
        None => format!("function {name} of {path}, offset {at:#x}"),
    };
    location.offset = Some(at);
    location.source = source.map(|mut source| {
        source.function = Some(name.clone());
        source
    });
    location.symbol = Some(name);
    text
}

fn function_name(object: &Object, function: usize, demangle: bool) -> String {
    let name = object.functions[function].name.of(&object.bytes);
    if name.is_empty() {
        return format!("number {}", object.imports.functions.len() + function);
    }
    // clang's name for a `main` without parameters.
    if name == b"__original_main" {
        return "main".into();
    }
    display_name(name, demangle)
}

/// The datum that contains a place, or the segment if there is none; and whether it is a datum.
fn datum_name(object: &Object, segment: usize, offset: u32, demangle: bool) -> (String, bool) {
    if let Some(symbol) = datum_symbol(object, segment, offset) {
        let mut demangler = Demangler::new();
        let name = display_name_with(&mut demangler, symbol.name_in(object), demangle);
        return (String::from_utf8_lossy(&name).into_owned(), true);
    }
    let name = object.segments.get(segment).map_or(&[][..], |of| of.name.of(&object.bytes));
    (String::from_utf8_lossy(name).into_owned(), false)
}

/// The symbol of the datum at an offset in a segment.
fn datum_symbol(object: &Object, segment: usize, offset: u32) -> Option<&ObjectSymbol> {
    let offset = u64::from(offset);
    let contains = |symbol: &&ObjectSymbol| {
        symbol.lies_in_segment()
            && symbol.element as usize == segment
            && symbol.offset <= offset
            && offset - symbol.offset < symbol.size.max(1)
    };
    object.symbols.iter().find(contains)
}
