//! What is linked, as every phase after garbage collection sees it: symbols, chunks and liveness, which are final, and on
//! top of them what later phases have defined.
//!
//! A phase that defines something returns it as [`Additions`]. The next phases see it through [`Program::with`].

use hashbrown::HashMap;

use crate::bit_set::BitSet;
use crate::chunks::{Chunks, Target};
use crate::diagnostics::Diagnostic;
use crate::format::{SymbolFlags, SymbolKind};
use crate::index::{FileId, NameId, ObjectId, SymbolId, SyntheticFunctionId};
use crate::mark_live::Liveness;
use crate::object::ObjectSymbol;
use crate::symbols::{
    AnySymbol, Common, LinkedObject, Reference, Resolution, Symbol, SymbolTable, Synthetic,
    SyntheticFunction, WellKnown,
};

/// A read-only view of everything that is linked.
#[derive(Clone, Copy)]
pub struct Program<'a> {
    /// The objects of the link, in the order in which they were loaded.
    pub objects: &'a [LinkedObject],
    /// Flat numbers of everything in the objects.
    pub chunks: &'a Chunks,
    /// Which of it is live.
    pub live: &'a Liveness,
    /// Symbols by role.
    pub well_known: &'a WellKnown,
    symbols: &'a SymbolTable,
    added: &'a Additions,
}

/// What a [`Program`] is a view of.
pub struct Contents {
    /// All symbols and objects.
    pub symbols: SymbolTable,
    /// Flat numbers of everything in the objects.
    pub chunks: Chunks,
    /// Which of it is live.
    pub live: Liveness,
    /// What was defined before relocations were scanned.
    pub added_before_scan: Additions,
    /// What all later phases have defined.
    pub added: Additions,
}

impl Contents {
    /// The view.
    pub fn program(&self) -> Program<'_> {
        Program::new(&self.symbols, &self.chunks, &self.live, &self.added)
    }

    /// The view of the phase that scans relocations.
    pub fn program_to_scan(&self) -> Program<'_> {
        self.program().with(&self.added_before_scan)
    }
}

/// What the linker defines after garbage collection: functions that it writes, and new or changed symbols. All of it is
/// live.
#[derive(Clone, Default)]
pub struct Additions {
    /// How many symbols the table has: ids from here on are of [`Additions::symbols`].
    first_symbol: usize,
    /// Likewise for functions that the linker writes.
    first_function: usize,
    /// New symbols. Each has a name of its own.
    symbols: Vec<Symbol>,
    by_name: HashMap<NameId, SymbolId>,
    /// Symbols of the table that have changed.
    changed: HashMap<SymbolId, Symbol>,
    /// The keys of `changed`, for a fast look.
    is_changed: BitSet,
    /// Symbols that became live.
    live: BitSet,
    functions: Vec<SyntheticFunction>,
    function_table: Option<SymbolId>,
}

impl Additions {
    /// Nothing so far.
    pub fn new(symbols: &SymbolTable) -> Self {
        Additions {
            first_symbol: symbols.symbols.len(),
            first_function: symbols.synthetic_functions.len(),
            ..Additions::default()
        }
    }

    /// The symbol `id`, which is new or has changed.
    #[cold]
    fn get(&self, id: SymbolId) -> &Symbol {
        self.changed.get(&id).unwrap_or_else(|| &self.symbols[id.at() - self.first_symbol])
    }
}

impl<'a> Program<'a> {
    /// The view of a link to which nothing was added yet.
    pub fn new(
        symbols: &'a SymbolTable,
        chunks: &'a Chunks,
        live: &'a Liveness,
        added: &'a Additions,
    ) -> Self {
        let (objects, well_known) = (&symbols.objects[..], &symbols.well_known);
        Program { objects, chunks, live, well_known, symbols, added }
    }

    /// The same with what a phase has added, which contains all earlier additions.
    pub fn with(self, added: &'a Additions) -> Self {
        Program { added, ..self }
    }

