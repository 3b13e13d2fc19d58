//! Follows relocations from what is marked to what it refers to.

use rayon::prelude::*;

use super::constructors::is_left_out;
use super::liveness::Liveness;
use super::marks::Marks;
use super::sets::Sets;
use crate::chunks::{Chunks, Target};
use crate::format::relocation::RelocationType;
use crate::format::SymbolKind;
use crate::index::{ByteRange, ObjectId, ObjectSymbolIndex, SymbolId};
use crate::object::{Object, ObjectSymbol};
use crate::symbols::{LinkedObject, Purpose, Reference, Resolution, SymbolTable, Synthetic};

/// Scratch state of the phase. Sets only grow and the result does not depend on the order, so several threads can mark at once.
pub(super) struct Marker<'a> {
    pub(super) symbols: &'a SymbolTable,
    pub(super) chunks: &'a Chunks,
    pub(super) sets: Sets,
    /// Whether symbols without a chunk wait for later files.
    pub(super) waits: bool,
    /// Where the relocations of all chunks are, if enough is left to mark to be worth the pass over all objects.
    relocations: Option<Relocations>,
    /// It continues earlier marks, so little may be left.
    continues: bool,
}

/// Where the relocations of each function are in its object, by [`Chunks::functions`]; the same for segments. A look into the
/// object costs four more cache misses, one after another.
struct Relocations {
    functions: Vec<ByteRange>,
    segments: Vec<ByteRange>,
}

/// Functions and segments whose relocations are to be followed.
pub(super) type Queue = Vec<Target>;

/// The number of chunks that is worth passing to another thread.
const BATCH: usize = 32;
/// After so many rounds of marking it is worth finding all relocations.
const ROUNDS: usize = 16;
/// After this many chunks, a thread offers its queue to others.
const BUDGET: usize = 512;

impl<'a> Marker<'a> {
    pub(super) fn new(
        symbols: &'a SymbolTable,
        chunks: &'a Chunks,
        all: bool,
        earlier: Option<Marks>,
    ) -> Self {
        let earlier = earlier.filter(|marks| marks.still_hold(symbols, chunks));
        let continues = earlier.is_some();
        let mut sets = earlier.map_or_else(|| Sets::new(all), |marks| marks.sets);
        sets.grow(symbols, chunks, all);
        Marker { symbols, chunks, sets, waits: false, relocations: None, continues }
    }

    /// Finds the relocations of all chunks.
    fn find_relocations(&mut self) {
        let objects = || self.symbols.objects.par_iter().with_min_len(64).map(LinkedObject::object);
        let functions = || objects().flat_map_iter(|object| object.functions.iter().map(|of| of.relocations));
        let segments = || objects().flat_map_iter(|object| object.segments.iter().map(|of| of.relocations));
        let (functions, segments) = rayon::join(|| functions().collect(), || segments().collect());
        self.relocations = Some(Relocations { functions, segments });
    }

