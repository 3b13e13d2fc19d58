//! Checks what C passes, and stops panics before they reach C.

use std::cell::RefCell;
use std::ffi::{c_char, CStr, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// The result of a call. Every status except `WALD_STATUS_OK` is an error of the calling program or the system: nothing was
/// changed, and wald_last_error() says more. Errors in the inputs are diagnostics of a wald_result instead.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_status {
    /// The call succeeded.
    Ok = 0,
    /// A required pointer was NULL.
    NullArgument = 1,
    /// A string is not UTF-8.
    NotUtf8 = 2,
    /// There is no option of this name.
    UnknownOption = 3,
    /// A value is invalid.
    BadValue = 4,
    /// A handle or index does not exist.
    UnknownHandle = 5,
    /// A unit rejects a definition or an edit.
    Unit = 6,
    /// An error in Wald itself. The object that the call used can only be freed.
    Internal = 7,
}

/// Why a call failed.
pub(crate) struct Failure(pub wald_status, pub String);

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// Describes the last failed call of this thread. Valid until the next failed call; never NULL.
#[no_mangle]
pub extern "C" fn wald_last_error() -> *const c_char {
    LAST.with(|last| last.borrow().as_ptr())
}

fn remember(message: String) {
    let text = CString::new(message.replace('\0', "\u{fffd}")).unwrap_or_default();
    LAST.with(|last| *last.borrow_mut() = text);
}

/// Runs the body of a call.
pub(crate) fn status(work: impl FnOnce() -> Outcome) -> wald_status {
    match guard(work) {
        Ok(()) => wald_status::Ok,
        Err(status) => status,
    }
}

/// Runs the body of a call that returns a value.
pub(crate) fn value<T>(otherwise: T, work: impl FnOnce() -> Outcome<T>) -> T {
    guard(work).unwrap_or(otherwise)
}

fn guard<T>(work: impl FnOnce() -> Outcome<T>) -> Result<T, wald_status> {
    let Failure(status, message) = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(failure)) => failure,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
            Failure(wald_status::Internal, format!("internal error: {text}"))
        }
    };
    remember(message);
    Err(status)
}

pub(crate) fn null(what: &str) -> Failure {
    Failure(wald_status::NullArgument, format!("{what} is NULL"))
}

/// # Safety
/// NULL or valid for reading during the call.
pub(crate) unsafe fn shared<'a, T>(pointer: *const T, what: &str) -> Outcome<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(what))
}

/// # Safety
/// NULL or valid, and not used by others during the call.
pub(crate) unsafe fn exclusive<'a, T>(pointer: *mut T, what: &str) -> Outcome<&'a mut T> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_mut() }.ok_or_else(|| null(what))
}

/// # Safety
/// NULL or NUL-terminated.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, what: &str) -> Outcome<&'a str> {
    // SAFETY: the caller's promise.
    unsafe { optional_text(pointer, what) }?.ok_or_else(|| null(what))
}

/// # Safety
/// NULL or NUL-terminated.
pub(crate) unsafe fn optional_text<'a>(pointer: *const c_char, what: &str) -> Outcome<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(pointer) }.to_str();
    text.map(Some).map_err(|_| Failure(wald_status::NotUtf8, format!("{what} is not UTF-8")))
}

/// `count` values at `pointer`, which may be NULL if `count` is 0.
///
/// # Safety
/// `pointer` is NULL or points to `count` values.
pub(crate) unsafe fn slice<'a, T>(pointer: *const T, count: usize, what: &str) -> Outcome<&'a [T]> {
    match (pointer.is_null(), count) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(null(what)),
        // SAFETY: the caller's promise.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts(pointer, count) }),
    }
}

/// Stores a result.
///
/// # Safety
/// NULL or valid for writing.
pub(crate) unsafe fn put<T>(place: *mut T, value: T, what: &str) -> Outcome {
    if place.is_null() {
        return Err(null(what));
    }
    // SAFETY: the caller's promise; the old value need not be valid.
    unsafe { place.write(value) };
    Ok(())
}

/// Passes ownership of a value to C.
pub(crate) fn give<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Takes ownership back.
///
/// # Safety
/// NULL or from [`give`], and not used afterwards.
pub(crate) unsafe fn take<T>(pointer: *mut T) -> Option<T> {
    // SAFETY: the caller's promise.
    (!pointer.is_null()).then(|| *unsafe { Box::from_raw(pointer) })
}

/// Frees a value from [`give`].
///
/// # Safety
/// As [`take`].
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    // SAFETY: the caller's promise.
    let taken = AssertUnwindSafe(unsafe { take(pointer) });
    // A panic in a destructor must not reach C. What it did not free is lost.
    let _ = catch_unwind(move || drop(taken));
}

/// Borrowed bytes. A NUL follows them if they are a string. `data` is NULL if there are none.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_bytes {
    /// The first byte.
    pub data: *const u8,
    /// The number of bytes, without the NUL.
    pub size: usize,
}

impl wald_bytes {
    pub(crate) const NONE: wald_bytes = wald_bytes { data: std::ptr::null(), size: 0 };

    pub(crate) fn of(bytes: &[u8]) -> Self {
        wald_bytes { data: bytes.as_ptr(), size: bytes.len() }
    }

    /// The bytes of a string from [`with_nul`].
    pub(crate) fn of_text(text: &str) -> Self {
        wald_bytes { data: text.as_ptr(), size: text.len() - 1 }
    }

    pub(crate) fn of_optional(text: Option<&String>) -> Self {
        text.map_or(wald_bytes::NONE, |text| wald_bytes::of_text(text))
    }
}

/// The string with a NUL at its end.
pub(crate) fn with_nul(text: &str) -> String {
    format!("{text}\0")
}
