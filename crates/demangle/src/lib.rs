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
    /// Nodes visited in printing.
    pub steps: u32,
    /// Bytes of text.
    pub output: usize,
    /// Set where `depth` was the reason to give up.
    pub too_deep: &'a Cell<bool>,
}

impl Demangler {
    /// A demangler with empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text LLVM's `demangle` prints for `name`, or `None` where it leaves the name as it is.
    /// The result borrows the demangler's buffer and is replaced by the next call.
    pub fn demangle(&mut self, name: &[u8]) -> Option<&[u8]> {
        let found = self.scheme(name);
        let found = match (found, name) {
            (None, [b'_', rest @ ..]) => self.scheme(rest),
            _ => found,
        };
        found.map(|()| self.out.as_slice())
    }

    /// Picks the scheme by the name's first letters.
    fn scheme(&mut self, name: &[u8]) -> Option<()> {
        self.out.clear();
        let name = match name {
            [b'.', rest @ ..] => {
                self.out.push(b'.');
                rest
            }
            _ => name,
        };
        let too_deep = Cell::new(false);
        let limits = Limits { depth: 512, steps: 1 << 22, output: 1 << 22, too_deep: &too_deep };
        let underscores = name.iter().take_while(|&&b| b == b'_').count();
        if matches!(underscores, 1..=4) && name.get(underscores) == Some(&b'Z') {
            return itanium::demangle(name, &mut self.itanium, &mut self.out, &limits);
        }
        if name.starts_with(b"_R") {
            return rust::demangle(name, &mut self.out, &limits);
        }
        if name.starts_with(b"_D") {
            return dlang::demangle(name, &mut self.out, &limits);
        }
        None
    }
}
