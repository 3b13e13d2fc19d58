//! A unit as the link sees it: the tables that a parsed object has, made without an object.

use std::sync::{OnceLock, PoisonError};

use super::definition::{Import as ImportNames, ProducerKind};
use super::error::UnitError;
use super::state::Unit;
use super::store::{Entry, Slot, Stored};
use crate::bytes::Bytes;
use crate::format::{limits, types, Limits, SymbolFlags, SymbolKind, TableType};
use crate::index::{ByteRange, NameId, ObjectSymbolIndex, SignatureId};
use crate::object::{
    Feature, Import, Imports, InitFunction, InputFunction, InputGlobal, InputSection, InputSegment,
    InputTable, Interners, Object, ObjectSymbol, Producers, Properties, SegmentFamily, NONE,
};

/// The symbol of the table that functions have their addresses in.
pub(super) const FUNCTION_TABLE: &str = "__indirect_function_table";

/// Its flags in an object that takes addresses: the table stays, as LLVM has it.
pub(super) const FUNCTION_TABLE_FLAGS: u32 = SymbolFlags::UNDEFINED | SymbolFlags::NO_STRIP;

/// The positions of the symbols' definitions.
pub(super) struct Numbering {
    /// By slot: the number in its index space (imports first), of its segment, or among the custom sections.
    pub elements: Vec<u32>,
    /// Imported functions, globals, tags and tables: slots.
    pub functions: Vec<u32>,
    pub globals: Vec<u32>,
    pub tags: Vec<u32>,
    pub tables: Vec<u32>,
    /// Number of the function table that is imported after the others, because addresses of functions are taken.
    pub function_table: Option<u32>,
}

/// Collects the bytes that tables point into.
#[derive(Default)]
struct Arena(Vec<u8>);

impl Arena {
    fn put(&mut self, bytes: &[u8]) -> ByteRange {
        let start = self.0.len();
        self.0.extend_from_slice(bytes);
        ByteRange::between(start, self.0.len())
    }
}

impl Unit {
    pub(super) fn number(&self) -> Numbering {
        let mut elements = vec![NONE; self.slots.len()];
        let (mut functions, mut globals, mut tags, mut tables) = (vec![], vec![], vec![], vec![]);
        for (slot, of) in (0..).zip(&self.slots) {
            let list = match of.entry {
                Entry::UndefinedFunction(..) => &mut functions,
                Entry::UndefinedGlobal(..) => &mut globals,
                Entry::UndefinedTag(..) => &mut tags,
                Entry::UndefinedTable(..) => &mut tables,
                _ => continue,
            };
            elements[slot as usize] = list.len() as u32;
            list.push(slot);
        }
        let function_table = self.lacks_function_table().then_some(tables.len() as u32);
        let order = &self.order;
        for (imported, defined) in [
            (functions.len(), &order.functions),
            (globals.len(), &order.globals),
            (tags.len(), &order.tags),
            (tables.len() + usize::from(function_table.is_some()), &order.tables),
            (0, &order.data),
            (0, &order.sections),
        ] {
            for (position, &slot) in (imported as u32..).zip(defined) {
                elements[slot as usize] = position;
            }
        }
        for (slot, of) in self.slots.iter().enumerate() {
            if let Some(target) = of.entry.target() {
                elements[slot] = elements[target as usize];
            }
        }
        Numbering { elements, functions, globals, tags, tables, function_table }
    }

    /// Whether addresses of functions are taken and the unit has no symbol for the table in which they are indices.
    fn lacks_function_table(&self) -> bool {
        let take_addresses = |slot: &Slot| match &slot.entry {
            Entry::Function(function) => function.relocations.take_addresses,
            Entry::Data(data) => data.relocations.take_addresses,
            _ => false,
        };
        let is_table =
            |slot: &Slot| slot.entry.kind() == Some(SymbolKind::Table) && slot.symbol.name == FUNCTION_TABLE;
        self.slots.iter().any(take_addresses) && !self.slots.iter().any(is_table)
    }

    /// The type of the imported function table, if the unit does not mention it.
    pub(super) fn function_table_type(&self) -> TableType {
        let flags = if self.memory_is_64 { limits::IS_64 } else { 0 };
        TableType { element: types::FUNCREF, limits: Limits { flags, ..Limits::default() } }
    }

