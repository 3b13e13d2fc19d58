//! Garbage collection: what the roots reach through relocations stays.
//!
//! Roots are the entry, exported and no-strip symbols, and the constructors and retained segments of objects
//! that were linked for their own sake. A constructor of an archive member counts as soon as one of the
//! member's symbols is live.

use hashbrown::HashMap;

use crate::chunks::{BitSet, Chunks};
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::format::relocation::RelocationType;
use crate::format::SymbolKind;
use crate::index::{ByteRange, ObjectId, ObjectSymbolIndex, SymbolId};
use crate::names::Interner;
use crate::object::ObjectSymbol;
use crate::options::Options;
use crate::symbols::{LinkedObject, Reference, Resolution, Symbol, SymbolTable, Synthetic};

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
    pub symbols: BitSet,
    /// Functions that the linker writes.
    pub synthetic_functions: BitSet,
    /// Objects of which something is live.
    pub objects: BitSet,
}

/// Whether a symbol is exported by its flags or by options.
pub fn is_exported(options: &Options, symbol: &Symbol) -> bool {
    if !symbol.is_defined() || symbol.flags.is_local() {
        return false;
    }
    options.export_all
        || options.export_dynamic && !symbol.flags.is_hidden()
        || symbol.force_export
        || symbol.flags.is_exported()
}

impl Liveness {
    /// Whether something live refers to the symbol, or its chunk is live.
    pub fn is_symbol_live(&self, symbols: &SymbolTable<'_>, chunks: &Chunks, id: SymbolId) -> bool {
        let symbol = symbols.get(id);
        match symbol.resolution {
            Resolution::Object => match symbols.definition(symbol) {
                Some((object, own)) => self
                    .is_own_live(symbols, chunks, object, own)
                    .unwrap_or_else(|| self.symbols.contains(id.at())),
                None => false,
            },
            Resolution::Synthetic(Synthetic::Function(number)) => {
                self.synthetic_functions.contains(number.at())
            }
            _ => self.symbols.contains(id.at()),
        }
    }

    /// Whether the chunk of an object's own definition is live; `None` where it has no chunk.
    pub fn is_own_live(
        &self,
        symbols: &SymbolTable<'_>,
        chunks: &Chunks,
        object: ObjectId,
        own: &ObjectSymbol,
    ) -> Option<bool> {
        let parsed = symbols.objects[object.at()].object;
        let element = own.element as usize;
        Some(match own.kind {
            SymbolKind::Function => {
                self.functions.contains(chunks.functions.of(object, parsed.defined_function(own.element)))
            }
            SymbolKind::Data if own.flags.is_absolute() => return None,
            SymbolKind::Data => self.segments.contains(chunks.segments.of(object, element)),
            SymbolKind::Global => {
                self.globals.contains(chunks.globals.of(object, element - parsed.imports.globals.len()))
            }
            SymbolKind::Tag => {
                self.tags.contains(chunks.tags.of(object, element - parsed.imports.tags.len()))
            }
            SymbolKind::Table => {
                self.tables.contains(chunks.tables.of(object, element - parsed.imports.tables.len()))
            }
            SymbolKind::Section => true,
        })
    }
}

