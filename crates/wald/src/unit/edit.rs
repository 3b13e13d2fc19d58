//! Edits of a unit.

use std::sync::PoisonError;

use super::check;
use super::definition::{Binding, Definition, ProducerKind, Symbol, ValueType};
use super::error::UnitError;
use super::handle::{ComdatHandle, SymbolHandle, TypeHandle};
use super::state::Unit;
use super::store::{Entry, Slot};
use crate::object::NONE;

impl Unit {
    /// Says whether the unit's memory has 64-bit addresses.
    pub fn set_memory_64(&mut self, is_64: bool) {
        self.memory_is_64 = is_64;
    }

    /// The signature with these types; the same handle for the same types.
    pub fn signature(&mut self, parameters: &[ValueType], results: &[ValueType]) -> TypeHandle {
        let mut text = Vec::with_capacity(2 + parameters.len() + results.len());
        for list in [parameters, results] {
            crate::leb128::write_u64(&mut text, list.len() as u64);
            text.extend(list.iter().map(|of| of.code()));
        }
        self.intern_type(text)
    }

    fn intern_type(&mut self, text: Vec<u8>) -> TypeHandle {
        if let Some(&known) = self.known_types.get(&text) {
            return self.type_handle(known);
        }
        let index = self.types.len() as u32;
        self.types.push(text.clone());
        self.known_types.insert(text, index);
        self.type_handle(index)
    }

    /// A new comdat group.
    pub fn add_comdat(&mut self, name: impl Into<String>) -> Result<ComdatHandle, UnitError> {
        let name = name.into();
        if name.is_empty() || !self.known_comdats.insert(name.clone()) {
            return Err(UnitError::ComdatName(name));
        }
        self.comdats.push(name);
        Ok(self.comdat_handle(self.comdats.len() as u32 - 1))
    }

    /// A new symbol.
    pub fn add(&mut self, symbol: Symbol, definition: Definition) -> Result<SymbolHandle, UnitError> {
        let entry = self.check(&symbol, definition)?;
        let slot = u32::try_from(self.slots.len()).ok().filter(|&slot| slot != NONE);
        let slot = slot.ok_or(UnitError::TooLarge)?;
        self.claim_name(&symbol, &entry, slot)?;
        self.count(&entry, 1);
        self.order.of(&entry).into_iter().for_each(|list| list.push(slot));
        self.slots.push(Slot { symbol, entry, references: 0, direct_calls: 0, aliases: 0 });
        Ok(self.symbol_handle(slot))
    }

    /// Gives a symbol another definition, or makes it undefined. The kind of the symbol must stay the same.
    pub fn define(&mut self, handle: SymbolHandle, definition: Definition) -> Result<(), UnitError> {
        let slot = self.slot(handle)?;
        let kind = slot.entry.kind();
        let entry = self.check(&slot.symbol, definition)?;
        if let (Some(needed), true) = (kind, entry.kind() != kind) {
            return Err(UnitError::WrongKind { needed, name: slot.symbol.name.clone() });
        }
        if entry.target() == Some(handle.number) {
            return Err(UnitError::UnknownHandle);
        }
        self.check_aliases(handle, &entry)?;
        self.exchange(handle, entry);
        Ok(())
    }

    /// Replaces a symbol's name and flags.
    pub fn set_symbol(&mut self, handle: SymbolHandle, symbol: Symbol) -> Result<(), UnitError> {
        let slot = self.slot(handle)?;
        check::binding(&symbol, &slot.entry)?;
        let is_section = matches!(slot.entry, Entry::Section(_));
        let known = self.names.get(&symbol.name);
        if symbol.binding != Binding::Local
            && !is_section
            && known.is_some_and(|&known| known != handle.number)
        {
            return Err(UnitError::DuplicateName(symbol.name));
        }
        self.release_name(handle);
        if symbol.binding != Binding::Local && !is_section {
            self.names.insert(symbol.name.clone(), handle.number);
        }
        self.slots[handle.number as usize].symbol = symbol;
        Ok(())
    }

