//! Prints types.

use super::ast::{Node, NodeId, Quals, CONST, RESTRICT, VOLATILE};
use super::print::{Ask, Printer};

impl Printer<'_> {
    /// Prints the part of a type before its declarator. Returns false if the node is not a type.
    pub(super) fn type_left(&mut self, id: NodeId, node: Node) -> bool {
        match node {
            Node::Qualified { base, quals } => {
                self.left(base);
                self.quals(quals);
            }
            Node::Pointer(to) => self.pointer_left(to),
            Node::Reference { to, rvalue, busy } => {
                if !busy {
                    self.reference(id, |p| {
                        if let Some((to, rvalue)) = p.collapse(to, rvalue) {
                            p.left(to);
                            p.declarator_left(to, if rvalue { "&&" } else { "&" });
                        }
                    });
                }
            }
            Node::MemberPointer { class, member } => {
                self.left(member);
                let paren = self.has(Ask::Array, member) || self.has(Ask::Function, member);
                self.text(if paren { "(" } else { " " });
                self.print(class);
                self.text("::*");
            }
            Node::Array { base, .. } => self.left(base),
            Node::Function { ret, .. } => {
                self.left(ret);
                self.text(" ");
            }
            _ => return self.plain_type(node),
        }
        true
    }

    /// Types and parts of types that precede the declarator completely.
    fn plain_type(&mut self, node: Node) -> bool {
        match node {
            Node::VendorQualified { base, ext, args } => {
                self.print(base);
                self.text(" ");
                self.span(ext);
                self.print_opt(args);
            }
            Node::ObjCProto { base, protocol } => {
                self.print(base);
                self.text("<");
                self.span(protocol);
                self.text(">");
            }
            Node::Postfixed { base, text } => {
                self.left(base);
                self.text(text);
            }
            Node::Transformed { name, base } => {
                self.span(name);
                self.text("(");
                self.print(base);
                self.text(")");
            }
            Node::Noexcept(expr) => {
                self.text("noexcept");
                self.open();
                self.operand(expr, super::ops::Prec::Any, false);
                self.close();
            }
            Node::Throws(types) => {
                self.text("throw");
                self.open();
                self.commas(types);
                self.close();
            }
            Node::Vector { base, dimension } => {
                self.print(base);
                self.text(" vector[");
                self.print_opt(dimension);
                self.text("]");
            }
            Node::PixelVector(dimension) => {
                self.text("pixel vector[");
                self.print(dimension);
                self.text("]");
            }
            Node::FloatOfBits(bits) => {
                self.text("_Float");
                self.print(bits);
            }
            Node::BitInt { bits, unsigned } => {
                self.text(if unsigned { "unsigned _BitInt" } else { "_BitInt" });
                self.open();
                self.print(bits);
                self.close();
            }
            Node::Elaborated { keyword, name } => {
                self.text(keyword);
                self.text(" ");
                self.print(name);
            }
            _ => return false,
        }
        true
    }

    /// What a type prints after its declarator.
    pub(super) fn type_right(&mut self, id: NodeId, node: Node) {
        match node {
            Node::Qualified { base, .. } => self.right(base),
            Node::Pointer(to) if self.objc_id(to) => {}
            Node::Pointer(to) => self.declarator_right(to),
            Node::Reference { to, rvalue, busy: false } => self.reference(id, |p| {
                if let Some((to, _)) = p.collapse(to, rvalue) {
                    p.declarator_right(to);
                }
            }),
            Node::MemberPointer { member, .. } => self.declarator_right(member),
            Node::Array { base, dimension } => {
                if self.out.last() != Some(&b']') {
                    self.text(" ");
                }
                self.text("[");
                self.print_opt(dimension);
                self.text("]");
                self.right(base);
            }
            Node::Function { ret, params, quals, refs, except } => {
                self.open();
                self.commas(params);
                self.close();
                self.right(ret);
                self.quals(quals);
                self.ref_qual(refs);
                if let Some(except) = except {
                    self.text(" ");
                    self.print(except);
                }
            }
            _ => {}
        }
    }

    pub(super) fn quals(&mut self, quals: Quals) {
        for (qual, text) in [(CONST, " const"), (VOLATILE, " volatile"), (RESTRICT, " restrict")] {
            if quals & qual != 0 {
                self.text(text);
            }
        }
    }

    /// Whether a pointer to this is Objective-C's `id<Protocol>`.
    fn objc_id(&self, to: NodeId) -> bool {
        let Node::ObjCProto { base, .. } = self.arena.get(to) else { return false };
        matches!(self.arena.get(base), Node::Name(span) if span.of(self.input) == b"objc_object")
    }

    fn pointer_left(&mut self, to: NodeId) {
        if self.objc_id(to) {
            if let Node::ObjCProto { protocol, .. } = self.arena.get(to) {
                self.text("id<");
                self.span(protocol);
                self.text(">");
            }
            return;
        }
        self.left(to);
        self.declarator_left(to, "*");
    }

    /// The sign of a pointer or reference, in parentheses before an array or function.
    fn declarator_left(&mut self, to: NodeId, sign: &str) {
        let array = self.has(Ask::Array, to);
        if array {
            self.text(" ");
        }
        if array || self.has(Ask::Function, to) {
            self.text("(");
        }
        self.text(sign);
    }

    fn declarator_right(&mut self, to: NodeId) {
        if self.has(Ask::Array, to) || self.has(Ask::Function, to) {
            self.text(")");
        }
        self.right(to);
    }

    /// Prints half of a reference. It is marked as being printed if it may be part of what it refers to.
    fn reference(&mut self, id: NodeId, half: impl FnOnce(&mut Self)) {
        if self.arena.fixed(id) {
            return half(self);
        }
        self.busy(id, true);
        half(self);
        self.busy(id, false);
    }

    /// What a reference refers to, and whether as `&&`, references to references collapsed.
    fn collapse(&mut self, mut to: NodeId, mut rvalue: bool) -> Option<(NodeId, bool)> {
        // A reference through a template argument to itself never ends; no name is longer than this.
        let mut bound = self.input.len() + 1;
        loop {
            let inner = self.syntax_node(to);
            let Node::Reference { to: next, rvalue: next_rvalue, .. } = self.arena.get(inner) else {
                return Some((to, rvalue));
            };
            bound = bound.checked_sub(1)?;
            self.step()?;
            to = next;
            rvalue &= next_rvalue;
        }
    }

    /// Follows pack elements and forward references to the node that they mean.
    fn syntax_node(&mut self, mut id: NodeId) -> NodeId {
        let mut bound = self.input.len() + 1;
        loop {
            let next = match self.arena.get(id) {
                Node::Forward { target: Some(target), busy: false, .. } => target,
                Node::Pack(items) => match self.pack_item(items) {
                    Some(item) => item,
                    None => return id,
                },
                _ => return id,
            };
            if bound == 0 || self.step().is_none() {
                return id;
            }
            bound -= 1;
            id = next;
        }
    }
}
