//! Garbage collection: finds what the roots reach through relocations.
//!
//! Roots are the entry, exported and no-strip symbols, and the constructors and retained segments of objects that are not
//! archive members. A constructor of an archive member is a root if one of the member's symbols is live.

mod guess;

use hashbrown::HashMap;
use rayon::prelude::*;

use crate::bit_set::{BitSet, SharedBitSet};
use crate::chunks::{Chunks, Target};
use crate::context::Context;
use crate::diagnostics::Diagnostics;
use crate::format::relocation::RelocationType;
use crate::format::SymbolKind;
use crate::index::{ObjectId, ObjectSymbolIndex, SymbolId, SyntheticFunctionId};
use crate::messages::MessageKind;
use crate::object::ObjectSymbol;
use crate::options::Options;
use crate::symbols::{LinkedObject, Reference, Resolution, Symbol, SymbolTable, Synthetic};
use crate::timing::Timer;

pub use guess::Guess;

/// What is live.
pub struct Liveness {
    /// Functions, by [`Chunks::functions`].
    pub functions: BitSet,
    /// Segments.
    pub segments: BitSet,
    /// Globals.
    pub globals: BitSet,
    /// Tags.
    pub tags: BitSet,
    /// Tables.
    pub tables: BitSet,
    /// Whether custom sections count as live: only without garbage collection.
    pub sections: bool,
    /// Symbols of the link that something live refers to.
    symbols: BitSet,
    /// Functions that the linker writes.
    synthetic_functions: BitSet,
    /// Objects of which something is live.
    pub objects: BitSet,
}

/// Whether a symbol is exported by its flags or by options.
pub fn is_exported(options: &Options, symbol: &Symbol) -> bool {
    if !symbol.is_defined() || symbol.is_shared() || symbol.flags.is_local() {
        return false;
    }
    options.export_all
        || options.export_dynamic && !symbol.flags.is_hidden()
        || symbol.force_export
        || symbol.flags.is_exported()
}

impl Liveness {
    /// Whether something live refers to a symbol of the table.
    #[inline]
    pub fn is_referenced(&self, id: SymbolId) -> bool {
        self.symbols.contains_checked(id.at())
    }

    /// Whether a synthetic function of the symbol table is live.
    pub fn is_function_live(&self, id: SyntheticFunctionId) -> bool {
        self.synthetic_functions.contains_checked(id.at())
    }

    /// Whether something live refers to the symbol, or its chunk is live.
    fn is_symbol_live(&self, symbols: &SymbolTable, chunks: &Chunks, id: SymbolId) -> bool {
        match symbols.get(id).resolution {
            Resolution::Object => match chunks.of_symbol(id) {
                Some(target) => self.is_chunk_live(chunks, target),
                None => self.symbols.contains(id.at()),
            },
            Resolution::Synthetic(Synthetic::Function(number)) => {
                self.synthetic_functions.contains(number.at())
            }
            _ => self.symbols.contains(id.at()),
        }
    }

    /// Whether the chunk of an object's own definition is live; `None` where it has no chunk.
    fn is_own_live(
        &self,
        symbols: &SymbolTable,
        chunks: &Chunks,
        object: ObjectId,
        own: &ObjectSymbol,
    ) -> Option<bool> {
        let position = symbols.objects[object.at()].object().chunk_of(own)?;
        Some(self.is_chunk_live(chunks, Target::new(object, own.kind, position)))
    }

    /// Whether the chunk is live. Custom sections always count as live.
    #[inline]
    pub fn is_chunk_live(&self, chunks: &Chunks, target: Target) -> bool {
        let (object, position) = (target.object(), target.position());
        match target.kind() {
            SymbolKind::Function => self.functions.contains(chunks.functions.of(object, position)),
            SymbolKind::Data => self.segments.contains(chunks.segments.of(object, position)),
            SymbolKind::Global => self.globals.contains(chunks.globals.of(object, position)),
            SymbolKind::Tag => self.tags.contains(chunks.tags.of(object, position)),
            SymbolKind::Table => self.tables.contains(chunks.tables.of(object, position)),
            SymbolKind::Section => true,
        }
    }
}

/// What was marked before the link.
#[derive(Clone, Default)]
pub struct Earlier {
    /// What the first files keep alive.
    pub marks: Option<Marks>,
    /// What will probably be live.
    pub guess: Option<Guess>,
}

/// What the files so far keep alive. More files only add to it, unless their definitions replace earlier ones.
#[derive(Clone)]
pub struct Marks {
    sets: Sets,
    /// The chunk of each symbol.
    targets: Vec<Target>,
}

