//! What one object's relocations ask for: found out for many objects at once.

use hashbrown::HashSet;

use super::facts::Facts;
use crate::bit_set::BitSet;
use crate::format::relocation::{Relocation, RelocationType};
use crate::format::SymbolKind;
use crate::index::{ByteRange, ObjectId, SignatureId, SymbolId};
use crate::options::{Options, UnresolvedPolicy};
use crate::program::Program;
use crate::symbols::{AnySymbol, Reference};

/// What one object's relocations ask for.
#[derive(Default, PartialEq, Eq)]
pub struct ObjectScan {
    pub(super) types: Vec<SignatureId>,
    pub(super) events: Vec<Event>,
}

/// Something that the objects must be asked about in order.
#[derive(PartialEq, Eq)]
pub(super) enum Event {
    /// The address of an object's function is taken: the function by [`Chunks::functions`](crate::chunks::Chunks::functions), and the symbol that names it.
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
    NotAtRunTime(RelocationType, u32),
    /// A relocation that a dynamic linker cannot supply the value of.
    Absolute(RelocationType, u32),
    /// A relocation relative to this module's own data or table, against a symbol that nothing defines.
    RelativeToNothing(RelocationType, u32),
    /// A relocation for the address of a datum, against a function: objects disagree about what it is that nothing
    /// defines.
    WrongKind(RelocationType, u32),
    /// Code names an undefined symbol by an index, or code or data have its index in the function table. It has one only if it is
    /// imported.
    Index(RelocationType, u32),
    /// Code of the object calls a function that has another signature in the end. It need not be live.
    Call(u32),
}

pub(super) struct ObjectScanner<'a> {
    options: &'a Options,
    program: Program<'a>,
    facts: &'a Facts,
    object: ObjectId,
    /// Types and symbols that were noted already.
    types_seen: BitSet,
    table_seen: BitSet,
    got_seen: BitSet,
    /// By kind of relocation, because each asks for another index.
    index_seen: HashSet<(u8, u32)>,
    found: ObjectScan,
}

