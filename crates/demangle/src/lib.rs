//! Demangles symbol names exactly as LLVM 22 prints them.
#![forbid(unsafe_code)]

mod dlang;
mod itanium;
mod punycode;
mod rust;

use std::cell::Cell;

/// Demangles names; its buffers are reused from name to name.
#[derive(Default)]
pub struct Demangler {
    out: Vec<u8>,
    itanium: itanium::Buffers,
}

/// How much one name may cost.
pub(crate) struct Limits<'a> {
    /// Levels of nesting.
    pub depth: u32,
    /// Nodes visited in printing, or rules run while text is written.
    pub steps: usize,
    /// Bytes of text.
    pub output: usize,
    /// Set where `depth` was the reason to give up.
    pub too_deep: &'a Cell<bool>,
}

/// What a name may cost in steps of printing and in bytes of text: a fixed part, far more than real names
/// need, and a part for each of its bytes.
const COST_PER_NAME: usize = 1 << 20;
const COST_PER_BYTE: usize = 16;

/// Levels of nesting read on the caller's stack, and on a thread's own stack for the names nested deeper.
const SHALLOW: u32 = 192;
const DEEP: u32 = 32_768;
const DEEP_STACK: usize = 128 << 20;

/// Longer names are left as they are: offsets into a name fit 32 bits with room to spare.
const MAX_NAME: usize = 16 << 20;

/// Nothing is found.
enum Failure {
    /// The name is none of those read here, or too costly.
    NoName,
    /// It is nested deeper than was allowed.
    TooDeep,
}

impl Demangler {
    /// A demangler with empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text LLVM's `demangle` prints for `name`, or `None` where it leaves the name as it is.
    /// The result borrows the demangler's buffer and is replaced by the next call.
    pub fn demangle(&mut self, name: &[u8]) -> Option<&[u8]> {
        if name.len() > MAX_NAME {
            return None;
        }
        let found = match self.attempt(name, SHALLOW) {
            Err(Failure::TooDeep) => self.on_deep_stack(name),
            found => found,
        };
        found.ok().map(|()| self.out.as_slice())
    }

    /// Reads the name again on a thread whose stack is large enough for [`DEEP`] levels.
    fn on_deep_stack(&mut self, name: &[u8]) -> Result<(), Failure> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(DEEP_STACK);
            match thread.spawn_scoped(scope, || self.attempt(name, DEEP)) {
                Ok(thread) => thread.join().unwrap_or(Err(Failure::NoName)),
                Err(_) => Err(Failure::TooDeep),
            }
        })
    }

    /// Reads the name, and where that fails the name without its first underscore, as some platforms put
    /// one more before every symbol.
    fn attempt(&mut self, name: &[u8], depth: u32) -> Result<(), Failure> {
        match (self.scheme(name, depth), name) {
            (Err(Failure::NoName), [b'_', rest @ ..]) => self.scheme(rest, depth),
            (found, _) => found,
        }
    }

    /// Picks the scheme by the name's first letters.
    fn scheme(&mut self, name: &[u8], depth: u32) -> Result<(), Failure> {
        self.out.clear();
        let name = match name {
            [b'.', rest @ ..] => {
                self.out.push(b'.');
                rest
            }
            _ => name,
        };
        let too_deep = Cell::new(false);
        let allowance = COST_PER_NAME + COST_PER_BYTE * name.len();
        let limits = Limits { depth, steps: allowance, output: allowance, too_deep: &too_deep };
        let underscores = name.iter().take_while(|&&b| b == b'_').count();
        let found = match (underscores, name.get(underscores)) {
            (1..=4, Some(b'Z')) => itanium::demangle(name, &mut self.itanium, &mut self.out, &limits),
            (1, Some(b'R')) => rust::demangle(name, &mut self.out, &limits),
            (1, Some(b'D')) => dlang::demangle(name, &mut self.out, &limits),
            _ => None,
        };
        match found {
            Some(()) => Ok(()),
            None if too_deep.get() => Err(Failure::TooDeep),
            None => Err(Failure::NoName),
        }
    }
}
