//! Diagnostics as data. The library never prints: it collects [`Diagnostic`]s, and `wald-cli` renders them.
//!
//! A message reads exactly as `wasm-ld` words it, because build systems parse that; the location says the same
//! again in fields, for tools that would rather not. What only Wald knows goes into `notes` and `help`.

use crate::cancel::CancelToken;
use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Information that was asked for (`--trace`, `--print-gc-sections`, `--verbose`): no prefix, standard output or
    /// error as [`Diagnostic::code`] says.
    Message,
    /// The output is written; something is probably wrong.
    Warning,
    /// The link fails; other inputs are still looked at.
    Error,
}

/// Where in the inputs it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The file's path as it was given.
    pub path: String,
    /// The archive member's name, where the file is an archive.
    pub member: Option<String>,
    /// Byte offset from the start of the object (of the member, not of the archive).
    pub offset: Option<u64>,
    /// The function or symbol it is in.
    pub symbol: Option<String>,
}

impl fmt::Display for Location {
    /// `path`, or `path(member)`: the way wasm-ld names files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(f, "{}({member})", self.path),
            None => f.write_str(&self.path),
        }
    }
}

/// What kind of diagnostic it is, stable for tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// An input could not be opened or read.
    Open,
    /// An input's bytes are malformed.
    Parse,
    /// Options contradict each other or have impossible values.
    Options,
    /// A symbol is referenced and not defined.
    UndefinedSymbol,
    /// A symbol is defined more than once.
    DuplicateSymbol,
    /// Two files disagree on a symbol's kind, type, import name or signature.
    SymbolType,
    /// Two files disagree on target features.
    Features,
    /// Sizes or addresses that do not fit.
    Layout,
    /// A relocation that cannot be applied.
    Relocation,
    /// Something an input holds that the link leaves out.
    Ignored,
    /// A file that was read (`--trace`): standard output.
    Trace,
    /// A symbol reference or definition (`--trace-symbol`): standard output.
    TraceSymbol,
    /// The whole report of why archive members were extracted (`--why-extract`), for a file of its own.
    WhyExtract,
    /// The link map of a link that fails at its very end (`--Map`): otherwise it comes with the output.
    LinkMap,
    /// A removed input section (`--print-gc-sections`): standard output.
    GcSection,
    /// What the link does (`--verbose`): standard error.
    Verbose,
    /// The module is valid, but engines may refuse it: standard error.
    EngineLimit,
    /// The link's [`CancelToken`] was cancelled.
    Cancelled,
}

/// One thing that the link has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Error, warning or asked-for message.
    pub severity: Severity,
    /// Its kind.
    pub code: Code,
    /// The whole text as wasm-ld words it, without the `wasm-ld: error: ` prefix; may span lines (`>>> …`).
    pub message: String,
    /// The input that is to blame.
    pub location: Option<Location>,
    /// What Wald adds to wasm-ld's words, a line each.
    pub notes: Vec<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// A message that was asked for.
    pub fn message(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Message, code, message)
    }

    fn new(severity: Severity, code: Code, message: impl Into<String>) -> Self {
        Diagnostic { severity, code, message: message.into(), location: None, notes: Vec::new(), help: None }
    }

    /// What precedes the message when it is printed: `error: `, `warning: `, `note: `, or nothing.
    pub fn prefix(&self) -> &'static str {
        match self.severity {
            Severity::Error => "error: ",
            Severity::Warning => "warning: ",
            Severity::Message if self.code == Code::EngineLimit => "note: ",
            Severity::Message => "",
        }
    }

    /// The same diagnostic with a location.
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// The same diagnostic about this file, which wasm-ld's words do not name; with the place in it, where it is known.
    pub fn blame(self, path: &str, offset: Option<u64>) -> Self {
        let note = match offset {
            Some(offset) => format!("at offset {offset:#x} of {path}"),
            None => format!("in {path}"),
        };
        self.at(Location { path: path.to_string(), offset, ..Location::default() }).note(note)
    }

    /// The same diagnostic with one more line of explanation.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same diagnostic with a hint.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// As wasm-ld prints it, without the program's name: `error: …`, `warning: …`, or the message alone if it was asked for.
/// Notes and help follow, indented, on lines of their own.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix())?;
        f.write_str(&self.message)?;
        self.notes.iter().try_for_each(|note| write!(f, "\n    note: {note}"))?;
        self.help.iter().try_for_each(|help| write!(f, "\n    help: {help}"))
    }
}

impl std::error::Error for Diagnostic {}

/// The diagnostics of one link, in the order in which they are shown.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    errors: usize,
    fatal_warnings: bool,
    cancel: CancelToken,
}

impl Diagnostics {
    /// No diagnostics. With `fatal_warnings` every warning is recorded as an error.
    pub fn new(fatal_warnings: bool) -> Self {
        Diagnostics { fatal_warnings, ..Self::default() }
    }

    /// The same with a token that makes [`Diagnostics::check`] fail when it is cancelled.
    pub fn with_cancel_token(mut self, cancel: CancelToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// The token that [`Diagnostics::check`] looks at.
    pub fn cancel_token(&self) -> CancelToken {
        self.cancel.clone()
    }

    /// Records one.
    pub fn push(&mut self, mut diagnostic: Diagnostic) {
        if self.fatal_warnings && diagnostic.severity == Severity::Warning {
            diagnostic.severity = Severity::Error;
        }
        if diagnostic.severity == Severity::Error {
            self.errors += 1;
        }
        self.list.push(diagnostic);
    }

    /// Records several.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in diagnostics {
            self.push(diagnostic);
        }
    }

    /// How many errors there are.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// All of them.
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.list
    }

    /// Goes on when no error was recorded and nobody cancelled; otherwise the proof that there was an error.
    pub fn check(&mut self) -> Result<(), LinkFailure> {
        if self.errors == 0 && self.cancel.is_cancelled() {
            return Err(self.fail(Diagnostic::error(Code::Cancelled, "the link was cancelled")));
        }
        if self.errors == 0 {
            Ok(())
        } else {
            Err(LinkFailure(()))
        }
    }

    /// Records an error and gives the proof that there is one.
    pub fn fail(&mut self, diagnostic: Diagnostic) -> LinkFailure {
        debug_assert_eq!(diagnostic.severity, Severity::Error);
        self.push(diagnostic);
        LinkFailure(())
    }

    /// The list itself.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.list
    }
}

/// The link cannot go on. Only [`Diagnostics`] makes one, after an error was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkFailure(());

impl fmt::Display for LinkFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the link failed")
    }
}

impl std::error::Error for LinkFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_are_shown_as_wasm_ld_prints_them() {
        let error = Diagnostic::error(Code::Parse, "x\n>>> y").note("because").help("do this");
        assert_eq!(error.to_string(), "error: x\n>>> y\n    note: because\n    help: do this");
        assert_eq!(Diagnostic::warning(Code::Layout, "w").to_string(), "warning: w");
        assert_eq!(Diagnostic::message(Code::Trace, "a.o").to_string(), "a.o");
        assert_eq!(Diagnostic::message(Code::EngineLimit, "large").to_string(), "note: large");
    }

    #[test]
    fn a_failure_passes_through_the_question_mark() {
        fn fails() -> Result<(), Box<dyn std::error::Error>> {
            let mut diagnostics = Diagnostics::new(false);
            diagnostics.push(Diagnostic::error(Code::Parse, "x"));
            Ok(diagnostics.check()?)
        }
        assert_eq!(fails().unwrap_err().to_string(), "the link failed");
    }
}
