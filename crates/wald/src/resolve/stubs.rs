//! Stub libraries: undefined symbols that they name become imports, and what those need is exported.

use super::*;
use crate::messages::MessageKind;
use crate::stub_library::StubLibrary;

impl Resolver<'_> {
    /// Settles symbols that stub libraries supply, until no dependency brings anything new.
    pub(super) fn process_stub_libraries(&mut self, libraries: &[&StubLibrary]) {
        loop {
            let mut extracted = false;
            for library in libraries {
                extracted |= self.process_stub_library(library);
            }
            if !extracted {
                return;
            }
        }
    }

    /// Preserves through code generation what a stub library's symbol needs, if nothing defines the symbol. wasm-ld does not ask
    /// whether anything refers to the symbol. What it preserves counts as used by an object. Bitcode can only be added now.
    pub(super) fn use_dependencies<'s>(&mut self, libraries: &[&'s StubLibrary]) {
        let symbols = |library: &'s StubLibrary| library.symbols.iter().map(move |entry| (library, entry));
        for (library, (symbol, dependencies)) in libraries.iter().flat_map(|library| symbols(library)) {
            let symbol = self.name(symbol);
            if self.table.find(symbol).is_some_and(|id| !self.table.get(id).is_undefined()) {
                continue;
            }
            for dependency in dependencies {
                let dependency = self.name(dependency);
                let Some(needed) = self.table.find(dependency) else { continue };
                let entry = self.table.get_mut(needed);
                entry.used_in_regular_object = true;
                if entry.is_lazy() && self.is_bitcode(needed) {
                    self.extract_for(needed, &library.path);
                }
            }
        }
    }

    /// Whether an object refers to a symbol. References from bitcode do not count after code was generated.
    fn is_needed(&self, id: SymbolId) -> bool {
        self.table.get(id).used_in_regular_object
    }

    fn process_stub_library(&mut self, library: &StubLibrary) -> bool {
        let mut extracted = false;
        let order = llvm_order::dense_map_order(library.symbols.iter().map(|(symbol, _)| &symbol[..]));
        for position in order {
            let (symbol, dependencies) = &library.symbols[position];
            let name = self.name(symbol);
            match self.table.find(name) {
                // What optimization removed is needed no more.
                Some(id) if self.table.get(id).is_undefined() && self.is_needed(id) => {
                    extracted |= self.import_from_stub(library, id, dependencies);
                }
                Some(id) if self.table.get(id).traced => {
                    let message = format!("{}: stub symbol not needed: {}", library.path, self.text(name));
                    self.diagnostics.say(MessageKind::TraceSymbol, message);
                }
                _ => {}
            }
        }
        // Symbols that are imported under another name than their own.
        for position in 0..self.table.named.len() {
            let id = self.table.named[position];
            let symbol = self.table.get(id);
            let (true, Some(field)) = (symbol.is_undefined(), symbol.import.field) else { continue };
            let field = self.interners.names.with(field.0, <[u8]>::to_vec);
            if let Some(dependencies) = library.dependencies_of(&field) {
                extracted |= self.import_from_stub(library, id, dependencies);
            }
        }
        extracted
    }

    /// Imports a symbol and exports what it depends on. Whether an archive member was extracted for that.
    fn import_from_stub(&mut self, library: &StubLibrary, id: SymbolId, dependencies: &[Vec<u8>]) -> bool {
        // The first library that names a symbol decides.
        if self.table.get(id).force_import {
            return false;
        }
        let symbol = self.table.get_mut(id);
        symbol.force_import = true;
        let (name, traced) = (symbol.name, symbol.traced);
        if traced {
            let message = format!("{}: importing {}", library.path, self.text(name));
            self.diagnostics.say(MessageKind::TraceSymbol, message);
        }
        let mut extracted = false;
        for dependency in dependencies {
            let dependency = self.name(dependency);
            let needed = self.table.find(dependency);
            let known = needed.is_some();
            let Some(needed) = needed.filter(|&needed| !self.table.get(needed).is_undefined()) else {
                // Only what another file refers to counts as a symbol, whose name is demangled.
                let dependency = if known { self.display(dependency) } else { self.text(dependency) };
                let message = format!(
                    "{}: undefined symbol: {dependency}. Required by {}",
                    library.path,
                    self.display(name)
                );
                self.error(Code::UndefinedSymbol, message);
                continue;
            };
            if self.table.get(needed).traced {
                let (needed, name) = (self.display(dependency), self.text(name));
                let message = format!("{}: exported {needed} due to import of {name}", library.path);
                self.diagnostics.say(MessageKind::TraceSymbol, message);
            }
            let symbol = self.table.get_mut(needed);
            symbol.force_export = true;
            // A shared library's definition is imported, although no object refers to it.
            symbol.used_in_regular_object = true;
            if self.table.get(needed).is_lazy() {
                extracted = true;
                self.extract_for_stub(needed, id, library);
            }
        }
        extracted
    }
}
