//! The tables of a parsed object: ranges into its bytes, in local indices only.

use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;

use super::prepared::Prepared;
use super::properties::{Properties, SegmentFamily};
use super::strings::StringTable;
use crate::bytes::Bytes;
use crate::format::relocation::RelocationIterator;
use crate::format::relocation_blocks::SectionRelocations;
use crate::format::{segment_flags, GlobalType, SymbolFlags, SymbolKind, TableType};
use crate::index::{ByteRange, NameId, ObjectSymbolIndex, SignatureId};
use crate::names::Interner;
use crate::options::Options;

/// No comdat, or no element.
pub const NONE: u32 = u32::MAX;

/// What parse tasks share: the interners.
#[derive(Default)]
pub struct Interners {
    /// Symbol names and comdat names.
    pub names: Interner,
    /// Function signatures in their binary form (count, parameters, count, results).
    pub signatures: Interner,
    /// Lives as long as the ids mean something.
    pub(crate) identity: Arc<()>,
}

/// A relocatable object.
pub struct Object {
    /// The object's bytes.
    pub bytes: Bytes,
    /// Signatures of the type section.
    pub types: Vec<SignatureId>,
    /// Imports by kind, each in its index space's order.
    pub imports: Imports,
    /// Defined functions.
    pub functions: Vec<InputFunction>,
    /// Defined tables.
    pub tables: Vec<InputTable>,
    /// Defined globals.
    pub globals: Vec<InputGlobal>,
    /// Defined tags: their type indices.
    pub tags: Vec<u32>,
    /// Data segments.
    pub segments: Vec<InputSegment>,
    /// Custom sections other than `reloc.*`.
    pub custom_sections: Vec<InputSection>,
    /// The symbol table.
    pub symbols: Vec<ObjectSymbol>,
    /// Names of comdat groups.
    pub comdats: Vec<NameId>,
    /// Init functions.
    pub init_functions: Vec<InitFunction>,
    /// The `target_features` section.
    pub features: Option<Vec<Feature>>,
    /// The `producers` section.
    pub producers: Producers,
    /// Whether the memory is 64-bit, if the object has one.
    pub memory_is_64: Option<bool>,
    /// A bit for each symbol: it is called directly.
    pub called_directly: Vec<u64>,
    /// Functions that `ref.func` names: the position of the function whose code does, and the symbol.
    pub function_references: Vec<(u32, u32)>,
    /// Whether data hold the place of a function in the code section.
    pub data_knows_code: bool,
    /// Whether the object uses the indirect function table without saying where (no table symbols).
    pub legacy_function_table: bool,
    /// What follows from all this.
    pub properties: Properties,
    /// Strings that may be merged, once they were asked for: [`Object::strings`].
    pub strings: OnceLock<StringTable>,
    /// What was worked out while there was time.
    pub prepared: OnceLock<Prepared>,
}

/// An import.
#[derive(Clone, Copy, Debug)]
pub struct Import<T> {
    /// Module name.
    pub module: ByteRange,
    /// Field name.
    pub field: ByteRange,
    /// Its type.
    pub of: T,
}

/// Imports by kind.
#[derive(Default)]
pub struct Imports {
    /// Functions and their type indices.
    pub functions: Vec<Import<u32>>,
    /// Tables.
    pub tables: Vec<Import<TableType>>,
    /// Globals.
    pub globals: Vec<Import<GlobalType>>,
    /// Tags and their type indices.
    pub tags: Vec<Import<u32>>,
}

/// A defined function.
#[derive(Clone, Copy, Debug)]
pub struct InputFunction {
    /// Size prefix and body.
    pub range: ByteRange,
    /// How many bytes the size prefix takes.
    pub prefix: u8,
    /// Whether its relocations ask for types, table entries or globals: see
    /// [`RelocationType::asks_for_entry`](crate::format::relocation::RelocationType::asks_for_entry).
    pub asks: bool,
    /// Whether it declares more locals than engines take: [`MAX_LOCALS`].
    pub has_many_locals: bool,
    /// Index into the object's types.
    pub type_index: u32,
    /// What is subtracted from a relocation's offset to get a place in `range`.
    pub offset_base: u32,
    /// Relocation entries.
    pub relocations: ByteRange,
    /// Comdat group, or [`NONE`].
    pub comdat: u32,
    /// First symbol that names it, or [`NONE`].
    pub symbol: u32,
    /// Its name for the name section: that of the object's name section, else that of its first symbol.
    pub name: ByteRange,
    /// The name is from the object's name section, and is shown unchanged.
    pub has_debug_name: bool,
    /// Name in the object's export section.
    pub export_name: Option<ByteRange>,
}

