//! Wald: a linker for WebAssembly as a library.
#![forbid(unsafe_code)]

// From the ground up: a module imports only from modules declared above it.
pub mod archive;
pub mod bytes;
pub mod chunks;
pub mod context;
pub mod diagnostics;
pub mod features;
pub mod format;
pub mod index;
pub mod input;
pub mod layout;
pub mod leb128;
pub mod link;
pub mod map_file;
pub mod mark_live;
pub mod merge_strings;
pub mod names;
pub mod object;
pub mod options;
pub mod output;
pub mod parse_error;
pub mod pipeline;
pub mod relocate;
pub mod resolve;
pub mod scan_relocations;
pub mod stub_library;
pub mod symbols;
pub mod synthetic;
pub mod timing;

pub use bytes::Bytes;
pub use input::{FileProvider, InputDescription};
pub use link::{LinkResult, Output};
pub use pipeline::Linker;
