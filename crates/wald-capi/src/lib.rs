//! Wald for C and everything that speaks its calling convention. `include/wald.h` is generated from these files
//! (`cargo xtask header`); `tests/` holds programs in C that use it.
//!
//! Each file is a part of the interface: [`options`], [`linker`], [`result`], [`mod@unit`]; [`border`] holds what they share:
//! nothing is taken from C unchecked as far as it can be checked, and no panic leaves this crate.
#![allow(unsafe_code, reason = "the C interface")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

pub mod border;
pub mod linker;
pub mod options;
pub mod result;
pub mod unit;

use std::ffi::c_char;

/// The version of the library, as "0.1.0".
#[no_mangle]
pub extern "C" fn wald_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
