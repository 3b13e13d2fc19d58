//! Prints names and the functions they belong to.

use super::ast::{Node, NodeId, RefQual, StdName};
use super::print::{Ask, Printer};

impl Printer<'_> {
    /// Prints names; false for other nodes.
    pub(super) fn name_left(&mut self, id: NodeId, node: Node) -> bool {
        match node {
            Node::Name(span) => self.span(span),
            Node::Word(text) => self.text(text),
            Node::Nested { qual, name } => self.pair(qual, "::", name),
            Node::Local { scope, entity } => self.pair(scope, "::", entity),
            Node::Friend { qual, name } => self.pair(qual, "::friend ", name),
            Node::Global(name) => {
                self.text("::");
                self.print(name);
            }
            Node::Module { parent, name, partition } => {
                self.print_opt(parent);
                if partition || parent.is_some() {
                    self.text(if partition { ":" } else { "." });
                }
                self.print(name);
            }
            Node::InModule { module, name } => self.pair(name, "@", module),
            Node::Tagged { base, tag } => {
                self.left(base);
                self.text("[abi:");
                self.span(tag);
                self.text("]");
            }
            Node::Templated { name, args } => {
                self.print(name);
                self.print(args);
            }
            Node::TemplateArgs(args) => {
                self.text("<");
                self.angles(|p| p.commas(args));
                self.text(">");
            }
            Node::Std(name) => self.text(std_name(name)),
            Node::StdFull(name) => self.std_full(name),
            Node::CtorDtor { base, dtor } => {
                if dtor {
                    self.text("~");
                }
                self.base_name(base);
            }
            Node::Dtor(name) => {
                self.text("~");
                self.left(name);
            }
            Node::Unnamed(count) => {
                self.text("'unnamed");
                self.span(count);
                self.text("'");
            }
            Node::Closure { info, count } => {
                self.text("'lambda");
                self.span(count);
                self.text("'");
                self.closure_declarator(info);
            }
            _ => return self.function_left(id, node),
        }
        true
    }

    /// Prints the names of functions and of what is generated with them; false for other nodes.
    fn function_left(&mut self, id: NodeId, node: Node) -> bool {
        match node {
            Node::Binding(names) => {
                self.text("[");
                self.commas(names);
                self.text("]");
            }
            Node::Conversion(ty) => {
                self.text("operator ");
                self.print(ty);
            }
            Node::Literal(name) => {
                self.text("operator\"\" ");
                self.print(name);
            }
            Node::Operator(op) => self.operator_name(op),
            Node::Special { text, child } => {
                self.text(text);
                self.print(child);
            }
            Node::ConstructionVtable { derived, base } => {
                self.text("construction vtable for ");
                self.pair(base, "-in-", derived);
            }
            Node::Encoding { info } => self.encoding_left(info),
            Node::EnableIf(conditions) => {
                self.text(" [enable_if:");
                self.commas(conditions);
                self.text("]");
            }
            Node::Suffixed { name, suffix } => {
                self.print(name);
                self.text(" (");
                self.span(suffix);
                self.text(")");
            }
            Node::ExplicitObject(ty) => {
                self.text("this ");
                self.print(ty);
            }
            _ => return self.param_left(id, node),
        }
        true
    }

    fn operator_name(&mut self, op: &str) {
        self.text("operator");
        if op.starts_with(|c: char| c.is_ascii_lowercase()) {
            self.text(" ");
        }
        self.text(op);
    }

    /// `<…>(…)` of a lambda.
    pub(super) fn closure_declarator(&mut self, info: u32) {
        let info = self.arena.closures[info as usize];
        if info.template_params.len > 0 {
            self.text("<");
            self.angles(|p| p.commas(info.template_params));
            self.text(">");
        }
        if info.requires_before.is_some() {
            self.requires_clause(info.requires_before);
            self.text(" ");
        }
        self.open();
        self.commas(info.params);
        self.close();
        self.requires_clause(info.requires_after);
    }

    pub(super) fn encoding_left(&mut self, info: u32) {
        let info = self.arena.encodings[info as usize];
        if let Some(ret) = info.ret {
            self.left(ret);
            if !self.has(Ask::Right, ret) {
                self.text(" ");
            }
        }
        self.print(info.name);
    }

    pub(super) fn encoding_right(&mut self, info: u32) {
        let info = self.arena.encodings[info as usize];
        self.open();
        self.commas(info.params);
        self.close();
        if let Some(ret) = info.ret {
            self.right(ret);
        }
        self.quals(info.quals);
        self.ref_qual(info.refs);
        self.print_opt(info.attrs);
        self.requires_clause(info.requires);
    }

    pub(super) fn ref_qual(&mut self, refs: RefQual) {
        match refs {
            RefQual::None => {}
            RefQual::Lvalue => self.text(" &"),
            RefQual::Rvalue => self.text(" &&"),
        }
    }

    fn std_full(&mut self, name: StdName) {
        self.text("std::");
        self.text(std_base(name));
        self.text(match name {
            StdName::Allocator | StdName::BasicString => "",
            StdName::String => "<char, std::char_traits<char>, std::allocator<char>>",
            _ => "<char, std::char_traits<char>>",
        });
    }

    /// The last component of a name, without template arguments: what a constructor is called.
    fn base_name(&mut self, mut id: NodeId) {
        loop {
            match self.arena.get(id) {
                Node::Name(span) => return self.span(span),
                Node::Word(text) => return self.text(text),
                Node::Operator(op) => return self.operator_name(op),
                Node::Std(name) => return self.text(&std_name(name)["std::".len()..]),
                Node::StdFull(name) => return self.text(std_base(name)),
                Node::Nested { name, .. }
                | Node::Friend { name, .. }
                | Node::Templated { name, .. }
                | Node::InModule { name, .. }
                | Node::Global(name) => id = name,
                Node::Local { entity, .. } => id = entity,
                Node::Tagged { base, .. } => id = base,
                Node::Forward { target: Some(target), busy: false, .. } => id = target,
                _ => return,
            }
        }
    }

    pub(super) fn pair(&mut self, first: NodeId, between: &str, second: NodeId) {
        self.print(first);
        self.text(between);
        self.print(second);
    }
}

fn std_name(name: StdName) -> &'static str {
    match name {
        StdName::Allocator => "std::allocator",
        StdName::BasicString => "std::basic_string",
        StdName::String => "std::string",
        StdName::Istream => "std::istream",
        StdName::Ostream => "std::ostream",
        StdName::Iostream => "std::iostream",
    }
}

/// The template of an abbreviation.
fn std_base(name: StdName) -> &'static str {
    match name {
        StdName::Allocator => "allocator",
        StdName::BasicString | StdName::String => "basic_string",
        StdName::Istream => "basic_istream",
        StdName::Ostream => "basic_ostream",
        StdName::Iostream => "basic_iostream",
    }
}
