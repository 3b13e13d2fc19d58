//! `--signature-mismatch=adapt`: functions that call a definition with another signature than their callers use.
//!
//! A variant of a symbol that would trap becomes such an adapter. So does the address of a function that an object declares with
//! another signature and never calls: code calls through an address with the type that it knows. No earlier phase compares these, and
//! a program that casts the address back to the type of the definition is valid, so nothing is said if they cannot be adapted.

use super::special::Wrapped;
use super::*;
use crate::adaptation::Adaptation;
use crate::diagnostics::Note;
use crate::index::ObjectId;
use crate::places::{self, File, Place};
use crate::symbols::{Purpose, Reference};

/// The definition that variants of a symbol are adapted to.
#[derive(Clone, Copy)]
pub(super) struct Definition {
    pub(super) symbol: SymbolId,
    /// Whether no other definition could be meant.
    pub(super) is_only: bool,
}

impl Definition {
    /// The first of several definitions, which is the one for wasm-ld.
    pub(super) fn first(symbol: SymbolId) -> Self {
        Definition { symbol, is_only: true }
    }

    /// The function that its calls reach.
    pub(super) fn target(self, wrapped: &[Wrapped]) -> SymbolId {
        let replacement = wrapped.iter().rev().find_map(|wrapped| wrapped.replacement(self.symbol));
        replacement.unwrap_or(self.symbol)
    }
}

/// What became of symbols with several signatures.
#[derive(Default)]
pub(super) struct Adapters {
    /// The function that each variant was meant to be.
    pub(super) meant: HashMap<SymbolId, SymbolId>,
    /// Adapters by the function that they call and their signature.
    pub(super) known: HashMap<(SymbolId, SignatureId), SymbolId>,
}

