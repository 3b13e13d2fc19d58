//! Walks the files: objects in declared order, archive members when one of their symbols is needed.

use super::*;
use crate::index::ObjectId;
use crate::input::{parse_diagnostic, Bitcode};
use crate::messages::MessageKind;
use crate::object::{Object, ObjectSymbol};
use crate::stub_library::StubLibrary;
use crate::symbols::{ImportAttributes, LinkedBitcode};

/// A file whose symbols are being added; extraction may put another one on top.
struct Loading<'a> {
    contents: Contents<'a>,
    /// What its symbols refer to, so far.
    references: Vec<Option<SymbolId>>,
    next: usize,
    /// Why it was extracted: noted when it is done.
    because: Option<(FileId, SymbolId, SymbolKind)>,
}

enum Contents<'a> {
    Object(&'a Object, LinkedObject),
    /// Bitcode, and its place among that of the link.
    Bitcode(&'a Bitcode, usize),
}

impl Loading<'_> {
    fn reason(&self) -> Reason {
        self.because.map(|(referrer, symbol, _)| (Some(referrer), symbol))
    }
}

/// The file that must be loaded, and the symbol that it defines.
pub(super) type Needed = Option<(FileId, SymbolId)>;

impl<'a> Resolver<'a> {
    /// Adds the files from `first` on. Returns whether one of them ends the link at once.
    pub(super) fn add_files(&mut self, first: usize) -> bool {
        for position in first..self.files.len() {
            let file = FileId::new(position);
            let files = self.files;
            if let Some(library) = &files[position].shared {
                self.add_shared_library(file, library);
            } else if self.files[position].lazy {
                self.add_lazy_symbols(file);
            } else {
                self.load(file);
                if files[position].is_no_object() || self.must_end {
                    return true;
                }
            }
        }
        false
    }

    /// Enters a lazy file's definitions as lazy symbols. One that is already needed loads the file at once.
    fn add_lazy_symbols(&mut self, file: FileId) {
        let files = self.files;
        for &name in &files[file.at()].defined {
            if self.loaded[file.at()] {
                return;
            }
            self.add_lazy(name, file);
        }
    }

    fn add_lazy(&mut self, name: NameId, file: FileId) {
        if self.is_defined_by_option(name) {
            return;
        }
        let (id, new) = self.insert(name);
        if new {
            let symbol = self.table.get_mut(id);
            symbol.resolution = Resolution::Lazy;
            symbol.file = Some(file);
            if symbol.traced {
                self.trace_definition(id);
            }
            return;
        }
        let symbol = self.table.get_mut(id);
        if !symbol.is_undefined() {
            return;
        }
        if symbol.flags.is_weak() {
            // A weak reference does not load the file, but it keeps the signature that it expects.
            symbol.resolution = Resolution::Lazy;
            symbol.file = Some(file);
            symbol.flags = SymbolFlags(SymbolFlags::WEAK);
            symbol.import = ImportAttributes::default();
            if symbol.kind != SymbolKind::Function {
                symbol.signature = None;
            }
            if symbol.traced {
                self.trace_definition(id);
            }
            return;
        }
        let reference = symbol.file;
        self.extract(file, id);
        self.note_extraction(|this| this.file_name(reference), id, true);
    }

    /// Loads the file that defines the lazy symbol `id` because `reference` needs it.
    pub(super) fn extract_symbol(&mut self, id: SymbolId, reference: impl FnOnce(&Self) -> String) {
        if let Some(file) = self.table.get(id).file {
            self.extract(file, id);
        }
        self.note_extraction(reference, id, true);
    }

    /// The same for bitcode that must be there before code is generated.
    pub(super) fn extract_for(&mut self, id: SymbolId, reference: &str) {
        self.note_extraction(|_| reference.to_string(), id, true);
        if let Some(file) = self.table.get(id).file {
            self.extract(file, id);
        }
    }

    /// The same for what a stub library's symbol depends on. Reports tell the symbol that needed it.
    pub(super) fn extract_for_stub(&mut self, needed: SymbolId, symbol: SymbolId, library: &StubLibrary) {
        if let Some(file) = self.table.get(needed).file {
            self.extract(file, needed);
        }
        self.note_extraction(|_| library.path.clone(), symbol, true);
    }

    /// Notes that an object's reference found the symbol's file.
    fn note_reference(&mut self, referrer: FileId, symbol: SymbolId, kind: SymbolKind) {
        let is_told = kind == SymbolKind::Function;
        self.note_extraction(|this| this.file_name(Some(referrer)), symbol, is_told);
    }

