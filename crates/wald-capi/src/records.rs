//! The structs of a result that Wald fills in, and their enumerations.

use wald::diagnostics::{Code, Diagnostic, Fix, Help, Location, Note, Severity, SourcePosition, Stage};
use wald::{MessageKind, Text};

use crate::border::{growable, wald_bytes, with_nul};

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

/// The kind of a diagnostic: the number of its code, which wald_code_name() also names. That of `W0004` is 4.
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
    /// An input is not a file that can be linked for WebAssembly.
    ForeignInput = 15,
    /// An input is a WebAssembly module or component, but not an object.
    NotAnObject = 16,
    /// The end of an input is missing.
    Truncated = 17,
    /// The linker does not have this option. Only the command reports it.
    UnknownOption = 18,
    /// A library was not found. Only the command reports it.
    MissingLibrary = 19,
    /// Functions that no input defines became imports, probably by accident.
    UndefinedImport = 20,
    /// The module exports no function, so nothing can call its code.
    NothingExported = 21,
    /// A symbol of the option `exports` is not defined, and is not exported.
    DroppedExport = 22,
    /// No tool knows a target feature that an option names.
    UnknownFeature = 23,
    /// An option has no effect, or another one than it seems.
    IneffectiveOption = 24,
    /// An inline function or datum differs between objects, and one copy is used for all.
    DefinitionsDiffer = 25,
    /// No component can be made of the module.
    Component = 26,
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
    /// The number of lines that wald_result_note() returns.
    pub note_count: usize,
    /// The number of helps that wald_result_help() stores.
    pub help_count: usize,
    /// Whether `offset` is known.
    pub has_offset: bool,
    /// Byte offset from the start of the object.
    pub offset: u64,
}

growable!(wald_diagnostic, first = offset, last = offset);

/// A place in the inputs, with the line of source code if the object has debug information about it.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_location {
    /// The size of this struct: `sizeof (wald_location)`. Set it before the call.
    pub size: usize,
    /// The file. It is empty if only the source code is known.
    pub path: wald_bytes,
    /// The archive member, if any.
    pub member: wald_bytes,
    /// The function or symbol, if any.
    pub symbol: wald_bytes,
    /// The source file, as the debug information names it. `data` is NULL if the line is not known.
    pub source_file: wald_bytes,
    /// The function of the source code, if known.
    pub source_function: wald_bytes,
    /// The line, counted from 1; 0 if it is not known.
    pub line: u32,
    /// The column, counted from 1; 0 if it is not known.
    pub column: u32,
    /// Whether `offset` is known.
    pub has_offset: bool,
    /// Byte offset from the start of the object.
    pub offset: u64,
}

growable!(wald_location, first = offset, last = offset);

/// What a tool can change to remove the cause of a diagnostic.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_fix_kind {
    /// Nothing, or something that has no number here: only the text says what to do.
    None = 0,
    /// Add the argument `to` to the link's command line.
    AddArgument = 1,
    /// Remove the argument `from` from the link's command line.
    RemoveArgument = 2,
    /// Replace the argument `from` of the link's command line by `to`.
    ReplaceArgument = 3,
    /// Use the symbol `to` in place of `from` in the source code of the locations.
    ReplaceSymbol = 4,
    /// Compile the inputs of the locations again with the flag `to`.
    AddCompilerFlag = 5,
    /// Link with the compiler driver `to`.
    UseDriver = 6,
}

/// What to do about a diagnostic.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_help {
    /// The size of this struct: `sizeof (wald_help)`. Set it before the call.
    pub size: usize,
    /// One line of text.
    pub text: wald_bytes,
    /// The same as data, if a tool can do it.
    pub fix: wald_fix_kind,
    /// What is there now. `data` is NULL if the fix only adds something.
    pub from: wald_bytes,
    /// What should be there. `data` is NULL if the fix only removes something.
    pub to: wald_bytes,
    /// The number of places that wald_result_help_location() stores.
    pub location_count: usize,
}

growable!(wald_help, first = location_count, last = location_count);

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
            Code::ForeignInput => wald_code::ForeignInput,
            Code::NotAnObject => wald_code::NotAnObject,
            Code::Truncated => wald_code::Truncated,
            Code::UnknownOption => wald_code::UnknownOption,
            Code::MissingLibrary => wald_code::MissingLibrary,
            Code::UndefinedImport => wald_code::UndefinedImport,
            Code::NothingExported => wald_code::NothingExported,
            Code::DroppedExport => wald_code::DroppedExport,
            Code::UnknownFeature => wald_code::UnknownFeature,
            Code::IneffectiveOption => wald_code::IneffectiveOption,
            Code::DefinitionsDiffer => wald_code::DefinitionsDiffer,
            Code::Component => wald_code::Component,
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

/// Appends a NUL to each string.
pub(crate) fn terminate(diagnostic: &mut Diagnostic) {
    let Diagnostic { message, location, notes, helps, .. } = diagnostic;
    let add_nul = |text: &mut Text| *text = with_nul(std::mem::take(text));
    add_nul(message);
    location.iter_mut().for_each(terminate_location);
    for Note { text, locations, .. } in notes {
        add_nul(text);
        locations.iter_mut().for_each(terminate_location);
    }
    for Help { text, fix, .. } in helps {
        add_nul(text);
        match fix {
            Some(Fix::AddArgument { argument } | Fix::RemoveArgument { argument }) => add_nul(argument),
            Some(Fix::ReplaceArgument { from, to }) => [from, to].into_iter().for_each(add_nul),
            Some(Fix::ReplaceSymbol { from, to, locations }) => {
                [from, to].into_iter().for_each(add_nul);
                locations.iter_mut().for_each(terminate_location);
            }
            Some(Fix::AddCompilerFlag { flag, locations }) => {
                add_nul(flag);
                locations.iter_mut().for_each(terminate_location);
            }
            Some(Fix::UseDriver { driver }) => add_nul(driver),
            // A fix that has no number is not shown.
            Some(_) | None => {}
        }
    }
}

fn terminate_location(location: &mut Location) {
    location.path.as_mut_os_string().push("\0");
    location.symbol.iter_mut().for_each(|symbol| symbol.push('\0'));
    location.member.iter_mut().for_each(|text| *text = with_nul(std::mem::take(text)));
    if let Some(source) = &mut location.source {
        source.file = with_nul(std::mem::take(&mut source.file));
        source.function.iter_mut().for_each(|function| function.push('\0'));
    }
}

pub(crate) fn of_string(text: Option<&String>) -> wald_bytes {
    text.map_or(wald_bytes::NONE, |text| wald_bytes::before_nul(text.as_bytes()))
}

/// Is not inlined: the compiler would read the column before it asks whether there is a source at all, and Valgrind would report
/// that the read value is uninitialised.
#[inline(never)]
fn column(source: &SourcePosition) -> u32 {
    source.column.unwrap_or(0)
}

impl From<&Location> for wald_location {
    fn from(of: &Location) -> Self {
        let source = of.source.as_ref();
        wald_location {
            size: 0,
            path: wald_bytes::before_nul(of.path.as_os_str().as_encoded_bytes()),
            member: wald_bytes::of_optional(of.member.as_ref()),
            symbol: of_string(of.symbol.as_ref()),
            source_file: wald_bytes::of_optional(source.map(|source| &source.file)),
            source_function: of_string(source.and_then(|source| source.function.as_ref())),
            line: source.map_or(0, |source| source.line),
            column: source.map_or(0, column),
            has_offset: of.offset.is_some(),
            offset: of.offset.unwrap_or(0),
        }
    }
}
