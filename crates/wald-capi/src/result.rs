//! What a link returns: a module, a map, reports and diagnostics as data, times.

use std::collections::HashMap;

use wald::diagnostics::Diagnostic;
use wald::{Extraction, ExtractionReport, InputId, LinkResult, Message, Text};

use crate::border::{
    free, put, put_struct, shared, status, value, wald_bytes, wald_status, with_nul, Failure, Outcome,
};
use crate::records::{
    of_string, terminate, wald_diagnostic, wald_event, wald_extraction, wald_extraction_report, wald_message,
    WALD_NO_INPUT,
};

/// The result of a link. Any number of threads may read it. Everything in it stays valid until wald_result_free().
#[allow(non_camel_case_types)]
pub struct wald_result {
    /// `None` if the link failed.
    module: Option<Vec<u8>>,
    /// Strings here and below end with a NUL.
    map: Option<Text>,
    /// What the module is made of, and the answers about symbols, as JSON.
    module_report: Option<Text>,
    explanations: Option<Text>,
    report: Option<Report>,
    messages: Vec<Message>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The inputs that diagnostics name, and their numbers.
    inputs: HashMap<InputId, u32>,
    phases: Vec<(Text, u64)>,
    events: Vec<Event>,
}

/// The strings end with a NUL.
struct Report {
    text: Text,
    of: ExtractionReport,
}

struct Event {
    name: Text,
    detail: Text,
    thread: usize,
    start: u64,
    duration: u64,
}

impl wald_result {
    /// `inputs` are all that were declared, in the order of their numbers.
    pub(crate) fn new(result: LinkResult, inputs: impl Iterator<Item = InputId>) -> Self {
        // The memory that the link leaves is freed here: a result can live long.
        let LinkResult { module, map, report, extractions, mut messages, mut diagnostics, timing, .. } =
            result;
        diagnostics.iter_mut().for_each(terminate);
        messages.iter_mut().for_each(|message| message.text = with_nul(std::mem::take(&mut message.text)));
        let has_inputs = diagnostics.iter().any(|diagnostic| diagnostic.input.is_some());
        let inputs = if has_inputs { inputs.zip(0..).collect() } else { HashMap::new() };
        let nanoseconds =
            |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let phases = timing.phases.iter().map(|(name, time)| (with_nul(*name), nanoseconds(*time))).collect();
        let events = timing.events.iter().map(|event| Event {
            name: with_nul(event.name),
            detail: with_nul(&*event.detail),
            thread: event.thread,
            start: nanoseconds(event.start),
            duration: nanoseconds(event.duration),
        });
        wald_result {
            module: module.ok(),
            map: map.map(with_nul),
            module_report: report.as_ref().map(|report| with_nul(report.to_json())),
            explanations: report
                .filter(|report| !report.explanations.is_empty())
                .map(|report| with_nul(report.explanations_to_json())),
            report: extractions.map(Report::new),
            messages,
            diagnostics,
            inputs,
            phases,
            events: events.collect(),
        }
    }
}

impl Report {
    fn new(mut of: ExtractionReport) -> Self {
        let text = with_nul(format!("{of:#}"));
        for Extraction { reference, member, symbol, .. } in &mut of.extractions {
            [reference, member].into_iter().for_each(|text| *text = with_nul(std::mem::take(text)));
            symbol.push('\0');
        }
        Report { text, of }
    }
}

pub(crate) fn nth<'a, T>(list: &'a [T], number: usize, what: &str) -> Outcome<&'a T> {
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
    value(false, || Ok(unsafe { shared(result, "result") }?.module.is_some()))
}

/// Returns the module; `data` is NULL if there is none.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_module(result: *const wald_result) -> wald_bytes {
    value(wald_bytes::NONE, || {
        // SAFETY: the caller's promise.
        let module = &unsafe { shared(result, "result") }?.module;
        let module = module.as_deref().filter(|module| !module.is_empty());
        Ok(module.map_or(wald_bytes::NONE, wald_bytes::of))
    })
}

/// Returns the link map, with the option `want_map`. A link that fails only when its output is checked has one, too.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_map(result: *const wald_result) -> wald_bytes {
    value(wald_bytes::NONE, || {
        // SAFETY: the caller's promise.
        Ok(wald_bytes::of_optional(unsafe { shared(result, "result") }?.map.as_ref()))
    })
}

