//! The output's index spaces: functions, globals, tags, tables, types, and what is exported.

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use super::imports::Imports;
use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics, LinkFailure};
use crate::features::Features;
use crate::format::{external, SymbolKind};
use crate::index::{ObjectId, SignatureId, SymbolId, SyntheticFunctionId};
use crate::program::Program;
use crate::symbols::{is_exported, AnySymbol};
use crate::symbols::{Purpose, Resolution, Symbol, Synthetic, SyntheticFunction, SyntheticGlobal};

/// Not in the output.
pub const NONE: u32 = u32::MAX;

/// A function of the output.
#[derive(Clone, Copy, Debug)]
pub enum OutputFunction {
    /// Written by the linker.
    Synthetic(SyntheticFunctionId),
    /// An object's.
    Input(ObjectId, u32),
}

impl OutputFunction {
    /// Whether both are one object's, or both the linker's.
    pub fn is_of_same_object(&self, other: &OutputFunction) -> bool {
        match (self, other) {
            (OutputFunction::Synthetic(_), OutputFunction::Synthetic(_)) => true,
            (OutputFunction::Input(object, _), OutputFunction::Input(other, _)) => object == other,
            _ => false,
        }
    }

    /// Position among the functions of its object.
    pub fn input_index(&self) -> Option<usize> {
        match self {
            OutputFunction::Input(_, index) => Some(*index as usize),
            OutputFunction::Synthetic(_) => None,
        }
    }
}

/// A global of the output.
#[derive(Clone, Copy, Debug)]
pub enum OutputGlobal {
    /// Made by the linker.
    Synthetic(SyntheticGlobal),
    /// An object's.
    Input(ObjectId, u32),
}

/// A table of the output.
#[derive(Clone, Copy, Debug)]
pub enum OutputTable {
    /// The indirect function table.
    Functions,
    /// An object's.
    Input(ObjectId, u32),
}

/// An export.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name.
    pub name: Vec<u8>,
    /// Its kind.
    pub kind: u8,
    /// Index in the kind's index space.
    pub index: u32,
    /// The symbol, except for the memory.
    pub symbol: Option<SymbolId>,
}

/// All index spaces.
#[derive(Default)]
pub struct Indices {
    /// Defined functions in order.
    pub functions: Vec<OutputFunction>,
    /// Index of each object's function, by [`Chunks::functions`](crate::chunks::Chunks::functions).
    pub function: Vec<u32>,
    /// Index of each function that the linker writes.
    pub synthetic_function: Vec<u32>,
    /// Defined globals in order, internal GOT entries aside.
    pub globals: Vec<OutputGlobal>,
    /// Index of each object's global, by [`Chunks::globals`](crate::chunks::Chunks::globals).
    pub global: Vec<u32>,
    /// Internal GOT entries, after the other globals.
    pub internal_got: Vec<AnySymbol>,
    /// Index of GOT entries, imported and internal.
    pub got: HashMap<AnySymbol, u32>,
    /// Defined tags in order.
    pub tags: Vec<(ObjectId, u32)>,
    /// Index of each object's tag, by [`Chunks::tags`](crate::chunks::Chunks::tags).
    pub tag: Vec<u32>,
    /// Defined tables in order.
    pub tables: Vec<OutputTable>,
    /// Number of each object's table, by [`Chunks::tables`](crate::chunks::Chunks::tables).
    pub table: Vec<u32>,
    /// Types in order.
    pub types: Vec<SignatureId>,
    /// Index of each signature's type, by [`SignatureId`], as far as they are there.
    type_index: Vec<u32>,
    /// Type index of each function in [`Indices::functions`].
    pub function_types: Vec<u32>,
    /// Exports in order.
    pub exports: Vec<Export>,
    /// Data symbols that are exported as globals, after all other globals.
    pub address_globals: Vec<SymbolId>,
    /// Index of each global that the linker makes.
    synthetic_globals: Vec<(SyntheticGlobal, u32)>,
    functions_base: u32,
}

