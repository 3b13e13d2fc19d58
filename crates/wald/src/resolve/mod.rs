//! Symbol resolution: which object defines each name, and which archive members are linked for it.
//!
//! Files are walked in declared order. When an object refers to a name that an archive member defines, the
//! member is loaded at that moment, before the object's next symbol is looked at; that order decides ties
//! between definitions and the places of objects in the output. Everything here goes by interned ids.

mod adapt;
mod add;
mod bitcode;
mod defsym;
mod explain;
mod files;
mod functions;
mod libcalls;
pub mod llvm_order;
mod prefetch;
mod shared;
mod special;
mod stubs;

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::bit_set::BitSet;
use crate::bitcode::is_position_independent;
use crate::code_generator::{BitcodeModule, BitcodeResolution};
use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics, LinkFailure};
use crate::display::{display_name, display_signature, name_text};
use crate::format::{SymbolFlags, SymbolKind};
use crate::index::{FileId, NameId, SignatureId, SymbolId};
use crate::input::{Bitcode, Candidate, Joined};
use crate::messages::{self, MessageKind};
use crate::object::{Interners, Object};
use crate::options::Options;
use crate::symbols::{LinkedObject, Resolution, Symbol, SymbolTable, Synthetic, SyntheticFunction};
use crate::timing::Timer;

pub use add::{object_global_type, object_table_type};
pub use prefetch::prefetch_members;

/// Why an archive member was extracted, for `--why-extract`.
#[derive(Clone)]
struct Extraction {
    /// Who needed it: a file, or an option.
    reference: String,
    /// The member.
    file: FileId,
    /// The symbol.
    symbol: SymbolId,
    /// Whether wasm-ld reports it. It does not if the object that caused the load refers to something other than a function.
    is_told: bool,
}

/// The file that referred to a lazy file's symbol, if it was a file; and the symbol.
type Reason = Option<(Option<FileId>, SymbolId)>;

/// What is known after the first files were added: the rest can be added later, and a finished link's state can
/// be used again. It depends on the options, on those files and on nothing else.
#[derive(Clone)]
pub struct Folded {
    /// The symbols so far.
    pub table: SymbolTable,
    /// What there is to say about those files.
    diagnostics: Diagnostics,
    /// How many files were added.
    files: usize,
    /// A file among them ends the link.
    ended: bool,
    loaded: Vec<bool>,
    variants: Vec<(NameId, Vec<SymbolId>)>,
    variant_of_name: HashMap<NameId, usize>,
    extractions: Vec<Extraction>,
    comdats: Vec<u64>,
    traced: BitSet,
}

impl Folded {
    fn new(options: &Options) -> Self {
        Folded {
            table: SymbolTable::default(),
            diagnostics: Diagnostics::new(options.fatal_warnings),
            files: 0,
            ended: false,
            loaded: Vec::new(),
            variants: Vec::new(),
            variant_of_name: HashMap::new(),
            extractions: Vec::new(),
            comdats: Vec::new(),
            traced: BitSet::default(),
        }
    }

    /// Whether anything is to be said about the files. It may tell what only the bytes of an object say, such as a line of its source.
    pub fn has_diagnostics(&self) -> bool {
        let (diagnostics, ..) = self.diagnostics.extent();
        diagnostics > 0
    }

    /// Whether bitcode is among the files: then it is open what the objects refer to.
    pub fn has_bitcode(&self) -> bool {
        !self.table.bitcode.is_empty()
    }

    /// The object that a file became.
    pub fn object(&self, file: FileId) -> Option<&Object> {
        let id = self.table.object_of_file.get(file.at()).copied().flatten()?;
        Some(self.table.objects[id.at()].object())
    }

    /// Whether a file was on the command line, and is no archive member.
    pub fn is_live_from_start(&self, file: FileId) -> bool {
        let id = self.table.object_of_file.get(file.at()).copied().flatten();
        id.is_some_and(|id| self.table.objects[id.at()].live_from_start)
    }

