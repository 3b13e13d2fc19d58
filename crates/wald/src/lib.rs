//! Wald: a linker for WebAssembly as a library.
#![forbid(unsafe_code)]

// From the ground up: a module imports only from modules declared above it.
pub mod index;
pub mod parse_error;
pub mod bytes;
pub mod format;
pub mod names;
pub mod leb128;
pub mod options;
pub mod diagnostics;
pub mod archive;
pub mod object;
pub mod stub_library;
pub mod timing;
pub mod input;
pub mod pipeline;
pub mod symbols;
pub mod resolve;
pub mod chunks;
pub mod mark_live;
pub mod features;
pub mod merge_strings;
pub mod layout;
pub mod scan_relocations;
pub mod synthetic;
pub mod relocate;
pub mod output;
pub mod map_file;
pub mod link;

pub use bytes::Bytes;
pub use input::{FileProvider, InputDescription};
pub use link::{LinkResult, Output};
pub use pipeline::Linker;