impl ObjectScanner<'_> {
    /// Looks through everything live of `object`; with `all` also through what asks for nothing itself.
    pub(super) fn scan(
        options: &Options,
        program: Program<'_>,
        facts: &Facts,
        object: ObjectId,
        all: bool,
    ) -> ObjectScan {
        let parsed = program.objects[object.at()].object();
        let count = parsed.symbols.len();
        let mut scanner = ObjectScanner {
            options,
            program,
            facts,
            object,
            types_seen: BitSet::new(parsed.types.len(), false),
            table_seen: BitSet::new(count, false),
            got_seen: BitSet::new(count, false),
            index_seen: HashSet::new(),
            found: ObjectScan::default(),
        };
        for (index, function) in parsed.functions.iter().enumerate() {
            if (all || function.asks)
                && program.live.functions.contains(program.chunks.functions.of(object, index))
            {
                let prepared = parsed.prepared.get().filter(|_| !all);
                match prepared.and_then(|prepared| prepared.asking(index)) {
                    Some(asking) => asking.for_each(|entry| scanner.relocation(entry, function.symbol)),
                    None => scanner.chunk(function.relocations, function.symbol),
                }
            }
        }
        for (index, segment) in parsed.segments.iter().enumerate() {
            if (all || segment.asks)
                && program.live.segments.contains(program.chunks.segments.of(object, index))
            {
                scanner.chunk(segment.relocations, u32::MAX);
                if options.is_position_independent() {
                    scanner.check_run_time(segment.relocations);
                }
            }
        }
        if program.live.sections {
            for section in &parsed.custom_sections {
                scanner.chunk(section.relocations, u32::MAX);
            }
        }
        if !options.is_relocatable() {
            scanner.check_calls();
        }
        scanner.found
    }

    /// Looks for functions that are called directly and whose signature is not what the object says. Resolution has told those that
    /// disagree apart; what is found here has slipped through, as with `--wrap`.
    fn check_calls(&mut self) {
        let linked = &self.program.objects[self.object.at()];
        let parsed = linked.object();
        for (index, own) in (0..).zip(&parsed.symbols) {
            let Reference::Global(id) = linked.reference(index) else { continue };
            if own.kind != SymbolKind::Function || !parsed.calls_directly(index as usize) {
                continue;
            }
            let of_import = parsed.imports.functions.get(own.element as usize).map(|import| import.of);
            let type_index = of_import
                .unwrap_or_else(|| parsed.functions[parsed.defined_function(own.element)].type_index);
            let is_same = |signature| signature == parsed.types[type_index as usize];
            if !self.facts.signatures[id.at()].is_none_or(is_same) {
                self.found.events.push(Event::Call(index));
            }
        }
    }

    fn chunk(&mut self, range: ByteRange, function: u32) {
        let parsed = self.program.objects[self.object.at()].object();
        for relocation in parsed.relocations(range) {
            self.relocation(relocation, function);
        }
    }

    /// Data of position-independent modules are relocated by code that the module brings.
    fn check_run_time(&mut self, range: ByteRange) {
        use RelocationType::*;
        let parsed = self.program.objects[self.object.at()].object();
        for relocation in parsed.relocations(range) {
            let is_known =
                matches!(relocation.kind, TableIndexI32 | TableIndexI64 | MemoryAddrI32 | MemoryAddrI64);
            if !is_known {
                self.found.events.push(Event::NotAtRunTime(relocation.kind, relocation.index));
            }
        }
    }

    #[inline]
    fn relocation(&mut self, relocation: Relocation, function: u32) {
        use RelocationType::*;
        let linked = &self.program.objects[self.object.at()];
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
                    Reference::Local(own) => linked.own(own).kind,
                    Reference::Global(id) => self.program.get(id).kind,
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
            Reference::Global(id) if self.facts.watched.contains(id.at()) => {
                (self.program.get(id).is_undefined(), self.program.get(id).is_shared())
            }
            _ => (false, false),
        };
        let options = self.options;
        let dynamic = shared || undefined && options.unresolved_symbols == UnresolvedPolicy::ImportDynamic;
        if dynamic || options.is_position_independent() {
            self.dynamic_relocation(&relocation, reference);
        }
        if undefined {
            self.check_kind(&relocation, reference);
            let is_index =
                matches!(relocation.kind, FunctionIndexLeb | GlobalIndexLeb | TagIndexLeb | TableNumberLeb);
            let is_needed = is_index && function != u32::MAX || relocation.kind.is_table_index();
            if is_needed
                && !options.is_relocatable()
                && self.index_seen.insert((relocation.kind as u8, relocation.index))
            {
                self.found.events.push(Event::Index(relocation.kind, relocation.index));
            }
        }
        if undefined && !options.is_relocatable() {
            self.undefined_relocation(&relocation, reference, function);
        }
    }

    fn check_kind(&mut self, relocation: &Relocation, reference: Reference) {
        let Reference::Global(id) = reference else { return };
        let symbol = self.program.get(id);
        let options = self.options;
        // The loader does not ask what it is that it gives the address of.
        let by_loader =
            matches!(relocation.kind, RelocationType::MemoryAddrI32 | RelocationType::MemoryAddrI64)
                && options.is_position_independent()
                && (options.import_undefined
                    || options.unresolved_symbols == UnresolvedPolicy::ImportDynamic)
                && is_address_imported(options, self.program, AnySymbol::Global(id));
        let is_datum = symbol.kind == SymbolKind::Data;
        if relocation.kind.is_memory_address() && !is_datum && !symbol.flags.is_weak() && !by_loader {
            self.found.events.push(Event::WrongKind(relocation.kind, relocation.index));
        }
    }

    /// A value that only the loader knows is read from an imported global, or set by code that runs at the start.
    fn dynamic_relocation(&mut self, relocation: &Relocation, reference: Reference) {
        use RelocationType::*;
        match relocation.kind {
            TableIndexSleb | TableIndexSleb64 | MemoryAddrSleb | MemoryAddrSleb64 | MemoryAddrLeb
            | MemoryAddrLeb64 => self.found.events.push(Event::Absolute(relocation.kind, relocation.index)),
            TableIndexI32 | TableIndexI64 | MemoryAddrI32 | MemoryAddrI64 => {
                let symbol = self.any(reference);
                if is_address_imported(self.options, self.program, symbol)
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
            if !self.program.get(id).flags.is_weak() {
                self.found.events.push(Event::Undefined(id, function));
            }
        }
    }

    /// What it means that a function's address is taken. Most functions are an object's: who they are is looked up
    /// here, in parallel.
    fn table_event(&self, reference: Reference) -> Option<Event> {
        let symbol = self.any(reference);
        if is_address_imported(self.options, self.program, symbol) {
            return None;
        }
        let is_plain = match symbol {
            AnySymbol::Local(..) => true,
            AnySymbol::Global(id) => {
                let entry = self.program.get(id);
                entry.is_defined() && !entry.is_stub && entry.kind == SymbolKind::Function
            }
        };
        match self.program.function_of(symbol).filter(|_| is_plain) {
            Some(function) => Some(Event::Function(function, symbol)),
            None => Some(Event::Table(symbol)),
        }
    }

    fn any(&self, reference: Reference) -> AnySymbol {
        match reference {
            Reference::Local(own) => AnySymbol::Local(self.object, own),
            Reference::Global(id) => AnySymbol::Global(id),
        }
    }
}

/// Whether a symbol's address comes from the environment, in an imported global: another module defines the symbol, or
/// may bring a definition that is to win.
pub(super) fn is_address_imported(options: &Options, program: Program<'_>, symbol: AnySymbol) -> bool {
    let AnySymbol::Global(id) = symbol else { return false };
    let symbol = program.get(id);
    if symbol.is_shared() {
        return true;
    }
    let dynamic = options.unresolved_symbols == UnresolvedPolicy::ImportDynamic;
    if !options.is_position_independent() && !dynamic || symbol.flags.is_hidden() || symbol.flags.is_local() {
        return false;
    }
    !symbol.is_defined() || options.is_shared() && !options.bsymbolic
}