impl Resolver<'_> {
    /// Whether an object that is part of the link, or the linker itself, defines a symbol.
    pub(super) fn is_here(&self, id: SymbolId) -> bool {
        let symbol = self.table.get(id);
        // A shared library's function exists only at run time.
        symbol.is_defined() && !symbol.is_shared()
    }

    /// The definition among the variants of a symbol. As usual, a weak one gives way.
    pub(super) fn definition_to_adapt_to(&self, variants: &[SymbolId]) -> Option<Definition> {
        let here = || variants.iter().copied().filter(|&id| self.is_here(id));
        let mut strong = here().filter(|&id| !self.table.get(id).flags.is_weak());
        let symbol = strong.next().or_else(|| here().next())?;
        let is_only = self.options.allow_multiple_definition || strong.next().is_none();
        Some(Definition { symbol, is_only })
    }

    /// Makes the name of a symbol with variants map to its definition, whose place a weak one may have taken.
    pub(super) fn name_definition(&mut self, name: NameId, definition: SymbolId) {
        let Some(&slot) = self.table.by_name.get(name.at()) else { return };
        let Some(place) = self.table.named.get_mut(slot as usize) else { return };
        let before = std::mem::replace(place, definition);
        if before == definition {
            return;
        }
        self.table.redirected.push((name, before));
        let force_export = self.table.get(before).force_export;
        let symbol = self.table.get_mut(definition);
        symbol.force_export |= force_export;
        symbol.used_in_regular_object = true;
        if self.table.well_known.entry == Some(before) {
            self.table.well_known.entry = Some(definition);
        }
    }

    /// How calls of a variant reach `target`, or why they cannot.
    pub(super) fn adapt(
        &self,
        variant: SymbolId,
        definition: Definition,
        target: SymbolId,
    ) -> Result<Adaptation, String> {
        if !definition.is_only {
            return Err("more than one file defines it".into());
        }
        if !self.is_here(target) {
            return Err(format!("{} is not defined", self.display(self.table.get(target).name)));
        }
        let signatures = (self.table.get(variant).signature, self.table.get(target).signature);
        let (Some(called), Some(defined)) = signatures else { return Err("a signature is not known".into()) };
        self.adaptation(called, defined)
    }

    fn adaptation(&self, called: SignatureId, defined: SignatureId) -> Result<Adaptation, String> {
        let [called, defined] =
            [called, defined].map(|id| self.interners.signatures.with(id.0, <[u8]>::to_vec));
        Adaptation::new(&called, &defined)
    }

    /// Makes `id` a function that calls `target`.
    pub(super) fn replace_by_adapter(&mut self, id: SymbolId, target: SymbolId, adapters: &mut Adapters) {
        let debug_name = format!("adapted:{}", self.display(self.table.get(target).name));
        self.replace_by_function(id, debug_name.into_bytes(), Purpose::Adapter(target));
        self.table.get_mut(target).used_in_regular_object = true;
        if let Some(signature) = self.table.get(id).signature {
            adapters.known.entry((target, signature)).or_insert(id);
        }
    }

    /// Adapts the addresses of functions that objects declare with another signature and never call.
    pub(super) fn adapt_addresses(&mut self, mut adapters: Adapters) {
        for object in 0..self.table.objects.len() {
            let object = ObjectId::new(object);
            let mut made = Vec::new();
            for index in 0..self.table.objects[object.at()].object().symbols.len() as u32 {
                self.adapt_address(object, index, &mut adapters, &mut made);
            }
            if !made.is_empty() {
                self.note_addresses(object, &made);
            }
        }
    }

    /// Makes a reference go to an adapter if its object declares another signature. `made` gets the symbol's index, its definition and
    /// the adaptation, if the adapter is a new one.
    fn adapt_address(
        &mut self,
        object: ObjectId,
        index: u32,
        adapters: &mut Adapters,
        made: &mut Vec<(u32, SymbolId, Adaptation)>,
    ) {
        let linked = &self.table.objects[object.at()];
        let symbol = &linked.object().symbols[index as usize];
        let Reference::Global(id) = linked.reference(index) else { return };
        let is_called = linked.object().calls_directly(index as usize);
        if symbol.kind != SymbolKind::Function || is_called || self.table.get(id).kind != SymbolKind::Function
        {
            return;
        }
        let declared = super::files::signature_of(linked.object(), symbol);
        let target = adapters.meant.get(&id).copied().unwrap_or(id);
        let definition = self.table.get(target);
        let (Some(declared), Some(defined)) = (declared, definition.signature) else { return };
        if !self.is_here(target) || definition.is_stub || target == id && declared == defined {
            return;
        }
        let name = definition.name;
        let adapter = match (declared == defined, adapters.known.get(&(target, declared))) {
            (true, _) => target,
            (false, Some(&adapter)) => adapter,
            (false, None) => {
                let Ok(adaptation) = self.adaptation(declared, defined) else { return };
                made.push((index, target, adaptation));
                let adapter = self.push(name);
                let symbol = self.table.get_mut(adapter);
                (symbol.signature, symbol.used_in_regular_object) = (Some(declared), true);
                self.replace_by_adapter(adapter, target, adapters);
                adapter
            }
        };
        if adapter == id {
            return;
        }
        self.table.references_changed = true;
        self.object_mut(object.at()).redirect(index, adapter);
    }

    /// Reports the adapters of an object's addresses, where it takes them.
    fn note_addresses(&mut self, object: ObjectId, made: &[(u32, SymbolId, Adaptation)]) {
        let linked = &self.table.objects[object.at()];
        let parsed = linked.object();
        let mut places: HashMap<u32, Option<Place>> = made.iter().map(|&(index, ..)| (index, None)).collect();
        let mut visit = |index: u32, place: Place| {
            if let Some(first @ None) = places.get_mut(&index) {
                *first = Some(place);
            }
        };
        for (function, of) in parsed.functions.iter().enumerate() {
            let relocations = parsed.relocations(of.relocations);
            relocations.for_each(|entry| visit(entry.index, Place::Code { function, offset: entry.offset }));
        }
        for (segment, of) in parsed.segments.iter().enumerate() {
            parsed.relocations(of.relocations).for_each(|entry| {
                let offset = entry.offset.saturating_sub(of.offset_base);
                visit(entry.index, Place::Data { segment, offset });
            });
        }
        let file = File::linked(linked, self.files);
        let mut notes = Vec::new();
        for (index, target, adaptation) in made {
            let Some(place) = places.get(index).copied().flatten() else { continue };
            let place = places::describe(&file, &[place], self.options.demangle).pop();
            let definition = self.table.get(*target);
            let declared = super::files::signature_of(parsed, &parsed.symbols[*index as usize]);
            let message = format!(
                "function signature mismatch: {}\n>>> declared as {} in {}\n>>> defined as {} in {}",
                self.text(definition.name),
                self.signature_text(declared),
                linked.path,
                self.signature_text(definition.signature),
                self.file_name(definition.file)
            );
            let mut note = Diagnostic::note(Code::SymbolType, message);
            if let Some(place) = place {
                let text = format!("its address is taken at {}", place.text);
                note = note.with_note(Note::new(text).with_locations(vec![place.location.clone()]));
                note = note.with_location(place.location);
            }
            let text = format!("calls through the address are adapted: {}", adaptation.text());
            let help = super::explain::declare_once(&self.display(definition.name));
            notes.push(note.with_note(text).with_help(help));
        }
        self.diagnostics.extend(notes);
    }
}
