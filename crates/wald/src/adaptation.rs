//! Which calls of a function with another signature can reach it all the same, and what must be converted:
//! `--signature-mismatch=adapt`.
//!
//! Only what loses nothing is converted. C decides what that means:
//!
//! - More arguments than parameters: the last ones are dropped. A C function does not see arguments that it does not declare.
//! - A result that the call does not expect is dropped.
//! - An `f32` becomes an `f64`.
//!
//! Nothing else is. An `i32` is not extended to an `i64`, because its type does not say whether it is signed. A missing argument or
//! result has no value that would be right.

use crate::format::{opcode, types};
use crate::leb128::Reader;

/// How a value becomes one of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conversion {
    /// The types are equal.
    Nothing,
    /// `f32` to `f64`.
    Promote,
}

impl Conversion {
    /// The conversion from one type to another, if it loses nothing.
    fn new(from: u8, to: u8) -> Option<Conversion> {
        match (from, to) {
            (types::F32, types::F64) => Some(Conversion::Promote),
            _ => (from == to).then_some(Conversion::Nothing),
        }
    }

    fn write(self, code: &mut Vec<u8>) {
        if self == Conversion::Promote {
            code.push(opcode::F64_PROMOTE_F32);
        }
    }
}

/// What becomes of the definition's results.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Results {
    /// The call gets them. Only a single one is converted: others would need locals.
    Passed(Conversion),
    /// So many are dropped.
    Dropped(usize),
}

/// How a call is adapted to a definition with another signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adaptation {
    /// For each parameter of the definition, how it is made of the argument with the same number.
    arguments: Vec<Conversion>,
    /// How many arguments the call passes.
    passed: usize,
    results: Results,
}

impl Adaptation {
    /// How calls with one signature reach a function with another, both in binary form; or why they cannot, in words.
    pub fn new(called: &[u8], defined: &[u8]) -> Result<Adaptation, String> {
        let (Some(called), Some(defined)) = (Signature::read(called), Signature::read(defined)) else {
            return Err("a type of its signatures is not a number or plain reference".into());
        };
        let (passed, taken) = (called.parameters.len(), defined.parameters.len());
        if passed < taken {
            return Err(match taken - passed {
                1 => format!("argument {taken} is missing"),
                2 => format!("arguments {} and {taken} are missing", passed + 1),
                _ => format!("arguments {} to {taken} are missing", passed + 1),
            });
        }
        let mut arguments = Vec::with_capacity(taken);
        for (number, (&from, &to)) in (1..).zip(called.parameters.iter().zip(defined.parameters)) {
            let conversion = Conversion::new(from, to);
            let error = || format!("argument {number} {}", why_not(from, to));
            arguments.push(conversion.ok_or_else(error)?);
        }
        let results = match (defined.results, called.results) {
            (from, to) if from == to => Results::Passed(Conversion::Nothing),
            (from, []) => Results::Dropped(from.len()),
            (&[from], &[to]) => Results::Passed(
                Conversion::new(from, to).ok_or_else(|| format!("the result {}", why_not(from, to)))?,
            ),
            ([], _) => return Err("the result is missing".into()),
            _ => return Err("the results differ".into()),
        };
        Ok(Adaptation { arguments, passed, results })
    }

    /// Writes the body of a function with the call's signature, without locals, `end` and size. `call` writes the call.
    pub fn write(&self, code: &mut Vec<u8>, call: impl FnOnce(&mut Vec<u8>)) {
        for (argument, conversion) in (0..).zip(&self.arguments) {
            code.push(opcode::LOCAL_GET);
            crate::leb128::write_u32(code, argument);
            conversion.write(code);
        }
        call(code);
        match self.results {
            Results::Passed(conversion) => conversion.write(code),
            Results::Dropped(count) => code.extend(std::iter::repeat_n(opcode::DROP, count)),
        }
    }

    /// What is converted and dropped, in words.
    pub fn text(&self) -> String {
        let mut parts = Vec::new();
        let conversions =
            (1..).zip(&self.arguments).filter(|(_, &conversion)| conversion == Conversion::Promote);
        parts
            .extend(conversions.map(|(number, _)| format!("argument {number} is converted from f32 to f64")));
        let first = self.arguments.len() + 1;
        match self.passed - self.arguments.len() {
            0 => {}
            1 => parts.push(format!("argument {first} is dropped")),
            2 => parts.push(format!("arguments {first} and {} are dropped", self.passed)),
            _ => parts.push(format!("arguments {first} to {} are dropped", self.passed)),
        }
        match self.results {
            Results::Passed(Conversion::Nothing) => {}
            Results::Passed(Conversion::Promote) => {
                parts.push("the result is converted from f32 to f64".into())
            }
            Results::Dropped(1) => parts.push("the result is dropped".into()),
            Results::Dropped(_) => parts.push("the results are dropped".into()),
        }
        match parts.is_empty() {
            true => "nothing needs to be converted".into(),
            false => parts.join(", "),
        }
    }
}

