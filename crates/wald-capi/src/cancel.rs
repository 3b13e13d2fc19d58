//! Ends links early.

use wald::CancelToken;

use crate::border::{free, give, shared, value};

/// Cancels links from another thread. See wald_linker_set_cancel_token().
#[allow(non_camel_case_types)]
pub struct wald_cancel_token(pub(crate) CancelToken);

/// Creates a token that is not cancelled. Free it with wald_cancel_token_free().
#[no_mangle]
pub extern "C" fn wald_cancel_token_new() -> *mut wald_cancel_token {
    give(wald_cancel_token(CancelToken::new()))
}

/// Cancels the current and later links of linkers with this token. Any thread may call it.
///
/// # Safety
/// Valid or NULL.
#[no_mangle]
pub unsafe extern "C" fn wald_cancel_token_cancel(token: *const wald_cancel_token) {
    // SAFETY: the caller's promise.
    let token = unsafe { shared(token, "token") };
    value((), || {
        token?.0.cancel();
        Ok(())
    });
}

/// Frees a token; NULL is ignored. Linkers with this token keep it.
///
/// # Safety
/// From wald_cancel_token_new(), and not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn wald_cancel_token_free(token: *mut wald_cancel_token) {
    // SAFETY: the caller's promise.
    unsafe { free(token) };
}
