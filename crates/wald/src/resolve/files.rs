//! Walks the files: objects in declared order, archive members when one of their symbols is needed.

use super::*;
use crate::index::ObjectId;
use crate::input::parse_diagnostic;
use crate::messages::MessageKind;
use crate::object::{Object, ObjectSymbol};
use crate::stub_library::StubLibrary;
use crate::symbols::ImportAttributes;

/// An object whose symbols are being added; extraction may put another one on top.
struct Loading<'a> {
    object: &'a Object,
    linked: LinkedObject,
    /// What its symbols refer to, so far.
    references: Vec<Option<SymbolId>>,
    next: usize,
    /// Why it was extracted: noted when it is done.
    because: Option<(FileId, SymbolId, SymbolKind)>,
}

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
                if files[position].is_no_object() {
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
        self.extract(file);
        self.note_extraction(|this| this.file_name(reference), id, true);
    }

    /// Loads the file that defines the lazy symbol `id` because `reference` needs it.
    pub(super) fn extract_symbol(&mut self, id: SymbolId, reference: impl FnOnce(&Self) -> String) {
        if let Some(file) = self.table.get(id).file {
            self.extract(file);
        }
        self.note_extraction(reference, id, true);
    }

    /// The same for what a stub library's symbol depends on. Reports tell the symbol that needed it.
    pub(super) fn extract_for_stub(&mut self, needed: SymbolId, symbol: SymbolId, library: &StubLibrary) {
        if let Some(file) = self.table.get(needed).file {
            self.extract(file);
        }
        self.note_extraction(|_| library.path.clone(), symbol, true);
    }

    /// Notes that an object's reference found the symbol's file.
    fn note_reference(&mut self, referrer: FileId, symbol: SymbolId, kind: SymbolKind) {
        let is_told = kind == SymbolKind::Function;
        self.note_extraction(|this| this.file_name(Some(referrer)), symbol, is_told);
    }

    fn note_extraction(&mut self, reference: impl FnOnce(&Self) -> String, symbol: SymbolId, is_told: bool) {
        if self.options.want_why_extract {
            let reference = reference(self);
            if let Some(file) = self.table.get(symbol).file {
                self.extractions.push(Extraction { reference, file, symbol, is_told });
            }
        }
    }

    fn extract(&mut self, file: FileId) {
        if !self.loaded[file.at()] {
            self.load(file);
        }
    }

    /// Adds an object's symbols, one after another. An extraction in between suspends the object: the work
    /// is kept on a stack of its own, so that a long chain of members cannot exhaust the thread's.
    fn load(&mut self, file: FileId) {
        let mut stack = Vec::new();
        stack.extend(self.begin(file));
        while let Some(top) = stack.last_mut() {
            let object = top.object;
            let Some(symbol) = object.symbols.get(top.next) else {
                if let Some(mut done) = stack.pop() {
                    done.linked.set_references(&done.references);
                    self.table.object_of_file[done.linked.file.at()] =
                        Some(ObjectId::new(self.table.objects.len()));
                    self.table.objects.push(done.linked);
                    if let Some((referrer, id, kind)) = done.because {
                        self.note_reference(referrer, id, kind);
                    }
                }
                continue;
            };
            let index = top.next;
            top.next += 1;
            let (reference, needed) = self.add_symbol(&top.linked, index, symbol);
            top.references.push(reference);
            if let Some((needed, id)) = needed {
                let referrer = top.linked.file;
                if self.loaded[needed.at()] {
                    self.note_reference(referrer, id, symbol.kind);
                } else if let Some(mut loading) = self.begin(needed) {
                    loading.because = Some((referrer, id, symbol.kind));
                    stack.push(loading);
                }
            }
        }
    }

    /// Starts to load a file.
    fn begin(&mut self, file: FileId) -> Option<Loading<'a>> {
        self.loaded[file.at()] = true;
        let files = self.files;
        let candidate = files[file.at()];
        if self.options.trace {
            self.diagnostics.say(MessageKind::Trace, candidate.display());
        }
        let object = match candidate.object(self.interners) {
            Ok(object) => object,
            Err(error) => {
                self.diagnostics.push(parse_diagnostic(&candidate.name, error));
                return None;
            }
        };
        let mut linked = LinkedObject::new(file, object.clone(), candidate.display(), !candidate.lazy);
        linked.kept_comdats = object.comdats.iter().map(|&name| self.add_comdat(name)).collect();
        let references = Vec::with_capacity(object.symbols.len());
        Some(Loading { object, linked, references, next: 0, because: None })
    }

    /// Adds one symbol of an object. Gives its entry in the table, and the file that must be loaded for it.
    fn add_symbol(
        &mut self,
        linked: &LinkedObject,
        index: usize,
        symbol: &ObjectSymbol,
    ) -> (Option<SymbolId>, Option<(FileId, SymbolId)>) {
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
