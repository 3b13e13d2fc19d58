//! Checks what C passes, and stops panics before they reach C.

use std::cell::RefCell;
use std::ffi::{c_char, CStr, CString};
use std::mem::MaybeUninit;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use wald::Text;

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
    /// The input was already provided. wald_linker_replace() comes first.
    AlreadyProvided = 8,
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

pub(crate) fn bad(what: impl Into<String>) -> Failure {
    Failure(wald_status::BadValue, what.into())
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

/// A path, which need not be UTF-8.
///
/// # Safety
/// NULL or NUL-terminated.
pub(crate) unsafe fn optional_path(pointer: *const c_char) -> Option<PathBuf> {
    // SAFETY: the caller's promise.
    let bytes = (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_bytes())?;
    Some(PathBuf::from(&Text::from(bytes)))
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

/// A struct that later versions can extend. See [`growable`].
///
/// # Safety
/// The type is `repr(C)`, and its first field is a `usize`. It is `Copy`, and zeros are a valid value.
pub(crate) unsafe trait Growable: Copy {
    /// The size of the first version. Later versions only append fields.
    const FIRST_SIZE: usize;
}

/// `growable!(NAME, first = FIELD, last = FIELD)` makes a struct [`Growable`]. `first` is the last field of the first version, and
/// `last` is the last field of this version.
///
/// No version may end with padding: a field that a later version puts there would be read from the garbage of older programs.
/// So the last field is one with the largest alignment.
macro_rules! growable {
    ($name:ident, first = $first:ident, last = $last:ident) => {
        // SAFETY: the caller of the macro only passes `repr(C)` structs of numbers, booleans and pointers; the assertions check
        // the position and type of the first field.
        unsafe impl crate::border::Growable for $name {
            const FIRST_SIZE: usize = {
                const fn size_of_field<S, F>(_: fn(&S) -> &F) -> usize {
                    std::mem::size_of::<F>()
                }
                const fn is_usize<S>(_: fn(&S) -> &usize) -> bool {
                    true
                }
                let end = std::mem::offset_of!($name, $last) + size_of_field(|of: &$name| &of.$last);
                assert!(end == std::mem::size_of::<$name>(), "the struct ends with padding");
                assert!(std::mem::offset_of!($name, size) == 0 && is_usize(|of: &$name| &of.size));
                std::mem::offset_of!($name, $first) + size_of_field(|of: &$name| &of.$first)
            };
        }
    };
}
pub(crate) use growable;

/// No struct will be larger. A larger size is a sign that the caller did not set it.
const LARGEST_STRUCT: usize = 4096;

/// Returns the size that C set in a struct.
///
/// # Safety
/// `pointer` is not NULL and points to a `size_t`.
unsafe fn size_of_struct<T: Growable>(pointer: *const T, what: &str) -> Outcome<usize> {
    // SAFETY: the caller's promise; a `Growable` starts with its size. Elements of an array can be anywhere.
    let size = unsafe { pointer.cast::<usize>().read_unaligned() };
    if size < T::FIRST_SIZE || size > LARGEST_STRUCT {
        return Err(bad(format!("the member size of {what} is {size}, which is not the size of the struct")));
    }
    Ok(size)
}

/// Copies a struct that C filled in. Fields beyond its size are zero. Fields that this version does not know are ignored.
///
/// # Safety
/// `pointer` is NULL or points to a struct that starts with its size and is as large.
pub(crate) unsafe fn read_struct<T: Growable>(pointer: *const T, what: &str) -> Outcome<T> {
    if pointer.is_null() {
        return Err(null(what));
    }
    // SAFETY: the caller's promise.
    let size = unsafe { size_of_struct(pointer, what) }?;
    let mut value = MaybeUninit::<T>::zeroed();
    let known = size.min(std::mem::size_of::<T>());
    // SAFETY: `known` bytes can be read, as the caller promises, and written. The copy is a valid `T`: its first fields are those
    // of C, and the rest is zero.
    unsafe {
        std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), value.as_mut_ptr().cast::<u8>(), known);
        Ok(value.assume_init())
    }
}

/// Copies an array of structs. All of them must have the size of the first one, which is the distance between two of them.
///
/// # Safety
/// `first` is NULL or points to `count` structs as for [`read_struct`].
pub(crate) unsafe fn read_structs<T: Growable>(first: *const T, count: usize, what: &str) -> Outcome<Vec<T>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if first.is_null() {
        return Err(null(what));
    }
    // SAFETY: the caller's promise.
    let stride = unsafe { size_of_struct(first, what) }?;
    let read = |number: usize| {
        let element = first.cast::<u8>().wrapping_add(number * stride).cast::<T>();
        // SAFETY: the caller's promise.
        if unsafe { size_of_struct(element, what) }? != stride {
            return Err(bad(format!("the structs of {what} do not have the same size")));
        }
        // SAFETY: the caller's promise.
        unsafe { read_struct(element, what) }
    };
    (0..count).map(read).collect()
}

