//! Writes the tree of a name as text: the walk itself, template parameters and packs. Names, types and
//! expressions are in [`print_name`](super::print_name), [`print_type`](super::print_type) and
//! [`print_expr`](super::print_expr).
//!
//! C++ types surround what they declare (`int (*)[3]`), so a node prints in two halves, [`Printer::left`]
//! and [`Printer::right`]. A substitution used twice is printed twice, so text may be exponentially longer
//! than the name: the walk counts its steps and the text's length and gives up at a limit.

use super::arena::Arena;
use super::ast::{List, Node, NodeId, ParamKind, Span, Tri};
use super::ops::Prec;
use crate::limits::Limits;

/// No pack is being expanded.
const NO_PACK: u32 = u32::MAX;

pub(super) struct Printer<'a> {
    pub(super) input: &'a [u8],
    pub(super) arena: &'a mut Arena,
    pub(super) out: &'a mut Vec<u8>,
    limits: &'a Limits<'a>,
    steps: usize,
    depth: u32,
    /// A limit was reached: nothing more is printed.
    failed: bool,
    /// Whether template arguments are being printed, and how many parentheses are open in them: only there
    /// does `>` need none of its own.
    in_args: bool,
    pub(super) parens: u32,
    pack_index: u32,
    pack_len: u32,
    /// The range in `out` of a node's text that was already printed.
    printed: &'a mut Vec<Printed>,
    /// How often text was taken back: what was printed before that may be gone.
    epoch: u32,
}

/// The text of a node in the output.
#[derive(Clone, Copy, Default)]
pub(super) struct Printed {
    start: u32,
    /// Zero if the node was not printed.
    len: u32,
    epoch: u32,
}

/// Appends the text of `root` to `out`.
pub(super) fn print(
    root: NodeId,
    input: &[u8],
    arena: &mut Arena,
    printed: &mut Vec<Printed>,
    out: &mut Vec<u8>,
    limits: &Limits,
) -> Option<()> {
    printed.clear();
    printed.resize(arena.len(), Printed::default());
    let mut printer = Printer {
        input,
        arena,
        out,
        limits,
        steps: limits.steps,
        depth: limits.depth,
        failed: false,
        in_args: false,
        parens: 0,
        pack_index: NO_PACK,
        pack_len: NO_PACK,
        printed,
        epoch: 0,
    };
    printer.print(root);
    (!printer.failed).then_some(())
}

/// Which of a [`Shape`](super::ast::Shape)'s questions is asked.
#[derive(Clone, Copy)]
pub(super) enum Ask {
    Right,
    Array,
    Function,
}

