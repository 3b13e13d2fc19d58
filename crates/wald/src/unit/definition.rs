//! What a compiler passes: symbols and their definitions.

use super::handle::{ComdatHandle, SymbolHandle, TypeHandle};
use crate::format::relocation::RelocationType;
use crate::format::{self, limits, segment_flags, types, SymbolFlags};

/// What the producers section says about a tool.
/// See <https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProducerKind {
    /// A source language.
    Language,
    /// A compiler or another tool.
    ProcessedBy,
    /// An SDK.
    Sdk,
}

/// A value type.
/// See <https://webassembly.github.io/spec/core/syntax/types.html#value-types>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ValueType {
    I32,
    I64,
    F32,
    F64,
    V128,
    FuncRef,
    ExternRef,
    ExnRef,
}

impl ValueType {
    /// Its byte in the binary format.
    pub const fn code(self) -> u8 {
        match self {
            ValueType::I32 => types::I32,
            ValueType::I64 => types::I64,
            ValueType::F32 => types::F32,
            ValueType::F64 => types::F64,
            ValueType::V128 => types::V128,
            ValueType::FuncRef => types::FUNCREF,
            ValueType::ExternRef => types::EXTERNREF,
            ValueType::ExnRef => types::EXNREF,
        }
    }
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalType {
    /// The type of its value.
    pub value_type: ValueType,
    /// Whether code can set it.
    pub mutable: bool,
}

impl GlobalType {
    pub(super) fn to_format(self) -> format::GlobalType {
        format::GlobalType { value: self.value_type.code(), mutable: self.mutable }
    }
}

/// The type of a table. Sizes are in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableType {
    /// The type of its elements: a reference type.
    pub element: ValueType,
    /// The initial size.
    pub minimum: u64,
    /// The largest size. `None`: there is no limit.
    pub maximum: Option<u64>,
    /// Whether its indices have 64 bits.
    pub is_64: bool,
}

impl TableType {
    /// A table of 32 bits without a limit.
    pub fn new(element: ValueType, minimum: u64) -> Self {
        TableType { element, minimum, maximum: None, is_64: false }
    }

    pub(super) fn to_format(self) -> format::TableType {
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags = flag(self.maximum.is_some(), limits::HAS_MAX) | flag(self.is_64, limits::IS_64);
        let limits = format::Limits { flags, minimum: self.minimum, maximum: self.maximum.unwrap_or(0) };
        format::TableType { element: self.element.code(), limits }
    }
}

/// The binding of a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// Visible to other inputs; only one of them may define it.
    #[default]
    Global,
    /// As global, but another definition replaces it, and a reference may stay undefined.
    Weak,
    /// Visible only in this unit.
    Local,
}

/// A symbol without its definition.
/// See <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#symbol-table-subsection>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Its binding.
    pub binding: Binding,
    /// Shared libraries and `--export-dynamic` do not export it.
    pub hidden: bool,
    /// The module exports it.
    pub exported: bool,
    /// It is kept even if nothing refers to it.
    pub no_strip: bool,
    /// It is thread-local. Symbols in thread-local data always are.
    pub tls: bool,
}

impl Symbol {
    /// A global symbol.
    pub fn global(name: impl Into<String>) -> Self {
        Symbol { name: name.into(), ..Symbol::default() }
    }

    /// A local symbol.
    pub fn local(name: impl Into<String>) -> Self {
        Symbol { name: name.into(), binding: Binding::Local, ..Symbol::default() }
    }

    /// A weak symbol.
    pub fn weak(name: impl Into<String>) -> Self {
        Symbol { name: name.into(), binding: Binding::Weak, ..Symbol::default() }
    }

    /// The same symbol, exported.
    #[must_use]
    pub fn exported(mut self) -> Self {
        self.exported = true;
        self
    }

    pub(super) fn flags(&self) -> u32 {
        let binding = match self.binding {
            Binding::Global => 0,
            Binding::Weak => SymbolFlags::WEAK,
            Binding::Local => SymbolFlags::LOCAL,
        };
        let flag = |is: bool, flag: u32| if is { flag } else { 0 };
        binding
            | flag(self.hidden, SymbolFlags::HIDDEN)
            | flag(self.exported, SymbolFlags::EXPORTED)
            | flag(self.no_strip, SymbolFlags::NO_STRIP)
            | flag(self.tls, SymbolFlags::TLS)
    }
}

