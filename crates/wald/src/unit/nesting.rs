//! Whether a function's body ends where its code ends: each block has its `end`, and nothing follows the last one.
//!
//! Only the structure is read: which instruction, and how long it is. Code with an instruction that is not known here passes.
//! See <https://webassembly.github.io/spec/core/binary/instructions.html>.

use crate::leb128::Reader;
use crate::parse_error::ParseError;

/// How a body is nested wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// The code is over and so many blocks are open; the function itself is one.
    Open(usize),
    /// An instruction, or the list of locals, is cut off.
    Truncated,
    /// The function has ended, at this offset, and code follows.
    CodeAfterEnd(usize),
}

/// What an instruction does to the nesting.
enum Effect {
    None,
    Opens,
    Closes,
    Unknown,
}

/// Checks a body: locals, instructions and the last `end`.
pub(super) fn check(body: &[u8]) -> Result<(), Mistake> {
    let mut reader = Reader::new(body);
    let truncated = |_: ParseError| Mistake::Truncated;
    for _ in 0..reader.u32().map_err(truncated)? {
        reader.u32().and_then(|_| value_type(&mut reader)).map_err(truncated)?;
    }
    let mut open = 1usize;
    while !reader.is_empty() {
        match instruction(&mut reader).map_err(truncated)? {
            Effect::None => {}
            Effect::Opens => open += 1,
            Effect::Closes => open -= 1,
            Effect::Unknown => return Ok(()),
        }
        if open == 0 {
            return match reader.is_empty() {
                true => Ok(()),
                false => Err(Mistake::CodeAfterEnd(reader.position())),
            };
        }
    }
    Err(Mistake::Open(open))
}

/// A value type, or the type of a block: one number, and after a type constructor another.
fn value_type(reader: &mut Reader<'_>) -> Result<(), ParseError> {
    const NULLABLE: i64 = -0x1d;
    const NON_NULLABLE: i64 = -0x1c;
    match reader.i64()? {
        NULLABLE | NON_NULLABLE => reader.i64().map(|_| ()),
        _ => Ok(()),
    }
}

/// So many numbers.
fn numbers(reader: &mut Reader<'_>, count: usize) -> Result<(), ParseError> {
    (0..count).try_for_each(|_| reader.u32().map(|_| ()))
}

fn memory_argument(reader: &mut Reader<'_>) -> Result<(), ParseError> {
    const HAS_MEMORY: u32 = 0x40;
    if reader.u32()? & HAS_MEMORY != 0 {
        reader.u32()?;
    }
    reader.u64().map(|_| ())
}

/// Steps over an instruction.
fn instruction(reader: &mut Reader<'_>) -> Result<Effect, ParseError> {
    let opcode = reader.byte()?;
    match opcode {
        // unreachable, nop, else, throw_ref, return, catch_all, drop, select; comparisons, arithmetic and conversions;
        // ref.is_null, ref.eq, ref.as_non_null.
        0x00 | 0x01 | 0x05 | 0x0a | 0x0f | 0x19..=0x1b | 0x45..=0xc4 | 0xd1 | 0xd3 | 0xd4 => {}
        // block, loop, if, try.
        0x02..=0x04 | 0x06 => return value_type(reader).map(|()| Effect::Opens),
        0x0b => return Ok(Effect::Closes),
        // delegate.
        0x18 => return numbers(reader, 1).map(|()| Effect::Closes),
        // catch, throw, rethrow, branches, calls; locals, globals and tables; memory.size and memory.grow; ref.func and branches
        // on null.
        0x07..=0x09
        | 0x0c
        | 0x0d
        | 0x10
        | 0x12
        | 0x14
        | 0x15
        | 0x20..=0x26
        | 0x3f
        | 0x40
        | 0xd2
        | 0xd5
        | 0xd6 => {
            numbers(reader, 1)?;
        }
        // br_table.
        0x0e => {
            let count = reader.u32()? as usize;
            numbers(reader, count)?;
            numbers(reader, 1)?;
        }
        // call_indirect, return_call_indirect.
        0x11 | 0x13 => numbers(reader, 2)?,
        // select with types.
        0x1c => {
            for _ in 0..reader.u32()? {
                value_type(reader)?;
            }
        }
        // try_table.
        0x1f => {
            value_type(reader)?;
            for _ in 0..reader.u32()? {
                let with_tag = reader.byte()? <= 1;
                numbers(reader, if with_tag { 2 } else { 1 })?;
            }
            return Ok(Effect::Opens);
        }
        0x28..=0x3e => memory_argument(reader)?,
        // Constants, ref.null.
        0x41 | 0x42 | 0xd0 => _ = reader.i64()?,
        0x43 => reader.skip(4)?,
        0x44 => reader.skip(8)?,
        0xfc => return bulk(reader),
        0xfd => return vector(reader),
        0xfe => return atomic(reader),
        _ => return Ok(Effect::Unknown),
    }
    Ok(Effect::None)
}

