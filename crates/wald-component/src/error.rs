//! Why no component could be made.

use std::fmt;
use wald::diagnostics::{Code, Diagnostic};

/// Why no component could be made.
#[derive(Clone, Debug)]
pub struct Error {
    /// What was to be done.
    task: String,
    /// From the innermost reason outward. The first may have several lines.
    reasons: Vec<String>,
}

impl Error {
    /// `task` has failed. `reasons` are from the outermost inward, as error chains are.
    pub(crate) fn new(task: impl Into<String>, reasons: impl IntoIterator<Item = impl ToString>) -> Self {
        let mut reasons: Vec<String> = reasons.into_iter().map(|reason| plain(&reason.to_string())).collect();
        reasons.reverse();
        // Nested errors often repeat what their cause says.
        reasons.dedup();
        Error { task: task.into(), reasons }
    }

    /// `task` has failed with this error of `wit-component`.
    pub(crate) fn of(task: impl Into<String>, error: &anyhow::Error) -> Self {
        Error::new(task, error.chain())
    }

    /// As the command reports it.
    pub(crate) fn diagnostic(&self) -> Diagnostic {
        let mut error = Diagnostic::error(Code::Component, self.to_string());
        for reason in self.reasons.iter().skip(1) {
            error = error.with_note(reason.replace('\n', " "));
        }
        match self.help() {
            Some(help) => error.with_help(help),
            None => error,
        }
    }

    fn help(&self) -> Option<&'static str> {
        let names = |what: &str| self.reasons.iter().any(|reason| reason.contains(what));
        if names("`wasi_snapshot_preview1") {
            return Some("--wasi-adapter=command, reactor or proxy provides wasi_snapshot_preview1");
        }
        if names("`env::") || names("named `env`") {
            return Some(
                "no input defines the function: without --allow-undefined, the link says who needs it",
            );
        }
        None
    }
}

/// The system's errors without Rust's `(os error 2)`.
fn plain(reason: &str) -> String {
    match reason.split_once(" (os error ") {
        Some((text, number)) if number.ends_with(')') => text.to_string(),
        _ => reason.to_string(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.task)?;
        let mut lines = self.reasons.first().into_iter().flat_map(|reason| reason.lines());
        if let Some(line) = lines.next() {
            write!(f, ": {line}")?;
        }
        lines.try_for_each(|line| write!(f, "\n>>> {line}"))
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_reason_is_the_message_and_the_others_are_notes() {
        let error = Error::new("cannot make a component", ["outer", "inner", "line one\nline two"]);
        let text = "error: cannot make a component: line one\n>>> line two\n    note: inner\n    note: outer";
        assert_eq!(error.diagnostic().to_string(), text);
        assert_eq!(error.to_string(), "cannot make a component: line one\n>>> line two");
        let helped = Error::new("task", ["failed to resolve import `env::f`", "no"]).diagnostic();
        assert_eq!(helped.helps.len(), 1);
    }
}
