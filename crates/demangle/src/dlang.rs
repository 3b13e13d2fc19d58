//! D names, as far as LLVM reads them: qualified names of plain identifiers with back references, followed
//! by `Z` or a type of which only `int` is known. Template instances and function types are not read, so
//! names with them stay mangled.

use crate::limits::Limits;

/// Writes the demangled `name` (starting at its `_D`) to `out`.
pub(crate) fn demangle(name: &[u8], out: &mut Vec<u8>, limits: &Limits) -> Option<()> {
    if name == b"_Dmain" {
        out.extend_from_slice(b"D main");
        return Some(());
    }
    let start = out.len();
    let (prefixes, lost) = (Vec::new(), 0);
    let mut parser = Parser { name, pos: 2, last_type: name.len(), out, start, prefixes, lost, limits };
    parser.qualified()?;
    match parser.peek()? {
        b'Z' => parser.pos += 1,
        _ => parser.ty()?,
    }
    // LLVM takes a null byte for the end.
    if name.get(parser.pos).is_some_and(|&b| b != 0) {
        return None;
    }
    let Parser { prefixes, lost, .. } = parser;
    if !prefixes.is_empty() {
        // Each was put before all the text so far.
        let mut before = prefixes.iter().rev().copied().collect::<Vec<_>>().concat();
        before.truncate(before.len() - lost);
        out.splice(start..start, before);
    }
    (out.len() > start).then_some(())
}

struct Parser<'a> {
    name: &'a [u8],
    pos: usize,
    /// The position of the type back reference being followed. Each must precede the one that refers to it.
    last_type: usize,
    out: &'a mut Vec<u8>,
    /// Where this name's text starts in `out`.
    start: usize,
    /// What describes the compiler's symbols met, and how many bytes at their end are lost.
    prefixes: Vec<&'static [u8]>,
    lost: usize,
    limits: &'a Limits<'a>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.name.get(self.pos).copied()
    }

    /// Components separated by dots; `0` means an anonymous one.
    fn qualified(&mut self) -> Option<()> {
        let mut first = true;
        loop {
            if self.peek()? == b'0' {
                while self.peek() == Some(b'0') {
                    self.pos += 1;
                }
            } else {
                if !first {
                    self.out.push(b'.');
                }
                first = false;
                self.identifier()?;
            }
            if self.out.len() > self.limits.output {
                return None;
            }
            if !self.at_symbol() {
                return Some(());
            }
        }
    }

    /// Whether another component follows: a length, or a reference to one.
    fn at_symbol(&self) -> bool {
        match self.peek() {
            Some(byte) if byte.is_ascii_digit() => true,
            Some(b'Q') => {
                self.back_reference(self.pos).is_some_and(|(target, _)| self.name[target].is_ascii_digit())
            }
            _ => false,
        }
    }

    fn identifier(&mut self) -> Option<()> {
        loop {
            if self.peek()? == b'Q' {
                let (target, after) = self.back_reference(self.pos)?;
                let (len, start) = self.number(target)?;
                self.plain(start, len)?;
                self.pos = after;
                return Some(());
            }
            let (len, start) = self.number(self.pos)?;
            let text = self.name.get(start..start.checked_add(len)?)?;
            if len == 0 {
                return None;
            }
            // `__S123` is a made-up parent that tells equal names apart.
            let made_up = text
                .strip_prefix(b"__S")
                .is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
            if made_up {
                self.pos = start + len;
                continue;
            }
            self.pos = start;
            self.plain(start, len)?;
            self.pos = start + len;
            return Some(());
        }
    }

    /// An identifier of `len` bytes; the compiler's own symbols are described by their parent's name.
    fn plain(&mut self, start: usize, len: usize) -> Option<()> {
        let rest = &self.name[start..];
        let text = rest.get(..len)?;
        let special: &'static [u8] = match rest.get(..len + 1).unwrap_or(b"") {
            b"__initZ" => b"initializer for ",
            b"__vtblZ" => b"vtable for ",
            b"__ClassZ" => b"ClassInfo for ",
            b"__InterfaceZ" => b"Interface for ",
            b"__ModuleInfoZ" => b"ModuleInfo for ",
            _ => {
                self.out.extend_from_slice(text);
                return Some(());
            }
        };
        self.prefixes.push(special);
        // Remove the dot before the symbol, or whatever is last.
        if self.out.len() > self.start {
            self.out.pop();
        } else {
            self.lost += 1;
        }
        Some(())
    }

    /// Only `int`, or a reference to it.
    fn ty(&mut self) -> Option<()> {
        let mut pos = self.pos;
        let mut end = None;
        loop {
            match self.name.get(pos)? {
                b'i' => break,
                b'Q' => {
                    if pos >= self.last_type {
                        return None;
                    }
                    self.last_type = pos;
                    let (target, after) = self.back_reference(pos)?;
                    end.get_or_insert(after);
                    pos = target;
                }
                _ => return None,
            }
        }
        self.pos = end.unwrap_or(pos + 1);
        Some(())
    }

    /// The decimal number at `pos` and where it ends.
    fn number(&self, mut pos: usize) -> Option<(usize, usize)> {
        let mut value = 0usize;
        if !self.name.get(pos)?.is_ascii_digit() {
            return None;
        }
        while let Some(digit) = self.name.get(pos).filter(|b| b.is_ascii_digit()) {
            value = value.checked_mul(10)?.checked_add(usize::from(digit - b'0'))?;
            pos += 1;
        }
        // A length is always followed by what it counts.
        (pos < self.name.len()).then_some((value, pos))
    }

    /// `Q` and a distance back from it in base 26, whose last digit is a small letter: the target, and where
    /// the reference ends.
    fn back_reference(&self, at: usize) -> Option<(usize, usize)> {
        let mut pos = at + 1;
        let mut distance = 0usize;
        loop {
            let byte = *self.name.get(pos)?;
            pos += 1;
            distance = distance.checked_mul(26)?;
            match byte {
                b'a'..=b'z' => {
                    distance = distance.checked_add(usize::from(byte - b'a'))?;
                    break;
                }
                b'A'..=b'Z' => distance = distance.checked_add(usize::from(byte - b'A'))?,
                _ => return None,
            }
        }
        if distance == 0 {
            return None;
        }
        Some((at.checked_sub(distance)?, pos))
    }
}