    /// The entry of `id`.
    #[inline]
    pub fn get(self, id: SymbolId) -> &'a Symbol {
        match self.symbols.symbols.get(id.at()) {
            Some(symbol) if !self.added.is_changed.contains_checked(id.at()) => symbol,
            _ => self.added.get(id),
        }
    }

    /// How many symbols there are: their ids are below.
    pub fn symbol_count(self) -> usize {
        self.symbols.symbols.len() + self.added.symbols.len()
    }

    /// The symbol that a name maps to.
    pub fn find(self, name: NameId) -> Option<SymbolId> {
        self.symbols.find(name).or_else(|| self.added.by_name.get(&name).copied())
    }

    /// Ids of the symbols that have a name, in the order in which the names first appeared.
    pub fn named(self) -> impl Iterator<Item = SymbolId> + 'a {
        let new = self.symbols.symbols.len()..self.symbol_count();
        self.symbols.named.iter().copied().chain(new.map(SymbolId::new))
    }

    /// Those that are `wanted`, in the same order. All threads look for them.
    pub fn named_where(self, wanted: impl Fn(SymbolId) -> bool + Sync) -> Vec<SymbolId> {
        let mut found = self.symbols.named_where(&wanted);
        let new = self.symbols.symbols.len()..self.symbol_count();
        found.extend(new.map(SymbolId::new).filter(|&id| wanted(id)));
        found
    }

    /// `__indirect_function_table`, if the output has a table.
    pub fn function_table(self) -> Option<SymbolId> {
        self.added.function_table
    }

    /// How many functions the linker writes, dead ones included.
    pub fn function_count(self) -> usize {
        self.symbols.synthetic_functions.len() + self.added.functions.len()
    }

    /// Functions that the linker writes, by [`SyntheticFunctionId`].
    pub fn functions(self) -> impl Iterator<Item = &'a SyntheticFunction> + 'a {
        self.symbols.synthetic_functions.iter().chain(&self.added.functions)
    }

    /// A function that the linker writes.
    pub fn function(self, id: SyntheticFunctionId) -> &'a SyntheticFunction {
        let functions = &self.symbols.synthetic_functions;
        functions.get(id.at()).unwrap_or_else(|| &self.added.functions[id.at() - functions.len()])
    }

    /// Whether a function that the linker writes is live.
    pub fn is_function_live(self, id: SyntheticFunctionId) -> bool {
        id.at() >= self.symbols.synthetic_functions.len() || self.live.is_function_live(id)
    }

    /// Whether something live refers to the symbol.
    #[inline]
    pub fn is_referenced(self, id: SymbolId) -> bool {
        self.live.is_referenced(id) || self.added.live.contains_checked(id.at())
    }

    /// Whether something live refers to the symbol, or its chunk is live.
    pub fn is_symbol_live(self, id: SymbolId) -> bool {
        match self.get(id).resolution {
            Resolution::Object => match self.chunk_of(id) {
                Some(target) => self.live.is_chunk_live(self.chunks, target),
                None => self.is_referenced(id),
            },
            Resolution::Synthetic(Synthetic::Function(number)) => self.is_function_live(number),
            _ => self.is_referenced(id),
        }
    }

    /// Whether the chunk of an object's own definition is live; `None` if it has no chunk.
    pub fn is_own_live(self, object: ObjectId, own: &ObjectSymbol) -> Option<bool> {
        let position = self.objects[object.at()].object().chunk_of(own)?;
        Some(self.live.is_chunk_live(self.chunks, Target::new(object, own.kind, position)))
    }

    /// The chunk that defines a symbol. `None` also if the linker has taken the place of an object's definition since resolution.
    #[inline]
    pub fn chunk_of(self, id: SymbolId) -> Option<Target> {
        let is_object = self.get(id).resolution == Resolution::Object;
        self.chunks.of_symbol(id).filter(|_| is_object)
    }

    /// The object's function that a symbol named when resolution was done, by [`Chunks::functions`].
    pub fn function_of(self, symbol: AnySymbol) -> Option<usize> {
        self.chunks.function_of(self.symbols, symbol)
    }

    /// Names the object whose symbol it is, if it is an object's.
    pub fn blame(self, id: SymbolId, diagnostic: Diagnostic) -> Diagnostic {
        match self.get(id).file.and_then(|file| self.object_of(file)) {
            Some(object) => diagnostic.blame(&self.objects[object.at()].path, None),
            None => diagnostic,
        }
    }

    /// What an object's symbol `index` is.
    #[inline]
    pub fn any(self, object: ObjectId, index: u32) -> AnySymbol {
        match self.objects[object.at()].reference(index) {
            Reference::Local(own) => AnySymbol::Local(object, own),
            Reference::Global(id) => AnySymbol::Global(id),
        }
    }

    /// The flags of a symbol, wherever it is kept.
    pub fn flags_of(self, symbol: AnySymbol) -> SymbolFlags {
        match symbol {
            AnySymbol::Local(object, own) => self.objects[object.at()].own(own).flags,
            AnySymbol::Global(id) => self.get(id).flags,
        }
    }

    /// The kind of a symbol whose address is taken. That of a lazy symbol is unknown: as in wasm-ld, it is not a function.
    pub fn kind_of(self, symbol: AnySymbol) -> SymbolKind {
        match symbol {
            AnySymbol::Local(object, own) => self.objects[object.at()].own(own).kind,
            AnySymbol::Global(id) if self.get(id).is_lazy() => SymbolKind::Data,
            AnySymbol::Global(id) => self.get(id).kind,
        }
    }

    /// The object that defines `symbol`, with its own entry for it.
    #[inline]
    pub fn definition(self, symbol: &Symbol) -> Option<(ObjectId, &'a ObjectSymbol)> {
        self.symbols.definition(symbol)
    }

    /// The object that a file became.
    pub fn object_of(self, file: FileId) -> Option<ObjectId> {
        self.symbols.object_of(file)
    }

    /// The sizes of common data, for every symbol that was common at some time.
    pub fn commons(self) -> &'a HashMap<SymbolId, Common> {
        &self.symbols.commons
    }

    /// File names of the shared libraries, in the order in which they were added.
    pub fn needed(self) -> &'a [String] {
        &self.symbols.needed
    }
}