/// Why a value of one type does not become one of another.
fn why_not(from: u8, to: u8) -> String {
    let (from_name, to_name) = (types::name(from), types::name(to));
    match (from, to) {
        (types::I32, types::I64) => format!("is {from_name}, and its sign as {to_name} is not known"),
        (types::I64, types::I32) | (types::F64, types::F32) => {
            format!("is {from_name} and may not fit into {to_name}")
        }
        _ => format!("is {from_name} and not {to_name}"),
    }
}

/// A signature whose types are one byte each.
struct Signature<'a> {
    parameters: &'a [u8],
    results: &'a [u8],
}

impl<'a> Signature<'a> {
    /// `None` if a type has more than one byte.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut list = || {
            let count = reader.u32().ok()?;
            let list = reader.bytes(count as usize).ok()?;
            list.iter().all(|&of| is_plain(of)).then_some(list)
        };
        let (parameters, results) = (list()?, list()?);
        Some(Signature { parameters, results })
    }
}

fn is_plain(of: u8) -> bool {
    use types::{EXNREF, EXTERNREF, F32, F64, FUNCREF, I32, I64, V128};
    matches!(of, I32 | I64 | F32 | F64 | V128 | FUNCREF | EXTERNREF | EXNREF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::types::{F32, F64, I32, I64};

    fn signature(parameters: &[u8], results: &[u8]) -> Vec<u8> {
        [&[parameters.len() as u8], parameters, &[results.len() as u8], results].concat()
    }

    /// What is said about a call and a definition, and the code without the index of the function that is called.
    fn adapt(called: (&[u8], &[u8]), defined: (&[u8], &[u8])) -> Result<(String, Vec<u8>), String> {
        let adaptation = Adaptation::new(&signature(called.0, called.1), &signature(defined.0, defined.1))?;
        let mut code = Vec::new();
        adaptation.write(&mut code, |code| code.push(opcode::CALL));
        Ok((adaptation.text(), code))
    }

    #[test]
    fn arguments_and_results_are_dropped_and_promoted() {
        let (text, code) = adapt((&[I32, I32, I64], &[]), (&[I32], &[I32])).unwrap();
        assert_eq!(text, "arguments 2 and 3 are dropped, the result is dropped");
        assert_eq!(code, [opcode::LOCAL_GET, 0, opcode::CALL, opcode::DROP]);
        let (text, code) = adapt((&[F32, F64, F32], &[F64]), (&[F64, F64], &[F32])).unwrap();
        assert_eq!(
            text,
            "argument 1 is converted from f32 to f64, argument 3 is dropped, the result is converted from f32 to f64"
        );
        let promote = opcode::F64_PROMOTE_F32;
        let get = opcode::LOCAL_GET;
        assert_eq!(code, [get, 0, promote, get, 1, opcode::CALL, promote]);
        let (text, code) = adapt((&[], &[]), (&[], &[I32, I64])).unwrap();
        assert_eq!(
            (text.as_str(), &code[..]),
            ("the results are dropped", &[opcode::CALL, opcode::DROP, opcode::DROP][..])
        );
        let (text, code) = adapt((&[I32], &[I32, I64]), (&[], &[I32, I64])).unwrap();
        assert_eq!((text.as_str(), &code[..]), ("argument 1 is dropped", &[opcode::CALL][..]));
        let (text, code) = adapt((&[], &[I32]), (&[], &[I32])).unwrap();
        assert_eq!((text.as_str(), &code[..]), ("nothing needs to be converted", &[opcode::CALL][..]));
    }

    #[test]
    fn what_loses_or_makes_up_a_value_is_not_adapted() {
        for (called, defined, why) in [
            (
                (&[I32][..], &[][..]),
                (&[I64][..], &[][..]),
                "argument 1 is i32, and its sign as i64 is not known",
            ),
            ((&[I64], &[]), (&[I32], &[]), "argument 1 is i64 and may not fit into i32"),
            ((&[F64], &[]), (&[F32], &[]), "argument 1 is f64 and may not fit into f32"),
            ((&[F32], &[]), (&[I32], &[]), "argument 1 is f32 and not i32"),
            ((&[], &[]), (&[I32], &[]), "argument 1 is missing"),
            ((&[I32], &[]), (&[I32, I32, I32], &[]), "arguments 2 and 3 are missing"),
            ((&[], &[I32]), (&[], &[]), "the result is missing"),
            ((&[], &[I32]), (&[], &[I64]), "the result is i64 and may not fit into i32"),
            ((&[], &[F32]), (&[], &[F64]), "the result is f64 and may not fit into f32"),
            ((&[], &[F64, F64]), (&[], &[F32, F64]), "the results differ"),
            ((&[], &[I32]), (&[], &[I32, I32]), "the results differ"),
        ] {
            assert_eq!(adapt(called, defined), Err(why.into()));
        }
    }

    #[test]
    fn types_of_several_bytes_are_not_adapted() {
        let typed = signature(&[types::NULLABLE, types::FUNCREF], &[]);
        let damaged: [&[u8]; 4] = [&typed, &[], &[9, I32, 0], &[1, I32]];
        for bytes in damaged {
            assert!(Adaptation::new(bytes, &[0, 0]).is_err(), "{bytes:?}");
            assert!(Adaptation::new(&[0, 0], bytes).is_err(), "{bytes:?}");
        }
    }
}
