//! Types.

use super::ast::{Node, NodeId, RefQual, Shape};
use super::Parser;

impl Parser<'_> {
    pub(super) fn ty(&mut self) -> Option<NodeId> {
        self.nested(Self::ty_inner)
    }

    /// A type; all but builtin ones and substitutions themselves are remembered for substitutions.
    fn ty_inner(&mut self) -> Option<NodeId> {
        let node = match self.peek()? {
            b'r' | b'V' | b'K' => {
                let quals = [b'r', b'V', b'K'];
                let mut after = 0;
                for qual in quals {
                    after += usize::from(self.peek_at(after) == Some(qual));
                }
                if self.at_function(after) {
                    self.function()?
                } else {
                    self.qualified()?
                }
            }
            b'U' => self.qualified()?,
            b'u' => self.vendor_type()?,
            b'D' => return self.d_type(),
            b'F' => self.function()?,
            b'A' => self.array()?,
            b'M' => self.member_pointer()?,
            b'T' => self.t_type()?,
            b'P' => {
                self.pos += 1;
                let to = self.ty()?;
                self.add_shaped(Node::Pointer(to), self.shape(to).pointed())?
            }
            byte @ (b'R' | b'O') => {
                self.pos += 1;
                let to = self.ty()?;
                let node = Node::Reference { to, rvalue: byte == b'O', busy: false };
                self.add_shaped(node, self.shape(to).pointed())?
            }
            byte @ (b'C' | b'G') => {
                self.pos += 1;
                let base = self.ty()?;
                let text = if byte == b'C' { " complex" } else { " imaginary" };
                self.add(Node::Postfixed { base, text })?
            }
            b'S' => {
                let (node, whole) = self.s_type()?;
                if whole {
                    return Some(node);
                }
                node
            }
            byte => match builtin(byte) {
                Some(text) => {
                    self.pos += 1;
                    return self.word(text);
                }
                None => self.class_type()?,
            },
        };
        self.remember(node);
        Some(node)
    }

    /// Whether a function type starts `ahead` bytes from here.
    fn at_function(&self, ahead: usize) -> bool {
        match self.peek_at(ahead) {
            Some(b'F') => true,
            Some(b'D') => matches!(self.peek_at(ahead + 1), Some(b'o' | b'O' | b'w' | b'x')),
            _ => false,
        }
    }

    fn class_type(&mut self) -> Option<NodeId> {
        let keyword = match (self.peek(), self.peek_at(1)) {
            (Some(b'T'), Some(b's')) => "struct",
            (Some(b'T'), Some(b'u')) => "union",
            (Some(b'T'), Some(b'e')) => "enum",
            _ => return self.name(None),
        };
        self.pos += 2;
        let name = self.name(None)?;
        self.add(Node::Elaborated { keyword, name })
    }

    /// Types under `T`: template parameters with or without arguments, and elaborated types.
    fn t_type(&mut self) -> Option<NodeId> {
        if matches!(self.peek_at(1), Some(b's' | b'u' | b'e')) {
            return self.class_type();
        }
        let param = self.template_param()?;
        if self.template_args && self.peek() == Some(b'I') {
            self.remember(param);
            let args = self.template_args(false)?;
            return self.add(Node::Templated { name: param, args });
        }
        Some(param)
    }

    /// Types under `S`; tells whether it is a substitution and nothing else.
    fn s_type(&mut self) -> Option<(NodeId, bool)> {
        if self.peek_at(1) == Some(b't') {
            return Some((self.class_type()?, false));
        }
        let (name, substituted) = self.unscoped_name(None, true)?;
        if self.peek() == Some(b'I') && (!substituted || self.template_args) {
            if !substituted {
                self.remember(name);
            }
            let args = self.template_args(false)?;
            return Some((self.add(Node::Templated { name, args })?, false));
        }
        Some((name, substituted))
    }

    /// `U <ext> [<args>]` and cv-qualifiers before a type.
    fn qualified(&mut self) -> Option<NodeId> {
        if self.eat(b'U') {
            return self.nested(Self::vendor_qualified);
        }
        let quals = self.cv_quals();
        let base = self.ty()?;
        if quals == 0 {
            return Some(base);
        }
        self.add_shaped(Node::Qualified { base, quals }, self.shape(base))
    }

    fn vendor_qualified(&mut self) -> Option<NodeId> {
        let ext = self.counted_bytes()?;
        if ext.len == 0 {
            return None;
        }
        if ext.of(self.input).starts_with(b"objcproto") {
            // The protocol is a counted name inside the counted name; what follows it there is ignored.
            let end = self.pos;
            let whole = self.input;
            self.input = &whole[..end];
            self.pos = ext.start as usize + b"objcproto".len();
            let protocol = self.counted_bytes();
            self.input = whole;
            self.pos = end;
            let protocol = protocol.filter(|p| p.len > 0)?;
            let base = self.qualified()?;
            return self.add(Node::ObjCProto { base, protocol });
        }
        let args = if self.peek() == Some(b'I') { Some(self.template_args(false)?) } else { None };
        let base = self.qualified()?;
        self.add(Node::VendorQualified { base, ext, args })
    }

    /// `u <name> [I <type> E]`
    fn vendor_type(&mut self) -> Option<NodeId> {
        self.expect(b'u')?;
        let name = self.counted_bytes()?;
        if name.len == 0 {
            return None;
        }
        if self.eat(b'I') {
            let base = self.ty()?;
            self.expect(b'E')?;
            return self.add(Node::Transformed { name, base });
        }
        self.add(Node::Name(name))
    }

    /// Types under `D`.
    fn d_type(&mut self) -> Option<NodeId> {
        let node = match self.peek_at(1)? {
            b't' | b'T' => self.decltype()?,
            b'v' => self.vector()?,
            b'p' => {
                self.pos += 2;
                let child = self.ty()?;
                self.add(Node::Expansion(child))?
            }
            b'o' | b'O' | b'w' | b'x' => self.function()?,
            byte @ (b'B' | b'U') => {
                self.pos += 2;
                let number = if self.peek_digit() {
                    let digits = self.number(false);
                    self.add(Node::Name(digits))?
                } else {
                    self.expr()?
                };
                self.expect(b'_')?;
                self.add(Node::BitInt { bits: number, unsigned: byte == b'U' })?
            }
            _ => return self.d_word(),
        };
        self.remember(node);
        Some(node)
    }

    /// Types under `D` that are not substitutions.
    fn d_word(&mut self) -> Option<NodeId> {
        match self.peek_at(1)? {
            b'F' => {
                self.pos += 2;
                if self.eat_str(b"16b") {
                    return self.word("std::bfloat16_t");
                }
                let bits = self.number(false);
                self.expect(b'_')?;
                let bits = self.add(Node::Name(bits))?;
                self.add(Node::FloatOfBits(bits))
            }
            byte @ (b'k' | b'K') => {
                // A placeholder with its constraint.
                self.pos += 2;
                let base = self.name(None)?;
                let text = if byte == b'k' { " auto" } else { " decltype(auto)" };
                self.add(Node::Postfixed { base, text })
            }
            b'S' => {
                self.pos += 2;
                self.expect(b'D')?;
                let name = self.word(fixed_point(&self.input[self.pos..])?)?;
                self.pos += 2;
                self.add(Node::Elaborated { keyword: "_Sat", name })
            }
            byte => {
                let text = match d_builtin(byte) {
                    Some(text) => {
                        self.pos += 2;
                        text
                    }
                    None => {
                        let text = fixed_point(&self.input[self.pos + 1..])?;
                        self.pos += 3;
                        text
                    }
                };
                self.word(text)
            }
        }
    }

    pub(super) fn decltype(&mut self) -> Option<NodeId> {
        self.pos += 2;
        let operand = self.expr()?;
        self.expect(b'E')?;
        self.add(Node::Enclosed { word: "decltype", operand, prec: super::ops::Prec::Primary })
    }

    /// `Dv <number> _ <type>`, `Dv <number> _ p`, `Dv _ <expr> _ <type>`, `Dv _ <type>`
    fn vector(&mut self) -> Option<NodeId> {
        self.pos += 2;
        let dimension = if matches!(self.peek()?, b'1'..=b'9') {
            let number = self.number(false);
            self.expect(b'_')?;
            let number = self.add(Node::Name(number))?;
            if self.eat(b'p') {
                return self.add(Node::PixelVector(number));
            }
            Some(number)
        } else if !self.eat(b'_') {
            let expr = self.expr()?;
            self.expect(b'_')?;
            Some(expr)
        } else {
            None
        };
        let base = self.ty()?;
        self.add(Node::Vector { base, dimension })
    }

    fn array(&mut self) -> Option<NodeId> {
        self.expect(b'A')?;
        let dimension = if self.peek_digit() {
            let number = self.number(false);
            self.expect(b'_')?;
            Some(self.add(Node::Name(number))?)
        } else if !self.eat(b'_') {
            let expr = self.expr()?;
            self.expect(b'_')?;
            Some(expr)
        } else {
            None
        };
        let base = self.ty()?;
        self.add_shaped(Node::Array { base, dimension }, Shape::ARRAY)
    }

    fn member_pointer(&mut self) -> Option<NodeId> {
        self.expect(b'M')?;
        let class = self.ty()?;
        let member = self.ty()?;
        self.add_shaped(Node::MemberPointer { class, member }, self.shape(member).pointed())
    }

    /// `[<quals>] [<exception spec>] [Dx] F [Y] <ret> <params> [R|O] E`
    fn function(&mut self) -> Option<NodeId> {
        let quals = self.cv_quals();
        let except = if self.eat_str(b"Do") {
            Some(self.word("noexcept")?)
        } else if self.eat_str(b"DO") {
            let expr = self.expr()?;
            self.expect(b'E')?;
            Some(self.add(Node::Noexcept(expr))?)
        } else if self.eat_str(b"Dw") {
            let types = self.list_until(b'E', Self::ty)?;
            Some(self.add(Node::Throws(types))?)
        } else {
            None
        };
        self.eat_str(b"Dx");
        self.expect(b'F')?;
        self.eat(b'Y');
        let ret = self.ty()?;
        let from = self.mark();
        let refs = loop {
            if self.eat(b'E') {
                break RefQual::None;
            }
            if self.eat(b'v') {
                continue;
            }
            if self.eat_str(b"RE") {
                break RefQual::Lvalue;
            }
            if self.eat_str(b"OE") {
                break RefQual::Rvalue;
            }
            let param = self.ty()?;
            self.push(param);
        };
        let params = self.list(from);
        self.add_shaped(Node::Function { ret, params, quals, refs, except }, Shape::FUNCTION)
    }
}

