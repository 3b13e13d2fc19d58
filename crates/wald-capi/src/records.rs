//! The structs of a result that Wald fills in, and their enumerations.

use wald::diagnostics::{Code, Severity, Stage};
use wald::MessageKind;

use crate::border::{growable, wald_bytes};

/// The `input` of a wald_diagnostic that is not about an input.
pub const WALD_NO_INPUT: u32 = u32::MAX;

/// The severity of a diagnostic.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_severity {
    /// The output is right, but something about it is worth knowing. wasm-ld says nothing here.
    Note = 0,
    /// Something is probably wrong, but the link goes on.
    Warning = 1,
    /// The link fails.
    Error = 2,
}

/// The kind of a diagnostic.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_code {
    /// A kind that has no number here.
    Other = 0,
    /// An input could not be opened or read.
    Open = 1,
    /// An input's bytes are malformed.
    Parse = 2,
    /// Options contradict each other or have invalid values.
    Options = 3,
    /// A referenced symbol is not defined.
    UndefinedSymbol = 4,
    /// A symbol is defined more than once.
    DuplicateSymbol = 5,
    /// Two files disagree on a symbol's kind, type, import name or signature.
    SymbolType = 6,
    /// Two files disagree on target features.
    Features = 7,
    /// A size or address does not fit.
    Layout = 8,
    /// A relocation cannot be applied.
    Relocation = 9,
    /// The link ignores a part of an input.
    Ignored = 10,
    /// The module is valid, but exceeds a limit of engines.
    EngineLimit = 11,
    /// The link was cancelled.
    Cancelled = 12,
    /// LLVM could not generate code from bitcode, or warns about it.
    CodeGeneration = 13,
    /// LLVM refuses an option for it.
    LlvmOptions = 14,
}

/// When a diagnostic was found.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_stage {
    /// While all inputs were linked.
    Link = 0,
    /// While an input was read or parsed: the member `input` says which.
    Input = 1,
}

/// An error, a warning or a note.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_diagnostic {
    /// The size of this struct: `sizeof (wald_diagnostic)`. Set it before the call.
    pub size: usize,
    /// Its severity.
    pub severity: wald_severity,
    /// Its kind.
    pub code: wald_code,
    /// When it was found.
    pub stage: wald_stage,
    /// The input in which it was found: the number from wald_linker_declare(), or WALD_NO_INPUT.
    pub input: u32,
    /// The text, in wasm-ld's words.
    pub message: wald_bytes,
    /// The file that it is about, if any.
    pub path: wald_bytes,
    /// The archive member, if any.
    pub member: wald_bytes,
    /// The function or symbol, if any.
    pub symbol: wald_bytes,
    /// What to do about it, if known.
    pub help: wald_bytes,
    /// The number of lines that wald_result_note() returns.
    pub note_count: usize,
    /// Whether `offset` is known.
    pub has_offset: bool,
    /// Byte offset from the start of the object.
    pub offset: u64,
}

growable!(wald_diagnostic, first = offset, last = offset);

/// A task of one thread. Recorded after wald_linker_set_record_events().
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_event {
    /// The size of this struct: `sizeof (wald_event)`. Set it before the call.
    pub size: usize,
    /// The name of the task.
    pub name: wald_bytes,
    /// What it worked on.
    pub detail: wald_bytes,
    /// The number of the thread, in order of first appearance.
    pub thread: usize,
    /// When it started, in nanoseconds since the link began.
    pub start: u64,
    /// How long it took, in nanoseconds.
    pub duration: u64,
}

growable!(wald_event, first = duration, last = duration);

/// The option that asked for a message.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_message_kind {
    /// An option that has no number here.
    Other = 0,
    /// `trace`: a file that is linked.
    Trace = 1,
    /// `trace_symbols`: a reference to a symbol, or a definition.
    TraceSymbol = 2,
    /// `print_gc_sections`: an input section that was removed.
    GcSection = 3,
    /// `verbose`: what the link does.
    Verbose = 4,
    /// What LLVM was asked to say while it generated code.
    CodeGeneration = 5,
    /// A remark of LLVM about code that it generated.
    Remark = 6,
}

/// A line that an option asked for, such as `trace`. It is not about anything wrong.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_message {
    /// The size of this struct: `sizeof (wald_message)`. Set it before the call.
    pub size: usize,
    /// The option that asked for it.
    pub kind: wald_message_kind,
    /// The line, in wasm-ld's words.
    pub text: wald_bytes,
    /// How many of the link's diagnostics precede it.
    pub position: usize,
}

growable!(wald_message, first = position, last = position);

/// Why archive members were linked.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_extraction_report {
    /// The size of this struct: `sizeof (wald_extraction_report)`. Set it before the call.
    pub size: usize,
    /// The report as wasm-ld writes it. `data` is NULL if there is no report.
    pub text: wald_bytes,
    /// The number of members, for wald_result_extraction().
    pub count: usize,
    /// How many of the link's diagnostics precede the report.
    pub position: usize,
    /// How many of the link's messages precede the report.
    pub message_position: usize,
}

growable!(wald_extraction_report, first = message_position, last = message_position);

/// One archive member that was linked because of a symbol.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_extraction {
    /// The size of this struct: `sizeof (wald_extraction)`. Set it before the call.
    pub size: usize,
    /// Whether the report's text has a line for it.
    pub is_in_report: bool,
    /// The file that refers to the symbol, or the option, such as `--entry`.
    pub reference: wald_bytes,
    /// The archive with the member.
    pub member: wald_bytes,
    /// The symbol, demangled unless the option `demangle` is off.
    pub symbol: wald_bytes,
}

growable!(wald_extraction, first = symbol, last = symbol);

impl From<Severity> for wald_severity {
    fn from(severity: Severity) -> Self {
        // By order, because the library may add severities.
        if severity >= Severity::Error {
            wald_severity::Error
        } else if severity >= Severity::Warning {
            wald_severity::Warning
        } else {
            wald_severity::Note
        }
    }
}

impl From<Code> for wald_code {
    fn from(code: Code) -> Self {
        match code {
            Code::Open => wald_code::Open,
            Code::Parse => wald_code::Parse,
            Code::Options => wald_code::Options,
            Code::UndefinedSymbol => wald_code::UndefinedSymbol,
            Code::DuplicateSymbol => wald_code::DuplicateSymbol,
            Code::SymbolType => wald_code::SymbolType,
            Code::Features => wald_code::Features,
            Code::Layout => wald_code::Layout,
            Code::Relocation => wald_code::Relocation,
            Code::Ignored => wald_code::Ignored,
            Code::EngineLimit => wald_code::EngineLimit,
            Code::Cancelled => wald_code::Cancelled,
            Code::CodeGeneration => wald_code::CodeGeneration,
            Code::LlvmOptions => wald_code::LlvmOptions,
            _ => wald_code::Other,
        }
    }
}

impl From<Stage> for wald_stage {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Input => wald_stage::Input,
            _ => wald_stage::Link,
        }
    }
}

impl From<MessageKind> for wald_message_kind {
    fn from(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Trace => wald_message_kind::Trace,
            MessageKind::TraceSymbol => wald_message_kind::TraceSymbol,
            MessageKind::GcSection => wald_message_kind::GcSection,
            MessageKind::Verbose => wald_message_kind::Verbose,
            MessageKind::CodeGeneration => wald_message_kind::CodeGeneration,
            MessageKind::Remark => wald_message_kind::Remark,
            _ => wald_message_kind::Other,
        }
    }
}
