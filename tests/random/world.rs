//! The names that all objects of a pool share: which functions and data there are, and what one object says about them.
//!
//! Every function has a signature and every datum a kind. An object defines some and refers to others; [`World::define`]
//! makes sure that most names get exactly one strong definition in each target, so that most links succeed.

use std::collections::BTreeSet;
use wald_tests::random::Random;

/// Functions `f0` to `f39`.
pub const FUNCTIONS: usize = 40;
/// Data `d0` to `d29`.
pub const DATA: usize = 30;
/// Thread-local data `t0` to `t5`.
pub const TLS: usize = 6;
/// C++ classes `K0` to `K7`.
pub const CLASSES: usize = 8;
/// Imported functions `i0` to `i5`.
pub const IMPORTS: usize = 6;
/// WebAssembly globals `g0` to `g3`.
pub const GLOBALS: usize = 4;
/// Tables `table0` to `table2`.
pub const TABLES: usize = 3;
/// Tags `tag0` and `tag1`.
pub const TAGS: usize = 2;

/// A signature in C, and with `P` for a pointer in assembly.
pub struct Signature {
    /// The C result type.
    pub result: &'static str,
    /// The C parameter types.
    pub parameters: &'static [&'static str],
    /// `(i32, P) -> (i32)`
    pub assembly: &'static str,
}

/// The signatures of functions.
pub const SIGNATURES: [Signature; 6] = [
    Signature { result: "int", parameters: &["int"], assembly: "(i32) -> (i32)" },
    Signature { result: "void", parameters: &[], assembly: "() -> ()" },
    Signature { result: "int", parameters: &["int", "char*"], assembly: "(i32, P) -> (i32)" },
    Signature { result: "double", parameters: &["double", "int"], assembly: "(f64, i32) -> (f64)" },
    Signature { result: "char*", parameters: &["char*"], assembly: "(P) -> (P)" },
    Signature { result: "long long", parameters: &["int", "long long"], assembly: "(i32, i64) -> (i64)" },
];

/// What a datum is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatumKind {
    /// An `int` with a value.
    Int,
    /// An array of ints.
    Array(usize),
    /// An array of zeros.
    Zeros(usize),
    /// A constant array of ints.
    Constant(usize),
    /// A pointer to another datum.
    PointerToDatum(usize),
    /// A pointer to a function.
    PointerToFunction(usize),
    /// A struct with both kinds of pointers.
    Mixed(usize, usize),
    /// A pointer to a string literal.
    Text(usize),
}

/// Literals, some of which are tails of others.
pub const TEXTS: [&str; 10] = [
    "",
    "a",
    "tail",
    "long tail",
    "a long tail",
    "other",
    "another",
    "x%d\\n",
    "error: tail",
    "\\xc3\\xa9 tail",
];

/// How an object defines a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// The definition.
    Strong,
    /// A weak definition.
    Weak,
    /// A strong definition that the output does not export.
    Hidden,
    /// A weak and hidden one.
    WeakHidden,
}

/// The names, and which are defined already.
pub struct World {
    /// The signature of each function.
    pub functions: Vec<usize>,
    /// The kind of each datum.
    pub data: Vec<DatumKind>,
    defined: BTreeSet<String>,
}

impl World {
    /// Makes one up.
    pub fn new(random: &mut Random) -> World {
        let functions = (0..FUNCTIONS).map(|_| random.below(SIGNATURES.len())).collect();
        let kind = |random: &mut Random| match random.below(9) {
            0 | 1 => DatumKind::Int,
            2 => DatumKind::Array(1 + random.below(20)),
            3 => DatumKind::Zeros(1 + random.below(40)),
            4 => DatumKind::Constant(1 + random.below(6)),
            5 => DatumKind::PointerToDatum(random.below(DATA)),
            6 => DatumKind::PointerToFunction(random.below(FUNCTIONS)),
            7 => DatumKind::Mixed(random.below(DATA), random.below(FUNCTIONS)),
            _ => DatumKind::Text(random.below(TEXTS.len())),
        };
        let data = (0..DATA).map(|_| kind(random)).collect();
        World { functions, data, defined: BTreeSet::new() }
    }

    /// How the next object defines `name`: the first time strongly in most cases, later weakly.
    pub fn define(&mut self, name: &str, random: &mut Random) -> Binding {
        let first = self.defined.insert(name.to_string());
        match random.below(40) {
            0..=23 if first => Binding::Strong,
            24..=31 if first => Binding::Hidden,
            0 => Binding::Strong,
            2..=6 => Binding::WeakHidden,
            _ => Binding::Weak,
        }
    }

    /// True if a file defines it.
    pub fn is_defined(&self, name: &str) -> bool {
        self.defined.contains(name)
    }

    /// True the first time, and rarely later: for what cannot be defined weakly.
    pub fn define_once(&mut self, name: &str, random: &mut Random) -> bool {
        self.defined.insert(name.to_string()) || random.chance(3)
    }
}

/// One source file and what it is about.
pub struct Source {
    /// `c07.c`
    pub file: String,
    /// What is in it.
    pub text: String,
    /// More flags for the compiler.
    pub flags: Vec<String>,
    /// Names that it defines.
    pub defines: BTreeSet<String>,
    /// Those of them that another file must not define strongly too.
    pub strong: BTreeSet<String>,
    /// Names that others must define.
    pub needs: BTreeSet<String>,
}

impl Binding {
    /// Two of these are an error.
    pub fn is_strong(self) -> bool {
        matches!(self, Binding::Strong | Binding::Hidden)
    }
}

/// The signature as assembly writes it, for pointers of the type `pointer`.
pub fn assembly_signature(signature: usize, pointer: &str) -> String {
    SIGNATURES[signature].assembly.replace('P', pointer)
}