/// Finds what is live.
pub fn mark_live(options: &Options, symbols: &SymbolTable<'_>, chunks: &Chunks) -> Liveness {
    // Without garbage collection everything is live, even copies of comdat groups that nothing refers to.
    let all = !options.gc_sections;
    let mut marker = Marker {
        symbols,
        chunks,
        live: Liveness {
            functions: BitSet::new(chunks.functions.total(), all),
            segments: BitSet::new(chunks.segments.total(), all),
            globals: BitSet::new(chunks.globals.total(), all),
            tags: BitSet::new(chunks.tags.total(), all),
            tables: BitSet::new(chunks.tables.total(), all),
            sections: all,
            symbols: BitSet::new(symbols.symbols.len(), all),
            synthetic_functions: BitSet::new(symbols.synthetic_functions.len(), all),
            objects: BitSet::new(symbols.objects.len(), all),
        },
        queue: Vec::new(),
    };
    for (position, symbol) in symbols.symbols.iter().enumerate() {
        if symbol.referenced {
            marker.live.symbols.insert(position);
        }
    }
    for (object, linked) in symbols.objects.iter().enumerate() {
        if linked.live_from_start {
            marker.live.objects.insert(object);
        }
    }
    if let Some(id) = symbols.well_known.stack_pointer {
        marker.live.symbols.insert(id.at());
    }
    if options.gc_sections {
        marker.mark_roots(options);
        marker.drain();
    }
    marker.mark_call_ctors();
    marker.live
}

struct Marker<'a> {
    symbols: &'a SymbolTable<'a>,
    chunks: &'a Chunks,
    live: Liveness,
    /// Chunks whose relocations are to be followed.
    queue: Vec<(ObjectId, ByteRange)>,
}