    /// The object.
    pub(crate) fn build(&self, interners: &Interners) -> Result<Object, UnitError> {
        let numbering = self.number();
        let mut arena = Arena::default();
        let size = self.slots.iter().map(size_of).sum::<u64>() + self.size_of_metadata();
        arena.0.reserve(usize::try_from(size).ok().filter(|_| fits(size)).ok_or(UnitError::TooLarge)?);
        let intern = |text: &[u8]| NameId(interners.names.intern(text));
        let mut symbols = self.build_symbols(&numbering, &mut arena, interners);
        if let Some(element) = numbering.function_table {
            let (name, text) = (intern(FUNCTION_TABLE.as_bytes()), arena.put(FUNCTION_TABLE.as_bytes()));
            let flags = SymbolFlags(FUNCTION_TABLE_FLAGS);
            let kind = SymbolKind::Table;
            symbols.push(ObjectSymbol { kind, flags, name, text, element, ..ObjectSymbol::NOTHING });
        }
        let mut object = Object {
            bytes: Bytes::from(Vec::new()),
            types: self.types.iter().map(|text| SignatureId(interners.signatures.intern(text))).collect(),
            imports: self.build_imports(&numbering, &mut arena),
            functions: self.build_functions(&mut arena),
            tables: self.build_tables(),
            globals: self.build_globals(&mut arena),
            tags: self.build_tags(),
            segments: self.build_segments(&mut arena),
            custom_sections: self.build_sections(&mut arena),
            symbols,
            comdats: self.comdats.iter().map(|name| intern(name.as_bytes())).collect(),
            init_functions: self.build_init_functions(),
            features: self.build_features(&mut arena),
            producers: self.build_producers(&mut arena),
            memory_is_64: Some(self.memory_is_64),
            called_directly: self.called_directly(),
            function_references: self.function_references(),
            data_knows_code: self.data_knows_code(),
            legacy_function_table: false,
            properties: Properties::default(),
            strings: OnceLock::new(),
            prepared: OnceLock::new(),
        };
        // Names of sections and segments are in the arena twice at most.
        debug_assert!(arena.0.len() as u64 <= size);
        object.bytes = Bytes::from(arena.0);
        self.attach_symbols(&mut object);
        object.derive(interners);
        Ok(object)
    }

    fn build_symbols(
        &self,
        numbering: &Numbering,
        arena: &mut Arena,
        interners: &Interners,
    ) -> Vec<ObjectSymbol> {
        let mut known = self.interned.lock().unwrap_or_else(PoisonError::into_inner);
        known.prepare(interners, self.slots.len());
        let symbol = |(slot, (&element, id)): (&Slot, (&u32, &mut NameId))| {
            let flags = self.flags(slot);
            let Some(kind) = slot.entry.kind() else {
                // The place of a removed symbol: it has no name and nothing refers to it.
                let flags = SymbolFlags(SymbolFlags::LOCAL | SymbolFlags::ABSOLUTE);
                return ObjectSymbol { flags, ..ObjectSymbol::NOTHING };
            };
            let name = match &slot.entry {
                Entry::Section(section) => section.name.as_bytes(),
                _ => slot.symbol.name.as_bytes(),
            };
            let text = arena.put(name);
            let is_named = !flags.is_local() || flags.is_undefined();
            if is_named && *id == ObjectSymbol::UNNAMED {
                *id = NameId(interners.names.intern(name));
            }
            let name = if is_named { *id } else { ObjectSymbol::UNNAMED };
            let (offset, size) = slot.entry.place();
            ObjectSymbol { kind, flags, name, text, element, offset, size }
        };
        self.slots.iter().zip(numbering.elements.iter().zip(&mut known.names)).map(symbol).collect()
    }

    /// A symbol's flags in a symbol table.
    pub(super) fn flags(&self, slot: &Slot) -> SymbolFlags {
        let mut flags = slot.symbol.flags();
        let data = match &slot.entry {
            Entry::Data(data) => Some(data),
            Entry::DataWithin { of, .. } => match &self.slots[*of as usize].entry {
                Entry::Data(data) => Some(data),
                _ => None,
            },
            _ => None,
        };
        if data.is_some_and(|data| data.is_tls()) {
            flags |= SymbolFlags::TLS;
        }
        match &slot.entry {
            Entry::Section(_) => {
                flags = flags & !SymbolFlags::BINDING_MASK | SymbolFlags::LOCAL;
            }
            Entry::AbsoluteData { .. } => flags |= SymbolFlags::ABSOLUTE,
            entry if entry.is_undefined() => flags |= SymbolFlags::UNDEFINED,
            _ => {}
        }
        if slot.entry.import().is_some_and(|import| import.field.is_some()) {
            flags |= SymbolFlags::EXPLICIT_NAME;
        }
        SymbolFlags(flags)
    }

