//! A unit: functions, data and symbols from memory.

use std::ffi::c_char;

use wald::format::relocation::RelocationType;
use wald::format::{GlobalType, Limits, TableType};
use wald::unit::{
    Binding, ComdatHandle, Data, Definition, Function, Import, ProducerKind, Relocation, Section, Symbol,
    SymbolHandle, Target, TypeHandle, Unit, UnitError, ValueType,
};

use crate::border::{
    exclusive, free, give, optional_text, put, shared, slice, status, text, value, wald_bytes, wald_status,
    Failure, Outcome,
};

/// A unit: what a compiler passes from memory instead of an object file. It is a table of symbols with their definitions.
/// Symbols can be redefined and removed. The cost of an edit is proportional to the size of the definition.
///
/// Any number of threads may call functions that take a `const wald_unit *` at the same time. Other functions need exclusive
/// access.
#[allow(non_camel_case_types)]
pub struct wald_unit(pub(crate) Unit);

/// Bytes that wald_buffer_free() frees.
#[allow(non_camel_case_types)]
pub struct wald_buffer(Vec<u8>);

/// The binding of a symbol.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
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
#[derive(Clone, Copy)]
#[repr(C)]
pub enum wald_kind {
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
    /// A table: `value_type`, `limits_flags`, `minimum`, `maximum`.
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
#[derive(Clone, Copy)]
#[repr(C)]
pub enum wald_producer {
    /// A source language.
    Language = 0,
    /// A compiler or another tool.
    ProcessedBy = 1,
    /// An SDK.
    Sdk = 2,
}

/// A symbol without its definition.
#[allow(non_camel_case_types)]
#[repr(C)]
pub struct wald_symbol {
    /// Its name.
    pub name: *const c_char,
    /// A wald_binding.
    pub binding: u32,
    /// Shared libraries and `--export-dynamic` do not export it.
    pub hidden: bool,
    /// The module exports it.
    pub exported: bool,
    /// It is kept even if nothing refers to it.
    pub no_strip: bool,
    /// It is thread-local.
    pub tls: bool,
}

/// A place in the bytes of a definition where the link writes an index or address.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_relocation {
    /// The number of its type: <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#relocation-sections>
    pub kind: u32,
    /// Offset from the start of the bytes.
    pub offset: u32,
    /// A symbol; for R_WASM_TYPE_INDEX_LEB a signature.
    pub target: u32,
    /// Added to an address.
    pub addend: i64,
}

/// The definition of a symbol. Only the members that wald_kind names are read.
#[allow(non_camel_case_types)]
#[repr(C)]
pub struct wald_definition {
    /// A wald_kind.
    pub kind: u32,
    /// A signature.
    pub r#type: u32,
    /// Code, data or contents of a section.
    pub bytes: *const u8,
    /// The number of bytes.
    pub size: usize,
    /// Relocations, with ascending offsets.
    pub relocations: *const wald_relocation,
    /// The number of relocations.
    pub relocation_count: usize,
    /// The name of a segment or section, or of a function's export.
    pub name: *const c_char,
    /// The module to import from; NULL means `env`.
    pub import_module: *const c_char,
    /// The field to import. NULL means the symbol's name; then an undefined symbol is an error unless the options allow it.
    pub import_field: *const c_char,
    /// A COMDAT group; 0 means none.
    pub comdat: u32,
    /// Another symbol.
    pub of: u32,
    /// Alignment as a power of two: 3 is 8 bytes.
    pub alignment: u32,
    /// Segment flags: 1 strings, 2 thread-local, 4 retained.
    pub flags: u32,
    /// Offset in the segment, or an address.
    pub offset: u64,
    /// The size of the data; 0 means the rest of the segment.
    pub extent: u64,
    /// Value type of a global or element type of a table, as in the binary format: 0x7f i32, 0x7e i64, 0x7d f32, 0x7c f64,
    /// 0x7b v128, 0x70 funcref, 0x6f externref, 0x69 exnref.
    pub value_type: u8,
    /// Whether a global can be set.
    pub is_mutable: bool,
    /// Flags of a table's limits: 1 has a maximum, 4 is 64-bit.
    pub limits_flags: u8,
    /// A table's initial size.
    pub minimum: u64,
    /// A table's maximum size.
    pub maximum: u64,
}

