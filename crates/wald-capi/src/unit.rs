//! A unit: functions, data and symbols from memory.

use std::ffi::c_char;

use wald::unit::{
    Binding, Data, Definition, Function, GlobalType, Import, ProducerKind, Relocation, RelocationType,
    Section, Symbol, TableType, Target, Unit, UnitError, ValueType,
};

use crate::border::{
    bad, exclusive, free, give, growable, null, optional_text, put, read_struct, read_structs, shared, slice,
    status, text, value, wald_bytes, wald_status, Failure, Outcome,
};
use crate::kinds::{
    wald_binding, wald_definition_kind, wald_producer, wald_relocation_kind, wald_segment_flag,
    wald_value_type,
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

/// A symbol without its definition.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_symbol {
    /// The size of this struct: `sizeof (wald_symbol)`.
    pub size: usize,
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
    /// Its name.
    pub name: *const c_char,
}

growable!(wald_symbol, first = name, last = name);

/// A place in the bytes of a definition where the link writes an index or address.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_relocation {
    /// The size of this struct: `sizeof (wald_relocation)`.
    pub size: usize,
    /// A wald_relocation_kind.
    pub kind: u32,
    /// Offset from the start of the bytes.
    pub offset: u32,
    /// A symbol; for WALD_RELOCATION_KIND_TYPE_INDEX_LEB a signature.
    pub target: u32,
    /// Added to an address.
    pub addend: i64,
}

growable!(wald_relocation, first = addend, last = addend);

/// The definition of a symbol. Only the members that wald_definition_kind names are read.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_definition {
    /// The size of this struct: `sizeof (wald_definition)`.
    pub size: usize,
    /// A wald_definition_kind.
    pub kind: u32,
    /// A signature.
    pub r#type: u32,
    /// Code, data or contents of a section.
    pub bytes: *const u8,
    /// The number of bytes.
    pub byte_count: usize,
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
    /// The sum of wald_segment_flag values.
    pub flags: u32,
    /// The wald_value_type of a global, or of a table's elements.
    pub value_type: u8,
    /// Whether a global can be set.
    pub is_mutable: bool,
    /// Whether a table's indices have 64 bits.
    pub is_64: bool,
    /// Whether a table's size is limited to `maximum`.
    pub has_maximum: bool,
    /// A table's initial size, in elements.
    pub minimum: u64,
    /// A table's largest size, in elements.
    pub maximum: u64,
    /// Offset in the segment, or an address.
    pub offset: u64,
    /// The size of the data; 0 means the rest of the segment.
    pub extent: u64,
}

growable!(wald_definition, first = extent, last = extent);

pub(crate) fn refused(error: UnitError) -> Failure {
    let status = match error {
        UnitError::UnknownHandle => wald_status::UnknownHandle,
        _ => wald_status::Unit,
    };
    Failure(status, error.to_string())
}

/// # Safety
/// NULL or a struct as large as it says, whose strings are NULL or NUL-terminated.
unsafe fn symbol_of(symbol: *const wald_symbol) -> Outcome<Symbol> {
    // SAFETY: the caller's promise.
    let of = unsafe { read_struct(symbol, "symbol") }?;
    let binding = match wald_binding::from_number(of.binding)? {
        wald_binding::Global => Binding::Global,
        wald_binding::Weak => Binding::Weak,
        wald_binding::Local => Binding::Local,
    };
    // SAFETY: the caller's promise.
    let name = unsafe { text(of.name, "name") }?.to_string();
    let wald_symbol { hidden, exported, no_strip, tls, .. } = of;
    Ok(Symbol { name, binding, hidden, exported, no_strip, tls })
}

fn value_type(code: u8) -> Outcome<ValueType> {
    Ok(match wald_value_type::from_number(code.into())? {
        wald_value_type::I32 => ValueType::I32,
        wald_value_type::I64 => ValueType::I64,
        wald_value_type::F32 => ValueType::F32,
        wald_value_type::F64 => ValueType::F64,
        wald_value_type::V128 => ValueType::V128,
        wald_value_type::Funcref => ValueType::FuncRef,
        wald_value_type::Externref => ValueType::ExternRef,
        wald_value_type::Exnref => ValueType::ExnRef,
    })
}

fn segment_flags(flags: u32) -> Outcome<u32> {
    for flag in (0..u32::BITS).map(|bit| flags & 1 << bit).filter(|&flag| flag != 0) {
        wald_segment_flag::from_number(flag)?;
    }
    Ok(flags)
}

fn relocation(unit: &Unit, of: &wald_relocation) -> Outcome<Relocation> {
    let number = wald_relocation_kind::from_number(of.kind)? as u32;
    let kind = RelocationType::from_number(number).ok_or_else(|| bad("no relocation type"))?;
    let target = match kind {
        RelocationType::TypeIndexLeb => Target::Type(unit.type_handle(of.target)),
        _ => Target::Symbol(unit.symbol_handle(of.target)),
    };
    Ok(Relocation { kind, offset: of.offset, target, addend: of.addend })
}

/// A wald_definition, and the parts that several kinds have. Only [`definition_of`] makes one: its pointers are NULL or valid.
struct Parts<'a> {
    of: wald_definition,
    unit: &'a Unit,
}

