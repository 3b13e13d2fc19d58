//! Prints diagnostics as wasm-ld does.
//!
//! The form is `prog: error: message`. An empty line separates a message of several lines from the next one that wasm-ld
//! prints. `--fatal-warnings` turns warnings into errors. After `--error-limit` errors, nothing more is printed. Requested
//! messages go where wasm-ld writes them: those of `--verbose` to standard error, all others to standard output.
//!
//! With `--diagnostics-format=json` or `sarif`, standard error has the same as data: [`data`](crate::data).

use crate::data::{self, Format};
use crate::hyperlinks;
use crate::stop::Stop;
use crate::stream::Stream;
use crate::text::{error_text, visible};
use std::borrow::Cow;
use std::io::Write;
use wald::diagnostics::{Code, Diagnostic, Help, Note, Severity};
use wald::MessageKind;
use wald::Text;

/// wasm-ld's message when it reaches the error limit.
const TOO_MANY: &str = "too many errors emitted, stopping now (use -error-limit=0 to see all errors)";

/// The error limit without `--error-limit`.
pub const DEFAULT_LIMIT: u64 = 20;

/// Writes diagnostics and counts errors.
pub struct Renderer<'a> {
    /// Standard output.
    pub stdout: Stream<'a>,
    /// Standard error.
    pub stderr: Stream<'a>,
    /// The start of each message.
    program: String,
    /// Whether `error:` and `warning:` are colored.
    pub color: bool,
    /// Whether standard output and standard error are terminals. If so, control characters are escaped.
    pub on_terminal: [bool; 2],
    /// Whether paths of existing files are links.
    pub hyperlinks: bool,
    /// The form of what goes to standard error.
    pub format: Format,
    /// Only what wasm-ld would print is shown: neither notes nor the lines that explain a message.
    pub only_wasm_ld: bool,
    /// Whether warnings are errors.
    pub fatal_warnings: bool,
    /// The number of errors after which to stop; 0 for no limit.
    pub error_limit: u64,
    /// The number of errors before `--error-limit` was read. The default limit applies to them.
    pub early_errors: u64,
    errors: u64,
    after_lines: bool,
    stopped: bool,
    /// Lines for standard error.
    pending: Vec<u8>,
    /// The kinds of what was shown.
    shown: Vec<Code>,
    /// What was shown, for a document that is written at the end.
    sarif: data::Sarif,
}

/// How many kinds the last line names.
const NAMED: usize = 3;

impl<'a> Renderer<'a> {
    /// A renderer for these streams, without color and with wasm-ld's limit of 20 errors.
    pub fn new(program: String, stdout: &'a mut dyn Write, stderr: &'a mut dyn Write) -> Self {
        Renderer {
            stdout: Stream::new(stdout),
            stderr: Stream::new(stderr),
            program,
            color: false,
            on_terminal: [false; 2],
            hyperlinks: false,
            format: Format::default(),
            only_wasm_ld: false,
            fatal_warnings: false,
            error_limit: DEFAULT_LIMIT,
            early_errors: 0,
            errors: 0,
            after_lines: false,
            stopped: false,
            pending: Vec::new(),
            shown: Vec::new(),
            sarif: data::Sarif::default(),
        }
    }

    /// Ends what one link says: with the document of `--diagnostics-format=sarif`, or on a terminal with how to read more.
    pub fn finish(&mut self) {
        let shown = std::mem::take(&mut self.shown);
        match self.format {
            Format::Json => {}
            Format::Sarif => {
                let document = std::mem::take(&mut self.sarif).document(self.errors == 0);
                let _ = writeln!(self.stderr, "{document}");
            }
            Format::Human if self.on_terminal[1] && !self.only_wasm_ld && !shown.is_empty() => {
                let codes: Vec<String> = shown.iter().take(NAMED).map(Code::to_string).collect();
                let mut text = String::from("    ");
                self.add_label(&mut text, HELP, "help: ");
                text += &format!("for more: {} --explain {}\n", self.program, codes.join(" "));
                let _ = self.stderr.write_all(&crate::text::to_bytes(&text));
            }
            Format::Human => {}
        }
    }

    /// Forgets the errors so far, before another link.
    pub fn begin_again(&mut self) {
        self.finish();
        (self.errors, self.early_errors, self.stopped) = (0, 0, false);
    }

    /// The number of reported errors.
    pub fn error_count(&self) -> u64 {
        self.errors
    }

