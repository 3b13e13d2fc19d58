//! The name section: names of the module, functions, globals and data segments, for debuggers and profilers.
//! See <https://webassembly.github.io/spec/core/appendix/custom.html#name-section>.

use rayon::prelude::*;
use wald_demangle::Demangler;

use super::window::{take, Pieces, Work};
use crate::display::display_name_with;
use crate::format::SymbolKind;
use crate::index::{ObjectId, SymbolId};
use crate::layout::indices::{OutputFunction, OutputGlobal};
use crate::layout::Layout;
use crate::leb128::{size_u64, write_u32, write_u64};
use crate::symbols::AnySymbol;
use crate::symbols::SyntheticGlobal;
use crate::text::Text;

const MODULE: u8 = 0;
const FUNCTION: u8 = 1;
const GLOBAL: u8 = 7;
const DATA_SEGMENT: u8 = 9;

/// The section, all sizes known.
pub struct NamePlan {
    parts: Vec<Part>,
    /// How many parts are of functions. They follow the first part.
    pieces: usize,
    /// Size of the section's contents.
    pub size: u64,
}

enum Part {
    /// Made while planning.
    Bytes(Vec<u8>),
    /// Names of these functions, by position in the output, as the objects spell them; and their size.
    Functions(std::ops::Range<usize>, usize),
}

/// Functions of one task.
const PIECE: usize = 2048;

/// Plans the section, unless it is stripped.
pub(super) fn plan(layout: &Layout<'_>) -> Option<NamePlan> {
    let options = layout.options;
    if options.strip_all && !options.keep_sections.iter().any(|name| name == "name") {
        return None;
    }
    let imported = imported_functions(layout);
    let pieces = function_pieces(layout);
    let functions = imported.count + pieces.iter().map(|(count, _)| count).sum::<u64>();
    let (globals, segments) = (globals(layout), segments(layout));
    if functions + globals.count + segments.count == 0 && !options.is_relocatable() {
        return None;
    }
    let output = options.output.as_os_str().as_encoded_bytes();
    let output = output.rsplit(|&byte| byte == b'/').next().unwrap_or(output);
    let module = options.soname.as_ref().map_or(output, Text::as_bytes);
    let (mut first, mut body) = (Vec::new(), Vec::new());
    write_name(&mut body, module);
    write_header(&mut first, MODULE, &[], body.len());
    first.extend_from_slice(&body);
    let mut parts = Vec::new();
    let function_parts = if functions > 0 { pieces.len() } else { 0 };
    if functions > 0 {
        let size = imported.out.len() + pieces.iter().map(|(_, part)| part.size()).sum::<usize>();
        write_header(&mut first, FUNCTION, &count(functions), size);
        first.extend_from_slice(&imported.out);
        parts.extend(pieces.into_iter().map(|(_, part)| part));
    }
    parts.insert(0, Part::Bytes(first));
    for (id, namer) in [(GLOBAL, globals), (DATA_SEGMENT, segments)] {
        if namer.count > 0 {
            let mut subsection = Vec::new();
            write_header(&mut subsection, id, &count(namer.count), namer.out.len());
            subsection.extend_from_slice(&namer.out);
            parts.push(Part::Bytes(subsection));
        }
    }
    let size = parts.iter().map(|part| part.size() as u64).sum();
    Some(NamePlan { parts, pieces: function_parts, size })
}

impl NamePlan {
    /// Adapts the parts with the functions of replaced objects. Their names are the same, but the new objects may not be prepared, so
    /// that the names in them are not those that are shown.
    /// The result is these parts, ascending.
    pub fn update(&mut self, layout: &Layout<'_>, replaced: &[ObjectId]) -> Vec<usize> {
        let positions = replaced.iter().flat_map(|&object| layout.functions_of(object));
        let mut pieces: Vec<usize> =
            positions.map(|(_, index)| (index - layout.imports.functions) as usize / PIECE).collect();
        pieces.sort_unstable();
        pieces.dedup();
        // Without any name there are no parts.
        pieces.retain(|&number| number < self.pieces);
        for number in &mut pieces {
            let (_, part) = function_piece(layout, *number);
            // The part before them has the imported functions.
            *number += 1;
            debug_assert_eq!(part.size(), self.parts[*number].size());
            self.parts[*number] = part;
        }
        pieces
    }

