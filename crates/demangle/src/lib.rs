//! Demangles symbol names exactly as LLVM 22 prints them.
//!
//! Supports C++ names of the Itanium ABI, Rust v0 names, and the D names that LLVM supports. The text is that of
//! `llvm::demangle`, to the byte: which names are mangled at all, spacing, parentheses, lambdas and suffixes.
//!
//! ```
//! use wald_demangle::Demangler;
//!
//! let mut demangler = Demangler::new();
//! let text = |d: &mut Demangler, name: &str| {
//!     d.demangle(name.as_bytes()).map(|text| String::from_utf8_lossy(text).into_owned())
//! };
//! assert_eq!(text(&mut demangler, "_ZNK3fooIiE3barEPKc").unwrap(), "foo<int>::bar(char const*) const");
//! assert_eq!(text(&mut demangler, "_ZN1aC2Ev.cold.1").unwrap(), "a::a() (.cold.1)");
//! assert_eq!(text(&mut demangler, "_RNvNtCs1234_4core3fmt5write").unwrap(), "core::fmt::write");
//! assert_eq!(text(&mut demangler, "_D3std5stdio6stdoutZ").unwrap(), "std.stdio.stdout");
//! assert_eq!(text(&mut demangler, "malloc"), None);
//! ```
//!
//! # Limits
//!
//! Names are input like any other and may be hostile. Every name is answered in time and memory linear in its
//! length: text is at most a mebibyte and 16 bytes for each byte of the name, and printing takes at most as
//! many steps; nesting is at most 32768 levels (names nested deeper than some two hundred are read on a
//! thread with a stack of its own, so that the caller's stack does not matter); a Punycode identifier has at
//! most 4096 bytes, a name 4 MiB. Beyond a limit the answer is `None`. LLVM has no limits: it prints text of
//! any length, and overflows its stack.
//!
//! # Differences from LLVM
//!
//! Microsoft's names (`?f@@YAXXZ`, `.H`) are left alone. `long double` literals are printed in the 80-bit
//! format of an LLVM that runs on x86-64.
#![forbid(unsafe_code)]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod dlang;
mod itanium;
mod limits;
mod punycode;
mod rust;

use limits::Limits;
use std::cell::Cell;

/// Demangles names; its buffers are reused from name to name, so that a C++ name costs no allocation once they
/// have grown.
#[derive(Default)]
pub struct Demangler {
    out: Vec<u8>,
    itanium: itanium::Buffers,
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
const MAX_NAME: usize = 4 << 20;

/// The buffers that a name longer than this needed are given back.
const KEEP_BUFFERS: usize = 1 << 16;

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

    /// The text LLVM's `demangle` prints for `name`, or `None` if it leaves the name as it is.
    /// The result borrows the demangler's buffer and is replaced by the next call.
    ///
    /// A leading dot is kept and the rest demangled; a name that is none of those read here is tried again
    /// without its first underscore. The text is UTF-8 if the name is, except that a string literal among
    /// template arguments may hold any bytes.
    ///
    /// ```
    /// let mut demangler = wald_demangle::Demangler::new();
    /// assert_eq!(demangler.demangle(b"._ZN1a1bEv"), Some(&b".a::b()"[..]));
    /// assert_eq!(demangler.demangle(b"__RNvC1a1b"), Some(&b"a::b"[..]));
    /// assert_eq!(demangler.demangle(b"_Z1fIXtlA3_cLc104ELc105EEEEvv"), Some(&b"void f<\"hi\">()"[..]));
    /// assert_eq!(demangler.demangle(b"_Z"), None);
    /// ```
    pub fn demangle(&mut self, name: &[u8]) -> Option<&[u8]> {
        if name.len() > MAX_NAME {
            return None;
        }
        let found = match self.attempt(name, SHALLOW) {
            Err(Failure::TooDeep) => self.on_deep_stack(name),
            found => found,
        };
        if name.len() > KEEP_BUFFERS {
            self.itanium = itanium::Buffers::default();
        }
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

    /// Reads the name. If that fails, reads it without its first underscore, because some platforms put one
    /// more before every symbol.
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
            Some(()) => {
                // LLVM hands the text on as a C string. Hardly any text has a zero, and `contains` is fast.
                if self.out.contains(&0) {
                    let end = self.out.iter().position(|&byte| byte == 0);
                    self.out.truncate(end.unwrap_or(self.out.len()));
                }
                Ok(())
            }
            None if too_deep.get() => Err(Failure::TooDeep),
            None => Err(Failure::NoName),
        }
    }
}

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
