//! Prints expressions.

use super::ast::{List, Node, NodeId, Span};
use super::expr::literal_type;
use super::float;
use super::ops::{Op, Prec};
use super::print::Printer;

impl Printer<'_> {
    /// How tightly the node's operator binds.
    pub(super) fn precedence(&self, id: NodeId) -> Prec {
        match self.arena.get(id) {
            Node::Binary { op, .. }
            | Node::Prefix { op, .. }
            | Node::Postfix { op, .. }
            | Node::Member { op, .. } => op.prec,
            Node::Enclosed { prec, .. } => prec,
            Node::Subscript { .. } | Node::Call { .. } | Node::NamedCast { .. } => Prec::Postfix,
            Node::New { .. } | Node::Delete { .. } | Node::MemberConvert { .. } => Prec::Unary,
            Node::Convert { .. } => Prec::Cast,
            Node::Conditional { .. } => Prec::Conditional,
            _ => Prec::Primary,
        }
    }

    /// Prints any node that is neither a name nor a type.
    pub(super) fn expr(&mut self, node: Node) {
        match node {
            Node::Binary { left, op, right } => self.binary(left, op, right),
            Node::Prefix { op, operand } => {
                self.text(op.text);
                self.operand(operand, op.prec, false);
            }
            Node::Postfix { operand, op } => {
                self.operand(operand, op.prec, true);
                self.text(op.text);
            }
            Node::Subscript { base, index } => {
                self.operand(base, Prec::Postfix, false);
                self.text("[");
                self.parens += 1;
                self.print(index);
                self.parens -= 1;
                self.text("]");
            }
            Node::Member { left, op, right } => {
                self.operand(left, op.prec, true);
                self.text(op.text);
                self.operand(right, op.prec, false);
            }
            Node::Conditional { cond, yes, no } => {
                self.operand(cond, Prec::Conditional, false);
                self.text(" ? ");
                self.print(yes);
                self.text(" : ");
                self.operand(no, Prec::Assign, true);
            }
            Node::NamedCast { kind, to, from } => {
                self.text(kind.text);
                self.text("<");
                self.angles(|p| p.left(to));
                self.text(">");
                self.parenthesised(from);
            }
            Node::Convert { ty, args } => {
                self.parenthesised(ty);
                self.open();
                self.commas(args);
                self.close();
            }
            Node::Call { callee, args, paren } => {
                if paren {
                    self.open();
                }
                self.print(callee);
                if paren {
                    self.close();
                }
                self.open();
                self.commas(args);
                self.close();
            }
            _ => self.operand_expr(node),
        }
    }

    /// Expressions with an operand in a form of its own.
    fn operand_expr(&mut self, node: Node) {
        match node {
            Node::New { info } => self.new_expr(info),
            Node::Delete { operand, global, array } => {
                self.text(if global { "::delete" } else { "delete" });
                self.text(if array { "[] " } else { " " });
                self.print(operand);
            }
            Node::Throw(operand) => {
                self.text("throw ");
                self.print(operand);
            }
            Node::Enclosed { word, operand, .. } => {
                self.text(word);
                self.parenthesised(operand);
            }
            Node::SizeofPack(pack) => {
                self.text("sizeof...");
                self.open();
                self.expansion(pack);
                self.close();
            }
            Node::FunctionParam(number) => {
                self.text("fp");
                self.span(number);
            }
            Node::Fold { left, op, pack, init } => self.fold(left, op.text, pack, init),
            Node::InitList { ty, inits } => {
                if !self.string(ty, inits) {
                    self.print_opt(ty);
                    self.text("{");
                    self.commas(inits);
                    self.text("}");
                }
            }
            Node::Braced { designator, init, array } => {
                self.text(if array { "[" } else { "." });
                self.print(designator);
                self.text(if array { "]" } else { "" });
                self.braced_init(init);
            }
            Node::BracedRange { first, last, init } => {
                self.text("[");
                self.print(first);
                self.text(" ... ");
                self.print(last);
                self.text("]");
                self.braced_init(init);
            }
            _ => self.literal_expr(node),
        }
    }

    /// What is written about constant values, and requirements.
    fn literal_expr(&mut self, node: Node) {
        match node {
            Node::MemberConvert { ty, operand } => {
                self.parenthesised(ty);
                self.parenthesised(operand);
            }
            Node::Subobject { operand, ty, offset } => {
                self.print(operand);
                self.text(".<");
                self.print(ty);
                self.text(" at offset ");
                if offset.len == 0 {
                    self.text("0");
                } else {
                    self.signed(offset);
                }
                self.text(">");
            }
            Node::Requires { params, requirements } => self.requires_expr(params, requirements),
            Node::ExprRequirement { expr, noexcept, ty } => self.requirement(expr, noexcept, ty),
            Node::TypeRequirement(ty) => {
                self.text(" typename ");
                self.print(ty);
                self.text(";");
            }
            Node::NestedRequirement(constraint) => {
                self.text(" requires ");
                self.print(constraint);
                self.text(";");
            }
            Node::Integer { ty, value } => {
                let ty = literal_type(ty).unwrap_or_default();
                if ty.len() > 3 {
                    self.open();
                    self.text(ty);
                    self.close();
                }
                self.signed(value);
                if ty.len() <= 3 {
                    self.text(ty);
                }
            }
            Node::Enumerator { ty, value } => {
                self.parenthesised(ty);
                self.signed(value);
            }
            Node::Float { kind, bytes } => float::write(kind, bytes.of(self.input), self.out),
            Node::StringLiteral(ty) => {
                self.text("\"<");
                self.print(ty);
                self.text(">\"");
            }
            Node::Lambda(lambda) => {
                self.text("[]");
                if let Node::Closure { info, .. } = self.arena.get(lambda) {
                    self.closure_declarator(info);
                }
                self.text("{...}");
            }
            _ => {}
        }
    }

    fn parenthesised(&mut self, id: NodeId) {
        self.open();
        self.print(id);
        self.close();
    }

    /// A number, `n` being its minus sign.
    fn signed(&mut self, number: Span) {
        let digits = number.of(self.input);
        match digits.strip_prefix(b"n") {
            Some(digits) => {
                self.out.push(b'-');
                self.out.extend_from_slice(digits);
            }
            None => self.out.extend_from_slice(digits),
        }
    }

    fn binary(&mut self, left: NodeId, op: &Op, right: NodeId) {
        let Op { prec, text: op, .. } = *op;
        // Without parentheses, these would end the template arguments.
        let paren = self.gt_ends_args() && (op == ">" || op == ">>");
        if paren {
            self.open();
        }
        let assigns = prec == Prec::Assign;
        self.operand(left, if assigns { Prec::OrIf } else { prec }, !assigns);
        if op != "," {
            self.text(" ");
        }
        self.text(op);
        self.text(" ");
        self.operand(right, prec, assigns);
        if paren {
            self.close();
        }
    }

    fn new_expr(&mut self, info: u32) {
        let info = self.arena.news[info as usize];
        self.text(if info.global { "::new" } else { "new" });
        if info.array {
            self.text("[]");
        }
        if info.placement.len > 0 {
            self.open();
            self.commas(info.placement);
            self.close();
        }
        self.text(" ");
        self.print(info.ty);
        if info.inits.len > 0 {
            self.open();
            self.commas(info.inits);
            self.close();
        }
    }

    /// `([init op] ... op pack)` or `(pack op ... [op init])`
    fn fold(&mut self, left: bool, op: &str, pack: NodeId, init: Option<NodeId>) {
        self.open();
        match (left, init) {
            (true, None) => {}
            (true, Some(init)) => self.operand(init, Prec::Cast, true),
            (false, _) => self.fold_pack(pack),
        }
        if !left || init.is_some() {
            self.fold_operator(op);
        }
        self.text("...");
        if left || init.is_some() {
            self.fold_operator(op);
        }
        match (left, init) {
            (true, _) => self.fold_pack(pack),
            (false, Some(init)) => self.operand(init, Prec::Cast, true),
            (false, None) => {}
        }
        self.close();
    }

    fn fold_pack(&mut self, pack: NodeId) {
        self.open();
        self.expansion(pack);
        self.close();
    }

    fn fold_operator(&mut self, op: &str) {
        self.text(" ");
        self.text(op);
        self.text(" ");
    }

    fn braced_init(&mut self, init: NodeId) {
        if !matches!(self.arena.get(init), Node::Braced { .. } | Node::BracedRange { .. }) {
            self.text(" = ");
        }
        self.print(init);
    }

    fn requires_expr(&mut self, params: List, requirements: List) {
        self.text("requires");
        if params.len > 0 {
            self.text(" ");
            self.open();
            self.commas(params);
            self.close();
        }
        self.text(" ");
        self.parens += 1;
        self.text("{");
        for i in 0..requirements.len {
            self.print(self.arena.item(requirements, i));
        }
        self.text(" ");
        self.parens -= 1;
        self.text("}");
    }

    fn requirement(&mut self, expr: NodeId, noexcept: bool, ty: Option<NodeId>) {
        let braces = noexcept || ty.is_some();
        self.text(" ");
        if braces {
            self.parens += 1;
            self.text("{");
        }
        self.print(expr);
        if braces {
            self.parens -= 1;
            self.text("}");
        }
        if noexcept {
            self.text(" noexcept");
        }
        if let Some(ty) = ty {
            self.text(" -> ");
            self.print(ty);
        }
        self.text(";");
    }
}