/// Returns what the module is made of, and why, as JSON text; with the option `want_report` or
/// `explain_symbols`. `docs/report.md` of the repository describes it. `data` is NULL if there is no report.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_report(result: *const wald_result) -> wald_bytes {
    value(wald_bytes::NONE, || {
        // SAFETY: the caller's promise.
        Ok(wald_bytes::of_optional(unsafe { shared(result, "result") }?.module_report.as_ref()))
    })
}

/// Returns why the symbols and files of the option `explain_symbols` are in the module, or why not, as JSON text. `docs/report.md` of the
/// repository describes it. `data` is NULL if nothing was asked.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_explanations(result: *const wald_result) -> wald_bytes {
    value(wald_bytes::NONE, || {
        // SAFETY: the caller's promise.
        Ok(wald_bytes::of_optional(unsafe { shared(result, "result") }?.explanations.as_ref()))
    })
}

/// Stores the report of why archive members were linked, with the option `want_why_extract`. A link that fails after it has
/// resolved all symbols has one, too.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_extraction_report(
    result: *const wald_result,
    report: *mut wald_extraction_report,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let of = unsafe { shared(result, "result") }?.report.as_ref();
        let answer = wald_extraction_report {
            size: 0,
            text: wald_bytes::of_optional(of.map(|report| &report.text)),
            count: of.map_or(0, |report| report.of.extractions.len()),
            position: of.map_or(0, |report| report.of.position),
            message_position: of.map_or(0, |report| report.of.message_position),
        };
        // SAFETY: the caller's promise.
        unsafe { put_struct(report, &answer, "report") }
    })
}

/// Stores the extraction with this number, counted from 0 in loading order.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_extraction(
    result: *const wald_result,
    number: usize,
    extraction: *mut wald_extraction,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let report = unsafe { shared(result, "result") }?.report.as_ref();
        let list = report.map_or(&[][..], |report| &report.of.extractions);
        let of = nth(list, number, "extraction")?;
        let answer = wald_extraction {
            size: 0,
            is_in_report: of.is_in_report,
            reference: wald_bytes::of_text(&of.reference),
            member: wald_bytes::of_text(&of.member),
            symbol: wald_bytes::before_nul(of.symbol.as_bytes()),
        };
        // SAFETY: the caller's promise.
        unsafe { put_struct(extraction, &answer, "extraction") }
    })
}

/// Returns the number of messages.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_message_count(result: *const wald_result) -> usize {
    // SAFETY: the caller's promise.
    value(0, || Ok(unsafe { shared(result, "result") }?.messages.len()))
}

/// Stores the message with this number, counted from 0.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_message(
    result: *const wald_result,
    number: usize,
    message: *mut wald_message,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let result = unsafe { shared(result, "result") }?;
        let of = nth(&result.messages, number, "message")?;
        let text = wald_bytes::of_text(&of.text);
        let answer = wald_message { size: 0, kind: of.kind.into(), text, position: of.position };
        // SAFETY: the caller's promise.
        unsafe { put_struct(message, &answer, "message") }
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
        let input = of.input.and_then(|id| result.inputs.get(&id).copied());
        let answer = wald_diagnostic {
            size: 0,
            severity: of.severity.into(),
            code: of.code.into(),
            stage: of.stage.into(),
            input: input.unwrap_or(WALD_NO_INPUT),
            message: wald_bytes::of_text(&of.message),
            path: place.map_or(wald_bytes::NONE, |place| {
                wald_bytes::before_nul(place.path.as_os_str().as_encoded_bytes())
            }),
            member: wald_bytes::of_optional(place.and_then(|place| place.member.as_ref())),
            symbol: of_string(place.and_then(|place| place.symbol.as_ref())),
            note_count: of.notes.len(),
            help_count: of.helps.len(),
            has_offset: place.is_some_and(|place| place.offset.is_some()),
            offset: place.and_then(|place| place.offset).unwrap_or(0),
        };
        // SAFETY: the caller's promise.
        unsafe { put_struct(diagnostic, &answer, "diagnostic") }
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
            size: 0,
            name: wald_bytes::of_text(&of.name),
            detail: wald_bytes::of_text(&of.detail),
            thread: of.thread,
            start: of.start,
            duration: of.duration,
        };
        // SAFETY: the caller's promise.
        unsafe { put_struct(event, &answer, "event") }
    })
}
