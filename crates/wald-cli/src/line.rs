//! One line that a run says.

use wald::diagnostics::{Diagnostic, Severity};
use wald::{ExtractionReport, MessageKind};

/// One thing that is said.
#[derive(Clone, Debug)]
pub enum Line {
    /// An error, a warning or a note.
    Diagnostic(Box<Diagnostic>),
    /// What an option asked for.
    Message(MessageKind, String),
    /// The report of `--why-extract` is written here.
    Extractions(ExtractionReport),
}

impl Line {
    /// A line of `--verbose` or `--verbose-link`.
    pub fn verbose(text: impl Into<String>) -> Self {
        Line::Message(MessageKind::Verbose, text.into())
    }

    /// Whether it makes the link fail.
    pub fn is_error(&self) -> bool {
        matches!(self, Line::Diagnostic(diagnostic) if diagnostic.severity == Severity::Error)
    }
}

impl From<Diagnostic> for Line {
    fn from(diagnostic: Diagnostic) -> Self {
        Line::Diagnostic(Box::new(diagnostic))
    }
}
