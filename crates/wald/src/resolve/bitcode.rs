//! LLVM bitcode: its symbols take part in resolution; then objects that a code generator makes take its place.
//!
//! Bitcode has no signatures, and a reference from it does not make a symbol one that objects use: only what is visible to other
//! objects must survive optimization.

use std::sync::Arc;

use super::add::Incoming;
use super::defsym::NewName;
use super::files::Needed;
use super::libcalls::runtime_library_calls;
use super::special::Wrapped;
use super::*;
use crate::code_generator::{BitcodeResolution, BitcodeSymbol};
use crate::index::ObjectSymbolIndex;
use crate::input::Bitcode;
use crate::options::Architecture;
use crate::symbols::{is_exported, ImportAttributes};

impl<'a> Resolver<'a> {
    /// Whether bitcode can be added, and which of its COMDAT groups are kept.
    pub(super) fn check_bitcode(
        &mut self,
        file: FileId,
        bitcode: &Bitcode,
        because: Option<SymbolId>,
    ) -> Option<Arc<[bool]>> {
        let name = self.file_name(Some(file));
        let problem = if self.bitcode_is_closed {
            let because = because.map_or_else(String::new, |id| self.text(self.table.get(id).name));
            Some((Code::Parse, format!("{name}: attempt to add bitcode file after LTO ({because})")))
        } else {
            wrong_target(&bitcode.table.target_triple, self.options).map(|(problem, is_fatal)| {
                self.must_end |= is_fatal;
                (Code::Options, format!("{name}: {problem}"))
            })
        };
        if let Some((code, message)) = problem {
            let location = self.files[file.at()].name.location();
            let error = Diagnostic::error(code, message).with_location(location);
            self.diagnostics.push(match &*bitcode.table.target_triple {
                triple if self.bitcode_is_closed || triple.starts_with("wasm") => error,
                triple => error
                    .with_note(format!("it is LLVM bitcode for {triple}"))
                    .with_help("compile it for WebAssembly: clang --target=wasm32-wasi -flto"),
            });
            return None;
        }
        Some(bitcode.comdats.iter().map(|&name| self.add_comdat(name)).collect())
    }

    /// Adds one symbol of bitcode, as [`Resolver::add_symbol`](super::Resolver) does for an object's.
    pub(super) fn add_bitcode_symbol(
        &mut self,
        bitcode: &Bitcode,
        place: usize,
        index: usize,
    ) -> (Option<SymbolId>, Needed) {
        let symbol = &bitcode.table.symbols[index];
        let linked = &self.table.bitcode[place];
        let is_discarded =
            symbol.comdat.is_some_and(|comdat| linked.kept_comdats.get(comdat as usize) == Some(&false));
        let is_undefined = symbol.is_undefined || is_discarded;
        let weak = if symbol.is_weak { SymbolFlags::WEAK } else { 0 };
        let undefined = if is_undefined { SymbolFlags::UNDEFINED } else { 0 };
        let incoming = Incoming {
            name: bitcode.names[index],
            kind: symbol.kind(),
            flags: SymbolFlags(weak | undefined).with_hidden(symbol.is_hidden),
            file: Some(linked.file),
            index: ObjectSymbolIndex::new(index),
            chunk: Symbol::NO_CHUNK,
            signature: None,
            attributes: ImportAttributes::default(),
            called_directly: is_undefined,
            is_bitcode: true,
        };
        match is_undefined {
            true => {
                let (id, needed) = self.refer_from_bitcode(&incoming);
                (Some(id), needed.map(|file| (file, id)))
            }
            false => (Some(self.define_in_bitcode(&incoming)), None),
        }
    }

    fn define_in_bitcode(&mut self, incoming: &Incoming) -> SymbolId {
        let (id, new) = self.insert(incoming.name);
        if new || self.table.get(id).is_lazy() {
            self.define(id, incoming);
            return id;
        }
        if incoming.kind == SymbolKind::Function {
            return self.add_defined_function(id, incoming);
        }
        if self.table.get(id).kind != SymbolKind::Data {
            self.kind_mismatch(id, SymbolKind::Data, incoming.file);
        }
        if self.should_replace(id, incoming) {
            self.define(id, incoming);
        }
        id
    }

    /// Adds a reference. Gives the file that must be loaded because it defines the name.
    fn refer_from_bitcode(&mut self, incoming: &Incoming) -> (SymbolId, Option<FileId>) {
        let (id, new) = self.insert(incoming.name);
        if self.table.get(id).traced {
            self.trace_reference(id, incoming.file);
        }
        if new {
            self.undefine(id, incoming);
            return (id, None);
        }
        let entry = self.table.get_mut(id);
        if entry.is_lazy() {
            if !incoming.flags.is_weak() {
                return (id, entry.file);
            }
            entry.flags = entry.flags.with_binding(SymbolFlags::WEAK);
            entry.kind = incoming.kind;
            entry.signature = None;
            return (id, None);
        }
        if incoming.kind == SymbolKind::Function {
            return (self.add_undefined_function(id, incoming), None);
        }
        let entry = self.table.get_mut(id);
        if !entry.is_defined() {
            if entry.flags.is_weak() {
                entry.flags = incoming.flags;
            }
        } else if entry.kind != SymbolKind::Data {
            self.kind_mismatch(id, SymbolKind::Data, incoming.file);
        }
        (id, None)
    }