/// How many locals of a function engines take.
/// See <https://webassembly.github.io/spec/js-api/#limits>.
pub const MAX_LOCALS: u64 = 50_000;

/// A defined table.
#[derive(Clone, Copy, Debug)]
pub struct InputTable {
    /// Its type.
    pub of: TableType,
}

/// A defined global.
#[derive(Clone, Copy, Debug)]
pub struct InputGlobal {
    /// Its type.
    pub of: GlobalType,
    /// Initial value: a constant expression with its `end`.
    pub init: ByteRange,
}

/// A data segment.
#[derive(Clone, Copy, Debug)]
pub struct InputSegment {
    /// Name in the `linking` section.
    pub name: ByteRange,
    /// The data.
    pub data: ByteRange,
    /// Alignment as a power of two.
    pub alignment: u32,
    /// Flags of the `linking` section.
    pub flags: u32,
    /// Relocation entries.
    pub relocations: ByteRange,
    /// What is subtracted from a relocation's offset to get a place in the data.
    pub offset_base: u32,
    /// Comdat group, or [`NONE`].
    pub comdat: u32,
    /// The output segment it goes to.
    pub family: SegmentFamily,
    /// As [`InputFunction::asks`].
    pub asks: bool,
}

impl InputSegment {
    /// Whether it is thread-local.
    pub fn is_tls(&self) -> bool {
        self.flags & segment_flags::TLS != 0
    }

    /// Whether its strings are merged with others.
    pub fn is_mergeable(&self, options: &Options) -> bool {
        options.optimize > 0 && self.has_strings()
    }

    /// Whether its strings may be merged with others. Aligned ones are left alone.
    pub(crate) fn has_strings(&self) -> bool {
        self.flags & segment_flags::STRINGS != 0 && self.alignment == 0 && self.data.len > 0
    }

    /// Whether it must not be removed.
    pub fn is_retained(&self) -> bool {
        self.flags & segment_flags::RETAIN != 0
    }
}

/// A custom section.
#[derive(Clone, Copy, Debug)]
pub struct InputSection {
    /// Its name.
    pub name: ByteRange,
    /// Its contents, behind the name.
    pub data: ByteRange,
    /// Index among all the object's sections.
    pub section_index: u32,
    /// Relocation entries.
    pub relocations: ByteRange,
    /// Comdat group, or [`NONE`].
    pub comdat: u32,
}

/// A symbol table entry.
#[derive(Clone, Copy, Debug)]
pub struct ObjectSymbol {
    /// Its definition or reference.
    pub kind: SymbolKind,
    /// Its flags.
    pub flags: SymbolFlags,
    /// Its name, interned; [`ObjectSymbol::UNNAMED`] for local symbols, which nothing looks up by name.
    pub name: NameId,
    /// Its name's bytes.
    pub text: ByteRange,
    /// Index of the function, global, tag or table in its index space (imports first); of the segment; of the
    /// entry in [`Object::custom_sections`] for a section symbol. [`NONE`] for undefined, absolute and common data.
    pub element: u32,
    /// Data symbols: offset in the segment. Of common data, which lie in none, the alignment as a power of two.
    pub offset: u64,
    /// Data symbols: size.
    pub size: u64,
}

impl InputSection {
    /// Whether the strings of a section of this name are merged.
    pub fn is_mergeable(options: &Options, name: &[u8]) -> bool {
        options.optimize > 0 && InputSection::has_strings(name)
    }

    /// Whether the linker reads a section of this name, or the compiler left it for itself: it is not handed on.
    pub fn is_consumed(name: &[u8]) -> bool {
        matches!(name, b"linking" | b"name" | b"producers" | b"target_features" | b".llvmbc" | b".llvmcmd")
            || name.starts_with(b"reloc.")
    }

    /// Whether the strings of a section of this name may be merged.
    pub(crate) fn has_strings(name: &[u8]) -> bool {
        matches!(name, b".debug_str" | b".debug_line_str" | b".debug_str.dwo")
    }
}