    /// Puts another object in the place of one that has the same interface. `false` if its path differs, and something that was said has
    /// the old one.
    #[must_use]
    pub fn swap(&mut self, file: FileId, object: &Arc<Object>, path: String) -> bool {
        let Some(id) = self.table.object_of(file) else { return true };
        let linked = &mut self.table.objects[id.at()];
        let says_paths = self.diagnostics.says_anything() || !self.extractions.is_empty();
        if says_paths && *linked.path != *path {
            return false;
        }
        linked.swap(object.clone(), path);
        true
    }
}

/// Adds those of `files` that `folded` lacks. Archive members that they need are loaded.
pub fn fold(
    options: &Options,
    interners: &Interners,
    files: &[&Candidate],
    folded: Option<Folded>,
    timer: &Timer,
) -> Folded {
    let mut folded = folded.unwrap_or_else(|| {
        prefetch_members(interners, files, timer);
        let mut folded = Folded::new(options);
        let mut resolver = Resolver::new(options, interners, files, &mut folded, None);
        resolver.trace_symbols();
        resolver.create_synthetic_symbols();
        folded
    });
    let ended = folded.ended;
    let first = std::mem::replace(&mut folded.files, files.len());
    let mut resolver = Resolver::new(options, interners, files, &mut folded, None);
    if !ended {
        folded.ended = resolver.add_files(first);
    }
    folded
}

/// Settles all symbols, now that all files were added. `None` with `--thinlto-index-only`: the link ends here.
pub fn settle(
    context: &Context<'_>,
    inputs: &Joined<'_>,
    mut folded: Folded,
    diagnostics: &mut Diagnostics,
) -> Result<Option<SymbolTable>, LinkFailure> {
    let Context { options, interners, generation, .. } = context;
    diagnostics.append(std::mem::take(&mut folded.diagnostics));
    diagnostics.check()?;
    let mut resolver = Resolver::new(options, interners, &inputs.files, &mut folded, Some(diagnostics));
    resolver.refer_from_options();
    resolver.diagnostics.check()?;
    let wrapped = resolver.add_wrapped_symbols();
    let new_names = resolver.refer_to_new_names();
    resolver.diagnostics.check()?;
    resolver.take_shared_tags();
    resolver.load_library_calls();
    resolver.diagnostics.check()?;
    resolver.use_dependencies(&inputs.stubs);
    let decided = resolver.decide(&wrapped, &new_names);
    // Beyond this point no bitcode can be added.
    let lazy = lazy_bitcode(inputs, &folded.loaded);
    let generated = generation.generate(options, modules(options, inputs, decided), lazy, diagnostics)?;
    let files: Vec<&Candidate> = inputs.files.iter().copied().chain(&generated).collect();
    let mut resolver = Resolver::new(options, interners, &files, &mut folded, Some(diagnostics));
    resolver.bitcode_is_closed = true;
    resolver.add_generated(inputs.files.len());
    resolver.diagnostics.check()?;
    resolver.process_stub_libraries(&inputs.stubs);
    resolver.report_extractions();
    if options.index_only {
        return resolver.diagnostics.check().map(|()| None);
    }
    resolver.create_optional_symbols();
    let adapters = resolver.settle_variants(&wrapped);
    resolver.diagnostics.check()?;
    resolver.apply_wraps(&wrapped);
    resolver.apply_defsyms(&new_names);
    if options.adapts_calls() {
        resolver.adapt_addresses(adapters);
    }
    resolver.force_exports();
    resolver.limit_exports();
    resolver.stub_undefined_weak_functions();
    resolver.unhide_entry();
    resolver.diagnostics.check()?;
    resolver.demote_lazy_symbols();
    Ok(Some(folded.table))
}