impl Printer<'_> {
    pub(super) fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(super) fn span(&mut self, span: Span) {
        self.out.extend_from_slice(span.of(self.input));
    }

    pub(super) fn open(&mut self) {
        self.parens += 1;
        self.out.push(b'(');
    }

    pub(super) fn close(&mut self) {
        self.parens -= 1;
        self.out.push(b')');
    }

    /// Runs `write` as the inside of template arguments. Within others the parentheses open there count on:
    /// they protect what is nested as well.
    pub(super) fn angles(&mut self, write: impl FnOnce(&mut Self)) {
        if self.in_args {
            return write(self);
        }
        let parens = std::mem::replace(&mut self.parens, 0);
        self.in_args = true;
        write(self);
        self.in_args = false;
        self.parens = parens;
    }

    /// Whether `>` would be taken for the end of template arguments. Outside of any LLVM supposes so too.
    pub(super) fn gt_ends_args(&self) -> bool {
        !self.in_args || self.parens == 0
    }

    /// One step of the walk; false if a limit is reached.
    fn enter(&mut self) -> bool {
        if self.depth == 0 {
            self.limits.too_deep.set(true);
            self.failed = true;
        }
        if self.steps == 0 || self.out.len() > self.limits.output {
            self.failed = true;
        }
        if self.failed {
            return false;
        }
        self.steps -= 1;
        self.depth -= 1;
        true
    }

    /// A step of a walk that prints nothing; `None` if the limit is reached.
    pub(super) fn step(&mut self) -> Option<()> {
        self.steps = self.steps.saturating_sub(1);
        (self.steps > 0).then_some(())
    }

    pub(super) fn print(&mut self, id: NodeId) {
        match self.arena.get(id) {
            Node::Name(span) if self.step().is_some() => return self.span(span),
            Node::Word(text) if self.step().is_some() => return self.text(text),
            Node::Templated { .. } | Node::Nested { .. } | Node::Local { .. } if self.arena.fixed(id) => {
                return self.print_fixed(id);
            }
            _ => {}
        }
        self.left(id);
        if self.arena.shape(id).right != Tri::No {
            self.right(id);
        }
    }

    /// Copies the text if it was printed before. Otherwise prints it and remembers the place.
    fn print_fixed(&mut self, id: NodeId) {
        let Printed { start, len, epoch } = self.printed[id.index()];
        if len > 0 && epoch == self.epoch {
            if self.enter() {
                self.depth += 1;
                self.out.extend_from_within(start as usize..(start + len) as usize);
            }
            return;
        }
        let start = self.out.len();
        self.left(id);
        let len = self.out.len() - start;
        // The text's length is limited to far less than 32 bits hold.
        self.printed[id.index()] = Printed { start: start as u32, len: len as u32, epoch: self.epoch };
    }

    pub(super) fn print_opt(&mut self, id: Option<NodeId>) {
        if let Some(id) = id {
            self.print(id);
        }
    }

    /// The part before the declarator.
    pub(super) fn left(&mut self, id: NodeId) {
        if !self.enter() {
            return;
        }
        let node = self.arena.get(id);
        if !self.name_left(id, node) && !self.type_left(id, node) {
            self.expr(node);
        }
        self.depth += 1;
    }

    /// The part after the declarator.
    pub(super) fn right(&mut self, id: NodeId) {
        if !self.enter() {
            return;
        }
        let node = self.arena.get(id);
        match node {
            Node::Encoding { info } => self.encoding_right(info),
            Node::Tagged { .. } | Node::Nested { .. } => {}
            Node::Pack(items) => {
                if let Some(item) = self.pack_item(items) {
                    self.right(item);
                }
            }
            Node::Forward { target: Some(target), busy: false, .. } => {
                self.busy(id, true);
                self.right(target);
                self.busy(id, false);
            }
            Node::TypeParam(name) | Node::ConstrainedParam { name, .. } => self.print(name),
            Node::ValueParam { name, ty } => {
                self.print(name);
                self.right(ty);
            }
            Node::TemplateParam { name, requires, .. } => {
                self.print(name);
                self.requires_clause(requires);
            }
            Node::PackParam(param) => self.right(param),
            _ => self.type_right(id, node),
        }
        self.depth += 1;
    }

    /// Marks a node as being printed that may be part of itself.
    pub(super) fn busy(&mut self, id: NodeId, now: bool) {
        let node = match self.arena.get(id) {
            Node::Forward { index, target, .. } => Node::Forward { index, target, busy: now },
            Node::Reference { to, rvalue, .. } => Node::Reference { to, rvalue, busy: now },
            node => node,
        };
        self.arena.set(id, node);
    }

    /// Answers a question about a node's shape. May need the pack element that is being printed.
    pub(super) fn has(&mut self, ask: Ask, id: NodeId) -> bool {
        let shape = self.arena.shape(id);
        let known = match ask {
            Ask::Right => shape.right,
            Ask::Array => shape.array,
            Ask::Function => shape.function,
        };
        match known {
            Tri::No => false,
            Tri::Yes => true,
            Tri::Ask => {
                if !self.enter() {
                    return false;
                }
                let answer = self.has_slow(ask, id);
                self.depth += 1;
                answer
            }
        }
    }

    fn has_slow(&mut self, ask: Ask, id: NodeId) -> bool {
        let inner = match self.arena.get(id) {
            Node::Forward { target: Some(target), busy: false, .. } => {
                self.busy(id, true);
                let answer = self.has(ask, target);
                self.busy(id, false);
                return answer;
            }
            Node::Pack(items) => match self.pack_item(items) {
                Some(item) => item,
                None => return false,
            },
            Node::Tagged { base, .. } | Node::Qualified { base, .. } => base,
            Node::Pointer(to) | Node::Reference { to, .. } => to,
            Node::MemberPointer { member, .. } => member,
            _ => return false,
        };
        self.has(ask, inner)
    }

    /// The element of a pack that is being printed; the first pack met decides how many there are.
    pub(super) fn pack_item(&mut self, items: List) -> Option<NodeId> {
        if self.pack_len == NO_PACK {
            self.pack_len = items.len;
            self.pack_index = 0;
        }
        (self.pack_index < items.len).then(|| self.arena.item(items, self.pack_index))
    }

    /// The pattern once for each element; `pattern...` if it contains no pack.
    pub(super) fn expansion(&mut self, pattern: NodeId) {
        let outer = (self.pack_index, self.pack_len);
        (self.pack_index, self.pack_len) = (NO_PACK, NO_PACK);
        let start = self.out.len();
        self.print(pattern);
        match self.pack_len {
            NO_PACK => self.text("..."),
            0 => {
                self.out.truncate(start);
                self.epoch += 1;
            }
            len => {
                for index in 1..len {
                    if self.failed {
                        break;
                    }
                    self.text(", ");
                    self.pack_index = index;
                    self.print(pattern);
                }
            }
        }
        (self.pack_index, self.pack_len) = outer;
    }

    /// The node as an operand of an operator of precedence `prec`.
    pub(super) fn operand(&mut self, id: NodeId, prec: Prec, strictly_worse: bool) {
        let own = self.precedence(id);
        let paren = own as u8 >= prec as u8 + u8::from(strictly_worse);
        if paren {
            self.open();
        }
        self.print(id);
        if paren {
            self.close();
        }
    }

    /// The list with commas, empty packs leaving none.
    pub(super) fn commas(&mut self, list: List) {
        let mut first = true;
        for i in 0..list.len {
            if self.failed {
                return;
            }
            let before = self.out.len();
            if !first {
                self.text(", ");
            }
            let start = self.out.len();
            self.operand(self.arena.item(list, i), Prec::Comma, false);
            if self.out.len() == start {
                self.out.truncate(before);
            } else {
                first = false;
            }
        }
    }

    pub(super) fn requires_clause(&mut self, requires: Option<NodeId>) {
        if let Some(requires) = requires {
            self.text(" requires ");
            self.print(requires);
        }
    }

    /// Prints template parameters and packs; false for other nodes.
    pub(super) fn param_left(&mut self, id: NodeId, node: Node) -> bool {
        match node {
            Node::Forward { target, busy, .. } => {
                if let (Some(target), false) = (target, busy) {
                    self.busy(id, true);
                    self.left(target);
                    self.busy(id, false);
                }
            }
            Node::Pack(items) => {
                if let Some(item) = self.pack_item(items) {
                    self.left(item);
                }
            }
            Node::PackArgs(items) | Node::Elements(items) => self.commas(items),
            Node::Expansion(pattern) => self.expansion(pattern),
            Node::QualifiedArg { arg } => self.print(arg),
            Node::Invented { kind, index } => {
                self.text(match kind {
                    ParamKind::Type => "$T",
                    ParamKind::Value => "$N",
                    ParamKind::Template => "$TT",
                });
                if index > 0 {
                    self.decimal(index - 1);
                }
            }
            Node::TypeParam(_) => self.text("typename "),
            Node::ConstrainedParam { constraint, .. } => {
                self.print(constraint);
                self.text(" ");
            }
            Node::ValueParam { ty, .. } => {
                self.left(ty);
                if !self.has(Ask::Right, ty) {
                    self.text(" ");
                }
            }
            Node::TemplateParam { params, .. } => {
                self.text("template<");
                self.angles(|p| p.commas(params));
                self.text("> typename ");
            }
            Node::PackParam(param) => {
                self.left(param);
                self.text("...");
            }
            _ => return false,
        }
        true
    }

    fn decimal(&mut self, number: u32) {
        use std::io::Write;
        // Writing to a vector cannot fail.
        let _ = write!(self.out, "{number}");
    }
}
