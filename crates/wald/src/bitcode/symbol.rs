//! The contents of a symbol table.

use std::ops::Range;

/// Part of the string table. [`File::text`](super::File::text) returns its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pub(super) offset: u32,
    pub(super) len: u32,
}

impl Text {
    /// Whether the text has no bytes.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The bytes in the string table.
    pub(super) fn range(self) -> Range<usize> {
        let start = self.offset as usize;
        start..start + self.len as usize
    }
}

/// The symbols of all modules of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolTable {
    /// The version of LLVM that wrote the table, such as `22.1.8`.
    pub producer: Text,
    /// Of the first module.
    pub target_triple: Text,
    /// Of the first module, as it was passed to the compiler.
    pub source_file_name: Text,
    /// In the order in which LLVM enumerates them, module by module.
    pub symbols: Vec<Symbol>,
    /// The positions of each module's symbols in `symbols`. Adjacent, and together they are all symbols.
    pub modules: Vec<Range<usize>>,
    /// Comdats that symbols belong to.
    pub comdats: Vec<Comdat>,
    /// What only some symbols have: see [`Symbol::uncommon`].
    pub uncommons: Vec<Uncommon>,
    /// Libraries that the program must be linked with. LLVM stores them for ELF only.
    pub dependent_libraries: Vec<Text>,
}

/// A symbol of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The name in object files.
    pub name: Text,
    /// The name in LLVM's representation. Empty for a symbol of module-level assembly.
    pub ir_name: Text,
    /// Position in [`SymbolTable::comdats`].
    pub comdat: Option<u32>,
    /// Position in [`SymbolTable::uncommons`].
    pub uncommon: Option<u32>,
    pub(super) flags: u32,
}

/// The visibility of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Visible to other modules, which may replace it.
    Default,
    /// Not visible outside of the linked module.
    Hidden,
    /// Visible to other modules, which cannot replace it.
    Protected,
}

/// Bits of a symbol's flags. The lowest two are its visibility.
pub(super) mod flag {
    pub const UNCOMMON: u32 = 2;
    pub const UNDEFINED: u32 = 3;
    pub const WEAK: u32 = 4;
    pub const COMMON: u32 = 5;
    pub const INDIRECT: u32 = 6;
    pub const USED: u32 = 7;
    pub const TLS: u32 = 8;
    pub const MAY_OMIT: u32 = 9;
    pub const GLOBAL: u32 = 10;
    pub const FORMAT_SPECIFIC: u32 = 11;
    pub const UNNAMED_ADDRESS: u32 = 12;
    pub const EXECUTABLE: u32 = 13;
}

impl Symbol {
    pub(super) fn has(&self, flag: u32) -> bool {
        self.flags >> flag & 1 == 1
    }

    /// Whether the module refers to it without a definition.
    pub fn is_undefined(&self) -> bool {
        self.has(flag::UNDEFINED)
    }

    /// Whether the definition or reference is weak.
    pub fn is_weak(&self) -> bool {
        self.has(flag::WEAK)
    }

    /// Whether it is a tentative definition. If so, [`Symbol::uncommon`] is `Some` and has the size.
    pub fn is_common(&self) -> bool {
        self.has(flag::COMMON)
    }

    /// Whether it is an alias or an indirect function.
    pub fn is_indirect(&self) -> bool {
        self.has(flag::INDIRECT)
    }

    /// Whether it must be kept: listed in `llvm.used` or `llvm.compiler.used`, undefined in module-level assembly, or a
    /// library function that code generation may call.
    pub fn is_used(&self) -> bool {
        self.has(flag::USED)
    }

    /// Whether it is thread-local.
    pub fn is_tls(&self) -> bool {
        self.has(flag::TLS)
    }

    /// Whether a shared library need not export it.
    pub fn may_omit(&self) -> bool {
        self.has(flag::MAY_OMIT)
    }

    /// Whether other modules can refer to it.
    pub fn is_global(&self) -> bool {
        self.has(flag::GLOBAL)
    }

    /// Whether it is LLVM's own, such as `llvm.used`. Linkers ignore these.
    pub fn is_format_specific(&self) -> bool {
        self.has(flag::FORMAT_SPECIFIC)
    }

    /// Whether its address is not significant.
    pub fn is_unnamed_address(&self) -> bool {
        self.has(flag::UNNAMED_ADDRESS)
    }

    /// Whether it is a function.
    pub fn is_executable(&self) -> bool {
        self.has(flag::EXECUTABLE)
    }

    /// The visibility.
    pub fn visibility(&self) -> Visibility {
        match self.flags & 3 {
            1 => Visibility::Hidden,
            2 => Visibility::Protected,
            _ => Visibility::Default,
        }
    }

    /// Whether wasm-ld resolves it. Linkers ignore all other symbols.
    pub fn is_for_linker(&self) -> bool {
        self.is_global() && !self.is_format_specific()
    }
}

/// What only some symbols have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncommon {
    /// Bytes of a common symbol, modulo 2^32.
    pub common_size: u32,
    /// Bytes that a common symbol is aligned to.
    pub common_alignment: u32,
    /// The section that the source asks for. May be empty.
    pub section: Text,
}

/// A comdat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comdat {
    /// The name, which is the same in all files.
    pub name: Text,
    /// Which of several definitions to take.
    pub selection: Selection,
}

/// How a linker selects one of several comdats of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Any of them.
    Any,
    /// Any; their contents must be equal.
    ExactMatch,
    /// The largest.
    Largest,
    /// None: they are not deduplicated.
    NoDeduplicate,
    /// Any; their sizes must be equal.
    SameSize,
}
