//! What a link answers: a module, diagnostics as data, times.

use wald::diagnostics::{Code, Diagnostic, Severity};
use wald::{LinkResult, Output};

use crate::border::{free, put, shared, value, wald_bytes, wald_status, with_nul, Failure};
use crate::border::{status, Outcome};

/// The result of a link. Any number of threads may read it. Everything in it stays valid until wald_result_free().
#[allow(non_camel_case_types)]
pub struct wald_result {
    output: Option<Output>,
    /// Strings here and below end with a NUL.
    diagnostics: Vec<Diagnostic>,
    phases: Vec<(String, u64)>,
    events: Vec<Event>,
}

struct Event {
    name: String,
    detail: String,
    thread: usize,
    start: u64,
    duration: u64,
}

/// The severity of a diagnostic.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_severity {
    /// Requested information.
    Message = 0,
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
    /// An input could not be opened or read.
    Open = 0,
    /// An input's bytes are malformed.
    Parse = 1,
    /// Options contradict each other or have invalid values.
    Options = 2,
    /// A referenced symbol is not defined.
    UndefinedSymbol = 3,
    /// A symbol is defined more than once.
    DuplicateSymbol = 4,
    /// Two files disagree on a symbol's kind, type, import name or signature.
    SymbolType = 5,
    /// Two files disagree on target features.
    Features = 6,
    /// A size or address does not fit.
    Layout = 7,
    /// A relocation cannot be applied.
    Relocation = 8,
    /// The link ignores a part of an input.
    Ignored = 9,
    /// A file is linked (option `trace`).
    Trace = 10,
    /// A reference or definition of a symbol (option `trace_symbols`).
    TraceSymbol = 11,
    /// The report of why archive members were linked (option `want_why_extract`).
    WhyExtract = 12,
    /// An input section was removed (option `print_gc_sections`).
    GcSection = 13,
    /// What the link does (option `verbose`).
    Verbose = 14,
    /// The link was cancelled.
    Cancelled = 15,
    /// The link map, if the link fails at its very end. Otherwise wald_result_map() returns it.
    LinkMap = 16,
    /// The module is valid, but exceeds a limit of engines.
    EngineLimit = 17,
}

/// One message of a link.
#[allow(non_camel_case_types)]
#[repr(C)]
pub struct wald_diagnostic {
    /// Its severity.
    pub severity: wald_severity,
    /// Its kind.
    pub code: wald_code,
    /// The text, in wasm-ld's words.
    pub message: wald_bytes,
    /// The file that it is about, if any.
    pub path: wald_bytes,
    /// The archive member, if any.
    pub member: wald_bytes,
    /// The function or symbol, if any.
    pub symbol: wald_bytes,
    /// Whether `offset` is known.
    pub has_offset: bool,
    /// Byte offset from the start of the object.
    pub offset: u64,
    /// The number of lines that wald_result_note() returns.
    pub note_count: usize,
    /// What to do about it, if known.
    pub help: wald_bytes,
}

/// A task of one thread. Recorded with the option `want_trace_events`.
#[allow(non_camel_case_types)]
#[repr(C)]
pub struct wald_event {
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

impl wald_result {
    pub(crate) fn new(result: LinkResult) -> Self {
        let LinkResult { output, mut diagnostics, timing } = result;
        for diagnostic in &mut diagnostics {
            let Diagnostic { message, location, notes, help, .. } = diagnostic;
            let place = location.iter_mut().flat_map(|location| {
                [Some(&mut location.path), location.member.as_mut(), location.symbol.as_mut()]
            });
            for text in place.flatten().chain([message]).chain(notes).chain(help) {
                *text = with_nul(text);
            }
        }
        let nanoseconds =
            |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let phases = timing.phases.iter().map(|(name, time)| (with_nul(name), nanoseconds(*time))).collect();
        let events = timing.events.iter().map(|event| Event {
            name: with_nul(event.name),
            detail: with_nul(&event.detail),
            thread: event.thread,
            start: nanoseconds(event.start),
            duration: nanoseconds(event.duration),
        });
        let events = events.collect();
        let output =
            output.ok().map(|Output { module, map }| Output { module, map: map.as_deref().map(with_nul) });
        wald_result { output, diagnostics, phases, events }
    }
}

fn severity(severity: Severity) -> wald_severity {
    match severity {
        Severity::Message => wald_severity::Message,
        Severity::Warning => wald_severity::Warning,
        Severity::Error => wald_severity::Error,
    }
}

fn code(code: Code) -> wald_code {
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
        Code::Trace => wald_code::Trace,
        Code::TraceSymbol => wald_code::TraceSymbol,
        Code::WhyExtract => wald_code::WhyExtract,
        Code::GcSection => wald_code::GcSection,
        Code::Verbose => wald_code::Verbose,
        Code::Cancelled => wald_code::Cancelled,
        Code::LinkMap => wald_code::LinkMap,
        Code::EngineLimit => wald_code::EngineLimit,
    }
}

