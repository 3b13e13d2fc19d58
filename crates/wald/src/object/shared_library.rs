//! A shared library among the inputs: the functions and data that it exports, which are there at run time.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md>.

use super::parts::Parts;
use super::read::{check_header, count, next_section};
use super::tables::Interners;
use crate::format::dylink::*;
use crate::format::{external, section};
use crate::index::{NameId, SignatureId};
use crate::leb128::Reader;
use crate::parse_error::ParseError;

/// What a program that is linked against the library may use of it.
pub struct SharedLibrary {
    /// Exported functions and data, in the order of the export section.
    pub symbols: Vec<SharedSymbol>,
    /// Exported tags and their signatures.
    pub tags: Vec<(NameId, SignatureId)>,
    /// Whether its memory is 64-bit; `None` if it has no memory.
    pub memory_is_64: Option<bool>,
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
    /// Reads all sections as wasm-ld does, and keeps what the library offers.
    pub fn parse(bytes: &[u8], interners: &Interners) -> Result<SharedLibrary, ParseError> {
        check_header(bytes)?;
        let mut parts = Parts { is_shared: true, ..Parts::default() };
        let (mut symbols, mut tags) = (Vec::new(), Vec::new());
        let mut reader = Reader::within(bytes, 8, bytes.len());
        while !reader.is_empty() {
            let (id, body) = next_section(&mut reader, bytes)?;
            parts.check_order(id, body.clone(), bytes)?;
            match id {
                section::CUSTOM if parts.section_count == 0 => read_dylink(body)?,
                section::EXPORT => {
                    read_exports(&mut body.clone(), &parts, interners, &mut symbols, &mut tags)?;
                    parts.section(id, body, bytes, interners)?;
                }
                _ => parts.section(id, body, bytes, interners)?,
            }
            parts.section_count += 1;
        }
        Ok(SharedLibrary { symbols, tags, memory_is_64: parts.memory_is_64 })
    }
}

/// The section that makes it a shared library: what it says is for the loader.
fn read_dylink(mut reader: Reader<'_>) -> Result<(), ParseError> {
    if reader.string()? != b"dylink.0" {
        return Ok(());
    }
    let strings = |reader: &mut Reader<'_>, each: usize, flags: bool| {
        for _ in 0..count(reader)? {
            (0..each).try_for_each(|_| reader.string().map(|_| ()))?;
            if flags {
                reader.u32()?;
            }
        }
        Ok(())
    };
    while !reader.is_empty() {
        let kind = reader.byte()?;
        let size = reader.u32()? as usize;
        let end = reader.position() + size;
        match kind {
            MEMORY_INFO => (0..4).try_for_each(|_| reader.u32().map(|_| ()))?,
            NEEDED | RUNTIME_PATH => strings(&mut reader, 1, false)?,
            EXPORT_INFO => strings(&mut reader, 1, true)?,
            IMPORT_INFO => strings(&mut reader, 2, true)?,
            _ => reader.skip(size.min(reader.remaining()))?,
        }
        if reader.position() != end {
            return Err(ParseError::malformed(reader.position(), "dylink.0 sub-section ended prematurely"));
        }
    }
    Ok(())
}

fn read_exports(
    reader: &mut Reader<'_>,
    parts: &Parts,
    interners: &Interners,
    symbols: &mut Vec<SharedSymbol>,
    tags: &mut Vec<(NameId, SignatureId)>,
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
                Some(signature.ok_or_else(|| ParseError::malformed(at, "invalid function export"))?)
            }
            external::GLOBAL => None,
            external::TAG => {
                let imported = parts.imports.tags.get(index).map(|import| import.of);
                let defined = || parts.tags.get(index - parts.imports.tags.len()).copied();
                let type_index = imported.or_else(defined);
                // Of one that is not there nothing is said: wasm-ld does not look at tags.
                if let Some(&signature) = type_index.and_then(|index| parts.types.get(index as usize)) {
                    tags.push((NameId(interners.names.intern(name)), signature));
                }
                continue;
            }
            external::TABLE | external::MEMORY => continue,
            _ => return Err(ParseError::malformed(at, "unexpected export kind")),
        };
        if !is_private(name) {
            symbols.push(SharedSymbol { name: NameId(interners.names.intern(name)), signature });
        }
    }
    Ok(())
}
