//! What the codes of diagnostics are called.

use std::ffi::{c_char, CString};
use std::sync::OnceLock;

use wald::diagnostics::Code;

/// The names and titles, by number from 1.
fn texts() -> &'static [[CString; 2]] {
    static TEXTS: OnceLock<Vec<[CString; 2]>> = OnceLock::new();
    let c_string = |text: &str| CString::new(text).unwrap_or_default();
    TEXTS.get_or_init(|| Code::ALL.iter().map(|code| [code.name(), code.title()].map(c_string)).collect())
}

fn text(code: u32, which: usize) -> *const c_char {
    let place = usize::try_from(code).ok().and_then(|code| code.checked_sub(1));
    let found = place.and_then(|place| texts().get(place));
    found.map_or(std::ptr::null(), |texts| texts[which].as_ptr())
}

/// Returns the name of a code, such as "undefined-symbol". It never changes. NULL if no code has this number.
#[no_mangle]
pub extern "C" fn wald_code_name(code: u32) -> *const c_char {
    text(code, 0)
}

/// Returns what a code means, in one sentence. NULL if no code has this number.
#[no_mangle]
pub extern "C" fn wald_code_title(code: u32) -> *const c_char {
    text(code, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::wald_code;
    use std::ffi::CStr;

    #[test]
    fn numbers_are_the_library_s() {
        for &code in Code::ALL {
            assert_eq!(wald_code::from(code) as u32, u32::from(code.number()), "{}", code.name());
            // SAFETY: the text is static.
            let name = unsafe { CStr::from_ptr(wald_code_name(code.number().into())) };
            assert_eq!(name.to_str().unwrap(), code.name());
        }
        assert!(wald_code_name(0).is_null() && wald_code_title(9999).is_null());
    }
}