    fn build_imports(&self, numbering: &Numbering, arena: &mut Arena) -> Imports {
        let mut imports = Imports::default();
        let Numbering { functions, globals, tags, tables, .. } = numbering;
        for &slot in [functions, globals, tags, tables].into_iter().flatten() {
            let slot = &self.slots[slot as usize];
            let (module, field) = slot.import_names();
            let (module, field) = (arena.put(module.as_bytes()), arena.put(field.as_bytes()));
            match slot.entry {
                Entry::UndefinedFunction(of, _) => imports.functions.push(Import { module, field, of }),
                Entry::UndefinedGlobal(of, _) => imports.globals.push(Import { module, field, of }),
                Entry::UndefinedTag(of, _) => imports.tags.push(Import { module, field, of }),
                Entry::UndefinedTable(of, _) => imports.tables.push(Import { module, field, of }),
                _ => {}
            }
        }
        if numbering.function_table.is_some() {
            let (module, field) = (arena.put(b"env"), arena.put(FUNCTION_TABLE.as_bytes()));
            imports.tables.push(Import { module, field, of: self.function_table_type() });
        }
        imports
    }

    pub(super) fn entries<'u>(&'u self, order: &'u [u32]) -> impl Iterator<Item = &'u Entry> {
        order.iter().map(|&slot| &self.slots[slot as usize].entry)
    }

    fn build_functions(&self, arena: &mut Arena) -> Vec<InputFunction> {
        let function = |entry: &Entry| match entry {
            Entry::Function(function) => Some(InputFunction {
                range: arena.put(&function.code),
                prefix: function.prefix,
                asks: function.relocations.asks,
                has_many_locals: function.has_many_locals,
                type_index: function.type_index,
                offset_base: 0,
                relocations: put_relocations(arena, &function.relocations),
                comdat: function.comdat,
                symbol: NONE,
                name: ByteRange::default(),
                has_debug_name: false,
                export_name: function.export_name.as_ref().map(|name| arena.put(name.as_bytes())),
            }),
            _ => None,
        };
        self.entries(&self.order.functions).filter_map(function).collect()
    }

    fn build_segments(&self, arena: &mut Arena) -> Vec<InputSegment> {
        let segment = |entry: &Entry| match entry {
            Entry::Data(data) => Some(InputSegment {
                name: arena.put(data.segment.as_bytes()),
                data: arena.put(&data.bytes),
                alignment: data.alignment,
                flags: data.flags,
                relocations: put_relocations(arena, &data.relocations),
                offset_base: 0,
                comdat: data.comdat,
                family: SegmentFamily::Other,
                asks: data.relocations.asks,
            }),
            _ => None,
        };
        self.entries(&self.order.data).filter_map(segment).collect()
    }

    fn build_sections(&self, arena: &mut Arena) -> Vec<InputSection> {
        let section = |(index, entry): (u32, &Entry)| match entry {
            Entry::Section(section) => Some(InputSection {
                name: arena.put(section.name.as_bytes()),
                data: arena.put(&section.bytes),
                section_index: index,
                relocations: put_relocations(arena, &section.relocations),
                comdat: section.comdat,
            }),
            _ => None,
        };
        (0..).zip(self.entries(&self.order.sections)).filter_map(section).collect()
    }

    fn build_globals(&self, arena: &mut Arena) -> Vec<InputGlobal> {
        let global = |entry: &Entry| match entry {
            Entry::Global { of, init } => Some(InputGlobal { of: *of, init: arena.put(init) }),
            _ => None,
        };
        self.entries(&self.order.globals).filter_map(global).collect()
    }

    fn build_tables(&self) -> Vec<InputTable> {
        let table = |entry: &Entry| match entry {
            Entry::Table(of) => Some(InputTable { of: *of }),
            _ => None,
        };
        self.entries(&self.order.tables).filter_map(table).collect()
    }

    fn build_tags(&self) -> Vec<u32> {
        let tag = |entry: &Entry| match entry {
            Entry::Tag(of) => Some(*of),
            _ => None,
        };
        self.entries(&self.order.tags).filter_map(tag).collect()
    }