impl Parts<'_> {
    fn bytes(&self) -> Outcome<Vec<u8>> {
        // SAFETY: see the type.
        unsafe { slice(self.of.bytes, self.of.byte_count, "bytes") }.map(<[u8]>::to_vec)
    }

    fn relocations(&self) -> Outcome<Vec<Relocation>> {
        // SAFETY: see the type.
        let list = unsafe { read_structs(self.of.relocations, self.of.relocation_count, "relocations") }?;
        list.iter().map(|of| relocation(self.unit, of)).collect()
    }

    fn name(&self) -> Outcome<String> {
        self.optional_name()?.ok_or_else(|| null("name"))
    }

    fn optional_name(&self) -> Outcome<Option<String>> {
        // SAFETY: see the type.
        Ok(unsafe { optional_text(self.of.name, "name") }?.map(str::to_string))
    }

    fn import(&self) -> Outcome<Option<Import>> {
        let (module, field) = (self.of.import_module, self.of.import_field);
        // SAFETY: see the type.
        let (module, field) =
            unsafe { (optional_text(module, "import_module")?, optional_text(field, "import_field")?) };
        let given = module.is_some() || field.is_some();
        let (module, field) = (module.unwrap_or("env").to_string(), field.map(str::to_string));
        Ok(given.then_some(Import { module, field }))
    }

    fn global(&self) -> Outcome<GlobalType> {
        Ok(GlobalType { value_type: value_type(self.of.value_type)?, mutable: self.of.is_mutable })
    }

    fn table(&self) -> Outcome<TableType> {
        let wald_definition { value_type: element, minimum, maximum, has_maximum, is_64, .. } = self.of;
        let maximum = has_maximum.then_some(maximum);
        Ok(TableType { element: value_type(element)?, minimum, maximum, is_64 })
    }
}

/// # Safety
/// NULL or a struct as large as it says, whose pointers are NULL or valid.
unsafe fn definition_of(unit: &Unit, definition: *const wald_definition) -> Outcome<Definition> {
    // SAFETY: the caller's promise.
    let of = unsafe { read_struct(definition, "definition") }?;
    let parts = Parts { of, unit };
    let (signature, symbol) = (unit.type_handle(of.r#type), unit.symbol_handle(of.of));
    let comdat = of.comdat.checked_sub(1).map(|number| unit.comdat_handle(number));
    let (offset, size) = (of.offset, of.extent);
    use wald_definition_kind as kind;
    Ok(match kind::from_number(of.kind)? {
        kind::Function => Definition::Function(Function {
            signature,
            body: parts.bytes()?,
            relocations: parts.relocations()?,
            comdat,
            export_name: parts.optional_name()?,
        }),
        kind::FunctionAlias => Definition::FunctionAlias(symbol),
        kind::Data => Definition::Data(Data {
            segment: parts.name()?,
            alignment: of.alignment,
            flags: segment_flags(of.flags)?,
            bytes: parts.bytes()?,
            relocations: parts.relocations()?,
            comdat,
            offset,
            size: (size != 0).then_some(size),
        }),
        kind::DataWithin => Definition::DataWithin { of: symbol, offset, size },
        kind::AbsoluteData => Definition::AbsoluteData { address: offset, size },
        kind::Global => Definition::Global { of: parts.global()?, init: parts.bytes()? },
        kind::Table => Definition::Table(parts.table()?),
        kind::Tag => Definition::Tag(signature),
        kind::Section => Definition::Section(Section {
            name: parts.name()?,
            bytes: parts.bytes()?,
            relocations: parts.relocations()?,
            comdat,
        }),
        kind::UndefinedFunction => Definition::UndefinedFunction(signature, parts.import()?),
        kind::UndefinedData => Definition::UndefinedData,
        kind::UndefinedGlobal => Definition::UndefinedGlobal(parts.global()?, parts.import()?),
        kind::UndefinedTable => Definition::UndefinedTable(parts.table()?, parts.import()?),
        kind::UndefinedTag => Definition::UndefinedTag(signature, parts.import()?),
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

/// Stores the number of the signature with these types (each a wald_value_type) in `type`. Equal types have equal numbers.
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
        let unit = unsafe { exclusive(unit, "unit") }?;
        // SAFETY: the caller's promise.
        let (symbol, definition) = unsafe { (symbol_of(symbol)?, definition_of(&unit.0, definition)?) };
        if handle.is_null() {
            return Err(null("handle"));
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
        let unit = unsafe { exclusive(unit, "unit") }?;
        // SAFETY: the caller's promise.
        let definition = unsafe { definition_of(&unit.0, definition) }?;
        unit.0.define(unit.0.symbol_handle(handle), definition).map_err(refused)
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
        let (unit, symbol) = unsafe { (exclusive(unit, "unit")?, symbol_of(symbol)?) };
        unit.0.set_symbol(unit.0.symbol_handle(handle), symbol).map_err(refused)
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
        unit.0.remove(unit.0.symbol_handle(handle)).map_err(refused)
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
        unit.0.add_init_function(priority, unit.0.symbol_handle(handle)).map_err(refused)
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
        unit.0.remove_init_function(unit.0.symbol_handle(handle)).map_err(refused)
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
        let kind = match wald_producer::from_number(kind)? {
            wald_producer::Language => ProducerKind::Language,
            wald_producer::ProcessedBy => ProducerKind::ProcessedBy,
            wald_producer::Sdk => ProducerKind::Sdk,
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
