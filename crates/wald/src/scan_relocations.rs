//! Looks through the relocations of everything live for what the output needs on their account: types that
//! `call_indirect` uses, functions whose address is taken, addresses kept in globals, and symbols that
//! nothing defines.
//!
//! Objects are scanned in parallel, each into lists of its own; the lists are then taken together in the
//! order of the objects, so that the result is the same for any number of threads.

mod facts;
mod object;
mod refused;
mod uses;

use std::cell::Cell;

use hashbrown::HashMap;
use rayon::prelude::*;

use self::facts::Facts;
use self::object::{is_address_imported, Event, ObjectScanner};
use self::refused::RefusedList;
use self::uses::{uses, Use};
use crate::bit_set::BitSet;
use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics, Location};
use crate::display::{display_name, display_signature};
use crate::format::relocation::RelocationType;
use crate::format::SymbolKind;
use crate::index::{NameId, ObjectId, SignatureId, SymbolId, SyntheticFunctionId};
use crate::layout::function_table;
use crate::layout::imports::{global_type, should_import, table_type};
use crate::layout::segments::Segments;
use crate::options::{Options, UnresolvedPolicy};
use crate::program::{Adder, Additions, Program};
use crate::resolve::{object_global_type, object_table_type};
use crate::symbols::{AnySymbol, Purpose, Reference, SyntheticFunction};
use crate::text::unescape_path;

pub use self::object::ObjectScan;
pub use self::refused::{Reason, Refused};

/// What relocations ask for.
#[derive(Default)]
pub struct Scan {
    /// Signatures that `call_indirect` uses, in the order of first use.
    pub types: Vec<SignatureId>,
    /// Functions whose address is taken, in the order of first use, which is that of the table.
    pub table: Vec<AnySymbol>,
    /// Symbols whose address is kept in a global of the module, in the order of first use.
    pub internal_got: Vec<AnySymbol>,
    /// Symbols whose address the environment supplies in a global (`--unresolved-symbols=import-dynamic`).
    pub imported_got: Vec<SymbolId>,
    /// Functions that trap, for calls of undefined functions.
    pub added: Additions,
    /// References to undefined symbols that were reported, in order.
    pub undefined: Vec<UndefinedReference>,
    /// Relocations that were reported, in order.
    pub refused: Vec<Refused>,
    /// What makes the module wrong, and wasm-ld does not notice.
    pub impossible: Vec<Diagnostic>,
    /// The relocations of these, with positions in that list.
    pub refused_by_wald: Vec<Refused>,
    /// Whether the result depends on instructions, and not only on relocations.
    pub has_read_code: bool,
}

/// A reference to an undefined symbol that was reported.
pub struct UndefinedReference {
    /// The object that refers to it.
    pub object: ObjectId,
    /// The symbol.
    pub symbol: SymbolId,
    /// The first symbol of the function that refers to it; [`u32::MAX`] for data.
    pub function: u32,
    /// Position of the diagnostic.
    pub diagnostic: usize,
}

impl Scan {
    /// Makes the function table if the module needs one and has none: for functions in it, or for a global that may be the address
    /// of one, though a stub's is null. See [`function_table::require`].
    pub fn require_table(
        &self,
        context: &Context<'_>,
        program: Program<'_>,
        diagnostics: &mut Diagnostics,
    ) -> (Additions, Option<SymbolId>) {
        let program = program.with(&self.added);
        let is_function = |&symbol: &AnySymbol| program.kind_of(symbol) == SymbolKind::Function;
        match !self.table.is_empty() || self.internal_got.iter().any(is_function) {
            true => function_table::require(context, program, diagnostics),
            false => (self.added.clone(), None),
        }
    }
}

/// Whether a symbol may stay undefined because it is imported.
fn may_be_undefined(context: &Context<'_>, program: Program<'_>, id: SymbolId) -> bool {
    let symbol = program.get(id);
    // Nothing is imported for a local symbol.
    !symbol.flags.is_local()
        && (symbol.is_imported()
            || symbol.kind == SymbolKind::Function && context.options.import_undefined
            || context.may_stay_undefined(symbol.name))
}