    /// All of the contents.
    pub fn render(&self, layout: &Layout<'_>) -> Vec<u8> {
        let mut out = vec![0; self.size as usize];
        let mut rest = &mut out[..];
        for (position, part) in self.parts.iter().enumerate() {
            let slice = take(&mut rest, part.size());
            match part {
                Part::Bytes(bytes) => slice.copy_from_slice(bytes),
                Part::Functions(..) => self.write(layout, position, slice),
            }
        }
        out
    }

    /// Cuts the contents into pieces.
    pub(super) fn add_pieces<'p>(&'p self, pieces: &mut Pieces<'p>) {
        for (position, part) in self.parts.iter().enumerate() {
            match part {
                Part::Bytes(bytes) => pieces.add_bytes(bytes),
                Part::Functions(_, size) => pieces.add(*size as u64, Work::Names(position)),
            }
        }
    }

    /// The same, if the contents were at this offset of the last output. Parts that are not in `changed` are taken from there.
    pub(super) fn add_pieces_again<'p>(&'p self, from: u64, changed: &[usize], pieces: &mut Pieces<'p>) {
        let start = pieces.size();
        let mut all = Pieces::default();
        self.add_pieces(&mut all);
        let changed: Vec<u64> = changed.iter().map(|&part| self.offset_of(part)).collect();
        pieces.add_all(all, |_, offset| {
            let offset = offset - start;
            changed.binary_search(&offset).is_err().then_some(from + offset)
        });
    }

    fn offset_of(&self, part: usize) -> u64 {
        self.parts[..part].iter().map(|part| part.size() as u64).sum()
    }

    /// Writes the names of a part with the objects' own.
    pub(super) fn write(&self, layout: &Layout<'_>, part: usize, slice: &mut [u8]) {
        let Part::Functions(positions, _) = &self.parts[part] else { return };
        let mut rest = slice;
        for position in positions.clone() {
            let Some(name) = input_name(layout, position) else { continue };
            let mut out = &mut *rest;
            let index = layout.imports.functions + position as u32;
            let mut written = put_u32(out, index);
            out = &mut out[written..];
            let length = put_u32(out, name.text.len() as u32);
            out[length..length + name.text.len()].copy_from_slice(name.text);
            written += length + name.text.len();
            take(&mut rest, written);
        }
    }
}

impl Part {
    fn size(&self) -> usize {
        match self {
            Part::Bytes(bytes) => bytes.len(),
            Part::Functions(_, size) => *size,
        }
    }
}

fn count(number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    write_u64(&mut out, number);
    out
}

/// Writes a number to the start of `out`, and returns its length.
fn put_u32(out: &mut [u8], mut value: u32) -> usize {
    let mut position = 0;
    while value >= 0x80 {
        out[position] = value as u8 | 0x80;
        value >>= 7;
        position += 1;
    }
    out[position] = value as u8;
    position + 1
}

fn write_header(out: &mut Vec<u8>, id: u8, prefix: &[u8], body: usize) {
    out.push(id);
    write_u64(out, (prefix.len() + body) as u64);
    out.extend_from_slice(prefix);
}

fn write_name(out: &mut Vec<u8>, name: &[u8]) {
    write_u64(out, name.len() as u64);
    out.extend_from_slice(name);
}

/// Writes names of symbols; keeps the demangler's buffers from name to name.
struct Namer<'a> {
    layout: &'a Layout<'a>,
    demangler: Demangler,
    out: Vec<u8>,
    count: u64,
}

impl<'a> Namer<'a> {
    fn new(layout: &'a Layout<'a>) -> Self {
        Namer { layout, demangler: Demangler::new(), out: Vec::new(), count: 0 }
    }

