//! Wald: a linker for WebAssembly as a library.
#![forbid(unsafe_code)]

pub mod options;
pub mod diagnostics;
pub mod link_stub;
pub use link_stub::{bytes, index, input, timing, LinkResult, Linker, Output};