/// The definition of a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// A function with its body.
    Function(Function),
    /// Another name of a function of this unit.
    FunctionAlias(SymbolHandle),
    /// A data segment, and this symbol in it.
    Data(Data),
    /// A part of the data of another symbol of this unit.
    DataWithin {
        /// The symbol of the data.
        of: SymbolHandle,
        /// Offset in the segment.
        offset: u64,
        /// Size in bytes.
        size: u64,
    },
    /// A fixed address in linear memory.
    AbsoluteData {
        /// The address.
        address: u64,
        /// Size in bytes.
        size: u64,
    },
    /// A global.
    Global {
        /// Its type.
        of: GlobalType,
        /// Its initial value: a constant expression with its `end`.
        init: Vec<u8>,
    },
    /// A table.
    Table(TableType),
    /// An exception tag.
    Tag(TypeHandle),
    /// A custom section, such as debug info. Its symbol is local and has the section's name.
    Section(Section),
    /// A function defined elsewhere, or imported.
    UndefinedFunction(TypeHandle, Option<Import>),
    /// Data defined elsewhere.
    UndefinedData,
    /// A global defined elsewhere, or imported.
    UndefinedGlobal(GlobalType, Option<Import>),
    /// A table defined elsewhere, or imported.
    UndefinedTable(TableType, Option<Import>),
    /// A tag defined elsewhere, or imported.
    UndefinedTag(TypeHandle, Option<Import>),
}

/// The import name of an undefined symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Module name.
    pub module: String,
    /// Field name. `None` means the symbol's name; then an undefined symbol is an error unless the options allow it.
    pub field: Option<String>,
}

impl Import {
    /// An import from this module and field.
    pub fn new(module: impl Into<String>, field: impl Into<String>) -> Self {
        Import { module: module.into(), field: Some(field.into()) }
    }
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its signature.
    pub signature: TypeHandle,
    /// Locals and instructions with the final `end`, without the size.
    pub body: Vec<u8>,
    /// Relocations of the body, with ascending offsets.
    pub relocations: Vec<Relocation>,
    /// Its COMDAT group.
    pub comdat: Option<ComdatHandle>,
    /// The name of its export.
    pub export_name: Option<String>,
}

impl Function {
    /// A function without a COMDAT group and an export.
    pub fn new(signature: TypeHandle, body: Vec<u8>, relocations: Vec<Relocation>) -> Self {
        Function { signature, body, relocations, comdat: None, export_name: None }
    }
}

/// A data segment, and a symbol's range in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// The segment's name, such as `.rodata.text`. It decides the segment of the module.
    pub segment: String,
    /// Alignment as a power of two: 3 is 8 bytes.
    pub alignment: u32,
    /// Flags from [`segment_flags`].
    pub flags: u32,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Relocations of the bytes, with ascending offsets.
    pub relocations: Vec<Relocation>,
    /// Its COMDAT group.
    pub comdat: Option<ComdatHandle>,
    /// The symbol's offset in the segment.
    pub offset: u64,
    /// The symbol's size. `None` means the rest of the segment.
    pub size: Option<u64>,
}

impl Data {
    /// Data without relocations.
    pub fn new(segment: impl Into<String>, alignment: u32, bytes: Vec<u8>) -> Self {
        Data { segment: segment.into(), alignment, bytes, ..Data::default() }
    }

    pub(super) fn all_flags(&self) -> u32 {
        let is_tls = self.segment.starts_with(".tdata") || self.segment.starts_with(".tbss");
        self.flags | if is_tls { segment_flags::TLS } else { 0 }
    }
}

/// A custom section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its contents.
    pub bytes: Vec<u8>,
    /// Relocations of the contents, with ascending offsets.
    pub relocations: Vec<Relocation>,
    /// Its COMDAT group.
    pub comdat: Option<ComdatHandle>,
}

/// A place where the link writes an index or address.
///
/// See <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#relocation-sections>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// The type: what is written, and how. The place must have its [width](crate::format::relocation::Encoding::width), such
    /// as five bytes for a padded 32-bit LEB128 number.
    pub kind: RelocationType,
    /// Offset from the start of the body, data or section.
    pub offset: u32,
    /// What it refers to.
    pub target: Target,
    /// Added to an address.
    pub addend: i64,
}

/// What a relocation refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A symbol.
    Symbol(SymbolHandle),
    /// A signature, for [`RelocationType::TypeIndexLeb`].
    Type(TypeHandle),
}

impl Relocation {
    /// A relocation of a call's function index.
    pub fn call(offset: u32, function: SymbolHandle) -> Self {
        Relocation::new(RelocationType::FunctionIndexLeb, offset, function, 0)
    }

    /// A relocation that refers to a symbol.
    pub fn new(kind: RelocationType, offset: u32, symbol: SymbolHandle, addend: i64) -> Self {
        Relocation { kind, offset, target: Target::Symbol(symbol), addend }
    }
}
