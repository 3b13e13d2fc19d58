//! The link map: every output section with what is in it, as wasm-ld prints it.
//!
//! A row has an address (or `-`), the offset in the file, a size, and then at one of three depths an output
//! section or segment, an input chunk, or a symbol.

use std::fmt::Write;

use hashbrown::HashMap;

use crate::display::display_name;
use crate::format::{section, SymbolKind};
use crate::index::{ObjectId, SyntheticFunctionId};
use crate::layout::indices::{OutputFunction, OutputGlobal};
use crate::layout::segments::Content;
use crate::layout::Layout;
use crate::output::{synthetic_global_name, OutputSection, Plan};
use crate::relocate::own_address;
use crate::symbols::Reference;

/// Writes the map.
pub fn render(layout: &Layout<'_>, plan: &Plan) -> String {
    let symbols = collect_symbols(layout);
    let mut map = Map { layout, plan, symbols, out: String::new() };
    map.out.push_str("    Addr      Off     Size Out     In      Symbol\n");
    for output in &plan.sections {
        map.section(output);
    }
    map.out
}

/// A chunk that has symbols.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Chunk {
    Function(ObjectId, u32),
    Segment(ObjectId, u32),
    /// A function of the linker's that is called in the place of undefined ones.
    Stub(SyntheticFunctionId),
}

/// The symbols that each object itself defines, by chunk, in symbol table order.
fn collect_symbols(layout: &Layout<'_>) -> HashMap<Chunk, Vec<(ObjectId, u32)>> {
    let mut symbols: HashMap<Chunk, Vec<(ObjectId, u32)>> = HashMap::new();
    for (position, linked) in layout.program.objects.iter().enumerate() {
        let object = ObjectId::new(position);
        for (index, own) in linked.object().symbols.iter().enumerate() {
            let index = index as u32;
            if let Reference::Global(id) = linked.reference(index) {
                let symbol = layout.program.get(id);
                if let (Some(stub), true) = (symbol.stub, symbol.file == Some(linked.file)) {
                    symbols.entry(Chunk::Stub(stub)).or_default().push((object, index));
                    continue;
                }
                if symbol.file != Some(linked.file) || !symbol.is_defined() {
                    continue;
                }
            }
            if !own.is_defined() {
                continue;
            }
            let chunk = match own.kind {
                SymbolKind::Function => {
                    Chunk::Function(object, linked.object().defined_function(own.element) as u32)
                }
                SymbolKind::Data if own.lies_in_segment() => Chunk::Segment(object, own.element),
                _ => continue,
            };
            symbols.entry(chunk).or_default().push((object, index));
        }
    }
    symbols
}

struct Map<'a> {
    layout: &'a Layout<'a>,
    plan: &'a Plan,
    symbols: HashMap<Chunk, Vec<(ObjectId, u32)>>,
    out: String,
}

