//! Whether code stays valid if something that it refers to has another type than its object declares.
//!
//! wasm-ld compares only some definitions with references, so it writes such modules. What counts is what the code does, not what
//! the object declares: a value of another type may be dropped at once, and clang declares `__memory_base` as mutable with
//! `-O0 -g` but never writes it.

use crate::format::opcode::{
    CALL, DROP, GLOBAL_GET, GLOBAL_SET, MISC_PREFIX, REF_FUNC, RETURN_CALL, TABLE_SIZE, THROW, UNREACHABLE,
};
use crate::format::relocation::RelocationType;
use crate::format::GlobalType;
use crate::index::ObjectId;
use crate::leb128::Reader;
use crate::program::Program;

/// A place in live code that refers to a symbol.
pub(super) struct Use<'a> {
    /// The function's bytes before the index.
    before: &'a [u8],
    /// The function's bytes after the index.
    after: &'a [u8],
}

/// The places in an object's live code that refer to one of its symbols by an index of this kind.
pub(super) fn uses<'a>(
    program: Program<'a>,
    object: ObjectId,
    kind: RelocationType,
    symbol: u32,
) -> impl Iterator<Item = Use<'a>> {
    let parsed = program.objects[object.at()].object();
    let functions = parsed.functions.iter().enumerate().filter(move |&(position, _)| {
        program.live.functions.contains(program.chunks.functions.of(object, position))
    });
    functions.flat_map(move |(_, function)| {
        let relocations = parsed.relocations(function.relocations);
        let here = relocations.filter(move |entry| entry.kind == kind && entry.index == symbol);
        here.map(move |entry| {
            let (before, rest) =
                function.range.of(&parsed.bytes).split_at((entry.offset - function.offset_base) as usize);
            Use { before, after: &rest[kind.encoding().width()..] }
        })
    })
}

impl Use<'_> {
    /// Whether the code may call a function of the signature `actual` as one of `declared`. Signatures are in binary form.
    pub(super) fn can_call(&self, declared: &[u8], actual: &[u8]) -> bool {
        let (Some(declared), Some(actual)) = (Signature::read(declared), Signature::read(actual)) else {
            return false;
        };
        // Parameters that are too many stay on the stack, below the results.
        let Some(extra) = declared.parameters.strip_suffix(&actual.parameters[..]) else { return false };
        match self.before.last() {
            Some(&CALL) => self.leaves_valid_stack(&declared.results, &[extra, &actual.results].concat()),
            // The function returns what is called returns. What stays on the stack does not matter.
            Some(&RETURN_CALL) => declared.results == actual.results,
            // Not a call. The type of the reference is not checked.
            Some(&REF_FUNC) => true,
            _ => false,
        }
    }

    /// Whether the code may use a global of the type `actual` as one of `declared`.
    pub(super) fn can_use_global(&self, declared: GlobalType, actual: GlobalType) -> bool {
        match self.before.last() {
            Some(&GLOBAL_GET) => self.leaves_valid_stack(&[declared.value], &[actual.value]),
            Some(&GLOBAL_SET) => declared.value == actual.value && actual.mutable,
            _ => declared.value == actual.value,
        }
    }

    /// Whether the code may use a table with elements of another type than its object declares.
    pub(super) fn can_use_any_table(&self) -> bool {
        self.before.ends_with(&[MISC_PREFIX, TABLE_SIZE])
    }

    /// Whether the code may use an exception tag of the signature `actual` as one of `declared`.
    pub(super) fn can_use_tag(&self, declared: &[u8], actual: &[u8]) -> bool {
        let (Some(declared), Some(actual)) = (Signature::read(declared), Signature::read(actual)) else {
            return false;
        };
        // After `throw`, what stays on the stack does not matter.
        self.before.last() == Some(&THROW) && declared.parameters.ends_with(&actual.parameters)
            || declared.parameters == actual.parameters
    }

    /// Whether the code that follows is valid with `actual` on the stack instead of `expected`. Knows the instructions that accept
    /// any value.
    fn leaves_valid_stack(&self, mut expected: &[u8], mut actual: &[u8]) -> bool {
        for opcode in self.after {
            if expected == actual || *opcode == UNREACHABLE {
                return true;
            }
            let ([rest @ .., _], [actual_rest @ .., _], &DROP) = (expected, actual, opcode) else {
                return false;
            };
            (expected, actual) = (rest, actual_rest);
        }
        expected == actual
    }
}

/// A signature, taken apart.
struct Signature {
    parameters: Vec<u8>,
    results: Vec<u8>,
}

impl Signature {
    /// `None` if a type takes more than one byte.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut list = || -> Option<Vec<u8>> {
            let count = reader.u32().ok()?;
            (0..count).map(|_| reader.byte().ok()).collect()
        };
        let signature = Signature { parameters: list()?, results: list()? };
        reader.is_empty().then_some(signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const I32: u8 = 0x7f;
    const I64: u8 = 0x7e;
    const END: u8 = 0x0b;

    fn at<'a>(before: &'a [u8], after: &'a [u8]) -> Use<'a> {
        Use { before, after }
    }

    #[test]
    fn calls_that_leave_the_stack_as_expected_are_valid() {
        let call = at(&[CALL], &[END]);
        let one = &[1, I32, 1, I32][..];
        assert!(call.can_call(one, &[0, 0]));
        assert!(call.can_call(&[2, I64, I32, 1, I64], &[1, I32, 0]));
        assert!(call.can_call(&[2, I64, I32, 2, I64, I32], &[1, I32, 1, I32]));
        assert!(!call.can_call(&[0, 0], one));
        assert!(!call.can_call(&[1, I32, 1, I64], &[0, 0]));
        assert!(!call.can_call(&[2, I32, I64, 1, I64], &[1, I32, 0]));
        assert!(!call.can_call(&[1, I32, 0], &[0, 0]));
    }

    #[test]
    fn what_follows_a_call_decides() {
        assert!(at(&[CALL], &[DROP, END]).can_call(&[0, 1, I32], &[0, 1, I64]));
        assert!(!at(&[CALL], &[DROP, END]).can_call(&[0, 0], &[0, 1, I64]));
        assert!(at(&[CALL], &[UNREACHABLE, END]).can_call(&[1, I32, 0], &[0, 0]));
        // The parameters that are too many would be left when the function returns.
        assert!(!at(&[RETURN_CALL], &[END]).can_call(&[1, I32, 1, I32], &[0, 0]));
        assert!(at(&[RETURN_CALL], &[END]).can_call(&[1, I32, 0], &[0, 0]));
    }

    #[test]
    fn what_is_done_with_globals_tables_and_tags_decides() {
        let of = |value, mutable| GlobalType { value, mutable };
        assert!(at(&[GLOBAL_GET], &[DROP]).can_use_global(of(I32, true), of(I64, false)));
        assert!(!at(&[GLOBAL_GET], &[END]).can_use_global(of(I32, true), of(I64, false)));
        assert!(at(&[GLOBAL_GET], &[END]).can_use_global(of(I32, true), of(I32, false)));
        assert!(!at(&[GLOBAL_SET], &[END]).can_use_global(of(I32, true), of(I32, false)));
        assert!(at(&[MISC_PREFIX, TABLE_SIZE], &[END]).can_use_any_table());
        assert!(!at(&[MISC_PREFIX, TABLE_SIZE + 1], &[END]).can_use_any_table());
        assert!(at(&[THROW], &[END]).can_use_tag(&[2, I64, I32, 0], &[1, I32, 0]));
        assert!(!at(&[THROW], &[END]).can_use_tag(&[1, I32, 0], &[2, I64, I32, 0]));
    }
}
