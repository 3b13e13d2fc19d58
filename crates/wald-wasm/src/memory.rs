//! Memory that JavaScript fills, and what is in it.

#![allow(unsafe_code, reason = "allocates memory for JavaScript")]

use std::alloc::{alloc, Layout};

/// Memory for JavaScript to fill, or null if there is none.
#[no_mangle]
pub extern "C" fn wald_alloc(size: usize) -> *mut u8 {
    match Layout::array::<u8>(size) {
        // SAFETY: the size is not 0.
        Ok(layout) if size != 0 => unsafe { alloc(layout) },
        Ok(_) => std::ptr::NonNull::dangling().as_ptr(),
        Err(_) => std::ptr::null_mut(),
    }
}

/// Takes over what JavaScript filled.
///
/// # Safety
/// The memory is from [`wald_alloc`], with this size, and was not taken over yet.
pub unsafe fn take(bytes: *mut u8, size: usize) -> Vec<u8> {
    // SAFETY: as above, and every byte of WebAssembly's memory is initialized.
    unsafe { Vec::from_raw_parts(bytes, size, size) }
}

/// Takes over a text.
///
/// # Safety
/// As of [`take`].
pub unsafe fn text(bytes: *mut u8, size: usize) -> String {
    // SAFETY: as above.
    let bytes = unsafe { take(bytes, size) };
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Takes over texts that end with a zero byte each.
///
/// # Safety
/// As of [`take`].
pub unsafe fn texts(bytes: *mut u8, size: usize) -> Vec<String> {
    // SAFETY: as above.
    let text = unsafe { text(bytes, size) };
    text.split_terminator('\0').map(str::to_string).collect()
}
