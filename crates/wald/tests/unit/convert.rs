//! Makes a unit of an object: what a compiler would have handed over instead of writing it.

use wald::internals::format::{self, limits, SymbolFlags};
use wald::internals::index::ByteRange;
use wald::internals::{Interners, Object, ObjectSymbol, NONE};
use wald::unit::{
    Binding, ComdatHandle, Data, Definition, Function, GlobalType, Import, ProducerKind, Relocation, Section,
    Symbol, SymbolHandle, SymbolKind, TableType, Target, TypeHandle, Unit, ValueType,
};
use wald::Bytes;

/// `None` if the object has what units cannot hold: names in a name section, reference types with a heap type, tables
/// without symbols.
pub fn unit_of(bytes: &[u8]) -> Option<Unit> {
    let interners = Interners::default();
    let object = Object::parse(Bytes::from(bytes.to_vec()), &interners).ok()?;
    if object.legacy_function_table || object.functions.iter().any(|function| function.has_debug_name) {
        return None;
    }
    // A unit that takes addresses has the table in which they are indices.
    let mut chunks = object.functions.iter().map(|function| function.relocations);
    let mut data = object.segments.iter().map(|segment| segment.relocations);
    let takes = |range: ByteRange| {
        object.relocations(range).any(|relocation| relocation.kind.name().starts_with("R_WASM_TABLE_INDEX"))
    };
    let has_table = object.symbols.iter().any(|symbol| symbol.kind == SymbolKind::Table);
    if !has_table && (chunks.any(takes) || data.any(takes)) {
        return None;
    }
    let mut unit = Unit::new();
    unit.set_memory_64(object.memory_is_64 == Some(true));
    let mut types = Vec::new();
    for signature in &object.types {
        let (parameters, results) = interners.signatures.with(signature.0, value_types)?;
        types.push(unit.signature(&parameters, &results));
    }
    let comdats = object.comdats.iter().map(|name| {
        interners.names.with(name.0, |text| unit.add_comdat(std::str::from_utf8(text).unwrap()).unwrap())
    });
    // The names of a unit are text.
    let mut names = object.custom_sections.iter().map(|section| section.name.of(&object.bytes));
    if names.any(|name| std::str::from_utf8(name).is_err()) {
        return None;
    }
    let comdats: Vec<ComdatHandle> = comdats.collect();
    let mut converter = Converter { object: &object, unit, types, comdats, symbols: Vec::new() };
    converter.convert()?;
    Some(converter.unit)
}

const VALUE_TYPES: [ValueType; 8] = {
    use ValueType::*;
    [I32, I64, F32, F64, V128, FuncRef, ExternRef, ExnRef]
};

fn value_type(code: u8) -> Option<ValueType> {
    VALUE_TYPES.into_iter().find(|known| known.code() == code)
}

fn global_type(of: format::GlobalType) -> Option<GlobalType> {
    Some(GlobalType { value_type: value_type(of.value)?, mutable: of.mutable })
}

fn table_type(of: format::TableType) -> Option<TableType> {
    let has = |flag: u8| of.limits.flags & flag != 0;
    Some(TableType {
        element: value_type(of.element)?,
        minimum: of.limits.minimum,
        maximum: has(limits::HAS_MAX).then_some(of.limits.maximum),
        is_64: has(limits::IS_64),
    })
}

fn value_types(signature: &[u8]) -> Option<(Vec<ValueType>, Vec<ValueType>)> {
    let mut rest = signature;
    let mut list = || {
        let (&count, tail) = rest.split_first()?;
        let types = tail.get(..count.into())?.iter().map(|&code| value_type(code));
        rest = &tail[count.into()..];
        types.collect::<Option<Vec<_>>>()
    };
    let both = (list()?, list()?);
    rest.is_empty().then_some(both)
}

struct Converter<'o> {
    object: &'o Object,
    unit: Unit,
    types: Vec<TypeHandle>,
    comdats: Vec<ComdatHandle>,
    /// By symbol of the object.
    symbols: Vec<SymbolHandle>,
}