impl Map<'_> {
    fn row(&mut self, address: Option<u64>, offset: u64, size: u64, indent: usize, text: &str) {
        // Writing to a string cannot fail.
        let _ = match address {
            Some(address) => write!(self.out, "{address:8x} {offset:8x} {size:8x} "),
            None => write!(self.out, "       - {offset:8x} {size:8x} "),
        };
        let _ = writeln!(self.out, "{:indent$}{text}", "");
    }

    fn section(&mut self, output: &OutputSection) {
        let name = match output.id {
            section::CUSTOM => format!("CUSTOM({})", String::from_utf8_lossy(&output.name)),
            id => section::name(id).to_string(),
        };
        self.row(None, output.offset, output.end() - output.offset, 0, &name);
        match output.id {
            section::GLOBAL => self.globals(),
            section::CODE => self.functions(output),
            section::DATA => self.data(output),
            _ => {}
        }
    }

    fn globals(&mut self) {
        let layout = self.layout;
        for (position, global) in layout.indices.globals.iter().enumerate() {
            let index = u64::from(layout.imports.globals) + position as u64;
            let name = match *global {
                OutputGlobal::Synthetic(global) => synthetic_global_name(global).to_vec(),
                OutputGlobal::Input(object, number) => self.global_name(object, number),
            };
            self.row(Some(index), 0, 0, 8, &String::from_utf8_lossy(&name));
        }
    }

    fn global_name(&self, object: ObjectId, number: u32) -> Vec<u8> {
        let parsed = self.layout.program.objects[object.at()].object();
        let element = number + parsed.imports.globals.len() as u32;
        let symbol = parsed.symbols.iter().find(|s| s.kind == SymbolKind::Global && s.element == element);
        symbol.map_or_else(Vec::new, |symbol| symbol.name_in(parsed).to_vec())
    }

    fn functions(&mut self, output: &OutputSection) {
        let layout = self.layout;
        for (position, function) in layout.indices.functions.iter().enumerate() {
            let offset = output.offset + u64::from(self.plan.code.offsets[position]);
            let size = self.plan.code.size_of(position);
            match *function {
                OutputFunction::Synthetic(id) => {
                    let name = &layout.function(id).symbol_name;
                    let text = format!("<internal>:({})", String::from_utf8_lossy(name));
                    self.row(None, offset, size, 8, &text);
                    for (object, symbol) in self.symbols.get(&Chunk::Stub(id)).cloned().unwrap_or_default() {
                        let name = self.symbol_name(object, symbol);
                        self.row(None, offset, 0, 16, &name);
                    }
                }
                OutputFunction::Input(object, index) => {
                    let linked = &layout.program.objects[object.at()];
                    let symbol = linked.object().functions[index as usize].symbol;
                    let name = linked.object().symbols.get(symbol as usize);
                    let name = name.map_or(&b""[..], |symbol| symbol.name_in(linked.object()));
                    let text = format!("{}:({})", linked.path, String::from_utf8_lossy(name));
                    self.row(None, offset, size, 8, &text);
                    for (object, symbol) in
                        self.symbols.get(&Chunk::Function(object, index)).cloned().unwrap_or_default()
                    {
                        let name = self.symbol_name(object, symbol);
                        self.row(None, offset, size, 16, &name);
                    }
                }
            }
        }
    }

    fn symbol_name(&self, object: ObjectId, symbol: u32) -> String {
        let parsed = self.layout.program.objects[object.at()].object();
        display_name(parsed.symbols[symbol as usize].name_in(parsed), self.layout.options.demangle)
    }

    fn data(&mut self, output: &OutputSection) {
        let layout = self.layout;
        for (number, segment) in layout.segments.list.iter().enumerate() {
            // What is not in the file has no place in it.
            let header = self.plan.segment_headers.get(&(number as u32)).copied();
            let (start, contents) = header.map_or((0, None), |(start, len)| (start, Some(start + len)));
            let name = String::from_utf8_lossy(&segment.name).into_owned();
            self.row(Some(segment.address), output.offset + start, segment.size, 0, &name);
            for part in &segment.parts {
                let address = segment.address + part.offset;
                let offset = contents.map_or(0, |contents| output.offset + contents + part.offset);
                match part.content {
                    Content::Merged(merged) => {
                        let merged = &layout.segments.merged[merged as usize];
                        let text = format!("<internal>:({})", String::from_utf8_lossy(&merged.name));
                        self.row(Some(address), offset, merged.strings.size, 8, &text);
                    }
                    Content::Input(object, index) => self.segment_part(object, index, address, offset),
                    Content::Common(id, size) => {
                        let name = layout.names.text(layout.program.get(id).name.0);
                        let name = display_name(name, layout.options.demangle);
                        self.row(Some(address), offset, size, 8, "<internal>:(.bss.common)");
                        self.row(Some(address), offset, size, 16, &name);
                    }
                }
            }
        }
    }

    fn segment_part(&mut self, object: ObjectId, index: u32, address: u64, offset: u64) {
        let linked = &self.layout.program.objects[object.at()];
        let input = &linked.object().segments[index as usize];
        let name = String::from_utf8_lossy(input.name.of(&linked.object().bytes));
        self.row(Some(address), offset, u64::from(input.data.len), 8, &format!("{}:({name})", linked.path));
        for (object, symbol) in self.symbols.get(&Chunk::Segment(object, index)).cloned().unwrap_or_default()
        {
            let own = &linked.object().symbols[symbol as usize];
            let address = own_address(self.layout, object, own, false).unwrap_or(0);
            let name = self.symbol_name(object, symbol);
            self.row(Some(address), offset + own.offset, own.size, 16, &name);
        }
    }
}