/// Bitcode with its symbols' resolutions, for the code generator.
fn modules<'i>(
    options: &Options,
    inputs: &Joined<'i>,
    decided: Vec<(FileId, Vec<BitcodeResolution>)>,
) -> Vec<BitcodeModule<'i>> {
    let module = |(file, resolutions): (FileId, Vec<BitcodeResolution>)| {
        let candidate = inputs.files[file.at()];
        let Bitcode { name, table, .. } = candidate.bitcode.as_ref()?;
        let (name, bytes) = (name.clone(), &candidate.bytes);
        let is_position_independent = options.is_relocatable() && is_position_independent(bytes);
        Some(BitcodeModule { name, bytes, table, is_position_independent, resolutions })
    };
    decided.into_iter().filter_map(module).collect()
}

/// The names of the bitcode modules that nothing needs.
fn lazy_bitcode<'i>(inputs: &Joined<'i>, loaded: &[bool]) -> Vec<&'i str> {
    let not_loaded = inputs.files.iter().zip(loaded).filter(|(_, &loaded)| !loaded);
    not_loaded.filter_map(|(file, _)| Some(&file.bitcode.as_ref()?.name[..])).collect()
}

/// The phase at work on a [`Folded`].
struct Resolver<'a> {
    options: &'a Options,
    interners: &'a Interners,
    files: &'a [&'a Candidate],
    diagnostics: &'a mut Diagnostics,
    table: &'a mut SymbolTable,
    /// Whether each file was loaded (or is being loaded).
    loaded: &'a mut Vec<bool>,
    /// Names whose functions disagree on their signature, with one symbol for each signature.
    variants: &'a mut Vec<(NameId, Vec<SymbolId>)>,
    /// Position of each name in `variants`.
    variant_of_name: &'a mut HashMap<NameId, usize>,
    extractions: &'a mut Vec<Extraction>,
    /// Comdat groups seen so far, a bit for each name.
    comdats: &'a mut Vec<u64>,
    /// `--trace-symbol` names without a symbol so far.
    traced: &'a mut BitSet,
    env: NameId,
    /// The names that `--defsym` defines.
    new_names: HashSet<NameId>,
    /// Code was generated from the bitcode: no more can be added.
    bitcode_is_closed: bool,
    /// A file is so wrong that no other is looked at.
    must_end: bool,
    /// Why the file is linked whose symbols are being added, if it is lazy.
    reason: Reason,
}