fn refused(error: UnitError) -> Failure {
    let status = match error {
        UnitError::UnknownHandle => wald_status::UnknownHandle,
        _ => wald_status::Unit,
    };
    Failure(status, error.to_string())
}

fn bad(what: impl Into<String>) -> Failure {
    Failure(wald_status::BadValue, what.into())
}

/// # Safety
/// The strings are NULL or NUL-terminated.
unsafe fn symbol_of(of: &wald_symbol) -> Outcome<Symbol> {
    let binding = match of.binding {
        0 => Binding::Global,
        1 => Binding::Weak,
        2 => Binding::Local,
        other => return Err(bad(format!("no binding has the number {other}"))),
    };
    // SAFETY: the caller's promise.
    let name = unsafe { text(of.name, "name") }?.to_string();
    let wald_symbol { hidden, exported, no_strip, tls, .. } = *of;
    Ok(Symbol { name, binding, hidden, exported, no_strip, tls })
}

fn value_type(code: u8) -> Outcome<ValueType> {
    use ValueType::{ExnRef, ExternRef, FuncRef, F32, F64, I32, I64, V128};
    let known = [I32, I64, F32, F64, V128, FuncRef, ExternRef, ExnRef];
    known
        .into_iter()
        .find(|of| of.code() == code)
        .ok_or_else(|| bad(format!("no value type has the number {code}")))
}

fn relocation(of: &wald_relocation) -> Outcome<Relocation> {
    let unknown = || bad(format!("no relocation type has the number {}", of.kind));
    let kind = RelocationType::from_number(of.kind).ok_or_else(unknown)?;
    let target = match kind {
        RelocationType::TypeIndexLeb => Target::Type(TypeHandle::from_number(of.target)),
        _ => Target::Symbol(SymbolHandle::from_number(of.target)),
    };
    Ok(Relocation { kind, offset: of.offset, target, addend: of.addend })
}

/// # Safety
/// Pointers are NULL or valid.
unsafe fn definition_of(of: &wald_definition) -> Outcome<Definition> {
    let signature = TypeHandle::from_number(of.r#type);
    let symbol = SymbolHandle::from_number(of.of);
    let comdat = of.comdat.checked_sub(1).map(ComdatHandle::from_number);
    let (offset, size) = (of.offset, of.extent);
    // SAFETY: the caller's promise.
    let bytes = || unsafe { slice(of.bytes, of.size, "bytes") }.map(<[u8]>::to_vec);
    let relocations = || -> Outcome<Vec<Relocation>> {
        // SAFETY: the caller's promise.
        let list = unsafe { slice(of.relocations, of.relocation_count, "relocations") }?;
        list.iter().map(relocation).collect()
    };
    // SAFETY: the caller's promise.
    let name = || unsafe { text(of.name, "name") }.map(str::to_string);
    let import = || -> Outcome<Option<Import>> {
        // SAFETY: the caller's promise.
        let (module, field) = unsafe {
            (
                optional_text(of.import_module, "import_module")?,
                optional_text(of.import_field, "import_field")?,
            )
        };
        let given = module.is_some() || field.is_some();
        let (module, field) = (module.unwrap_or("env").to_string(), field.map(str::to_string));
        Ok(given.then_some(Import { module, field }))
    };
    let global = || -> Outcome<GlobalType> {
        Ok(GlobalType { value: value_type(of.value_type)?.code(), mutable: of.is_mutable })
    };
    let limits = Limits { flags: of.limits_flags, minimum: of.minimum, maximum: of.maximum };
    let table = TableType { element: of.value_type, limits };
    Ok(match of.kind {
        0 => Definition::Function(Function {
            signature,
            body: bytes()?,
            relocations: relocations()?,
            comdat,
            // SAFETY: the caller's promise.
            export_name: unsafe { optional_text(of.name, "name") }?.map(str::to_string),
        }),
        1 => Definition::FunctionAlias(symbol),
        2 => Definition::Data(Data {
            segment: name()?,
            alignment: of.alignment,
            flags: of.flags,
            bytes: bytes()?,
            relocations: relocations()?,
            comdat,
            offset,
            size: (size != 0).then_some(size),
        }),
        3 => Definition::DataWithin { of: symbol, offset, size },
        4 => Definition::AbsoluteData { address: offset, size },
        5 => Definition::Global { of: global()?, init: bytes()? },
        6 => Definition::Table(table),
        7 => Definition::Tag(signature),
        8 => {
            let (name, bytes, relocations) = (name()?, bytes()?, relocations()?);
            Definition::Section(Section { name, bytes, relocations, comdat })
        }
        9 => Definition::UndefinedFunction(signature, import()?),
        10 => Definition::UndefinedData,
        11 => Definition::UndefinedGlobal(global()?, import()?),
        12 => Definition::UndefinedTable(table, import()?),
        13 => Definition::UndefinedTag(signature, import()?),
        other => return Err(bad(format!("no kind has the number {other}"))),
    })
}

/// Creates an empty unit. Free it with wald_unit_free().
#[no_mangle]
pub extern "C" fn wald_unit_new() -> *mut wald_unit {
    give(wald_unit(Unit::new()))
}

/// Frees a unit; NULL is ignored. Linkers that it was provided to do not need it.
///
/// # Safety
/// From wald_unit_new(), and not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_free(unit: *mut wald_unit) {
    // SAFETY: the caller's promise.
    unsafe { free(unit) };
}

