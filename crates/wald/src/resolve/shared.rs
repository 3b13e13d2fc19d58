//! Shared libraries: what they export exists at run time, so nothing needs to be linked for it.

use super::functions::signatures_match;
use super::*;
use crate::object::{SharedLibrary, SharedSymbol};

impl Resolver<'_> {
    /// Adds a library's functions and data, and notes that the output needs it.
    pub(super) fn add_shared_library(&mut self, file: FileId, library: &SharedLibrary) {
        let candidate = self.files[file.at()];
        if self.options.is_relocatable() {
            // An object cannot depend on a library that exists at run time only.
            let message = format!("attempted static link of dynamic object {}", candidate.name);
            let diagnostic = Diagnostic::error(Code::Parse, message).with_location(candidate.name.location());
            return self.diagnostics.push(diagnostic);
        }
        let path = candidate.name.member.as_deref().unwrap_or(&candidate.name.path);
        self.table.needed.push(path.rsplit('/').next().unwrap_or(path).to_string());
        for symbol in &library.symbols {
            self.add_shared_symbol(file, symbol);
        }
    }

    fn add_shared_symbol(&mut self, file: FileId, shared: &SharedSymbol) {
        let (id, new) = self.insert(shared.name);
        let kind = if shared.signature.is_some() { SymbolKind::Function } else { SymbolKind::Data };
        let symbol = self.table.get(id);
        let mut signature = shared.signature;
        if !new && !symbol.is_lazy() {
            // Whatever it is that has the name of a datum of the library.
            if symbol.is_defined() && kind == SymbolKind::Data {
                return;
            }
            if symbol.kind != kind {
                self.kind_mismatch(id, kind, Some(file));
                // A datum takes the place of what is undefined all the same: the next library with it agrees.
                if kind == SymbolKind::Function {
                    return;
                }
            } else if symbol.is_defined() {
                // A linked definition wins over one that exists at run time only.
                return;
            } else if symbol.called_directly && !signatures_match(symbol.signature, signature) {
                if self.options.check_shared_signatures {
                    self.shared_signature_mismatch(id, signature, file);
                } else {
                    signature = symbol.signature;
                }
            }
        }
        let symbol = self.table.get_mut(id);
        symbol.kind = kind;
        symbol.flags = SymbolFlags(0);
        symbol.file = Some(file);
        symbol.signature = signature;
        symbol.chunk = Symbol::NO_CHUNK;
        symbol.import = Default::default();
        symbol.resolution = Resolution::Shared;
        if symbol.traced {
            self.trace_definition(id);
        }
    }

    /// Resolves undefined tags to those that shared libraries export. It runs after all files, so that a link that does not need
    /// it has its symbols in wasm-ld 22's order.
    pub(super) fn take_shared_tags(&mut self) {
        for position in 0..self.files.len() {
            let Some(library) = &self.files[position].shared else { continue };
            for &(name, signature) in &library.tags {
                self.take_shared_tag(FileId::new(position), name, signature);
            }
        }
    }

    fn take_shared_tag(&mut self, file: FileId, name: NameId, signature: SignatureId) {
        let Some(id) = self.table.find(name) else { return };
        let symbol = self.table.get(id);
        if symbol.kind != SymbolKind::Tag || !symbol.is_undefined() || symbol.is_imported() {
            return;
        }
        if symbol.signature != Some(signature) {
            let message = format!(
                "Tag signature mismatch: {}\n>>> defined as {} in {}\n>>> defined as {} in {}",
                self.display(symbol.name),
                self.signature_text(symbol.signature),
                self.file_name(symbol.file),
                self.signature_text(Some(signature)),
                self.file_name(Some(file)),
            );
            // The loader would refuse the module.
            return self.error(Code::SymbolType, message);
        }
        let symbol = self.table.get_mut(id);
        symbol.file = Some(file);
        symbol.chunk = Symbol::NO_CHUNK;
        symbol.resolution = Resolution::Shared;
        if symbol.traced {
            self.trace_definition(id);
        }
    }

    /// Reports that a function is not what its callers take it for.
    pub(super) fn shared_signature_mismatch(
        &mut self,
        id: SymbolId,
        signature: Option<SignatureId>,
        file: FileId,
    ) {
        let symbol = self.table.get(id);
        let message = format!(
            "function signature mismatch: {}\n>>> defined as {} in {}\n>>> defined as {} in {}",
            self.text(symbol.name),
            self.signature_text(symbol.signature),
            self.file_name(symbol.file),
            self.signature_text(signature),
            self.file_name(Some(file)),
        );
        self.error(Code::SymbolType, message);
    }
}
