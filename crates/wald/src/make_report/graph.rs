//! What refers to what, as garbage collection follows it, and the shortest chain from a root to everything.
//!
//! The edges are those that `mark_live` follows. That phase keeps no chains, so they are found again, and only for a report.

use crate::chunks::Target;
use crate::format::relocation::RelocationType;
use crate::format::SymbolKind;
use crate::index::{ByteRange, ObjectId, SymbolId, SyntheticFunctionId};
use crate::layout::Layout;
use crate::mark_live::is_left_out;
use crate::program::Program;
use crate::report::Step;
use crate::symbols::{is_exported, AnySymbol, Purpose, Reference, Resolution, Synthetic};

/// Neither a node nor an edge.
pub(super) const NONE: u32 = u32::MAX;

/// What a number of the graph means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    /// A chunk of an object.
    Chunk(Target),
    /// A function that the linker writes.
    Synthetic(SyntheticFunctionId),
    /// An object.
    Object(ObjectId),
    /// A symbol without a chunk.
    Symbol(SymbolId),
}

/// One flat numbering of everything that can refer or be referred to.
pub(super) struct Numbering<'a> {
    program: Program<'a>,
    /// Where the numbers of segments, globals, tags, tables, synthetic functions, objects and symbols begin.
    starts: [usize; 8],
}

impl<'a> Numbering<'a> {
    fn new(program: Program<'a>) -> Self {
        let chunks = program.chunks;
        let counts = [
            chunks.functions.total(),
            chunks.segments.total(),
            chunks.globals.total(),
            chunks.tags.total(),
            chunks.tables.total(),
            program.function_count(),
            program.objects.len(),
            program.symbol_count(),
        ];
        let (mut starts, mut start) = ([0; 8], 0);
        for (place, count) in starts.iter_mut().zip(counts) {
            *place = start;
            start += count;
        }
        Numbering { program, starts }
    }

    fn total(&self) -> usize {
        self.starts[7] + self.program.symbol_count()
    }

    /// The number of a chunk. Custom sections have none.
    pub(super) fn of_chunk(&self, target: Target) -> Option<u32> {
        let (object, position, chunks) = (target.object(), target.position(), self.program.chunks);
        let number = match target.kind() {
            SymbolKind::Function => chunks.functions.of(object, position),
            SymbolKind::Data => self.starts[1] + chunks.segments.of(object, position),
            SymbolKind::Global => self.starts[2] + chunks.globals.of(object, position),
            SymbolKind::Tag => self.starts[3] + chunks.tags.of(object, position),
            SymbolKind::Table => self.starts[4] + chunks.tables.of(object, position),
            SymbolKind::Section => return None,
        };
        Some(number as u32)
    }

    /// The number of a function that the linker writes.
    pub(super) fn of_synthetic(&self, id: SyntheticFunctionId) -> u32 {
        (self.starts[5] + id.at()) as u32
    }

    fn of_object(&self, object: ObjectId) -> u32 {
        (self.starts[6] + object.at()) as u32
    }

    /// The number of what a symbol of the link names.
    pub(super) fn of_symbol(&self, id: SymbolId) -> u32 {
        if let Some(number) = self.program.chunks.of_symbol(id).and_then(|target| self.of_chunk(target)) {
            return number;
        }
        let symbol = self.program.get(id);
        match (symbol.resolution, symbol.stub) {
            (Resolution::Synthetic(Synthetic::Function(function)), _) | (_, Some(function)) => {
                self.of_synthetic(function)
            }
            _ => (self.starts[7] + id.at()) as u32,
        }
    }

    /// The number of what an object's symbol names.
    pub(super) fn of_reference(&self, object: ObjectId, index: u32) -> Option<u32> {
        match self.program.any(object, index) {
            AnySymbol::Global(id) => Some(self.of_symbol(id)),
            AnySymbol::Local(object, own) => {
                let linked = &self.program.objects[object.at()];
                let own = linked.own(own);
                let position = linked.object().chunk_of(own)?;
                self.of_chunk(Target::new(object, own.kind, position))
            }
        }
    }

    /// Calls `visit` with everything that can be in the output, in the order of its numbers.
    fn for_each(&self, mut visit: impl FnMut(Thing)) {
        let objects =
            || self.program.objects.iter().enumerate().map(|(at, linked)| (ObjectId::new(at), linked));
        for kind in
            [SymbolKind::Function, SymbolKind::Data, SymbolKind::Global, SymbolKind::Tag, SymbolKind::Table]
        {
            for (object, linked) in objects() {
                let of = linked.object();
                let count = match kind {
                    SymbolKind::Function => of.functions.len(),
                    SymbolKind::Data => of.segments.len(),
                    SymbolKind::Global => of.globals.len(),
                    SymbolKind::Tag => of.tags.len(),
                    _ => of.tables.len(),
                };
                (0..count as u32)
                    .for_each(|position| visit(Thing::Chunk(Target::new(object, kind, position))));
            }
        }
        let functions = 0..self.program.function_count();
        functions.for_each(|function| visit(Thing::Synthetic(SyntheticFunctionId::new(function))));
        objects().for_each(|(object, _)| visit(Thing::Object(object)));
        (0..self.program.symbol_count()).for_each(|symbol| visit(Thing::Symbol(SymbolId::new(symbol))));
    }
}

