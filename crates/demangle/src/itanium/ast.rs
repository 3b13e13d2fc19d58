//! The tree an Itanium name parses into.
//!
//! A node is a small `Copy` value addressed by a [`NodeId`] (a non-zero `u32`, so an absent child costs
//! nothing); lists of children are in a second vector and addressed by a [`List`]. Text is a [`Span`]
//! of the mangled name or a static string. Beside each node its [`Shape`] is kept: whether a declarator
//! written around it needs parentheses and whether it prints something after the declarator. C++ types
//! print on both sides of what they declare, so that is asked at nearly every pointer.

use super::ops::{Op, Prec};
use std::num::NonZeroU32;

/// The position of a node in the arena.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NodeId(pub(super) NonZeroU32);

impl NodeId {
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// A piece of the mangled name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub start: u32,
    pub len: u32,
}

impl Span {
    pub fn of(self, input: &[u8]) -> &[u8] {
        &input[self.start as usize..(self.start + self.len) as usize]
    }
}

/// Nodes in a row, in the arena's list vector.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct List {
    pub start: u32,
    pub len: u32,
}

/// An answer that may have to wait until a parameter pack's element is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Tri {
    No,
    Yes,
    Ask,
}

/// What a node does to a declarator written around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shape {
    /// Prints something to the right of the declarator.
    pub right: Tri,
    /// Is an array.
    pub array: Tri,
    /// Is a function.
    pub function: Tri,
}

impl Shape {
    pub const PLAIN: Shape = Shape { right: Tri::No, array: Tri::No, function: Tri::No };
    pub const FUNCTION: Shape = Shape { right: Tri::Yes, array: Tri::No, function: Tri::Yes };
    pub const ARRAY: Shape = Shape { right: Tri::Yes, array: Tri::Yes, function: Tri::No };
    /// A template parameter's declaration, with its name on the right.
    pub const DECLARED: Shape = Shape { right: Tri::Yes, ..Shape::PLAIN };
    pub const ASK: Shape = Shape { right: Tri::Ask, array: Tri::Ask, function: Tri::Ask };

    /// A pointer to this keeps its right side, but it is neither array nor function.
    pub fn pointed(self) -> Shape {
        Shape { right: self.right, ..Shape::PLAIN }
    }
}

/// `const`, `volatile`, `restrict` as bits.
pub(super) type Quals = u8;
pub(super) const CONST: Quals = 1;
pub(super) const VOLATILE: Quals = 2;
pub(super) const RESTRICT: Quals = 4;

/// The `&` or `&&` after a member function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RefQual {
    None,
    Lvalue,
    Rvalue,
}

/// The names of `std` that have an abbreviation of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StdName {
    Allocator,
    BasicString,
    String,
    Istream,
    Ostream,
    Iostream,
}

/// The kinds of template parameter a lambda invents names for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ParamKind {
    Type,
    Value,
    Template,
}

/// The floating-point types whose literals are written as the bytes of the value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FloatKind {
    Float,
    Double,
    LongDouble,
}

pub(super) type Opt = Option<NodeId>;