#[derive(Clone)]
struct Sets {
    functions: SharedBitSet,
    segments: SharedBitSet,
    globals: SharedBitSet,
    tags: SharedBitSet,
    tables: SharedBitSet,
    symbols: SharedBitSet,
    synthetic_functions: SharedBitSet,
    objects: SharedBitSet,
    /// Symbols that something live refers to and that have no chunk yet.
    waiting: SharedBitSet,
    /// The same, if only the address is taken.
    waiting_addresses: SharedBitSet,
}

impl Sets {
    fn new(full: bool) -> Self {
        let set = || SharedBitSet::new(0, full);
        Sets {
            functions: set(),
            segments: set(),
            globals: set(),
            tags: set(),
            tables: set(),
            symbols: set(),
            synthetic_functions: set(),
            objects: set(),
            waiting: SharedBitSet::new(0, false),
            waiting_addresses: SharedBitSet::new(0, false),
        }
    }

    /// Reserves space for all chunks.
    fn grow(&mut self, symbols: &SymbolTable, chunks: &Chunks, full: bool) {
        self.functions.grow(chunks.functions.total(), full);
        self.segments.grow(chunks.segments.total(), full);
        self.globals.grow(chunks.globals.total(), full);
        self.tags.grow(chunks.tags.total(), full);
        self.tables.grow(chunks.tables.total(), full);
        self.symbols.grow(symbols.symbols.len(), full);
        self.synthetic_functions.grow(symbols.synthetic_functions.len(), full);
        self.objects.grow(symbols.objects.len(), full);
        self.waiting.grow(symbols.symbols.len(), false);
        self.waiting_addresses.grow(symbols.symbols.len(), false);
    }
}

impl Marks {
    /// Marks what the files so far keep alive, starting from earlier marks. Only with garbage collection.
    pub fn advance(
        options: &Options,
        symbols: &SymbolTable,
        chunks: &Chunks,
        earlier: Option<Marks>,
    ) -> Marks {
        let mut marker = Marker::new(symbols, chunks, false, earlier);
        marker.waits = true;
        marker.mark_all(options);
        Marks { sets: marker.sets, targets: chunks.targets().to_vec() }
    }

    /// Whether the files so far keep a function of an object alive.
    pub fn is_function_live(&self, chunks: &Chunks, object: ObjectId, function: usize) -> bool {
        self.sets.functions.contains(chunks.functions.of(object, function))
    }

    /// Whether all followed symbols still map to the same chunks, and roots by name are still roots.
    fn still_hold(&self, symbols: &SymbolTable, chunks: &Chunks) -> bool {
        if symbols.redirected.iter().any(|(_, id)| self.sets.symbols.contains_checked(id.at())) {
            return false;
        }
        let targets = self.targets.iter().zip(chunks.targets()).enumerate();
        let moved = |(position, (old, new)): (usize, (&Target, &Target))| {
            old != new && *old != Target::NONE && self.sets.symbols.contains(position)
        };
        self.targets.len() <= chunks.targets().len() && !targets.into_iter().any(moved)
    }
}

/// Finds what is live, starting from earlier marks.
pub fn mark_live(
    options: &Options,
    symbols: &SymbolTable,
    chunks: &Chunks,
    earlier: Earlier,
    timer: &Timer,
) -> Liveness {
    let guessed = earlier.guess.and_then(|guess| {
        let marks = guess.fit(symbols, chunks, timer);
        drop(guess);
        marks
    });
    let earlier = guessed.or(earlier.marks);
    // Without garbage collection everything is live, even copies of comdat groups that nothing refers to.
    let all = !options.gc_sections;
    let marker = Marker::new(symbols, chunks, all, earlier.filter(|_| options.gc_sections));
    for (position, symbol) in symbols.symbols.iter().enumerate() {
        if symbol.referenced {
            marker.sets.symbols.insert(position);
        }
    }
    let known = &symbols.well_known;
    let stack_pointer = known.stack_pointer.filter(|_| !options.is_position_independent());
    for id in [stack_pointer, known.memory_base, known.table_base].into_iter().flatten() {
        marker.sets.symbols.insert(id.at());
    }
    if options.gc_sections {
        marker.mark_all(options);
    } else {
        marker.mark_first_objects();
    }
    let mut live = marker.into_liveness(all);
    mark_call_ctors(options, symbols, chunks, &mut live);
    live
}

