//! Wald for C, and for every language that can call C. `cargo xtask header` generates `include/wald.h` from these files;
//! `tests/` has programs in C that use it.
//!
//! Each file is a part of the interface: [`options`], [`linker`], [`cancel`], [`code_generator`] and [`libraries`], [`result`] and
//! [`explanation`] with their [`records`] and [`codes`], [`mod@unit`] and
//! [`kinds`]. [`border`] is shared by all: it checks what C passes as far as possible, lets structs grow, and keeps panics
//! inside this crate.
#![warn(clippy::expect_used, clippy::unwrap_used)]
#![allow(unsafe_code, reason = "the C interface")]

pub mod border;
pub mod cancel;
pub mod code_generator;
pub mod codes;
pub mod kinds;
pub mod libraries;
pub mod linker;
pub mod options;
pub mod records;
pub mod result;
pub mod explanation;
pub mod unit;

use std::ffi::c_char;

/// The version of the library, as "0.1.0".
#[no_mangle]
pub extern "C" fn wald_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
