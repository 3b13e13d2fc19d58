//! Which undefined symbols become imports, and their indices.

use hashbrown::HashMap;

use crate::context::Context;
use crate::format::{types, GlobalType, Limits, SymbolKind, TableType};
use crate::index::{NameId, SignatureId, SymbolId};
use crate::options::{Options, UnresolvedPolicy};
use crate::program::Program;

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
pub fn global_type(options: &Options, program: Program<'_>, id: SymbolId) -> GlobalType {
    let symbol = program.get(id);
    if let Some(mutable) = program.well_known.imported_global(id).filter(|_| symbol.file.is_none()) {
        let value = if options.is64() { types::I64 } else { types::I32 };
        return GlobalType { value, mutable };
    }
    let object = symbol.file.and_then(|file| program.object_of(file));
    let of = object.and_then(|object| {
        let object = program.objects[object.at()].object();
        let element = object.symbols.get(symbol.index.at())?.element as usize;
        let import = object.imports.globals.get(element).map(|import| import.of);
        import.or_else(|| object.globals.get(element - object.imports.globals.len()).map(|global| global.of))
    });
    of.unwrap_or(GlobalType { value: types::I32, mutable: false })
}

/// The type of a table that is imported.
pub fn table_type(program: Program<'_>, id: SymbolId) -> TableType {
    let symbol = program.get(id);
    let object = symbol.file.and_then(|file| program.object_of(file));
    let of = object.and_then(|object| {
        let object = program.objects[object.at()].object();
        let element = object.symbols.get(symbol.index.at())?.element as usize;
        let import = object.imports.tables.get(element).map(|import| import.of);
        import.or_else(|| object.tables.get(element - object.imports.tables.len()).map(|table| table.of))
    });
    of.unwrap_or(TableType { element: types::FUNCREF, limits: Limits::default() })
}

/// Whether the symbol becomes an import.
pub fn should_import(context: &Context<'_>, program: Program<'_>, id: SymbolId) -> bool {
    let symbol = program.get(id);
    if symbol.kind == SymbolKind::Data || !symbol.used_in_regular_object || symbol.is_lazy() {
        return false;
    }
    let options = context.options;
    if options.is_shared() && symbol.flags.is_weak() && symbol.is_defined() && !symbol.flags.is_hidden() {
        // Another module may bring a definition that is to win.
        return program.is_symbol_live(id);
    }
    if symbol.is_defined() && !symbol.is_shared() || !program.is_referenced(id) {
        return false;
    }
    let pic = options.is_position_independent();
    if symbol.is_shared() {
        return true;
    }
    if symbol.flags.is_weak() && !options.is_relocatable() && !pic {
        return false;
    }
    // If only its address is needed, the module imports a global with the address.
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
    /// Collects the imports among all named symbols. A table that is imported only because relocations need it is the last one.
    pub fn collect(
        context: &Context<'_>,
        program: Program<'_>,
        late_table: Option<SymbolId>,
        got: &[SymbolId],
    ) -> Imports {
        let mut imports = Imports { index: vec![u32::MAX; program.symbol_count()], ..Imports::default() };
        let should = |id| Some(id) != late_table && should_import(context, program, id);
        // The function table precedes all other tables.
        let table = program.function_table().filter(|&table| should(table));
        if let Some(table) = table {
            imports.add(context, program, table);
        }
        for id in program.named_where(should) {
            if Some(id) != table {
                imports.add(context, program, id);
            }
        }
        if let Some(table) = late_table {
            imports.add(context, program, table);
        }
        imports.got = got.to_vec();
        imports.globals += got.len() as u32;
        imports
    }

    /// Adds an import, unless the same one exists already.
    fn add(&mut self, context: &Context<'_>, program: Program<'_>, id: SymbolId) {
        let symbol = program.get(id);
        let of = match symbol.kind {
            SymbolKind::Function => Type::Function(symbol.signature),
            SymbolKind::Global => {
                let of = global_type(context.options, program, id);
                Type::Global(of.value, of.mutable)
            }
            SymbolKind::Table => {
                let of = table_type(program, id);
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
        self.index[id.at()] = index;
    }

    /// The index of an imported symbol.
    pub fn index_of(&self, id: SymbolId) -> Option<u32> {
        self.index.get(id.at()).copied().filter(|&index| index != u32::MAX)
    }
}
