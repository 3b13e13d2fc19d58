//! What a unit keeps: definitions that were checked, with their relocations in the binary form in which the link reads
//! them. An edit costs what the edited thing is large; nothing here depends on the rest of the unit.

use super::definition::{Import, Symbol};
use crate::format::relocation::{RelocationIterator, RelocationType};
use crate::format::{GlobalType, SymbolKind, TableType};
use crate::index::ByteRange;

/// A symbol's slot. Slots are never used again: a handle is the slot's number, and so is a relocation's symbol index.
pub(super) struct Slot {
    pub symbol: Symbol,
    pub entry: Entry,
    /// How many relocations, aliases and init functions refer to it.
    pub references: u32,
    /// How many of them are direct calls.
    pub direct_calls: u32,
    /// How many of them are aliases, or places in it.
    pub aliases: u32,
}

/// A checked definition.
pub(super) enum Entry {
    Removed,
    Function(StoredFunction),
    FunctionAlias(u32),
    Data(StoredData),
    DataWithin { of: u32, offset: u64, size: u64 },
    AbsoluteData { address: u64, size: u64 },
    Global { of: GlobalType, init: Vec<u8> },
    Table(TableType),
    Tag(u32),
    Section(StoredSection),
    UndefinedFunction(u32, Option<Import>),
    UndefinedData,
    UndefinedGlobal(GlobalType, Option<Import>),
    UndefinedTable(TableType, Option<Import>),
    UndefinedTag(u32, Option<Import>),
}

pub(super) struct StoredFunction {
    pub type_index: u32,
    /// Size prefix and body.
    pub code: Vec<u8>,
    pub prefix: u8,
    pub relocations: Stored,
    pub comdat: u32,
    pub export_name: Option<String>,
    /// Slots of the functions that `ref.func` names.
    pub references: Vec<u32>,
    /// As [`InputFunction::has_many_locals`](crate::object::InputFunction::has_many_locals).
    pub has_many_locals: bool,
}

pub(super) struct StoredData {
    pub segment: String,
    pub alignment: u32,
    pub flags: u32,
    pub bytes: Vec<u8>,
    pub relocations: Stored,
    pub comdat: u32,
    pub offset: u64,
    pub size: u64,
}

pub(super) struct StoredSection {
    pub name: String,
    pub bytes: Vec<u8>,
    pub relocations: Stored,
    pub comdat: u32,
}

/// Relocations in binary form. Offsets count from the start of what they belong to, for functions from the size prefix;
/// symbol indices are slots.
#[derive(Default)]
pub(super) struct Stored {
    pub bytes: Vec<u8>,
    /// As [`InputFunction::asks`](crate::object::InputFunction::asks).
    pub asks: bool,
    /// Whether one of them gives the place of a function in the code section.
    pub know_code: bool,
    /// Whether one of them is an index in the function table.
    pub take_addresses: bool,
}

impl Stored {
    pub fn iter(&self) -> RelocationIterator<'_> {
        RelocationIterator::new(&self.bytes, ByteRange::between(0, self.bytes.len()))
    }
}

impl Entry {
    /// The symbol's kind. `None` for a removed one.
    pub fn kind(&self) -> Option<SymbolKind> {
        Some(match self {
            Entry::Removed => return None,
            Entry::Function(_) | Entry::FunctionAlias(_) | Entry::UndefinedFunction(..) => {
                SymbolKind::Function
            }
            Entry::Data(_) | Entry::DataWithin { .. } | Entry::AbsoluteData { .. } | Entry::UndefinedData => {
                SymbolKind::Data
            }
            Entry::Global { .. } | Entry::UndefinedGlobal(..) => SymbolKind::Global,
            Entry::Table(_) | Entry::UndefinedTable(..) => SymbolKind::Table,
            Entry::Tag(_) | Entry::UndefinedTag(..) => SymbolKind::Tag,
            Entry::Section(_) => SymbolKind::Section,
        })
    }

    /// Whether the unit leaves the definition to others.
    pub fn is_undefined(&self) -> bool {
        matches!(
            self,
            Entry::UndefinedFunction(..)
                | Entry::UndefinedData
                | Entry::UndefinedGlobal(..)
                | Entry::UndefinedTable(..)
                | Entry::UndefinedTag(..)
        )
    }

    /// The names that it is imported under.
    pub fn import(&self) -> Option<&Import> {
        match self {
            Entry::UndefinedFunction(_, import)
            | Entry::UndefinedGlobal(_, import)
            | Entry::UndefinedTable(_, import)
            | Entry::UndefinedTag(_, import) => import.as_ref(),
            _ => None,
        }
    }

    /// Its relocations.
    pub fn relocations(&self) -> Option<&Stored> {
        match self {
            Entry::Function(function) => Some(&function.relocations),
            Entry::Data(data) => Some(&data.relocations),
            Entry::Section(section) => Some(&section.relocations),
            _ => None,
        }
    }

    /// The symbol that it is an alias or part of.
    pub fn target(&self) -> Option<u32> {
        match self {
            Entry::FunctionAlias(of) | Entry::DataWithin { of, .. } => Some(*of),
            _ => None,
        }
    }

    /// The slots that relocations refer to, and which of them are calls.
    pub fn references(&self) -> impl Iterator<Item = (u32, bool)> + '_ {
        let relocations = self.relocations().into_iter().flat_map(Stored::iter);
        let symbols = relocations.filter(|relocation| relocation.kind != RelocationType::TypeIndexLeb);
        symbols.map(|relocation| (relocation.index, relocation.kind == RelocationType::FunctionIndexLeb))
    }
}