/// What some objects ask for, to compare it with what others in their places ask for.
pub fn scan_objects(options: &Options, program: Program<'_>, objects: &[ObjectId]) -> Vec<ObjectScan> {
    let facts = &Facts::new(program);
    objects.iter().map(|&object| scan_object(options, program, facts, object)).collect()
}

fn scan_object(options: &Options, program: Program<'_>, facts: &Facts, object: ObjectId) -> ObjectScan {
    // Any address may need the loader's help in position-independent code.
    let all = options.is_position_independent() || program.objects[object.at()].refers_to_any(&facts.watched);
    ObjectScanner::scan(options, program, facts, object, all)
}

/// Scans everything live.
pub fn scan(
    context: &Context<'_>,
    program: Program<'_>,
    segments: &Segments,
    diagnostics: &mut Diagnostics,
) -> Scan {
    let facts = &Facts::new(program);
    let objects = (0..program.objects.len()).into_par_iter().with_min_len(4).map(ObjectId::new);
    let scans: Vec<ObjectScan> =
        objects.map(|object| scan_object(context.options, program, facts, object)).collect();
    let mut joiner = Joiner {
        context,
        program,
        adder: Adder::new(program),
        segments,
        diagnostics,
        result: Scan::default(),
        seen_types: HashMap::new(),
        seen_functions: BitSet::new(program.chunks.functions.total(), false),
        seen_table: HashMap::new(),
        seen_got: HashMap::new(),
        stubs: HashMap::new(),
        wrong_kinds: Vec::new(),
        indices: Vec::new(),
        calls: Vec::new(),
        not_at_run_time: Vec::new(),
        refused: RefusedList::default(),
        has_read_code: Cell::new(false),
    };
    for (object, scan) in scans.into_iter().enumerate() {
        joiner.join(ObjectId::new(object), scan);
    }
    joiner.report_not_at_run_time();
    let (impossible, refused_by_wald) = joiner.find_impossible();
    let has_read_code = joiner.has_read_code.get();
    let (added, refused) = (joiner.adder.finish(), joiner.refused.list);
    Scan { added, impossible, has_read_code, refused, refused_by_wald, ..joiner.result }
}

struct Joiner<'a> {
    context: &'a Context<'a>,
    program: Program<'a>,
    adder: Adder<'a>,
    segments: &'a Segments,
    diagnostics: &'a mut Diagnostics,
    result: Scan,
    seen_types: HashMap<SignatureId, ()>,
    /// By `Chunks::functions`.
    seen_functions: BitSet,
    seen_table: HashMap<AnySymbol, ()>,
    seen_got: HashMap<AnySymbol, ()>,
    /// The trapping function for each signature of undefined functions.
    stubs: HashMap<SignatureId, SyntheticFunctionId>,
    wrong_kinds: Vec<(ObjectId, RelocationType, u32)>,
    /// Undefined symbols that code names by an index, and those whose address may be an index in the function table.
    indices: Vec<(ObjectId, RelocationType, u32)>,
    /// Symbols that are called with another signature than they have.
    calls: Vec<(ObjectId, u32)>,
    not_at_run_time: Vec<(ObjectId, RelocationType, u32)>,
    refused: RefusedList,
    /// See [`Scan::has_read_code`].
    has_read_code: Cell<bool>,
}

