//! The tables of a unit.

use std::sync::Mutex;

use hashbrown::{HashMap, HashSet};

use super::definition::{ProducerKind, Symbol};
use super::error::UnitError;
use super::handle::{ComdatHandle, SymbolHandle, TypeHandle};
use super::interned::Interned;
use super::store::{Entry, Slot};
use crate::owner::Owner;

/// See the [module](super).
#[derive(Default)]
pub struct Unit {
    pub(super) owner: Owner,
    /// Signatures in binary form.
    pub(super) types: Vec<Vec<u8>>,
    pub(super) known_types: HashMap<Vec<u8>, u32>,
    pub(super) slots: Vec<Slot>,
    /// Symbols that other units see.
    pub(super) names: HashMap<String, u32>,
    /// What is defined, in order of first definition: slots.
    pub(super) order: Order,
    pub(super) comdats: Vec<String>,
    pub(super) known_comdats: HashSet<String>,
    pub(super) init_functions: Vec<(u32, u32)>,
    pub(super) features: Option<Vec<(u8, String)>>,
    pub(super) producers: Vec<(ProducerKind, String, String)>,
    pub(super) memory_is_64: bool,
    pub(super) interned: Mutex<Interned>,
}

/// What is defined, by kind, in order of first definition: slots.
#[derive(Default)]
pub(super) struct Order {
    pub functions: Vec<u32>,
    pub data: Vec<u32>,
    pub globals: Vec<u32>,
    pub tables: Vec<u32>,
    pub tags: Vec<u32>,
    pub sections: Vec<u32>,
}

impl Order {
    /// The list that contains an entry of this kind.
    pub fn of(&mut self, entry: &Entry) -> Option<&mut Vec<u32>> {
        Some(match entry {
            Entry::Function(_) => &mut self.functions,
            Entry::Data(_) => &mut self.data,
            Entry::Global { .. } => &mut self.globals,
            Entry::Table(_) => &mut self.tables,
            Entry::Tag(_) => &mut self.tags,
            Entry::Section(_) => &mut self.sections,
            _ => return None,
        })
    }
}

impl Unit {
    /// A unit without anything in it, for a 32-bit memory.
    pub fn new() -> Self {
        Unit::default()
    }

    /// The symbol with this [number](SymbolHandle::number). A number that belongs to nothing is an error where the handle is used.
    pub fn symbol_handle(&self, number: u32) -> SymbolHandle {
        SymbolHandle { unit: self.owner, number }
    }

    /// As [`Unit::symbol_handle`].
    pub fn type_handle(&self, number: u32) -> TypeHandle {
        TypeHandle { unit: self.owner, number }
    }

    /// As [`Unit::symbol_handle`].
    pub fn comdat_handle(&self, number: u32) -> ComdatHandle {
        ComdatHandle { unit: self.owner, number }
    }

    /// The symbol of this name that other units see.
    pub fn find(&self, name: &str) -> Option<SymbolHandle> {
        self.names.get(name).map(|&slot| self.symbol_handle(slot))
    }

    /// A symbol's name and flags.
    pub fn symbol(&self, handle: SymbolHandle) -> Result<&Symbol, UnitError> {
        Ok(&self.slot(handle)?.symbol)
    }

    pub(super) fn slot(&self, handle: SymbolHandle) -> Result<&Slot, UnitError> {
        let slot = self.slots.get(handle.number as usize).filter(|_| handle.unit == self.owner);
        slot.filter(|slot| !matches!(slot.entry, Entry::Removed)).ok_or(UnitError::UnknownHandle)
    }

    pub(super) fn check_type(&self, handle: TypeHandle) -> Result<u32, UnitError> {
        match handle.unit == self.owner && (handle.number as usize) < self.types.len() {
            true => Ok(handle.number),
            false => Err(UnitError::UnknownHandle),
        }
    }
}