impl Marker<'_> {
    fn mark_roots(&mut self, options: &Options) {
        let symbols = self.symbols;
        if let Some(entry) = symbols.well_known.entry {
            self.enqueue(entry);
        }
        for &id in &symbols.named {
            let symbol = symbols.get(id);
            if symbol.flags.is_no_strip() || is_exported(options, symbol) {
                self.enqueue(id);
            }
        }
        if let Some(call_dtors) = symbols.well_known.call_dtors {
            self.enqueue(call_dtors);
        }
        for (object, linked) in symbols.objects.iter().enumerate() {
            let id = ObjectId::new(object);
            if linked.object.legacy_function_table {
                let table = linked.object.symbols.len() - 1;
                self.enqueue_reference(id, table as u32);
            }
            if self.live.objects.contains(object) {
                self.enqueue_init_functions(id);
                self.enqueue_retained_segments(id);
            }
        }
    }

    fn enqueue_retained_segments(&mut self, object: ObjectId) {
        let parsed = self.symbols.objects[object.at()].object;
        for (index, segment) in parsed.segments.iter().enumerate() {
            if segment.is_retained() {
                self.enqueue_segment(object, index);
            }
        }
    }

    fn enqueue_init_functions(&mut self, object: ObjectId) {
        let linked = &self.symbols.objects[object.at()];
        for init in &linked.object.init_functions {
            // A constructor in a comdat group that is left out belongs to the group's other copy.
            match linked.reference(init.symbol.0) {
                Reference::Own(own) if is_left_out(linked, own) => {}
                Reference::Own(_) => self.enqueue_reference(object, init.symbol.0),
                Reference::Global(id) => self.enqueue(id),
            }
        }
    }

    fn enqueue_reference(&mut self, object: ObjectId, index: u32) {
        match self.symbols.objects[object.at()].reference(index) {
            Reference::Own(own) => self.enqueue_own(object, own),
            Reference::Global(id) => self.enqueue(id),
        }
    }

    /// Marks a symbol of the link and what it stands for.
    fn enqueue(&mut self, id: SymbolId) {
        let new = self.live.symbols.insert(id.at());
        let symbol = self.symbols.get(id);
        match symbol.resolution {
            Resolution::Object => {
                if let (Some(file), true) = (symbol.file, new) {
                    if let Some(object) = self.symbols.object_of(file) {
                        self.enqueue_own(object, symbol.index);
                    }
                }
            }
            Resolution::Synthetic(Synthetic::Function(number)) => {
                self.live.synthetic_functions.insert(number.at());
            }
            _ => {}
        }
    }

    /// Marks an object's own definition.
    fn enqueue_own(&mut self, object: ObjectId, index: ObjectSymbolIndex) {
        if self.live.objects.insert(object.at()) {
            self.enqueue_init_functions(object);
            self.enqueue_retained_segments(object);
        }
        let linked = &self.symbols.objects[object.at()];
        let (parsed, own) = (linked.object, linked.own(index));
        let element = own.element as usize;
        match own.kind {
            SymbolKind::Function => {
                let function = parsed.defined_function(own.element);
                if self.live.functions.insert(self.chunks.functions.of(object, function)) {
                    self.queue.push((object, parsed.functions[function].relocations));
                }
            }
            SymbolKind::Data => {
                if !own.flags.is_absolute() {
                    self.enqueue_segment(object, element);
                }
            }
            SymbolKind::Global => {
                self.live
                    .globals
                    .insert(self.chunks.globals.of(object, element - parsed.imports.globals.len()));
            }
            SymbolKind::Tag => {
                self.live.tags.insert(self.chunks.tags.of(object, element - parsed.imports.tags.len()));
            }
            SymbolKind::Table => {
                self.live.tables.insert(self.chunks.tables.of(object, element - parsed.imports.tables.len()));
            }
            SymbolKind::Section => {}
        }
    }

    fn enqueue_segment(&mut self, object: ObjectId, segment: usize) {
        if self.live.segments.insert(self.chunks.segments.of(object, segment)) {
            let parsed = self.symbols.objects[object.at()].object;
            self.queue.push((object, parsed.segments[segment].relocations));
        }
    }

    /// Follows relocations until nothing new turns up.
    fn drain(&mut self) {
        while let Some((object, range)) = self.queue.pop() {
            let linked = &self.symbols.objects[object.at()];
            for relocation in linked.object.relocations(range) {
                if relocation.kind == RelocationType::TypeIndexLeb {
                    continue;
                }
                match linked.reference(relocation.index) {
                    Reference::Own(own) => self.enqueue_own(object, own),
                    Reference::Global(id) => {
                        // The address of a stub is null: taking it does not need the stub.
                        if !(relocation.kind.is_table_index() && self.symbols.get(id).is_stub) {
                            self.enqueue(id);
                        }
                    }
                }
            }
        }
    }

    /// `__wasm_call_ctors` is needed as soon as there is one constructor.
    fn mark_call_ctors(&mut self) {
        let any = self.symbols.objects.iter().enumerate().any(|(object, linked)| {
            linked.object.init_functions.iter().any(|init| match linked.reference(init.symbol.0) {
                Reference::Own(own) if is_left_out(linked, own) => false,
                Reference::Own(own) => {
                    let (object, own) = (ObjectId::new(object), linked.own(own));
                    self.live.is_own_live(self.symbols, self.chunks, object, own) == Some(true)
                }
                Reference::Global(id) => self.live.is_symbol_live(self.symbols, self.chunks, id),
            })
        });
        if let (true, Some(call_ctors)) = (any, self.symbols.well_known.call_ctors) {
            self.enqueue(call_ctors);
        }
    }
}

/// Whether an object's own function is left out with its comdat group.
pub fn is_left_out(linked: &LinkedObject<'_>, index: ObjectSymbolIndex) -> bool {
    let own = linked.own(index);
    let function = || &linked.object.functions[linked.object.defined_function(own.element)];
    own.kind == SymbolKind::Function && linked.is_discarded(function().comdat)
}

/// Lists what was removed: `--print-gc-sections`.
pub fn print_removed(
    names: &Interner,
    symbols: &SymbolTable<'_>,
    chunks: &Chunks,
    live: &Liveness,
    diagnostics: &mut Diagnostics,
) {
    let mut say = |path: &str, name: &str| {
        let text = format!("removing unused section {path}:({name})");
        diagnostics.push(Diagnostic::message(Code::GcSection, text));
    };
    for (position, linked) in symbols.objects.iter().enumerate() {
        let (object, id) = (linked.object, ObjectId::new(position));
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
        say("<internal>", &crate::resolve::name_text(names, symbols.get(id).name));
    }
}