    fn build_init_functions(&self) -> Vec<InitFunction> {
        let init = |&(priority, slot): &(u32, u32)| InitFunction {
            priority,
            symbol: ObjectSymbolIndex(slot),
            offset: None,
        };
        self.init_functions.iter().map(init).collect()
    }

    fn build_features(&self, arena: &mut Arena) -> Option<Vec<Feature>> {
        let features = self.features.as_ref()?.iter();
        Some(
            features
                .map(|(prefix, name)| Feature { prefix: *prefix, name: arena.put(name.as_bytes()) })
                .collect(),
        )
    }

    fn build_producers(&self, arena: &mut Arena) -> Producers {
        let mut producers = Producers::default();
        for (kind, name, version) in &self.producers {
            let list = match kind {
                ProducerKind::Language => &mut producers.languages,
                ProducerKind::ProcessedBy => &mut producers.tools,
                ProducerKind::Sdk => &mut producers.sdks,
            };
            list.push((arena.put(name.as_bytes()), arena.put(version.as_bytes())));
        }
        producers
    }

    fn called_directly(&self) -> Vec<u64> {
        // One more for the function table's symbol.
        let mut bits = vec![0; (self.slots.len() + 1).div_ceil(64)];
        for (slot, of) in self.slots.iter().enumerate() {
            bits[slot / 64] |= u64::from(of.direct_calls > 0) << (slot % 64);
        }
        bits
    }

    fn function_references(&self) -> Vec<(u32, u32)> {
        let mut references = Vec::new();
        for (position, entry) in (0..).zip(self.entries(&self.order.functions)) {
            if let Entry::Function(function) = entry {
                references.extend(function.references.iter().map(|&symbol| (position, symbol)));
            }
        }
        references
    }

    fn data_knows_code(&self) -> bool {
        let knows = |slot: &Slot| matches!(&slot.entry, Entry::Data(data) if data.relocations.know_code);
        self.slots.iter().any(knows)
    }

    /// Gives each function the first symbol that names it.
    fn attach_symbols(&self, object: &mut Object) {
        let imported = object.imports.functions.len();
        for (index, symbol) in (0..).zip(&object.symbols) {
            if symbol.kind == SymbolKind::Function && symbol.is_defined() {
                let function = &mut object.functions[symbol.element as usize - imported];
                function.symbol = function.symbol.min(index);
            }
        }
    }

    fn size_of_metadata(&self) -> u64 {
        let features = self.features.iter().flatten().map(|(_, name)| name.len());
        let producers = self.producers.iter().map(|(_, name, version)| name.len() + version.len());
        let function_table = "env".len() + 2 * FUNCTION_TABLE.len();
        (features.chain(producers).sum::<usize>() + function_table) as u64
    }
}

impl Slot {
    /// The names in the import section.
    pub(super) fn import_names(&self) -> (&str, &str) {
        match self.entry.import() {
            Some(ImportNames { module, field }) => (module, field.as_ref().unwrap_or(&self.symbol.name)),
            None => ("env", &self.symbol.name),
        }
    }
}

impl Entry {
    /// Data symbols: offset and size.
    pub(super) fn place(&self) -> (u64, u64) {
        match self {
            Entry::Data(data) => (data.offset, data.size),
            Entry::DataWithin { offset, size, .. } => (*offset, *size),
            Entry::AbsoluteData { address, size } => (*address, *size),
            _ => (0, 0),
        }
    }
}

fn put_relocations(arena: &mut Arena, relocations: &Stored) -> ByteRange {
    // As in a parsed object, an empty range has no position.
    match relocations.bytes.is_empty() {
        true => ByteRange::default(),
        false => arena.put(&relocations.bytes),
    }
}

fn fits(size: u64) -> bool {
    size < u64::from(u32::MAX) - 16
}

/// What a slot takes in the arena.
fn size_of(slot: &Slot) -> u64 {
    let relocations = slot.entry.relocations().map_or(0, |relocations| relocations.bytes.len());
    let own = match &slot.entry {
        Entry::Function(function) => {
            function.code.len() + function.export_name.as_ref().map_or(0, String::len)
        }
        Entry::Data(data) => data.segment.len() + data.bytes.len(),
        Entry::Section(section) => 2 * section.name.len() + section.bytes.len(),
        Entry::Global { init, .. } => init.len(),
        entry if entry.is_undefined() => {
            let (module, field) = slot.import_names();
            module.len() + field.len()
        }
        _ => 0,
    };
    (slot.symbol.name.len() + relocations + own) as u64
}