impl Converter<'_> {
    fn text(&self, range: ByteRange) -> String {
        String::from_utf8(range.of(&self.object.bytes).to_vec()).unwrap()
    }

    fn comdat(&self, group: u32) -> Option<ComdatHandle> {
        (group != NONE).then(|| self.comdats[group as usize])
    }

    fn relocations(&self, range: ByteRange, base: u32) -> Vec<Relocation> {
        let convert = |relocation: format::relocation::Relocation| Relocation {
            kind: relocation.kind,
            offset: relocation.offset - base,
            target: match relocation.kind {
                wald::unit::RelocationType::TypeIndexLeb => {
                    Target::Type(self.types[relocation.index as usize])
                }
                _ => Target::Symbol(self.symbols[relocation.index as usize]),
            },
            addend: relocation.addend,
        };
        self.object.relocations(range).map(convert).collect()
    }

    fn convert(&mut self) -> Option<()> {
        let object = self.object;
        // A section cannot be declared without a definition, so it is added first, empty.
        let mut sections = Vec::new();
        for section in &object.custom_sections {
            let name = self.text(section.name);
            let is_own = matches!(&*name, "linking" | "name" | "producers" | "target_features");
            let handle = (!is_own && !name.starts_with("reloc.")).then(|| {
                let empty = Section { name, ..Section::default() };
                self.unit.add(Symbol::local(""), Definition::Section(empty)).unwrap()
            });
            sections.push(handle);
        }
        for symbol in &object.symbols {
            let handle = match symbol.kind {
                SymbolKind::Section => sections[symbol.element as usize]?,
                _ => {
                    let definition = self.first_definition(symbol)?;
                    self.unit.add(self.symbol(symbol), definition).unwrap()
                }
            };
            self.symbols.push(handle);
        }
        self.functions();
        self.data();
        for (section, handle) in object.custom_sections.iter().zip(sections) {
            let Some(handle) = handle else { continue };
            let section = Section {
                name: self.text(section.name),
                bytes: section.data.of(&object.bytes).to_vec(),
                relocations: self.relocations(section.relocations, 0),
                comdat: self.comdat(section.comdat),
            };
            self.unit.define(handle, Definition::Section(section)).unwrap();
        }
        for init in &object.init_functions {
            self.unit.add_init_function(init.priority, self.symbols[init.symbol.at()]).unwrap();
        }
        self.metadata();
        Some(())
    }

    fn symbol(&self, symbol: &ObjectSymbol) -> Symbol {
        Symbol {
            name: self.text(symbol.text),
            binding: match symbol.flags.binding() {
                SymbolFlags::WEAK => Binding::Weak,
                SymbolFlags::LOCAL => Binding::Local,
                _ => Binding::Global,
            },
            hidden: symbol.flags.is_hidden(),
            exported: symbol.flags.is_exported(),
            no_strip: symbol.flags.is_no_strip(),
            tls: symbol.flags.is_tls(),
        }
    }

    /// Functions and data are defined later, in their own order.
    fn first_definition(&self, symbol: &ObjectSymbol) -> Option<Definition> {
        let object = self.object;
        let element = symbol.element as usize;
        let import = |module: ByteRange, field: ByteRange| {
            let field = symbol.flags.has_explicit_name().then(|| self.text(field));
            let import = Import { module: self.text(module), field };
            (import.module != "env" || import.field.is_some()).then_some(import)
        };
        let imports = &object.imports;
        Some(match (symbol.kind, symbol.is_defined()) {
            (SymbolKind::Function, true) => {
                let function = &object.functions[object.defined_function(symbol.element)];
                Definition::UndefinedFunction(self.types[function.type_index as usize], None)
            }
            (SymbolKind::Function, false) => {
                let of = imports.functions[element];
                Definition::UndefinedFunction(self.types[of.of as usize], import(of.module, of.field))
            }
            (SymbolKind::Data, true) if symbol.flags.is_absolute() => {
                Definition::AbsoluteData { address: symbol.offset, size: symbol.size }
            }
            (SymbolKind::Data, _) => Definition::UndefinedData,
            (SymbolKind::Global, true) => {
                let global = &object.globals[element - imports.globals.len()];
                Definition::Global {
                    of: global_type(global.of)?,
                    init: global.init.of(&object.bytes).to_vec(),
                }
            }
            (SymbolKind::Global, false) => {
                let of = imports.globals[element];
                Definition::UndefinedGlobal(global_type(of.of)?, import(of.module, of.field))
            }
            (SymbolKind::Table, true) => {
                Definition::Table(table_type(object.tables[element - imports.tables.len()].of)?)
            }
            (SymbolKind::Table, false) => {
                let of = imports.tables[element];
                Definition::UndefinedTable(table_type(of.of)?, import(of.module, of.field))
            }
            (SymbolKind::Tag, true) => {
                Definition::Tag(self.types[object.tags[element - imports.tags.len()] as usize])
            }
            (SymbolKind::Tag, false) => {
                let of = imports.tags[element];
                Definition::UndefinedTag(self.types[of.of as usize], import(of.module, of.field))
            }
            (SymbolKind::Section, _) => return None,
        })
    }

    fn functions(&mut self) {
        let object = self.object;
        let imported = object.imports.functions.len();
        for (index, function) in object.functions.iter().enumerate() {
            let prefix = u32::from(function.prefix);
            let body = ByteRange { start: function.range.start + prefix, len: function.range.len - prefix };
            let definition = Definition::Function(Function {
                signature: self.types[function.type_index as usize],
                body: body.of(&object.bytes).to_vec(),
                relocations: self.relocations(function.relocations, function.offset_base + prefix),
                comdat: self.comdat(function.comdat),
                export_name: function.export_name.map(|name| self.text(name)),
            });
            let named = |symbol: &&ObjectSymbol| {
                symbol.kind == SymbolKind::Function
                    && symbol.is_defined()
                    && symbol.element as usize == imported + index
            };
            let names = object.symbols.iter().zip(&self.symbols).filter(|(symbol, _)| named(symbol));
            let names: Vec<SymbolHandle> = names.map(|(_, &handle)| handle).collect();
            let Some((&first, aliases)) = names.split_first() else {
                self.unit.add(Symbol::local(""), definition).unwrap();
                continue;
            };
            self.unit.define(first, definition).unwrap();
            for &alias in aliases {
                self.unit.define(alias, Definition::FunctionAlias(first)).unwrap();
            }
        }
    }

    fn data(&mut self) {
        let object = self.object;
        for (index, segment) in object.segments.iter().enumerate() {
            let inside = |symbol: &&ObjectSymbol| {
                symbol.kind == SymbolKind::Data
                    && symbol.is_defined()
                    && symbol.element as usize == index
                    && !symbol.flags.is_absolute()
            };
            let names = object.symbols.iter().zip(&self.symbols).filter(|(symbol, _)| inside(symbol));
            let names: Vec<_> = names.map(|(symbol, &handle)| (symbol, handle)).collect();
            let mut data = Data {
                segment: self.text(segment.name),
                alignment: segment.alignment,
                flags: segment.flags,
                bytes: segment.data.of(&object.bytes).to_vec(),
                relocations: self.relocations(segment.relocations, segment.offset_base),
                comdat: self.comdat(segment.comdat),
                ..Data::default()
            };
            let Some((&(symbol, first), others)) = names.split_first() else {
                self.unit.add(Symbol::local(""), Definition::Data(data)).unwrap();
                continue;
            };
            (data.offset, data.size) = (symbol.offset, Some(symbol.size));
            self.unit.define(first, Definition::Data(data)).unwrap();
            for &(symbol, handle) in others {
                let (offset, size) = (symbol.offset, symbol.size);
                self.unit.define(handle, Definition::DataWithin { of: first, offset, size }).unwrap();
            }
        }
    }

    fn metadata(&mut self) {
        for feature in self.object.features.iter().flatten() {
            self.unit.add_feature(char::from(feature.prefix), self.text(feature.name)).unwrap();
        }
        let producers = &self.object.producers;
        for (kind, list) in [
            (ProducerKind::Language, &producers.languages),
            (ProducerKind::ProcessedBy, &producers.tools),
            (ProducerKind::Sdk, &producers.sdks),
        ] {
            for &(name, version) in list {
                self.unit.add_producer(kind, self.text(name), self.text(version)).unwrap();
            }
        }
    }
}
