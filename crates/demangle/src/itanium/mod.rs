//! Itanium C++ names: the parser's state and the rules every part of the grammar needs.
//!
//! A name is parsed by recursive descent into the arena of [`ast`] and printed from there by [`print`]. The
//! tree is needed: a substitution may name anything seen before, a conversion operator's type may name
//! template arguments that follow it, and types print around their declarator.
//!
//! The grammar is in [`name`] (encodings, names, special names), [`template`] (parameters and arguments),
//! [`types`] and [`expr`]. A rule returns `None` if the name does not match. Nothing is tried twice.

mod arena;
mod ast;
mod expr;
mod float;
mod name;
mod ops;
mod print;
mod print_expr;
mod print_name;
mod print_type;
mod template;
mod types;

use crate::limits::Limits;
use arena::Arena;
use ast::{List, Node, NodeId, Shape, Span, Tri};

/// The buffers names are parsed into, reused from name to name.
#[derive(Default)]
pub(crate) struct Buffers {
    arena: Arena,
    /// Nodes of lists that are not finished yet.
    pending: Vec<NodeId>,
    /// The substitutions `S_`, `S0_` …
    substitutions: Vec<NodeId>,
    /// The template parameters `T_`, `T0_` …, level by level.
    params: Vec<NodeId>,
    /// Where each level of `params` starts.
    levels: Vec<u32>,
    /// The `T_`s of conversion operators that wait for their template arguments.
    forward: Vec<NodeId>,
    /// Where the printer has put the nodes' texts.
    printed: Vec<print::Printed>,
}

/// Writes the demangled `name` (starting at its `_Z` or `___Z`) to `out`.
pub(crate) fn demangle(name: &[u8], buffers: &mut Buffers, out: &mut Vec<u8>, limits: &Limits) -> Option<()> {
    buffers.arena.clear();
    buffers.pending.clear();
    buffers.substitutions.clear();
    buffers.params.clear();
    buffers.levels.clear();
    buffers.forward.clear();
    let mut parser = Parser {
        input: name,
        pos: 0,
        b: buffers,
        depth: limits.depth,
        too_deep: limits.too_deep,
        level_base: 0,
        template_args: true,
        forward_allowed: false,
        lambda_level: usize::MAX,
        loose_params: false,
        invented: [0; 3],
    };
    let root = parser.root()?;
    print::print(root, name, &mut buffers.arena, &mut buffers.printed, out, limits)
}

/// The parser of one name.
struct Parser<'a> {
    input: &'a [u8],
    pos: usize,
    b: &'a mut Buffers,
    /// How many more rules may be nested.
    depth: u32,
    /// Set if `depth` ran out: the caller tries again with a deeper stack.
    too_deep: &'a std::cell::Cell<bool>,
    /// The first level of template parameters that belongs to the encoding being parsed.
    level_base: usize,
    /// Whether template arguments after a type's `T_` or `S_` belong to it. In a conversion operator's type,
    /// they belong to the operator.
    template_args: bool,
    /// Whether `T_` may name an argument that follows.
    forward_allowed: bool,
    /// The level whose unknown parameters are a lambda's `auto`s.
    lambda_level: usize,
    /// In a constraint, parameters of enclosing templates are named that the mangling does not spell out.
    loose_params: bool,
    /// How many parameter names of each kind have been invented.
    invented: [u32; 3],
}

impl<'a> Parser<'a> {
    /// The whole name: an encoding with a suffix, or a block's function.
    fn root(&mut self) -> Option<NodeId> {
        // One or two underscores before the `Z`, or one or two more for a block's function.
        let underscores = self.input.iter().position(|&b| b == b'Z')?;
        let block = underscores > 2;
        self.pos = underscores + 1;
        let mut root = self.encoding()?;
        if block {
            if !self.eat_str(b"_block_invoke") {
                return None;
            }
            let numbered = self.eat(b'_');
            let digits = self.number(false);
            if numbered && digits.len == 0 {
                return None;
            }
            if self.peek() == Some(b'.') {
                self.pos = self.input.len();
            }
            root = self.add(Node::Special { text: "invocation function for block in ", child: root })?;
        } else if self.peek() == Some(b'.') {
            let suffix = Span { start: self.pos as u32, len: self.left() as u32 };
            self.pos = self.input.len();
            root = self.add(Node::Suffixed { name: root, suffix })?;
        }
        (self.left() == 0).then_some(root)
    }

