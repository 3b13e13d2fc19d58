//! Adds one definition or reference to the symbol table, and decides between it and the earlier ones.

use super::files::signature_of;
use super::*;
use crate::format::{limits, types, GlobalType, TableType};
use crate::index::ObjectSymbolIndex;
use crate::object::{Object, ObjectSymbol};
use crate::options::SignatureMismatch;
use crate::symbols::{ImportAttributes, SyntheticGlobal};

/// What is known of a symbol that is being added.
#[derive(Clone, Copy)]
pub(super) struct Incoming {
    pub name: NameId,
    pub kind: SymbolKind,
    pub flags: SymbolFlags,
    pub file: Option<FileId>,
    pub index: ObjectSymbolIndex,
    pub chunk: u32,
    pub signature: Option<SignatureId>,
    pub attributes: ImportAttributes,
    pub called_directly: bool,
    /// Bitcode, not an object, defines it or refers to it.
    pub is_bitcode: bool,
}

impl Incoming {
    /// A reference to a function that no file makes, and no call.
    pub(super) fn reference(name: NameId, signature: Option<SignatureId>) -> Self {
        Incoming {
            name,
            kind: SymbolKind::Function,
            flags: SymbolFlags(SymbolFlags::UNDEFINED),
            file: None,
            index: ObjectSymbolIndex::new(0),
            chunk: Symbol::NO_CHUNK,
            signature,
            attributes: ImportAttributes::default(),
            called_directly: false,
            is_bitcode: false,
        }
    }
}

impl<'a> Resolver<'a> {
    /// Adds a non-local definition.
    pub(super) fn add_defined(
        &mut self,
        linked: &LinkedObject,
        index: usize,
        symbol: &ObjectSymbol,
    ) -> SymbolId {
        let incoming = self.incoming(linked, index, symbol, ImportAttributes::default());
        let (id, new) = self.insert(symbol.name);
        self.table.get_mut(id).used_in_regular_object = true;
        if symbol.is_common() {
            let common = self.table.commons.entry(id).or_default();
            common.size = common.size.max(symbol.size);
            common.alignment = common.alignment.max(symbol.offset as u32);
        }
        if new || self.table.get(id).is_lazy() {
            self.define(id, &incoming);
            return id;
        }
        if symbol.kind == SymbolKind::Function {
            return self.add_defined_function(id, &incoming);
        }
        self.check_type(id, linked, symbol);
        if self.should_replace(id, &incoming) {
            self.define(id, &incoming);
        }
        id
    }

    fn incoming(
        &self,
        linked: &LinkedObject,
        index: usize,
        symbol: &ObjectSymbol,
        attributes: ImportAttributes,
    ) -> Incoming {
        Incoming {
            name: symbol.name,
            kind: symbol.kind,
            flags: symbol.flags,
            file: Some(linked.file),
            index: ObjectSymbolIndex::new(index),
            chunk: linked.object().chunk_of(symbol).unwrap_or(Symbol::NO_CHUNK),
            signature: signature_of(linked.object(), symbol),
            attributes,
            called_directly: linked.object().calls_directly(index),
            is_bitcode: false,
        }
    }

    /// Resolves `id` to the definition.
    pub(super) fn define(&mut self, id: SymbolId, incoming: &Incoming) {
        let symbol = self.table.get_mut(id);
        let is_function = (symbol.kind, incoming.kind) == (SymbolKind::Function, SymbolKind::Function);
        symbol.kind = incoming.kind;
        symbol.flags = incoming.flags;
        symbol.file = incoming.file;
        symbol.index = incoming.index;
        symbol.chunk = incoming.chunk;
        symbol.signature = match incoming.is_bitcode {
            // Bitcode has no signatures; what objects have said stays known.
            true => symbol.signature.filter(|_| is_function),
            false => incoming.signature,
        };
        symbol.resolution = match incoming.is_bitcode {
            true => Resolution::Bitcode,
            false => Resolution::Object,
        };
        symbol.import = ImportAttributes::default();
        symbol.called_directly = false;
        if symbol.traced {
            self.trace_definition(id);
        }
    }

    /// Resolves `id` to the reference.
    pub(super) fn undefine(&mut self, id: SymbolId, incoming: &Incoming) {
        let symbol = self.table.get_mut(id);
        symbol.kind = incoming.kind;
        // The definition of a discarded COMDAT group counts as a reference.
        symbol.flags = SymbolFlags(incoming.flags.0 | SymbolFlags::UNDEFINED);
        symbol.file = incoming.file;
        symbol.index = incoming.index;
        symbol.chunk = incoming.chunk;
        symbol.signature = incoming.signature;
        symbol.import = incoming.attributes;
        symbol.called_directly = incoming.called_directly;
        symbol.resolution = Resolution::Undefined;
    }

