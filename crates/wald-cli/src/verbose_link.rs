//! `--verbose-link`: the link as the linker got it. The command line, every input in order, and every archive
//! member that was extracted with the symbol it was needed for.

use wald::diagnostics::{Code, Diagnostic};

use crate::inputs::Inputs;
use crate::parse::Arguments;

/// The command line with its response files expanded, and the inputs with `-l` looked up.
pub fn inputs(arguments: &Arguments, inputs: &Inputs) -> Vec<Diagnostic> {
    let command_line = arguments.command_line.as_deref().unwrap_or_default();
    let first = message(format!("command line: {command_line}"));
    let inputs = inputs.paths().map(|path| message(format!("input: {path}")));
    std::iter::once(first).chain(inputs).collect()
}

/// The lines of a `--why-extract` report (reference, member, symbol), as sentences.
pub fn extractions(report: &str) -> Vec<Diagnostic> {
    let lines = report.lines().skip(1).map(|line| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().unwrap_or_default();
        let (reference, member, symbol) = (field(), field(), field());
        message(format!("extracted: {member} for {symbol}, which {reference} refers to"))
    });
    lines.collect()
}

fn message(text: String) -> Diagnostic {
    Diagnostic::message(Code::Verbose, text)
}