impl Indices {
    /// Gives indices to everything live. `called`: the signatures that `call_indirect` uses.
    pub fn assign(
        context: &Context<'_>,
        program: Program<'_>,
        imports: &Imports,
        features: &Features,
        internal_got: Vec<AnySymbol>,
        called: &[SignatureId],
        diagnostics: &mut Diagnostics,
    ) -> Result<Indices, LinkFailure> {
        let mut indices = Indices {
            functions_base: imports.functions,
            function: vec![NONE; program.chunks.functions.total()],
            global: vec![NONE; program.chunks.globals.total()],
            tag: vec![NONE; program.chunks.tags.total()],
            table: vec![NONE; program.chunks.tables.total()],
            ..Indices::default()
        };
        // Wrappers of commands are made last, and follow the functions of all objects.
        let is_wrapper =
            |function: &&SyntheticFunction| matches!(function.purpose, Purpose::CommandExport(_));
        let wrappers = program.functions().filter(is_wrapper).count();
        let others = program.function_count() - wrappers;
        (0..others).for_each(|number| indices.add_synthetic_function(program, number));
        indices.add_functions(program);
        (others..others + wrappers).for_each(|number| indices.add_synthetic_function(program, number));
        indices.add_globals(program, imports, internal_got);
        indices.add_tags_and_tables(context, program, imports, diagnostics);
        diagnostics.check()?;
        indices.collect_types(program, imports, called);
        indices.collect_exports(context, program, imports, features);
        Ok(indices)
    }

    /// Gives the next function index to a function of the linker's, if it is live.
    fn add_synthetic_function(&mut self, program: Program<'_>, number: usize) {
        let id = SyntheticFunctionId::new(number);
        let is_live = program.is_function_live(id);
        let index = if is_live { self.next_function() } else { NONE };
        self.synthetic_function.push(index);
        if is_live {
            self.functions.push(OutputFunction::Synthetic(id));
        }
    }

    /// Gives the next function index to a part of a function of the linker's.
    pub(super) fn add_part(&mut self, id: SyntheticFunctionId, signature: SignatureId) {
        self.synthetic_function.push(self.next_function());
        self.functions.push(OutputFunction::Synthetic(id));
        self.function_types.push(self.type_of(signature));
    }

    /// The index that the next function gets.
    pub fn next_function(&self) -> u32 {
        self.functions_base + self.functions.len() as u32
    }

    fn add_functions(&mut self, program: Program<'_>) {
        for (position, linked) in program.objects.iter().enumerate() {
            let id = ObjectId::new(position);
            for index in 0..linked.object().functions.len() {
                let flat = program.chunks.functions.of(id, index);
                if program.live.functions.contains(flat) {
                    self.function[flat] = self.functions_base + self.functions.len() as u32;
                    self.functions.push(OutputFunction::Input(id, index as u32));
                }
            }
        }
    }

    fn add_globals(&mut self, program: Program<'_>, imports: &Imports, internal_got: Vec<AnySymbol>) {
        let known = &program.well_known;
        for id in [known.stack_pointer, known.tls_base, known.tls_size, known.tls_align].into_iter().flatten()
        {
            if let Resolution::Synthetic(Synthetic::Global(global)) = program.get(id).resolution {
                if program.is_referenced(id) {
                    let index = imports.globals + self.globals.len() as u32;
                    self.synthetic_globals.push((global, index));
                    self.globals.push(OutputGlobal::Synthetic(global));
                }
            }
        }
        for (position, linked) in program.objects.iter().enumerate() {
            let id = ObjectId::new(position);
            for index in 0..linked.object().globals.len() {
                let flat = program.chunks.globals.of(id, index);
                if program.live.globals.contains(flat) {
                    self.global[flat] = imports.globals + self.globals.len() as u32;
                    self.globals.push(OutputGlobal::Input(id, index as u32));
                }
            }
        }
        let first = imports.globals + self.globals.len() as u32;
        for (position, &symbol) in internal_got.iter().enumerate() {
            self.got.insert(symbol, first + position as u32);
        }
        let first_imported = imports.globals - imports.got.len() as u32;
        for (position, &symbol) in imports.got.iter().enumerate() {
            self.got.insert(AnySymbol::Global(symbol), first_imported + position as u32);
        }
        self.internal_got = internal_got;
    }