/// Adds to a program.
pub struct Adder<'a> {
    program: Program<'a>,
    added: Additions,
}

impl<'a> Adder<'a> {
    /// Continues what was added to `program` so far.
    pub fn new(program: Program<'a>) -> Self {
        Adder { program, added: program.added.clone() }
    }

    /// The program with what was added.
    pub fn program(&self) -> Program<'_> {
        self.program.with(&self.added)
    }

    /// What was added, and all that was added to the program before.
    pub fn finish(self) -> Additions {
        self.added
    }

    /// The symbol of `name`, created if it does not exist; and whether it was created.
    pub fn insert(&mut self, name: NameId) -> (SymbolId, bool) {
        if let Some(id) = self.program().find(name) {
            return (id, false);
        }
        let id = SymbolId::new(self.program().symbol_count());
        self.added.symbols.push(Symbol::new(name, SymbolKind::Function));
        self.added.by_name.insert(name, id);
        (id, true)
    }

    /// The entry of `id`, to change.
    pub fn change(&mut self, id: SymbolId) -> &mut Symbol {
        let Additions { first_symbol, symbols, changed, is_changed, .. } = &mut self.added;
        match id.at().checked_sub(*first_symbol) {
            Some(new) => &mut symbols[new],
            None => {
                is_changed.grow(*first_symbol, false);
                is_changed.insert(id.at());
                changed.entry(id).or_insert_with(|| self.program.symbols.symbols[id.at()])
            }
        }
    }

    /// Makes a symbol live.
    pub fn mark(&mut self, id: SymbolId) {
        self.added.live.grow(id.at() + 1, false);
        self.added.live.insert(id.at());
    }

    /// Sets the symbol of the indirect function table.
    pub fn set_function_table(&mut self, id: SymbolId) {
        self.added.function_table = Some(id);
    }

    /// Defines `name` if something refers to it or `wanted` says so, and nothing defines it.
    pub fn define_optional(
        &mut self,
        name: NameId,
        wanted: bool,
        kind: SymbolKind,
        synthetic: Synthetic,
    ) -> Option<SymbolId> {
        let id = match self.program().find(name) {
            Some(found) if self.program().get(found).is_defined() => return None,
            Some(found) => found,
            None if wanted => self.insert(name).0,
            None => return None,
        };
        self.change(id).define(kind, synthetic);
        self.mark(id);
        Some(id)
    }

    /// Adds a function that the linker writes. It has no symbol.
    pub fn add_function(&mut self, function: SyntheticFunction) -> SyntheticFunctionId {
        self.added.functions.push(function);
        SyntheticFunctionId::new(self.added.first_function + self.added.functions.len() - 1)
    }
}