/// The references of everything that is live, and the shortest chains.
pub(super) struct Graph<'a> {
    pub(super) numbering: Numbering<'a>,
    /// What each number means.
    pub(super) things: Vec<Thing>,
    /// Where each number's edges start, and the end of the last one's.
    pub(super) starts: Vec<u32>,
    /// Targets of edges.
    pub(super) edges: Vec<(u32, Step)>,
    /// For each number that a root reaches, the last step of its shortest chain and the number before it, or [`NONE`].
    pub(super) reached: Vec<Option<(Step, u32)>>,
    /// What is reached, nearest first.
    pub(super) order: Vec<u32>,
}

impl<'a> Graph<'a> {
    /// Finds all references and chains.
    pub(super) fn new(layout: &'a Layout<'a>) -> Self {
        let program = layout.program;
        let numbering = Numbering::new(program);
        let (mut things, mut starts, mut edges) =
            (Vec::with_capacity(numbering.total()), Vec::new(), Vec::new());
        numbering.for_each(|thing| {
            things.push(thing);
            let first = edges.len();
            starts.push(first as u32);
            add_edges(&numbering, thing, &mut edges);
            // Most references repeat others.
            edges[first..].sort_unstable();
            let mut kept = first;
            for at in first..edges.len() {
                if kept == first || edges[kept - 1].0 != edges[at].0 {
                    edges[kept] = edges[at];
                    kept += 1;
                }
            }
            edges.truncate(kept);
        });
        starts.push(edges.len() as u32);
        let roots = roots(layout, &numbering);
        let reached = vec![None; things.len()];
        let mut graph = Graph { numbering, things, starts, edges, reached, order: Vec::new() };
        graph.reach(&roots);
        graph.reach_the_rest(layout);
        graph
    }

    /// The edges of a number.
    pub(super) fn edges_of(&self, number: u32) -> &[(u32, Step)] {
        &self.edges[self.starts[number as usize] as usize..self.starts[number as usize + 1] as usize]
    }

    /// Whether a number means something in the output.
    pub(super) fn is_in_output(&self, number: u32) -> bool {
        let program = self.numbering.program;
        match self.things[number as usize] {
            Thing::Chunk(target) => program.live.is_chunk_live(program.chunks, target),
            Thing::Synthetic(id) => program.is_function_live(id),
            Thing::Object(_) | Thing::Symbol(_) => true,
        }
    }

    /// Breadth first from these roots to what was not reached before.
    fn reach(&mut self, roots: &[(u32, Step)]) {
        let mut next = self.order.len();
        for &(root, step) in roots {
            if self.reached[root as usize].is_none() {
                self.reached[root as usize] = Some((step, NONE));
                self.order.push(root);
            }
        }
        while let Some(&from) = self.order.get(next) {
            next += 1;
            for at in self.starts[from as usize]..self.starts[from as usize + 1] {
                let (to, step) = self.edges[at as usize];
                let place = &mut self.reached[to as usize];
                if place.is_none() {
                    *place = Some((step, from));
                    self.order.push(to);
                }
            }
        }
    }

    /// What is in the output and has no reason so far: the linker needs it, or there is no garbage collection.
    fn reach_the_rest(&mut self, layout: &Layout<'_>) {
        let program = layout.program;
        let mut rest = Vec::new();
        for (number, thing) in self.things.iter().enumerate() {
            let is_live = match *thing {
                Thing::Chunk(target) => program.live.is_chunk_live(program.chunks, target),
                Thing::Synthetic(id) => program.is_function_live(id),
                Thing::Object(_) => false,
                Thing::Symbol(id) => layout.imports.index_of(id).is_some(),
            };
            if is_live && self.reached[number].is_none() {
                let step = match thing {
                    Thing::Chunk(_) if !layout.options.gc_sections => Step::Kept,
                    _ => Step::Linker,
                };
                rest.push((number as u32, step));
            }
        }
        // One after another: what an earlier one refers to is not a root.
        rest.into_iter().for_each(|root| self.reach(&[root]));
    }
}

