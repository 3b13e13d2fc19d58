//! Places in inputs and in the sources from which they were compiled.

use crate::text::Text;
use std::fmt;
use std::path::PathBuf;

/// A place in the inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location {
    /// The file's path as given.
    pub path: PathBuf,
    /// The archive member's name, if the file is an archive.
    pub member: Option<Text>,
    /// Byte offset from the start of the object: of the member, not of the archive.
    pub offset: Option<u64>,
    /// The function or symbol.
    pub symbol: Option<String>,
    /// The line of source code, if the object has debug information about it.
    pub source: Option<SourcePosition>,
}

impl Location {
    /// A file as a whole.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Location { path: path.into(), ..Location::default() }
    }
}

impl fmt::Display for Location {
    /// `path` or `path(member)`, as wasm-ld names files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(f, "{}({member})", self.path.display()),
            None => self.path.display().fmt(f),
        }
    }
}

/// A position in source code, as an object's debug information has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourcePosition {
    /// The source file as the debug information names it: it need not exist on this machine.
    pub file: Text,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1, if known.
    pub column: Option<u32>,
    /// The function that contains the position, as messages show it, if known.
    pub function: Option<String>,
}

impl SourcePosition {
    /// A line of a file.
    pub fn new(file: impl Into<Text>, line: u32) -> Self {
        SourcePosition { file: file.into(), line, column: None, function: None }
    }
}

impl fmt::Display for SourcePosition {
    /// `file:line` or `file:line:column`. `{:#}` prints the file as [`Text::to_escaped`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.fmt(f)?;
        write!(f, ":{}", self.line)?;
        self.column.iter().try_for_each(|column| write!(f, ":{column}"))
    }
}