/// Stores a result in a struct of C, whose `size` stays as it is. Its fields that this version does not know become zero.
///
/// # Safety
/// `place` is NULL or points to a struct that starts with its size and is as large.
pub(crate) unsafe fn put_struct<T: Growable>(place: *mut T, value: &T, what: &str) -> Outcome {
    if place.is_null() {
        return Err(null(what));
    }
    // SAFETY: the caller's promise.
    let size = unsafe { size_of_struct(place, what) }?;
    let known = size.min(std::mem::size_of::<T>());
    let bytes = place.cast::<u8>();
    // SAFETY: `size` bytes can be written, as the caller promises. `value` is borrowed, and `place` is the caller's own memory,
    // so they do not overlap.
    unsafe {
        std::ptr::copy_nonoverlapping(std::ptr::from_ref(value).cast::<u8>(), bytes, known);
        bytes.add(known).write_bytes(0, size - known);
        place.cast::<usize>().write_unaligned(size);
    }
    Ok(())
}

/// `numbered!(NAME, "WHAT": VARIANT ...)` checks numbers of an enumeration that C passes. C can pass any number, but a Rust
/// enumeration with an unknown one is undefined behaviour.
macro_rules! numbered {
    ($name:ident, $what:literal: $($variant:ident)*) => {
        impl $name {
            /// All values.
            pub(crate) const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The value with this number.
            pub(crate) fn from_number(number: u32) -> crate::border::Outcome<Self> {
                // The compiler reports a value that the macro was not told.
                let number_of = |value: $name| match value { $($name::$variant => $name::$variant as u32,)* };
                let known = Self::ALL.iter().copied().find(|&value| number_of(value) == number);
                known.ok_or_else(|| crate::border::bad(format!(concat!("no ", $what, " has the number {}"), number)))
            }
        }
    };
}
pub(crate) use numbered;

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

    /// The bytes before the NUL at the end: of a string from [`with_nul`].
    pub(crate) fn before_nul(bytes: &[u8]) -> Self {
        wald_bytes { data: bytes.as_ptr(), size: bytes.len() - 1 }
    }

    pub(crate) fn of_text(text: &Text) -> Self {
        wald_bytes::before_nul(text.as_bytes())
    }

    pub(crate) fn of_optional(text: Option<&Text>) -> Self {
        text.map_or(wald_bytes::NONE, wald_bytes::of_text)
    }
}

/// The text with a NUL at its end.
pub(crate) fn with_nul(text: impl Into<Text>) -> Text {
    [text.into().as_bytes(), b"\0"].concat().as_slice().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    struct First {
        size: usize,
        number: u64,
    }

    /// What [`First`] became.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    struct Second {
        size: usize,
        number: u64,
        is_new: bool,
        other: u64,
    }

    growable!(First, first = number, last = number);
    growable!(Second, first = number, last = other);

    const FIRST: usize = std::mem::size_of::<First>();
    const SECOND: usize = std::mem::size_of::<Second>();

    #[test]
    fn old_programs_leave_new_fields_zero() {
        let old = [First { size: FIRST, number: 7 }, First { size: FIRST, number: 8 }];
        // SAFETY: each has the size that it says.
        let (one, all) = unsafe {
            (
                read_struct::<Second>(old.as_ptr().cast(), "one"),
                read_structs::<Second>(old.as_ptr().cast(), 2, "all"),
            )
        };
        let expected = |number| Second { size: FIRST, number, is_new: false, other: 0 };
        assert_eq!(one.ok(), Some(expected(7)));
        assert_eq!(all.ok(), Some(vec![expected(7), expected(8)]));

        let mut places = old;
        let answer = Second { size: 0, number: 9, is_new: true, other: 1 };
        // SAFETY: as above.
        unsafe { put_struct::<Second>(places.as_mut_ptr().cast(), &answer, "place") }.ok();
        assert_eq!(places, [First { size: FIRST, number: 9 }, old[1]]);
    }

    #[test]
    fn new_programs_read_zeros_from_an_old_library() {
        let new = Second { size: SECOND, number: 7, is_new: true, other: 3 };
        let list = [new, Second { number: 8, ..new }];
        // SAFETY: each has the size that it says.
        let all = unsafe { read_structs::<First>(list.as_ptr().cast(), 2, "all") };
        assert_eq!(
            all.ok(),
            Some(vec![First { size: SECOND, number: 7 }, First { size: SECOND, number: 8 }])
        );

        let mut place = new;
        // SAFETY: as above.
        unsafe { put_struct::<First>((&raw mut place).cast(), &First { size: 0, number: 9 }, "place") }.ok();
        assert_eq!(place, Second { size: SECOND, number: 9, is_new: false, other: 0 });
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let refused = |result: Outcome<Vec<First>>| matches!(result, Err(Failure(wald_status::BadValue, _)));
        for size in [0, 1, FIRST - 1, LARGEST_STRUCT + 1, usize::MAX] {
            let mut list = [First { size, number: 7 }];
            // SAFETY: nothing but the sizes is read.
            let (all, put) = unsafe {
                let all = read_structs(list.as_ptr(), 1, "all");
                (all, put_struct(list.as_mut_ptr(), &First { size: 0, number: 9 }, "place"))
            };
            assert!(refused(all) && matches!(put, Err(Failure(wald_status::BadValue, _))), "{size}");
            assert_eq!(list, [First { size, number: 7 }]);
        }
        let mixed = [First { size: FIRST, number: 7 }, First { size: FIRST + 8, number: 7 }];
        // SAFETY: as above.
        assert!(refused(unsafe { read_structs(mixed.as_ptr(), 2, "all") }));
    }
}