    /// The start of each message.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Fails if anything could not be printed.
    pub fn check_streams(&mut self) -> Result<(), Stop> {
        // The streams remember failures.
        let _ = self.stdout.flush().and_then(|()| self.stderr.flush());
        let (stdout, stderr) = (self.stdout.take_failure(), self.stderr.take_failure());
        if let Some(error) = &stdout {
            let message = format!("cannot write to standard output: {}", error_text(error));
            self.show_error(Code::Open, message);
        }
        if stderr.is_some() {
            // No stream is left to report this.
            self.errors += 1;
        }
        match (stdout, stderr) {
            (None, None) => Ok(()),
            _ => Err(Stop::Done),
        }
    }

    /// Prints a diagnostic. The streams remember failures.
    pub fn show(&mut self, diagnostic: &Diagnostic) {
        self.add(diagnostic);
        self.write_pending();
    }

    /// Writes to standard error what was added: one call for many lines.
    pub fn write_pending(&mut self) {
        let _ = self.stderr.write_all(&std::mem::take(&mut self.pending));
    }

    /// Shows one with the next, or when [`Renderer::write_pending`] is called.
    pub fn add(&mut self, diagnostic: &Diagnostic) {
        const MANY: usize = 1 << 16;
        if self.pending.len() > MANY {
            self.write_pending();
        }
        if self.stopped {
            return;
        }
        match diagnostic.severity {
            Severity::Error => self.error(diagnostic),
            Severity::Warning if self.fatal_warnings => self.error(diagnostic),
            Severity::Warning => self.line("\x1b[0;35m", diagnostic.prefix(), diagnostic),
            _ if self.only_wasm_ld => {}
            _ => self.line(NOTE, diagnostic.prefix(), diagnostic),
        }
    }

    /// Shows what an option asked for, in order with the diagnostics.
    pub fn add_message(&mut self, kind: MessageKind, text: &str) {
        if self.stopped {
            return;
        }
        match kind {
            MessageKind::Verbose => return self.text_line("", "", text, &[], &[]),
            MessageKind::CodeGeneration => return self.raw_line(text),
            _ => {}
        }
        let text = self.for_stdout(text);
        let _ = self.stdout.write_all(&crate::text::to_bytes(&text));
        let _ = self.stdout.write_all(b"\n");
    }

    /// With `--fatal-warnings`, turns a warning into an error.
    pub fn promote(&self, diagnostic: &mut Diagnostic) {
        if self.fatal_warnings && diagnostic.severity == Severity::Warning {
            diagnostic.severity = Severity::Error;
        }
    }

    /// Prints several diagnostics.
    pub fn show_all(&mut self, diagnostics: &[Diagnostic]) {
        diagnostics.iter().for_each(|diagnostic| self.add(diagnostic));
        self.write_pending();
    }

    /// Prints an error without a location.
    pub fn show_error(&mut self, code: Code, message: impl Into<Text>) {
        self.show(&Diagnostic::error(code, message));
    }

    /// Shows something that the reader should know while the link goes on.
    pub fn show_note(&mut self, message: String) {
        if !self.only_wasm_ld {
            self.text_line(NOTE, NOTE_LABEL, &message, &[], &[]);
        }
        let _ = self.stderr.flush();
    }

    /// Prints a line without a severity and the program's name.
    pub fn complain(&mut self, text: &str) {
        self.raw_line(text);
        self.write_pending();
    }