    fn note_extraction(&mut self, reference: impl FnOnce(&Self) -> String, symbol: SymbolId, is_told: bool) {
        if self.options.notes_extractions() {
            let reference = reference(self);
            if let Some(file) = self.table.get(symbol).file {
                self.extractions.push(Extraction { reference, file, symbol, is_told });
            }
        }
    }

    fn extract(&mut self, file: FileId, because: SymbolId) {
        if !self.loaded[file.at()] {
            // Until the file defines it, the symbol's file is the one that refers to it.
            let symbol = self.table.get(because);
            let before = self.reason.replace((symbol.file.filter(|&of| of != file), because));
            let first = self.begin(file, Some(because));
            self.load_all(first);
            self.reason = before;
        }
    }

    /// Adds a file's symbols, one after another.
    fn load(&mut self, file: FileId) {
        let first = self.begin(file, None);
        self.load_all(first);
    }

    /// Adds an object that was generated from bitcode. Its COMDAT groups were chosen when the bitcode was added.
    pub(super) fn load_generated(&mut self, file: FileId) {
        let files = self.files;
        let first = self.begin_object(file, files[file.at()], true);
        self.load_all(first);
    }

    /// Adds the symbols of a file. An extraction in between suspends the file: the work is kept on a stack of its own, so that a
    /// long chain of members cannot exhaust the thread's.
    fn load_all(&mut self, first: Option<Loading<'a>>) {
        let mut stack = Vec::new();
        let reason = self.reason;
        stack.extend(first);
        while let Some(top) = stack.last_mut() {
            let index = top.next;
            top.next += 1;
            let (added, kind) = match &top.contents {
                Contents::Object(object, linked) => match object.symbols.get(index) {
                    Some(symbol) => (Some(self.add_symbol(linked, index, symbol)), symbol.kind),
                    None => (None, SymbolKind::Function),
                },
                Contents::Bitcode(bitcode, place) => match bitcode.table.symbols.get(index) {
                    Some(symbol) => (Some(self.add_bitcode_symbol(bitcode, *place, index)), symbol.kind()),
                    None => (None, SymbolKind::Function),
                },
            };
            let Some((reference, needed)) = added else {
                if let Some(done) = stack.pop() {
                    self.finish(done);
                }
                self.reason = stack.last().map_or(reason, Loading::reason);
                continue;
            };
            top.references.push(reference);
            if let Some((needed, id)) = needed {
                let referrer = match &top.contents {
                    Contents::Object(_, linked) => linked.file,
                    Contents::Bitcode(_, place) => self.table.bitcode[*place].file,
                };
                if self.loaded[needed.at()] {
                    self.note_reference(referrer, id, kind);
                } else if let Some(mut loading) = self.begin(needed, Some(id)) {
                    loading.because = Some((referrer, id, kind));
                    self.reason = loading.reason();
                    stack.push(loading);
                }
            }
        }
    }

    /// Adds a file whose symbols were added.
    fn finish(&mut self, done: Loading<'a>) {
        match done.contents {
            Contents::Object(_, mut linked) => {
                linked.set_references(&done.references);
                self.table.object_of_file[linked.file.at()] = Some(ObjectId::new(self.table.objects.len()));
                self.table.objects.push(linked);
            }
            Contents::Bitcode(_, place) => {
                self.table.bitcode[place].references = done.references.into_iter().flatten().collect();
            }
        }
        if let Some((referrer, id, kind)) = done.because {
            self.note_reference(referrer, id, kind);
        }
    }