/// Sets whether the unit's memory has 64-bit addresses.
///
/// # Safety
/// Valid or NULL; no other thread uses the unit.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_set_memory_64(unit: *mut wald_unit, is_64: bool) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        unsafe { exclusive(unit, "unit") }?.0.set_memory_64(is_64);
        Ok(())
    })
}

/// Stores the number of the signature with these value types (see wald_definition) in `type`. Equal types have equal numbers.
///
/// # Safety
/// Valid or NULL; no other thread uses the unit.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_signature(
    unit: *mut wald_unit,
    parameters: *const u8,
    parameter_count: usize,
    results: *const u8,
    result_count: usize,
    r#type: *mut u32,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (unit, parameters, results) = unsafe {
            (
                exclusive(unit, "unit")?,
                slice(parameters, parameter_count, "parameters")?,
                slice(results, result_count, "results")?,
            )
        };
        let types = |list: &[u8]| list.iter().map(|&code| value_type(code)).collect::<Outcome<Vec<_>>>();
        let handle = unit.0.signature(&types(parameters)?, &types(results)?);
        // SAFETY: the caller's promise.
        unsafe { put(r#type, handle.number(), "type") }
    })
}

/// Adds a COMDAT group and stores its number, never 0, in `comdat`.
///
/// # Safety
/// Valid or NULL; no other thread uses the unit.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_add_comdat(
    unit: *mut wald_unit,
    name: *const c_char,
    comdat: *mut u32,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (unit, name) = unsafe { (exclusive(unit, "unit")?, text(name, "name")?) };
        let handle = unit.0.add_comdat(name).map_err(refused)?;
        // SAFETY: the caller's promise.
        unsafe { put(comdat, handle.number() + 1, "comdat") }
    })
}

/// Adds a symbol and stores its number in `handle`.
///
/// # Safety
/// Valid or NULL; no other thread uses the unit.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_add(
    unit: *mut wald_unit,
    symbol: *const wald_symbol,
    definition: *const wald_definition,
    handle: *mut u32,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (unit, symbol, definition) = unsafe {
            (
                exclusive(unit, "unit")?,
                symbol_of(shared(symbol, "symbol")?)?,
                definition_of(shared(definition, "definition")?)?,
            )
        };
        if handle.is_null() {
            return Err(crate::border::null("handle"));
        }
        let added = unit.0.add(symbol, definition).map_err(refused)?;
        // SAFETY: the caller's promise.
        unsafe { put(handle, added.number(), "handle") }
    })
}

/// Replaces a symbol's definition. It may also become defined or undefined.
///
/// # Safety
/// Valid or NULL; no other thread uses the unit.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_define(
    unit: *mut wald_unit,
    handle: u32,
    definition: *const wald_definition,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (unit, definition) =
            unsafe { (exclusive(unit, "unit")?, definition_of(shared(definition, "definition")?)?) };
        unit.0.define(SymbolHandle::from_number(handle), definition).map_err(refused)
    })
}