/// Scratch state of the phase. Sets only grow and the result does not depend on the order, so several threads can mark at once.
struct Marker<'a> {
    symbols: &'a SymbolTable,
    chunks: &'a Chunks,
    sets: Sets,
    /// Whether symbols without a chunk wait for later files.
    waits: bool,
}

/// Functions and segments whose relocations are to be followed.
type Queue = Vec<Target>;

/// The number of chunks that is worth passing to another thread.
const BATCH: usize = 256;
/// After this many chunks, a thread offers its queue to others.
const BUDGET: usize = 2048;

impl<'a> Marker<'a> {
    fn new(symbols: &'a SymbolTable, chunks: &'a Chunks, all: bool, earlier: Option<Marks>) -> Self {
        let earlier = earlier.filter(|marks| marks.still_hold(symbols, chunks));
        let mut sets = earlier.map_or_else(|| Sets::new(all), |marks| marks.sets);
        sets.grow(symbols, chunks, all);
        Marker { symbols, chunks, sets, waits: false }
    }

    fn into_liveness(self, sections: bool) -> Liveness {
        let sets = self.sets;
        Liveness {
            functions: sets.functions.into_set(),
            segments: sets.segments.into_set(),
            globals: sets.globals.into_set(),
            tags: sets.tags.into_set(),
            tables: sets.tables.into_set(),
            sections,
            symbols: sets.symbols.into_set(),
            synthetic_functions: sets.synthetic_functions.into_set(),
            objects: sets.objects.into_set(),
        }
    }

    fn mark_first_objects(&self) {
        for (object, linked) in self.symbols.objects.iter().enumerate() {
            if linked.live_from_start {
                self.sets.objects.insert(object);
            }
        }
    }

    fn mark_all(&self, options: &Options) {
        let mut queue = Vec::new();
        self.mark_first_objects();
        for id in self.sets.waiting.numbers() {
            self.enqueue(SymbolId::new(id), false, &mut queue);
        }
        for id in self.sets.waiting_addresses.numbers() {
            self.enqueue(SymbolId::new(id), true, &mut queue);
        }
        self.mark_roots(options, &mut queue);
        self.drain(queue);
    }

    fn mark_roots(&self, options: &Options, queue: &mut Queue) {
        let symbols = self.symbols;
        if let Some(entry) = symbols.well_known.entry {
            self.enqueue(entry, false, queue);
        }
        for &id in &symbols.named {
            let symbol = symbols.get(id);
            // The definition's flags decide. Without a definition, the symbol is not a root yet.
            let is_settled = !self.waits || self.chunks.of_symbol(id).is_some();
            if is_settled && (symbol.flags.is_no_strip() || is_exported(options, symbol)) {
                self.enqueue(id, false, queue);
            }
        }
        if let Some(call_dtors) = symbols.well_known.call_dtors {
            self.enqueue(call_dtors, false, queue);
        }
        if let Some(set_tls_base) = symbols.well_known.set_tls_base {
            // The linker's own functions call it.
            if symbols.objects.iter().any(|linked| linked.properties.has_tls) {
                self.enqueue(set_tls_base, false, queue);
            }
        }
        for (object, linked) in symbols.objects.iter().enumerate().filter(|(_, o)| o.properties.has_roots) {
            let id = ObjectId::new(object);
            if linked.object().legacy_function_table {
                let table = linked.object().symbols.len() - 1;
                self.enqueue_reference(id, table as u32, queue);
            }
            if self.sets.objects.contains(object) {
                self.enqueue_init_functions(id, queue);
                self.enqueue_retained_segments(id, queue);
            }
        }
    }

    fn enqueue_retained_segments(&self, object: ObjectId, queue: &mut Queue) {
        let parsed = self.symbols.objects[object.at()].object();
        for (index, segment) in parsed.segments.iter().enumerate() {
            if segment.is_retained() {
                self.enqueue_chunk(Target::new(object, SymbolKind::Data, index as u32), queue);
            }
        }
    }

    fn enqueue_init_functions(&self, object: ObjectId, queue: &mut Queue) {
        let linked = &self.symbols.objects[object.at()];
        for init in &linked.object().init_functions {
            // A constructor in a discarded COMDAT group belongs to the group's other copy.
            match linked.reference(init.symbol.0) {
                Reference::Own(own) if is_left_out(linked, own) => {}
                Reference::Own(_) => self.enqueue_reference(object, init.symbol.0, queue),
                Reference::Global(id) => self.enqueue(id, false, queue),
            }
        }
    }