    fn add_tags_and_tables(
        &mut self,
        context: &Context<'_>,
        program: Program<'_>,
        imports: &Imports,
        diagnostics: &mut Diagnostics,
    ) {
        for (position, linked) in program.objects.iter().enumerate() {
            let id = ObjectId::new(position);
            for index in 0..linked.object().tags.len() {
                let flat = program.chunks.tags.of(id, index);
                if program.live.tags.contains(flat) {
                    self.tag[flat] = imports.tags + self.tags.len() as u32;
                    self.tags.push((id, index as u32));
                }
            }
            for index in 0..linked.object().tables.len() {
                if program.live.tables.contains(program.chunks.tables.of(id, index)) {
                    self.tables.push(OutputTable::Input(id, index as u32));
                }
            }
        }
        let table = program.function_table().filter(|&id| program.get(id).is_defined());
        if table.is_some() {
            self.add_function_table(context, program, imports, diagnostics);
        }
        for (position, table) in self.tables.iter().enumerate() {
            if let OutputTable::Input(object, index) = *table {
                self.table[program.chunks.tables.of(object, index as usize)] =
                    imports.tables + position as u32;
            }
        }
    }

    /// Objects without table symbols call through table 0 whatever happens: the function table must be that one.
    fn add_function_table(
        &mut self,
        context: &Context<'_>,
        program: Program<'_>,
        imports: &Imports,
        diagnostics: &mut Diagnostics,
    ) {
        if !program.objects.iter().any(|linked| linked.object().legacy_function_table) {
            self.tables.push(OutputTable::Functions);
            return;
        }
        if let Some(&culprit) = imports.symbols.iter().find(|&&id| program.get(id).kind == SymbolKind::Table)
        {
            let file = program.get(culprit).file.and_then(|file| program.object_of(file));
            let file = file.map_or("<internal>", |object| &program.objects[object.at()].path);
            let name = context.display(program.get(culprit).name);
            let message = format!(
                "object file not built with 'reference-types' or 'call-indirect-overlong' feature conflicts with \
                 import of table {name} by file {file}"
            );
            diagnostics.push(Diagnostic::error(Code::Features, message));
        }
        self.tables.insert(0, OutputTable::Functions);
    }

    /// Index of the type with this signature; it gets the next one if it is new.
    fn add_type(&mut self, signature: SignatureId) -> u32 {
        if signature.at() >= self.type_index.len() {
            self.type_index.resize(signature.at() + 1, NONE);
        }
        let index = &mut self.type_index[signature.at()];
        if *index == NONE {
            *index = self.types.len() as u32;
            self.types.push(signature);
        }
        *index
    }

    /// Index of the type with this signature.
    pub fn type_of(&self, signature: SignatureId) -> u32 {
        self.type_index.get(signature.at()).copied().unwrap_or(NONE)
    }

    /// Registers all types that the output needs: those of `call_indirect` first.
    fn collect_types(&mut self, program: Program<'_>, imports: &Imports, called: &[SignatureId]) {
        for &signature in called {
            self.add_type(signature);
        }
        for &id in &imports.symbols {
            let symbol = program.get(id);
            if let (SymbolKind::Function | SymbolKind::Tag, Some(signature)) = (symbol.kind, symbol.signature)
            {
                self.add_type(signature);
            }
        }
        let functions = self.functions.par_iter().with_min_len(4096);
        let signatures: Vec<SignatureId> =
            functions.map(|&function| signature_of(program, function)).collect();
        self.function_types = signatures.into_iter().map(|signature| self.add_type(signature)).collect();
        for position in 0..self.tags.len() {
            let (object, tag) = self.tags[position];
            let parsed = program.objects[object.at()].object();
            self.add_type(parsed.types[parsed.tags[tag as usize] as usize]);
        }
    }

