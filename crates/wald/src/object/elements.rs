//! Element segments: objects repeat in relocations what these say, so they are only looked at for what wasm-ld refuses.
//! See <https://webassembly.github.io/spec/core/binary/modules.html#element-section>.

use super::read::constant_expression;
use crate::format::{opcode, types};
use crate::leb128::Reader;
use crate::parse_error::ParseError;

/// No offset.
const PASSIVE: u32 = 1;
/// A table's number, or with [`PASSIVE`] no segment for run time; in both cases with the kind of elements.
const EXPLICIT: u32 = 2;
/// Expressions in place of functions' indices.
const EXPRESSIONS: u32 = 4;

/// Reads the section. Gives what is wrong with it in an object, where an offset must be one constant: other modules are none, and
/// that is worth more to know.
pub(super) fn read(reader: &mut Reader<'_>, tables: usize) -> Result<Option<ParseError>, ParseError> {
    let mut wrong_in_object = None;
    for _ in 0..reader.u32()? {
        let at = reader.position();
        let wrong = |what| Err(ParseError::malformed(at, what));
        let flags = reader.u32()?;
        if flags & !(PASSIVE | EXPLICIT | EXPRESSIONS) != 0 {
            return wrong("Unsupported flags for element segment");
        }
        let table = if flags & (PASSIVE | EXPLICIT) == EXPLICIT { reader.u32()? } else { 0 };
        // wasm-ld asks for a table of those too that are only declared, and have none.
        if flags & PASSIVE == 0 && table as usize >= tables {
            return wrong("invalid TableNumber");
        }
        if flags & PASSIVE == 0 {
            let offset = reader.clone();
            constant_expression(reader)?;
            wrong_in_object = wrong_in_object.or(check_offset(offset, reader.position()).err());
        }
        if flags & (PASSIVE | EXPLICIT) != 0 {
            match reader.byte()? {
                types::NULLABLE | types::NON_NULLABLE if flags & EXPRESSIONS != 0 => {
                    reader.i64().map(|_| ())?
                }
                kind if flags & EXPRESSIONS == 0 && kind != 0 => return wrong("invalid elem type"),
                _ => {}
            }
        }
        for _ in 0..reader.u32()? {
            match flags & EXPRESSIONS {
                0 => reader.u32().map(|_| ())?,
                _ => constant_expression(reader).map(|_| ())?,
            }
        }
    }
    Ok(wrong_in_object)
}

/// An offset that ends at `end`.
fn check_offset(mut reader: Reader<'_>, end: usize) -> Result<(), ParseError> {
    let at = reader.position();
    let mut is_constant = false;
    let is_simple = match reader.byte()? {
        opcode::I32_CONST | opcode::I64_CONST => {
            is_constant = true;
            reader.i64().is_ok()
        }
        opcode::GLOBAL_GET => reader.u32().is_ok(),
        opcode::REF_NULL => reader.skip(1).is_ok(),
        opcode::F32_CONST => reader.skip(4).is_ok(),
        opcode::F64_CONST => reader.skip(8).is_ok(),
        _ => false,
    };
    match is_simple && reader.position() + 1 == end {
        false => Err(ParseError::malformed(at, "extended init exprs not supported")),
        true if !is_constant => Err(ParseError::malformed(at, "invalid table elements")),
        true => Ok(()),
    }
}
