//! Wald: a linker for WebAssembly as a library.
//!
//! [`Linker`] takes inputs in declared order, from any thread and at any time, and gives the bytes that `wasm-ld`
//! 22 would write. The link itself is [`link`], top to bottom.
//!
//! ```
//! use wald::options::Options;
//! use wald::{Bytes, InputDescription, Linker};
//!
//! let options = Options { output: "out.wasm".into(), entry: String::new(), ..Options::default() };
//! let mut linker = Linker::new(options);
//! let path = "hello.o".to_string();
//! let input = linker.declare_input(InputDescription { path, ..InputDescription::default() });
//! linker.provide(input, Bytes::from(b"this is no object".to_vec()));
//! let result = linker.finish();
//! assert!(result.output.is_err());
//! assert_eq!(result.diagnostics[0].message, "unknown file type: hello.o");
//! ```
#![forbid(unsafe_code)]

// From the ground up: a module imports only from modules declared above it; `cargo xtask tidy` checks that.

// Floor 0: indices, bytes, names, numbers.
pub mod index;
pub mod bit_set;
pub mod parse_error;
pub mod bytes;
pub mod names;
pub mod leb128;
// Floor 1: vocabulary without logic.
pub mod format;
pub mod options;
pub mod diagnostics;
pub mod timing;
pub mod threads;
// Floor 2: bytes in, finished value out.
pub mod archive;
pub mod object;
pub mod stub_library;
// Floor 3: inputs on their way.
pub mod input;
pub mod architecture;
// Floor 4: one phase each.
pub mod symbols;
pub mod resolve;
pub mod chunks;
pub mod context;
pub mod mark_live;
// What is done before the last input comes.
pub mod ahead;
pub mod pipeline;
// The phases after it.
pub mod features;
pub mod merge_strings;
pub mod layout;
pub mod scan_relocations;
pub mod synthetic;
// Floor 5: bytes out.
pub mod result;
pub mod relocate;
pub mod output;
pub mod map_file;
// Floor 6: the link.
pub mod link;

pub use bytes::Bytes;
pub use input::{FileProvider, InputDescription};
pub use pipeline::Linker;
pub use result::{LinkResult, Output, Sink};