/// Saturating conversions, bulk memory, tables, wide arithmetic.
fn bulk(reader: &mut Reader<'_>) -> Result<Effect, ParseError> {
    match reader.u32()? {
        0..=7 | 19..=22 => {}
        8 | 10 | 12 | 14 => numbers(reader, 2)?,
        9 | 11 | 13 | 15..=17 => numbers(reader, 1)?,
        _ => return Ok(Effect::Unknown),
    }
    Ok(Effect::None)
}

/// Vectors, with relaxed ones.
fn vector(reader: &mut Reader<'_>) -> Result<Effect, ParseError> {
    match reader.u32()? {
        0..=11 | 92 | 93 => memory_argument(reader)?,
        // Constants and shuffles.
        12 | 13 => reader.skip(16)?,
        // Lanes.
        21..=34 => reader.skip(1)?,
        84..=91 => {
            memory_argument(reader)?;
            reader.skip(1)?;
        }
        14..=20 | 35..=83 | 94..=275 => {}
        _ => return Ok(Effect::Unknown),
    }
    Ok(Effect::None)
}

fn atomic(reader: &mut Reader<'_>) -> Result<Effect, ParseError> {
    match reader.u32()? {
        0..=2 | 0x10..=0x4e => memory_argument(reader)?,
        3 => reader.skip(1)?,
        _ => return Ok(Effect::Unknown),
    }
    Ok(Effect::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_end_once() {
        // (block (loop (br 0))), i32.const 0, if, else.
        let body = [0, 0x02, 0x40, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b, 0x41, 0, 0x04, 0x40, 0x05, 0x0b, 0x0b];
        assert_eq!(check(&body), Ok(()));
        assert_eq!(check(&body[..body.len() - 1]), Err(Mistake::Open(1)));
        assert_eq!(check(&body[..5]), Err(Mistake::Open(3)));
        assert_eq!(check(&[0, 0x0b, 0x01]), Err(Mistake::CodeAfterEnd(2)));
        assert_eq!(check(&[1, 2]), Err(Mistake::Truncated));
        assert_eq!(check(&[0, 0x10, 0x80]), Err(Mistake::Truncated));
    }

    #[test]
    fn operands_that_look_like_ends() {
        // i32.const 11, f32.const, f64.const, call_indirect 11 11, i32.load 11 11, br_table 11 11, memory.copy 11 11,
        // v128.const, i8x16.extract_lane_s 11, i32.atomic.load 11 11, try_table (catch 11 11) (catch_all 11).
        let bodies: [&[u8]; 11] = [
            &[0x41, 0x0b],
            &[0x43, 0x0b, 0x0b, 0x0b, 0x0b],
            &[0x44, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b],
            &[0x11, 0x0b, 0x0b],
            &[0x28, 0x0b, 0x0b],
            &[0x0e, 1, 0x0b, 0x0b],
            &[0xfc, 10, 0x0b, 0x0b],
            &[0xfd, 12, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0xfd, 21, 0x0b],
            &[0xfe, 0x10, 0x0b, 0x0b],
            &[0x1f, 0x40, 2, 0, 0x0b, 0x0b, 2, 0x0b, 0x0b],
        ];
        for body in bodies {
            let body = [&[1, 1, 0x63, 0x70], body, &[0x0b]].concat();
            assert_eq!(check(&body), Ok(()), "{body:x?}");
            assert_eq!(check(&body[..body.len() - 1]), Err(Mistake::Open(1)), "{body:x?}");
        }
    }

    #[test]
    fn unknown_instructions_pass() {
        assert_eq!(check(&[0, 0xfb, 1, 2, 3]), Ok(()));
        assert_eq!(check(&[0, 0xe0]), Ok(()));
    }
}