impl Joiner<'_> {
    fn join(&mut self, object: ObjectId, scan: ObjectScan) {
        for signature in scan.types {
            if self.seen_types.insert(signature, ()).is_none() {
                self.result.types.push(signature);
            }
        }
        for event in scan.events {
            match event {
                Event::Function(function, symbol) => self.add_function(function, symbol),
                Event::Table(symbol) => self.add_table_entry(symbol),
                Event::Got(symbol) => self.add_got_entry(symbol),
                Event::Undefined(symbol, function) => self.report_undefined(object, symbol, function),
                Event::ThreadLocal(kind, index) => self.check_thread_local(object, kind, index),
                Event::NotAtRunTime(kind, index) => self.not_at_run_time.push((object, kind, index)),
                Event::Index(kind, index) => self.indices.push((object, kind, index)),
                Event::Call(index) => self.calls.push((object, index)),
                Event::WrongKind(kind, index) => self.wrong_kinds.push((object, kind, index)),
                Event::Absolute(kind, index) => {
                    let of = (object, kind, index);
                    let advice = "; recompile with -fPIC";
                    self.report_relocation(of, Reason::Absolute, "cannot be used against", advice);
                }
                Event::RelativeToNothing(kind, index) => {
                    let (of, reason) = ((object, kind, index), Reason::RelativeToNothing);
                    self.report_relocation(of, reason, "is not supported against an undefined", "");
                }
            }
        }
    }

    /// What wasm-ld notices last.
    fn report_not_at_run_time(&mut self) {
        for (object, kind, index) in std::mem::take(&mut self.not_at_run_time) {
            let message = format!("invalid runtime relocation type in data section: {}", kind.name());
            self.refused.add((object, kind, index), Reason::NotAtRunTime, self.diagnostics.extent().0);
            self.diagnostics.push(Diagnostic::error(Code::Relocation, message));
        }
    }

    /// What only Wald notices. On some of these, wasm-ld crashes.
    fn find_impossible(&self) -> (Vec<Diagnostic>, Vec<Refused>) {
        let (mut found, mut refused) = (Vec::new(), RefusedList::default());
        for &(object, kind, index) in &self.wrong_kinds {
            let why = ", which is no datum elsewhere";
            refused.add((object, kind, index), Reason::WrongKind, found.len());
            found.push(self.relocation_error(object, kind, index, "cannot be used against", why));
        }
        for &(object, kind, index) in &self.indices {
            let why = if self.has_no_index(object, kind, index) {
                ", which has no index in the module"
            } else if self.has_other_type(object, index) {
                ", which is imported with another type"
            } else {
                continue;
            };
            refused.add((object, kind, index), Reason::NoIndex, found.len());
            found.push(self.relocation_error(object, kind, index, "cannot be used against undefined", why));
        }
        for &(object, index) in &self.calls {
            if let Some(error) = self.call_error(object, index) {
                refused.add((object, RelocationType::FunctionIndexLeb, index), Reason::Call, found.len());
                found.push(error);
            }
        }
        (found, refused.list)
    }

    /// Whether an undefined symbol is not in the index space that a relocation is about.
    fn has_no_index(&self, object: ObjectId, kind: RelocationType, index: u32) -> bool {
        let Reference::Global(id) = self.program.objects[object.at()].reference(index) else { return false };
        let symbol = self.program.get(id);
        let is_in_table = self.seen_table.contains_key(&AnySymbol::Global(id));
        let fits = match kind {
            RelocationType::FunctionIndexLeb => symbol.kind == SymbolKind::Function,
            RelocationType::TagIndexLeb => symbol.kind == SymbolKind::Tag,
            RelocationType::TableNumberLeb => symbol.kind == SymbolKind::Table,
            kind if kind.is_table_index() && !is_in_table => return false,
            kind if kind.is_table_index() => true,
            // `--wrap` makes a function without a signature of any name. Its address can be imported, nothing else.
            _ if symbol.kind == SymbolKind::Function && symbol.signature.is_none() => {
                let own = &self.program.objects[object.at()].object().symbols[index as usize];
                let address = AnySymbol::Global(id);
                return own.kind == SymbolKind::Global
                    || !is_address_imported(self.context.options, self.program, address);
            }
            // The address of anything else is in a global, and that of a function in the table.
            _ if symbol.kind != SymbolKind::Global && !is_in_table => return false,
            _ => true,
        };
        // The function table is made when it turns out to be needed.
        let is_made_late = symbol.name == self.context.name(function_table::NAME);
        let is_imported = || should_import(self.context, self.program, id);
        let has_stub = self.adder.program().get(id).stub.is_some();
        !fits || !has_stub && !is_made_late && !is_imported()
    }

    /// Whether an undefined global, table or tag is imported as something that the code cannot use: wasm-ld compares only definitions
    /// with references.
    fn has_other_type(&self, object: ObjectId, index: u32) -> bool {
        let linked = &self.program.objects[object.at()];
        let (parsed, Reference::Global(id)) = (linked.object(), linked.reference(index)) else {
            return false;
        };
        let own = &parsed.symbols[index as usize];
        let symbol = self.program.get(id);
        match (own.kind, symbol.kind) {
            (SymbolKind::Global, SymbolKind::Global) => {
                let declared = object_global_type(parsed, own);
                let imported = global_type(self.context.options, self.program, id);
                let uses = || self.uses(object, RelocationType::GlobalIndexLeb, index);
                declared != imported && !uses().all(|use_of| use_of.can_use_global(declared, imported))
            }
            (SymbolKind::Table, SymbolKind::Table) => {
                let is_same = object_table_type(parsed, own).element == table_type(self.program, id).element;
                !is_same
                    && !self
                        .uses(object, RelocationType::TableNumberLeb, index)
                        .all(|use_of| use_of.can_use_any_table())
            }
            (SymbolKind::Tag, SymbolKind::Tag) => {
                let import = parsed.imports.tags.get(own.element as usize);
                let declared = import.and_then(|import| parsed.types.get(import.of as usize)).copied();
                let (Some(declared), Some(imported)) = (declared, symbol.signature) else {
                    return declared != symbol.signature;
                };
                let (declared, imported) = (self.signature(declared), self.signature(imported));
                !self
                    .uses(object, RelocationType::TagIndexLeb, index)
                    .all(|use_of| use_of.can_use_tag(&declared, &imported))
            }
            _ => false,
        }
    }

    fn uses(&self, object: ObjectId, kind: RelocationType, symbol: u32) -> impl Iterator<Item = Use<'_>> {
        self.has_read_code.set(true);
        uses(self.program, object, kind, symbol)
    }

    /// A signature in binary form.
    fn signature(&self, signature: SignatureId) -> Vec<u8> {
        self.context.interners.signatures.with(signature.0, <[u8]>::to_vec)
    }

    /// The error about calls of a function that has another signature in the end, unless they are valid all the same.
    fn call_error(&self, object: ObjectId, index: u32) -> Option<Diagnostic> {
        let linked = &self.program.objects[object.at()];
        let Reference::Global(id) = linked.reference(index) else { return None };
        let symbol = self.program.get(id);
        let parsed = linked.object();
        let element = parsed.symbols[index as usize].element;
        let of_import = parsed.imports.functions.get(element as usize).map(|import| import.of);
        let type_index =
            of_import.unwrap_or_else(|| parsed.functions[parsed.defined_function(element)].type_index);
        let called = self.signature(parsed.types[type_index as usize]);
        let defined = self.signature(symbol.signature?);
        if self
            .uses(object, RelocationType::FunctionIndexLeb, index)
            .all(|call| call.can_call(&called, &defined))
        {
            return None;
        }
        let text =
            |signature: SignatureId| self.context.interners.signatures.with(signature.0, display_signature);
        let definer = symbol.file.and_then(|file| self.program.object_of(file));
        let message = format!(
            "function signature mismatch: {}\n>>> called as {} in {}\n>>> defined as {} in {}",
            self.context.display(symbol.name),
            text(parsed.types[type_index as usize]),
            linked.path,
            symbol.signature.map_or_else(String::new, text),
            definer.map_or("<internal>", |object| &self.program.objects[object.at()].path),
        );
        Some(Diagnostic::error(Code::SymbolType, message))
    }

    /// A thread-local relocation needs a definition, and with shared memory a thread-local one; without, there
    /// is only one thread's data and it may be anywhere.
    fn check_thread_local(&mut self, object: ObjectId, kind: RelocationType, index: u32) {
        let linked = &self.program.objects[object.at()];
        let is_multithreaded = self.context.options.is_multithreaded();
        let found = match linked.reference(index) {
            Reference::Local(own) => Some((object, linked.own(own))),
            Reference::Global(id) => self.program.definition(self.program.get(id)),
        };
        let name = self.name_of(object, index);
        let start = format!("{}: relocation {} cannot be used against", linked.path, kind.name());
        let mut problems = Vec::new();
        match found {
            None => {
                let symbol = match linked.reference(index) {
                    Reference::Global(id) => Some(self.program.get(id)),
                    Reference::Local(_) => None,
                };
                // What a shared library defines counts as defined, but its data are never thread-local.
                if !symbol.is_some_and(|symbol| symbol.is_shared()) {
                    problems.push(format!("{start} an undefined symbol `{name}`"));
                }
                let is_tls = symbol.is_some_and(|symbol| symbol.flags.is_tls());
                if is_multithreaded && !is_tls {
                    problems.push(format!("{start} non-TLS symbol `{name}`"));
                }
            }
            Some((definer, own)) if is_multithreaded => {
                if !own.flags.is_tls() {
                    problems.push(format!("{start} non-TLS symbol `{name}`"));
                }
                let segment = own.lies_in_segment().then(|| {
                    let flat = self.program.chunks.segments.of(definer, own.element as usize);
                    self.segments.locate(self.program, flat, own.offset)
                });
                if let Some((segment, _)) = segment.flatten().filter(|(segment, _)| !segment.is_tls) {
                    let segment = String::from_utf8_lossy(&segment.name);
                    problems.push(format!("{start} `{name}` in non-TLS section: {segment}"));
                }
            }
            Some(_) => {}
        }
        if !problems.is_empty() {
            self.refused.add((object, kind, index), Reason::ThreadLocal, self.diagnostics.extent().0);
        }
        for problem in problems {
            self.diagnostics.push(Diagnostic::error(Code::Relocation, problem));
        }
    }

    /// The name of what an object's symbol refers to, as messages show it: with `--wrap`, not the object's own name for it.
    fn name_of(&self, object: ObjectId, index: u32) -> String {
        let linked = &self.program.objects[object.at()];
        match linked.reference(index) {
            Reference::Global(id) => self.context.display(self.program.get(id).name),
            Reference::Local(own) => {
                display_name(linked.own(own).name_in(linked.object()), self.context.options.demangle)
            }
        }
    }

    fn report_relocation(
        &mut self,
        (object, kind, index): (ObjectId, RelocationType, u32),
        reason: Reason,
        what: &str,
        advice: &str,
    ) {
        let diagnostic = self.relocation_error(object, kind, index, what, advice);
        self.refused.add((object, kind, index), reason, self.diagnostics.extent().0);
        self.diagnostics.push(diagnostic);
    }

    fn relocation_error(
        &self,
        object: ObjectId,
        kind: RelocationType,
        index: u32,
        what: &str,
        advice: &str,
    ) -> Diagnostic {
        let path = &self.program.objects[object.at()].path;
        let name = self.name_of(object, index);
        let message = format!("{path}: relocation {} {what} symbol `{name}`{advice}", kind.name());
        Diagnostic::error(Code::Relocation, message)
    }

    fn add_table_entry(&mut self, symbol: AnySymbol) {
        if let AnySymbol::Global(id) = symbol {
            let entry = self.adder.program().get(id);
            if entry.is_stub || entry.is_lazy() || entry.kind != SymbolKind::Function {
                return;
            }
            if entry.is_undefined_weak() && !should_import(self.context, self.program, id) {
                // In position-independent code, a hidden one. Other modules cannot define it, so its address is null.
                self.adder.change(id).is_stub = true;
                return;
            }
        }
        match self.program.function_of(symbol) {
            Some(function) => self.add_function(function, symbol),
            None => {
                if self.seen_table.insert(symbol, ()).is_none() {
                    self.result.table.push(symbol);
                }
            }
        }
    }

    /// A function has one table entry, whatever its names. The entry keeps the first symbol whose address is taken: an
    /// alias of a weak definition may be an import of its own.
    fn add_function(&mut self, function: usize, symbol: AnySymbol) {
        if self.seen_functions.insert(function) {
            self.result.table.push(symbol);
        }
    }

    fn add_got_entry(&mut self, symbol: AnySymbol) {
        if self.seen_got.insert(symbol, ()).is_some() {
            return;
        }
        match symbol {
            AnySymbol::Global(id) if is_address_imported(self.context.options, self.program, symbol) => {
                self.result.imported_got.push(id);
            }
            _ => {
                if self.program.kind_of(symbol) == SymbolKind::Function {
                    self.add_table_entry(symbol);
                }
                if self.context.options.cooperative_threading && self.program.flags_of(symbol).is_tls() {
                    self.report_shared_address(symbol);
                }
                self.result.internal_got.push(symbol);
            }
        }
    }

    /// Cooperative threads share their globals: none can hold the address of a thread's own datum.
    fn report_shared_address(&mut self, symbol: AnySymbol) {
        let demangle = self.context.options.demangle;
        let name = match symbol {
            AnySymbol::Global(id) => self.context.display(self.program.get(id).name),
            AnySymbol::Local(object, own) => {
                let linked = &self.program.objects[object.at()];
                display_name(linked.own(own).name_in(linked.object()), demangle)
            }
        };
        let message = format!(
            "thread-local `{name}` cannot be reached through a global with --cooperative-threading: \
             all threads share it; recompile without -fPIC"
        );
        self.diagnostics.push(Diagnostic::error(Code::Relocation, message));
    }

    fn report_undefined(&mut self, object: ObjectId, id: SymbolId, function_symbol: u32) {
        if may_be_undefined(self.context, self.program, id) {
            return;
        }
        let linked = &self.program.objects[object.at()];
        let symbol = self.program.get(id);
        let show = |name: NameId| self.context.display(name);
        let message = format!("{}: undefined symbol: {}", linked.path, show(symbol.name));
        let function = linked.object().symbols.get(function_symbol as usize);
        let function =
            function.map(|s| display_name(s.name_in(linked.object()), self.context.options.demangle));
        let location = Location { symbol: function, ..Location::file(unescape_path(&linked.path)) };
        let diagnostic = match self.context.options.unresolved_symbols {
            UnresolvedPolicy::Warn if !symbol.flags.is_local() => {
                Some(Diagnostic::warning(Code::UndefinedSymbol, message))
            }
            UnresolvedPolicy::Ignore | UnresolvedPolicy::ImportDynamic if !symbol.flags.is_local() => None,
            _ => Some(Diagnostic::error(Code::UndefinedSymbol, message)),
        };
        if let Some(diagnostic) = diagnostic {
            let (position, ..) = self.diagnostics.extent();
            self.result.undefined.push(UndefinedReference {
                object,
                symbol: id,
                function: function_symbol,
                diagnostic: position,
            });
            self.diagnostics.push(diagnostic.with_location(location));
        }
        let imports = self.context.options.unresolved_symbols == UnresolvedPolicy::ImportDynamic;
        if symbol.kind == SymbolKind::Function && !imports && !self.context.options.import_undefined {
            self.stub(id);
        }
    }

    /// Calls to an undefined function go to a function that traps.
    fn stub(&mut self, id: SymbolId) {
        let symbol = self.adder.program().get(id);
        let (Some(signature), None) = (symbol.signature, symbol.stub) else { return };
        let number = *self.stubs.entry(signature).or_insert_with(|| {
            let function = SyntheticFunction::named(b"undefined_stub", signature, Purpose::Unreachable);
            self.adder.add_function(function)
        });
        let symbol = self.adder.change(id);
        symbol.stub = Some(number);
        symbol.is_stub = true;
    }
}
