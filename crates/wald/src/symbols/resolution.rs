//! What a symbol resolved to, and what the linker itself defines.

use crate::index::SyntheticFunctionId;

/// What defines a symbol after resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Nothing defines it. It may become an import.
    Undefined,
    /// An archive member defines it that nobody has needed so far.
    Lazy,
    /// The object [`Symbol::file`] defines it, in the entry [`Symbol::index`] of its symbol table.
    Object,
    /// The LLVM bitcode [`Symbol::file`] defines it. After code generation, no symbol is resolved like this.
    Bitcode,
    /// The shared library [`Symbol::file`] defines it. It exists at run time only.
    Shared,
    /// The linker defines it.
    Synthetic(Synthetic),
}

/// What the linker itself defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synthetic {
    /// A function the linker writes.
    Function(SyntheticFunctionId),
    /// An address that layout sets.
    Data(SyntheticData),
    /// A global.
    Global(SyntheticGlobal),
    /// The indirect function table.
    FunctionTable,
}

/// Addresses that the linker gives names to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntheticData {
    /// `__dso_handle`: the start of static data.
    DsoHandle,
    /// `__data_end`: the end of static data.
    DataEnd,
    /// `__stack_low`.
    StackLow,
    /// `__stack_high`.
    StackHigh,
    /// `__global_base`: the start of static data.
    GlobalBase,
    /// `__heap_base`: the first byte for a heap.
    HeapBase,
    /// `__heap_end`: the end of the initial memory.
    HeapEnd,
    /// `__memory_base` of a program that is not position-independent: 0.
    MemoryBase,
    /// `__table_base` of a program that is not position-independent: the first table index.
    TableBase,
    /// `__wasm_first_page_end`: the size of a page.
    FirstPageEnd,
    /// `__start_NAME`: start of the output segment NAME.
    SegmentStart(u32),
    /// `__stop_NAME`: end of the output segment NAME.
    SegmentStop(u32),
    /// A number that `--defsym` gives: the position in `Options::defsyms`.
    Number(u32),
    /// `__wasm_init_memory_flag`: the word by which threads agree on who initialises memory.
    InitMemoryFlag,
}

/// Globals that the linker makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntheticGlobal {
    /// `__stack_pointer`.
    StackPointer,
    /// `__tls_base`.
    TlsBase,
    /// `__init_stack_pointer`: where the first of cooperative threads has its stack.
    InitStackPointer,
    /// `__init_tls_base`: where the first of cooperative threads has its thread-local data.
    InitTlsBase,
    /// `__tls_size`.
    TlsSize,
    /// `__tls_align`.
    TlsAlign,
}