/// What a thing refers to.
fn add_edges(numbering: &Numbering<'_>, thing: Thing, edges: &mut Vec<(u32, Step)>) {
    let program = numbering.program;
    match thing {
        Thing::Chunk(target) if program.live.is_chunk_live(program.chunks, target) => {
            let linked = &program.objects[target.object().at()];
            let object = linked.object();
            let range = match target.kind() {
                SymbolKind::Function => object.functions[target.position()].relocations,
                SymbolKind::Data => object.segments[target.position()].relocations,
                _ => ByteRange::default(),
            };
            let is_code = target.kind() == SymbolKind::Function;
            for relocation in object.relocations(range) {
                if relocation.kind == RelocationType::TypeIndexLeb {
                    continue;
                }
                if let Some(to) = numbering.of_reference(target.object(), relocation.index) {
                    edges.push((to, step(relocation.kind, is_code)));
                }
            }
            if linked.properties.has_roots {
                edges.push((numbering.of_object(target.object()), Step::MemberOf));
            }
        }
        Thing::Object(object) => {
            let linked = &program.objects[object.at()];
            for init in &linked.object().init_functions {
                let is_left_out = match linked.reference(init.symbol.0) {
                    Reference::Local(own) => is_left_out(linked, own),
                    Reference::Global(_) => false,
                };
                if let Some(to) = numbering.of_reference(object, init.symbol.0).filter(|_| !is_left_out) {
                    edges.push((to, Step::Constructor));
                }
            }
            for (position, segment) in linked.object().segments.iter().enumerate() {
                let target = Target::new(object, SymbolKind::Data, position as u32);
                if let Some(to) = numbering.of_chunk(target).filter(|_| segment.is_retained()) {
                    edges.push((to, Step::Retained));
                }
            }
        }
        Thing::Symbol(id) => {
            // Absolute data has no chunk, but keeps its object live.
            let symbol = program.get(id);
            let object = symbol.file.and_then(|file| program.object_of(file));
            if let (Resolution::Object, Some(object)) = (symbol.resolution, object) {
                edges.push((numbering.of_object(object), Step::MemberOf));
            }
        }
        Thing::Synthetic(id) if id.at() < program.function_count() => {
            let known = program.well_known;
            let called = match program.function(id).purpose {
                // What a command exports calls constructors, the function and destructors.
                Purpose::CommandExport(symbol) => [Some(symbol), known.call_ctors, known.call_dtors],
                Purpose::Adapter(symbol) => [Some(symbol), None, None],
                _ => [None; 3],
            };
            edges.extend(called.into_iter().flatten().map(|id| (numbering.of_symbol(id), Step::Call)));
        }
        _ => {}
    }
}

/// How a relocation refers to its symbol.
fn step(kind: RelocationType, is_code: bool) -> Step {
    use RelocationType::*;
    match kind {
        FunctionIndexLeb | FunctionIndexI32 => Step::Call,
        TableIndexSleb | TableIndexI32 | TableIndexRelSleb | TableIndexSleb64 | TableIndexI64
        | TableIndexRelSleb64 => match is_code {
            true => Step::AddressTaken,
            false => Step::TableSlot,
        },
        GlobalIndexLeb | GlobalIndexI32 => Step::Global,
        TagIndexLeb => Step::Tag,
        TableNumberLeb => Step::Table,
        _ if is_code => Step::DataReference,
        _ => Step::DataPointer,
    }
}

/// The roots of garbage collection, as `mark_live` has them.
fn roots(layout: &Layout<'_>, numbering: &Numbering<'_>) -> Vec<(u32, Step)> {
    let (program, options) = (layout.program, layout.options);
    let mut roots = Vec::new();
    roots.extend(program.well_known.entry.map(|id| (numbering.of_symbol(id), Step::Entry)));
    for id in program.named() {
        let symbol = program.get(id);
        if is_exported(options, symbol) {
            roots.push((numbering.of_symbol(id), Step::Export));
        } else if symbol.flags.is_no_strip() {
            roots.push((numbering.of_symbol(id), Step::NoStrip));
        }
    }
    for (number, function) in program.functions().enumerate() {
        if matches!(function.purpose, Purpose::CommandExport(_)) {
            roots.push((numbering.of_synthetic(SyntheticFunctionId::new(number)), Step::Export));
        }
    }
    let known = program.well_known;
    roots.extend(known.call_dtors.map(|id| (numbering.of_symbol(id), Step::Linker)));
    if program.objects.iter().any(|linked| linked.properties.has_tls) {
        roots.extend(known.set_tls_base.map(|id| (numbering.of_symbol(id), Step::Linker)));
    }
    for (position, linked) in program.objects.iter().enumerate() {
        if linked.live_from_start && linked.properties.has_roots {
            roots.push((numbering.of_object(ObjectId::new(position)), Step::CommandLine));
        }
    }
    roots
}