impl Printer<'_> {
    /// Prints an array of `char` whose elements are all bytes as a string literal. Returns false for any other
    /// array.
    fn string(&mut self, ty: Option<NodeId>, inits: List) -> bool {
        let Some(Node::Array { base, .. }) = ty.map(|ty| self.arena.get(ty)) else { return false };
        let of_char = match self.arena.get(base) {
            Node::Name(span) => span.of(self.input) == b"char",
            Node::Word(text) => text == "char",
            _ => false,
        };
        if !of_char || (0..inits.len).any(|i| self.byte_literal(self.arena.item(inits, i)).is_none()) {
            return false;
        }
        self.text("\"");
        let mut after_number = false;
        for i in 0..inits.len {
            let Some(byte) = self.byte_literal(self.arena.item(inits, i)) else { break };
            if after_number && byte.is_ascii_hexdigit() {
                // Another hex digit would belong to the escape.
                self.text("\"\"");
            }
            after_number = self.string_byte(byte);
        }
        self.text("\"");
        true
    }

    /// One byte of a string literal; tells whether it is written as a number.
    fn string_byte(&mut self, byte: u8) -> bool {
        use std::io::Write;
        let escape = match byte {
            b'\x07' => "\\a",
            b'\x08' => "\\b",
            b'\t' => "\\t",
            b'\n' => "\\n",
            b'\x0b' => "\\v",
            b'\x0c' => "\\f",
            b'\r' => "\\r",
            b'"' => "\\\"",
            b'\\' => "\\\\",
            // Writing to a vector cannot fail.
            0..=6 => {
                let _ = write!(self.out, "\\{byte}");
                return true;
            }
            0x0e..=0x1f | 0x7f => {
                let _ = write!(self.out, "\\x{byte:X}");
                return true;
            }
            _ => {
                self.out.push(byte);
                return false;
            }
        };
        self.text(escape);
        false
    }

    /// The value of an integer literal that is a byte.
    fn byte_literal(&self, id: NodeId) -> Option<u8> {
        let Node::Integer { value, .. } = self.arena.get(id) else { return None };
        value.of(self.input).iter().try_fold(0u8, |byte, digit| {
            let digit = digit.wrapping_sub(b'0');
            byte.checked_mul(10)?.checked_add((digit < 10).then_some(digit)?)
        })
    }
}
