//! Checks of definitions. The link refuses nothing that passed them.

use std::borrow::Cow;

use super::definition::{
    Binding, Data, Definition, Function, Relocation, Section, Symbol, TableType, Target, ValueType,
};
use super::error::UnitError;
use super::handle::{ComdatHandle, SymbolHandle};
use super::nesting::{self, Mistake};
use super::state::Unit;
use super::store::{Entry, StoredData, StoredFunction, StoredSection};
use crate::format::relocation::RelocationType;
use crate::format::{self, opcode, segment_flags, SymbolKind};
use crate::leb128::{patch_padded_u64, size_u64, write_u32, Reader};
use crate::object::{constant_expression, locals, MAX_LOCALS, NONE};

/// Whether a symbol may have its binding with this definition.
pub(super) fn binding(symbol: &Symbol, entry: &Entry) -> Result<(), UnitError> {
    let weak = symbol.binding == Binding::Weak;
    match entry {
        Entry::UndefinedGlobal(..) | Entry::UndefinedTable(..) | Entry::UndefinedTag(..) if weak => {
            Err(UnitError::WeakReference)
        }
        _ => Ok(()),
    }
}

impl Unit {
    pub(super) fn check(&self, symbol: &Symbol, definition: Definition) -> Result<Entry, UnitError> {
        let entry = match definition {
            Definition::Function(function) => Entry::Function(self.check_function(&symbol.name, function)?),
            Definition::FunctionAlias(of) => {
                let slot = self.slot(of)?;
                if !matches!(slot.entry, Entry::Function(_)) {
                    let name = slot.symbol.name.clone();
                    return Err(UnitError::WrongKind { needed: SymbolKind::Function, name });
                }
                Entry::FunctionAlias(of.number)
            }
            Definition::Data(data) => Entry::Data(self.check_data(data)?),
            Definition::DataWithin { of, offset, size } => {
                let slot = self.slot(of)?;
                let Entry::Data(data) = &slot.entry else {
                    let name = slot.symbol.name.clone();
                    return Err(UnitError::WrongKind { needed: SymbolKind::Data, name });
                };
                if offset > data.bytes.len() as u64 {
                    return Err(UnitError::DataOffset(offset));
                }
                Entry::DataWithin { of: of.number, offset, size }
            }
            Definition::AbsoluteData { address, size } => Entry::AbsoluteData { address, size },
            Definition::Global { of, init } => {
                let mut reader = Reader::new(&init);
                let value = constant_expression(&mut reader).ok().flatten();
                if value != Some(of.value_type.code()) || !reader.is_empty() {
                    return Err(UnitError::Initializer);
                }
                Entry::Global { of: of.to_format(), init }
            }
            Definition::Table(of) => Entry::Table(check_table(of)?),
            Definition::Tag(of) => Entry::Tag(self.check_type(of)?),
            Definition::Section(section) => Entry::Section(self.check_section(section)?),
            Definition::UndefinedFunction(of, import) => {
                Entry::UndefinedFunction(self.check_type(of)?, import)
            }
            Definition::UndefinedData => Entry::UndefinedData,
            Definition::UndefinedGlobal(of, import) => Entry::UndefinedGlobal(of.to_format(), import),
            Definition::UndefinedTable(of, import) => Entry::UndefinedTable(check_table(of)?, import),
            Definition::UndefinedTag(of, import) => Entry::UndefinedTag(self.check_type(of)?, import),
        };
        binding(symbol, &entry)?;
        Ok(entry)
    }

    fn check_function(&self, name: &str, function: Function) -> Result<StoredFunction, UnitError> {
        let Function { signature, body, relocations, comdat, export_name } = function;
        let type_index = self.check_type(signature)?;
        if body.is_empty() {
            return Err(UnitError::EmptyBody);
        }
        check_size(&body)?;
        let prefix = size_u64(body.len() as u64) as u8;
        let encoded = self.encode(&relocations, body.len(), u32::from(prefix), true)?;
        check_nesting(name, &body, &relocations)?;
        let mut code = Vec::with_capacity(usize::from(prefix) + body.len());
        write_u32(&mut code, body.len() as u32);
        code.extend_from_slice(&body);
        let comdat = self.check_comdat(comdat)?;
        let references = relocations.iter().filter_map(|relocation| match relocation.target {
            Target::Symbol(symbol) if names_function(relocation, &body) => Some(symbol.number),
            _ => None,
        });
        Ok(StoredFunction {
            type_index,
            prefix,
            relocations: encoded,
            comdat,
            export_name,
            references: references.collect(),
            has_many_locals: locals(&mut Reader::new(&body)).is_some_and(|count| count > MAX_LOCALS),
            code,
        })
    }

