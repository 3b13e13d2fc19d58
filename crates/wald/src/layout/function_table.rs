//! The indirect function table: whether there is one, and which functions stand in it.

use hashbrown::{HashMap, HashSet};

use super::imports::{table_type, Imports};
use super::indices::{Indices, NONE};
use crate::chunks::Chunks;
use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::format::{external, types, SymbolFlags, SymbolKind};
use crate::index::{ObjectId, SymbolId};
use crate::mark_live::Liveness;
use crate::options::Options;
use crate::symbols::AnySymbol;
use crate::symbols::{ImportAttributes, Resolution, SymbolTable, Synthetic};

/// The name under which objects refer to it.
pub const NAME: &[u8] = b"__indirect_function_table";

/// Finds or makes the table's symbol, if the output has a table. `required`: functions stand in it.
pub fn resolve(
    context: &Context<'_>,
    required: bool,
    symbols: &mut SymbolTable,
    live: &mut Liveness,
    diagnostics: &mut Diagnostics,
) {
    let (options, name) = (context.options, context.name(NAME));
    let existing = symbols.find(name);
    if let Some(id) = existing {
        let symbol = symbols.get(id);
        let problem = match (symbol.kind, symbol.is_defined()) {
            (SymbolKind::Table, false) if table_type(symbols, id).element != types::FUNCREF => {
                Some("reserved symbol must be a table of functions")
            }
            (SymbolKind::Table, false) => None,
            (SymbolKind::Table, true) => Some("reserved symbol must not be defined in input files"),
            _ => Some("reserved symbol must be of type table"),
        };
        if let Some(problem) = problem {
            let message = format!("{problem}: `{}`", String::from_utf8_lossy(NAME));
            diagnostics.push(symbols.blame(id, Diagnostic::error(Code::SymbolType, message)));
            return;
        }
    }
    let wanted = existing.is_some_and(|id| live.symbols.contains(id.at()));
    if options.import_table {
        if existing.is_some() || required {
            let (id, new) = symbols.insert(name);
            let symbol = symbols.get_mut(id);
            symbol.kind = SymbolKind::Table;
            symbol.import = ImportAttributes { module: Some(context.env), field: Some(name) };
            if new {
                symbol.flags = SymbolFlags(SymbolFlags::UNDEFINED | SymbolFlags::HIDDEN);
                symbol.used_in_regular_object = true;
                live.symbols.grow(id.at() + 1, false);
                live.symbols.insert(id.at());
            }
            symbols.well_known.function_table = Some(id);
        }
    } else if wanted || options.exports_table() || required {
        let (id, _) = symbols.insert(name);
        let symbol = symbols.get_mut(id);
        symbol.kind = SymbolKind::Table;
        symbol.flags = SymbolFlags(if options.exports_table() { 0 } else { SymbolFlags::HIDDEN });
        symbol.file = None;
        symbol.force_export = options.exports_table();
        symbol.resolution = Resolution::Synthetic(Synthetic::FunctionTable);
        if symbol.traced {
            let text = format!("<internal>: definition of {}", String::from_utf8_lossy(NAME));
            diagnostics.push(Diagnostic::message(Code::TraceSymbol, text));
        }
        live.symbols.grow(id.at() + 1, false);
        live.symbols.insert(id.at());
        symbols.well_known.function_table = Some(id);
    }
}

/// Whether there is no table so far. An object may take addresses and leave out that it uses the table, which then
/// was not imported.
pub fn is_missing(options: &Options, symbols: &SymbolTable, imports: &Imports) -> bool {
    let unused = |id| options.import_table && imports.index_of(id).is_none();
    symbols.well_known.function_table.is_none_or(unused)
}

/// Imports a table that turned out to be needed after the imports were collected.
pub fn import_late(context: &Context<'_>, symbols: &SymbolTable, imports: &mut Imports) {
    if let (true, Some(id)) = (context.options.import_table, symbols.well_known.function_table) {
        imports.add(context, symbols, id);
    }
}

/// What stands in the table.
#[derive(Default)]
pub struct FunctionTable {
    /// Functions, from [`FunctionTable::base`] on.
    pub entries: Vec<AnySymbol>,
    /// Index of the first function.
    pub base: u64,
    /// Functions that `ref.func` names and that nothing else declares: by their index in the output, ascending.
    pub declared: Vec<u32>,
    /// Index of each object's function, by [`Chunks::functions`]; 0 where it is not in the table.
    of_function: Vec<u32>,
    /// Index of functions that no object defines.
    of_symbol: HashMap<SymbolId, u32>,
}

impl FunctionTable {
    /// A table of these functions.
    pub fn new(options: &Options, symbols: &SymbolTable, chunks: &Chunks, entries: Vec<AnySymbol>) -> Self {
        let default = if options.is_position_independent() { 0 } else { 1 };
        let base = options.table_base.filter(|&base| base != 0).unwrap_or(default);
        let mut table = FunctionTable {
            entries,
            base,
            of_function: vec![0; chunks.functions.total()],
            ..Self::default()
        };
        for (position, &entry) in table.entries.iter().enumerate() {
            let index = (base as u32).wrapping_add(position as u32);
            match (chunks.function_of(symbols, entry), entry) {
                (Some(function), _) => table.of_function[function] = index,
                (None, AnySymbol::Global(id)) => _ = table.of_symbol.insert(id, index),
                (None, AnySymbol::Own(..)) => {}
            }
        }
        table
    }

    /// Finds the functions that must be declared because `ref.func` names them: those that are neither in the table nor exported.
    /// See <https://webassembly.github.io/spec/core/valid/modules.html#valid-module>.
    pub fn declare(
        &mut self,
        options: &Options,
        symbols: &SymbolTable,
        chunks: &Chunks,
        live: &Liveness,
        imports: &Imports,
        indices: &Indices,
    ) {
        if options.is_relocatable() {
            // The next link declares them.
            return;
        }
        let mut named = Vec::new();
        for (position, linked) in symbols.objects.iter().enumerate() {
            let id = ObjectId::new(position);
            for &(function, symbol) in &linked.object().function_references {
                if live.functions.contains(chunks.functions.of(id, function as usize)) {
                    named.push(indices.of_any(symbols, chunks, imports, symbols.any(id, symbol)));
                }
            }
        }
        named.retain(|&index| index != NONE);
        if named.is_empty() {
            return;
        }
        named.sort_unstable();
        named.dedup();
        let entries = self.entries.iter();
        let mut known: HashSet<u32> =
            entries.map(|&entry| indices.of_any(symbols, chunks, imports, entry)).collect();
        let exports = indices.exports.iter().filter(|export| export.kind == external::FUNCTION);
        known.extend(exports.map(|export| export.index));
        named.retain(|index| !known.contains(index));
        self.declared = named;
    }

    /// Index behind the last function: the table's size.
    pub fn size(&self) -> u32 {
        (self.base as u32).wrapping_add(self.entries.len() as u32)
    }

    /// Index of an object's function, by its flat number; 0 where it is not in the table.
    #[inline]
    pub fn of_function(&self, flat: usize) -> u32 {
        self.of_function[flat]
    }

    /// Index of the function that a symbol of the link names; 0 where it is not in the table.
    pub fn of_symbol(&self, chunks: &Chunks, id: SymbolId) -> u32 {
        match chunks.function_of_global(id) {
            Some(function) => self.of_function(function),
            None => self.of_symbol.get(&id).copied().unwrap_or(0),
        }
    }
}
