//! Numbers that C passes: kinds, bindings, types, flags. Structs and functions take them as integers, which can be checked.

use crate::border::numbered;

/// The binding of a symbol.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_binding {
    /// Visible to other inputs; only one of them may define it.
    Global = 0,
    /// As global, but another definition replaces it, and a reference may stay undefined.
    Weak = 1,
    /// Visible only in this unit.
    Local = 2,
}

/// The kind of a wald_definition, with the members that it uses.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_definition_kind {
    /// A function: `type`, `bytes` (locals and instructions with the final `end`), `relocations`, `comdat`, `name` (its export).
    Function = 0,
    /// Another name of the function `of`.
    FunctionAlias = 1,
    /// Data: `name` (of the segment), `bytes`, `relocations`, `comdat`, `alignment`, `flags`, and the symbol's range in them:
    /// `offset`, `extent`.
    Data = 2,
    /// A part of the data of the symbol `of`: `offset`, `extent`.
    DataWithin = 3,
    /// A fixed address: `offset`, `extent`.
    AbsoluteData = 4,
    /// A global: `value_type`, `is_mutable`, `bytes` (a constant expression with its `end`).
    Global = 5,
    /// A table: `value_type`, `minimum`, `has_maximum`, `maximum`, `is_64`.
    Table = 6,
    /// A tag: `type`.
    Tag = 7,
    /// A custom section: `name`, `bytes`, `relocations`, `comdat`.
    Section = 8,
    /// A function defined elsewhere: `type`, `import_module`, `import_field`.
    UndefinedFunction = 9,
    /// Data defined elsewhere.
    UndefinedData = 10,
    /// A global defined elsewhere: `value_type`, `is_mutable`, `import_module`, `import_field`.
    UndefinedGlobal = 11,
    /// A table defined elsewhere: the members of a table, `import_module`, `import_field`.
    UndefinedTable = 12,
    /// A tag defined elsewhere: `type`, `import_module`, `import_field`.
    UndefinedTag = 13,
}

/// The kind of producer that wald_unit_add_producer() names.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_producer {
    /// A source language.
    Language = 0,
    /// A compiler or another tool.
    ProcessedBy = 1,
    /// An SDK.
    Sdk = 2,
}

/// A value type, as in the binary format.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_value_type {
    /// A 32-bit integer.
    I32 = 0x7f,
    /// A 64-bit integer.
    I64 = 0x7e,
    /// A 32-bit floating-point number.
    F32 = 0x7d,
    /// A 64-bit floating-point number.
    F64 = 0x7c,
    /// A 128-bit vector.
    V128 = 0x7b,
    /// A reference to a function.
    Funcref = 0x70,
    /// A reference of the host.
    Externref = 0x6f,
    /// A reference to an exception.
    Exnref = 0x69,
}

/// A flag of a data segment.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_segment_flag {
    /// It contains strings that end with a NUL. Equal ones may be merged.
    Strings = 1,
    /// It is thread-local.
    Tls = 2,
    /// It is kept even if nothing refers to it.
    Retain = 4,
}

