//! What a link says because an option asked for it: lines such as those of `--trace`, and the report of `--why-extract`.

use crate::text::Text;
use std::fmt;

/// A line that an option asked for, such as `--trace`. Not about anything wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The option that asked for it.
    pub kind: MessageKind,
    /// The line, in wasm-ld's words.
    pub text: Text,
    /// How many of the link's diagnostics precede it.
    pub position: usize,
}

/// The option that asked for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageKind {
    /// `--trace`: a file that is linked.
    Trace,
    /// `--trace-symbol`: a reference to a symbol, or a definition.
    TraceSymbol,
    /// `--print-gc-sections`: an input section that was removed.
    GcSection,
    /// `--verbose`: what the link does. wasm-ld writes it to standard error.
    Verbose,
    /// What LLVM was asked to say while it generated code (`--lto-debug-pass-manager`, `-mllvm`). It is written to standard error.
    CodeGeneration,
    /// A remark of LLVM about code that it generated (`-mllvm -pass-remarks`).
    Remark,
}

/// Why archive members were linked (`--why-extract`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtractionReport {
    /// Every archive member that was linked because of a symbol, in loading order.
    pub extractions: Vec<Extraction>,
    /// How many of the link's diagnostics precede the report. wasm-ld writes the file at this point, and stops if it cannot.
    pub position: usize,
    /// How many of the link's messages precede the report.
    pub message_position: usize,
}

/// One archive member that was linked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extraction {
    /// The file that refers to the symbol, or the option, such as `--entry`.
    pub reference: Text,
    /// The archive with the member.
    pub member: Text,
    /// The symbol, demangled unless `--no-demangle` was given.
    pub symbol: String,
    /// Whether wasm-ld's report has a line for it.
    pub is_in_report: bool,
}

/// The text of wasm-ld's report: a head line, and one line per extraction. `{:#}` prints [`Text::to_escaped`].
impl fmt::Display for ExtractionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reference\textracted\tsymbol\n")?;
        let mut lines = self.extractions.iter().filter(|extraction| extraction.is_in_report);
        lines.try_for_each(|line| {
            line.reference.fmt(f)?;
            f.write_str("\t")?;
            line.member.fmt(f)?;
            writeln!(f, "\t{}", line.symbol)
        })
    }
}
