//! The link map: every output section with what is in it, as wasm-ld prints it.
//!
//! A row has an address (or `-`), the offset in the file, a size, and then at one of three depths an output
//! section or segment, an input chunk, or a symbol. With `--map-format=json` the same rows are JSON.

use std::fmt::Write;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::display::display_name;
use crate::format::{section, SymbolKind};
use crate::index::{ObjectId, SyntheticFunctionId};
use crate::json::Writer;
use crate::layout::indices::{OutputFunction, OutputGlobal};
use crate::layout::segments::Content;
use crate::layout::Layout;
use crate::options::MapFormat;
use crate::output::{synthetic_global_name, OutputSection, Plan};
use crate::relocate::own_address;
use crate::symbols::Reference;

/// The file of what the linker makes.
const INTERNAL: &str = "<internal>";

/// Writes the map.
pub fn render(layout: &Layout<'_>, plan: &Plan) -> String {
    let symbols = collect_symbols(layout);
    let mut map = Map { layout, plan, symbols, rows: Vec::new() };
    for output in &plan.sections {
        map.section(output);
    }
    match layout.options.map_format {
        MapFormat::WasmLd => text(&map.rows),
        MapFormat::Json => json(&map.rows),
    }
}

/// A row of the map.
struct Row {
    /// Address, or index of a global.
    address: Option<u64>,
    offset: u64,
    size: u64,
    /// An output section or segment, an input chunk in it, or a symbol in that.
    depth: usize,
    file: Option<Arc<str>>,
    name: String,
}

/// The map as wasm-ld writes it.
fn text(rows: &[Row]) -> String {
    let mut out = String::from("    Addr      Off     Size Out     In      Symbol\n");
    for Row { address, offset, size, depth, file, name } in rows {
        // Writing to a string cannot fail.
        let _ = match address {
            Some(address) => write!(out, "{address:8x} {offset:8x} {size:8x} "),
            None => write!(out, "       - {offset:8x} {size:8x} "),
        };
        let indent = 8 * depth;
        let _ = match file {
            Some(file) => writeln!(out, "{:indent$}{file}:({name})", ""),
            None => writeln!(out, "{:indent$}{name}", ""),
        };
    }
    out
}

/// The map as JSON: the rows in order, each with its depth.
fn json(rows: &[Row]) -> String {
    let mut json = Writer::default();
    json.open('{');
    json.field("schema", "wald-map");
    json.field_number("version", 1);
    json.key("rows");
    json.open('[');
    for row in rows {
        json.open('{');
        json.field_number("depth", row.depth as i64);
        if let Some(address) = row.address {
            json.field_number("address", address as i64);
        }
        json.field_number("offset", row.offset as i64);
        json.field_number("size", row.size as i64);
        json.optional_field("file", row.file.as_deref());
        json.field("name", &row.name);
        json.close('}');
    }
    json.close(']');
    json.close('}');
    json.finish()
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
    rows: Vec<Row>,
}

impl Map<'_> {
    fn row(&mut self, address: Option<u64>, offset: u64, size: u64, depth: usize, name: &str) {
        self.rows.push(Row { address, offset, size, depth, file: None, name: name.into() });
    }

    /// A row of an input chunk.
    fn chunk(&mut self, address: Option<u64>, offset: u64, size: u64, file: &Arc<str>, name: &[u8]) {
        let (file, name) = (Some(file.clone()), String::from_utf8_lossy(name).into_owned());
        self.rows.push(Row { address, offset, size, depth: 1, file, name });
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
            self.row(Some(index), 0, 0, 1, &String::from_utf8_lossy(&name));
        }
    }

    fn global_name(&self, object: ObjectId, number: u32) -> Vec<u8> {
        let parsed = self.layout.program.objects[object.at()].object();
        let element = number + parsed.imports.globals.len() as u32;
        let symbol = parsed.symbols.iter().find(|s| s.kind == SymbolKind::Global && s.element == element);
        symbol.map_or_else(Vec::new, |symbol| symbol.name_in(parsed).to_vec())
    }

    fn functions(&mut self, output: &OutputSection) {
        let (layout, internal) = (self.layout, Arc::from(INTERNAL));
        for (position, function) in layout.indices.functions.iter().enumerate() {
            let offset = output.offset + u64::from(self.plan.code.offsets[position]);
            let size = self.plan.code.size_of(position);
            match *function {
                OutputFunction::Synthetic(id) => {
                    let name = &layout.function(id).symbol_name;
                    self.chunk(None, offset, size, &internal, name);
                    for (object, symbol) in self.symbols.get(&Chunk::Stub(id)).cloned().unwrap_or_default() {
                        let name = self.symbol_name(object, symbol);
                        self.row(None, offset, 0, 2, &name);
                    }
                }
                OutputFunction::Input(object, index) => {
                    let linked = &layout.program.objects[object.at()];
                    let symbol = linked.object().functions[index as usize].symbol;
                    let name = linked.object().symbols.get(symbol as usize);
                    let name = name.map_or(&b""[..], |symbol| symbol.name_in(linked.object()));
                    self.chunk(None, offset, size, &linked.path, name);
                    for (object, symbol) in
                        self.symbols.get(&Chunk::Function(object, index)).cloned().unwrap_or_default()
                    {
                        let name = self.symbol_name(object, symbol);
                        self.row(None, offset, size, 2, &name);
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
        let (layout, internal) = (self.layout, Arc::from(INTERNAL));
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
                        self.chunk(Some(address), offset, merged.strings.size, &internal, &merged.name);
                    }
                    Content::Input(object, index) => self.segment_part(object, index, address, offset),
                    Content::Common(id, size) => {
                        let name = layout.names.text(layout.program.get(id).name.0);
                        let name = display_name(name, layout.options.demangle);
                        self.chunk(Some(address), offset, size, &internal, b".bss.common");
                        self.row(Some(address), offset, size, 2, &name);
                    }
                }
            }
        }
    }

    fn segment_part(&mut self, object: ObjectId, index: u32, address: u64, offset: u64) {
        let linked = &self.layout.program.objects[object.at()];
        let input = &linked.object().segments[index as usize];
        let name = input.name.of(&linked.object().bytes);
        self.chunk(Some(address), offset, u64::from(input.data.len), &linked.path, name);
        for (object, symbol) in self.symbols.get(&Chunk::Segment(object, index)).cloned().unwrap_or_default()
        {
            let own = &linked.object().symbols[symbol as usize];
            let address = own_address(self.layout, object, own, false).unwrap_or(0);
            let name = self.symbol_name(object, symbol);
            self.row(Some(address), offset + own.offset, own.size, 2, &name);
        }
    }
}
