//! A unit as an object file.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>.

use super::build::{Numbering, FUNCTION_TABLE, FUNCTION_TABLE_FLAGS};
use super::definition::ProducerKind;
use super::error::UnitError;
use super::state::Unit;
use super::store::{Entry, Stored};
use crate::format::relocation::RelocationType;
use crate::format::{
    external, limits, linking, opcode, section, types, GlobalType, SymbolKind, TableType, HEADER,
};
use crate::leb128::{size_u64, write_i64, write_u32, write_u64};
use crate::object::NONE;

/// The file so far.
struct Writer<'u> {
    unit: &'u Unit,
    numbering: Numbering,
    /// By slot: index in the symbol table. Removed symbols have none.
    symbols: Vec<u32>,
    out: Vec<u8>,
    sections: u32,
    /// Relocation sections, which follow the `linking` section: name, section, entries and their count.
    relocations: Vec<(String, u32, Vec<u8>, u32)>,
    /// Indices of the custom sections among all sections.
    custom: Vec<u32>,
}

impl Unit {
    /// The equivalent object file.
    pub fn to_object(&self) -> Result<Vec<u8>, UnitError> {
        let mut symbols = Vec::with_capacity(self.slots.len());
        let mut next = 0;
        for slot in &self.slots {
            let is_there = !matches!(slot.entry, Entry::Removed);
            symbols.push(if is_there { next } else { NONE });
            next += u32::from(is_there);
        }
        let mut writer = Writer {
            unit: self,
            numbering: self.number(),
            symbols,
            out: HEADER.to_vec(),
            sections: 0,
            relocations: Vec::new(),
            custom: Vec::new(),
        };
        writer.types();
        writer.imports();
        writer.functions();
        writer.tables();
        writer.tags();
        writer.globals();
        writer.exports();
        writer.code();
        writer.data();
        writer.custom_sections();
        writer.linking();
        for (name, section, entries, count) in std::mem::take(&mut writer.relocations) {
            let mut contents = Vec::with_capacity(entries.len() + 16);
            string(&mut contents, &name);
            write_u32(&mut contents, section);
            write_u32(&mut contents, count);
            contents.extend_from_slice(&entries);
            writer.section(section::CUSTOM, &contents);
        }
        writer.producers();
        writer.features();
        match writer.out.len() < u32::MAX as usize - 16 {
            true => Ok(writer.out),
            false => Err(UnitError::TooLarge),
        }
    }
}

impl<'u> Writer<'u> {
    /// Gives the section's index.
    fn section(&mut self, id: u8, contents: &[u8]) -> u32 {
        self.out.push(id);
        write_u64(&mut self.out, contents.len() as u64);
        self.out.extend_from_slice(contents);
        self.sections += 1;
        self.sections - 1
    }

    /// Writes a section of which each entry is written by `write`. One without entries is left out.
    fn list(&mut self, id: u8, order: &'u [u32], write: impl Fn(&mut Vec<u8>, &Entry)) {
        if !order.is_empty() {
            let mut contents = Vec::new();
            write_u32(&mut contents, order.len() as u32);
            self.unit.entries(order).for_each(|entry| write(&mut contents, entry));
            self.section(id, &contents);
        }
    }

    fn types(&mut self) {
        let unit = self.unit;
        let mut contents = Vec::new();
        write_u32(&mut contents, unit.types.len() as u32);
        for text in &unit.types {
            contents.push(types::FUNC);
            contents.extend_from_slice(text);
        }
        self.section(section::TYPE, &contents);
    }

