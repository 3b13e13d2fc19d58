//! A shared library among the inputs: the functions and data that it exports, which are there at run time.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md>.

use super::parse::{check_header, count, next_section, Parts};
use super::*;
use crate::format::{external, section};
use crate::leb128::Reader;

/// What a program that is linked against the library may use of it.
pub struct SharedLibrary {
    /// Exported functions and data, in the order of the export section.
    pub symbols: Vec<SharedSymbol>,
    /// Whether its memory is 64-bit.
    pub memory_is_64: bool,
}

/// A function or datum of a shared library.
#[derive(Clone, Copy, Debug)]
pub struct SharedSymbol {
    /// Its name.
    pub name: NameId,
    /// A function's signature; data have none.
    pub signature: Option<SignatureId>,
}

/// Exports that are the library's own business, whatever they are called from outside.
fn is_private(name: &[u8]) -> bool {
    matches!(name, b"__wasm_apply_data_relocs" | b"__wasm_call_ctors")
        || name.starts_with(b"__start_")
        || name.starts_with(b"__stop_")
}

impl SharedLibrary {
    /// Reads types, imports, functions and exports; everything else is the library's own business.
    pub fn parse(bytes: &[u8], interners: &Interners) -> Result<SharedLibrary, ParseError> {
        check_header(bytes)?;
        let mut parts = Parts::default();
        let mut symbols = Vec::new();
        let mut reader = Reader::within(bytes, 8, bytes.len());
        while !reader.is_empty() {
            let (id, mut body) = next_section(&mut reader, bytes)?;
            match id {
                section::TYPE | section::IMPORT | section::FUNCTION | section::MEMORY => {
                    parts.section(id, body, bytes, interners)?;
                }
                section::EXPORT => read_exports(&mut body, &parts, interners, &mut symbols)?,
                _ => {}
            }
        }
        Ok(SharedLibrary { symbols, memory_is_64: parts.memory_is_64 == Some(true) })
    }
}

fn read_exports(
    reader: &mut Reader<'_>,
    parts: &Parts,
    interners: &Interners,
    symbols: &mut Vec<SharedSymbol>,
) -> Result<(), ParseError> {
    for _ in 0..count(reader)? {
        let name = reader.string()?;
        let kind = reader.byte()?;
        let at = reader.position();
        let index = reader.u32()? as usize;
        let signature = match kind {
            external::FUNCTION => {
                let imported = parts.imports.functions.get(index).map(|import| import.of);
                let defined = || parts.function_types.get(index - parts.imports.functions.len()).copied();
                let type_index = imported.or_else(defined);
                let signature = type_index.and_then(|index| parts.types.get(index as usize)).copied();
                Some(signature.ok_or(ParseError::malformed(at, "invalid function export"))?)
            }
            external::GLOBAL => None,
            external::TABLE | external::MEMORY | external::TAG => continue,
            _ => return Err(ParseError::malformed(at, "unexpected export kind")),
        };
        if !is_private(name) {
            symbols.push(SharedSymbol { name: NameId(interners.names.intern(name)), signature });
        }
    }
    Ok(())
}
