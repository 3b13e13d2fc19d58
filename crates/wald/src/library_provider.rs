//! Libraries that a link could have used: looked at only when a symbol is undefined, to say which of them defines it.

use crate::bytes::Bytes;
use crate::text::Text;
use std::path::PathBuf;

/// A library that is not part of the link.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OtherLibrary {
    /// The argument that adds it, such as `-lm`.
    pub argument: Text,
    /// Its path. A library that is an input of the link is not looked at.
    pub path: PathBuf,
    /// The folder in which it was found, as messages show it.
    pub folder: Text,
    /// The archive. Only its symbol table is read.
    pub bytes: Bytes,
}

impl OtherLibrary {
    /// An archive that `argument` would add.
    pub fn new(argument: impl Into<Text>, path: impl Into<PathBuf>, bytes: Bytes) -> Self {
        let path = path.into();
        let folder = path.parent().map(Text::from).unwrap_or_default();
        OtherLibrary { argument: argument.into(), path, folder, bytes }
    }
}

/// Finds libraries that a link could have used. A linker calls it at most once for each link, and only if a symbol is undefined.
pub trait LibraryProvider: Send + Sync {
    /// The libraries, in the order in which a search finds them. If two define a symbol, the first one counts.
    fn libraries(&self) -> Vec<OtherLibrary>;
}