    /// Adds a non-local reference. Gives the file that must be loaded because it defines the name.
    pub(super) fn add_undefined(
        &mut self,
        linked: &LinkedObject,
        index: usize,
        symbol: &ObjectSymbol,
        attributes: ImportAttributes,
    ) -> (SymbolId, Option<FileId>) {
        let incoming = self.incoming(linked, index, symbol, attributes);
        let (id, new) = self.insert(symbol.name);
        self.table.get_mut(id).used_in_regular_object = true;
        if self.table.get(id).traced {
            self.trace_reference(id, Some(linked.file));
        }
        if new {
            self.undefine(id, &incoming);
            return (id, None);
        }
        let entry = self.table.get_mut(id);
        if entry.is_lazy() {
            if !symbol.flags.is_weak() {
                return (id, entry.file);
            }
            entry.flags = entry.flags.with_binding(SymbolFlags::WEAK);
            entry.kind = symbol.kind;
            if symbol.kind == SymbolKind::Function {
                entry.signature = incoming.signature;
            }
            return (id, None);
        }
        if symbol.kind == SymbolKind::Function {
            return (self.add_undefined_function(id, &incoming), None);
        }
        if entry.is_defined() {
            self.check_type(id, linked, symbol);
        } else if entry.flags.is_weak() {
            entry.flags = SymbolFlags(symbol.flags.0 | SymbolFlags::UNDEFINED);
        }
        (id, None)
    }

    /// Whether the definition replaces the current resolution of `id`.
    pub(super) fn should_replace(&mut self, id: SymbolId, incoming: &Incoming) -> bool {
        let existing = self.table.get(id);
        if !existing.is_defined() {
            return true;
        }
        if incoming.flags.is_weak() {
            return false;
        }
        if existing.flags.is_weak() || existing.is_shared() {
            return true;
        }
        let is_common = incoming.kind == SymbolKind::Data && incoming.flags.binding() == SymbolFlags::COMMON;
        if existing.is_common() || is_common {
            // The first of several common symbols represents all of them.
            return !is_common;
        }
        if self.options.allow_multiple_definition {
            return false;
        }
        let message = format!(
            "duplicate symbol: {}\n>>> defined in {}\n>>> defined in {}",
            self.display(existing.name),
            self.file_name(existing.file),
            self.file_name(incoming.file)
        );
        let diagnostic = match self.options.noinhibit_exec {
            true => Diagnostic::warning(Code::DuplicateSymbol, message),
            false => Diagnostic::error(Code::DuplicateSymbol, message),
        };
        let diagnostic = self.explain_duplicate(id, incoming, diagnostic);
        self.diagnostics.push(diagnostic);
        true
    }

    /// Reports that a symbol is two kinds of thing.
    pub(super) fn kind_mismatch(&mut self, id: SymbolId, kind: SymbolKind, file: Option<FileId>) {
        let existing = self.table.get(id);
        let message = format!(
            "symbol type mismatch: {}\n>>> defined as {} in {}\n>>> defined as {} in {}",
            self.display(existing.name),
            wasm_type_name(existing.kind),
            self.file_name(existing.file),
            wasm_type_name(kind),
            self.file_name(file)
        );
        let error = Diagnostic::error(Code::SymbolType, message);
        let error = self.explain_kinds(id, kind, file, error);
        self.diagnostics.push(error);
    }