/// One node. The comments show what it prints.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node {
    /// `text`, out of the mangled name
    Name(Span),
    /// a fixed text
    Word(&'static str),
    /// `qual::name`
    Nested {
        qual: NodeId,
        name: NodeId,
    },
    /// `scope::entity`, the scope being a function
    Local {
        scope: NodeId,
        entity: NodeId,
    },
    /// `qual::friend name`
    Friend {
        qual: NodeId,
        name: NodeId,
    },
    /// `::name`
    Global(NodeId),
    /// `parent.name` or `parent:name`
    Module {
        parent: Opt,
        name: NodeId,
        partition: bool,
    },
    /// `name@module`
    InModule {
        module: NodeId,
        name: NodeId,
    },
    /// `base[abi:tag]`
    Tagged {
        base: NodeId,
        tag: Span,
    },
    /// `name<args>`
    Templated {
        name: NodeId,
        args: NodeId,
    },
    /// `<args>`
    TemplateArgs(List),
    /// `std::string` and its kin
    Std(StdName),
    /// `std::basic_string<char, …>` and its kin
    StdFull(StdName),
    /// `base` or `~base`, by the last component's name only
    CtorDtor {
        base: NodeId,
        dtor: bool,
    },
    /// `~name`
    Dtor(NodeId),
    /// `'unnamed0'`
    Unnamed(Span),
    /// `'lambda0'<…>(…)`
    Closure {
        info: u32,
        count: Span,
    },
    /// `[a, b]`
    Binding(List),
    /// `operator type`
    Conversion(NodeId),
    /// `operator"" name`
    Literal(NodeId),
    /// `operator+` and its kin: the word `operator`, a space if a word follows, and the operator
    Operator(&'static str),
    /// `text name`
    Special {
        text: &'static str,
        child: NodeId,
    },
    /// `construction vtable for a-in-b`
    ConstructionVtable {
        derived: NodeId,
        base: NodeId,
    },
    /// a function with its parameters
    Encoding {
        info: u32,
    },
    /// ` [enable_if:…]`
    EnableIf(List),
    /// `name (.suffix)`
    Suffixed {
        name: NodeId,
        suffix: Span,
    },
    /// `this T`
    ExplicitObject(NodeId),

    /// `base const`
    Qualified {
        base: NodeId,
        quals: Quals,
    },
    /// `base ext<args>`
    VendorQualified {
        base: NodeId,
        ext: Span,
        args: Opt,
    },
    /// `base<protocol>`
    ObjCProto {
        base: NodeId,
        protocol: Span,
    },
    /// `base complex`
    Postfixed {
        base: NodeId,
        text: &'static str,
    },
    /// `name(base)`
    Transformed {
        name: Span,
        base: NodeId,
    },
    Pointer(NodeId),
    /// `busy` while it is being printed: through a template argument it may refer to itself
    Reference {
        to: NodeId,
        rvalue: bool,
        busy: bool,
    },
    MemberPointer {
        class: NodeId,
        member: NodeId,
    },
    Array {
        base: NodeId,
        dimension: Opt,
    },
    Function {
        ret: NodeId,
        params: List,
        quals: Quals,
        refs: RefQual,
        except: Opt,
    },
    /// `noexcept(expr)`
    Noexcept(NodeId),
    /// `throw(types)`
    Throws(List),
    Vector {
        base: NodeId,
        dimension: Opt,
    },
    PixelVector(NodeId),
    /// `_Float16`
    FloatOfBits(NodeId),
    /// `_BitInt(8)`
    BitInt {
        bits: NodeId,
        unsigned: bool,
    },
    /// `struct name`
    Elaborated {
        keyword: &'static str,
        name: NodeId,
    },

    /// a `T_` inside a conversion operator's type, known once its template arguments are
    Forward {
        index: u32,
        target: Opt,
        busy: bool,
    },
    /// the arguments of a pack parameter; prints the one being expanded
    Pack(List),
    /// the arguments a pack was given, in a template argument list
    PackArgs(List),
    /// the pattern printed for each element
    Expansion(NodeId),
    /// an argument mangled together with its parameter: prints the argument
    QualifiedArg {
        arg: NodeId,
    },
    /// `$T0`
    Invented {
        kind: ParamKind,
        index: u32,
    },
    /// `typename $T`
    TypeParam(NodeId),
    /// `Concept $T`
    ConstrainedParam {
        constraint: NodeId,
        name: NodeId,
    },
    /// `int $N`
    ValueParam {
        name: NodeId,
        ty: NodeId,
    },
    /// `template<…> typename $TT`
    TemplateParam {
        name: NodeId,
        params: List,
        requires: Opt,
    },
    /// `typename ...$T`
    PackParam(NodeId),

    Binary {
        left: NodeId,
        op: &'static Op,
        right: NodeId,
    },
    Prefix {
        op: &'static Op,
        operand: NodeId,
    },
    Postfix {
        operand: NodeId,
        op: &'static Op,
    },
    Subscript {
        base: NodeId,
        index: NodeId,
    },
    Member {
        left: NodeId,
        op: &'static Op,
        right: NodeId,
    },
    Conditional {
        cond: NodeId,
        yes: NodeId,
        no: NodeId,
    },
    /// `kind<to>(from)`
    NamedCast {
        kind: &'static Op,
        to: NodeId,
        from: NodeId,
    },
    /// `(type)(args)`
    Convert {
        ty: NodeId,
        args: List,
    },
    /// `callee(args)`, or `(callee)(args)`
    Call {
        callee: NodeId,
        args: List,
        paren: bool,
    },
    New {
        info: u32,
    },
    Delete {
        operand: NodeId,
        global: bool,
        array: bool,
    },
    Throw(NodeId),
    /// `word(operand)`
    Enclosed {
        word: &'static str,
        operand: NodeId,
        prec: Prec,
    },
    /// the arguments of `sizeof...` written out
    Elements(List),
    SizeofPack(NodeId),
    /// `fp0`
    FunctionParam(Span),
    Fold {
        left: bool,
        op: &'static Op,
        pack: NodeId,
        init: Opt,
    },
    InitList {
        ty: Opt,
        inits: List,
    },
    /// `.field = init` or `[index] = init`
    Braced {
        designator: NodeId,
        init: NodeId,
        array: bool,
    },
    /// `[first ... last] = init`
    BracedRange {
        first: NodeId,
        last: NodeId,
        init: NodeId,
    },
    /// `(type)(operand)`
    MemberConvert {
        ty: NodeId,
        operand: NodeId,
    },
    /// `operand.<type at offset 4>`
    Subobject {
        operand: NodeId,
        ty: NodeId,
        offset: Span,
    },
    Requires {
        params: List,
        requirements: List,
    },
    ExprRequirement {
        expr: NodeId,
        noexcept: bool,
        ty: Opt,
    },
    TypeRequirement(NodeId),
    NestedRequirement(NodeId),
    /// `(type)5`, or `5ul`, by the type's letter
    Integer {
        ty: u8,
        value: Span,
    },
    /// `(type)5`
    Enumerator {
        ty: NodeId,
        value: Span,
    },
    Float {
        kind: FloatKind,
        bytes: Span,
    },
    /// `"<type>"`
    StringLiteral(NodeId),
    /// `[]lambda`
    Lambda(NodeId),
}

/// The parts of a [`Node::Closure`], too many for a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClosureInfo {
    pub template_params: List,
    pub requires_before: Opt,
    pub params: List,
    pub requires_after: Opt,
}

/// The parts of a [`Node::Encoding`].
#[derive(Clone, Copy, Debug)]
pub(super) struct EncodingInfo {
    pub ret: Opt,
    pub name: NodeId,
    pub params: List,
    pub attrs: Opt,
    pub requires: Opt,
    pub quals: Quals,
    pub refs: RefQual,
}

/// The parts of a [`Node::New`].
#[derive(Clone, Copy, Debug)]
pub(super) struct NewInfo {
    pub placement: List,
    pub ty: NodeId,
    pub inits: List,
    pub global: bool,
    pub array: bool,
}