    /// Index of a global that the linker makes.
    pub fn synthetic_global(&self, global: SyntheticGlobal) -> Option<u32> {
        self.synthetic_globals.iter().find(|(known, _)| *known == global).map(|&(_, index)| index)
    }

    /// Number of the indirect function table, if the module has one.
    pub fn function_table(&self, imports: &Imports) -> Option<u32> {
        let position = self.tables.iter().position(|table| matches!(table, OutputTable::Functions))?;
        Some(imports.tables + position as u32)
    }

    /// Index of the function, global, tag or table that a symbol of the link names; [`NONE`] if it is not in the output.
    pub fn of_symbol(&self, program: Program<'_>, imports: &Imports, id: SymbolId) -> u32 {
        let symbol = program.get(id);
        if let Some(stub) = symbol.stub {
            return self.synthetic_function[stub.at()];
        }
        // What a shared library imports because another module's weak definition may win: only for functions that is used.
        let is_offered = symbol.resolution == Resolution::Object && symbol.kind != SymbolKind::Function;
        if let Some(index) = imports.index_of(id).filter(|_| !is_offered) {
            return index;
        }
        match symbol.resolution {
            Resolution::Synthetic(Synthetic::Function(number)) => self.synthetic_function[number.at()],
            Resolution::Synthetic(Synthetic::Global(global)) => self.synthetic_global(global).unwrap_or(NONE),
            Resolution::Synthetic(Synthetic::FunctionTable) => self.function_table(imports).unwrap_or(NONE),
            Resolution::Object => {
                let Some(target) = program.chunk_of(id) else { return NONE };
                let (object, position) = (target.object(), target.position());
                match target.kind() {
                    SymbolKind::Function => self.function[program.chunks.functions.of(object, position)],
                    SymbolKind::Global => self.global[program.chunks.globals.of(object, position)],
                    SymbolKind::Tag => self.tag[program.chunks.tags.of(object, position)],
                    SymbolKind::Table => self.table[program.chunks.tables.of(object, position)],
                    SymbolKind::Data | SymbolKind::Section => NONE,
                }
            }
            _ => NONE,
        }
    }

    /// As [`Indices::of_symbol`], but of this module's definition even if calls go to another module's.
    pub fn of_definition(&self, program: Program<'_>, imports: &Imports, id: SymbolId) -> u32 {
        match program.chunk_of(id) {
            Some(target) if target.kind() == SymbolKind::Function => {
                self.function[program.chunks.functions.of(target.object(), target.position())]
            }
            _ => self.of_symbol(program, imports, id),
        }
    }

    /// Index of what an object's own symbol defines.
    pub fn of_element(&self, program: Program<'_>, object: ObjectId, symbol: u32) -> u32 {
        let parsed = program.objects[object.at()].object();
        let own = &parsed.symbols[symbol as usize];
        let element = own.element as usize;
        match own.kind {
            SymbolKind::Function => {
                self.function[program.chunks.functions.of(object, parsed.defined_function(own.element))]
            }
            SymbolKind::Global => {
                self.global[program.chunks.globals.of(object, element - parsed.imports.globals.len())]
            }
            SymbolKind::Tag => self.tag[program.chunks.tags.of(object, element - parsed.imports.tags.len())],
            SymbolKind::Table => {
                self.table[program.chunks.tables.of(object, element - parsed.imports.tables.len())]
            }
            SymbolKind::Data | SymbolKind::Section => NONE,
        }
    }

    /// Function index of a symbol, wherever it is kept.
    pub fn of_any(&self, program: Program<'_>, imports: &Imports, symbol: AnySymbol) -> u32 {
        match symbol {
            AnySymbol::Local(object, own) => self.of_element(program, object, own.0),
            AnySymbol::Global(id) => self.of_symbol(program, imports, id),
        }
    }