    pub(super) fn into_liveness(self, sections: bool) -> Liveness {
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

    pub(super) fn mark_first_objects(&self) {
        for (object, linked) in self.symbols.objects.iter().enumerate() {
            if linked.live_from_start {
                self.sets.objects.insert(object);
            }
        }
    }

    pub(super) fn enqueue_retained_segments(&self, object: ObjectId, queue: &mut Queue) {
        let parsed = self.symbols.objects[object.at()].object();
        for (index, segment) in parsed.segments.iter().enumerate() {
            if segment.is_retained() {
                self.enqueue_chunk(Target::new(object, SymbolKind::Data, index as u32), queue);
            }
        }
    }

    pub(super) fn enqueue_init_functions(&self, object: ObjectId, queue: &mut Queue) {
        let linked = &self.symbols.objects[object.at()];
        for init in &linked.object().init_functions {
            // A constructor in a discarded COMDAT group belongs to the group's other copy.
            match linked.reference(init.symbol.0) {
                Reference::Local(own) if is_left_out(linked, own) => {}
                Reference::Local(_) => self.enqueue_reference(object, init.symbol.0, queue),
                Reference::Global(id) => self.enqueue(id, false, queue),
            }
        }
    }

    pub(super) fn enqueue_reference(&self, object: ObjectId, index: u32, queue: &mut Queue) {
        match self.symbols.objects[object.at()].reference(index) {
            Reference::Local(own) => self.enqueue_own(object, own, queue),
            Reference::Global(id) => self.enqueue(id, false, queue),
        }
    }

    /// Marks a symbol of the link and its chunk. `address` means that only its place in the function table is needed.
    #[inline]
    pub(super) fn enqueue(&self, id: SymbolId, address: bool, queue: &mut Queue) {
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
                if let Purpose::Adapter(target) = self.symbols.synthetic_functions[number.at()].purpose {
                    if new {
                        self.enqueue(target, false, queue);
                    }
                }
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
    fn enqueue_own(&self, object: ObjectId, index: ObjectSymbolIndex, queue: &mut Queue) {
        self.enqueue_object(object, queue);
        let linked = &self.symbols.objects[object.at()];
        self.enqueue_own_chunk(object, linked.object(), linked.own(index), queue);
    }

    /// The same for an object that is marked.
    #[inline]
    fn enqueue_own_chunk(&self, id: ObjectId, object: &Object, own: &ObjectSymbol, queue: &mut Queue) {
        if let Some(position) = object.chunk_of(own) {
            self.enqueue_only_chunk(Target::new(id, own.kind, position), queue);
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
        self.enqueue_object(target.object(), queue);
        self.enqueue_only_chunk(target, queue);
    }

    /// Marks a chunk of an object that is marked.
    #[inline]
    fn enqueue_only_chunk(&self, target: Target, queue: &mut Queue) {
        let (object, position, chunks) = (target.object(), target.position(), self.chunks);
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
    pub(super) fn drain(&mut self, mut queue: Queue) {
        let parallel = rayon::current_num_threads() > 1;
        // So many rounds tell that there is not much left to mark.
        let mut rounds = if self.continues { ROUNDS } else { 0 };
        while !queue.is_empty() {
            if self.relocations.is_none() {
                match rounds {
                    0 => self.find_relocations(),
                    _ => rounds -= 1,
                }
            }
            if !parallel || queue.len() < 2 * BATCH {
                self.follow(&mut queue, BUDGET);
                continue;
            }
            let this = &*self;
            let rest = queue.par_chunks(BATCH).map(|batch| {
                let mut queue = batch.to_vec();
                this.follow(&mut queue, BUDGET);
                queue
            });
            queue = rest.reduce(Vec::new, |mut all, mut more| {
                all.append(&mut more);
                all
            });
        }
    }

    #[inline]
    fn relocations_of(&self, target: Target) -> ByteRange {
        let (object, position) = (target.object(), target.position());
        let parsed = || self.symbols.objects[object.at()].object();
        match (target.kind(), &self.relocations) {
            (SymbolKind::Function, Some(of)) => of.functions[self.chunks.functions.of(object, position)],
            (SymbolKind::Function, None) => parsed().functions[position].relocations,
            (_, Some(of)) => of.segments[self.chunks.segments.of(object, position)],
            (_, None) => parsed().segments[position].relocations,
        }
    }

    /// Follows the relocations of up to `budget` chunks.
    fn follow(&self, queue: &mut Queue, budget: usize) {
        for _ in 0..budget {
            let Some(target) = queue.pop() else { return };
            let object = target.object();
            let range = self.relocations_of(target);
            if range.len == 0 {
                continue;
            }
            let linked = &self.symbols.objects[object.at()];
            let parsed = linked.object();
            for relocation in parsed.relocations(range) {
                if relocation.kind == RelocationType::TypeIndexLeb {
                    continue;
                }
                match linked.reference(relocation.index) {
                    Reference::Local(own) => self.enqueue_own_chunk(object, parsed, linked.own(own), queue),
                    // Most were marked before, and nothing else must be looked at to know that.
                    Reference::Global(id) if self.sets.symbols.contains(id.at()) => {}
                    Reference::Global(id) => self.enqueue(id, relocation.kind.is_null_for_stubs(), queue),
                }
            }
        }
    }
}