    /// The text of a report for a file, or for standard output if `path` is `-`.
    pub fn text_for<'t>(&self, path: &str, text: &'t str) -> Cow<'t, str> {
        if path == "-" {
            self.for_stdout(text)
        } else {
            text.into()
        }
    }

    fn for_stdout<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let [on_terminal, _] = self.on_terminal;
        if on_terminal {
            visible(text)
        } else {
            text.into()
        }
    }

    fn error(&mut self, diagnostic: &Diagnostic) {
        const RED: &str = "\x1b[0;31m";
        let limit = if self.errors < self.early_errors { DEFAULT_LIMIT } else { self.error_limit };
        if limit == 0 || self.errors < limit {
            self.errors += 1;
            self.line(RED, "error: ", diagnostic);
        } else if self.errors == limit {
            self.stopped = true;
            self.line(RED, "error: ", &Diagnostic::error(Code::Options, TOO_MANY));
        }
        // If early errors exceeded the limit, wasm-ld continues silently.
    }

    /// Adds a line without the program's name, such as one that LLVM wrote.
    fn raw_line(&mut self, text: &str) {
        if self.add_data(text) {
            return;
        }
        let [_, on_terminal] = self.on_terminal;
        let text = if on_terminal { visible(text) } else { text.into() };
        self.pending.extend_from_slice(&crate::text::to_bytes(&text));
        self.pending.push(b'\n');
    }

    /// Adds a line that is not a diagnostic as data. `false` if text is wanted.
    fn add_data(&mut self, text: &str) -> bool {
        match self.format {
            Format::Human => return false,
            Format::Json => self.add_json(&data::message(text)),
            Format::Sarif => self.sarif.add_message(text),
        }
        true
    }

    fn add_json(&mut self, value: &serde_json::Value) {
        self.pending.extend_from_slice(value.to_string().as_bytes());
        self.pending.push(b'\n');
    }

    fn line(&mut self, color: &str, severity: &str, diagnostic: &Diagnostic) {
        let Diagnostic { code, message, notes, helps, .. } = diagnostic;
        if self.format != Format::Human {
            let promoted = Severity::Error;
            let severity = if severity == "error: " { promoted } else { diagnostic.severity };
            return match self.format {
                Format::Sarif => self.sarif.add(severity, diagnostic),
                _ => self.add_json(&data::diagnostic(&self.program, severity, diagnostic)),
            };
        }
        if !self.shown.contains(code) && self.shown.len() < NAMED {
            self.shown.push(*code);
        }
        if *code == Code::LlvmOptions {
            return self.raw_line(&message.to_escaped());
        }
        let start = self.pending.len();
        match self.only_wasm_ld {
            true => self.text_line(color, severity, &message.to_escaped(), &[], &[]),
            false => self.text_line(color, severity, &message.to_escaped(), notes, helps),
        }
        if self.hyperlinks {
            let text = hyperlinks::add(&self.pending[start..], diagnostic);
            self.pending.truncate(start);
            self.pending.extend_from_slice(&text);
        }
    }

    /// Adds `error: ` or the like in its color.
    fn add_label(&self, text: &mut String, color: &str, label: &str) {
        match self.color && !label.is_empty() {
            true => text.extend([color, label, "\x1b[0m"]),
            false => text.push_str(label),
        }
    }

    fn text_line(&mut self, color: &str, severity: &str, message: &str, notes: &[Note], helps: &[Help]) {
        if self.format != Format::Human {
            self.add_data(&format!("{}: {severity}{message}", self.program));
            return;
        }
        let mut text = String::with_capacity(message.len() + 64);
        // Without the notes of one line, what is left is what wasm-ld prints. Those of several lines are about options that it does
        // not have.
        if severity != NOTE_LABEL || message.contains('\n') {
            if self.after_lines {
                text.push('\n');
            }
            self.after_lines = message.contains('\n');
        }
        let [_, on_terminal] = self.on_terminal;
        let add = |line: &mut String, text: &str| match on_terminal {
            true => line.push_str(&visible(text)),
            false => line.push_str(text),
        };
        text += &self.program;
        text += ": ";
        // wasm-ld reports this one before it reads the options about color.
        match message.starts_with("invalid response file quoting: ") {
            true => text += severity,
            false => self.add_label(&mut text, color, severity),
        }
        add(&mut text, message);
        text.push('\n');
        let notes = notes.iter().map(|note| (NOTE, NOTE_LABEL, &note.text));
        let helps = helps.iter().map(|help| (HELP, "help: ", &help.text));
        for (color, label, line) in notes.chain(helps) {
            text += "    ";
            self.add_label(&mut text, color, label);
            add(&mut text, &line.to_escaped());
            text.push('\n');
        }
        self.pending.extend_from_slice(&crate::text::to_bytes(&text));
    }
}