    fn raw(&mut self, index: u32, name: &[u8]) {
        write_u32(&mut self.out, index);
        write_name(&mut self.out, name);
        self.count += 1;
    }

    fn shown(&mut self, index: u32, prefix: &str, text: &[u8]) {
        let demangle = self.layout.options.demangle;
        let text = display_name_with(&mut self.demangler, text, demangle);
        write_u32(&mut self.out, index);
        write_u64(&mut self.out, (prefix.len() + text.len()) as u64);
        self.out.extend_from_slice(prefix.as_bytes());
        self.out.extend_from_slice(&text);
        self.count += 1;
    }

    fn symbol(&mut self, index: u32, id: SymbolId) {
        let layout = self.layout;
        self.shown(index, "", layout.names.text(layout.program.get(id).name.0));
    }
}

/// A function's name as an object spells it.
struct InputName<'a> {
    text: &'a [u8],
    /// It is from the object's name section or was prepared, and is shown unchanged.
    is_final: bool,
}

/// The name of a function of an object; `None` for the linker's own and for those without a name.
#[inline]
fn input_name<'a>(layout: &'a Layout<'_>, position: usize) -> Option<InputName<'a>> {
    match layout.indices.functions[position] {
        OutputFunction::Synthetic(_) => None,
        OutputFunction::Input(object, position) => {
            let parsed = layout.program.objects[object.at()].object();
            let position = position as usize;
            let function = &parsed.functions[position];
            let named = function.symbol != crate::object::NONE;
            let prepared = parsed
                .prepared
                .get()
                .map_or(&[][..], |prepared| prepared.name(position, layout.options.demangle));
            if !prepared.is_empty() {
                return Some(InputName { text: prepared, is_final: true });
            }
            named.then(|| InputName {
                text: function.name.of(&parsed.bytes),
                is_final: function.has_debug_name,
            })
        }
    }
}

/// A function that only the object's name section has a name for: wasm-ld counts it, and does not write it.
fn is_counted_only(layout: &Layout<'_>, position: usize) -> bool {
    match layout.indices.functions[position] {
        OutputFunction::Synthetic(_) => false,
        OutputFunction::Input(object, function) => {
            let function = &layout.program.objects[object.at()].object().functions[function as usize];
            function.symbol == crate::object::NONE && function.has_debug_name
        }
    }
}

fn imported_functions<'a>(layout: &'a Layout<'a>) -> Namer<'a> {
    let mut namer = Namer::new(layout);
    let is_function = |id: &&SymbolId| layout.program.get(**id).kind == SymbolKind::Function;
    for &id in layout.imports.symbols.iter().filter(is_function) {
        // One that is called through a trap names that, as with wasm-ld.
        let stub = layout.program.get(id).stub.map(|stub| layout.indices.synthetic_function[stub.at()]);
        namer.symbol(stub.or(layout.imports.index_of(id)).unwrap_or(0), id);
    }
    namer
}

/// The defined functions' names in pieces, and how many names each has.
fn function_pieces(layout: &Layout<'_>) -> Vec<(u64, Part)> {
    let count = layout.indices.functions.len();
    let pieces = (0..count.div_ceil(PIECE)).into_par_iter();
    pieces.map(|number| function_piece(layout, number)).collect()
}

fn function_piece(layout: &Layout<'_>, number: usize) -> (u64, Part) {
    let count = layout.indices.functions.len();
    let positions = number * PIECE..count.min((number + 1) * PIECE);
    unchanged_piece(layout, positions.clone()).unwrap_or_else(|| changed_piece(layout, positions))
}

/// A piece whose names are the objects' own; those are copied when all is written.
fn unchanged_piece(layout: &Layout<'_>, positions: std::ops::Range<usize>) -> Option<(u64, Part)> {
    let mut demangler = Demangler::new();
    let (mut count, mut size) = (0, 0);
    for position in positions.clone() {
        if matches!(layout.indices.functions[position], OutputFunction::Synthetic(_)) {
            return None;
        }
        let Some(name) = input_name(layout, position) else {
            count += u64::from(is_counted_only(layout, position));
            continue;
        };
        if !name.is_final {
            let shown = display_name_with(&mut demangler, name.text, layout.options.demangle);
            if matches!(shown, std::borrow::Cow::Owned(_)) || shown.len() != name.text.len() {
                return None;
            }
        }
        let index = layout.imports.functions + position as u32;
        let len = name.text.len();
        size += size_u64(u64::from(index)) + size_u64(len as u64) + len;
        count += 1;
    }
    Some((count, Part::Functions(positions, size)))
}

