//! Rust v0 names (`_R…`), as LLVM prints them: without crate hashes, a constant without its type.
//!
//! Text is written while the name is read. If text is wanted, a back reference reads an earlier part again.
//! That may be exponentially much, so the text's length and the number of rules run are bounded.

mod read;

use crate::limits::Limits;

/// LLVM's bound on nesting.
const MAX_NESTING: u32 = 500;

/// Writes the demangled `name` (starting at its `_R`) to `out`.
pub(crate) fn demangle(name: &[u8], out: &mut Vec<u8>, limits: &Limits) -> Option<()> {
    let name = &name[2..];
    let dot = name.iter().position(|&b| b == b'.');
    let (input, suffix) = name.split_at(dot.unwrap_or(name.len()));
    let mut parser = Parser {
        input,
        pos: 0,
        print: true,
        nesting: 0,
        bound_lifetimes: 0,
        steps: limits.steps,
        max_output: limits.output,
        chars: Vec::new(),
        out,
    };
    parser.path(false, false)?;
    if parser.pos != input.len() {
        // The crate the function was instantiated in.
        parser.print = false;
        parser.path(false, false)?;
    }
    if parser.pos != input.len() {
        return None;
    }
    if !suffix.is_empty() {
        out.extend_from_slice(b" (");
        out.extend_from_slice(suffix);
        out.push(b')');
    }
    Some(())
}

struct Parser<'a> {
    input: &'a [u8],
    pos: usize,
    /// Whether text is written: not so for parts that are only read over.
    print: bool,
    nesting: u32,
    /// Lifetimes introduced by the `for<…>`s around.
    bound_lifetimes: u64,
    steps: usize,
    max_output: usize,
    /// The characters of a Punycode identifier while it is decoded.
    chars: Vec<char>,
    out: &'a mut Vec<u8>,
}

