//! The vocabulary of the binary format and of the object file convention, without logic.
//! Core format: <https://webassembly.github.io/spec/core/binary/modules.html>. Convention:
//! <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>.

pub mod relocation;
pub mod relocation_blocks;

/// The first eight bytes of every module: magic and version.
pub const HEADER: [u8; 8] = *b"\0asm\x01\0\0\0";

/// Section ids.
pub mod section {
    #![allow(missing_docs)]
    pub const CUSTOM: u8 = 0;
    pub const TYPE: u8 = 1;
    pub const IMPORT: u8 = 2;
    pub const FUNCTION: u8 = 3;
    pub const TABLE: u8 = 4;
    pub const MEMORY: u8 = 5;
    pub const GLOBAL: u8 = 6;
    pub const EXPORT: u8 = 7;
    pub const START: u8 = 8;
    pub const ELEM: u8 = 9;
    pub const CODE: u8 = 10;
    pub const DATA: u8 = 11;
    pub const DATACOUNT: u8 = 12;
    pub const TAG: u8 = 13;

    /// The name that messages and the map file use.
    pub fn name(id: u8) -> &'static str {
        match id {
            CUSTOM => "CUSTOM",
            TYPE => "TYPE",
            IMPORT => "IMPORT",
            FUNCTION => "FUNCTION",
            TABLE => "TABLE",
            MEMORY => "MEMORY",
            GLOBAL => "GLOBAL",
            EXPORT => "EXPORT",
            START => "START",
            ELEM => "ELEM",
            CODE => "CODE",
            DATA => "DATA",
            DATACOUNT => "DATACOUNT",
            TAG => "TAG",
            _ => "UNKNOWN",
        }
    }
}

/// Import and export kinds.
pub mod external {
    #![allow(missing_docs)]
    pub const FUNCTION: u8 = 0;
    pub const TABLE: u8 = 1;
    pub const MEMORY: u8 = 2;
    pub const GLOBAL: u8 = 3;
    pub const TAG: u8 = 4;
    /// Instead of a kind, after an empty name: names and types of several imports of the module.
    pub const COMPACT_NAMES_AND_TYPES: u8 = 0x7f;
    /// The same with one type, before the names.
    pub const COMPACT_NAMES: u8 = 0x7e;
}

/// Value types and type constructors.
pub mod types {
    #![allow(missing_docs)]
    pub const I32: u8 = 0x7f;
    pub const I64: u8 = 0x7e;
    pub const F32: u8 = 0x7d;
    pub const F64: u8 = 0x7c;
    pub const V128: u8 = 0x7b;
    pub const FUNCREF: u8 = 0x70;
    pub const EXTERNREF: u8 = 0x6f;
    pub const EXNREF: u8 = 0x69;
    pub const NON_NULLABLE: u8 = 0x64;
    pub const NULLABLE: u8 = 0x63;
    pub const FUNC: u8 = 0x60;

    /// How wasm-ld prints a value type.
    pub fn name(value_type: u8) -> &'static str {
        match value_type {
            I32 => "i32",
            I64 => "i64",
            F32 => "f32",
            F64 => "f64",
            V128 => "v128",
            FUNCREF => "funcref",
            EXTERNREF => "externref",
            EXNREF => "exnref",
            _ => "unknown",
        }
    }
}

/// Flags of limits (memories and tables).
pub mod limits {
    #![allow(missing_docs)]
    pub const HAS_MAX: u8 = 1;
    pub const SHARED: u8 = 2;
    pub const IS_64: u8 = 4;
    pub const PAGE_SIZE: u8 = 8;
}

/// Opcodes that the linker reads or writes itself.
pub mod opcode {
    #![allow(missing_docs)]
    pub const UNREACHABLE: u8 = 0x00;
    pub const BLOCK: u8 = 0x02;
    pub const BR_TABLE: u8 = 0x0e;
    pub const END: u8 = 0x0b;
    pub const THROW: u8 = 0x08;
    pub const CALL: u8 = 0x10;
    pub const RETURN_CALL: u8 = 0x12;
    pub const DROP: u8 = 0x1a;
    pub const LOCAL_GET: u8 = 0x20;
    pub const LOCAL_SET: u8 = 0x21;
    pub const LOCAL_TEE: u8 = 0x22;
    pub const GLOBAL_GET: u8 = 0x23;
    pub const GLOBAL_SET: u8 = 0x24;
    pub const I32_STORE: u8 = 0x36;
    pub const I64_STORE: u8 = 0x37;
    pub const I32_CONST: u8 = 0x41;
    pub const I64_CONST: u8 = 0x42;
    pub const F32_CONST: u8 = 0x43;
    pub const F64_CONST: u8 = 0x44;
    pub const I32_ADD: u8 = 0x6a;
    pub const I32_SUB: u8 = 0x6b;
    pub const I32_MUL: u8 = 0x6c;
    pub const I64_ADD: u8 = 0x7c;
    pub const I64_SUB: u8 = 0x7d;
    pub const I64_MUL: u8 = 0x7e;
    pub const F64_PROMOTE_F32: u8 = 0xbb;
    pub const REF_NULL: u8 = 0xd0;
    pub const REF_FUNC: u8 = 0xd2;
    pub const MISC_PREFIX: u8 = 0xfc;
    pub const MEMORY_INIT: u8 = 0x08;
    pub const DATA_DROP: u8 = 0x09;
    pub const MEMORY_FILL: u8 = 0x0b;
    pub const TABLE_SIZE: u8 = 0x10;
    pub const ATOMICS_PREFIX: u8 = 0xfe;
    pub const ATOMIC_NOTIFY: u8 = 0x00;
    pub const I32_ATOMIC_WAIT: u8 = 0x01;
    pub const I32_ATOMIC_STORE: u8 = 0x17;
    pub const I32_RMW_CMPXCHG: u8 = 0x48;
    pub const BLOCKTYPE_VOID: u8 = 0x40;
}

