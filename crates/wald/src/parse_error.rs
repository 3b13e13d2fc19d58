//! What can be wrong with an input's bytes. A parser knows no path: the linker adds file and member.

use std::fmt;
use std::ops::Deref;

/// Malformed bytes at an offset. One pointer, so that a result with a number fits two registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError(Box<Mistake>);

/// What a [`ParseError`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Bytes from the start of what was parsed (an object, or an archive).
    pub offset: u64,
    /// What is wrong there.
    pub kind: ErrorKind,
}

impl Deref for ParseError {
    type Target = Mistake;

    fn deref(&self) -> &Mistake {
        &self.0
    }
}

impl ParseError {
    /// A mistake of this kind at `offset`.
    #[cold]
    pub fn new(offset: usize, kind: ErrorKind) -> Self {
        ParseError(Box::new(Mistake { offset: offset as u64, kind }))
    }

    /// `what` is wrong at `offset`.
    pub fn malformed(offset: usize, what: &'static str) -> Self {
        ParseError::new(offset, ErrorKind::Malformed(what))
    }

    /// Tables and their symbols do not go together.
    pub fn tables(offset: usize, what: impl Into<Box<str>>) -> Self {
        ParseError::new(offset, ErrorKind::Tables(what.into()))
    }

    /// Whether wasm-ld finds it only when it loads the file, which it has read without an error. It names a member's archive then, too.
    pub fn is_late(&self) -> bool {
        matches!(self.kind, ErrorKind::MissingLinkingSection | ErrorKind::Tables(_))
    }

    /// The same with words that tell names or numbers.
    pub fn text(offset: usize, what: impl Into<Box<str>>) -> Self {
        ParseError::new(offset, ErrorKind::Text(what.into()))
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for ParseError {}

/// The kinds of malformation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file, or the part that is being read, ends too early.
    UnexpectedEnd,
    /// A LEB128 number that is too long or too large for its place.
    LebTooBig,
    /// A wasm module without a `linking` section.
    MissingLinkingSection,
    /// A `linking` section of a version other than 2.
    LinkingVersion(u32),
    /// A relocation type that the convention does not know.
    UnknownRelocation(u32),
    /// A symbol kind that the convention does not know.
    UnknownSymbolKind(u8),
    /// A feature prefix other than `+` and `-`; wasm-ld 22 also rejects `=` (required).
    UnknownFeaturePrefix(u8),
    /// Tables without symbols.
    Tables(Box<str>),
    /// Anything else, in words.
    Malformed(&'static str),
    /// Anything else, in words with a name or a number.
    Text(Box<str>),
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::UnexpectedEnd => f.write_str("unexpected end of data"),
            ErrorKind::LebTooBig => f.write_str("LEB128 number is too big for its place"),
            ErrorKind::MissingLinkingSection => f.write_str("not a relocatable wasm file"),
            ErrorKind::LinkingVersion(version) => {
                write!(f, "unexpected metadata version: {version} (Expected: 2)")
            }
            ErrorKind::UnknownRelocation(kind) => write!(f, "invalid relocation type: {kind}"),
            ErrorKind::UnknownSymbolKind(kind) => write!(f, "invalid symbol type: {kind}"),
            ErrorKind::UnknownFeaturePrefix(_) => f.write_str("unknown feature policy prefix"),
            ErrorKind::Malformed(what) => f.write_str(what),
            ErrorKind::Tables(what) | ErrorKind::Text(what) => f.write_str(what),
        }
    }
}