/// An identifier, and whether it is in Punycode.
struct Ident<'a> {
    text: &'a [u8],
    punycode: bool,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.input.get(self.pos).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.pos += 1;
        Some(byte)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.pos += usize::from(found);
        found
    }

    fn text(&mut self, text: &str) {
        if self.print {
            self.out.extend_from_slice(text.as_bytes());
        }
    }

    fn decimal_text(&mut self, number: u64) {
        use std::io::Write;
        if self.print {
            // Writing to a vector cannot fail.
            let _ = write!(self.out, "{number}");
        }
    }

    /// Runs a rule one level deeper.
    fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.nesting >= MAX_NESTING || self.steps == 0 || self.out.len() > self.max_output {
            return None;
        }
        self.nesting += 1;
        self.steps -= 1;
        let result = rule(self);
        self.nesting -= 1;
        result
    }

    /// Runs a rule without writing text.
    fn silent<T>(&mut self, rule: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let print = std::mem::replace(&mut self.print, false);
        let result = rule(self);
        self.print = print;
        result
    }

    /// Reads the part that a back reference names, if text is wanted.
    fn back_reference<T>(&mut self, rule: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        let target = self.base62()?;
        if target >= self.pos as u64 {
            return None;
        }
        if !self.print {
            return Some(None);
        }
        let after = std::mem::replace(&mut self.pos, target as usize);
        let result = rule(self)?;
        self.pos = after;
        Some(Some(result))
    }

    /// A path; in a type its generic arguments need no `::`. With `leave_open` the `>` of its arguments is
    /// left to the caller, and whether it is owed is returned.
    fn path(&mut self, in_type: bool, leave_open: bool) -> Option<bool> {
        self.nested(|p| p.path_inner(in_type, leave_open))
    }

    fn path_inner(&mut self, in_type: bool, leave_open: bool) -> Option<bool> {
        match self.next()? {
            b'C' => {
                self.optional_base62(b's')?;
                let ident = self.ident()?;
                self.ident_text(&ident)?;
            }
            b'M' => {
                self.impl_path(in_type)?;
                self.text("<");
                self.ty()?;
                self.text(">");
            }
            kind @ (b'X' | b'Y') => {
                if kind == b'X' {
                    self.impl_path(in_type)?;
                }
                self.text("<");
                self.ty()?;
                self.text(" as ");
                self.path(true, false)?;
                self.text(">");
            }
            b'N' => self.nested_path(in_type)?,
            b'I' => {
                self.path(in_type, false)?;
                if !in_type {
                    self.text("::");
                }
                self.text("<");
                self.separated(b'E', ", ", Self::generic_arg)?;
                if leave_open {
                    return Some(true);
                }
                self.text(">");
            }
            b'B' => return Some(self.back_reference(|p| p.path(in_type, leave_open))?.unwrap_or(false)),
            _ => return None,
        }
        Some(false)
    }

    /// Items until `end`; returns how many.
    fn separated(
        &mut self,
        end: u8,
        separator: &str,
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<usize> {
        let mut count = 0;
        while !self.eat(end) {
            if count > 0 {
                self.text(separator);
            }
            item(self)?;
            count += 1;
        }
        Some(count)
    }

    /// The path of an `impl` block, of which nothing is shown.
    fn impl_path(&mut self, in_type: bool) -> Option<()> {
        self.silent(|p| {
            p.optional_base62(b's')?;
            p.path(in_type, false)?;
            Some(())
        })
    }

    /// A name in a namespace; capital ones are the compiler's.
    fn nested_path(&mut self, in_type: bool) -> Option<()> {
        let namespace = self.next()?;
        if !namespace.is_ascii_alphabetic() {
            return None;
        }
        self.path(in_type, false)?;
        let disambiguator = self.optional_base62(b's')?;
        let ident = self.ident()?;
        if namespace.is_ascii_uppercase() {
            self.text("::{");
            match namespace {
                b'C' => self.text("closure"),
                b'S' => self.text("shim"),
                other if self.print => self.out.push(other),
                _ => {}
            }
            if !ident.text.is_empty() {
                self.text(":");
                self.ident_text(&ident)?;
            }
            self.text("#");
            self.decimal_text(disambiguator);
            self.text("}");
        } else if !ident.text.is_empty() {
            self.text("::");
            self.ident_text(&ident)?;
        }
        Some(())
    }

    fn generic_arg(&mut self) -> Option<()> {
        if self.eat(b'L') {
            let lifetime = self.base62()?;
            return self.lifetime(lifetime);
        }
        if self.eat(b'K') {
            return self.constant();
        }
        self.ty()
    }

    fn ty(&mut self) -> Option<()> {
        self.nested(Self::ty_inner)
    }

    fn ty_inner(&mut self) -> Option<()> {
        let start = self.pos;
        let byte = self.next()?;
        if let Some(name) = basic_type(byte) {
            self.text(name);
            return Some(());
        }
        match byte {
            b'A' => {
                self.text("[");
                self.ty()?;
                self.text("; ");
                self.constant()?;
                self.text("]");
            }
            b'S' => {
                self.text("[");
                self.ty()?;
                self.text("]");
            }
            b'T' => {
                self.text("(");
                let count = self.separated(b'E', ", ", Self::ty)?;
                self.text(if count == 1 { ",)" } else { ")" });
            }
            b'R' | b'Q' => {
                self.text("&");
                if self.eat(b'L') {
                    let lifetime = self.base62()?;
                    if lifetime != 0 {
                        self.lifetime(lifetime)?;
                        self.text(" ");
                    }
                }
                if byte == b'Q' {
                    self.text("mut ");
                }
                self.ty()?;
            }
            b'P' | b'O' => {
                self.text(if byte == b'P' { "*const " } else { "*mut " });
                self.ty()?;
            }
            b'F' => self.fn_sig()?,
            b'D' => {
                self.dyn_bounds()?;
                if !self.eat(b'L') {
                    return None;
                }
                let lifetime = self.base62()?;
                if lifetime != 0 {
                    self.text(" + ");
                    self.lifetime(lifetime)?;
                }
            }
            b'B' => {
                self.back_reference(Self::ty)?;
            }
            _ => {
                self.pos = start;
                self.path(true, false)?;
            }
        }
        Some(())
    }

    /// `[G <binder>] [U] [K <abi>] <types> E <return type>`
    fn fn_sig(&mut self) -> Option<()> {
        let outer = self.bound_lifetimes;
        self.binder()?;
        if self.eat(b'U') {
            self.text("unsafe ");
        }
        if self.eat(b'K') {
            self.text("extern \"");
            if self.eat(b'C') {
                self.text("C");
            } else {
                let ident = self.ident()?;
                if ident.punycode {
                    return None;
                }
                if self.print {
                    // A dash cannot be mangled.
                    self.out.extend(ident.text.iter().map(|&b| if b == b'_' { b'-' } else { b }));
                }
            }
            self.text("\" ");
        }
        self.text("fn(");
        self.separated(b'E', ", ", Self::ty)?;
        self.text(")");
        if !self.eat(b'u') {
            self.text(" -> ");
            self.ty()?;
        }
        self.bound_lifetimes = outer;
        Some(())
    }

    fn dyn_bounds(&mut self) -> Option<()> {
        let outer = self.bound_lifetimes;
        self.text("dyn ");
        self.binder()?;
        self.separated(b'E', " + ", Self::dyn_trait)?;
        self.bound_lifetimes = outer;
        Some(())
    }

    /// A trait with its associated types among the generic arguments.
    fn dyn_trait(&mut self) -> Option<()> {
        let mut open = self.path(true, true)?;
        while self.eat(b'p') {
            self.text(if open { ", " } else { "<" });
            open = true;
            let ident = self.ident()?;
            if self.print {
                // LLVM does not decode these.
                self.out.extend_from_slice(ident.text);
            }
            self.text(" = ");
            self.ty()?;
        }
        if open {
            self.text(">");
        }
        Some(())
    }

    fn binder(&mut self) -> Option<()> {
        let count = self.optional_base62(b'G')?;
        if count == 0 {
            return Some(());
        }
        // Every lifetime bound could be used only in at least a byte: more are not in earnest.
        if count >= (self.input.len() as u64).saturating_sub(self.bound_lifetimes) {
            return None;
        }
        if !self.print {
            self.bound_lifetimes += count;
            return Some(());
        }
        self.text("for<");
        for i in 0..count {
            self.steps = self.steps.checked_sub(1)?;
            self.bound_lifetimes += 1;
            if i > 0 {
                self.text(", ");
            }
            self.lifetime(1)?;
        }
        self.text("> ");
        Some(())
    }

    fn constant(&mut self) -> Option<()> {
        self.nested(Self::constant_inner)
    }

    fn constant_inner(&mut self) -> Option<()> {
        let kind = self.next()?;
        if kind == b'B' {
            return self.back_reference(Self::constant).map(|_| ());
        }
        match kind {
            b'a' | b'h' | b'i' | b'j' | b'l' | b'm' | b'n' | b'o' | b's' | b't' | b'x' | b'y' => {
                if self.eat(b'n') {
                    self.text("-");
                }
                let (digits, value) = self.hex()?;
                if digits.len() <= 16 {
                    self.decimal_text(value);
                } else {
                    self.text("0x");
                    if self.print {
                        self.out.extend_from_slice(digits);
                    }
                }
            }
            b'b' => match self.hex()?.0 {
                b"0" => self.text("false"),
                b"1" => self.text("true"),
                _ => return None,
            },
            b'c' => {
                let (digits, value) = self.hex()?;
                if digits.len() > 6 {
                    return None;
                }
                self.char_text(digits, value);
            }
            b'p' => self.text("_"),
            _ => return None,
        }
        Some(())
    }

    fn char_text(&mut self, digits: &[u8], value: u64) {
        self.text("'");
        match value {
            0x09 => self.text("\\t"),
            0x0a => self.text("\\n"),
            0x0d => self.text("\\r"),
            0x27 => self.text("\\'"),
            0x5c => self.text("\\\\"),
            0x20..=0x7e => {
                if self.print {
                    self.out.push(value as u8);
                }
            }
            _ => {
                self.text("\\u{");
                if self.print {
                    self.out.extend_from_slice(digits);
                }
                self.text("}");
            }
        }
        self.text("'");
    }

    fn lifetime(&mut self, index: u64) -> Option<()> {
        if index == 0 {
            self.text("'_");
            return Some(());
        }
        let depth = self.bound_lifetimes.checked_sub(index)?;
        self.text("'");
        if depth < 26 {
            if self.print {
                self.out.push(b'a' + depth as u8);
            }
        } else {
            self.text("z");
            self.decimal_text(depth - 26 + 1);
        }
        Some(())
    }
}

fn basic_type(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'a' => "i8",
        b'b' => "bool",
        b'c' => "char",
        b'd' => "f64",
        b'e' => "str",
        b'f' => "f32",
        b'h' => "u8",
        b'i' => "isize",
        b'j' => "usize",
        b'l' => "i32",
        b'm' => "u32",
        b'n' => "i128",
        b'o' => "u128",
        b'p' => "_",
        b's' => "i16",
        b't' => "u16",
        b'u' => "()",
        b'v' => "...",
        b'x' => "i64",
        b'y' => "u64",
        b'z' => "!",
        _ => return None,
    })
}
