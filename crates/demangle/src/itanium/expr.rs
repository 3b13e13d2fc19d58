//! Expressions.

use super::ast::{FloatKind, NewInfo, Node, NodeId};
use super::ops::{operator, Form, Op, Prec};
use super::Parser;

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Option<NodeId> {
        self.nested(Self::expr_inner)
    }

    fn expr_inner(&mut self) -> Option<NodeId> {
        let global = self.eat_str(b"gs");
        let code = [self.peek()?, self.peek_at(1)?];
        if let Some(op) = operator(code) {
            self.pos += 2;
            return self.operation(op, global);
        }
        match &code {
            [b'L', _] => return self.expr_primary(),
            [b'T', _] => return self.template_param(),
            b"fp" => return self.function_param(),
            b"fL" if self.peek_at(2).is_some_and(|b| b.is_ascii_digit()) => return self.function_param(),
            [b'f', _] => return self.fold(),
            [b'u', _] => return self.vendor_expr(),
            _ => {}
        }
        self.pos += 2;
        match &code {
            b"il" => {
                let inits = self.list_until(b'E', Self::braced_expr)?;
                self.add(Node::InitList { ty: None, inits })
            }
            b"tl" => {
                let ty = self.ty()?;
                let inits = self.list_until(b'E', Self::braced_expr)?;
                self.add(Node::InitList { ty: Some(ty), inits })
            }
            b"mc" => self.member_convert(),
            b"nx" => {
                let operand = self.expr()?;
                self.add(Node::Enclosed { word: "noexcept ", operand, prec: Prec::Unary })
            }
            b"so" => self.subobject(),
            b"sp" => {
                let pattern = self.expr()?;
                self.add(Node::Expansion(pattern))
            }
            b"sZ" => self.sizeof_pack(),
            b"sP" => {
                let args = self.list_until(b'E', Self::template_arg)?;
                let operand = self.add(Node::Elements(args))?;
                self.add(Node::Enclosed { word: "sizeof... ", operand, prec: Prec::Primary })
            }
            b"tr" => self.word("throw"),
            b"tw" => {
                let operand = self.expr()?;
                self.add(Node::Throw(operand))
            }
            b"rq" => self.requires(false),
            b"rQ" => self.requires(true),
            _ => {
                self.pos -= 2;
                self.unresolved_name(global)
            }
        }
    }

    /// The operands of an operator.
    fn operation(&mut self, op: &'static Op, global: bool) -> Option<NodeId> {
        match op.form {
            Form::Binary | Form::Member => {
                let left = self.expr()?;
                let right = self.expr()?;
                self.add(match op.form {
                    Form::Binary => Node::Binary { left, op, right },
                    _ => Node::Member { left, op, right },
                })
            }
            Form::Prefix => {
                let operand = self.expr()?;
                self.add(Node::Prefix { op, operand })
            }
            Form::Postfix => {
                let prefix = self.eat(b'_');
                let operand = self.expr()?;
                self.add(match prefix {
                    true => Node::Prefix { op, operand },
                    false => Node::Postfix { operand, op },
                })
            }
            Form::Subscript => {
                let base = self.expr()?;
                let index = self.expr()?;
                self.add(Node::Subscript { base, index })
            }
            Form::New { array } => self.new_expr(global, array),
            Form::Delete { array } => {
                let operand = self.expr()?;
                self.add(Node::Delete { operand, global, array })
            }
            Form::Call { paren } => {
                let callee = self.expr()?;
                let args = self.list_until(b'E', Self::expr)?;
                self.add(Node::Call { callee, args, paren })
            }
            Form::Conversion => self.conversion(),
            Form::Conditional => {
                let cond = self.expr()?;
                let yes = self.expr()?;
                let no = self.expr()?;
                self.add(Node::Conditional { cond, yes, no })
            }
            Form::NameOnly => None,
            Form::NamedCast => {
                let to = self.ty()?;
                let from = self.expr()?;
                self.add(Node::NamedCast { kind: op, to, from })
            }
            Form::OfType | Form::OfExpr => {
                let operand = if op.form == Form::OfType { self.ty()? } else { self.expr()? };
                self.add(Node::Enclosed { word: op.text, operand, prec: op.prec })
            }
        }
    }

    /// `<placement>* _ <type> (E | pi <init>* E)`
    fn new_expr(&mut self, global: bool, array: bool) -> Option<NodeId> {
        let placement = self.list_until(b'_', Self::expr)?;
        let ty = self.ty()?;
        let from = self.mark();
        let has_inits = self.eat_str(b"pi");
        while !self.eat(b'E') {
            if !has_inits {
                return None;
            }
            let init = self.expr()?;
            self.push(init);
        }
        let inits = self.list(from);
        self.b.arena.news.push(NewInfo { placement, ty, inits, global, array });
        let info = self.b.arena.news.len() as u32 - 1;
        self.add(Node::New { info })
    }

    /// `<type> <expr>` or `<type> _ <expr>* E`
    fn conversion(&mut self) -> Option<NodeId> {
        let template_args = std::mem::replace(&mut self.template_args, false);
        let ty = self.ty();
        self.template_args = template_args;
        let ty = ty?;
        let from = self.mark();
        if self.eat(b'_') {
            while !self.eat(b'E') {
                let arg = self.expr()?;
                self.push(arg);
            }
        } else {
            let arg = self.expr()?;
            self.push(arg);
        }
        let args = self.list(from);
        self.add(Node::Convert { ty, args })
    }

    fn member_convert(&mut self) -> Option<NodeId> {
        let ty = self.ty()?;
        let operand = self.expr()?;
        self.number(true);
        self.expect(b'E')?;
        self.add(Node::MemberConvert { ty, operand })
    }

    /// `<type> <expr> [<offset>] {_ [<selector>]} [p] E`
    fn subobject(&mut self) -> Option<NodeId> {
        let ty = self.ty()?;
        let operand = self.expr()?;
        let offset = self.number(true);
        while self.eat(b'_') {
            self.number(false);
        }
        self.eat(b'p');
        self.expect(b'E')?;
        self.add(Node::Subobject { operand, ty, offset })
    }

    fn sizeof_pack(&mut self) -> Option<NodeId> {
        if self.peek() == Some(b'T') {
            let pack = self.template_param()?;
            return self.add(Node::SizeofPack(pack));
        }
        let operand = self.function_param()?;
        self.add(Node::Enclosed { word: "sizeof... ", operand, prec: Prec::Primary })
    }

    /// `u <name> <template-arg>* E`; `__uuidof` has one argument and no end.
    fn vendor_expr(&mut self) -> Option<NodeId> {
        self.expect(b'u')?;
        let callee = self.source_name()?;
        let from = self.mark();
        let uuid = matches!(self.get(callee), Node::Name(span) if span.of(self.input) == b"__uuidof");
        if uuid && self.eat(b't') {
            let ty = self.ty()?;
            self.push(ty);
        } else if uuid && self.eat(b'z') {
            let expr = self.expr()?;
            self.push(expr);
        } else {
            while !self.eat(b'E') {
                let arg = self.template_arg()?;
                self.push(arg);
            }
        }
        let args = self.list(from);
        self.add(Node::Call { callee, args, paren: false })
    }

    /// `[Q <types> _] {X <expr> [N] [R <constraint>] | T <type> | Q <expr>} E`
    fn requires(&mut self, with_params: bool) -> Option<NodeId> {
        let params = if with_params {
            self.list_until(b'_', Self::ty)?
        } else {
            let from = self.mark();
            self.list(from)
        };
        let from = self.mark();
        loop {
            let requirement = if self.eat(b'X') {
                let expr = self.expr()?;
                let noexcept = self.eat(b'N');
                let ty = if self.eat(b'R') { Some(self.name(None)?) } else { None };
                Node::ExprRequirement { expr, noexcept, ty }
            } else if self.eat(b'T') {
                Node::TypeRequirement(self.ty()?)
            } else if self.eat(b'Q') {
                Node::NestedRequirement(self.expr()?)
            } else {
                return None;
            };
            let requirement = self.add(requirement)?;
            self.push(requirement);
            if self.eat(b'E') {
                break;
            }
        }
        let requirements = self.list(from);
        self.add(Node::Requires { params, requirements })
    }

    /// An initialiser, possibly with a designator.
    fn braced_expr(&mut self) -> Option<NodeId> {
        if self.peek() != Some(b'd') {
            return self.expr();
        }
        let kind = self.peek_at(1);
        if !matches!(kind, Some(b'i' | b'x' | b'X')) {
            return self.expr();
        }
        self.pos += 2;
        self.nested(|p| match kind {
            Some(b'i') => {
                let designator = p.source_name()?;
                let init = p.braced_expr()?;
                p.add(Node::Braced { designator, init, array: false })
            }
            Some(b'x') => {
                let designator = p.expr()?;
                let init = p.braced_expr()?;
                p.add(Node::Braced { designator, init, array: true })
            }
            _ => {
                let first = p.expr()?;
                let last = p.expr()?;
                let init = p.braced_expr()?;
                p.add(Node::BracedRange { first, last, init })
            }
        })
    }

    /// `fp [<quals>] [<number>] _`, `fL <number> p [<quals>] [<number>] _`, `fpT`
    fn function_param(&mut self) -> Option<NodeId> {
        if self.eat_str(b"fpT") {
            return self.word("this");
        }
        if self.eat_str(b"fL") {
            if self.number(false).len == 0 {
                return None;
            }
            self.expect(b'p')?;
        } else if !self.eat_str(b"fp") {
            return None;
        }
        self.cv_quals();
        let number = self.number(false);
        self.expect(b'_')?;
        self.add(Node::FunctionParam(number))
    }

    /// `fl`, `fr`, `fL`, `fR`, the operator, the pack and for the latter two the initial value
    fn fold(&mut self) -> Option<NodeId> {
        self.expect(b'f')?;
        let kind = self.peek()?;
        let (left, has_init) = match kind {
            b'l' => (true, false),
            b'r' => (false, false),
            b'L' => (true, true),
            b'R' => (false, true),
            _ => return None,
        };
        self.pos += 1;
        let op = operator([self.peek()?, self.peek_at(1)?])?;
        self.pos += 2;
        let foldable = op.form == Form::Binary || (op.form == Form::Member && op.text.ends_with('*'));
        if !foldable {
            return None;
        }
        let mut pack = self.expr()?;
        let mut init = if has_init { Some(self.expr()?) } else { None };
        // The operands are mangled in the order they are written.
        if left {
            if let Some(init) = &mut init {
                std::mem::swap(&mut pack, init);
            }
        }
        self.add(Node::Fold { left, op, pack, init })
    }

    /// Names that are looked up when the template is instantiated.
    fn unresolved_name(&mut self, global: bool) -> Option<NodeId> {
        let mut so_far;
        if self.eat_str(b"srN") {
            so_far = self.unresolved_type_with_args()?;
            while !self.eat(b'E') {
                let name = self.simple_id()?;
                so_far = self.add(Node::Nested { qual: so_far, name })?;
            }
        } else if !self.eat_str(b"sr") {
            let name = self.base_unresolved_name()?;
            return if global { self.add(Node::Global(name)) } else { Some(name) };
        } else if self.peek_digit() {
            so_far = self.simple_id()?;
            if global {
                so_far = self.add(Node::Global(so_far))?;
            }
            while !self.eat(b'E') {
                let name = self.simple_id()?;
                so_far = self.add(Node::Nested { qual: so_far, name })?;
            }
        } else {
            so_far = self.unresolved_type_with_args()?;
        }
        let name = self.base_unresolved_name()?;
        self.add(Node::Nested { qual: so_far, name })
    }

    fn unresolved_type_with_args(&mut self) -> Option<NodeId> {
        let name = self.unresolved_type()?;
        self.with_args(name)
    }

    fn with_args(&mut self, name: NodeId) -> Option<NodeId> {
        if self.peek() != Some(b'I') {
            return Some(name);
        }
        let args = self.template_args(false)?;
        self.add(Node::Templated { name, args })
    }

    fn unresolved_type(&mut self) -> Option<NodeId> {
        let node = match self.peek()? {
            b'T' => self.template_param()?,
            b'D' if matches!(self.peek_at(1), Some(b't' | b'T')) => self.decltype()?,
            b'D' => return None,
            _ => return self.substitution(),
        };
        self.remember(node);
        Some(node)
    }

    /// `<source-name> [<template-args>]`
    fn simple_id(&mut self) -> Option<NodeId> {
        let name = self.source_name()?;
        self.with_args(name)
    }

    fn base_unresolved_name(&mut self) -> Option<NodeId> {
        if self.peek_digit() {
            return self.simple_id();
        }
        if self.eat_str(b"dn") {
            let name = if self.peek_digit() { self.simple_id()? } else { self.unresolved_type()? };
            return self.add(Node::Dtor(name));
        }
        self.eat_str(b"on");
        let name = self.operator_name(None)?;
        self.with_args(name)
    }

    /// `L <type> <value> E`, `L _Z <encoding> E` and the literals without a value.
    pub(super) fn expr_primary(&mut self) -> Option<NodeId> {
        self.expect(b'L')?;
        let first = self.peek()?;
        if literal_type(first).is_some() {
            self.pos += 1;
            return self.integer(first);
        }
        match first {
            b'b' => {
                self.pos += 1;
                if self.eat_str(b"0E") {
                    return self.word("false");
                }
                if self.eat_str(b"1E") {
                    return self.word("true");
                }
                None
            }
            b'f' => self.float(FloatKind::Float, 8),
            b'd' => self.float(FloatKind::Double, 16),
            b'e' => self.float(FloatKind::LongDouble, 20),
            b'_' => {
                if !self.eat_str(b"_Z") {
                    return None;
                }
                let encoding = self.encoding()?;
                self.expect(b'E')?;
                Some(encoding)
            }
            b'A' => {
                let ty = self.ty()?;
                self.expect(b'E')?;
                self.add(Node::StringLiteral(ty))
            }
            b'D' => {
                // Of the types under `D` only the null pointer's has literals.
                if !self.eat_str(b"Dn") {
                    return None;
                }
                self.eat(b'0');
                self.expect(b'E')?;
                self.word("nullptr")
            }
            // A template parameter's value is never mangled this way.
            b'T' => None,
            b'U' => {
                if self.peek_at(1) != Some(b'l') {
                    return None;
                }
                let lambda = self.unnamed_type(false)?;
                self.expect(b'E')?;
                self.add(Node::Lambda(lambda))
            }
            _ => {
                let ty = self.ty()?;
                let value = self.number(true);
                if value.len == 0 {
                    return None;
                }
                self.expect(b'E')?;
                self.add(Node::Enumerator { ty, value })
            }
        }
    }

    fn integer(&mut self, ty: u8) -> Option<NodeId> {
        let value = self.number(true);
        if value.len == 0 {
            return None;
        }
        self.expect(b'E')?;
        self.add(Node::Integer { ty, value })
    }

    /// The bytes of the value as hex digits, the most significant first.
    fn float(&mut self, kind: FloatKind, digits: usize) -> Option<NodeId> {
        self.pos += 1;
        let start = self.pos;
        let text = self.input.get(start..start + digits)?;
        if !text.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        self.pos += digits;
        let bytes = self.since(start);
        self.expect(b'E')?;
        self.add(Node::Float { kind, bytes })
    }
}

/// How a literal of the type is written: a suffix of at most three letters, or the type in parentheses.
pub(super) fn literal_type(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'w' => "wchar_t",
        b'c' => "char",
        b'a' => "signed char",
        b'h' => "unsigned char",
        b's' => "short",
        b't' => "unsigned short",
        b'i' => "",
        b'j' => "u",
        b'l' => "l",
        b'm' => "ul",
        b'x' => "ll",
        b'y' => "ull",
        b'n' => "__int128",
        b'o' => "unsigned __int128",
        _ => return None,
    })
}
