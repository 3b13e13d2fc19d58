//! Diagnostics as data. The library never prints: it collects [`Diagnostic`]s, and `wald-cli` renders them.
//!
//! A message has exactly `wasm-ld`'s words, because build systems parse them. The location has the same facts as fields.
//! `notes` and `helps` add what `wasm-ld` does not say.

use crate::cancel::CancelToken;
pub use crate::code::Code;
use crate::input_id::InputId;
use crate::messages::{Extraction, ExtractionReport, Message, MessageKind};
use crate::report::Report;
use crate::text::{unescape_path, Text};
use std::fmt;

mod location;
mod explanation;

pub use explanation::{Fix, Help, Note};
pub use location::{Location, SourcePosition};

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// The output is right, but something about it is worth knowing. wasm-ld says nothing here.
    Note,
    /// Something is probably wrong, but the link goes on.
    Warning,
    /// The link fails. Other inputs are still checked.
    Error,
}

/// When a diagnostic was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// While an input was read or parsed: [`Diagnostic::input`] says which.
    Input,
    /// While all inputs were linked.
    #[default]
    Link,
}

/// An error, a warning or a note.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Error, warning or note.
    pub severity: Severity,
    /// Its kind.
    pub code: Code,
    /// The complete text in wasm-ld's words, without the prefix `wasm-ld: error: `. It may have several lines (`>>> …`).
    pub message: Text,
    /// The place in the input that causes it.
    pub location: Option<Location>,
    /// The input in which it was found, if its stage is [`Stage::Input`].
    pub input: Option<InputId>,
    /// When it was found.
    pub stage: Stage,
    /// Explanations that wasm-ld does not have, one line each.
    pub notes: Vec<Note>,
    /// What to do about it, as far as known, one line each. The most likely one is first.
    pub helps: Vec<Help>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, message: impl Into<Text>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning.
    pub fn warning(code: Code, message: impl Into<Text>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// A note.
    pub fn note(code: Code, message: impl Into<Text>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    fn new(severity: Severity, code: Code, message: impl Into<Text>) -> Self {
        Diagnostic {
            severity,
            code,
            message: message.into(),
            location: None,
            input: None,
            stage: Stage::default(),
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// What precedes the message when it is printed: `error: `, `warning: ` or `note: `.
    pub fn prefix(&self) -> &'static str {
        match self.severity {
            Severity::Error => "error: ",
            Severity::Warning => "warning: ",
            Severity::Note => "note: ",
        }
    }

    /// Records that it was found while this input was read or parsed.
    pub(crate) fn set_input(&mut self, input: InputId) {
        (self.input, self.stage) = (Some(input), Stage::Input);
    }

    /// The same diagnostic, found while this input was read or parsed.
    pub(crate) fn of_input(mut self, input: InputId) -> Self {
        self.set_input(input);
        self
    }

    /// The same diagnostic, found at this stage.
    pub(crate) fn at_stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// The same diagnostic with a location.
    pub fn with_location(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// The same diagnostic, blaming this file. A note names it, because wasm-ld's words do not.
    pub(crate) fn blame(self, path: &str, offset: Option<u64>) -> Self {
        let note = match offset {
            Some(offset) => format!("at offset {offset:#x} of {path}"),
            None => format!("in {path}"),
        };
        self.with_location(Location { offset, ..Location::file(unescape_path(path)) }).with_note(note)
    }

    /// The same diagnostic with another line of explanation.
    pub fn with_note(mut self, note: impl Into<Note>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same diagnostic with another hint.
    pub fn with_help(mut self, help: impl Into<Help>) -> Self {
        self.helps.push(help.into());
        self
    }
}

/// As wasm-ld prints it, without the program's name: `error: …` or `warning: …`.
/// Notes and helps follow, indented, on lines of their own. `{:#}` prints [`Text::to_escaped`].
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix())?;
        self.message.fmt(f)?;
        for note in &self.notes {
            f.write_str("\n    note: ")?;
            note.text.fmt(f)?;
        }
        for help in &self.helps {
            f.write_str("\n    help: ")?;
            help.text.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// Everything that one link says, in display order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diagnostics {
    list: Vec<Diagnostic>,
    messages: Vec<Message>,
    extractions: Option<ExtractionReport>,
    map: Option<Text>,
    report: Option<Box<Report>>,
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

    /// The token that [`Diagnostics::check`] checks.
    pub fn cancel_token(&self) -> CancelToken {
        self.cancel.clone()
    }

    /// Records a diagnostic.
    pub fn push(&mut self, mut diagnostic: Diagnostic) {
        if self.fatal_warnings && diagnostic.severity == Severity::Warning {
            diagnostic.severity = Severity::Error;
        }
        if diagnostic.severity == Severity::Error {
            self.errors += 1;
        }
        self.list.push(diagnostic);
    }

    /// Changes what follows a diagnostic that was recorded: its notes and helps, and its location. By its position among all.
    pub fn change(&mut self, position: usize, change: impl FnOnce(&mut Diagnostic)) {
        if let Some(diagnostic) = self.list.get_mut(position) {
            change(diagnostic);
        }
    }

    /// Records a line that an option asked for.
    pub fn say(&mut self, kind: MessageKind, text: impl Into<Text>) {
        self.messages.push(Message { kind, text: text.into(), position: self.list.len() });
    }

    /// Records what an earlier phase recorded for itself.
    pub fn append(&mut self, earlier: Diagnostics) {
        let position = self.list.len();
        let messages = earlier.messages.into_iter();
        self.messages
            .extend(messages.map(|message| Message { position: message.position + position, ..message }));
        self.extend(earlier.list);
    }

    /// Records why archive members were linked.
    pub fn report_extractions(&mut self, extractions: Vec<Extraction>) {
        let (position, message_position) = (self.list.len(), self.messages.len());
        self.extractions = Some(ExtractionReport { extractions, position, message_position });
    }

    /// Records the link map.
    pub fn keep_map(&mut self, map: Option<String>) {
        self.map = map.map(Text::from);
    }

    /// Why archive members were linked, as far as it was recorded.
    pub fn extractions(&self) -> Option<&ExtractionReport> {
        self.extractions.as_ref()
    }

    /// Records the report.
    pub fn keep_report(&mut self, report: Report) {
        self.report = Some(Box::new(report));
    }

    /// Records several diagnostics.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in diagnostics {
            self.push(diagnostic);
        }
    }

    /// Records errors that wasm-ld does not find, unless it has found others.
    pub(crate) fn extend_if_none(&mut self, found_by_wald: Vec<Diagnostic>) {
        if self.errors == 0 {
            self.extend(found_by_wald);
        }
    }

    /// Whether anything was recorded.
    pub fn says_anything(&self) -> bool {
        !self.list.is_empty() || !self.messages.is_empty()
    }

    /// How much was recorded: two equal values mean that nothing was recorded in between.
    pub fn extent(&self) -> (usize, usize, bool) {
        (self.list.len(), self.messages.len(), self.extractions.is_some())
    }

    /// The number of errors.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// Fails if an error was recorded or the link was cancelled, which it records as an error.
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

    /// Records an error and returns the proof of it.
    pub fn fail(&mut self, diagnostic: Diagnostic) -> LinkFailure {
        debug_assert_eq!(diagnostic.severity, Severity::Error);
        self.push(diagnostic);
        LinkFailure(())
    }

    /// All that was recorded.
    pub fn into_parts(self) -> Recorded {
        let Diagnostics { list: diagnostics, messages, extractions, map, report, .. } = self;
        Recorded { diagnostics, messages, extractions, map, report }
    }
}

/// What [`Diagnostics`] recorded.
pub(crate) struct Recorded {
    /// Errors, warnings and notes.
    pub diagnostics: Vec<Diagnostic>,
    /// Lines that options asked for.
    pub messages: Vec<Message>,
    /// Why archive members were linked.
    pub extractions: Option<ExtractionReport>,
    /// The link map.
    pub map: Option<Text>,
    /// The report.
    pub report: Option<Box<Report>>,
}

/// The link failed. The diagnostics contain at least one error.
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
        let error = Diagnostic::error(Code::Parse, "x\n>>> y").with_note("because").with_help("do this");
        assert_eq!(error.to_string(), "error: x\n>>> y\n    note: because\n    help: do this");
        let twice = Diagnostic::warning(Code::Layout, "w").with_help("a").with_help("b");
        assert_eq!(twice.to_string(), "warning: w\n    help: a\n    help: b");
        assert_eq!(Diagnostic::note(Code::EngineLimit, "large").to_string(), "note: large");
    }

    #[test]
    fn positions_are_shown_as_compilers_show_them() {
        let mut position = SourcePosition::new("main.c", 3);
        assert_eq!(position.to_string(), "main.c:3");
        position.column = Some(9);
        assert_eq!(position.to_string(), "main.c:3:9");
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
