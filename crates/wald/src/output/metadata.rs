//! `--merge-code-metadata`: what objects say about places in their functions, such as which way a branch probably goes, becomes one
//! section for each kind. See <https://github.com/WebAssembly/tool-conventions/blob/main/CodeMetadata.md>.
//!
//! An object's section is one vector of functions, or several if `-r` combined objects. Functions are taken if the object's
//! own body is in the output, and sorted by their index in the output. Offsets count from the start of the body, and follow
//! the instructions if `--compress-relocations` moves them.

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use crate::diagnostics::Diagnostic;
use crate::format::relocation::{Relocation, RelocationIterator, RelocationType};
use crate::index::{ObjectId, ObjectSymbolIndex};
use crate::input::parse_diagnostic;
use crate::input::FileName;
use crate::layout::indices::NONE;
use crate::layout::Layout;
use crate::leb128::{write_u32, Reader};
use crate::object::{InputSection, Object};
use crate::parse_error::{ErrorKind, ParseError};
use crate::relocate::{ObjectRelocator, Relocator, SectionOffsets, SymbolValues};

/// The names of all sections of code metadata begin with this.
const PREFIX: &[u8] = b"metadata.code.";
const BRANCH_HINTS: &[u8] = b"metadata.code.branch_hint";

/// The sections of the output.
#[derive(Default)]
pub(super) struct MetadataPlan {
    /// Names and contents, in the order in which objects first have them.
    pub(super) sections: Vec<(Vec<u8>, Vec<u8>)>,
    /// What is wrong with the objects' ones.
    pub(super) errors: Vec<Diagnostic>,
}

/// Whether the sections of this name are read here.
pub(super) fn is_merged(layout: &Layout<'_>, name: &[u8]) -> bool {
    layout.options.merges_code_metadata() && name.starts_with(PREFIX)
}

/// What is said about a function.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    /// Index in the output.
    function: u32,
    /// Places and what is said about them, with their number in front.
    places: Vec<u8>,
}

/// A section of an object.
struct Part<'a> {
    name: &'a [u8],
    entries: Vec<Entry>,
}

/// Reads the objects' sections and makes the output's.
pub(super) fn plan(layout: &Layout<'_>, values: &SymbolValues) -> MetadataPlan {
    let mut plan = MetadataPlan::default();
    if !layout.options.merges_code_metadata() {
        return plan;
    }
    // Code refers to no offsets of code or custom sections, so none are needed here.
    let offsets = SectionOffsets::default();
    let relocator = Relocator::new(layout, values, &[], &offsets);
    let objects = (0..layout.program.objects.len()).into_par_iter().with_min_len(16);
    let parts: Vec<_> =
        objects.map(|position| read_object(layout, &relocator, ObjectId::new(position))).collect();
    let mut by_name: HashMap<&[u8], usize> = HashMap::new();
    let mut merged: Vec<Part<'_>> = Vec::new();
    for part in parts.into_iter().flatten() {
        match part {
            Ok(part) => {
                let slot = *by_name.entry(part.name).or_insert_with(|| {
                    merged.push(Part { name: part.name, entries: Vec::new() });
                    merged.len() - 1
                });
                merged[slot].entries.extend(part.entries);
            }
            Err(error) => plan.errors.push(*error),
        }
    }
    let sections = merged.into_iter().filter_map(|part| Some((part.name.to_vec(), contents(part.entries)?)));
    plan.sections = sections.collect();
    plan
}

fn read_object<'a>(
    layout: &'a Layout<'_>,
    relocator: &'a Relocator<'_>,
    id: ObjectId,
) -> Vec<Result<Part<'a>, Box<Diagnostic>>> {
    let linked = &layout.program.objects[id.at()];
    let object = linked.object();
    let sections = object.custom_sections.iter().filter(|section| {
        section.name.of(&object.bytes).starts_with(PREFIX)
            && section.data.len > 0
            && !linked.is_discarded(section.comdat)
    });
    let read = |section: &InputSection| {
        let mut part = SectionReader::new(layout, relocator, id, section);
        part.read().map_err(|error| {
            let name = FileName { path: linked.path.clone(), member: None };
            Box::new(parse_diagnostic(&name, &error, &object.bytes))
        })
    };
    sections.map(read).collect()
}

/// The contents of an output section; `None` if no entries are left.
fn contents(mut entries: Vec<Entry>) -> Option<Vec<u8>> {
    entries.sort_by_key(|entry| entry.function);
    entries.dedup();
    // An object that `-r` made can speak twice of a function that several of its parts had. Which of them had
    // the body that was kept is not known any more.
    let mut kept: Vec<&Entry> = Vec::new();
    for same in entries.chunk_by(|a, b| a.function == b.function) {
        if let [entry] = same {
            kept.push(entry);
        }
    }
    if kept.is_empty() {
        return None;
    }
    let mut out = Vec::new();
    write_u32(&mut out, kept.len() as u32);
    for entry in kept {
        write_u32(&mut out, entry.function);
        out.extend_from_slice(&entry.places);
    }
    Some(out)
}