    fn imports(&mut self) {
        let unit = self.unit;
        let Numbering { functions, globals, tags, tables, function_table, .. } = &self.numbering;
        let mut contents = Vec::new();
        let own = usize::from(function_table.is_some());
        let count = 1 + functions.len() + globals.len() + tags.len() + tables.len() + own;
        write_u64(&mut contents, count as u64);
        string(&mut contents, "env");
        string(&mut contents, "__linear_memory");
        let flags = if unit.memory_is_64 { limits::IS_64 } else { 0 };
        contents.extend_from_slice(&[external::MEMORY, flags, 0]);
        for &slot in [functions, globals, tags, tables].into_iter().flatten() {
            let slot = &unit.slots[slot as usize];
            let (module, field) = slot.import_names();
            string(&mut contents, module);
            string(&mut contents, field);
            match slot.entry {
                Entry::UndefinedFunction(of, _) => {
                    contents.push(external::FUNCTION);
                    write_u32(&mut contents, of);
                }
                Entry::UndefinedGlobal(of, _) => {
                    contents.push(external::GLOBAL);
                    global_type(&mut contents, of);
                }
                Entry::UndefinedTag(of, _) => {
                    contents.extend_from_slice(&[external::TAG, 0]);
                    write_u32(&mut contents, of);
                }
                Entry::UndefinedTable(of, _) => {
                    contents.push(external::TABLE);
                    table_type(&mut contents, of);
                }
                _ => {}
            }
        }
        if function_table.is_some() {
            string(&mut contents, "env");
            string(&mut contents, FUNCTION_TABLE);
            contents.push(external::TABLE);
            table_type(&mut contents, unit.function_table_type());
        }
        self.section(section::IMPORT, &contents);
    }

    fn functions(&mut self) {
        self.list(section::FUNCTION, &self.unit.order.functions, |out, entry| {
            if let Entry::Function(function) = entry {
                write_u32(out, function.type_index);
            }
        });
    }

    fn tables(&mut self) {
        self.list(section::TABLE, &self.unit.order.tables, |out, entry| {
            if let Entry::Table(of) = entry {
                table_type(out, *of);
            }
        });
    }

    fn tags(&mut self) {
        self.list(section::TAG, &self.unit.order.tags, |out, entry| {
            if let Entry::Tag(of) = entry {
                out.push(0);
                write_u32(out, *of);
            }
        });
    }

    fn globals(&mut self) {
        self.list(section::GLOBAL, &self.unit.order.globals, |out, entry| {
            if let Entry::Global { of, init } = entry {
                global_type(out, *of);
                out.extend_from_slice(init);
            }
        });
    }

    fn exports(&mut self) {
        let imported = self.numbering.functions.len() as u32;
        let (mut contents, mut count) = (Vec::new(), 0);
        for (index, entry) in (imported..).zip(self.unit.entries(&self.unit.order.functions)) {
            let Entry::Function(function) = entry else { continue };
            if let Some(name) = &function.export_name {
                string(&mut contents, name);
                contents.push(external::FUNCTION);
                write_u32(&mut contents, index);
                count += 1;
            }
        }
        if count > 0 {
            self.section(section::EXPORT, &counted(count, &contents));
        }
    }

    fn code(&mut self) {
        let order = &self.unit.order.functions;
        if order.is_empty() {
            return;
        }
        let (mut contents, mut entries, mut count) = (Vec::new(), Vec::new(), 0);
        write_u32(&mut contents, order.len() as u32);
        for entry in self.unit.entries(order) {
            if let Entry::Function(function) = entry {
                count += self.relocate(&function.relocations, contents.len() as u32, &mut entries);
                contents.extend_from_slice(&function.code);
            }
        }
        let section = self.section(section::CODE, &contents);
        self.add_relocations("reloc.CODE".into(), section, entries, count);
    }

