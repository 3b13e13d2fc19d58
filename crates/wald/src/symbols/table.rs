//! The symbol table.

use hashbrown::HashMap;
use rayon::prelude::*;

use super::function::SyntheticFunction;
use super::linked_bitcode::LinkedBitcode;
use super::linked_object::LinkedObject;
use super::resolution::{Resolution, Synthetic};
use super::symbol::Symbol;
use super::well_known::WellKnown;
use crate::format::SymbolKind;
use crate::index::{FileId, NameId, ObjectId, SymbolId};
use crate::object::ObjectSymbol;

/// What common data take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Common {
    /// The largest size that an object asks for.
    pub size: u64,
    /// The largest alignment, as a power of two.
    pub alignment: u32,
}

/// All symbols of a link, resolved.
#[derive(Clone, Default)]
pub struct SymbolTable {
    /// What common data take, for every symbol that was common at some time.
    pub commons: HashMap<SymbolId, Common>,
    /// Functions that the linker writes, in output order.
    pub synthetic_functions: Vec<SyntheticFunction>,
    /// File names of the shared libraries, in the order in which they were added.
    pub needed: Vec<String>,
    /// Symbols by role.
    pub well_known: WellKnown,
    /// Every symbol that has an entry of its own.
    pub symbols: Vec<Symbol>,
    /// Ids of the symbols of names, in the order in which the names first appeared.
    pub named: Vec<SymbolId>,
    /// Symbols that names mapped to before a definition with another signature was added, and the names.
    pub redirected: Vec<(NameId, SymbolId)>,
    /// Objects refer to other symbols than when they were added: marks of that time do not hold.
    pub references_changed: bool,
    /// Names with several symbols, because objects disagree about the signature.
    pub names_with_variants: Vec<NameId>,
    /// The objects of the link, in the order in which they were loaded.
    pub objects: Vec<LinkedObject>,
    /// Bitcode that is part of the link, in the order in which it was loaded.
    pub bitcode: Vec<LinkedBitcode>,
    /// For each file, the object it became.
    pub object_of_file: Vec<Option<ObjectId>>,
    /// Symbol of each name, by [`NameId`]; [`u32::MAX`] if the name has none.
    pub by_name: Vec<u32>,
}

impl SymbolTable {
    /// The symbol of `name`.
    #[inline]
    pub fn find(&self, name: NameId) -> Option<SymbolId> {
        match self.by_name.get(name.at()) {
            Some(&position) if position != u32::MAX => Some(self.named[position as usize]),
            _ => None,
        }
    }

    /// The symbol of `name`, made if there is none; and whether it was made.
    #[inline]
    pub fn insert(&mut self, name: NameId) -> (SymbolId, bool) {
        if name.at() >= self.by_name.len() {
            self.by_name.resize((name.at() + 1).next_power_of_two(), u32::MAX);
        }
        let slot = self.by_name[name.at()];
        if slot != u32::MAX {
            return (self.named[slot as usize], false);
        }
        self.by_name[name.at()] = self.named.len() as u32;
        let id = SymbolId::new(self.symbols.len());
        self.symbols.push(Symbol::new(name, SymbolKind::Function));
        self.named.push(id);
        (id, true)
    }

    /// Those of the named symbols that are `wanted`, in order. All threads look for them.
    pub fn named_where(&self, wanted: impl Fn(SymbolId) -> bool + Sync) -> Vec<SymbolId> {
        let parts = self.named.par_chunks(4096);
        parts.flat_map_iter(|part| part.iter().copied().filter(|&id| wanted(id))).collect()
    }

    /// The position of a name's symbol among the named symbols. Unknown names map to position 0, matching wasm-ld's `--wrap`.
    pub fn position_of(&self, name: NameId) -> u32 {
        self.by_name.get(name.at()).copied().filter(|&position| position != u32::MAX).unwrap_or(0)
    }

    /// Maps a name to another symbol, by its position.
    pub fn redirect(&mut self, name: NameId, position: u32) {
        if name.at() >= self.by_name.len() {
            self.by_name.resize((name.at() + 1).next_power_of_two(), u32::MAX);
        }
        self.by_name[name.at()] = position;
    }

    /// Defines `name` if something refers to it or `wanted` says so, and nothing defines it.
    pub fn define_optional(
        &mut self,
        name: NameId,
        wanted: bool,
        kind: SymbolKind,
        synthetic: Synthetic,
    ) -> Option<SymbolId> {
        let id = match self.find(name) {
            Some(found) if self.get(found).is_defined() => return None,
            Some(found) => found,
            None if wanted => self.insert(name).0,
            None => return None,
        };
        self.get_mut(id).define(kind, synthetic);
        Some(id)
    }

    /// The entry of `id`.
    #[inline]
    pub fn get(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id.at()]
    }

    /// The entry of `id`, to change.
    #[inline]
    pub fn get_mut(&mut self, id: SymbolId) -> &mut Symbol {
        &mut self.symbols[id.at()]
    }

    /// The object that defines `symbol`, with its own entry for it.
    #[inline]
    pub fn definition(&self, symbol: &Symbol) -> Option<(ObjectId, &ObjectSymbol)> {
        match (symbol.resolution, symbol.file) {
            (Resolution::Object, Some(file)) => {
                let object = self.object_of_file[file.at()]?;
                Some((object, self.objects[object.at()].own(symbol.index)))
            }
            _ => None,
        }
    }

    /// The object that a file became.
    pub fn object_of(&self, file: FileId) -> Option<ObjectId> {
        self.object_of_file[file.at()]
    }
}
