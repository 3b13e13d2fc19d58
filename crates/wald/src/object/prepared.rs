//! What incremental work stores of an object: its relocations, decoded, and the names of its functions.

use crate::format::relocation::{Relocation, RelocationType};

/// A relocation, decoded and looked up in the symbols of its object.
#[derive(Clone, Copy, Debug)]
pub struct PreparedRelocation {
    /// Offset from the start of the function, including its size, or of the custom section.
    pub offset: u32,
    /// Type, meaning of the index, and the index.
    what: u32,
    /// Added to the value of the index; for [`Meaning::Piece`] the number of the string.
    pub addend: i32,
}

/// The meaning of the index of a [`PreparedRelocation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Symbol table index (or type index), as in the object.
    Symbol,
    /// A function that the object itself defines: its position. The relocation needs its index.
    OwnFunction,
    /// A segment of the object: its position. The relocation needs an address in it.
    OwnSegment,
    /// A segment or custom section with mergeable strings: its position. The relocation needs the start of a string.
    Piece,
}

const KIND_BITS: u32 = 5;
const MEANING_BITS: u32 = 2;
const INDEX_SHIFT: u32 = KIND_BITS + MEANING_BITS;

impl PreparedRelocation {
    /// `None` if a number does not fit.
    pub fn new(
        kind: RelocationType,
        meaning: Meaning,
        offset: u32,
        index: u32,
        addend: i64,
    ) -> Option<PreparedRelocation> {
        if index >> (32 - INDEX_SHIFT) != 0 {
            return None;
        }
        let what = kind as u32 | (meaning as u32) << KIND_BITS | index << INDEX_SHIFT;
        Some(PreparedRelocation { offset, what, addend: i32::try_from(addend).ok()? })
    }

    /// Its type.
    #[inline(always)]
    pub fn kind(&self) -> RelocationType {
        RelocationType::from_number(self.what & ((1 << KIND_BITS) - 1))
            .unwrap_or(RelocationType::FunctionIndexLeb)
    }

    /// The meaning of [`PreparedRelocation::index`].
    #[inline(always)]
    pub fn meaning(&self) -> Meaning {
        match self.what >> KIND_BITS & ((1 << MEANING_BITS) - 1) {
            0 => Meaning::Symbol,
            1 => Meaning::OwnFunction,
            2 => Meaning::OwnSegment,
            _ => Meaning::Piece,
        }
    }

    /// See [`PreparedRelocation::meaning`].
    #[inline(always)]
    pub fn index(&self) -> u32 {
        self.what >> INDEX_SHIFT
    }

    /// The relocation as in the object. Only for [`Meaning::Symbol`].
    #[inline(always)]
    pub fn relocation(&self) -> Relocation {
        let addend = i64::from(self.addend);
        Relocation { kind: self.kind(), offset: self.offset, index: self.index(), addend }
    }
}

/// A prepared object.
#[derive(Debug, Default)]
pub struct Prepared {
    pub(crate) entries: Vec<PreparedRelocation>,
    /// The end of each function's entries. They start at the end of the previous function's.
    pub(crate) functions: Vec<u32>,
    /// The entries of functions that need a table or GOT entry: see [`RelocationType::asks_for_entry`].
    pub(crate) asking: Vec<PreparedRelocation>,
    /// The end of each function's such entries, even if it is not prepared.
    pub(crate) asking_ends: Vec<(u32, bool)>,
    /// The end of each custom section's entries, which follow those of the functions.
    pub(crate) sections: Vec<u32>,
    pub(crate) names: Vec<u8>,
    /// The end of each function's name.
    pub(crate) name_ends: Vec<u32>,
    /// Whether names are demangled.
    pub(crate) demangled: bool,
}

impl Prepared {
    /// The entries of a function that need a table or GOT entry. `None` if not prepared.
    #[inline]
    pub fn asking(&self, position: usize) -> Option<impl Iterator<Item = Relocation> + '_> {
        let start = position.checked_sub(1).map_or(0, |before| self.asking_ends[before].0);
        let (end, prepared) = self.asking_ends[position];
        prepared.then(|| self.asking[start as usize..end as usize].iter().map(PreparedRelocation::relocation))
    }

    /// The entries of a function. `None` if not prepared.
    #[inline]
    pub fn of_function(&self, position: usize) -> &[PreparedRelocation] {
        let start = position.checked_sub(1).map_or(0, |before| self.functions[before]);
        &self.entries[start as usize..self.functions[position] as usize]
    }

    /// The entries of a custom section. `None` if not prepared.
    pub fn of_section(&self, position: usize) -> &[PreparedRelocation] {
        let before = position.checked_sub(1).map(|before| &self.sections[before]);
        let start = before.or(self.functions.last()).copied().unwrap_or(0);
        &self.entries[start as usize..self.sections[position] as usize]
    }

    /// The display name of a function. Empty if not prepared.
    #[inline]
    pub fn name(&self, position: usize, demangled: bool) -> &[u8] {
        if demangled != self.demangled {
            return &[];
        }
        let start = position.checked_sub(1).map_or(0, |before| self.name_ends[before]);
        &self.names[start as usize..self.name_ends[position] as usize]
    }
}
