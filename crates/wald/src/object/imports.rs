//! The import section, also in its compact form
//! (<https://github.com/WebAssembly/compact-import-section>): imports of one module say its name once.

use super::parts::Parts;
use super::read::{count, global_type, range_of, read_limits, table_type};
use super::tables::Import;
use crate::format::{external, limits, GlobalType, TableType};
use crate::index::ByteRange;
use crate::leb128::Reader;
use crate::parse_error::ParseError;

/// What an import is.
#[derive(Clone, Copy)]
enum ImportType {
    Function(u32),
    Table(TableType),
    Memory { is_64: bool },
    Global(GlobalType),
    Tag(u32),
}

impl Parts {
    pub(super) fn import_section(&mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        for _ in 0..count(reader)? {
            let module = range_of(reader)?;
            let field = range_of(reader)?;
            let at = reader.position();
            match reader.byte()? {
                external::COMPACT_NAMES_AND_TYPES if field.len == 0 => {
                    for _ in 0..count(reader)? {
                        let field = range_of(reader)?;
                        let at = reader.position();
                        let kind = reader.byte()?;
                        let of = self.import_type(reader, kind, at)?;
                        self.add_import(module, field, of);
                    }
                }
                external::COMPACT_NAMES if field.len == 0 => {
                    let at = reader.position();
                    let kind = reader.byte()?;
                    let of = self.import_type(reader, kind, at)?;
                    for _ in 0..count(reader)? {
                        let field = range_of(reader)?;
                        self.add_import(module, field, of);
                    }
                }
                kind => {
                    let of = self.import_type(reader, kind, at)?;
                    self.add_import(module, field, of);
                }
            }
        }
        Ok(())
    }

    fn import_type(&self, reader: &mut Reader<'_>, kind: u8, at: usize) -> Result<ImportType, ParseError> {
        Ok(match kind {
            external::FUNCTION => ImportType::Function(self.type_index(reader, "invalid function type")?),
            external::TABLE => ImportType::Table(table_type(reader)?),
            external::MEMORY => ImportType::Memory { is_64: read_limits(reader)?.flags & limits::IS_64 != 0 },
            external::GLOBAL => ImportType::Global(global_type(reader)?),
            external::TAG => {
                if reader.byte()? != 0 {
                    return Err(ParseError::malformed(at, "invalid attribute"));
                }
                ImportType::Tag(self.type_index(reader, "invalid tag type")?)
            }
            _ => return Err(ParseError::malformed(at, "unexpected import kind")),
        })
    }

    fn add_import(&mut self, module: ByteRange, field: ByteRange, of: ImportType) {
        match of {
            ImportType::Function(of) => self.imports.functions.push(Import { module, field, of }),
            ImportType::Table(of) => self.imports.tables.push(Import { module, field, of }),
            ImportType::Memory { is_64 } => self.memory_is_64 = Some(is_64),
            ImportType::Global(of) => self.imports.globals.push(Import { module, field, of }),
            ImportType::Tag(of) => self.imports.tags.push(Import { module, field, of }),
        }
    }
}
