//! Template parameters, template arguments, and the types of lambdas, which declare parameters.

use super::ast::{ClosureInfo, Node, NodeId, ParamKind, Shape};
use super::Parser;

impl Parser<'_> {
    /// The argument of parameter `index` of `level`.
    pub(super) fn param(&self, level: usize, index: usize) -> Option<NodeId> {
        let levels = &self.b.levels[self.level_base..];
        let start = *levels.get(level)? as usize;
        let end = levels.get(level + 1).map_or(self.b.params.len(), |&end| end as usize);
        self.b.params[start..end].get(index).copied()
    }

    fn level_count(&self) -> usize {
        self.b.levels.len() - self.level_base
    }

    fn open_level(&mut self) {
        self.b.levels.push(self.b.params.len() as u32);
    }

    /// Forgets the levels from `keep` on.
    fn close_levels(&mut self, keep: usize) {
        if let Some(&start) = self.b.levels.get(self.level_base + keep) {
            self.b.params.truncate(start as usize);
            self.b.levels.truncate(self.level_base + keep);
        }
    }

    /// `T_`, `T0_`, `TL0__`, `TL0_0_`
    pub(super) fn template_param(&mut self) -> Option<NodeId> {
        let begin = self.pos;
        self.expect(b'T')?;
        let mut level = 0;
        if self.eat(b'L') {
            level = self.count()?.wrapping_add(1);
            self.expect(b'_')?;
        }
        let mut index = 0;
        if !self.eat(b'_') {
            index = self.count()?.wrapping_add(1);
            self.expect(b'_')?;
        }
        if self.loose_params {
            // The closing underscore is left out.
            let mut text = self.since(begin);
            text.len -= 1;
            return self.add(Node::Name(text));
        }
        if self.forward_allowed && level == 0 {
            let index = u32::try_from(index).ok()?;
            let node = self.add_shaped(Node::Forward { index, target: None, busy: false }, Shape::ASK)?;
            self.b.forward.push(node);
            return Some(node);
        }
        if let Some(found) = self.param(level, index) {
            return Some(found);
        }
        // A generic lambda's `auto` is mangled as a parameter it does not spell out.
        if self.lambda_level == level && level <= self.level_count() {
            if level == self.level_count() {
                self.open_level();
            }
            return self.word("auto");
        }
        None
    }

    /// `I <template-arg>* [Q <constraint>] E`. With `tag` they become what `T_` means from here on.
    pub(super) fn template_args(&mut self, tag: bool) -> Option<NodeId> {
        self.expect(b'I')?;
        if tag {
            self.close_levels(0);
            self.open_level();
        }
        let from = self.mark();
        while !self.eat(b'E') {
            if tag {
                self.tagged_arg()?;
            } else {
                let arg = self.template_arg()?;
                self.push(arg);
            }
            if self.eat(b'Q') {
                // Not printed.
                self.constraint()?;
                self.expect(b'E')?;
                break;
            }
        }
        let args = self.list(from);
        self.add(Node::TemplateArgs(args))
    }

    /// An argument that later `T_`s refer to.
    fn tagged_arg(&mut self) -> Option<()> {
        let arg = self.template_arg()?;
        self.push(arg);
        let entry = match self.get(arg) {
            Node::PackArgs(items) => {
                let shape = self.pack_shape(items);
                self.add_shaped(Node::Pack(items), shape)?
            }
            Node::QualifiedArg { arg } => arg,
            _ => arg,
        };
        self.b.params.push(entry);
        Some(())
    }

    pub(super) fn template_arg(&mut self) -> Option<NodeId> {
        match self.peek()? {
            b'X' => {
                self.pos += 1;
                let expr = self.expr()?;
                self.expect(b'E')?;
                Some(expr)
            }
            b'J' => {
                self.pos += 1;
                self.nested(|p| {
                    let items = p.list_until(b'E', Self::template_arg)?;
                    p.add(Node::PackArgs(items))
                })
            }
            b'L' if self.peek_at(1) == Some(b'Z') => {
                self.pos += 2;
                let encoding = self.encoding()?;
                self.expect(b'E')?;
                Some(encoding)
            }
            b'L' => self.expr_primary(),
            b'T' if self.at_param_decl() => self.nested(|p| {
                p.param_decl(false)?;
                let arg = p.template_arg()?;
                p.add(Node::QualifiedArg { arg })
            }),
            _ => self.ty(),
        }
    }

    fn at_param_decl(&self) -> bool {
        self.peek() == Some(b'T') && matches!(self.peek_at(1), Some(b'y' | b'p' | b't' | b'n' | b'k'))
    }

    /// A name for a parameter that has none; `keep` makes it what a `T_` of the open level means.
    fn invent(&mut self, kind: ParamKind, keep: bool) -> Option<NodeId> {
        let counter = &mut self.invented[kind as usize];
        let index = *counter;
        *counter += 1;
        let node = self.add(Node::Invented { kind, index })?;
        if keep {
            self.b.params.push(node);
        }
        Some(node)
    }

    /// The declaration of a template parameter.
    fn param_decl(&mut self, keep: bool) -> Option<NodeId> {
        self.nested(|p| p.param_decl_inner(keep))
    }

    fn param_decl_inner(&mut self, keep: bool) -> Option<NodeId> {
        self.expect(b'T')?;
        let kind = self.peek()?;
        self.pos += 1;
        match kind {
            b'y' => {
                let name = self.invent(ParamKind::Type, keep)?;
                self.add_shaped(Node::TypeParam(name), Shape::DECLARED)
            }
            b'k' => {
                let constraint = self.loosely(|p| p.name(None))?;
                let name = self.invent(ParamKind::Type, keep)?;
                self.add_shaped(Node::ConstrainedParam { constraint, name }, Shape::DECLARED)
            }
            b'n' => {
                let name = self.invent(ParamKind::Value, keep)?;
                let ty = self.ty()?;
                self.add_shaped(Node::ValueParam { name, ty }, Shape::DECLARED)
            }
            b't' => self.template_template_decl(keep),
            b'p' => {
                let param = self.param_decl(keep)?;
                self.add_shaped(Node::PackParam(param), Shape::DECLARED)
            }
            _ => None,
        }
    }

    fn template_template_decl(&mut self, keep: bool) -> Option<NodeId> {
        let name = self.invent(ParamKind::Template, keep)?;
        let levels = self.level_count();
        self.open_level();
        let from = self.mark();
        let mut requires = None;
        while !self.eat(b'E') {
            let param = self.param_decl(true)?;
            self.push(param);
            if self.eat(b'Q') {
                requires = Some(self.constraint()?);
                self.expect(b'E')?;
                break;
            }
        }
        let params = self.list(from);
        self.close_levels(levels);
        self.add_shaped(Node::TemplateParam { name, params, requires }, Shape::DECLARED)
    }

    /// An expression in which parameters of enclosing templates are known by their mangling only.
    pub(super) fn constraint(&mut self) -> Option<NodeId> {
        self.loosely(Self::expr)
    }

    fn loosely(&mut self, rule: impl FnOnce(&mut Self) -> Option<NodeId>) -> Option<NodeId> {
        let loose = std::mem::replace(&mut self.loose_params, true);
        let node = rule(self);
        self.loose_params = loose;
        node
    }

    /// `Ut`, `Ul` and `Ub`: types without a name. In an encoding's name, template parameters inside refer
    /// to the innermost arguments, so those seen so far are forgotten.
    pub(super) fn unnamed_type(&mut self, in_encoding: bool) -> Option<NodeId> {
        if in_encoding {
            self.close_levels(0);
        }
        if self.eat_str(b"Ut") {
            let count = self.number(false);
            self.expect(b'_')?;
            return self.add(Node::Unnamed(count));
        }
        if self.eat_str(b"Ul") {
            return self.nested(Self::closure);
        }
        if self.eat_str(b"Ub") {
            self.number(false);
            self.expect(b'_')?;
            return self.word("'block-literal'");
        }
        None
    }

    /// `[<param-decl>*] [Q …] <types> [Q …] E [<number>] _`
    fn closure(&mut self) -> Option<NodeId> {
        let levels = self.level_count();
        let outer = std::mem::replace(&mut self.lambda_level, levels);
        self.open_level();
        let node = self.closure_inner();
        self.close_levels(levels);
        self.lambda_level = outer;
        node
    }

    fn closure_inner(&mut self) -> Option<NodeId> {
        let from = self.mark();
        while self.at_param_decl() {
            let param = self.param_decl(true)?;
            self.push(param);
        }
        let template_params = self.list(from);
        // Without declared parameters, the level exists only if a parameter is `auto`.
        if template_params.len == 0 {
            let levels = self.level_count();
            self.close_levels(levels - 1);
        }
        let requires_before = if self.eat(b'Q') { Some(self.constraint()?) } else { None };
        let from = self.mark();
        if !self.eat(b'v') {
            loop {
                let param = self.ty()?;
                self.push(param);
                if matches!(self.peek(), Some(b'E' | b'Q')) {
                    break;
                }
            }
        }
        let params = self.list(from);
        let requires_after = if self.eat(b'Q') { Some(self.constraint()?) } else { None };
        self.expect(b'E')?;
        let count = self.number(false);
        self.expect(b'_')?;
        self.b.arena.closures.push(ClosureInfo { template_params, requires_before, params, requires_after });
        let info = self.b.arena.closures.len() as u32 - 1;
        self.add(Node::Closure { info, count })
    }
}