fn changed_piece(layout: &Layout<'_>, positions: std::ops::Range<usize>) -> (u64, Part) {
    let mut namer = Namer::new(layout);
    for position in positions {
        let index = layout.imports.functions + position as u32;
        match (layout.indices.functions[position], input_name(layout, position)) {
            (OutputFunction::Synthetic(id), _) => {
                namer.raw(index, &layout.function(id).name);
            }
            (_, Some(name)) if name.is_final => namer.raw(index, name.text),
            (_, Some(name)) => namer.shown(index, "", name.text),
            (_, None) => namer.count += u64::from(is_counted_only(layout, position)),
        }
    }
    (namer.count, Part::Bytes(namer.out))
}

fn globals<'a>(layout: &'a Layout<'a>) -> Namer<'a> {
    let mut namer = Namer::new(layout);
    let is_global = |id: &&SymbolId| layout.program.get(**id).kind == SymbolKind::Global;
    for &id in layout.imports.symbols.iter().filter(is_global) {
        namer.symbol(layout.indices.of_symbol(layout.program, &layout.imports, id), id);
    }
    for &id in &layout.imports.got {
        let index = layout.indices.got.get(&AnySymbol::Global(id)).copied().unwrap_or(0);
        namer.symbol(index, id);
    }
    let mut names = None;
    for (position, global) in layout.indices.globals.iter().enumerate() {
        let index = layout.imports.globals + position as u32;
        match *global {
            OutputGlobal::Synthetic(global) => namer.raw(index, synthetic_name(global)),
            OutputGlobal::Input(object, number) => {
                let parsed = layout.program.objects[object.at()].object();
                // An object's globals are consecutive.
                let names = match &mut names {
                    Some((of, names)) if *of == object => names,
                    other => &mut other.insert((object, parsed.first_names(SymbolKind::Global))).1,
                };
                if let Some(symbol) = names.get(&(number + parsed.imports.globals.len() as u32)) {
                    namer.shown(index, "", symbol.name_in(parsed));
                }
            }
        }
    }
    for &symbol in &layout.indices.internal_got {
        let index = layout.indices.got.get(&symbol).copied().unwrap_or(0);
        let name = match symbol {
            AnySymbol::Global(id) => layout.names.text(layout.program.get(id).name.0),
            AnySymbol::Local(object, own) => {
                let linked = &layout.program.objects[object.at()];
                linked.own(own).name_in(linked.object())
            }
        };
        let kind = layout.program.kind_of(symbol);
        let prefix = if kind == SymbolKind::Function { "GOT.func.internal." } else { "GOT.data.internal." };
        namer.shown(index, prefix, name);
    }
    namer
}

/// Names of the linker's own globals.
pub fn synthetic_name(global: SyntheticGlobal) -> &'static [u8] {
    match global {
        SyntheticGlobal::StackPointer => b"__stack_pointer",
        SyntheticGlobal::TlsBase => b"__tls_base",
        SyntheticGlobal::InitStackPointer => b"__init_stack_pointer",
        SyntheticGlobal::InitTlsBase => b"__init_tls_base",
        SyntheticGlobal::TlsSize => b"__tls_size",
        SyntheticGlobal::TlsAlign => b"__tls_align",
    }
}

fn segments<'a>(layout: &'a Layout<'a>) -> Namer<'a> {
    let mut namer = Namer::new(layout);
    for (index, segment) in layout.segments.list.iter().enumerate() {
        if !segment.name.is_empty() && layout.is_in_file(segment) {
            namer.raw(index as u32, &segment.name);
        }
    }
    namer
}
