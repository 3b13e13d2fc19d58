//! The indirect function table: whether the module has one, and which functions are in it.

use hashbrown::{HashMap, HashSet};

use super::imports::{should_import, table_type, Imports};
use super::indices::{Indices, NONE};
use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::format::{external, types, SymbolFlags, SymbolKind};
use crate::index::{ObjectId, SymbolId};
use crate::options::Options;
use crate::program::{Adder, Additions, Program};
use crate::symbols::AnySymbol;
use crate::symbols::{ImportAttributes, Resolution, Synthetic};

/// The name under which objects refer to it.
pub const NAME: &[u8] = b"__indirect_function_table";

/// Finds or makes the table's symbol, if objects or options ask for it.
pub fn resolve(context: &Context<'_>, program: Program<'_>, diagnostics: &mut Diagnostics) -> Additions {
    let (options, name) = (context.options, context.name(NAME));
    let mut adder = Adder::new(program);
    let Some(id) = program.find(name) else {
        if !options.import_table && options.exports_table() {
            define(context, &mut adder, diagnostics);
        }
        return adder.finish();
    };
    let symbol = program.get(id);
    let problem = match (symbol.kind, symbol.is_defined()) {
        (SymbolKind::Table, false) if table_type(program, id).element != types::FUNCREF => {
            Some("reserved symbol must be a table of functions")
        }
        (SymbolKind::Table, false) => None,
        (SymbolKind::Table, true) => Some("reserved symbol must not be defined in input files"),
        _ => Some("reserved symbol must be of type table"),
    };
    if let Some(problem) = problem {
        let message = format!("{problem}: `{}`", String::from_utf8_lossy(NAME));
        diagnostics.push(program.blame(id, Diagnostic::error(Code::SymbolType, message)));
    } else if options.import_table {
        import(context, &mut adder);
    } else if program.is_referenced(id) || options.exports_table() {
        define(context, &mut adder, diagnostics);
    }
    adder.finish()
}

/// Makes the table that relocations turned out to need. An object may take addresses and leave out that it uses the table.
/// The result also has the symbol, if the table is imported only for this reason.
pub fn require(
    context: &Context<'_>,
    program: Program<'_>,
    diagnostics: &mut Diagnostics,
) -> (Additions, Option<SymbolId>) {
    let import_table = context.options.import_table;
    let is_unused = |id| import_table && !should_import(context, program, id);
    let mut adder = Adder::new(program);
    let is_missing = program.function_table().is_none_or(is_unused);
    if is_missing && import_table {
        import(context, &mut adder);
    } else if is_missing {
        define(context, &mut adder, diagnostics);
    }
    let late = adder.program().function_table().filter(|_| is_missing && import_table);
    (adder.finish(), late)
}

fn import(context: &Context<'_>, adder: &mut Adder<'_>) {
    let name = context.name(NAME);
    let (id, new) = adder.insert(name);
    let symbol = adder.change(id);
    symbol.kind = SymbolKind::Table;
    symbol.import = ImportAttributes { module: Some(context.env), field: Some(name) };
    if new {
        symbol.flags = SymbolFlags(SymbolFlags::UNDEFINED | SymbolFlags::HIDDEN);
        symbol.used_in_regular_object = true;
        adder.mark(id);
    }
    adder.set_function_table(id);
}

fn define(context: &Context<'_>, adder: &mut Adder<'_>, diagnostics: &mut Diagnostics) {
    let is_exported = context.options.exports_table();
    let (id, _) = adder.insert(context.name(NAME));
    let symbol = adder.change(id);
    symbol.kind = SymbolKind::Table;
    symbol.flags = SymbolFlags(if is_exported { 0 } else { SymbolFlags::HIDDEN });
    symbol.file = None;
    symbol.force_export = is_exported;
    symbol.resolution = Resolution::Synthetic(Synthetic::FunctionTable);
    context.trace_definition(NAME, diagnostics);
    adder.mark(id);
    adder.set_function_table(id);
}

/// The contents of the table.
#[derive(Default)]
pub struct FunctionTable {
    /// Functions, from [`FunctionTable::base`] on.
    pub entries: Vec<AnySymbol>,
    /// Index of the first function.
    pub base: u64,
    /// Index of each object's function, by [`Chunks::functions`](crate::chunks::Chunks::functions); 0 if it is not in the table.
    of_function: Vec<u32>,
    /// Index of functions that no object defines.
    of_symbol: HashMap<SymbolId, u32>,
}

impl FunctionTable {
    /// A table of these functions.
    pub fn new(options: &Options, program: Program<'_>, entries: Vec<AnySymbol>) -> Self {
        let default = if options.is_position_independent() { 0 } else { 1 };
        let base = options.table_base.filter(|&base| base != 0).unwrap_or(default);
        let mut table = FunctionTable {
            entries,
            base,
            of_function: vec![0; program.chunks.functions.total()],
            ..Self::default()
        };
        for (position, &entry) in table.entries.iter().enumerate() {
            let index = (base as u32).wrapping_add(position as u32);
            match (program.function_of(entry), entry) {
                (Some(function), _) => table.of_function[function] = index,
                (None, AnySymbol::Global(id)) => _ = table.of_symbol.insert(id, index),
                (None, AnySymbol::Local(..)) => {}
            }
        }
        table
    }

    /// One more than the index of the last function: the table's size.
    pub fn size(&self) -> u32 {
        (self.base as u32).wrapping_add(self.entries.len() as u32)
    }

    /// Index of an object's function, by its flat number; 0 if it is not in the table.
    #[inline]
    pub fn of_function(&self, flat: usize) -> u32 {
        self.of_function[flat]
    }

    /// Index of the function that a symbol of the link names; 0 if it is not in the table.
    pub fn of_symbol(&self, program: Program<'_>, id: SymbolId) -> u32 {
        // The entry is the object's function's. What the linker has defined in its place since has none, as in wasm-ld.
        match program.function_of(AnySymbol::Global(id)) {
            Some(_) if program.chunk_of(id).is_none() => 0,
            Some(function) => self.of_function(function),
            None => self.of_symbol.get(&id).copied().unwrap_or(0),
        }
    }
}

/// Finds the functions that must be declared because `ref.func` names them: those that are neither in the table nor exported.
/// See <https://webassembly.github.io/spec/core/valid/modules.html#valid-module>.
pub fn declare(
    options: &Options,
    program: Program<'_>,
    table: &FunctionTable,
    imports: &Imports,
    indices: &Indices,
) -> Vec<u32> {
    if options.is_relocatable() {
        // The next link declares them.
        return Vec::new();
    }
    let mut named = Vec::new();
    for (position, linked) in program.objects.iter().enumerate() {
        let id = ObjectId::new(position);
        for &(function, symbol) in &linked.object().function_references {
            if program.live.functions.contains(program.chunks.functions.of(id, function as usize)) {
                named.push(indices.of_any(program, imports, program.any(id, symbol)));
            }
        }
    }
    named.retain(|&index| index != NONE);
    if named.is_empty() {
        return Vec::new();
    }
    named.sort_unstable();
    named.dedup();
    let entries = table.entries.iter();
    let mut known: HashSet<u32> = entries.map(|&entry| indices.of_any(program, imports, entry)).collect();
    let exports = indices.exports.iter().filter(|export| export.kind == external::FUNCTION);
    known.extend(exports.map(|export| export.index));
    named.retain(|index| !known.contains(index));
    named
}