    fn data(&mut self) {
        let order = &self.unit.order.data;
        if order.is_empty() {
            return;
        }
        let (mut contents, mut entries, mut count) = (Vec::new(), Vec::new(), 0);
        write_u32(&mut contents, order.len() as u32);
        for entry in self.unit.entries(order) {
            if let Entry::Data(data) = entry {
                let constant = if self.unit.memory_is_64 { opcode::I64_CONST } else { opcode::I32_CONST };
                contents.extend_from_slice(&[0, constant, 0, opcode::END]);
                write_u32(&mut contents, data.bytes.len() as u32);
                count += self.relocate(&data.relocations, contents.len() as u32, &mut entries);
                contents.extend_from_slice(&data.bytes);
            }
        }
        let section = self.section(section::DATA, &contents);
        self.add_relocations("reloc.DATA".into(), section, entries, count);
    }

    fn custom_sections(&mut self) {
        let unit = self.unit;
        for &slot in &unit.order.sections {
            let Entry::Section(of) = &unit.slots[slot as usize].entry else { continue };
            let mut contents = Vec::with_capacity(of.bytes.len() + of.name.len() + 5);
            string(&mut contents, &of.name);
            contents.extend_from_slice(&of.bytes);
            let section = self.section(section::CUSTOM, &contents);
            self.custom.push(section);
            let mut entries = Vec::new();
            let count = self.relocate(&of.relocations, 0, &mut entries);
            self.add_relocations(format!("reloc.{}", of.name), section, entries, count);
        }
    }

    /// Writes relocations with the offsets and indices of the file; gives how many.
    fn relocate(&self, relocations: &Stored, shift: u32, out: &mut Vec<u8>) -> u32 {
        let mut count = 0;
        for relocation in relocations.iter() {
            out.push(relocation.kind as u8);
            write_u32(out, relocation.offset + shift);
            write_u32(
                out,
                match relocation.kind {
                    RelocationType::TypeIndexLeb => relocation.index,
                    _ => self.symbols[relocation.index as usize],
                },
            );
            if relocation.kind.has_addend() {
                write_i64(out, relocation.addend);
            }
            count += 1;
        }
        count
    }

    fn add_relocations(&mut self, name: String, section: u32, entries: Vec<u8>, count: u32) {
        if count > 0 {
            self.relocations.push((name, section, entries, count));
        }
    }

    fn linking(&mut self) {
        let mut contents = Vec::new();
        string(&mut contents, "linking");
        write_u32(&mut contents, linking::VERSION);
        let subsections = [
            (linking::SYMBOL_TABLE, self.symbol_table()),
            (linking::SEGMENT_INFO, self.segment_info()),
            (linking::INIT_FUNCS, self.init_functions()),
            (linking::COMDAT_INFO, self.comdats()),
        ];
        for (id, subsection) in subsections {
            if let Some(subsection) = subsection {
                contents.push(id);
                write_u64(&mut contents, subsection.len() as u64);
                contents.extend_from_slice(&subsection);
            }
        }
        self.section(section::CUSTOM, &contents);
    }

    fn symbol_table(&self) -> Option<Vec<u8>> {
        let (mut out, mut count) = (Vec::new(), 0);
        for (slot, &element) in self.unit.slots.iter().zip(&self.numbering.elements) {
            let Some(kind) = slot.entry.kind() else { continue };
            let flags = self.unit.flags(slot);
            count += 1;
            out.push(kind as u8);
            write_u32(&mut out, flags.0);
            match kind {
                SymbolKind::Data => {
                    string(&mut out, &slot.symbol.name);
                    if !flags.is_undefined() {
                        let (offset, size) = slot.entry.place();
                        write_u32(&mut out, if element == NONE { 0 } else { element });
                        write_u64(&mut out, offset);
                        write_u64(&mut out, size);
                    }
                }
                SymbolKind::Section => write_u32(&mut out, self.custom[element as usize]),
                _ => {
                    write_u32(&mut out, element);
                    if !flags.is_undefined() || flags.has_explicit_name() {
                        string(&mut out, &slot.symbol.name);
                    }
                }
            }
        }
        if let Some(element) = self.numbering.function_table {
            count += 1;
            out.push(SymbolKind::Table as u8);
            write_u32(&mut out, FUNCTION_TABLE_FLAGS);
            write_u32(&mut out, element);
        }
        (count > 0).then(|| counted(count, &out))
    }

