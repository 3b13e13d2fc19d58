//! The border: what comes from C is checked here, and nothing unwinds out of here.

use std::cell::RefCell;
use std::ffi::{c_char, CStr, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// What a call answers. Everything but `WALD_STATUS_OK` is an error of the calling program or of its system: nothing was
/// changed, and wald_last_error() says more. Errors in what is linked are no status but diagnostics of a wald_result.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum wald_status {
    /// It worked.
    Ok = 0,
    /// A pointer that must not be NULL is.
    NullArgument = 1,
    /// A text is not UTF-8.
    NotUtf8 = 2,
    /// There is no option of this name.
    UnknownOption = 3,
    /// A value that cannot be.
    BadValue = 4,
    /// A handle or index that belongs to nothing.
    UnknownHandle = 5,
    /// A unit does not take a definition or an edit.
    Unit = 6,
    /// An error in Wald itself. The object that was worked on can only be freed.
    Internal = 7,
}

/// Why a call fails.
pub(crate) struct Failure(pub wald_status, pub String);

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// What was wrong with the last call of this thread that failed. Valid until the next one that fails; never NULL.
#[no_mangle]
pub extern "C" fn wald_last_error() -> *const c_char {
    LAST.with(|last| last.borrow().as_ptr())
}

fn remember(message: String) {
    let text = CString::new(message.replace('\0', "\u{fffd}")).unwrap_or_default();
    LAST.with(|last| *last.borrow_mut() = text);
}

/// Runs the inside of a call.
pub(crate) fn status(work: impl FnOnce() -> Outcome) -> wald_status {
    match guard(work) {
        Ok(()) => wald_status::Ok,
        Err(status) => status,
    }
}

/// The same for calls that answer with a value.
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
/// NULL or valid for reading while the call lasts.
pub(crate) unsafe fn shared<'a, T>(pointer: *const T, what: &str) -> Outcome<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(what))
}

/// # Safety
/// NULL or valid, and nobody else's while the call lasts.
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

/// NULL is fine for nothing.
///
/// # Safety
/// `count` values stand at `pointer`.
pub(crate) unsafe fn slice<'a, T>(pointer: *const T, count: usize, what: &str) -> Outcome<&'a [T]> {
    match (pointer.is_null(), count) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(null(what)),
        // SAFETY: the caller's promise.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts(pointer, count) }),
    }
}

/// Writes an answer.
///
/// # Safety
/// NULL or valid for writing.
pub(crate) unsafe fn put<T>(place: *mut T, value: T, what: &str) -> Outcome {
    if place.is_null() {
        return Err(null(what));
    }
    // SAFETY: the caller's promise; what stands there need not be valid yet.
    unsafe { place.write(value) };
    Ok(())
}

/// Hands a value over to C.
pub(crate) fn give<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Takes it back.
///
/// # Safety
/// NULL or from [`give`], and not used any more.
pub(crate) unsafe fn take<T>(pointer: *mut T) -> Option<T> {
    // SAFETY: the caller's promise.
    (!pointer.is_null()).then(|| *unsafe { Box::from_raw(pointer) })
}

/// Frees what [`give`] gave.
///
/// # Safety
/// As [`take`].
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    // SAFETY: the caller's promise.
    let taken = AssertUnwindSafe(unsafe { take(pointer) });
    // A destructor that panics must not reach C; what it left is lost.
    let _ = catch_unwind(move || drop(taken));
}

/// Bytes that something else owns: `size` of them, and a NUL behind them where they are a text. `data` is NULL where there are
/// none.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct wald_bytes {
    /// The first byte.
    pub data: *const u8,
    /// How many, without the NUL.
    pub size: usize,
}

impl wald_bytes {
    pub(crate) const NONE: wald_bytes = wald_bytes { data: std::ptr::null(), size: 0 };

    pub(crate) fn of(bytes: &[u8]) -> Self {
        wald_bytes { data: bytes.as_ptr(), size: bytes.len() }
    }

    /// Of a text that was made by [`with_nul`].
    pub(crate) fn of_text(text: &str) -> Self {
        wald_bytes { data: text.as_ptr(), size: text.len() - 1 }
    }

    pub(crate) fn of_optional(text: Option<&String>) -> Self {
        text.map_or(wald_bytes::NONE, |text| wald_bytes::of_text(text))
    }
}

/// A text that C can read to its NUL.
pub(crate) fn with_nul(text: &str) -> String {
    format!("{text}\0")
}
