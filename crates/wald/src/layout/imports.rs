//! Which undefined symbols become imports, and their indices.

use hashbrown::HashMap;

use crate::chunks::Chunks;
use crate::context::Context;
use crate::format::{types, GlobalType, Limits, SymbolKind, TableType};
use crate::index::{NameId, SignatureId, SymbolId};
use crate::mark_live::Liveness;
use crate::options::{Options, UnresolvedPolicy};
use crate::symbols::SymbolTable;

/// The type of an import, as far as it tells imports apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Type {
    Function(Option<SignatureId>),
    Global(u8, bool),
    Tag(SymbolId),
    Table(u8, u8, u64, u64),
}

/// The imports of the output, memory and GOT entries aside.
#[derive(Default)]
pub struct Imports {
    /// Symbols that have an entry in the import section, in its order.
    pub symbols: Vec<SymbolId>,
    /// Index of each imported symbol in its index space, by [`SymbolId`]; [`u32::MAX`] for others.
    pub index: Vec<u32>,
    /// How many functions are imported.
    pub functions: u32,
    /// How many globals are imported, GOT entries included.
    pub globals: u32,
    /// How many tags are imported.
    pub tags: u32,
    /// How many tables are imported.
    pub tables: u32,
    /// GOT entries.
    pub got: Vec<SymbolId>,
    known: HashMap<(NameId, NameId, Type), u32>,
}

/// The type of a global that is imported: undefined, or defined here and offered to other modules.
pub fn global_type(options: &Options, symbols: &SymbolTable, id: SymbolId) -> GlobalType {
    let symbol = symbols.get(id);
    if let Some(mutable) = symbols.well_known.imported_global(id).filter(|_| symbol.file.is_none()) {
        let value = if options.is64 == Some(true) { types::I64 } else { types::I32 };
        return GlobalType { value, mutable };
    }
    let object = symbol.file.and_then(|file| symbols.object_of(file));
    let of = object.and_then(|object| {
        let object = symbols.objects[object.at()].object();
        let element = object.symbols.get(symbol.index.at())?.element as usize;
        let import = object.imports.globals.get(element).map(|import| import.of);
        import.or_else(|| object.globals.get(element - object.imports.globals.len()).map(|global| global.of))
    });
    of.unwrap_or(GlobalType { value: types::I32, mutable: false })
}

/// The type of a table that is imported.
pub fn table_type(symbols: &SymbolTable, id: SymbolId) -> TableType {
    let symbol = symbols.get(id);
    let object = symbol.file.and_then(|file| symbols.object_of(file));
    let of = object.and_then(|object| {
        let object = symbols.objects[object.at()].object();
        let element = object.symbols.get(symbol.index.at())?.element as usize;
        let import = object.imports.tables.get(element).map(|import| import.of);
        import.or_else(|| object.tables.get(element - object.imports.tables.len()).map(|table| table.of))
    });
    of.unwrap_or(TableType { element: types::FUNCREF, limits: Limits::default() })
}

/// Whether the symbol becomes an import.
pub fn should_import(
    context: &Context<'_>,
    symbols: &SymbolTable,
    chunks: &Chunks,
    live: &Liveness,
    id: SymbolId,
) -> bool {
    let symbol = symbols.get(id);
    if symbol.kind == SymbolKind::Data || !symbol.used_in_regular_object || symbol.is_lazy() {
        return false;
    }
    let options = context.options;
    if options.is_shared() && symbol.flags.is_weak() && symbol.is_defined() && !symbol.flags.is_hidden() {
        // Another module may bring a definition that is to win.
        return live.is_symbol_live(symbols, chunks, id);
    }
    if symbol.is_defined() && !symbol.is_shared() || !live.symbols.contains(id.at()) {
        return false;
    }
    let pic = options.is_position_independent();
    if symbol.is_shared() {
        return true;
    }
    if symbol.flags.is_weak() && !options.is_relocatable() && !pic {
        return false;
    }
    // Where only its address is wanted, that comes through a global.
    if pic && symbol.kind == SymbolKind::Function && !symbol.called_directly {
        return false;
    }
    pic || options.is_relocatable()
        || options.import_undefined
        || options.unresolved_symbols == UnresolvedPolicy::ImportDynamic
        || context.may_stay_undefined(symbol.name)
        || symbol.is_imported()
}

impl Imports {
    /// Collects the imports among all named symbols.
    pub fn collect(
        context: &Context<'_>,
        symbols: &SymbolTable,
        chunks: &Chunks,
        live: &Liveness,
    ) -> Imports {
        let mut imports = Imports { index: vec![u32::MAX; symbols.symbols.len()], ..Imports::default() };
        let should = |id| should_import(context, symbols, chunks, live, id);
        // The function table comes before all other tables.
        let table = symbols.well_known.function_table.filter(|&table| should(table));
        if let Some(table) = table {
            imports.add(context, symbols, table);
        }
        for &id in &symbols.named {
            if Some(id) != table && should(id) {
                imports.add(context, symbols, id);
            }
        }
        imports
    }

    /// Adds an import, or finds that the same one is there already.
    pub fn add(&mut self, context: &Context<'_>, symbols: &SymbolTable, id: SymbolId) {
        let symbol = symbols.get(id);
        let of = match symbol.kind {
            SymbolKind::Function => Type::Function(symbol.signature),
            SymbolKind::Global => {
                let of = global_type(context.options, symbols, id);
                Type::Global(of.value, of.mutable)
            }
            SymbolKind::Table => {
                let of = table_type(symbols, id);
                Type::Table(of.element, of.limits.flags, of.limits.minimum, of.limits.maximum)
            }
            _ => Type::Tag(id),
        };
        let module = symbol.import.module.unwrap_or(context.env);
        let field = symbol.import.field.unwrap_or(symbol.name);
        let count = match symbol.kind {
            SymbolKind::Function => &mut self.functions,
            SymbolKind::Global => &mut self.globals,
            SymbolKind::Table => &mut self.tables,
            _ => &mut self.tags,
        };
        let symbols = &mut self.symbols;
        let index = *self.known.entry((module, field, of)).or_insert_with(|| {
            symbols.push(id);
            *count += 1;
            *count - 1
        });
        if id.at() >= self.index.len() {
            self.index.resize(id.at() + 1, u32::MAX);
        }
        self.index[id.at()] = index;
    }

    /// Adds the globals through which the environment supplies addresses.
    pub fn add_got(&mut self, entries: &[SymbolId]) -> Vec<u32> {
        let first = self.globals;
        self.got.extend_from_slice(entries);
        self.globals += entries.len() as u32;
        (first..self.globals).collect()
    }

    /// The index of an imported symbol.
    pub fn index_of(&self, id: SymbolId) -> Option<u32> {
        self.index.get(id.at()).copied().filter(|&index| index != u32::MAX)
    }
}