    fn enqueue_reference(&self, object: ObjectId, index: u32, queue: &mut Queue) {
        match self.symbols.objects[object.at()].reference(index) {
            Reference::Own(own) => self.enqueue_own(object, own, queue),
            Reference::Global(id) => self.enqueue(id, false, queue),
        }
    }

    /// Marks a symbol of the link and its chunk. `address` means that only its place in the function table is needed.
    #[inline]
    fn enqueue(&self, id: SymbolId, address: bool, queue: &mut Queue) {
        match self.chunks.of_symbol(id) {
            Some(target) => {
                if self.sets.symbols.insert(id.at()) {
                    self.enqueue_chunk(target, queue);
                }
            }
            None if self.waits && address => _ = self.sets.waiting_addresses.insert(id.at()),
            None if self.waits => _ = self.sets.waiting.insert(id.at()),
            None => self.enqueue_without_chunk(id, address, queue),
        }
    }

    fn enqueue_without_chunk(&self, id: SymbolId, address: bool, queue: &mut Queue) {
        let symbol = self.symbols.get(id);
        if address && symbol.is_stub {
            // The address of a stub is null: taking it does not need the stub.
            return;
        }
        let new = self.sets.symbols.insert(id.at());
        match (symbol.resolution, symbol.file) {
            (Resolution::Synthetic(Synthetic::Function(number)), _) => {
                self.sets.synthetic_functions.insert(number.at());
            }
            // Absolute data has no chunk, but keeps its object live.
            (Resolution::Object, Some(file)) if new => {
                if let Some(object) = self.symbols.object_of(file) {
                    self.enqueue_object(object, queue);
                }
            }
            _ => {}
        }
    }

    /// Marks an object's own definition.
    #[inline]
    fn enqueue_own(&self, object: ObjectId, index: ObjectSymbolIndex, queue: &mut Queue) {
        let linked = &self.symbols.objects[object.at()];
        let own = linked.own(index);
        match linked.object().chunk_of(own) {
            Some(position) => self.enqueue_chunk(Target::new(object, own.kind, position), queue),
            None => self.enqueue_object(object, queue),
        }
    }

    fn enqueue_object(&self, object: ObjectId, queue: &mut Queue) {
        let new = self.sets.objects.insert(object.at());
        if new && self.symbols.objects[object.at()].properties.has_roots {
            self.enqueue_init_functions(object, queue);
            self.enqueue_retained_segments(object, queue);
        }
    }

    #[inline]
    fn enqueue_chunk(&self, target: Target, queue: &mut Queue) {
        let (object, position, chunks) = (target.object(), target.position(), self.chunks);
        self.enqueue_object(object, queue);
        let new = match target.kind() {
            SymbolKind::Function => self.sets.functions.insert(chunks.functions.of(object, position)),
            SymbolKind::Data => self.sets.segments.insert(chunks.segments.of(object, position)),
            kind => {
                match kind {
                    SymbolKind::Global => self.sets.globals.insert(chunks.globals.of(object, position)),
                    SymbolKind::Tag => self.sets.tags.insert(chunks.tags.of(object, position)),
                    SymbolKind::Table => self.sets.tables.insert(chunks.tables.of(object, position)),
                    _ => false,
                };
                // These refer to nothing.
                false
            }
        };
        if new {
            queue.push(target);
        }
    }

    /// Follows relocations until nothing new is found.
    fn drain(&self, mut queue: Queue) {
        let parallel = rayon::current_num_threads() > 1;
        while !queue.is_empty() {
            if !parallel || queue.len() < 2 * BATCH {
                self.follow(&mut queue, BUDGET);
                continue;
            }
            let rest = queue.par_chunks(BATCH).map(|batch| {
                let mut queue = batch.to_vec();
                self.follow(&mut queue, BUDGET);
                queue
            });
            queue = rest.reduce(Vec::new, |mut all, mut more| {
                all.append(&mut more);
                all
            });
        }
    }

    /// Follows the relocations of up to `budget` chunks.
    fn follow(&self, queue: &mut Queue, budget: usize) {
        for _ in 0..budget {
            let Some(target) = queue.pop() else { return };
            let linked = &self.symbols.objects[target.object().at()];
            let range = match target.kind() {
                SymbolKind::Function => linked.object().functions[target.position()].relocations,
                _ => linked.object().segments[target.position()].relocations,
            };
            for relocation in linked.object().relocations(range) {
                if relocation.kind == RelocationType::TypeIndexLeb {
                    continue;
                }
                match linked.reference(relocation.index) {
                    Reference::Own(own) => self.enqueue_own(target.object(), own, queue),
                    Reference::Global(id) => self.enqueue(id, relocation.kind.is_table_index(), queue),
                }
            }
        }
    }
}

