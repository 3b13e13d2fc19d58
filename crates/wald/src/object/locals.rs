//! The declarations of locals at the start of a function's body.

use crate::format::types;
use crate::leb128::Reader;

/// How many locals a function declares, if their declarations end before the function does. The code behind them is not looked
/// at.
#[inline]
pub(super) fn locals_before(mut reader: Reader<'_>, end: usize) -> Option<u64> {
    let count = locals(&mut reader)?;
    (reader.position() <= end).then_some(count)
}

/// How many locals the declarations at the start of a body say.
#[inline]
pub(crate) fn locals(reader: &mut Reader<'_>) -> Option<u64> {
    let mut total = 0u64;
    for _ in 0..reader.u32().ok()? {
        total += u64::from(reader.u32().ok()?);
        // wasm-ld takes the second byte of such a type for the next declaration.
        if matches!(reader.byte().ok()?, types::NULLABLE | types::NON_NULLABLE) {
            break;
        }
    }
    Some(total)
}
