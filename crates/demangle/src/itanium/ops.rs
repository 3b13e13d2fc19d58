//! The operators of the Itanium grammar: their two-letter codes, their spelling, how tightly they bind, and the form of
//! their expressions.

/// How tightly an expression binds: an operand that binds no tighter is put in parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(super) enum Prec {
    Primary,
    Postfix,
    Unary,
    Cast,
    PtrMem,
    Multiplicative,
    Additive,
    Shift,
    Spaceship,
    Relational,
    Equality,
    And,
    Xor,
    Ior,
    AndIf,
    OrIf,
    Conditional,
    Assign,
    Comma,
    Any,
}

/// How the operands of an operator follow it in the mangled name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Prefix,
    Postfix,
    Binary,
    Subscript,
    /// `.`, `->` and the pointer-to-member ones; only the latter can be folded over
    Member,
    New {
        array: bool,
    },
    Delete {
        array: bool,
    },
    Call {
        paren: bool,
    },
    Conversion,
    Conditional,
    /// `co_await`: only as an operator's name
    NameOnly,
    NamedCast,
    OfType,
    OfExpr,
}

/// One operator. Nodes refer to it by a static reference, which keeps them small.
#[derive(Debug)]
pub(super) struct Op {
    pub form: Form,
    pub prec: Prec,
    pub text: &'static str,
}

/// The operator of a two-letter code.
pub(super) fn operator(code: [u8; 2]) -> Option<&'static Op> {
    // No code is all capitals or has other signs: most input is told from operators by its first letter.
    if !code[0].is_ascii_lowercase() {
        return None;
    }
    let found = OPERATORS.binary_search_by_key(&code, |(code, _)| **code).ok()?;
    Some(&OPERATORS[found].1)
}

const fn op(form: Form, prec: Prec, text: &'static str) -> Op {
    Op { form, prec, text }
}

use Form as F;
use Prec as P;

/// By code, in ASCII order.
static OPERATORS: [(&[u8; 2], Op); 63] = [
    (b"aN", op(F::Binary, P::Assign, "&=")),
    (b"aS", op(F::Binary, P::Assign, "=")),
    (b"aa", op(F::Binary, P::AndIf, "&&")),
    (b"ad", op(F::Prefix, P::Unary, "&")),
    (b"an", op(F::Binary, P::And, "&")),
    (b"at", op(F::OfType, P::Unary, "alignof ")),
    (b"aw", op(F::NameOnly, P::Primary, "co_await")),
    (b"az", op(F::OfExpr, P::Unary, "alignof ")),
    (b"cc", op(F::NamedCast, P::Postfix, "const_cast")),
    (b"cl", op(F::Call { paren: false }, P::Postfix, "()")),
    (b"cm", op(F::Binary, P::Comma, ",")),
    (b"co", op(F::Prefix, P::Unary, "~")),
    (b"cp", op(F::Call { paren: true }, P::Postfix, "()")),
    (b"cv", op(F::Conversion, P::Cast, "")),
    (b"dV", op(F::Binary, P::Assign, "/=")),
    (b"da", op(F::Delete { array: true }, P::Unary, "delete[]")),
    (b"dc", op(F::NamedCast, P::Postfix, "dynamic_cast")),
    (b"de", op(F::Prefix, P::Unary, "*")),
    (b"dl", op(F::Delete { array: false }, P::Unary, "delete")),
    (b"ds", op(F::Member, P::PtrMem, ".*")),
    (b"dt", op(F::Member, P::Postfix, ".")),
    // LLVM binds division as loosely as assignment.
    (b"dv", op(F::Binary, P::Assign, "/")),
    (b"eO", op(F::Binary, P::Assign, "^=")),
    (b"eo", op(F::Binary, P::Xor, "^")),
    (b"eq", op(F::Binary, P::Equality, "==")),
    (b"ge", op(F::Binary, P::Relational, ">=")),
    (b"gt", op(F::Binary, P::Relational, ">")),
    (b"ix", op(F::Subscript, P::Postfix, "[]")),
    (b"lS", op(F::Binary, P::Assign, "<<=")),
    (b"le", op(F::Binary, P::Relational, "<=")),
    (b"ls", op(F::Binary, P::Shift, "<<")),
    (b"lt", op(F::Binary, P::Relational, "<")),
    (b"mI", op(F::Binary, P::Assign, "-=")),
    (b"mL", op(F::Binary, P::Assign, "*=")),
    (b"mi", op(F::Binary, P::Additive, "-")),
    (b"ml", op(F::Binary, P::Multiplicative, "*")),
    (b"mm", op(F::Postfix, P::Postfix, "--")),
    (b"na", op(F::New { array: true }, P::Unary, "new[]")),
    (b"ne", op(F::Binary, P::Equality, "!=")),
    (b"ng", op(F::Prefix, P::Unary, "-")),
    (b"nt", op(F::Prefix, P::Unary, "!")),
    (b"nw", op(F::New { array: false }, P::Unary, "new")),
    (b"oR", op(F::Binary, P::Assign, "|=")),
    (b"oo", op(F::Binary, P::OrIf, "||")),
    (b"or", op(F::Binary, P::Ior, "|")),
    (b"pL", op(F::Binary, P::Assign, "+=")),
    (b"pl", op(F::Binary, P::Additive, "+")),
    (b"pm", op(F::Member, P::PtrMem, "->*")),
    (b"pp", op(F::Postfix, P::Postfix, "++")),
    (b"ps", op(F::Prefix, P::Unary, "+")),
    (b"pt", op(F::Member, P::Postfix, "->")),
    (b"qu", op(F::Conditional, P::Conditional, "?")),
    (b"rM", op(F::Binary, P::Assign, "%=")),
    (b"rS", op(F::Binary, P::Assign, ">>=")),
    (b"rc", op(F::NamedCast, P::Postfix, "reinterpret_cast")),
    (b"rm", op(F::Binary, P::Multiplicative, "%")),
    (b"rs", op(F::Binary, P::Shift, ">>")),
    (b"sc", op(F::NamedCast, P::Postfix, "static_cast")),
    (b"ss", op(F::Binary, P::Spaceship, "<=>")),
    (b"st", op(F::OfType, P::Unary, "sizeof ")),
    (b"sz", op(F::OfExpr, P::Unary, "sizeof ")),
    (b"te", op(F::OfExpr, P::Postfix, "typeid ")),
    (b"ti", op(F::OfType, P::Postfix, "typeid ")),
];
