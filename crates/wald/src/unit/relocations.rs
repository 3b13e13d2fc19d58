//! Checks and encodes the relocations of a definition.

use super::definition::{Relocation, Target};
use super::error::UnitError;
use super::state::Unit;
use super::store::Stored;
use crate::format::relocation::{Encoding, RelocationType};
use crate::format::SymbolKind;
use crate::leb128::{write_i64, write_u32};

impl Unit {
    /// Checks relocations against the `len` bytes they are in and encodes them; `shift` is added to the offsets.
    pub(super) fn encode(
        &self,
        relocations: &[Relocation],
        len: usize,
        shift: u32,
        in_code: bool,
    ) -> Result<Stored, UnitError> {
        let mut stored = Stored::default();
        let mut free = 0;
        for relocation in relocations {
            let Relocation { kind, offset, target, addend } = *relocation;
            let end = u64::from(offset) + kind.encoding().width() as u64;
            if u64::from(offset) < free || end > len as u64 {
                return Err(UnitError::RelocationOffset(offset));
            }
            free = end;
            stored.know_code |= kind.is_place_in_code();
            stored.take_addresses |= kind.is_table_index();
            if in_code && !kind.is_for_code() {
                return Err(UnitError::Relocation(kind.name()));
            }
            let is_32 = matches!(kind.encoding(), Encoding::Leb32 | Encoding::Sleb32 | Encoding::I32);
            if is_32 && i32::try_from(addend).is_err() || !kind.has_addend() && addend != 0 {
                return Err(UnitError::Relocation(kind.name()));
            }
            let (index, of) = self.check_target(kind, target)?;
            stored.asks |= match kind {
                RelocationType::GlobalIndexLeb => of != Some(SymbolKind::Global),
                kind => kind.asks_for_entry(),
            };
            stored.bytes.push(kind as u8);
            write_u32(&mut stored.bytes, offset + shift);
            write_u32(&mut stored.bytes, index);
            if kind.has_addend() {
                write_i64(&mut stored.bytes, addend);
            }
        }
        Ok(stored)
    }

    /// The number that a relocation names its target by, and the symbol's kind.
    fn check_target(
        &self,
        kind: RelocationType,
        target: Target,
    ) -> Result<(u32, Option<SymbolKind>), UnitError> {
        let handle = match (kind, target) {
            (RelocationType::TypeIndexLeb, Target::Type(of)) => return Ok((self.check_type(of)?, None)),
            (RelocationType::TypeIndexLeb, _) | (_, Target::Type(_)) => {
                return Err(UnitError::Relocation(kind.name()))
            }
            (_, Target::Symbol(handle)) => handle,
        };
        let of = self.slot(handle)?.entry.kind();
        use RelocationType::*;
        let fits = match kind {
            FunctionIndexLeb | FunctionIndexI32 | TableIndexSleb | TableIndexI32 | TableIndexRelSleb
            | TableIndexSleb64 | TableIndexI64 | TableIndexRelSleb64 | FunctionOffsetI32
            | FunctionOffsetI64 => of == Some(SymbolKind::Function),
            TableNumberLeb => of == Some(SymbolKind::Table),
            GlobalIndexLeb => {
                matches!(of, Some(SymbolKind::Global | SymbolKind::Data | SymbolKind::Function))
            }
            GlobalIndexI32 => of == Some(SymbolKind::Global),
            TagIndexLeb => of == Some(SymbolKind::Tag),
            SectionOffsetI32 => of == Some(SymbolKind::Section),
            _ => of == Some(SymbolKind::Data),
        };
        match fits {
            true => Ok((handle.number, of)),
            false => Err(UnitError::Relocation(kind.name())),
        }
    }
}