struct SectionReader<'a> {
    layout: &'a Layout<'a>,
    object: &'a Object,
    id: ObjectId,
    name: &'a [u8],
    start: usize,
    reader: Reader<'a>,
    relocations: std::iter::Peekable<RelocationIterator<'a>>,
    relocator: ObjectRelocator<'a>,
}

impl<'a> SectionReader<'a> {
    fn new(
        layout: &'a Layout<'_>,
        relocator: &'a Relocator<'_>,
        id: ObjectId,
        section: &InputSection,
    ) -> Self {
        let object = layout.program.objects[id.at()].object();
        let data = section.data;
        SectionReader {
            layout,
            object,
            id,
            name: section.name.of(&object.bytes),
            start: data.start as usize,
            reader: Reader::within(&object.bytes, data.start as usize, data.end() as usize),
            relocations: object.relocations(section.relocations).peekable(),
            relocator: relocator.of(id),
        }
    }

    fn read(&mut self) -> Result<Part<'a>, ParseError> {
        let mut entries = Vec::new();
        while !self.reader.is_empty() {
            let mut seen = HashSet::new();
            for _ in 0..self.reader.u32()? {
                let at = self.reader.position();
                let function = self.function()?;
                if !seen.insert(function) {
                    return Err(ParseError::malformed(at, "code metadata speaks of a function twice"));
                }
                let places = self.places(function)?;
                let flat = self.layout.program.chunks.functions.of(self.id, function);
                let index = self.layout.indices.function[flat];
                if index != NONE {
                    entries.push(Entry { function: index, places });
                }
            }
        }
        self.no_relocation()?;
        Ok(Part { name: self.name, entries })
    }

    /// A function that the object defines: its position there. The index in the output is in the relocation.
    fn function(&mut self) -> Result<usize, ParseError> {
        self.no_relocation()?;
        let at = self.reader.position();
        let here = |relocation: &Relocation| relocation.offset as usize == at - self.start;
        let Some(relocation) = self.relocations.next_if(here) else {
            if self.reader.is_empty() {
                return Err(self.reader.error(ErrorKind::UnexpectedEnd));
            }
            return Err(ParseError::malformed(at, "function index in code metadata has no relocation"));
        };
        match relocation.kind {
            RelocationType::FunctionIndexLeb => {
                self.reader.u32()?;
                if self.reader.position() != at + 5 {
                    return Err(ParseError::malformed(at, "function index in code metadata is not padded"));
                }
            }
            RelocationType::FunctionIndexI32 => self.reader.skip(4)?,
            kind => {
                let message = format!("{} has no meaning in code metadata", kind.name());
                return Err(ParseError::text(at, message));
            }
        }
        let symbol = &self.object.symbols[ObjectSymbolIndex(relocation.index).at()];
        if !symbol.is_defined() {
            let name = String::from_utf8_lossy(symbol.name_in(self.object)).into_owned();
            let message = format!("code metadata speaks of a function that is defined elsewhere: {name}");
            return Err(ParseError::text(at, message));
        }
        Ok(self.object.defined_function(symbol.element))
    }

    /// What is said about a function, with offsets as they are in the output.
    fn places(&mut self, function: usize) -> Result<Vec<u8>, ParseError> {
        let input = &self.object.functions[function];
        let size = input.range.len - u32::from(input.prefix);
        let compressed = self.layout.options.compress_relocations;
        let mut moved = self.relocator.compressed_places(function);
        let mut out = Vec::new();
        let mut previous = None;
        let count = self.reader.u32()?;
        write_u32(&mut out, count);
        for _ in 0..count {
            let at = self.reader.position();
            let offset = self.reader.u32()?;
            if previous >= Some(offset) {
                return Err(ParseError::malformed(at, "offsets in code metadata do not go up"));
            }
            if offset >= size {
                return Err(ParseError::malformed(at, "offset in code metadata lies behind the function"));
            }
            previous = Some(offset);
            let offset = match compressed {
                true => moved.place_of(offset).ok_or_else(|| {
                    ParseError::malformed(at, "offset in code metadata lies within a relocated number")
                })?,
                false => offset,
            };
            write_u32(&mut out, offset);
            let len = self.reader.u32()?;
            write_u32(&mut out, len);
            let at = self.reader.position();
            let payload = self.reader.bytes(len as usize)?;
            if self.name == BRANCH_HINTS && !matches!(payload, [0 | 1]) {
                return Err(ParseError::malformed(at, "branch hint is neither 0 nor 1"));
            }
            out.extend_from_slice(payload);
        }
        Ok(out)
    }

    /// Only functions' indices have relocations.
    fn no_relocation(&mut self) -> Result<(), ParseError> {
        let read = self.reader.position() - self.start;
        match self.relocations.peek() {
            Some(relocation) if (relocation.offset as usize) < read => {
                let kind = ErrorKind::Malformed("code metadata has a relocation where no function index is");
                Err(ParseError::new(self.start + relocation.offset as usize, kind))
            }
            _ => Ok(()),
        }
    }
}
