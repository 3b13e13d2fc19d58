//! Reads the numbers and identifiers of Rust names.

use super::{Ident, Parser};

impl<'a> Parser<'a> {
    /// Lowercase hex digits ended by `_`, without leading zeros; a value of more than 64 bits wraps.
    pub(super) fn hex(&mut self) -> Option<(&'a [u8], u64)> {
        let start = self.pos;
        let mut value = 0u64;
        if self.eat(b'0') {
            if !self.eat(b'_') {
                return None;
            }
        } else {
            loop {
                let digit = match self.next()? {
                    byte @ b'0'..=b'9' => byte - b'0',
                    byte @ b'a'..=b'f' => byte - b'a' + 10,
                    b'_' if self.pos > start + 1 => break,
                    _ => return None,
                };
                value = value << 4 | u64::from(digit);
            }
        }
        Some((&self.input[start..self.pos - 1], value))
    }

    /// `[u] <length> [_] <bytes>`
    pub(super) fn ident(&mut self) -> Option<Ident<'a>> {
        let punycode = self.eat(b'u');
        let len = self.decimal()?;
        self.eat(b'_');
        let end = self.pos.checked_add(usize::try_from(len).ok()?)?;
        let text = self.input.get(self.pos..end)?;
        if !text.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_') {
            return None;
        }
        self.pos = end;
        Some(Ident { text, punycode })
    }

    pub(super) fn ident_text(&mut self, ident: &Ident) -> Option<()> {
        if !self.print {
            return Some(());
        }
        if ident.punycode {
            self.chars.clear();
            crate::punycode::decode(ident.text, &mut self.chars)?;
            for &c in &self.chars {
                self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        } else {
            self.out.extend_from_slice(ident.text);
        }
        Some(())
    }

    /// A number without leading zeros.
    pub(super) fn decimal(&mut self) -> Option<u64> {
        if self.eat(b'0') {
            return Some(0);
        }
        if !self.peek()?.is_ascii_digit() {
            return None;
        }
        let mut value = 0u64;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            self.pos += 1;
        }
        Some(value)
    }

    /// `_` is zero, `0_` one, and so on.
    pub(super) fn base62(&mut self) -> Option<u64> {
        if self.eat(b'_') {
            return Some(0);
        }
        let mut value = 0u64;
        loop {
            let digit = match self.next()? {
                b'_' => break,
                byte @ b'0'..=b'9' => byte - b'0',
                byte @ b'a'..=b'z' => byte - b'a' + 10,
                byte @ b'A'..=b'Z' => byte - b'A' + 36,
                _ => return None,
            };
            value = value.checked_mul(62)?.checked_add(u64::from(digit))?;
        }
        value.checked_add(1)
    }

    /// The number after `tag`, plus one; zero without the tag.
    pub(super) fn optional_base62(&mut self, tag: u8) -> Option<u64> {
        if !self.eat(tag) {
            return Some(0);
        }
        self.base62()?.checked_add(1)
    }
}