/// Replaces a symbol's name and flags.
///
/// # Safety
/// Valid or NULL; no other thread uses the unit.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_set_symbol(
    unit: *mut wald_unit,
    handle: u32,
    symbol: *const wald_symbol,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (unit, symbol) = unsafe { (exclusive(unit, "unit")?, symbol_of(shared(symbol, "symbol")?)?) };
        unit.0.set_symbol(SymbolHandle::from_number(handle), symbol).map_err(refused)
    })
}

/// Removes a symbol and its definition. Nothing else may refer to it.
///
/// # Safety
/// Valid or NULL; no other thread uses the unit.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_remove(unit: *mut wald_unit, handle: u32) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let unit = unsafe { exclusive(unit, "unit") }?;
        unit.0.remove(SymbolHandle::from_number(handle)).map_err(refused)
    })
}

/// Makes a function run before the program's entry. Lower priorities run earlier.
///
/// # Safety
/// Valid or NULL; no other thread uses the unit.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_add_init_function(
    unit: *mut wald_unit,
    priority: u32,
    handle: u32,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let unit = unsafe { exclusive(unit, "unit") }?;
        unit.0.add_init_function(priority, SymbolHandle::from_number(handle)).map_err(refused)
    })
}

/// Stops a function from running before the program's entry.
///
/// # Safety
/// Valid or NULL; no other thread uses the unit.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_remove_init_function(unit: *mut wald_unit, handle: u32) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let unit = unsafe { exclusive(unit, "unit") }?;
        unit.0.remove_init_function(SymbolHandle::from_number(handle)).map_err(refused)
    })
}

/// Adds a target feature: `+` means that it is used, `-` that it must not be.
///
/// # Safety
/// Valid or NULL; no other thread uses the unit.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_add_feature(
    unit: *mut wald_unit,
    prefix: c_char,
    name: *const c_char,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (unit, name) = unsafe { (exclusive(unit, "unit")?, text(name, "name")?) };
        unit.0.add_feature(char::from(prefix as u8), name).map_err(refused)
    })
}

/// Adds a language, tool or SDK (a wald_producer) and its version.
///
/// # Safety
/// Valid or NULL; no other thread uses the unit.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_add_producer(
    unit: *mut wald_unit,
    kind: u32,
    name: *const c_char,
    version: *const c_char,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (unit, name, version) =
            unsafe { (exclusive(unit, "unit")?, text(name, "name")?, text(version, "version")?) };
        let kind = match kind {
            0 => ProducerKind::Language,
            1 => ProducerKind::ProcessedBy,
            2 => ProducerKind::Sdk,
            other => return Err(bad(format!("no kind of producer has the number {other}"))),
        };
        unit.0.add_producer(kind, name, version).map_err(refused)
    })
}

/// Stores the number of the non-local symbol with this name in `handle`.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_find(
    unit: *const wald_unit,
    name: *const c_char,
    handle: *mut u32,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (unit, name) = unsafe { (shared(unit, "unit")?, text(name, "name")?) };
        let missing = || Failure(wald_status::UnknownHandle, format!("no symbol is called {name}"));
        let found = unit.0.find(name).ok_or_else(missing)?;
        // SAFETY: the caller's promise.
        unsafe { put(handle, found.number(), "handle") }
    })
}

/// Returns the equivalent object file, or NULL if it would be too large. Free it with wald_buffer_free().
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_unit_to_object(unit: *const wald_unit) -> *mut wald_buffer {
    value(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let object = unsafe { shared(unit, "unit") }?.0.to_object().map_err(refused)?;
        Ok(give(wald_buffer(object)))
    })
}

/// Returns the bytes of a buffer, valid until it is freed.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_buffer_bytes(buffer: *const wald_buffer) -> wald_bytes {
    // SAFETY: the caller's promise.
    value(wald_bytes::NONE, || Ok(wald_bytes::of(&unsafe { shared(buffer, "buffer") }?.0)))
}

/// Frees a buffer; NULL is ignored.
///
/// # Safety
/// From this library, and not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn wald_buffer_free(buffer: *mut wald_buffer) {
    // SAFETY: the caller's promise.
    unsafe { free(buffer) };
}