/// `__wasm_call_ctors` is needed if there is a constructor.
fn mark_call_ctors(options: &Options, symbols: &SymbolTable, chunks: &Chunks, live: &mut Liveness) {
    // Position-independent modules always have it, for their loader.
    let any = options.is_position_independent()
        || symbols.objects.iter().enumerate().any(|(object, linked)| {
            linked.object().init_functions.iter().any(|init| match linked.reference(init.symbol.0) {
                Reference::Own(own) if is_left_out(linked, own) => false,
                Reference::Own(own) => {
                    let (object, own) = (ObjectId::new(object), linked.own(own));
                    live.is_own_live(symbols, chunks, object, own) == Some(true)
                }
                Reference::Global(id) => live.is_symbol_live(symbols, chunks, id),
            })
        });
    if let (true, Some(call_ctors)) = (any, symbols.well_known.call_ctors) {
        live.symbols.insert(call_ctors.at());
        if let Resolution::Synthetic(Synthetic::Function(number)) = symbols.get(call_ctors).resolution {
            live.synthetic_functions.insert(number.at());
        }
    }
}

/// Whether an object's function is discarded with its COMDAT group.
pub fn is_left_out(linked: &LinkedObject, index: ObjectSymbolIndex) -> bool {
    let own = linked.own(index);
    let function = || &linked.object().functions[linked.object().defined_function(own.element)];
    own.kind == SymbolKind::Function && linked.is_discarded(function().comdat)
}

/// Lists what was removed, if `--print-gc-sections` asks for it.
pub fn print_removed(
    context: &Context<'_>,
    symbols: &SymbolTable,
    chunks: &Chunks,
    live: &Liveness,
    diagnostics: &mut Diagnostics,
) {
    if !context.options.print_gc_sections {
        return;
    }
    let names = &context.interners.names;
    let mut say = |path: &str, name: &str| {
        let text = format!("removing unused section {path}:({name})");
        diagnostics.say(MessageKind::GcSection, text);
    };
    for (position, linked) in symbols.objects.iter().enumerate() {
        let (object, id) = (linked.object(), ObjectId::new(position));
        let [global_names, tag_names, table_names] =
            [SymbolKind::Global, SymbolKind::Tag, SymbolKind::Table].map(|kind| object.first_names(kind));
        let name_of = |names: &HashMap<u32, &ObjectSymbol>, element: usize| {
            let symbol = names.get(&(element as u32));
            symbol.map_or_else(String::new, |s| String::from_utf8_lossy(s.name_in(object)).into_owned())
        };
        for (index, function) in object.functions.iter().enumerate() {
            if !live.functions.contains(chunks.functions.of(id, index)) {
                let name = object.symbols.get(function.symbol as usize);
                let name = name
                    .map_or_else(String::new, |s| String::from_utf8_lossy(s.name_in(object)).into_owned());
                say(&linked.path, &name);
            }
        }
        for (index, segment) in object.segments.iter().enumerate() {
            if !live.segments.contains(chunks.segments.of(id, index)) {
                say(&linked.path, &String::from_utf8_lossy(segment.name.of(&object.bytes)));
            }
        }
        for index in 0..object.globals.len() {
            if !live.globals.contains(chunks.globals.of(id, index)) {
                say(&linked.path, &name_of(&global_names, object.imports.globals.len() + index));
            }
        }
        for index in 0..object.tags.len() {
            if !live.tags.contains(chunks.tags.of(id, index)) {
                say(&linked.path, &name_of(&tag_names, object.imports.tags.len() + index));
            }
        }
        for index in 0..object.tables.len() {
            if !live.tables.contains(chunks.tables.of(id, index)) {
                say(&linked.path, &name_of(&table_names, object.imports.tables.len() + index));
            }
        }
    }
    for (index, function) in symbols.synthetic_functions.iter().enumerate() {
        if !live.synthetic_functions.contains(index) {
            say("<internal>", &String::from_utf8_lossy(&function.symbol_name));
        }
    }
    let known = &symbols.well_known;
    let globals = [known.stack_pointer, known.tls_base, known.tls_size, known.tls_align];
    for id in globals.into_iter().flatten().filter(|id| !live.symbols.contains(id.at())) {
        // For position-independent code, the loader provides the stack pointer.
        if !symbols.get(id).is_defined() {
            continue;
        }
        say("<internal>", &crate::resolve::name_text(names, symbols.get(id).name));
    }
}