    /// Collects the exports in the order of the symbols' first appearance.
    fn collect_exports(
        &mut self,
        context: &Context<'_>,
        program: Program<'_>,
        imports: &Imports,
        features: &Features,
    ) {
        let (options, interners) = (context.options, context.interners);
        if options.is_relocatable() {
            return;
        }
        let mutable_globals = features.has("mutable-globals");
        let memory = match (&options.export_memory, &options.import_memory) {
            (Some(name), _) => Some(name.clone()),
            (None, None) => Some("memory".to_string()),
            (None, Some(_)) => None,
        };
        if let Some(name) = memory {
            let (name, kind) = (name.into_bytes(), external::MEMORY);
            self.exports.push(Export { name, kind, index: 0, symbol: None });
        }
        let first_address = imports.globals + (self.globals.len() + self.internal_got.len()) as u32;
        let asked_for: HashSet<SymbolId> = imports.got.iter().copied().collect();
        let is_offered = |id: SymbolId| {
            let symbol = program.get(id);
            // Any weak definition of a shared library may be the one that wins; and what the library itself gets the
            // address of from its loader must be there for it.
            let is_weak = symbol.flags.is_weak() && !symbol.flags.is_hidden();
            let offered = options.is_shared()
                && symbol.is_defined()
                && !symbol.is_shared()
                && (is_weak || asked_for.contains(&id));
            (offered || is_exported(options, symbol)) && program.is_symbol_live(id)
        };
        for id in program.named_where(is_offered) {
            let symbol = program.get(id);
            let mut name = interners.names.with(symbol.name.0, <[u8]>::to_vec);
            let (kind, index) = match symbol.kind {
                SymbolKind::Function => {
                    if let Some(export_name) = self.export_name(program, symbol) {
                        name = export_name;
                    }
                    (external::FUNCTION, self.of_definition(program, imports, id))
                }
                SymbolKind::Global => {
                    let explicit = symbol.force_export || symbol.flags.is_exported();
                    let synthetic = matches!(
                        symbol.resolution,
                        Resolution::Synthetic(Synthetic::Global(SyntheticGlobal::StackPointer))
                    ) || options.shared_memory && program.well_known.tls_base == Some(id);
                    // Programs that know no mutable globals must not be broken by the linker's own.
                    if synthetic && !explicit && !mutable_globals {
                        continue;
                    }
                    (external::GLOBAL, self.of_symbol(program, imports, id))
                }
                SymbolKind::Tag => (external::TAG, self.of_symbol(program, imports, id)),
                SymbolKind::Table => (external::TABLE, self.of_symbol(program, imports, id)),
                SymbolKind::Data => {
                    self.address_globals.push(id);
                    (external::GLOBAL, first_address + self.address_globals.len() as u32 - 1)
                }
                SymbolKind::Section => continue,
            };
            self.exports.push(Export { name, kind, index, symbol: Some(id) });
        }
        self.drop_repeated_exports();
    }

    /// Aliases of a function share its export name: one export says all. What else has the name of another is refused later.
    fn drop_repeated_exports(&mut self) {
        let mut seen = HashSet::with_capacity(self.exports.len());
        let is_new: Vec<bool> = self
            .exports
            .iter()
            .map(|export| seen.insert((&export.name[..], export.kind, export.index)))
            .collect();
        drop(seen);
        let mut is_new = is_new.into_iter();
        self.exports.retain(|_| is_new.next().unwrap_or(true));
    }

    /// The name that the object's export section gives a function.
    fn export_name(&self, program: Program<'_>, symbol: &Symbol) -> Option<Vec<u8>> {
        match symbol.resolution {
            Resolution::Object => {
                let (object, own) = program.definition(symbol)?;
                let parsed = program.objects[object.at()].object();
                let function = &parsed.functions[parsed.defined_function(own.element)];
                function.export_name.map(|range| range.of(&parsed.bytes).to_vec())
            }
            Resolution::Synthetic(Synthetic::Function(number)) => {
                program.function(number).export_name.clone()
            }
            _ => None,
        }
    }
}

/// The signature of a function of the output.
pub fn signature_of(program: Program<'_>, function: OutputFunction) -> SignatureId {
    match function {
        OutputFunction::Synthetic(id) => program.function(id).signature,
        OutputFunction::Input(object, index) => {
            let parsed = program.objects[object.at()].object();
            parsed.types[parsed.functions[index as usize].type_index as usize]
        }
    }
}
