//! The name section: names of the module, functions, globals and data segments, for debuggers and profilers.
//! See <https://webassembly.github.io/spec/core/appendix/custom.html#name-section>.

use rayon::prelude::*;
use wald_demangle::Demangler;

use crate::format::SymbolKind;
use crate::index::SymbolId;
use crate::layout::indices::{OutputFunction, OutputGlobal};
use crate::layout::Layout;
use crate::leb128::{write_u32, write_u64};
use crate::resolve::display_name_with;
use crate::symbols::AnySymbol;
use crate::symbols::SyntheticGlobal;

const MODULE: u8 = 0;
const FUNCTION: u8 = 1;
const GLOBAL: u8 = 7;
const DATA_SEGMENT: u8 = 9;

/// The section's contents, unless it is stripped.
pub(super) fn names(layout: &Layout<'_>) -> Option<Vec<u8>> {
    let options = layout.options;
    if options.strip_all && !options.keep_sections.iter().any(|name| name == "name") {
        return None;
    }
    let (functions, globals, segments) = (functions(layout), globals(layout), segments(layout));
    if functions.0 + globals.0 + segments.0 == 0 {
        return None;
    }
    let mut out = Vec::with_capacity(functions.1.len() + globals.1.len() + segments.1.len() + 64);
    let output = options.output.rsplit('/').next().unwrap_or(&options.output);
    let module = options.soname.as_deref().unwrap_or(output);
    let mut body = Vec::new();
    write_name(&mut body, module.as_bytes());
    write_subsection(&mut out, MODULE, &[], &body);
    for (id, (count, body)) in [(FUNCTION, functions), (GLOBAL, globals), (DATA_SEGMENT, segments)] {
        if count > 0 {
            let mut prefix = Vec::new();
            write_u64(&mut prefix, count);
            write_subsection(&mut out, id, &prefix, &body);
        }
    }
    Some(out)
}

fn write_subsection(out: &mut Vec<u8>, id: u8, prefix: &[u8], body: &[u8]) {
    out.push(id);
    write_u64(out, (prefix.len() + body.len()) as u64);
    out.extend_from_slice(prefix);
    out.extend_from_slice(body);
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
        self.shown(index, "", layout.names.text(layout.symbols.get(id).name.0));
    }

    fn function(&mut self, position: usize) {
        let layout = self.layout;
        let index = layout.imports.functions + position as u32;
        match layout.indices.functions[position] {
            OutputFunction::Synthetic(id) => {
                self.raw(index, &layout.symbols.synthetic_functions[id.at()].name)
            }
            OutputFunction::Input(object, function) => {
                let parsed = layout.symbols.objects[object.at()].object();
                let function = &parsed.functions[function as usize];
                let debug_name = function.debug_name.of(&parsed.bytes);
                match parsed.symbols.get(function.symbol as usize) {
                    Some(_) if !debug_name.is_empty() => self.raw(index, debug_name),
                    Some(symbol) => self.shown(index, "", symbol.name_in(parsed)),
                    None => {}
                }
            }
        }
    }
}

/// How many functions have names, and the entries.
fn functions(layout: &Layout<'_>) -> (u64, Vec<u8>) {
    let mut imported = Namer::new(layout);
    let is_function = |id: &&SymbolId| layout.symbols.get(**id).kind == SymbolKind::Function;
    for &id in layout.imports.symbols.iter().filter(is_function) {
        imported.symbol(layout.imports.index_of(id).unwrap_or(0), id);
    }
    let count = layout.indices.functions.len();
    let piece = 1024;
    let pieces: Vec<(u64, Vec<u8>)> = (0..count.div_ceil(piece))
        .into_par_iter()
        .map(|number| {
            let mut namer = Namer::new(layout);
            for position in number * piece..count.min((number + 1) * piece) {
                namer.function(position);
            }
            (namer.count, namer.out)
        })
        .collect();
    let named = imported.count + pieces.iter().map(|(count, _)| count).sum::<u64>();
    let mut out = imported.out;
    out.reserve(pieces.iter().map(|(_, bytes)| bytes.len()).sum());
    for (_, bytes) in pieces {
        out.extend_from_slice(&bytes);
    }
    (named, out)
}

fn globals(layout: &Layout<'_>) -> (u64, Vec<u8>) {
    let mut namer = Namer::new(layout);
    let is_global = |id: &&SymbolId| layout.symbols.get(**id).kind == SymbolKind::Global;
    for &id in layout.imports.symbols.iter().filter(is_global) {
        namer.symbol(layout.imports.index_of(id).unwrap_or(0), id);
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
                let parsed = layout.symbols.objects[object.at()].object();
                // An object's globals stand together.
                let names = match &mut names {
                    Some((of, names)) if *of == object => names,
                    other => &mut other.insert((object, parsed.first_names(SymbolKind::Global))).1,
                };
                if let Some(symbol) = names.get(&(number + parsed.imports.globals.len() as u32)) {
                    namer.shown(index, "", symbol.name_in(parsed));
                } else {
                    namer.raw(index, b"");
                }
            }
        }
    }
    for &symbol in &layout.indices.internal_got {
        let index = layout.indices.got.get(&symbol).copied().unwrap_or(0);
        let (name, kind) = match symbol {
            AnySymbol::Global(id) => {
                (layout.names.text(layout.symbols.get(id).name.0), layout.symbols.get(id).kind)
            }
            AnySymbol::Own(object, own) => {
                let linked = &layout.symbols.objects[object.at()];
                let own = linked.own(own);
                (own.name_in(linked.object()), own.kind)
            }
        };
        let prefix = if kind == SymbolKind::Function { "GOT.func.internal." } else { "GOT.data.internal." };
        namer.shown(index, prefix, name);
    }
    (namer.count, namer.out)
}

/// Names of the linker's own globals.
pub fn synthetic_name(global: SyntheticGlobal) -> &'static [u8] {
    match global {
        SyntheticGlobal::StackPointer => b"__stack_pointer",
        SyntheticGlobal::TlsBase => b"__tls_base",
        SyntheticGlobal::TlsSize => b"__tls_size",
        SyntheticGlobal::TlsAlign => b"__tls_align",
    }
}

fn segments(layout: &Layout<'_>) -> (u64, Vec<u8>) {
    let mut namer = Namer::new(layout);
    for (index, segment) in layout.segments.list.iter().enumerate() {
        if !segment.name.is_empty() && layout.is_in_file(segment) {
            namer.raw(index as u32, &segment.name);
        }
    }
    (namer.count, namer.out)
}