/// Cyan.
const NOTE: &str = "\x1b[0;36m";
const NOTE_LABEL: &str = "note: ";
/// Green.
const HELP: &str = "\x1b[0;32m";

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(set: impl FnOnce(&mut Renderer), diagnostics: &[Diagnostic]) -> (String, String, u64) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut renderer = Renderer::new("p".into(), &mut stdout, &mut stderr);
        set(&mut renderer);
        renderer.show_all(diagnostics);
        let errors = renderer.error_count();
        (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap(), errors)
    }

    #[test]
    fn notes_leave_the_empty_lines_as_they_are() {
        let two = Diagnostic::error(Code::DuplicateSymbol, "a\n>>> b");
        let note = Diagnostic::note(Code::Options, "c");
        let (_, text, _) = rendered(|_| {}, &[two.clone(), note.clone(), two, note.clone(), note]);
        assert_eq!(text, "p: error: a\n>>> b\np: note: c\n\np: error: a\n>>> b\np: note: c\np: note: c\n");
    }

    #[test]
    fn an_empty_line_follows_several_lines_when_something_comes_after() {
        let two = Diagnostic::error(Code::DuplicateSymbol, "a\n>>> b");
        let one = Diagnostic::warning(Code::Options, "c");
        let (_, text, errors) = rendered(|_| {}, &[one.clone(), two.clone(), one, two]);
        assert_eq!(text, "p: warning: c\np: error: a\n>>> b\n\np: warning: c\np: error: a\n>>> b\n");
        assert_eq!(errors, 2);
    }

    #[test]
    fn names_do_nothing_to_a_terminal() {
        let name = crate::text::from_bytes(b"a\x1b[2J\r\x9b\xc2\x9b\tb\n>>> \x07");
        let list = [Diagnostic::error(Code::Parse, "e").with_note(name.clone())];
        let shown = "a\\x1b[2J\\x0d\\x9b\\x9b\tb\n>>> \\x07\n";
        let set = |r: &mut Renderer| {
            (r.on_terminal, r.color) = ([true; 2], true);
            r.add_message(MessageKind::Trace, &name);
        };
        let (out, text, _) = rendered(set, &list);
        assert_eq!(out, shown);
        assert_eq!(text, format!("p: \x1b[0;31merror: \x1b[0me\n    \x1b[0;36mnote: \x1b[0m{shown}"));
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut renderer = Renderer::new("p".into(), &mut stdout, &mut stderr);
        renderer.add_message(MessageKind::Trace, &name);
        renderer.show_all(&list);
        assert!(stdout.starts_with(b"a\x1b[2J\r\x9b\xc2\x9b") && stderr.ends_with(b"\x07\n"));
    }

    #[test]
    fn the_limit_ends_everything() {
        let errors: Vec<_> = (0..4).map(|n| Diagnostic::error(Code::Parse, n.to_string())).collect();
        let (_, text, _) = rendered(|r| r.error_limit = 2, &errors);
        assert_eq!(text, format!("p: error: 0\np: error: 1\np: error: {TOO_MANY}\n"));
        assert_eq!(rendered(|r| r.error_limit = 4, &errors).1.lines().count(), 4);
        assert_eq!(rendered(|r| r.error_limit = 0, &errors).1.lines().count(), 4);
    }

    #[test]
    fn fatal_warnings_colour_notes_and_streams() {
        let list = [Diagnostic::warning(Code::Options, "w").with_note("because").with_help("do this")];
        let set = |r: &mut Renderer| {
            (r.fatal_warnings, r.color) = (true, true);
            r.add_message(MessageKind::Trace, "a.o");
            r.add_message(MessageKind::Verbose, "-- layout");
        };
        let (out, text, errors) = rendered(set, &list);
        assert_eq!(out, "a.o\n");
        assert_eq!(
            text,
            "p: -- layout\np: \x1b[0;31merror: \x1b[0mw\n    \x1b[0;36mnote: \x1b[0mbecause\n    \
             \x1b[0;32mhelp: \x1b[0mdo this\n"
        );
        assert_eq!(errors, 1);
    }

    #[test]
    fn only_wasm_ld_s_lines() {
        let list = [
            Diagnostic::warning(Code::Options, "w").with_note("because").with_help("do this"),
            Diagnostic::note(Code::EngineLimit, "large"),
        ];
        assert_eq!(rendered(|r| r.only_wasm_ld = true, &list).1, "p: warning: w\n");
    }

    #[test]
    fn a_terminal_is_told_how_to_read_more_once() {
        let list = [Code::Parse, Code::Layout, Code::Parse].map(|code| Diagnostic::error(code, "x"));
        let text = |on_terminal| {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            let mut renderer = Renderer::new("p".into(), &mut stdout, &mut stderr);
            renderer.on_terminal = on_terminal;
            renderer.show_all(&list);
            renderer.finish();
            renderer.finish();
            String::from_utf8(stderr).unwrap()
        };
        let lines = "p: error: x\n".repeat(3);
        assert_eq!(text([true, false]), lines);
        assert_eq!(text([false, true]), format!("{lines}    help: for more: p --explain W0002 W0008\n"));
    }

    #[test]
    fn data_in_place_of_text() {
        let list = [Diagnostic::warning(Code::Options, "w").with_note("because")];
        let (_, text, errors) = rendered(
            |r| {
                (r.format, r.fatal_warnings, r.color) = (Format::Json, true, true);
                r.add_message(MessageKind::Verbose, "-- layout");
            },
            &list,
        );
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0], serde_json::json!({ "type": "message", "text": "p: -- layout" }));
        assert_eq!((&lines[1]["severity"], &lines[1]["code"]), (&"error".into(), &"W0003".into()));
        assert_eq!(lines[1]["rendered"], "p: error: w\n    note: because\n");
        assert_eq!(errors, 1);
    }
}