/// The one-letter builtin types.
fn builtin(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'v' => "void",
        b'w' => "wchar_t",
        b'b' => "bool",
        b'c' => "char",
        b'a' => "signed char",
        b'h' => "unsigned char",
        b's' => "short",
        b't' => "unsigned short",
        b'i' => "int",
        b'j' => "unsigned int",
        b'l' => "long",
        b'm' => "unsigned long",
        b'x' => "long long",
        b'y' => "unsigned long long",
        b'n' => "__int128",
        b'o' => "unsigned __int128",
        b'f' => "float",
        b'd' => "double",
        b'e' => "long double",
        b'g' => "__float128",
        b'z' => "...",
        _ => return None,
    })
}

/// The builtin types `D` introduces.
fn d_builtin(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'd' => "decimal64",
        b'e' => "decimal128",
        b'f' => "decimal32",
        b'h' => "half",
        b'i' => "char32_t",
        b's' => "char16_t",
        b'u' => "char8_t",
        b'a' => "auto",
        b'c' => "decltype(auto)",
        b'n' => "std::nullptr_t",
        _ => return None,
    })
}

/// The fixed-point types, `A` or `R` and a letter for the width.
fn fixed_point(code: &[u8]) -> Option<&'static str> {
    Some(match code.get(..2)? {
        b"As" => "short _Accum",
        b"At" => "unsigned short _Accum",
        b"Ai" => "_Accum",
        b"Aj" => "unsigned _Accum",
        b"Al" => "long _Accum",
        b"Am" => "unsigned long _Accum",
        b"Rs" => "short _Fract",
        b"Rt" => "unsigned short _Fract",
        b"Ri" => "_Fract",
        b"Rj" => "unsigned _Fract",
        b"Rl" => "long _Fract",
        b"Rm" => "unsigned long _Fract",
        _ => return None,
    })
}