    /// Starts to load a file, because of a symbol or in any case.
    fn begin(&mut self, file: FileId, because: Option<SymbolId>) -> Option<Loading<'a>> {
        self.loaded[file.at()] = true;
        let files = self.files;
        let candidate = files[file.at()];
        if self.options.trace {
            self.diagnostics.say(MessageKind::Trace, candidate.display());
        }
        match &candidate.bitcode {
            Some(bitcode) => self.begin_bitcode(file, bitcode, because),
            None => self.begin_object(file, candidate, false),
        }
    }

    fn begin_object(
        &mut self,
        file: FileId,
        candidate: &'a Candidate,
        keeps_comdats: bool,
    ) -> Option<Loading<'a>> {
        let object = match candidate.object(self.interners) {
            Ok(object) => object,
            Err(error) => {
                self.diagnostics.push(parse_diagnostic(&candidate.name, error, &candidate.bytes));
                return None;
            }
        };
        let mut linked = LinkedObject::new(file, object.clone(), candidate.display(), !candidate.lazy);
        linked.kept_comdats =
            object.comdats.iter().map(|&name| keeps_comdats || self.add_comdat(name)).collect();
        let references = Vec::with_capacity(object.symbols.len());
        Some(Loading { contents: Contents::Object(object, linked), references, next: 0, because: None })
    }

    fn begin_bitcode(
        &mut self,
        file: FileId,
        bitcode: &'a Bitcode,
        because: Option<SymbolId>,
    ) -> Option<Loading<'a>> {
        let kept_comdats = self.check_bitcode(file, bitcode, because)?;
        // LLVM gets modules in the order in which they begin to load; objects are linked in the order in which they end.
        let place = self.table.bitcode.len();
        self.table.bitcode.push(LinkedBitcode { file, kept_comdats, references: Vec::new() });
        let references = Vec::with_capacity(bitcode.names.len());
        Some(Loading { contents: Contents::Bitcode(bitcode, place), references, next: 0, because: None })
    }

    /// Adds one symbol of an object. Gives its entry in the table, and the file that must be loaded for it.
    fn add_symbol(
        &mut self,
        linked: &LinkedObject,
        index: usize,
        symbol: &ObjectSymbol,
    ) -> (Option<SymbolId>, Needed) {
        if symbol.is_defined() {
            if symbol.flags.is_local() {
                return (None, None);
            }
            if !is_discarded(linked, symbol) {
                return (Some(self.add_defined(linked, index, symbol)), None);
            }
            // A definition in a comdat group that another object supplies is a reference to that one.
        }
        let attributes = self.import_attributes(linked.object(), symbol);
        if symbol.flags.is_local() {
            return (Some(self.add_local_undefined(linked, index, symbol, attributes)), None);
        }
        let (id, needed) = self.add_undefined(linked, index, symbol, attributes);
        (Some(id), needed.map(|file| (file, id)))
    }

    /// An undefined symbol of local binding: an import of the object's own.
    fn add_local_undefined(
        &mut self,
        linked: &LinkedObject,
        index: usize,
        symbol: &ObjectSymbol,
        attributes: ImportAttributes,
    ) -> SymbolId {
        let name = self.name(symbol.name_in(linked.object()));
        let id = self.push(name);
        let signature = signature_of(linked.object(), symbol);
        let entry = self.table.get_mut(id);
        entry.kind = symbol.kind;
        entry.flags = symbol.flags;
        entry.file = Some(linked.file);
        entry.index = crate::index::ObjectSymbolIndex::new(index);
        entry.signature = signature;
        entry.import = attributes;
        entry.called_directly = linked.object().calls_directly(index);
        entry.used_in_regular_object = true;
        id
    }

    /// Module and field that the object imports an undefined symbol from.
    fn import_attributes(&self, object: &Object, symbol: &ObjectSymbol) -> ImportAttributes {
        if symbol.is_defined() {
            return ImportAttributes::default();
        }
        let element = symbol.element as usize;
        let (module, field) = match symbol.kind {
            SymbolKind::Function => {
                let import = &object.imports.functions[element];
                (import.module, import.field)
            }
            SymbolKind::Global => {
                let import = &object.imports.globals[element];
                (import.module, import.field)
            }
            SymbolKind::Tag => {
                let import = &object.imports.tags[element];
                (import.module, import.field)
            }
            SymbolKind::Table => {
                let import = &object.imports.tables[element];
                (import.module, import.field)
            }
            SymbolKind::Data | SymbolKind::Section => return ImportAttributes::default(),
        };
        let module = match module.of(&object.bytes) {
            b"env" => self.env,
            text => self.name(text),
        };
        let field = symbol.flags.has_explicit_name().then(|| self.name(field.of(&object.bytes)));
        ImportAttributes { module: Some(module), field }
    }
}

/// Whether a defined symbol's chunk is in a comdat group that another object supplies.
fn is_discarded(linked: &LinkedObject, symbol: &ObjectSymbol) -> bool {
    let object = linked.object();
    match symbol.kind {
        SymbolKind::Function => {
            linked.is_discarded(object.functions[object.defined_function(symbol.element)].comdat)
        }
        SymbolKind::Data if symbol.lies_in_segment() => {
            linked.is_discarded(object.segments[symbol.element as usize].comdat)
        }
        _ => false,
    }
}

/// The signature of a function or tag symbol.
pub(super) fn signature_of(object: &Object, symbol: &ObjectSymbol) -> Option<SignatureId> {
    let element = symbol.element as usize;
    let type_index = match symbol.kind {
        SymbolKind::Function => match object.imports.functions.get(element) {
            Some(import) => import.of,
            None => object.functions[object.defined_function(symbol.element)].type_index,
        },
        SymbolKind::Tag => match object.imports.tags.get(element) {
            Some(import) => import.of,
            None => object.tags[element - object.imports.tags.len()],
        },
        _ => return None,
    };
    Some(object.types[type_index as usize])
}
