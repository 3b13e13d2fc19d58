//! Looks through the relocations of everything live for what the output needs on their account: types that
//! `call_indirect` uses, functions whose address is taken, addresses kept in globals, and symbols that
//! nothing defines.
//!
//! Objects are scanned in parallel, each into lists of its own; the lists are then taken together in the
//! order of the objects, so that the result is the same for any number of threads.

use hashbrown::HashMap;
use rayon::prelude::*;

use crate::bit_set::BitSet;
use crate::chunks::Chunks;
use crate::context::Context;
use crate::diagnostics::{Code, Diagnostic, Diagnostics, Location};
use crate::format::relocation::{Relocation, RelocationType};
use crate::format::SymbolKind;
use crate::index::{
    ByteRange, NameId, ObjectId, ObjectSymbolIndex, SignatureId, SymbolId, SyntheticFunctionId,
};
use crate::layout::segments::Segments;
use crate::mark_live::Liveness;
use crate::options::{Options, UnresolvedPolicy};
use crate::resolve::display_name;
use crate::symbols::{AnySymbol, Purpose, Reference, Resolution, SymbolTable, Synthetic, SyntheticFunction};

/// What relocations ask for.
#[derive(Default)]
pub struct Scan {
    /// Signatures that `call_indirect` uses, in the order of first use.
    pub types: Vec<SignatureId>,
    /// Functions whose address is taken, in the order of first use, as they stand in the table.
    pub table: Vec<AnySymbol>,
    /// Symbols whose address is kept in a global of the module, in the order of first use.
    pub internal_got: Vec<AnySymbol>,
    /// Symbols whose address the environment supplies in a global (`--unresolved-symbols=import-dynamic`).
    pub imported_got: Vec<SymbolId>,
}

impl Scan {
    /// Every symbol whose address is kept in a global.
    pub fn got(&self) -> impl Iterator<Item = AnySymbol> + '_ {
        self.internal_got.iter().copied().chain(self.imported_got.iter().map(|&id| AnySymbol::Global(id)))
    }
}

/// What one object's relocations ask for.
#[derive(Default)]
struct ObjectScan {
    types: Vec<SignatureId>,
    events: Vec<Event>,
}

/// Something that the objects must be asked about in order.
enum Event {
    /// The address of an object's function is taken: the function's number and its key.
    Function(usize, AnySymbol),
    /// The address of another function is taken.
    Table(AnySymbol),
    /// A symbol's address is kept in a global.
    Got(AnySymbol),
    /// An undefined symbol is referred to, from the function of this symbol.
    Undefined(SymbolId, u32),
    /// A thread-local relocation.
    ThreadLocal(RelocationType, u32),
    /// A relocation in data that only the loader could apply, and that no function for it can.
    NotAtRunTime(RelocationType),
    /// A relocation that a dynamic linker cannot supply the value of.
    Absolute(RelocationType, u32),
    /// A relocation relative to this module's own data or table, against a symbol that nothing defines.
    RelativeToNothing(RelocationType, u32),
    /// A relocation for the address of a datum, against a function: objects disagree about what it is that nothing
    /// defines.
    WrongKind(RelocationType, u32),
}

/// Whether a symbol's address comes from the environment, in an imported global: another module defines the symbol, or
/// may bring a definition that is to win.
pub fn is_address_imported(options: &Options, symbols: &SymbolTable, symbol: AnySymbol) -> bool {
    let AnySymbol::Global(id) = symbol else { return false };
    let symbol = symbols.get(id);
    if symbol.is_shared() {
        return true;
    }
    let dynamic = options.unresolved_symbols == UnresolvedPolicy::ImportDynamic;
    if !options.is_position_independent() && !dynamic || symbol.flags.is_hidden() || symbol.flags.is_local() {
        return false;
    }
    !symbol.is_defined() || options.is_shared() && !options.bsymbolic
}

/// Whether a symbol may stay undefined because it is imported.
fn may_be_undefined(context: &Context<'_>, symbols: &SymbolTable, id: SymbolId) -> bool {
    let symbol = symbols.get(id);
    // Nothing is imported for a local symbol.
    !symbol.flags.is_local()
        && (symbol.is_imported()
            || symbol.kind == SymbolKind::Function && context.options.import_undefined
            || context.may_stay_undefined(symbol.name))
}

