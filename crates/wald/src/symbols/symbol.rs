//! An entry of the symbol table.

use super::resolution::{Resolution, Synthetic};
use crate::format::{SymbolFlags, SymbolKind};
use crate::index::{FileId, NameId, ObjectSymbolIndex, SignatureId, SyntheticFunctionId};

/// Module and field of an import, if an object states them. Interned like symbol names.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportAttributes {
    /// The module's name.
    pub module: Option<NameId>,
    /// The field's name.
    pub field: Option<NameId>,
}

/// An entry of the symbol table.
#[derive(Clone, Copy, Debug)]
pub struct Symbol {
    /// Its name.
    pub name: NameId,
    /// Function, data, global, table, tag or section. Meaningless while it is lazy.
    pub kind: SymbolKind,
    /// Flags of the definition, or of the reference that counts.
    pub flags: SymbolFlags,
    /// The file that defines it, or that first referred to it.
    pub file: Option<FileId>,
    /// Its entry in the symbol table of `file`.
    pub index: ObjectSymbolIndex,
    /// What an object defines: position among the object's functions, segments, globals, tags or tables; or
    /// [`Symbol::NO_CHUNK`].
    pub chunk: u32,
    /// What it resolved to.
    pub resolution: Resolution,
    /// Signature of a function or tag, if it is known.
    pub signature: Option<SignatureId>,
    /// Import names of an undefined symbol.
    pub import: ImportAttributes,
    /// An object that is part of the link refers to it or defines it.
    pub used_in_regular_object: bool,
    /// It is exported whatever its flags say.
    pub force_export: bool,
    /// A version script makes it local: it is exported only if `force_export` is set.
    pub is_withheld: bool,
    /// It is imported even without an explicit import name.
    pub force_import: bool,
    /// A call refers to it (undefined functions).
    pub called_directly: bool,
    /// Its address is null: a function that traps defines it, or it is undefined, weak and hidden, and nothing calls it.
    pub is_stub: bool,
    /// `--trace-symbol` names it.
    pub traced: bool,
    /// Something live refers to it; for symbols that have no chunk of their own.
    pub referenced: bool,
    /// Stands in for an undefined function that is called all the same.
    pub stub: Option<SyntheticFunctionId>,
}

impl Symbol {
    /// The [`Symbol::chunk`] of a symbol without a chunk.
    pub const NO_CHUNK: u32 = u32::MAX;

    /// A symbol of which only the name and kind are known.
    pub fn new(name: NameId, kind: SymbolKind) -> Self {
        Symbol {
            name,
            kind,
            flags: SymbolFlags(0),
            file: None,
            index: ObjectSymbolIndex(0),
            chunk: Symbol::NO_CHUNK,
            resolution: Resolution::Undefined,
            signature: None,
            import: ImportAttributes::default(),
            used_in_regular_object: false,
            force_export: false,
            is_withheld: false,
            force_import: false,
            called_directly: false,
            is_stub: false,
            traced: false,
            referenced: false,
            stub: None,
        }
    }

    /// Makes it the linker's own, hidden.
    pub fn define(&mut self, kind: SymbolKind, synthetic: Synthetic) {
        self.kind = kind;
        self.flags = SymbolFlags(SymbolFlags::HIDDEN);
        self.file = None;
        self.referenced |= kind == SymbolKind::Data;
        self.resolution = Resolution::Synthetic(synthetic);
    }

    /// Whether something defines it.
    #[inline]
    pub fn is_defined(&self) -> bool {
        !matches!(self.resolution, Resolution::Undefined | Resolution::Lazy)
    }

    /// Whether a shared library defines it.
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.resolution == Resolution::Shared
    }

    /// Whether nothing defines it, not even an archive member.
    #[inline]
    pub fn is_undefined(&self) -> bool {
        self.resolution == Resolution::Undefined
    }

    /// Whether an archive member could define it.
    #[inline]
    pub fn is_lazy(&self) -> bool {
        self.resolution == Resolution::Lazy
    }

    /// Whether it is common data that nothing else took the place of.
    pub fn is_common(&self) -> bool {
        self.resolution == Resolution::Object
            && self.kind == SymbolKind::Data
            && self.flags.binding() == SymbolFlags::COMMON
    }

    /// Whether it is a weak reference to nothing.
    pub fn is_undefined_weak(&self) -> bool {
        self.flags.is_weak() && !self.is_defined()
    }

    /// Whether an import name was stated for it (or forced), so that it may stay undefined.
    pub fn is_imported(&self) -> bool {
        self.is_undefined() && (self.import.field.is_some() || self.force_import)
    }
}