/// Parts of a `dylink.0` section.
/// See <https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md#the-dylink0-section>.
pub mod dylink {
    #![allow(missing_docs)]
    pub const MEMORY_INFO: u8 = 1;
    pub const NEEDED: u8 = 2;
    pub const EXPORT_INFO: u8 = 3;
    pub const IMPORT_INFO: u8 = 4;
    pub const RUNTIME_PATH: u8 = 5;
}

/// Subsections of the `linking` section.
pub mod linking {
    #![allow(missing_docs)]
    pub const VERSION: u32 = 2;
    pub const SEGMENT_INFO: u8 = 5;
    pub const INIT_FUNCS: u8 = 6;
    pub const COMDAT_INFO: u8 = 7;
    pub const SYMBOL_TABLE: u8 = 8;

    /// Kinds of comdat entries.
    pub const COMDAT_DATA: u32 = 0;
    pub const COMDAT_FUNCTION: u32 = 1;
    pub const COMDAT_SECTION: u32 = 5;
}

/// Segment flags of the `linking` section.
pub mod segment_flags {
    #![allow(missing_docs)]
    pub const STRINGS: u32 = 1;
    pub const TLS: u32 = 2;
    pub const RETAIN: u32 = 4;
}

/// Symbol flags: binding, visibility and the rest, as in the symbol table of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SymbolFlags(pub u32);

#[allow(missing_docs)]
impl SymbolFlags {
    pub const BINDING_MASK: u32 = 0x3;
    pub const WEAK: u32 = 0x1;
    pub const LOCAL: u32 = 0x2;
    /// Data of which every object may bring a copy without contents: the largest is reserved.
    pub const COMMON: u32 = 0x3;
    pub const HIDDEN: u32 = 0x4;
    pub const UNDEFINED: u32 = 0x10;
    pub const EXPORTED: u32 = 0x20;
    pub const EXPLICIT_NAME: u32 = 0x40;
    pub const NO_STRIP: u32 = 0x80;
    pub const TLS: u32 = 0x100;
    pub const ABSOLUTE: u32 = 0x200;

    pub fn binding(self) -> u32 {
        self.0 & Self::BINDING_MASK
    }
    pub fn is_weak(self) -> bool {
        self.binding() == Self::WEAK
    }
    pub fn is_local(self) -> bool {
        self.binding() == Self::LOCAL
    }
    pub fn is_hidden(self) -> bool {
        self.0 & Self::HIDDEN != 0
    }
    pub fn is_undefined(self) -> bool {
        self.0 & Self::UNDEFINED != 0
    }
    pub fn is_exported(self) -> bool {
        self.0 & Self::EXPORTED != 0
    }
    pub fn has_explicit_name(self) -> bool {
        self.0 & Self::EXPLICIT_NAME != 0
    }
    pub fn is_no_strip(self) -> bool {
        self.0 & Self::NO_STRIP != 0
    }
    pub fn is_tls(self) -> bool {
        self.0 & Self::TLS != 0
    }
    pub fn is_absolute(self) -> bool {
        self.0 & Self::ABSOLUTE != 0
    }
    /// The same flags with another binding.
    pub fn with_binding(self, binding: u32) -> Self {
        SymbolFlags(self.0 & !Self::BINDING_MASK | binding)
    }
    /// The same flags, hidden or not.
    pub fn with_hidden(self, hidden: bool) -> Self {
        if hidden {
            SymbolFlags(self.0 | Self::HIDDEN)
        } else {
            SymbolFlags(self.0 & !Self::HIDDEN)
        }
    }
}

/// The kind of a symbol, with its number in the symbol table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SymbolKind {
    /// A function.
    Function = 0,
    /// A place in linear memory.
    Data = 1,
    /// A global.
    Global = 2,
    /// A custom section.
    Section = 3,
    /// An exception tag.
    Tag = 4,
    /// A table.
    Table = 5,
}

impl SymbolKind {
    /// Whether programmers give it a name.
    pub(crate) fn is_function_or_data(self) -> bool {
        matches!(self, SymbolKind::Function | SymbolKind::Data)
    }

    /// The kind with the symbol table's number.
    pub fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => SymbolKind::Function,
            1 => SymbolKind::Data,
            2 => SymbolKind::Global,
            3 => SymbolKind::Section,
            4 => SymbolKind::Tag,
            5 => SymbolKind::Table,
            _ => return None,
        })
    }

    /// How wasm-ld's messages call it.
    pub fn name(self) -> &'static str {
        match self {
            SymbolKind::Function => "Function",
            SymbolKind::Data => "Data",
            SymbolKind::Global => "Global",
            SymbolKind::Section => "Section",
            SymbolKind::Tag => "Tag",
            SymbolKind::Table => "Table",
        }
    }
}

/// Size and properties of a memory or table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Flag bits, see [`limits`].
    pub flags: u8,
    /// Initial size in pages or elements.
    pub minimum: u64,
    /// The maximum size, if the flags say that there is one.
    pub maximum: u64,
}

/// A table's type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableType {
    /// Element type.
    pub element: u8,
    /// Sizes.
    pub limits: Limits,
}

/// A global's type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GlobalType {
    /// Value type.
    pub value: u8,
    /// Whether it can be set.
    pub mutable: bool,
}