    fn segment_info(&self) -> Option<Vec<u8>> {
        let order = &self.unit.order.data;
        let mut out = Vec::new();
        for entry in self.unit.entries(order) {
            if let Entry::Data(data) = entry {
                string(&mut out, &data.segment);
                write_u32(&mut out, data.alignment);
                write_u32(&mut out, data.flags);
            }
        }
        (!order.is_empty()).then(|| counted(order.len() as u32, &out))
    }

    fn init_functions(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for &(priority, slot) in &self.unit.init_functions {
            write_u32(&mut out, priority);
            write_u32(&mut out, self.symbols[slot as usize]);
        }
        let count = self.unit.init_functions.len() as u32;
        (count > 0).then(|| counted(count, &out))
    }

    fn comdats(&self) -> Option<Vec<u8>> {
        let mut members = vec![(0u32, Vec::new()); self.unit.comdats.len()];
        for (slot, &element) in self.unit.slots.iter().zip(&self.numbering.elements) {
            let (group, kind, index) = match &slot.entry {
                Entry::Function(function) => (function.comdat, linking::COMDAT_FUNCTION, element),
                Entry::Data(data) => (data.comdat, linking::COMDAT_DATA, element),
                Entry::Section(of) => (of.comdat, linking::COMDAT_SECTION, self.custom[element as usize]),
                _ => continue,
            };
            if let Some((count, out)) = members.get_mut(group as usize) {
                *count += 1;
                write_u32(out, kind);
                write_u32(out, index);
            }
        }
        let mut out = Vec::new();
        for (name, (count, members)) in self.unit.comdats.iter().zip(&members) {
            string(&mut out, name);
            write_u32(&mut out, 0);
            write_u32(&mut out, *count);
            out.extend_from_slice(members);
        }
        (!members.is_empty()).then(|| counted(members.len() as u32, &out))
    }

    fn producers(&mut self) {
        let unit = self.unit;
        let (mut fields, mut contents) = (0, Vec::new());
        for (kind, name) in [
            (ProducerKind::Language, "language"),
            (ProducerKind::ProcessedBy, "processed-by"),
            (ProducerKind::Sdk, "sdk"),
        ] {
            let (mut list, mut count) = (Vec::new(), 0);
            for (_, name, version) in unit.producers.iter().filter(|(of, ..)| *of == kind) {
                string(&mut list, name);
                string(&mut list, version);
                count += 1;
            }
            if count > 0 {
                string(&mut contents, name);
                contents.extend_from_slice(&counted(count, &list));
                fields += 1;
            }
        }
        if fields > 0 {
            let mut section = Vec::new();
            string(&mut section, "producers");
            section.extend_from_slice(&counted(fields, &contents));
            self.section(section::CUSTOM, &section);
        }
    }

    fn features(&mut self) {
        let Some(features) = &self.unit.features else { return };
        let mut contents = Vec::new();
        string(&mut contents, "target_features");
        write_u32(&mut contents, features.len() as u32);
        for (prefix, name) in features {
            contents.push(*prefix);
            string(&mut contents, name);
        }
        self.section(section::CUSTOM, &contents);
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    write_u64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn counted(count: u32, entries: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() + size_u64(u64::from(count)));
    write_u32(&mut out, count);
    out.extend_from_slice(entries);
    out
}

fn global_type(out: &mut Vec<u8>, of: GlobalType) {
    out.extend_from_slice(&[of.value, u8::from(of.mutable)]);
}

fn table_type(out: &mut Vec<u8>, of: TableType) {
    out.extend_from_slice(&[of.element, of.limits.flags]);
    write_u64(out, of.limits.minimum);
    if of.limits.flags & limits::HAS_MAX != 0 {
        write_u64(out, of.limits.maximum);
    }
}