    /// Loads the members that define functions to which generated code may refer, if they are bitcode: none can be added later.
    pub(super) fn load_library_calls(&mut self) {
        let Some(first) = self.table.bitcode.first() else { return };
        let files = self.files;
        let Some(bitcode) = &files[first.file.at()].bitcode else { return };
        for call in runtime_library_calls(&bitcode.table.target_triple) {
            let Some(name) = self.interners.names.find(call.as_bytes()) else { continue };
            let Some(id) = self.table.find(NameId(name)) else { continue };
            if self.table.get(id).is_lazy() && self.is_bitcode(id) {
                self.extract_for(id, "<libcall>");
            }
        }
    }

    /// Whether the file that a symbol is of is bitcode.
    pub(super) fn is_bitcode(&self, id: SymbolId) -> bool {
        self.table.get(id).file.is_some_and(|file| self.files[file.at()].bitcode.is_some())
    }

    /// Decides for all bitcode what the code generator must know. Its definitions are undefined from here on.
    pub(super) fn decide(
        &mut self,
        wrapped: &[Wrapped],
        new_names: &[NewName],
    ) -> Vec<(FileId, Vec<BitcodeResolution>)> {
        let wrapped = wrapped.iter().flat_map(|w| [w.symbol, w.real]);
        let redefined: HashSet<SymbolId> = wrapped.chain(new_names.iter().map(|new| new.symbol)).collect();
        let files = self.files;
        let all = std::mem::take(&mut self.table.bitcode);
        let decided = all.into_iter().map(|linked| {
            let symbols = files[linked.file.at()].bitcode.iter().flat_map(|bitcode| &bitcode.table.symbols);
            let decide = |(symbol, &id): (&BitcodeSymbol, &SymbolId)| {
                self.decide_symbol(symbol, id, linked.file, redefined.contains(&id))
            };
            let resolutions = symbols.zip(&linked.references).map(decide).collect();
            (linked.file, resolutions)
        });
        decided.collect()
    }

    fn decide_symbol(
        &mut self,
        symbol: &BitcodeSymbol,
        id: SymbolId,
        file: FileId,
        linker_redefined: bool,
    ) -> BitcodeResolution {
        let is_relocatable = self.options.is_relocatable();
        let entry = self.table.get(id);
        // A name that module-level assembly defines and code refers to has two entries; one is undefined.
        let prevailing = !symbol.is_undefined && entry.file == Some(file);
        let visible_to_regular_object = is_relocatable
            || entry.used_in_regular_object
            || entry.flags.is_no_strip()
            || prevailing && is_exported(self.options, entry);
        if prevailing {
            self.forget_definition(id);
        }
        BitcodeResolution { prevailing, visible_to_regular_object, linker_redefined }
    }

    /// Makes a definition of bitcode undefined, so that the generated object can define the symbol.
    fn forget_definition(&mut self, id: SymbolId) {
        let entry = self.table.get_mut(id);
        // Without a signature, no object calls it.
        let is_called = entry.kind == SymbolKind::Function && entry.signature.is_some();
        entry.flags = SymbolFlags(0);
        entry.resolution = Resolution::Undefined;
        entry.import = ImportAttributes::default();
        entry.called_directly = is_called;
    }

    /// Adds generated objects, which are the files from `first` on.
    pub(super) fn add_generated(&mut self, first: usize) {
        for position in first..self.files.len() {
            self.load_generated(FileId::new(position));
        }
    }
}

/// What is wrong with bitcode for this target, and whether the link ends at once.
fn wrong_target(triple: &str, options: &Options) -> Option<(&'static str, bool)> {
    let architecture = triple.split('-').next().unwrap_or_default();
    let is64 = match architecture {
        "wasm32" => false,
        "wasm64" => true,
        _ => return Some(("machine type must be wasm32 or wasm64", false)),
    };
    match (is64, options.architecture) {
        (true, Architecture::Unspecified) => {
            Some(("must specify -mwasm64 to process wasm64 object files", true))
        }
        // In both directions the same words, as wasm-ld says it.
        (true, Architecture::Wasm32) | (false, Architecture::Wasm64) => {
            Some(("wasm32 object file can't be linked in wasm64 mode", true))
        }
        _ => None,
    }
}
