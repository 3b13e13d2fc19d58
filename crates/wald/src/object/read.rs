//! Reads what occurs in several sections: headers, counts, types, constant expressions.

use crate::format::{limits, opcode, types, GlobalType, Limits, TableType, HEADER};
use crate::index::ByteRange;
use crate::leb128::Reader;
use crate::parse_error::{ErrorKind, ParseError};

/// Checks magic number and version.
pub(super) fn check_header(data: &[u8]) -> Result<(), ParseError> {
    if !data.starts_with(&HEADER[..4]) {
        return Err(ParseError::malformed(0, "invalid magic number"));
    }
    let Some(version) = data.get(4..8) else {
        return Err(ParseError::malformed(4, "missing version number"));
    };
    if version != &HEADER[4..] {
        let version = u32::from_le_bytes([version[0], version[1], version[2], version[3]]);
        return Err(ParseError::text(4, format!("invalid version number: {version}")));
    }
    Ok(())
}

/// Steps over a section: its id and its contents.
pub(super) fn next_section<'a>(
    reader: &mut Reader<'a>,
    data: &'a [u8],
) -> Result<(u8, Reader<'a>), ParseError> {
    let header = reader.position();
    let id = reader.byte()?;
    let size = reader.u32()? as usize;
    let start = reader.position();
    if size == 0 {
        return Err(ParseError::malformed(header, "zero length section"));
    }
    if size > reader.remaining() {
        return Err(ParseError::malformed(header, "section too large"));
    }
    reader.skip(size)?;
    Ok((id, Reader::within(data, start, start + size)))
}

pub(super) fn range_of(reader: &mut Reader<'_>) -> Result<ByteRange, ParseError> {
    let len = reader.u32()? as usize;
    let start = reader.position();
    reader.skip(len)?;
    Ok(ByteRange::between(start, start + len))
}

/// Reads a count and bounds it by the bytes that are left, so that nothing is allocated for a lie.
pub(super) fn count(reader: &mut Reader<'_>) -> Result<usize, ParseError> {
    let start = reader.position();
    let count = reader.u32()? as usize;
    if count > reader.remaining() {
        return Err(ParseError::new(start, ErrorKind::UnexpectedEnd));
    }
    Ok(count)
}

/// Reads a value type; type constructors with a heap type are two bytes long. Types that an object defines itself
/// have no place in an object file.
/// See <https://webassembly.github.io/spec/core/binary/types.html#value-types>.
pub(super) fn value_type(reader: &mut Reader<'_>) -> Result<u8, ParseError> {
    const ABSTRACT_HEAP_TYPES: std::ops::RangeInclusive<u8> = 0x68..=0x75;
    let at = reader.position();
    let byte = reader.byte()?;
    let known = match byte {
        types::NULLABLE | types::NON_NULLABLE => ABSTRACT_HEAP_TYPES.contains(&reader.byte()?),
        types::V128..=types::I32 => true,
        other => ABSTRACT_HEAP_TYPES.contains(&other),
    };
    match known {
        true => Ok(byte),
        false => Err(ParseError::text(at, format!("invalid value type: {byte:#x}"))),
    }
}

pub(super) fn read_limits(reader: &mut Reader<'_>) -> Result<Limits, ParseError> {
    let flags = reader.u32()?;
    if flags > 15 {
        return Err(reader.error(ErrorKind::Malformed("invalid limits flags")));
    }
    let minimum = reader.u64()?;
    let maximum = if flags as u8 & limits::HAS_MAX != 0 { reader.u64()? } else { 0 };
    if flags as u8 & limits::PAGE_SIZE != 0 {
        reader.u32()?;
    }
    Ok(Limits { flags: flags as u8, minimum, maximum })
}

pub(super) fn table_type(reader: &mut Reader<'_>) -> Result<TableType, ParseError> {
    let at = reader.position();
    let element = reader.byte()?;
    let limits_at = reader.position();
    let limits = read_limits(reader)?;
    if !matches!(element, types::FUNCREF | types::EXTERNREF | types::EXNREF) {
        return Err(ParseError::malformed(at, "invalid table element type"));
    }
    let is_64 = limits.flags & limits::IS_64 != 0;
    let has_max = limits.flags & limits::HAS_MAX != 0;
    let largest = limits.minimum.max(limits.maximum);
    if limits.flags & !(limits::IS_64 | limits::HAS_MAX) != 0
        || has_max && limits.minimum > limits.maximum
        || !is_64 && largest > u64::from(u32::MAX)
    {
        return Err(ParseError::malformed(limits_at, "invalid table limits"));
    }
    Ok(TableType { element, limits })
}

pub(super) fn global_type(reader: &mut Reader<'_>) -> Result<GlobalType, ParseError> {
    let at = reader.position();
    let value = value_type(reader)?;
    if matches!(value, types::NULLABLE | types::NON_NULLABLE) {
        return Err(ParseError::malformed(at, "invalid global type"));
    }
    let at = reader.position();
    match reader.byte()? {
        mutable @ (0 | 1) => Ok(GlobalType { value, mutable: mutable == 1 }),
        _ => Err(ParseError::malformed(at, "invalid global mutability")),
    }
}

/// Reads a constant expression and its `end`. Gives its type; none where the expression is not well-formed or has
/// numbers of globals or functions in it, which an object cannot know.
/// See <https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions>.
pub(crate) fn constant_expression(reader: &mut Reader<'_>) -> Result<Option<u8>, ParseError> {
    // Nearly always there is one constant: no stack is needed for that.
    let mut top = None;
    let mut below: Vec<u8> = Vec::new();
    let mut valid = true;
    loop {
        let at = reader.position();
        let of = match reader.byte()? {
            opcode::END => return Ok(top.filter(|_| valid && below.is_empty())),
            opcode::I32_CONST => reader.i32().map(|_| types::I32)?,
            opcode::I64_CONST => reader.i64().map(|_| types::I64)?,
            opcode::F32_CONST => reader.skip(4).map(|()| types::F32)?,
            opcode::F64_CONST => reader.skip(8).map(|()| types::F64)?,
            opcode::GLOBAL_GET | opcode::REF_FUNC => {
                reader.u32()?;
                valid = false;
                continue;
            }
            opcode::REF_NULL => value_type(reader)?,
            opcode::I32_ADD | opcode::I32_SUB | opcode::I32_MUL => {
                valid &= (top, below.pop()) == (Some(types::I32), Some(types::I32));
                continue;
            }
            opcode::I64_ADD | opcode::I64_SUB | opcode::I64_MUL => {
                valid &= (top, below.pop()) == (Some(types::I64), Some(types::I64));
                continue;
            }
            0xfd => {
                if reader.u32()? != 12 {
                    return Err(ParseError::malformed(at, "invalid opcode in init_expr: 253"));
                }
                reader.skip(16).map(|()| types::V128)?
            }
            other => return Err(ParseError::text(at, format!("invalid opcode in init_expr: {other}"))),
        };
        below.extend(top.replace(of));
    }
}