/// Scans everything live.
pub fn scan(
    context: &Context<'_>,
    symbols: &mut SymbolTable,
    chunks: &Chunks,
    segments: &Segments,
    live: &mut Liveness,
    diagnostics: &mut Diagnostics,
) -> Scan {
    let shared: &SymbolTable = symbols;
    let live_now: &Liveness = live;
    // Any address may need the loader's help in position-independent code.
    let everything = context.options.is_position_independent();
    let watched = watched_symbols(shared);
    let scans: Vec<ObjectScan> = (0..shared.objects.len())
        .into_par_iter()
        .with_min_len(4)
        .map(|object| {
            let object = ObjectId::new(object);
            let all = everything || shared.objects[object.at()].refers_to_any(&watched);
            ObjectScanner::scan(context.options, shared, chunks, live_now, object, all)
        })
        .collect();
    let mut joiner = Joiner {
        context,
        symbols,
        chunks,
        segments,
        live,
        diagnostics,
        result: Scan::default(),
        seen_types: HashMap::new(),
        seen_functions: BitSet::new(chunks.functions.total(), false),
        seen_table: HashMap::new(),
        seen_got: HashMap::new(),
        stubs: HashMap::new(),
        wrong_kinds: Vec::new(),
        not_at_run_time: Vec::new(),
    };
    for (object, scan) in scans.into_iter().enumerate() {
        joiner.join(ObjectId::new(object), scan);
    }
    joiner.report_impossible();
    joiner.result
}

/// Symbols to which any reference counts, whatever its type: most objects refer to none, and of those only the
/// chunks that ask for something are looked through.
fn watched_symbols(symbols: &SymbolTable) -> BitSet {
    BitSet::collect(symbols.symbols.len(), |position| {
        let symbol = &symbols.symbols[position];
        // An address that the linker defines may be a global to the object: `__memory_base`.
        let is_address = matches!(symbol.resolution, Resolution::Synthetic(Synthetic::Data(_)));
        symbol.is_undefined() || symbol.is_lazy() || symbol.is_shared() || is_address
    })
}

struct ObjectScanner<'a> {
    options: &'a Options,
    symbols: &'a SymbolTable,
    chunks: &'a Chunks,
    object: ObjectId,
    /// Types and symbols that were noted already.
    types_seen: BitSet,
    table_seen: BitSet,
    got_seen: BitSet,
    found: ObjectScan,
}