impl ObjectSymbol {
    /// The name of a symbol that was not interned.
    pub const UNNAMED: NameId = NameId(u32::MAX);
    /// Data of nobody.
    pub(crate) const NOTHING: Self = ObjectSymbol {
        kind: SymbolKind::Data,
        flags: SymbolFlags(0),
        name: ObjectSymbol::UNNAMED,
        text: ByteRange { start: 0, len: 0 },
        element: NONE,
        offset: 0,
        size: 0,
    };

    /// Its name.
    pub fn name_in<'o>(&self, object: &'o Object) -> &'o [u8] {
        self.text.of(&object.bytes)
    }

    /// Whether this object defines it.
    #[inline]
    pub fn is_defined(&self) -> bool {
        !self.flags.is_undefined()
    }

    /// Whether it is common data: size and alignment, and a place that the link finds for them.
    #[inline]
    pub fn is_common(&self) -> bool {
        self.kind == SymbolKind::Data && self.is_defined() && self.flags.binding() == SymbolFlags::COMMON
    }

    /// Whether it is data that the object defines in one of its segments.
    #[inline]
    pub fn lies_in_segment(&self) -> bool {
        self.kind == SymbolKind::Data && self.is_defined() && self.element != NONE
    }
}

/// A function that runs before the program's entry.
#[derive(Clone, Copy, Debug)]
pub struct InitFunction {
    /// Lower runs first.
    pub priority: u32,
    /// The function's symbol.
    pub symbol: ObjectSymbolIndex,
    /// Where the object says so; a unit has no bytes for it.
    pub offset: Option<u32>,
}

/// A line of the `target_features` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// `+` used, `-` disallowed.
    pub prefix: u8,
    /// Its name.
    pub name: ByteRange,
}

/// The `producers` section: name and version pairs.
#[derive(Clone, Debug, Default)]
pub struct Producers {
    /// Source languages.
    pub languages: Vec<(ByteRange, ByteRange)>,
    /// Compilers and other tools.
    pub tools: Vec<(ByteRange, ByteRange)>,
    /// SDKs.
    pub sdks: Vec<(ByteRange, ByteRange)>,
}

impl Object {
    /// The relocations in `range`.
    #[inline]
    pub fn relocations(&self, range: ByteRange) -> RelocationIterator<'_> {
        RelocationIterator::new(&self.bytes, range)
    }

    /// The relocations in `range`, which are probably many.
    #[inline]
    pub fn many_relocations(&self, range: ByteRange) -> SectionRelocations<'_> {
        SectionRelocations::new(&self.bytes, range)
    }

    /// The defined function that a symbol's `element` names.
    #[inline]
    pub fn defined_function(&self, element: u32) -> usize {
        element as usize - self.imports.functions.len()
    }

    /// What a symbol of this object defines: the position among its functions, segments, globals, tags, tables or
    /// custom sections. `None` for references and absolute data.
    #[inline]
    pub fn chunk_of(&self, symbol: &ObjectSymbol) -> Option<u32> {
        if !symbol.is_defined() {
            return None;
        }
        let imported = match symbol.kind {
            SymbolKind::Function => self.imports.functions.len(),
            SymbolKind::Global => self.imports.globals.len(),
            SymbolKind::Tag => self.imports.tags.len(),
            SymbolKind::Table => self.imports.tables.len(),
            SymbolKind::Data if !symbol.lies_in_segment() => return None,
            SymbolKind::Data | SymbolKind::Section => 0,
        };
        Some(symbol.element - imported as u32)
    }

    /// For each element of a kind that the object defines, the first symbol that names it.
    pub fn first_names(&self, kind: SymbolKind) -> HashMap<u32, &ObjectSymbol> {
        let mut names = HashMap::new();
        for symbol in self.symbols.iter().filter(|symbol| symbol.kind == kind && symbol.is_defined()) {
            names.entry(symbol.element).or_insert(symbol);
        }
        names
    }

    /// Whether the object calls the symbol directly.
    pub fn calls_directly(&self, symbol: usize) -> bool {
        self.called_directly.get(symbol / 64).is_some_and(|word| word >> (symbol % 64) & 1 != 0)
    }
}