impl<'a> Resolver<'a> {
    /// Diagnostics go to `diagnostics`, or stay in `folded`.
    fn new(
        options: &'a Options,
        interners: &'a Interners,
        files: &'a [&'a Candidate],
        folded: &'a mut Folded,
        diagnostics: Option<&'a mut Diagnostics>,
    ) -> Self {
        let Folded { table, loaded, variants, variant_of_name, extractions, comdats, traced, .. } = folded;
        loaded.resize(files.len(), false);
        table.object_of_file.resize(files.len(), None);
        Resolver {
            options,
            interners,
            files,
            diagnostics: diagnostics.unwrap_or(&mut folded.diagnostics),
            table,
            loaded,
            variants,
            variant_of_name,
            extractions,
            comdats,
            traced,
            env: NameId(interners.names.intern(b"env")),
            new_names: options
                .defsyms
                .iter()
                .map(|d| NameId(interners.names.intern(d.name.as_bytes())))
                .collect(),
            bitcode_is_closed: false,
            must_end: false,
            reason: None,
        }
    }

    fn name(&self, text: &[u8]) -> NameId {
        NameId(self.interners.names.intern(text))
    }

    fn text(&self, name: NameId) -> String {
        name_text(&self.interners.names, name)
    }

    /// The name as messages show it.
    fn display(&self, name: NameId) -> String {
        self.interners.names.with(name.0, |text| display_name(text, self.options.demangle))
    }

    fn file_name(&self, file: Option<FileId>) -> String {
        file.map_or_else(|| "<internal>".to_string(), |file| self.files[file.at()].display())
    }

    fn signature_text(&self, signature: Option<SignatureId>) -> String {
        signature.map_or_else(String::new, |id| self.interners.signatures.with(id.0, display_signature))
    }

    /// The symbol of `name`, created if it does not exist; and whether it was created.
    #[inline]
    fn insert(&mut self, name: NameId) -> (SymbolId, bool) {
        let (id, new) = self.table.insert(name);
        if new {
            let traced = self.traced.contains_checked(name.at());
            let symbol = self.table.get_mut(id);
            symbol.referenced = !self.options.gc_sections;
            symbol.traced = traced;
        }
        (id, new)
    }

    /// A new symbol that no name maps to.
    fn push(&mut self, name: NameId) -> SymbolId {
        let id = SymbolId::new(self.table.symbols.len());
        let mut symbol = Symbol::new(name, SymbolKind::Function);
        symbol.referenced = !self.options.gc_sections;
        self.table.symbols.push(symbol);
        id
    }

    fn error(&mut self, code: Code, message: String) {
        self.diagnostics.push(Diagnostic::error(code, message));
    }

    /// A function that the linker writes, with its symbol.
    fn add_synthetic_function(&mut self, name: &[u8], function: SyntheticFunction) -> SymbolId {
        let name = self.name(name);
        let (id, _) = self.insert(name);
        let number = self.push_synthetic_function(function.clone());
        let symbol = self.table.get_mut(id);
        symbol.kind = SymbolKind::Function;
        symbol.flags = SymbolFlags(SymbolFlags::HIDDEN);
        symbol.signature = Some(function.signature);
        symbol.resolution = Resolution::Synthetic(Synthetic::Function(number));
        self.trace_synthetic(id);
        id
    }

    fn trace_synthetic(&mut self, id: SymbolId) {
        if self.table.get(id).traced {
            self.trace_definition(id);
        }
    }

    fn push_synthetic_function(&mut self, function: SyntheticFunction) -> crate::index::SyntheticFunctionId {
        self.table.synthetic_functions.push(function);
        crate::index::SyntheticFunctionId::new(self.table.synthetic_functions.len() - 1)
    }

    /// Marks the names of `--trace-symbol`.
    fn trace_symbols(&mut self) {
        for name in &self.options.trace_symbols {
            let name = self.name(name.as_bytes());
            self.traced.grow(name.at() + 1, false);
            self.traced.insert(name.at());
        }
    }

    fn trace_definition(&mut self, id: SymbolId) {
        let symbol = self.table.get(id);
        let what = match symbol.resolution {
            Resolution::Undefined => return,
            Resolution::Lazy => "lazy definition of",
            _ => "definition of",
        };
        let message = format!("{}: {what} {}", self.file_name(symbol.file), self.text(symbol.name));
        self.diagnostics.say(MessageKind::TraceSymbol, message);
    }

    fn trace_reference(&mut self, id: SymbolId, file: Option<FileId>) {
        let message =
            format!("{}: reference to {}", self.file_name(file), self.text(self.table.get(id).name));
        self.diagnostics.say(MessageKind::TraceSymbol, message);
    }

    /// Reports why each archive member was extracted.
    fn report_extractions(&mut self) {
        if !self.options.notes_extractions() {
            return;
        }
        let extractions = self.extractions.iter().map(|extraction| messages::Extraction {
            reference: extraction.reference.to_string().into(),
            member: self.file_name(Some(extraction.file)).into(),
            symbol: self.display(self.table.get(extraction.symbol).name),
            is_in_report: extraction.is_told,
        });
        let extractions = extractions.collect();
        self.diagnostics.report_extractions(extractions);
    }

    /// Makes room for a comdat group's name; whether it is the first of its name.
    fn add_comdat(&mut self, name: NameId) -> bool {
        let word = name.at() / 64;
        if word >= self.comdats.len() {
            self.comdats.resize((word + 1).next_power_of_two(), 0);
        }
        let bit = 1 << (name.at() % 64);
        let new = self.comdats[word] & bit == 0;
        self.comdats[word] |= bit;
        new
    }

    fn object_mut(&mut self, object: usize) -> &mut LinkedObject {
        &mut self.table.objects[object]
    }
}