impl ObjectScanner<'_> {
    fn scan(
        options: &Options,
        symbols: &SymbolTable,
        chunks: &Chunks,
        live: &Liveness,
        object: ObjectId,
        all: bool,
    ) -> ObjectScan {
        let parsed = symbols.objects[object.at()].object();
        let count = parsed.symbols.len();
        let mut scanner = ObjectScanner {
            options,
            symbols,
            chunks,
            object,
            types_seen: BitSet::new(parsed.types.len(), false),
            table_seen: BitSet::new(count, false),
            got_seen: BitSet::new(count, false),
            found: ObjectScan::default(),
        };
        for (index, function) in parsed.functions.iter().enumerate() {
            if (all || function.asks) && live.functions.contains(chunks.functions.of(object, index)) {
                let prepared = parsed.prepared.get().filter(|_| !all);
                match prepared.and_then(|prepared| prepared.asking(index)) {
                    Some(asking) => asking.for_each(|entry| scanner.relocation(entry, function.symbol)),
                    None => scanner.chunk(function.relocations, function.symbol),
                }
            }
        }
        for (index, segment) in parsed.segments.iter().enumerate() {
            if (all || segment.asks) && live.segments.contains(chunks.segments.of(object, index)) {
                scanner.chunk(segment.relocations, u32::MAX);
                if options.is_position_independent() {
                    scanner.check_run_time(segment.relocations);
                }
            }
        }
        if live.sections {
            for section in &parsed.custom_sections {
                scanner.chunk(section.relocations, u32::MAX);
            }
        }
        scanner.found
    }

    fn chunk(&mut self, range: ByteRange, function: u32) {
        let parsed = self.symbols.objects[self.object.at()].object();
        for relocation in parsed.relocations(range) {
            self.relocation(relocation, function);
        }
    }

    /// Data of position-independent modules are relocated by code that the module brings.
    fn check_run_time(&mut self, range: ByteRange) {
        use RelocationType::*;
        let parsed = self.symbols.objects[self.object.at()].object();
        for relocation in parsed.relocations(range) {
            let is_known =
                matches!(relocation.kind, TableIndexI32 | TableIndexI64 | MemoryAddrI32 | MemoryAddrI64);
            if !is_known {
                self.found.events.push(Event::NotAtRunTime(relocation.kind));
            }
        }
    }

    #[inline]
    fn relocation(&mut self, relocation: Relocation, function: u32) {
        use RelocationType::*;
        let linked = &self.symbols.objects[self.object.at()];
        let index = relocation.index as usize;
        if relocation.kind == TypeIndexLeb {
            if self.types_seen.insert(index) {
                self.found.types.push(linked.object().types[index]);
            }
            return;
        }
        let reference = linked.reference(relocation.index);
        match relocation.kind {
            kind if kind.is_table_index() && self.table_seen.insert(index) => {
                let event = self.table_event(reference);
                self.found.events.extend(event);
            }
            GlobalIndexLeb | GlobalIndexI32 => {
                // `__memory_base` is a global to the object and an address to the link.
                let kind = match reference {
                    Reference::Own(own) => linked.own(own).kind,
                    Reference::Global(id) => self.symbols.get(id).kind,
                };
                if kind != SymbolKind::Global && self.got_seen.insert(index) {
                    self.found.events.push(Event::Got(self.any(reference)));
                }
            }
            MemoryAddrTlsSleb | MemoryAddrTlsSleb64 => {
                self.found.events.push(Event::ThreadLocal(relocation.kind, relocation.index));
            }
            _ => {}
        }
        let (undefined, shared) = match reference {
            Reference::Global(id) => (self.symbols.get(id).is_undefined(), self.symbols.get(id).is_shared()),
            Reference::Own(_) => (false, false),
        };
        let options = self.options;
        let dynamic = shared || undefined && options.unresolved_symbols == UnresolvedPolicy::ImportDynamic;
        if dynamic || options.is_position_independent() {
            self.dynamic_relocation(&relocation, reference);
        }
        if undefined {
            self.check_kind(&relocation, reference);
        }
        if undefined && !options.is_relocatable() {
            self.undefined_relocation(&relocation, reference, function);
        }
    }

    fn check_kind(&mut self, relocation: &Relocation, reference: Reference) {
        let Reference::Global(id) = reference else { return };
        let symbol = self.symbols.get(id);
        if relocation.kind.is_memory_address() && symbol.kind != SymbolKind::Data && !symbol.flags.is_weak() {
            self.found.events.push(Event::WrongKind(relocation.kind, relocation.index));
        }
    }

    /// What only the loader will know must come through a global, or by code that it runs.
    fn dynamic_relocation(&mut self, relocation: &Relocation, reference: Reference) {
        use RelocationType::*;
        match relocation.kind {
            TableIndexSleb | TableIndexSleb64 | MemoryAddrSleb | MemoryAddrSleb64 | MemoryAddrLeb
            | MemoryAddrLeb64 => self.found.events.push(Event::Absolute(relocation.kind, relocation.index)),
            TableIndexI32 | TableIndexI64 | MemoryAddrI32 | MemoryAddrI64 => {
                let symbol = self.any(reference);
                if is_address_imported(self.options, self.symbols, symbol)
                    && self.got_seen.insert(relocation.index as usize)
                {
                    self.found.events.push(Event::Got(symbol));
                }
            }
            _ => {}
        }
    }

    fn undefined_relocation(&mut self, relocation: &Relocation, reference: Reference, function: u32) {
        use RelocationType::*;
        if let TableIndexRelSleb | TableIndexRelSleb64 | MemoryAddrRelSleb | MemoryAddrRelSleb64 =
            relocation.kind
        {
            self.found.events.push(Event::RelativeToNothing(relocation.kind, relocation.index));
        }
        if let Reference::Global(id) = reference {
            if !self.symbols.get(id).flags.is_weak() {
                self.found.events.push(Event::Undefined(id, function));
            }
        }
    }

    /// What it means that a function's address is taken. Most functions are an object's: who they are is looked up
    /// here, in parallel.
    fn table_event(&self, reference: Reference) -> Option<Event> {
        let symbol = self.any(reference);
        if is_address_imported(self.options, self.symbols, symbol) {
            return None;
        }
        let is_plain = match symbol {
            AnySymbol::Own(..) => true,
            AnySymbol::Global(id) => {
                let entry = self.symbols.get(id);
                entry.is_defined() && !entry.is_stub && entry.kind == SymbolKind::Function
            }
        };
        match function_of(self.symbols, self.chunks, symbol).filter(|_| is_plain) {
            Some((function, key)) => Some(Event::Function(function, key)),
            None => Some(Event::Table(symbol)),
        }
    }

    fn any(&self, reference: Reference) -> AnySymbol {
        match reference {
            Reference::Own(own) => AnySymbol::Own(self.object, own),
            Reference::Global(id) => AnySymbol::Global(id),
        }
    }
}