    fn check_data(&self, data: Data) -> Result<StoredData, UnitError> {
        let flags = data.all_flags();
        let Data { segment, alignment, bytes, relocations, comdat, offset, size, .. } = data;
        if alignment > 31 {
            return Err(UnitError::Alignment(alignment));
        }
        check_size(&bytes)?;
        let relocations = self.encode(&relocations, bytes.len(), 0, false)?;
        let behind = (bytes.len() as u64).checked_sub(offset).ok_or(UnitError::DataOffset(offset))?;
        let (size, comdat) = (size.unwrap_or(behind), self.check_comdat(comdat)?);
        Ok(StoredData { segment, alignment, flags, bytes, relocations, comdat, offset, size })
    }

    fn check_section(&self, section: Section) -> Result<StoredSection, UnitError> {
        let Section { name, bytes, relocations, comdat } = section;
        let reserved = matches!(&*name, "linking" | "name" | "producers" | "target_features");
        if reserved || name.starts_with("reloc.") || name.starts_with("dylink") {
            return Err(UnitError::ReservedSection(name));
        }
        check_size(&bytes)?;
        let relocations = self.encode(&relocations, bytes.len(), 0, false)?;
        let comdat = self.check_comdat(comdat)?;
        Ok(StoredSection { name, bytes, relocations, comdat })
    }

    fn check_comdat(&self, comdat: Option<ComdatHandle>) -> Result<u32, UnitError> {
        match comdat {
            None => Ok(NONE),
            Some(ComdatHandle { unit, number })
                if unit == self.owner && (number as usize) < self.comdats.len() =>
            {
                Ok(number)
            }
            Some(_) => Err(UnitError::UnknownHandle),
        }
    }

    /// If a symbol has aliases or contains other data symbols, its new definition must still fit them.
    pub(super) fn check_aliases(&self, handle: SymbolHandle, entry: &Entry) -> Result<(), UnitError> {
        let slot = &self.slots[handle.number as usize];
        if slot.aliases == 0 {
            return Ok(());
        }
        let fits = |alias: &Entry| match (alias, entry) {
            (Entry::FunctionAlias(of), _) if *of != handle.number => true,
            (Entry::DataWithin { of, .. }, _) if *of != handle.number => true,
            (Entry::FunctionAlias(_), Entry::Function(_)) => true,
            (Entry::DataWithin { offset, .. }, Entry::Data(data)) => *offset <= data.bytes.len() as u64,
            (Entry::FunctionAlias(_) | Entry::DataWithin { .. }, _) => false,
            _ => true,
        };
        match self.slots.iter().all(|other| fits(&other.entry)) {
            true => Ok(()),
            false => Err(UnitError::HasAliases(slot.symbol.name.clone())),
        }
    }
}

/// Whether it is the operand of `ref.func`.
fn names_function(relocation: &Relocation, body: &[u8]) -> bool {
    let before = (relocation.offset as usize).checked_sub(1).and_then(|at| body.get(at));
    relocation.kind == RelocationType::FunctionIndexLeb && before == Some(&opcode::REF_FUNC)
}

/// Checks that a body has all its `end`s. The bytes that relocations overwrite do not count.
fn check_nesting(name: &str, body: &[u8], relocations: &[Relocation]) -> Result<(), UnitError> {
    let mut body = Cow::from(body);
    for relocation in relocations {
        let (start, width) = (relocation.offset as usize, relocation.kind.encoding().width());
        patch_padded_u64(&mut body.to_mut()[start..start + width], 0);
    }
    let problem = match nesting::check(&body) {
        Ok(()) => return Ok(()),
        Err(Mistake::Open(blocks)) => format!("{blocks} `end` missing"),
        Err(Mistake::Truncated) => "its last instruction is cut off".into(),
        Err(Mistake::CodeAfterEnd(offset)) => format!("code follows its last `end`, at offset {offset}"),
    };
    Err(UnitError::Nesting { function: name.into(), problem })
}

/// Sizes are 32-bit numbers, and what is read from them must not wrap.
fn check_size(bytes: &[u8]) -> Result<(), UnitError> {
    match bytes.len() < u32::MAX as usize - 64 {
        true => Ok(()),
        false => Err(UnitError::TooLarge),
    }
}

fn check_table(of: TableType) -> Result<format::TableType, UnitError> {
    let is_reference = matches!(of.element, ValueType::FuncRef | ValueType::ExternRef | ValueType::ExnRef);
    let largest = of.maximum.unwrap_or(of.minimum);
    let fits = of.is_64 || largest.max(of.minimum) <= u64::from(u32::MAX);
    match is_reference && fits && of.minimum <= largest {
        true => Ok(of.to_format()),
        false => Err(UnitError::TableType),
    }
}

impl StoredData {
    pub(super) fn is_tls(&self) -> bool {
        self.flags & segment_flags::TLS != 0
    }
}
