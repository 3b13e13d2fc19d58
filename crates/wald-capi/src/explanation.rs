//! What explains a diagnostic, as data: the places that it names, its notes, and its helps with their fixes.

use wald::diagnostics::{Diagnostic, Fix, Help, Location};
use wald::Text;

use crate::border::{put_struct, shared, status, value, wald_bytes, wald_status, Outcome};
use crate::records::{wald_fix_kind, wald_help, wald_location};
use crate::result::{nth, wald_result};

/// A fix's kind, what it replaces, and by what.
fn parts(fix: Option<&Fix>) -> (wald_fix_kind, Option<&Text>, Option<&Text>) {
    match fix {
        Some(Fix::AddArgument { argument }) => (wald_fix_kind::AddArgument, None, Some(argument)),
        Some(Fix::RemoveArgument { argument }) => (wald_fix_kind::RemoveArgument, Some(argument), None),
        Some(Fix::ReplaceArgument { from, to }) => (wald_fix_kind::ReplaceArgument, Some(from), Some(to)),
        Some(Fix::ReplaceSymbol { from, to, .. }) => (wald_fix_kind::ReplaceSymbol, Some(from), Some(to)),
        Some(Fix::AddCompilerFlag { flag, .. }) => (wald_fix_kind::AddCompilerFlag, None, Some(flag)),
        Some(Fix::UseDriver { driver }) => (wald_fix_kind::UseDriver, None, Some(driver)),
        Some(_) | None => (wald_fix_kind::None, None, None),
    }
}

fn places(help: &Help) -> &[Location] {
    match &help.fix {
        Some(Fix::ReplaceSymbol { locations, .. } | Fix::AddCompilerFlag { locations, .. }) => locations,
        _ => &[],
    }
}

fn diagnostic(result: &wald_result, number: usize) -> Outcome<&Diagnostic> {
    nth(&result.diagnostics, number, "diagnostic")
}

/// Stores the place that a diagnostic is about. If there is none, the status is WALD_STATUS_UNKNOWN_HANDLE.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_location(
    result: *const wald_result,
    diagnostic_number: usize,
    location: *mut wald_location,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let of = diagnostic(unsafe { shared(result, "result") }?, diagnostic_number)?;
        let place = nth(of.location.as_slice(), 0, "location")?;
        // SAFETY: the caller's promise.
        unsafe { put_struct(location, &place.into(), "location") }
    })
}

/// Returns a line that explains a diagnostic; `data` is NULL if there is none with this number.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_note(
    result: *const wald_result,
    diagnostic_number: usize,
    note: usize,
) -> wald_bytes {
    value(wald_bytes::NONE, || {
        // SAFETY: the caller's promise.
        let of = diagnostic(unsafe { shared(result, "result") }?, diagnostic_number)?;
        Ok(wald_bytes::of_text(&nth(&of.notes, note, "note")?.text))
    })
}

/// Returns the number of places that a note names; 0 if there is no such note.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_note_location_count(
    result: *const wald_result,
    diagnostic_number: usize,
    note: usize,
) -> usize {
    value(0, || {
        // SAFETY: the caller's promise.
        let of = diagnostic(unsafe { shared(result, "result") }?, diagnostic_number)?;
        Ok(nth(&of.notes, note, "note")?.locations.len())
    })
}

/// Stores a place that a note names.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_note_location(
    result: *const wald_result,
    diagnostic_number: usize,
    note: usize,
    number: usize,
    location: *mut wald_location,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let of = diagnostic(unsafe { shared(result, "result") }?, diagnostic_number)?;
        let place = nth(&nth(&of.notes, note, "note")?.locations, number, "location")?;
        // SAFETY: the caller's promise.
        unsafe { put_struct(location, &place.into(), "location") }
    })
}

/// Stores a help of a diagnostic.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_help(
    result: *const wald_result,
    diagnostic_number: usize,
    number: usize,
    help: *mut wald_help,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let of = diagnostic(unsafe { shared(result, "result") }?, diagnostic_number)?;
        let of = nth(&of.helps, number, "help")?;
        let (fix, from, to) = parts(of.fix.as_ref());
        let answer = wald_help {
            size: 0,
            text: wald_bytes::of_text(&of.text),
            fix,
            from: wald_bytes::of_optional(from),
            to: wald_bytes::of_optional(to),
            location_count: places(of).len(),
        };
        // SAFETY: the caller's promise.
        unsafe { put_struct(help, &answer, "help") }
    })
}

/// Stores a place to which the fix of a help applies.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_result_help_location(
    result: *const wald_result,
    diagnostic_number: usize,
    help: usize,
    number: usize,
    location: *mut wald_location,
) -> wald_status {
    status(|| {
        // SAFETY: the caller's promise.
        let of = diagnostic(unsafe { shared(result, "result") }?, diagnostic_number)?;
        let place = nth(places(nth(&of.helps, help, "help")?), number, "location")?;
        // SAFETY: the caller's promise.
        unsafe { put_struct(location, &place.into(), "location") }
    })
}
