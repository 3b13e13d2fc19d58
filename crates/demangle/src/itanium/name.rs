//! Encodings, names and special names.

use super::ast::{
    EncodingInfo, Node, NodeId, Quals, RefQual, Shape, Span, StdName, CONST, RESTRICT, VOLATILE,
};
use super::ops::{operator, Form};
use super::Parser;

/// What parsing an encoding's name tells about the function.
pub(super) struct NameFacts {
    /// A constructor, destructor or conversion operator: no return type is mangled.
    no_return: bool,
    pub ends_with_args: bool,
    quals: Quals,
    refs: RefQual,
    explicit_object: bool,
}

impl NameFacts {
    fn new() -> Self {
        NameFacts {
            no_return: false,
            ends_with_args: false,
            quals: 0,
            refs: RefQual::None,
            explicit_object: false,
        }
    }
}

type Facts<'f> = Option<&'f mut NameFacts>;

impl Parser<'_> {
    /// A function with its type, a variable, or a special name. Template parameters inside refer to the
    /// encoding's own arguments.
    pub(super) fn encoding(&mut self) -> Option<NodeId> {
        self.nested(|p| p.own_params(Self::encoding_inner))
    }

    /// Runs `rule` with no template parameters known, and forgets those it makes known.
    fn own_params(&mut self, rule: impl FnOnce(&mut Self) -> Option<NodeId>) -> Option<NodeId> {
        let base = std::mem::replace(&mut self.level_base, self.b.levels.len());
        let params = self.b.params.len();
        let node = rule(self);
        self.b.levels.truncate(self.level_base);
        self.b.params.truncate(params);
        self.level_base = base;
        node
    }

    fn encoding_inner(&mut self) -> Option<NodeId> {
        if matches!(self.peek(), Some(b'G' | b'T')) {
            return self.special_name();
        }
        let mut facts = NameFacts::new();
        let forward = self.b.forward.len();
        let name = self.name(Some(&mut facts))?;
        self.resolve_forward(forward)?;
        if self.at_encoding_end() {
            return Some(name);
        }
        let mut attrs = None;
        if self.eat_str(b"Ua9enable_ifI") {
            let conditions = self.list_until(b'E', Self::template_arg)?;
            attrs = Some(self.add(Node::EnableIf(conditions))?);
        }
        let ret = if !facts.no_return && facts.ends_with_args { Some(self.ty()?) } else { None };
        let from = self.mark();
        if !self.eat(b'v') {
            loop {
                let mut param = self.ty()?;
                if facts.explicit_object && self.mark() == from {
                    param = self.add(Node::ExplicitObject(param))?;
                }
                self.push(param);
                if self.at_encoding_end() || self.peek() == Some(b'Q') {
                    break;
                }
            }
        }
        let params = self.list(from);
        let requires = if self.eat(b'Q') { Some(self.constraint()?) } else { None };
        let info = EncodingInfo { ret, name, params, attrs, requires, quals: facts.quals, refs: facts.refs };
        self.b.arena.encodings.push(info);
        let info = self.b.arena.encodings.len() as u32 - 1;
        self.add_shaped(Node::Encoding { info }, Shape::FUNCTION)
    }

    /// Gives the `T_`s of a conversion operator's type the arguments that followed it.
    fn resolve_forward(&mut self, from: usize) -> Option<()> {
        for i in from..self.b.forward.len() {
            let id = self.b.forward[i];
            let Node::Forward { index, .. } = self.get(id) else { return None };
            let target = self.param(0, index as usize)?;
            self.b.arena.set(id, Node::Forward { index, target: Some(target), busy: false });
        }
        self.b.forward.truncate(from);
        Some(())
    }

    /// Whether what follows cannot start a parameter's type.
    fn at_encoding_end(&self) -> bool {
        matches!(self.peek(), None | Some(b'E' | b'.' | b'_'))
    }

    /// Tables, type information, guards and thunks.
    fn special_name(&mut self) -> Option<NodeId> {
        let code = [self.peek()?, self.peek_at(1)?];
        self.pos += 2;
        let (text, child) = match &code {
            b"TA" => ("template parameter object for ", self.template_arg()?),
            b"TV" => ("vtable for ", self.ty()?),
            b"TT" => ("VTT for ", self.ty()?),
            b"TI" => ("typeinfo for ", self.ty()?),
            b"TS" => ("typeinfo name for ", self.ty()?),
            b"TW" => ("thread-local wrapper routine for ", self.name(None)?),
            b"TH" => ("thread-local initialization routine for ", self.name(None)?),
            b"TC" => return self.construction_vtable(),
            b"Tc" => {
                self.call_offset()?;
                self.call_offset()?;
                ("covariant return thunk to ", self.encoding()?)
            }
            b"GV" => ("guard variable for ", self.name(None)?),
            b"GR" => {
                let child = self.name(None)?;
                let numbered = self.seq_id().is_some();
                if !self.eat(b'_') && numbered {
                    return None;
                }
                ("reference temporary for ", child)
            }
            b"GI" => {
                let module = self.modules(None)?;
                ("initializer for module ", module?)
            }
            [b'T', kind] => {
                self.pos -= 1;
                let text = if *kind == b'v' { "virtual thunk to " } else { "non-virtual thunk to " };
                self.call_offset()?;
                (text, self.encoding()?)
            }
            _ => return None,
        };
        self.add(Node::Special { text, child })
    }

    fn construction_vtable(&mut self) -> Option<NodeId> {
        let derived = self.ty()?;
        if self.number(true).len == 0 || !self.eat(b'_') {
            return None;
        }
        let base = self.ty()?;
        self.add(Node::ConstructionVtable { derived, base })
    }

    /// `h <number> _` or `v <number> _ <number> _`
    fn call_offset(&mut self) -> Option<()> {
        let numbers = match self.peek()? {
            b'h' => 1,
            b'v' => 2,
            _ => return None,
        };
        self.pos += 1;
        for _ in 0..numbers {
            if self.number(true).len == 0 || !self.eat(b'_') {
                return None;
            }
        }
        Some(())
    }

    pub(super) fn name(&mut self, mut facts: Facts) -> Option<NodeId> {
        match self.peek() {
            Some(b'N') => return self.nested_name(facts),
            Some(b'Z') => return self.local_name(facts),
            _ => {}
        }
        let (name, substituted) = self.unscoped_name(facts.as_deref_mut(), true)?;
        if self.peek() == Some(b'I') {
            if !substituted {
                self.remember(name);
            }
            let args = self.template_args(facts.is_some())?;
            if let Some(facts) = facts {
                facts.ends_with_args = true;
            }
            return self.add(Node::Templated { name, args });
        }
        // A substitution alone is a type, not a name.
        (!substituted).then_some(name)
    }

    /// `[St] <unqualified-name>`, or a substitution if one is allowed; tells which.
    pub(super) fn unscoped_name(
        &mut self,
        facts: Facts,
        substitution_allowed: bool,
    ) -> Option<(NodeId, bool)> {
        let std = if self.eat_str(b"St") { Some(self.word("std")?) } else { None };
        let mut module = None;
        if self.peek() == Some(b'S') {
            let node = self.substitution()?;
            if matches!(self.get(node), Node::Module { .. }) {
                module = Some(node);
            } else if substitution_allowed && std.is_none() {
                return Some((node, true));
            } else {
                return None;
            }
        }
        Some((self.unqualified_name(facts, std, module)?, false))
    }

    /// `{W [P] <source-name>}`: the modules a name is attached to.
    fn modules(&mut self, mut module: Option<NodeId>) -> Option<Option<NodeId>> {
        while self.eat(b'W') {
            let partition = self.eat(b'P');
            let name = self.source_name()?;
            let node = self.add(Node::Module { parent: module, name, partition })?;
            self.remember(node);
            module = Some(node);
        }
        Some(module)
    }

    /// The last component of a name, put into `scope`.
    fn unqualified_name(
        &mut self,
        facts: Facts,
        mut scope: Option<NodeId>,
        module: Option<NodeId>,
    ) -> Option<NodeId> {
        let module = if self.peek() == Some(b'W') { self.modules(module)? } else { module };
        let friend = scope.is_some() && self.eat(b'F');
        self.eat(b'L');
        let mut name = match self.peek()? {
            b'1'..=b'9' => self.source_name()?,
            b'U' => self.unnamed_type(facts.is_some())?,
            b'D' if self.eat_str(b"DC") => self.structured_binding()?,
            b'C' | b'D' => {
                if module.is_some() {
                    return None;
                }
                self.ctor_dtor(&mut scope, facts)?
            }
            _ => self.operator_name(facts)?,
        };
        if let Some(module) = module {
            name = self.add(Node::InModule { module, name })?;
        }
        if self.peek() == Some(b'B') {
            name = self.abi_tags(name)?;
        }
        match scope {
            Some(qual) if friend => self.add(Node::Friend { qual, name }),
            Some(qual) => self.add(Node::Nested { qual, name }),
            None => Some(name),
        }
    }

    fn structured_binding(&mut self) -> Option<NodeId> {
        let from = self.mark();
        loop {
            let name = self.source_name()?;
            self.push(name);
            if self.eat(b'E') {
                let names = self.list(from);
                return self.add(Node::Binding(names));
            }
        }
    }

    /// `{B <source-name>}`
    fn abi_tags(&mut self, mut base: NodeId) -> Option<NodeId> {
        while self.eat(b'B') {
            let tag = self.counted_bytes()?;
            if tag.len == 0 {
                return None;
            }
            let shape = self.shape(base);
            base = self.add_shaped(Node::Tagged { base, tag }, shape)?;
        }
        Some(base)
    }

    /// `<length> <identifier>`
    pub(super) fn source_name(&mut self) -> Option<NodeId> {
        let span = self.counted_bytes()?;
        if span.len == 0 {
            return None;
        }
        if span.of(self.input).starts_with(b"_GLOBAL__N") {
            return self.word("(anonymous namespace)");
        }
        self.add(Node::Name(span))
    }

    fn ctor_dtor(&mut self, scope: &mut Option<NodeId>, facts: Facts) -> Option<NodeId> {
        let mut base = (*scope)?;
        // A constructor of `std::string` is one of `std::basic_string<…>`.
        if let Node::Std(name) = self.get(base) {
            base = self.add(Node::StdFull(name))?;
            *scope = Some(base);
        }
        let dtor = self.peek() == Some(b'D');
        self.pos += 1;
        let inherited = !dtor && self.eat(b'I');
        let known = if dtor {
            matches!(self.peek()?, b'0'..=b'2' | b'4' | b'5')
        } else {
            matches!(self.peek()?, b'1'..=b'5')
        };
        if !known {
            return None;
        }
        self.pos += 1;
        if let Some(facts) = facts {
            facts.no_return = true;
            if inherited {
                self.nested(|p| p.name(Some(facts)))?;
            }
        } else if inherited {
            self.nested(|p| p.name(None))?;
        }
        self.add(Node::CtorDtor { base, dtor })
    }

    pub(super) fn operator_name(&mut self, facts: Facts) -> Option<NodeId> {
        let code = [self.peek()?, self.peek_at(1)?];
        if let Some(op) = operator(code) {
            self.pos += 2;
            return match op.form {
                Form::Conversion => self.conversion_name(facts),
                Form::NamedCast | Form::Conditional | Form::OfType | Form::OfExpr => self.unnameable(code),
                Form::Member if op.text.starts_with('.') => None,
                _ => self.add(Node::Operator(op.text)),
            };
        }
        if self.eat_str(b"li") {
            let name = self.source_name()?;
            return self.add(Node::Literal(name));
        }
        if code[0] == b'v' && code[1].is_ascii_digit() {
            self.pos += 2;
            let name = self.source_name()?;
            return self.add(Node::Conversion(name));
        }
        None
    }

    /// `?:` can be named, casts and `sizeof` cannot.
    fn unnameable(&mut self, code: [u8; 2]) -> Option<NodeId> {
        if &code == b"qu" {
            return self.add(Node::Operator("?"));
        }
        None
    }

    /// `cv <type>`: in an encoding the type may name template arguments that follow the name.
    fn conversion_name(&mut self, facts: Facts) -> Option<NodeId> {
        let template_args = std::mem::replace(&mut self.template_args, false);
        let allowed = self.forward_allowed || facts.is_some();
        let forward = std::mem::replace(&mut self.forward_allowed, allowed);
        let ty = self.ty();
        self.template_args = template_args;
        self.forward_allowed = forward;
        if let Some(facts) = facts {
            facts.no_return = true;
        }
        self.add(Node::Conversion(ty?))
    }

    /// `Z <encoding> E` and the entity inside the function.
    fn local_name(&mut self, facts: Facts) -> Option<NodeId> {
        self.own_params(|p| p.local_name_inner(facts))
    }

    fn local_name_inner(&mut self, facts: Facts) -> Option<NodeId> {
        self.expect(b'Z')?;
        let scope = self.encoding()?;
        self.expect(b'E')?;
        let entity = if self.eat(b's') {
            self.discriminator();
            self.word("string literal")?
        } else if self.eat(b'd') {
            self.number(true);
            self.expect(b'_')?;
            self.nested(|p| p.name(facts))?
        } else {
            let entity = self.nested(|p| p.name(facts))?;
            self.discriminator();
            entity
        };
        self.add(Node::Local { scope, entity })
    }

    /// `_ <digit>`, `__ [<number>] _`, or digits to the end of the name; anything else is left alone.
    fn discriminator(&mut self) {
        let start = self.pos;
        if self.eat(b'_') {
            if self.peek_digit() {
                self.pos += 1;
                return;
            }
            if self.eat(b'_') {
                self.number(false);
                if self.eat(b'_') {
                    return;
                }
            }
        } else if self.number(false).len > 0 && self.left() == 0 {
            return;
        }
        self.pos = start;
    }

    pub(super) fn cv_quals(&mut self) -> Quals {
        let mut quals = 0;
        for (byte, qual) in [(b'r', RESTRICT), (b'V', VOLATILE), (b'K', CONST)] {
            if self.eat(byte) {
                quals |= qual;
            }
        }
        quals
    }

    /// `N … E`
    fn nested_name(&mut self, mut facts: Facts) -> Option<NodeId> {
        self.expect(b'N')?;
        if self.eat(b'H') {
            if let Some(facts) = facts.as_deref_mut() {
                facts.explicit_object = true;
            }
        } else {
            let quals = self.cv_quals();
            let refs = if self.eat(b'O') {
                RefQual::Rvalue
            } else if self.eat(b'R') {
                RefQual::Lvalue
            } else {
                RefQual::None
            };
            if let Some(facts) = facts.as_deref_mut() {
                facts.quals = quals;
                facts.refs = refs;
            }
        }
        let mut so_far = None;
        while !self.eat(b'E') {
            if let Some(facts) = facts.as_deref_mut() {
                facts.ends_with_args = false;
            }
            let (node, fresh) = self.nested_component(so_far, facts.as_deref_mut())?;
            so_far = Some(node);
            if fresh {
                self.remember(node);
                self.eat(b'M');
            }
        }
        // The whole name is not a substitution: the type it names is added when it is used as one.
        self.b.substitutions.pop()?;
        so_far
    }

    /// One more component after `so_far`, and whether it is a substitution candidate.
    fn nested_component(&mut self, so_far: Option<NodeId>, mut facts: Facts) -> Option<(NodeId, bool)> {
        match (self.peek()?, self.peek_at(1)) {
            (b'T', _) => {
                if so_far.is_some() {
                    return None;
                }
                Some((self.template_param()?, true))
            }
            (b'I', _) => {
                let name = so_far?;
                if matches!(self.get(name), Node::Templated { .. }) {
                    return None;
                }
                let args = self.template_args(facts.is_some())?;
                if let Some(facts) = facts.as_deref_mut() {
                    facts.ends_with_args = true;
                }
                Some((self.add(Node::Templated { name, args })?, true))
            }
            (b'D', Some(b't' | b'T')) => {
                if so_far.is_some() {
                    return None;
                }
                Some((self.decltype()?, true))
            }
            (b'S', next) => {
                let node = if next == Some(b't') {
                    self.pos += 2;
                    self.word("std")?
                } else {
                    self.substitution()?
                };
                if matches!(self.get(node), Node::Module { .. }) {
                    return Some((self.unqualified_name(facts, so_far, Some(node))?, true));
                }
                so_far.is_none().then_some((node, false))
            }
            _ => Some((self.unqualified_name(facts, so_far, None)?, true)),
        }
    }

    /// `S [<seq-id>] _` or one of the abbreviations of `std`.
    pub(super) fn substitution(&mut self) -> Option<NodeId> {
        self.expect(b'S')?;
        if self.peek().is_some_and(|b| b.is_ascii_lowercase()) {
            let name = match self.peek()? {
                b'a' => StdName::Allocator,
                b'b' => StdName::BasicString,
                b's' => StdName::String,
                b'i' => StdName::Istream,
                b'o' => StdName::Ostream,
                b'd' => StdName::Iostream,
                _ => return None,
            };
            self.pos += 1;
            let node = self.add(Node::Std(name))?;
            let tagged = self.abi_tags(node)?;
            if tagged != node {
                self.remember(tagged);
            }
            return Some(tagged);
        }
        let index = if self.eat(b'_') {
            0
        } else {
            let index = self.seq_id()?.wrapping_add(1);
            self.expect(b'_')?;
            index
        };
        self.b.substitutions.get(index).copied()
    }

    /// A [`Span`] of what was consumed since `start`.
    pub(super) fn since(&self, start: usize) -> Span {
        Span { start: start as u32, len: (self.pos - start) as u32 }
    }
}
