//! What is said about a file, and how it is worded.

use crate::diagnostics::Diagnostic;
use std::borrow::Cow;

/// The target that helps name.
pub const TARGET: &str = "--target=wasm32-wasi";

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Its kind with an article, such as `an ELF object for x86-64`.
    pub what: Cow<'static, str>,
    /// How one can tell. May be empty.
    pub because: String,
    /// What to do about it. May be empty.
    pub help: String,
}

impl Foreign {
    /// A file of this kind.
    pub fn new(
        what: impl Into<Cow<'static, str>>,
        because: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Foreign { what: what.into(), because: because.into(), help: help.into() }
    }

    /// One line: what it is and how one can tell.
    pub fn note(&self, subject: &str) -> String {
        match self.because.is_empty() {
            true => format!("{subject} is {}", self.what),
            false => format!("{subject} is {}: {}", self.what, self.because),
        }
    }

    /// The diagnostic with what is known about this file. `subject` names the file.
    pub fn explain(&self, diagnostic: Diagnostic, subject: &str) -> Diagnostic {
        let diagnostic = diagnostic.with_note(self.note(subject));
        match self.help.is_empty() {
            true => diagnostic,
            false => diagnostic.with_help(self.help.clone()),
        }
    }
}

/// What to do about a file that is not as its maker left it.
pub const REMAKE: &str = "remove it and make it again: what wrote it was interrupted, or the disk was full";

/// A number of bytes in words.
pub fn count(bytes: usize) -> String {
    match bytes {
        1 => "1 byte".into(),
        _ => format!("{bytes} bytes"),
    }
}

/// The first bytes, as far as a message needs them.
pub fn starts_with(bytes: &[u8], most: usize) -> String {
    let first: Vec<String> = bytes.iter().take(most).map(|byte| format!("{byte:02x}")).collect();
    format!("it starts with the bytes {}", first.join(" "))
}

/// The part of a name after its last dot, in lower case.
pub fn extension(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or_default();
    file.rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_ascii_lowercase())
}