    /// Removes a symbol and its definition. Nothing else may refer to it.
    pub fn remove(&mut self, handle: SymbolHandle) -> Result<(), UnitError> {
        let slot = self.slot(handle)?;
        // A function may call itself.
        let own = slot.entry.references().filter(|&(of, _)| of == handle.number).count();
        if slot.references as usize > own {
            return Err(UnitError::InUse(slot.symbol.name.clone()));
        }
        self.release_name(handle);
        self.exchange(handle, Entry::Removed);
        self.slots[handle.number as usize].symbol = Symbol::default();
        Ok(())
    }

    /// A function of this unit runs before the program's entry: the lower the priority, the earlier.
    pub fn add_init_function(&mut self, priority: u32, function: SymbolHandle) -> Result<(), UnitError> {
        use crate::format::SymbolKind::Function;
        let slot = self.slot(function)?;
        if slot.entry.kind() != Some(Function) {
            return Err(UnitError::WrongKind { needed: Function, name: slot.symbol.name.clone() });
        }
        self.slots[function.number as usize].references += 1;
        self.init_functions.push((priority, function.number));
        Ok(())
    }

    /// Takes a function out of those that run before the program's entry, as often as it is among them.
    pub fn remove_init_function(&mut self, function: SymbolHandle) -> Result<(), UnitError> {
        self.slot(function)?;
        let before = self.init_functions.len();
        self.init_functions.retain(|&(_, slot)| slot != function.number);
        self.slots[function.number as usize].references -= (before - self.init_functions.len()) as u32;
        Ok(())
    }

    /// States a target feature: `+` it is used, `-` it must not be.
    pub fn add_feature(&mut self, prefix: char, name: impl Into<String>) -> Result<(), UnitError> {
        let name = name.into();
        let known = self.features.iter().flatten().any(|(_, known)| *known == name);
        if known || !matches!(prefix, '+' | '-') {
            return Err(UnitError::Metadata(format!("{prefix}{name}")));
        }
        self.features.get_or_insert_default().push((prefix as u8, name));
        Ok(())
    }

    /// Names a language, tool or SDK and its version.
    pub fn add_producer(
        &mut self,
        kind: ProducerKind,
        name: impl Into<String>,
        version: impl Into<String>,
    ) -> Result<(), UnitError> {
        let name = name.into();
        if self.producers.iter().any(|(of, known, _)| *of == kind && *known == name) {
            return Err(UnitError::Metadata(name));
        }
        self.producers.push((kind, name, version.into()));
        Ok(())
    }

    fn claim_name(&mut self, symbol: &Symbol, entry: &Entry, slot: u32) -> Result<(), UnitError> {
        if symbol.binding == Binding::Local || matches!(entry, Entry::Section(_)) {
            return Ok(());
        }
        if self.names.contains_key(&symbol.name) {
            return Err(UnitError::DuplicateName(symbol.name.clone()));
        }
        self.names.insert(symbol.name.clone(), slot);
        Ok(())
    }

    fn release_name(&mut self, handle: SymbolHandle) {
        self.interned.get_mut().unwrap_or_else(PoisonError::into_inner).forget(handle.number);
        let name = &self.slots[handle.number as usize].symbol.name;
        if self.names.get(name) == Some(&handle.number) {
            self.names.remove(name);
        }
    }

    /// Puts another definition into a slot.
    fn exchange(&mut self, handle: SymbolHandle, entry: Entry) {
        let slot = handle.number as usize;
        self.count(&entry, 1);
        let was = std::mem::replace(&mut self.slots[slot].entry, Entry::Removed);
        self.count(&was, -1);
        // What was defined and still is keeps its place.
        if std::mem::discriminant(&was) != std::mem::discriminant(&entry) {
            self.order.of(&was).into_iter().for_each(|list| list.retain(|&other| other != handle.number));
            self.order.of(&entry).into_iter().for_each(|list| list.push(handle.number));
        }
        self.slots[slot].entry = entry;
    }

    /// Counts the references of a definition that is added or removed.
    fn count(&mut self, entry: &Entry, by: i32) {
        for (of, is_call) in entry.references() {
            let slot = &mut self.slots[of as usize];
            slot.references = slot.references.wrapping_add_signed(by);
            slot.direct_calls = slot.direct_calls.wrapping_add_signed(if is_call { by } else { 0 });
        }
        if let Some(of) = entry.target() {
            let slot = &mut self.slots[of as usize];
            slot.references = slot.references.wrapping_add_signed(by);
            slot.aliases = slot.aliases.wrapping_add_signed(by);
        }
    }
}