    fn peek(&self) -> Option<u8> {
        self.input.get(self.pos).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.input.get(self.pos + ahead).copied()
    }

    fn left(&self) -> usize {
        self.input.len() - self.pos
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.pos += usize::from(found);
        found
    }

    fn eat_str(&mut self, text: &[u8]) -> bool {
        let found = self.input[self.pos..].starts_with(text);
        if found {
            self.pos += text.len();
        }
        found
    }

    /// The byte must be here.
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    fn peek_digit(&self) -> bool {
        self.peek().is_some_and(|b| b.is_ascii_digit())
    }

    /// `[n] <digits>`, empty if there are no digits, but an `n` is still consumed.
    fn number(&mut self, negative_allowed: bool) -> Span {
        let start = self.pos;
        if negative_allowed {
            self.eat(b'n');
        }
        if !self.peek_digit() {
            return Span { start: start as u32, len: 0 };
        }
        while self.peek_digit() {
            self.pos += 1;
        }
        Span { start: start as u32, len: (self.pos - start) as u32 }
    }

    /// A count, which wraps as LLVM's does.
    fn count(&mut self) -> Option<usize> {
        if !self.peek_digit() {
            return None;
        }
        let mut value = 0u64;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.pos += 1;
        }
        usize::try_from(value).ok().or(Some(usize::MAX))
    }

    /// `<number> <that many bytes>`
    fn counted_bytes(&mut self) -> Option<Span> {
        let len = self.count()?;
        if len > self.left() {
            return None;
        }
        let span = Span { start: self.pos as u32, len: len as u32 };
        self.pos += len;
        Some(span)
    }

    /// `[0-9A-Z]+`, base 36
    fn seq_id(&mut self) -> Option<usize> {
        if !self.peek().is_some_and(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
            return None;
        }
        let mut value = 0usize;
        while let Some(byte) = self.peek() {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'A'..=b'Z' => byte - b'A' + 10,
                _ => break,
            };
            value = value.wrapping_mul(36).wrapping_add(usize::from(digit));
            self.pos += 1;
        }
        Some(value)
    }

    /// Runs `rule` one level deeper, or fails if the nesting is too deep.
    fn nested(&mut self, rule: impl FnOnce(&mut Self) -> Option<NodeId>) -> Option<NodeId> {
        if self.depth == 0 {
            self.too_deep.set(true);
            return None;
        }
        self.depth -= 1;
        let node = rule(self);
        self.depth += 1;
        node
    }

    fn get(&self, id: NodeId) -> Node {
        self.b.arena.get(id)
    }

    fn shape(&self, id: NodeId) -> Shape {
        self.b.arena.shape(id)
    }

    /// A node that prints on one side only.
    fn add(&mut self, node: Node) -> Option<NodeId> {
        self.b.arena.add(node, Shape::PLAIN)
    }

    fn add_shaped(&mut self, node: Node, shape: Shape) -> Option<NodeId> {
        self.b.arena.add(node, shape)
    }

    fn word(&mut self, text: &'static str) -> Option<NodeId> {
        self.add(Node::Word(text))
    }

    fn push(&mut self, node: NodeId) {
        self.b.pending.push(node);
    }

    fn mark(&self) -> usize {
        self.b.pending.len()
    }

    fn list(&mut self, from: usize) -> List {
        self.b.arena.list(&mut self.b.pending, from)
    }

    /// What `rule` yields until `end` is read.
    fn list_until(&mut self, end: u8, rule: fn(&mut Self) -> Option<NodeId>) -> Option<List> {
        let from = self.mark();
        while !self.eat(end) {
            let node = rule(self)?;
            self.push(node);
        }
        Some(self.list(from))
    }

    fn remember(&mut self, node: NodeId) {
        self.b.substitutions.push(node);
    }

    /// The shape of a pack: plain if all its elements are, otherwise open until one is chosen.
    fn pack_shape(&self, items: List) -> Shape {
        let mut shape = Shape::PLAIN;
        for &item in self.b.arena.items(items) {
            let one = self.shape(item);
            if one.right != Tri::No {
                shape.right = Tri::Ask;
            }
            if one.array != Tri::No {
                shape.array = Tri::Ask;
            }
            if one.function != Tri::No {
                shape.function = Tri::Ask;
            }
        }
        shape
    }
}