/// The type of a relocation: what is written, and how.
/// See <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#relocation-sections>.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_relocation_kind {
    /// `R_WASM_FUNCTION_INDEX_LEB`.
    FunctionIndexLeb = 0,
    /// `R_WASM_TABLE_INDEX_SLEB`.
    TableIndexSleb = 1,
    /// `R_WASM_TABLE_INDEX_I32`.
    TableIndexI32 = 2,
    /// `R_WASM_MEMORY_ADDR_LEB`.
    MemoryAddrLeb = 3,
    /// `R_WASM_MEMORY_ADDR_SLEB`.
    MemoryAddrSleb = 4,
    /// `R_WASM_MEMORY_ADDR_I32`.
    MemoryAddrI32 = 5,
    /// `R_WASM_TYPE_INDEX_LEB`.
    TypeIndexLeb = 6,
    /// `R_WASM_GLOBAL_INDEX_LEB`.
    GlobalIndexLeb = 7,
    /// `R_WASM_FUNCTION_OFFSET_I32`.
    FunctionOffsetI32 = 8,
    /// `R_WASM_SECTION_OFFSET_I32`.
    SectionOffsetI32 = 9,
    /// `R_WASM_TAG_INDEX_LEB`.
    TagIndexLeb = 10,
    /// `R_WASM_MEMORY_ADDR_REL_SLEB`.
    MemoryAddrRelSleb = 11,
    /// `R_WASM_TABLE_INDEX_REL_SLEB`.
    TableIndexRelSleb = 12,
    /// `R_WASM_GLOBAL_INDEX_I32`.
    GlobalIndexI32 = 13,
    /// `R_WASM_MEMORY_ADDR_LEB64`.
    MemoryAddrLeb64 = 14,
    /// `R_WASM_MEMORY_ADDR_SLEB64`.
    MemoryAddrSleb64 = 15,
    /// `R_WASM_MEMORY_ADDR_I64`.
    MemoryAddrI64 = 16,
    /// `R_WASM_MEMORY_ADDR_REL_SLEB64`.
    MemoryAddrRelSleb64 = 17,
    /// `R_WASM_TABLE_INDEX_SLEB64`.
    TableIndexSleb64 = 18,
    /// `R_WASM_TABLE_INDEX_I64`.
    TableIndexI64 = 19,
    /// `R_WASM_TABLE_NUMBER_LEB`.
    TableNumberLeb = 20,
    /// `R_WASM_MEMORY_ADDR_TLS_SLEB`.
    MemoryAddrTlsSleb = 21,
    /// `R_WASM_FUNCTION_OFFSET_I64`.
    FunctionOffsetI64 = 22,
    /// `R_WASM_MEMORY_ADDR_LOCREL_I32`.
    MemoryAddrLocrelI32 = 23,
    /// `R_WASM_TABLE_INDEX_REL_SLEB64`.
    TableIndexRelSleb64 = 24,
    /// `R_WASM_MEMORY_ADDR_TLS_SLEB64`.
    MemoryAddrTlsSleb64 = 25,
    /// `R_WASM_FUNCTION_INDEX_I32`.
    FunctionIndexI32 = 26,
}

numbered!(wald_binding, "binding": Global Weak Local);
numbered!(wald_definition_kind, "kind of definition":
    Function FunctionAlias Data DataWithin AbsoluteData
    Global Table Tag Section UndefinedFunction
    UndefinedData UndefinedGlobal UndefinedTable UndefinedTag);
numbered!(wald_producer, "kind of producer": Language ProcessedBy Sdk);
numbered!(wald_value_type, "value type":
    I32 I64 F32 F64 V128
    Funcref Externref Exnref);
numbered!(wald_segment_flag, "segment flag": Strings Tls Retain);
numbered!(wald_relocation_kind, "relocation type":
    FunctionIndexLeb TableIndexSleb TableIndexI32 MemoryAddrLeb MemoryAddrSleb
    MemoryAddrI32 TypeIndexLeb GlobalIndexLeb FunctionOffsetI32 SectionOffsetI32
    TagIndexLeb MemoryAddrRelSleb TableIndexRelSleb GlobalIndexI32 MemoryAddrLeb64
    MemoryAddrSleb64 MemoryAddrI64 MemoryAddrRelSleb64 TableIndexSleb64 TableIndexI64
    TableNumberLeb MemoryAddrTlsSleb FunctionOffsetI64 MemoryAddrLocrelI32 TableIndexRelSleb64
    MemoryAddrTlsSleb64 FunctionIndexI32);

#[cfg(test)]
mod tests {
    use super::*;
    use wald::unit::{segment_flags, RelocationType};

    #[test]
    fn relocation_types_have_the_convention_s_numbers_and_names() {
        let known = (0..=255).filter_map(RelocationType::from_number);
        let known: Vec<_> = known.map(|kind| (kind as u32, format!("{kind:?}"))).collect();
        let ours = wald_relocation_kind::ALL.iter().map(|&kind| (kind as u32, format!("{kind:?}")));
        assert_eq!(ours.collect::<Vec<_>>(), known);
    }

    #[test]
    fn segment_flags_are_the_library_s() {
        let flags = [segment_flags::STRINGS, segment_flags::TLS, segment_flags::RETAIN];
        assert_eq!(wald_segment_flag::ALL.iter().map(|&flag| flag as u32).collect::<Vec<_>>(), flags);
    }

    #[test]
    fn unknown_numbers_are_refused() {
        assert_eq!(wald_binding::from_number(2).ok(), Some(wald_binding::Local));
        for number in [3, 255, 256, u32::MAX] {
            assert!(wald_binding::from_number(number).is_err());
        }
        assert!(wald_value_type::from_number(0).is_err() && wald_relocation_kind::from_number(27).is_err());
    }
}