struct Joiner<'a> {
    context: &'a Context<'a>,
    symbols: &'a mut SymbolTable,
    chunks: &'a Chunks,
    segments: &'a Segments,
    live: &'a mut Liveness,
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
    not_at_run_time: Vec<RelocationType>,
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
                Event::Function(function, key) => self.add_function(function, key),
                Event::Table(symbol) => self.add_table_entry(symbol),
                Event::Got(symbol) => self.add_got_entry(symbol),
                Event::Undefined(symbol, function) => self.report_undefined(object, symbol, function),
                Event::ThreadLocal(kind, index) => self.check_thread_local(object, kind, index),
                Event::NotAtRunTime(kind) => self.not_at_run_time.push(kind),
                Event::WrongKind(kind, index) => self.wrong_kinds.push((object, kind, index)),
                Event::Absolute(kind, index) => {
                    self.report_relocation(
                        object,
                        kind,
                        index,
                        "cannot be used against",
                        "; recompile with -fPIC",
                    );
                }
                Event::RelativeToNothing(kind, index) => {
                    self.report_relocation(object, kind, index, "is not supported against an undefined", "");
                }
            }
        }
    }

    /// What is noticed last.
    fn report_impossible(&mut self) {
        for kind in std::mem::take(&mut self.not_at_run_time) {
            let message = format!("invalid runtime relocation type in data section: {}", kind.name());
            self.diagnostics.push(Diagnostic::error(Code::Relocation, message));
        }
        // Where nothing else is wrong, wasm-ld crashes on these.
        if self.diagnostics.error_count() > 0 {
            return;
        }
        for (object, kind, index) in std::mem::take(&mut self.wrong_kinds) {
            self.report_relocation(
                object,
                kind,
                index,
                "cannot be used against",
                ", which is no datum elsewhere",
            );
        }
    }

    /// A thread-local relocation needs a definition, and with shared memory a thread-local one; without, there
    /// is only one thread's data and it may lie anywhere.
    fn check_thread_local(&mut self, object: ObjectId, kind: RelocationType, index: u32) {
        let linked = &self.symbols.objects[object.at()];
        let found = match linked.reference(index) {
            Reference::Own(own) => Some((object, linked.own(own))),
            Reference::Global(id) => self.symbols.definition(self.symbols.get(id)),
        };
        let name = linked.object().symbols[index as usize].name_in(linked.object());
        let name = display_name(name, self.context.options.demangle);
        let start = format!("{}: relocation {} cannot be used against", linked.path, kind.name());
        let mut problems = Vec::new();
        match found {
            None => problems.push(format!("{start} an undefined symbol `{name}`")),
            Some((definer, own)) if self.context.options.is_multithreaded() => {
                if !own.flags.is_tls() {
                    problems.push(format!("{start} non-TLS symbol `{name}`"));
                }
                let segment = own.lies_in_segment().then(|| {
                    let flat = self.chunks.segments.of(definer, own.element as usize);
                    self.segments.locate(self.symbols, flat, own.offset)
                });
                if let Some((segment, _)) = segment.flatten().filter(|(segment, _)| !segment.is_tls) {
                    let segment = String::from_utf8_lossy(&segment.name);
                    problems.push(format!("{start} `{name}` in non-TLS section: {segment}"));
                }
            }
            Some(_) => {}
        }
        for problem in problems {
            self.diagnostics.push(Diagnostic::error(Code::Relocation, problem));
        }
    }

    fn report_relocation(
        &mut self,
        object: ObjectId,
        kind: RelocationType,
        index: u32,
        what: &str,
        advice: &str,
    ) {
        let linked = &self.symbols.objects[object.at()];
        let name = match linked.reference(index) {
            Reference::Global(id) => self.context.display(self.symbols.get(id).name),
            Reference::Own(own) => {
                display_name(linked.own(own).name_in(linked.object()), self.context.options.demangle)
            }
        };
        let message = format!("{}: relocation {} {what} symbol `{name}`{advice}", linked.path, kind.name());
        self.diagnostics.push(Diagnostic::error(Code::Relocation, message));
    }

    fn add_table_entry(&mut self, symbol: AnySymbol) {
        if let AnySymbol::Global(id) = symbol {
            let entry = self.symbols.get(id);
            if entry.is_stub || entry.kind != SymbolKind::Function {
                return;
            }
        }
        match function_of(self.symbols, self.chunks, symbol) {
            Some((function, key)) => self.add_function(function, key),
            None => {
                if self.seen_table.insert(symbol, ()).is_none() {
                    self.result.table.push(symbol);
                }
            }
        }
    }

    /// The same function counts once under however many names.
    fn add_function(&mut self, function: usize, key: AnySymbol) {
        if self.seen_functions.insert(function) {
            self.result.table.push(key);
        }
    }

    fn add_got_entry(&mut self, symbol: AnySymbol) {
        if self.seen_got.insert(symbol, ()).is_some() {
            return;
        }
        match symbol {
            AnySymbol::Global(id) if is_address_imported(self.context.options, self.symbols, symbol) => {
                self.result.imported_got.push(id);
            }
            _ => {
                if self.symbols.kind_of(symbol) == SymbolKind::Function {
                    self.add_table_entry(symbol);
                }
                if self.context.options.cooperative_threading && self.symbols.flags_of(symbol).is_tls() {
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
            AnySymbol::Global(id) => self.context.display(self.symbols.get(id).name),
            AnySymbol::Own(object, own) => {
                let linked = &self.symbols.objects[object.at()];
                display_name(linked.own(own).name_in(linked.object()), demangle)
            }
        };
        let message = format!(
            "thread-local `{name}` cannot be reached through a global with --cooperative-threading: \
             all threads share it; recompile without -fPIC"
        );
        self.diagnostics.push(Diagnostic::error(Code::Relocation, message));
    }

    fn report_undefined(&mut self, object: ObjectId, id: SymbolId, function: u32) {
        if may_be_undefined(self.context, self.symbols, id) {
            return;
        }
        let linked = &self.symbols.objects[object.at()];
        let symbol = self.symbols.get(id);
        let show = |name: NameId| self.context.display(name);
        let message = format!("{}: undefined symbol: {}", linked.path, show(symbol.name));
        let function = linked.object().symbols.get(function as usize);
        let function =
            function.map(|s| display_name(s.name_in(linked.object()), self.context.options.demangle));
        let location = Location { path: linked.path.to_string(), symbol: function, ..Location::default() };
        match self.context.options.unresolved_symbols {
            _ if symbol.flags.is_local() => {
                self.diagnostics.push(Diagnostic::error(Code::UndefinedSymbol, message).at(location));
            }
            UnresolvedPolicy::ReportError => {
                self.diagnostics.push(Diagnostic::error(Code::UndefinedSymbol, message).at(location));
            }
            UnresolvedPolicy::Warn => {
                self.diagnostics.push(Diagnostic::warning(Code::UndefinedSymbol, message).at(location));
            }
            UnresolvedPolicy::Ignore | UnresolvedPolicy::ImportDynamic => {}
        }
        let imports = self.context.options.unresolved_symbols == UnresolvedPolicy::ImportDynamic;
        if symbol.kind == SymbolKind::Function && !imports && !self.context.options.import_undefined {
            self.stub(id);
        }
    }

    /// Calls to an undefined function go to a function that traps.
    fn stub(&mut self, id: SymbolId) {
        let symbol = self.symbols.get(id);
        let (Some(signature), None) = (symbol.signature, symbol.stub) else { return };
        let number = match self.stubs.get(&signature) {
            Some(&number) => number,
            None => {
                let number = SyntheticFunctionId::new(self.symbols.synthetic_functions.len());
                let function = SyntheticFunction::named(b"undefined_stub", signature, Purpose::Unreachable);
                self.symbols.synthetic_functions.push(function);
                self.live.synthetic_functions.grow(number.at() + 1, false);
                self.live.synthetic_functions.insert(number.at());
                self.stubs.insert(signature, number);
                number
            }
        };
        let symbol = self.symbols.get_mut(id);
        symbol.stub = Some(number);
        symbol.is_stub = true;
    }
}

/// The object's function that a symbol names: its number among all functions, and the one key under which its table
/// entry is kept, whatever symbol names it. `None` where no object defines it.
fn function_of(symbols: &SymbolTable, chunks: &Chunks, symbol: AnySymbol) -> Option<(usize, AnySymbol)> {
    let (object, function) = match symbol {
        AnySymbol::Own(object, index) => {
            let linked = &symbols.objects[object.at()];
            (object, linked.object().defined_function(linked.own(index).element))
        }
        AnySymbol::Global(id) => {
            let target = chunks.of_symbol(id)?;
            (target.object(), target.position())
        }
    };
    let own = symbols.objects[object.at()].object().functions[function].symbol;
    Some((chunks.functions.of(object, function), AnySymbol::Own(object, ObjectSymbolIndex(own))))
}
