//! Functions: definitions and references that disagree on the signature become variants of the symbol.
//!
//! WebAssembly checks signatures when a module is validated, so a call may not reach a function of another
//! type. Each signature that a name is used with gets a symbol of its own; those that are not the definition
//! become functions that trap, or that call the definition ([`super::adapt`]).

use super::adapt::{Adapters, Definition};
use super::add::Incoming;
use super::special::Wrapped;
use super::*;
use crate::options::SignatureMismatch;
use crate::symbols::{ImportAttributes, Purpose};

impl Resolver<'_> {
    /// Adds a definition of a function whose name is known already.
    pub(super) fn add_defined_function(&mut self, id: SymbolId, incoming: &Incoming) -> SymbolId {
        let existing = self.table.get(id);
        if existing.kind != SymbolKind::Function {
            self.kind_mismatch(id, SymbolKind::Function, incoming.file);
            return id;
        }
        let check = !existing.is_undefined() || existing.called_directly;
        if check && !signatures_match(existing.signature, incoming.signature) {
            let (variant, new) = self.variant(id, incoming.signature);
            if new || self.should_replace(id, incoming) {
                self.define(variant, incoming);
            }
            // From now on, the name maps to the definition.
            let slot = self.table.by_name[incoming.name.at()];
            let before = std::mem::replace(&mut self.table.named[slot as usize], variant);
            if before != variant {
                self.table.redirected.push((incoming.name, before));
            }
            return variant;
        }
        if self.should_replace(id, incoming) {
            self.define(id, incoming);
        }
        id
    }

    /// Adds a reference to a function whose name is known already and not lazy.
    pub(super) fn add_undefined_function(&mut self, id: SymbolId, incoming: &Incoming) -> SymbolId {
        let existing = self.table.get_mut(id);
        if existing.kind != SymbolKind::Function {
            self.kind_mismatch(id, SymbolKind::Function, incoming.file);
            return id;
        }
        if existing.signature.is_none() {
            existing.signature = incoming.signature;
        }
        let was_undefined = existing.is_undefined();
        let mut result = id;
        if incoming.called_directly && !signatures_match(existing.signature, incoming.signature) {
            if existing.is_shared() {
                return self.call_shared_otherwise(id, incoming);
            }
            if was_undefined && !existing.called_directly {
                // The reference so far only takes the address: this one knows better.
                self.undefine(id, incoming);
            } else {
                let (variant, new) = self.variant(id, incoming.signature);
                result = variant;
                if new {
                    self.undefine(variant, incoming);
                }
            }
        }
        if was_undefined {
            self.merge_import_attributes(id, incoming);
            if incoming.called_directly {
                self.table.get_mut(id).called_directly = true;
            }
            let symbol = self.table.get_mut(result);
            if symbol.flags.is_weak() {
                symbol.flags = incoming.flags;
            }
        }
        result
    }

    /// A call to a shared library's function with another signature than it has.
    fn call_shared_otherwise(&mut self, id: SymbolId, incoming: &Incoming) -> SymbolId {
        match incoming.file {
            Some(file) if self.options.check_shared_signatures => {
                self.shared_signature_mismatch(id, incoming.signature, file);
            }
            _ => self.table.get_mut(id).signature = incoming.signature,
        }
        id
    }

    /// The variant of `id` with this signature, created if it does not exist; and whether it was created.
    fn variant(&mut self, id: SymbolId, signature: Option<SignatureId>) -> (SymbolId, bool) {
        let name = self.table.get(id).name;
        let position = *self.variant_of_name.entry(name).or_insert_with(|| {
            self.variants.push((name, vec![id]));
            self.table.names_with_variants.push(name);
            self.variants.len() - 1
        });
        let known = self.variants[position].1.iter().copied();
        for variant in known {
            if self.table.get(variant).signature == signature {
                return (variant, false);
            }
        }
        let variant = self.push(name);
        self.table.get_mut(variant).used_in_regular_object = true;
        self.variants[position].1.push(variant);
        (variant, true)
    }

    /// Two references must agree on the module and name of an import.
    fn merge_import_attributes(&mut self, id: SymbolId, incoming: &Incoming) {
        let existing = self.table.get_mut(id);
        let ImportAttributes { module, field } = incoming.attributes;
        existing.import.field = existing.import.field.or(field);
        existing.import.module = existing.import.module.or(module);
        let (old, file) = (existing.import, existing.file);
        let binding = incoming.flags.binding();
        if existing.flags.is_weak() && binding != SymbolFlags::WEAK {
            existing.flags = existing.flags.with_binding(binding);
        }
        for (what, old, new) in [("name", old.field, field), ("module", old.module, module)] {
            if let (Some(old), Some(new)) = (old, new) {
                if old != new {
                    let message = format!(
                        "import {what} mismatch for symbol: {}\n>>> defined as {} in {}\n>>> defined as {} in {}",
                        self.display(incoming.name),
                        self.text(old),
                        self.file_name(file),
                        self.text(new),
                        self.file_name(incoming.file)
                    );
                    self.error(Code::SymbolType, message);
                }
            }
        }
    }

    /// Makes functions of all variants that are not the definition: they trap, or call it.
    pub(super) fn settle_variants(&mut self, wrapped: &[Wrapped]) -> Adapters {
        let variants = std::mem::take(self.variants);
        let names: Vec<Vec<u8>> =
            variants.iter().map(|(name, _)| self.interners.names.with(name.0, <[u8]>::to_vec)).collect();
        let mut adapters = Adapters::default();
        for position in llvm_order::dense_map_order(names.iter().map(|name| &name[..])) {
            let (name, symbols) = &variants[position];
            let adapts = self.options.adapts_calls();
            let definition = match adapts {
                true => self.definition_to_adapt_to(symbols),
                false => symbols.iter().copied().find(|&id| self.is_here(id)).map(Definition::first),
            };
            let Some(definition) = definition else {
                let message = self.signature_mismatch(*name, symbols[0], symbols[1]);
                self.error(Code::SymbolType, message);
                return adapters;
            };
            if adapts && definition.is_only {
                self.name_definition(*name, definition.symbol);
            }
            for &id in symbols.iter().filter(|&&id| id != definition.symbol) {
                self.settle_variant(*name, id, definition, wrapped, &mut adapters);
            }
        }
        adapters
    }

    fn settle_variant(
        &mut self,
        name: NameId,
        id: SymbolId,
        definition: Definition,
        wrapped: &[Wrapped],
        adapters: &mut Adapters,
    ) {
        let message = self.signature_mismatch(name, id, definition.symbol);
        let is_error = self.options.signature_mismatch == SignatureMismatch::Error;
        let traps = if is_error {
            "the call would trap if it was reached"
        } else {
            "the call traps when it is reached"
        };
        let mut outcome = vec![traps.to_string()];
        if self.options.adapts_calls() {
            let target = definition.target(wrapped);
            if definition.is_only {
                adapters.meant.insert(id, target);
            }
            match self.adapt(id, definition, target) {
                Ok(adaptation) => {
                    let wrapper = match target == definition.symbol {
                        true => String::new(),
                        false => format!(" to {}", self.display(self.table.get(target).name)),
                    };
                    let outcome = [format!("the call is adapted{wrapper}: {}", adaptation.text())];
                    let note = Diagnostic::note(Code::SymbolType, message);
                    let note = self.explain_mismatch(id, definition.symbol, outcome, note);
                    self.diagnostics.push(note);
                    return self.replace_by_adapter(id, target, adapters);
                }
                Err(why) => outcome.push(format!("it cannot be adapted: {why}")),
            }
        }
        let diagnostic = match is_error {
            true => Diagnostic::error(Code::SymbolType, message),
            false => Diagnostic::warning(Code::SymbolType, message),
        };
        let diagnostic = self.explain_mismatch(id, definition.symbol, outcome, diagnostic);
        self.diagnostics.push(diagnostic);
        let debug_name = format!("signature_mismatch:{}", self.display(self.table.get(id).name));
        self.replace_by_trap(id, debug_name.into_bytes());
    }

    fn signature_mismatch(&self, name: NameId, first: SymbolId, second: SymbolId) -> String {
        let line = |id: SymbolId| {
            let symbol = self.table.get(id);
            format!(
                "\n>>> defined as {} in {}",
                self.signature_text(symbol.signature),
                self.file_name(symbol.file)
            )
        };
        format!("function signature mismatch: {}{}{}", self.text(name), line(first), line(second))
    }

    /// Makes `id` a function that traps and whose address is null.
    pub(super) fn replace_by_trap(&mut self, id: SymbolId, debug_name: Vec<u8>) {
        self.replace_by_function(id, debug_name, Purpose::Unreachable);
        let symbol = self.table.get_mut(id);
        symbol.is_stub = symbol.signature.is_some();
    }

    /// Makes `id` a function that the linker writes.
    pub(super) fn replace_by_function(&mut self, id: SymbolId, debug_name: Vec<u8>, purpose: Purpose) {
        let Some(signature) = self.table.get(id).signature else { return };
        let name = self.name(&debug_name);
        let symbol_name = self.interners.names.with(self.table.get(id).name.0, <[u8]>::to_vec);
        let function =
            SyntheticFunction { symbol_name, name: debug_name, signature, purpose, export_name: None };
        let number = self.push_synthetic_function(function);
        let symbol = self.table.get_mut(id);
        symbol.name = name;
        symbol.flags = SymbolFlags(SymbolFlags::LOCAL);
        symbol.file = None;
        symbol.resolution = Resolution::Synthetic(Synthetic::Function(number));
        if symbol.traced {
            self.trace_definition(id);
        }
    }
}

/// Signatures match unless both are known and differ.
pub(super) fn signatures_match(existing: Option<SignatureId>, incoming: Option<SignatureId>) -> bool {
    match (existing, incoming) {
        (Some(existing), Some(incoming)) => existing == incoming,
        _ => true,
    }
}
