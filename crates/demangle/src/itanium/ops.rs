//! The operators of the Itanium grammar: their two-letter codes, how they are spelt and how an expression
//! headed by each is laid out.

use super::ast::Prec;

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

/// One operator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub form: Form,
    pub prec: Prec,
    pub text: &'static str,
}

/// The operator a two-letter code stands for.
pub(super) fn operator(code: [u8; 2]) -> Option<Op> {
    use Form::*;
    use Prec::*;
    let (form, prec, text) = match &code {
        b"aN" => (Binary, Assign, "&="),
        b"aS" => (Binary, Assign, "="),
        b"aa" => (Binary, AndIf, "&&"),
        b"ad" => (Form::Prefix, Unary, "&"),
        b"an" => (Binary, And, "&"),
        b"at" => (OfType, Unary, "alignof "),
        b"aw" => (NameOnly, Primary, "co_await"),
        b"az" => (OfExpr, Unary, "alignof "),
        b"cc" => (NamedCast, Prec::Postfix, "const_cast"),
        b"cl" => (Call { paren: false }, Prec::Postfix, "()"),
        b"cm" => (Binary, Comma, ","),
        b"co" => (Form::Prefix, Unary, "~"),
        b"cp" => (Call { paren: true }, Prec::Postfix, "()"),
        b"cv" => (Conversion, Cast, ""),
        b"dV" => (Binary, Assign, "/="),
        b"da" => (Delete { array: true }, Unary, "delete[]"),
        b"dc" => (NamedCast, Prec::Postfix, "dynamic_cast"),
        b"de" => (Form::Prefix, Unary, "*"),
        b"dl" => (Delete { array: false }, Unary, "delete"),
        b"ds" => (Member, PtrMem, ".*"),
        b"dt" => (Member, Prec::Postfix, "."),
        // LLVM binds division as loosely as assignment.
        b"dv" => (Binary, Assign, "/"),
        b"eO" => (Binary, Assign, "^="),
        b"eo" => (Binary, Xor, "^"),
        b"eq" => (Binary, Equality, "=="),
        b"ge" => (Binary, Relational, ">="),
        b"gt" => (Binary, Relational, ">"),
        b"ix" => (Subscript, Prec::Postfix, "[]"),
        b"lS" => (Binary, Assign, "<<="),
        b"le" => (Binary, Relational, "<="),
        b"ls" => (Binary, Shift, "<<"),
        b"lt" => (Binary, Relational, "<"),
        b"mI" => (Binary, Assign, "-="),
        b"mL" => (Binary, Assign, "*="),
        b"mi" => (Binary, Additive, "-"),
        b"ml" => (Binary, Multiplicative, "*"),
        b"mm" => (Form::Postfix, Prec::Postfix, "--"),
        b"na" => (New { array: true }, Unary, "new[]"),
        b"ne" => (Binary, Equality, "!="),
        b"ng" => (Form::Prefix, Unary, "-"),
        b"nt" => (Form::Prefix, Unary, "!"),
        b"nw" => (New { array: false }, Unary, "new"),
        b"oR" => (Binary, Assign, "|="),
        b"oo" => (Binary, OrIf, "||"),
        b"or" => (Binary, Ior, "|"),
        b"pL" => (Binary, Assign, "+="),
        b"pl" => (Binary, Additive, "+"),
        b"pm" => (Member, PtrMem, "->*"),
        b"pp" => (Form::Postfix, Prec::Postfix, "++"),
        b"ps" => (Form::Prefix, Unary, "+"),
        b"pt" => (Member, Prec::Postfix, "->"),
        b"qu" => (Form::Conditional, Prec::Conditional, "?"),
        b"rM" => (Binary, Assign, "%="),
        b"rS" => (Binary, Assign, ">>="),
        b"rc" => (NamedCast, Prec::Postfix, "reinterpret_cast"),
        b"rm" => (Binary, Multiplicative, "%"),
        b"rs" => (Binary, Shift, ">>"),
        b"sc" => (NamedCast, Prec::Postfix, "static_cast"),
        b"ss" => (Binary, Spaceship, "<=>"),
        b"st" => (OfType, Unary, "sizeof "),
        b"sz" => (OfExpr, Unary, "sizeof "),
        b"te" => (OfExpr, Prec::Postfix, "typeid "),
        b"ti" => (OfType, Prec::Postfix, "typeid "),
        _ => return None,
    };
    Some(Op { form, prec, text })
}