fn nth<'a, T>(list: &'a [T], number: usize, what: &str) -> Outcome<&'a T> {
    let missing = || Failure(wald_status::UnknownHandle, format!("no {what} has the number {number}"));
    list.get(number).ok_or_else(missing)
}

/// Frees a result; NULL is ignored.
///
/// # Safety
/// From this library, and not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn wald_result_free(result: *mut wald_result) {
    // SAFETY: the caller's promise.
    unsafe { free(result) };
}

/// Returns whether the link succeeded. If it failed, at least one diagnostic is an error.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_ok(result: *const wald_result) -> bool {
    // SAFETY: the caller's promise.
    value(false, || Ok(unsafe { shared(result, "result") }?.output.is_some()))
}

/// Returns the module; `data` is NULL if there is none.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_module(result: *const wald_result) -> wald_bytes {
    value(wald_bytes::NONE, || {
        // SAFETY: the caller's promise.
        let output = &unsafe { shared(result, "result") }?.output;
        let module = output.as_ref().map(|output| &output.module).filter(|module| !module.is_empty());
        Ok(module.map_or(wald_bytes::NONE, |module| wald_bytes::of(module)))
    })
}

/// Returns the link map, with the option `want_map`.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_map(result: *const wald_result) -> wald_bytes {
    value(wald_bytes::NONE, || {
        // SAFETY: the caller's promise.
        let output = &unsafe { shared(result, "result") }?.output;
        Ok(wald_bytes::of_optional(output.as_ref().and_then(|output| output.map.as_ref())))
    })
}

/// Returns the number of diagnostics.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_diagnostic_count(result: *const wald_result) -> usize {
    // SAFETY: the caller's promise.
    value(0, || Ok(unsafe { shared(result, "result") }?.diagnostics.len()))
}

/// Stores the diagnostic with this number, counted from 0.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_diagnostic(
    result: *const wald_result,
    number: usize,
    diagnostic: *mut wald_diagnostic,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let result = unsafe { shared(result, "result") }?;
        let of = nth(&result.diagnostics, number, "diagnostic")?;
        let place = of.location.as_ref();
        let answer = wald_diagnostic {
            severity: severity(of.severity),
            code: code(of.code),
            message: wald_bytes::of_text(&of.message),
            path: wald_bytes::of_optional(place.map(|place| &place.path)),
            member: wald_bytes::of_optional(place.and_then(|place| place.member.as_ref())),
            symbol: wald_bytes::of_optional(place.and_then(|place| place.symbol.as_ref())),
            has_offset: place.is_some_and(|place| place.offset.is_some()),
            offset: place.and_then(|place| place.offset).unwrap_or(0),
            note_count: of.notes.len(),
            help: wald_bytes::of_optional(of.help.as_ref()),
        };
        // SAFETY: the caller's promise.
        unsafe { put(diagnostic, answer, "diagnostic") }
    })
}

/// Returns a line that explains a diagnostic; `data` is NULL if there is none with this number.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_note(
    result: *const wald_result,
    diagnostic: usize,
    note: usize,
) -> wald_bytes {
    value(wald_bytes::NONE, || {
        // SAFETY: the caller's promise.
        let result = unsafe { shared(result, "result") }?;
        let notes = &nth(&result.diagnostics, diagnostic, "diagnostic")?.notes;
        Ok(wald_bytes::of_text(nth(notes, note, "note")?))
    })
}

/// Returns the number of phases.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_phase_count(result: *const wald_result) -> usize {
    // SAFETY: the caller's promise.
    value(0, || Ok(unsafe { shared(result, "result") }?.phases.len()))
}

/// Stores the name of a phase and its duration in nanoseconds.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_phase(
    result: *const wald_result,
    number: usize,
    name: *mut wald_bytes,
    nanoseconds: *mut u64,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let result = unsafe { shared(result, "result") }?;
        let (text, time) = nth(&result.phases, number, "phase")?;
        // SAFETY: the caller's promise.
        unsafe {
            put(name, wald_bytes::of_text(text), "name")?;
            put(nanoseconds, *time, "nanoseconds")
        }
    })
}

/// Returns the number of events.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_event_count(result: *const wald_result) -> usize {
    // SAFETY: the caller's promise.
    value(0, || Ok(unsafe { shared(result, "result") }?.events.len()))
}

/// Stores the event with this number, counted from 0.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_event(
    result: *const wald_result,
    number: usize,
    event: *mut wald_event,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let result = unsafe { shared(result, "result") }?;
        let of = nth(&result.events, number, "event")?;
        let answer = wald_event {
            name: wald_bytes::of_text(&of.name),
            detail: wald_bytes::of_text(&of.detail),
            thread: of.thread,
            start: of.start,
            duration: of.duration,
        };
        // SAFETY: the caller's promise.
        unsafe { put(event, answer, "event") }
    })
}
