//! What the formats of archives have in common: members, decimal fields, and LLVM's messages.

use crate::parse_error::ParseError;

/// An archive's members in order, without its symbol and name tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    /// The members.
    pub members: Vec<Member>,
    /// Whether the members are separate files.
    pub thin: bool,
}

/// A member of an archive. Offsets and sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name. In a thin archive, a path relative to the archive's folder.
    pub name: String,
    /// Offset of its header.
    pub header: usize,
    /// Offset of its contents. A thin archive does not contain them.
    pub start: usize,
    /// The size of its contents.
    pub size: usize,
}

/// The starts of LLVM's messages, which say in which step it found the error.
pub const OPENING: &str = "failed to parse archive";
pub const LISTING: &str = "Archive::children failed";
pub const NAMING: &str = "could not get the buffer for a child of the archive";

/// An error at `offset`, in LLVM's words.
pub fn malformed(offset: usize, doing: &str, what: impl std::fmt::Display) -> ParseError {
    ParseError::text(offset, format!("{doing}: truncated or malformed archive ({what})"))
}

/// A field without the blanks at its end.
pub fn trim_end(field: &[u8]) -> &[u8] {
    let end = field.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
    &field[..end]
}

/// The number in a field.
pub fn decimal(field: &[u8]) -> Option<usize> {
    let digits = trim_end(field);
    // Rust's parser would also accept a sign.
    let valid = digits.iter().all(u8::is_ascii_digit);
    valid.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}