    /// Checks kind and type of a symbol that is not a function against the earlier ones.
    fn check_type(&mut self, id: SymbolId, linked: &LinkedObject, symbol: &ObjectSymbol) {
        let existing = self.table.get(id);
        if existing.kind != symbol.kind {
            self.kind_mismatch(id, symbol.kind, Some(linked.file));
            return;
        }
        let name = existing.name;
        let (what, old, new, is_error) = match symbol.kind {
            SymbolKind::Global => {
                let old = self.global_type(id);
                let new = object_global_type(linked.object(), symbol);
                // What a library sets up threads with may be declared as it likes: it only reads it.
                let is_first = matches!(
                    existing.resolution,
                    Resolution::Synthetic(Synthetic::Global(
                        SyntheticGlobal::InitStackPointer | SyntheticGlobal::InitTlsBase
                    ))
                );
                if old == Some(new) || is_first && old.is_some_and(|old| old.value == new.value) {
                    return;
                }
                let old = old.map_or_else(String::new, display_global_type);
                ("Global type mismatch", old, display_global_type(new), true)
            }
            SymbolKind::Table => {
                let old = self.table_type(id);
                let new = object_table_type(linked.object(), symbol);
                if old.element == new.element {
                    return;
                }
                ("Table type mismatch", display_table_type(&old), display_table_type(&new), true)
            }
            SymbolKind::Tag => {
                let new = signature_of(linked.object(), symbol);
                if existing.signature == new {
                    return;
                }
                let old = self.signature_text(existing.signature);
                let is_error = self.options.signature_mismatch == SignatureMismatch::Error;
                ("Tag signature mismatch", old, self.signature_text(new), is_error)
            }
            _ => return,
        };
        let message = format!(
            "{what}: {}\n>>> defined as {old} in {}\n>>> defined as {new} in {}",
            self.display(name),
            self.file_name(self.table.get(id).file),
            linked.path
        );
        let diagnostic = match is_error {
            true => Diagnostic::error(Code::SymbolType, message),
            false => Diagnostic::warning(Code::SymbolType, message),
        };
        self.diagnostics.push(diagnostic);
    }

    fn object_symbol(&self, id: SymbolId) -> Option<(&'a Object, &'a ObjectSymbol)> {
        let symbol = self.table.get(id);
        let object = self.files[symbol.file?.at()].parsed()?;
        Some((object, &object.symbols[symbol.index.at()]))
    }

    fn pointer_type(&self) -> u8 {
        if self.options.is64() {
            types::I64
        } else {
            types::I32
        }
    }

    fn global_type(&self, id: SymbolId) -> Option<GlobalType> {
        match self.table.get(id).resolution {
            Resolution::Synthetic(Synthetic::Global(global)) => {
                let value = self.pointer_type();
                let mutable = matches!(global, SyntheticGlobal::StackPointer)
                    || global == SyntheticGlobal::TlsBase && self.options.shared_memory;
                Some(GlobalType { value, mutable })
            }
            _ => {
                match self.table.well_known.imported_global(id).filter(|_| self.table.get(id).file.is_none())
                {
                    Some(mutable) => Some(GlobalType { value: self.pointer_type(), mutable }),
                    None => self.object_symbol(id).map(|(object, symbol)| object_global_type(object, symbol)),
                }
            }
        }
    }

    fn table_type(&self, id: SymbolId) -> TableType {
        self.object_symbol(id)
            .map_or_else(TableType::default, |(object, symbol)| object_table_type(object, symbol))
    }
}

/// The type of an object's global symbol.
pub fn object_global_type(object: &Object, symbol: &ObjectSymbol) -> GlobalType {
    let element = symbol.element as usize;
    match object.imports.globals.get(element) {
        Some(import) => import.of,
        None => object.globals[element - object.imports.globals.len()].of,
    }
}

/// The type of an object's table symbol.
pub fn object_table_type(object: &Object, symbol: &ObjectSymbol) -> TableType {
    let element = symbol.element as usize;
    match object.imports.tables.get(element) {
        Some(import) => import.of,
        None => object.tables[element - object.imports.tables.len()].of,
    }
}

fn display_global_type(of: GlobalType) -> String {
    format!("{} {}", if of.mutable { "var" } else { "const" }, types::name(of.value))
}

fn display_table_type(of: &TableType) -> String {
    let limits = &of.limits;
    let maximum =
        if limits.flags & limits::HAS_MAX != 0 { format!("; max={}", limits.maximum) } else { String::new() };
    format!(
        "type={}; limits=[flags=0x{:x}; min={}{maximum}]",
        types::name(of.element),
        limits.flags,
        limits.minimum
    )
}

fn wasm_type_name(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Function => "WASM_SYMBOL_TYPE_FUNCTION",
        SymbolKind::Data => "WASM_SYMBOL_TYPE_DATA",
        SymbolKind::Global => "WASM_SYMBOL_TYPE_GLOBAL",
        SymbolKind::Section => "WASM_SYMBOL_TYPE_SECTION",
        SymbolKind::Tag => "WASM_SYMBOL_TYPE_TAG",
        SymbolKind::Table => "WASM_SYMBOL_TYPE_TABLE",
    }
}
