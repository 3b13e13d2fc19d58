//! Wald: a linker for WebAssembly as a library.
//!
//! [`Linker`] takes inputs in declared order, from any thread and at any time, and returns the bytes that `wasm-ld` 22 would
//! write. It never reads or writes files and never prints. Linkers share no state, so any number of links may run in one
//! process at the same time.
//!
//! # Linking bytes
//!
//! ```
//! use wald::options::Options;
//! use wald::{Bytes, InputDescription, Linker};
//!
//! // In your program these come from your compiler.
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects");
//! # let mut paths: Vec<_> = std::fs::read_dir(folder)?.map(|entry| entry.unwrap().path()).collect();
//! # paths.retain(|path| path.extension().is_some_and(|extension| extension == "o" || extension == "a"));
//! # paths.sort();
//! # let objects: Vec<(String, Vec<u8>)> =
//! #     paths.iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
//! let objects: Vec<(String, Vec<u8>)> = objects;
//!
//! let mut options = Options::default();
//! options.output = "app.wasm".into();
//! let mut linker = Linker::new(options);
//! for (path, bytes) in objects {
//!     let input = linker.declare_input(InputDescription::new(path));
//!     linker.provide(input, Bytes::from(bytes))?;
//! }
//! let result = linker.finish();
//! for diagnostic in &result.diagnostics {
//!     eprintln!("{diagnostic}");
//! }
//! let module = result.module?;
//! assert!(module.starts_with(b"\0asm\x01\0\0\0"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Linking while the compiler works
//!
//! The order of declarations decides what the module looks like. The bytes may come at any time, in any order and from any
//! thread; the thread that provides an input parses it. [`Linker::prepare`] uses a pause for work that can be done before the
//! last input arrives. None of that changes a byte of the module.
//!
//! ```
//! # use wald::options::Options;
//! # use wald::{Bytes, InputDescription, InputError, Linker};
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects");
//! # let mut paths: Vec<_> = std::fs::read_dir(folder)?.map(|entry| entry.unwrap().path()).collect();
//! # paths.retain(|path| path.extension().is_some_and(|extension| extension == "o" || extension == "a"));
//! # paths.sort();
//! # let compile = |path: &std::path::PathBuf| std::fs::read(path).unwrap();
//! # let sources = paths;
//! let mut linker = Linker::new(Options::default());
//! let mut inputs = Vec::new();
//! for source in &sources {
//!     inputs.push(linker.declare_input(InputDescription::new(source)));
//! }
//! std::thread::scope(|scope| {
//!     let compilers: Vec<_> = sources
//!         .iter()
//!         .zip(&inputs)
//!         .map(|(source, &input)| {
//!             let linker = &linker;
//!             scope.spawn(move || linker.provide(input, Bytes::from(compile(source))))
//!         })
//!         .collect();
//!     linker.prepare();
//!     compilers.into_iter().try_for_each(|compiler| compiler.join().expect("it does not panic"))
//! })?;
//! let first = linker.link();
//!
//! // The linker can be kept: after an edit only the new input is parsed.
//! linker.replace(inputs[0])?;
//! linker.provide(inputs[0], Bytes::from(compile(&sources[0])))?;
//! let again = linker.link();
//! assert!(first.module? == again.module?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A compiler without object files passes a unit ([`mod@unit`]): functions, data and symbols from memory, each of which can be
//! replaced later.
//!
//! # Diagnostics
//!
//! Errors and warnings are data, all of them together and in the order of the inputs. Messages have the words of `wasm-ld`.
//!
//! ```
//! use wald::diagnostics::{Code, Severity};
//! use wald::options::Options;
//! use wald::{Bytes, InputDescription, Linker};
//!
//! let mut linker = Linker::new(Options::default());
//! let bad = linker.declare_input(InputDescription::new("bad.o"));
//! let cut = linker.declare_input(InputDescription::new("cut.o"));
//! linker.provide(cut, Bytes::from(b"\0asm\x01\0\0\0\x01".to_vec()))?;
//! linker.provide(bad, Bytes::from(b"this is no object".to_vec()))?;
//! let result = linker.finish();
//! assert!(result.module.is_err());
//! let [first, second] = &result.diagnostics[..] else { panic!("two files are broken") };
//! assert_eq!((first.severity, first.code, first.input), (Severity::Error, Code::ForeignInput, Some(bad)));
//! assert_eq!(first.message, "unknown file type: bad.o");
//! let place = second.location.as_ref().unwrap();
//! assert_eq!((place.path.to_str(), place.offset), (Some("cut.o"), Some(9)));
//! # Ok::<(), wald::InputError>(())
//! ```
//!
//! # Threads, and ending early
//!
//! [`Linker::set_threads`] gives a link a thread pool of its own. Without it the link uses rayon's current pool: call
//! [`Linker::finish`] inside of `pool.install` to choose one. In a pool that was built with `use_current_thread` and one
//! thread, the calling thread does everything and none is started. A [`CancelToken`] ends a link whose result is not needed
//! any more.
#![forbid(unsafe_code)]
#![warn(clippy::expect_used, clippy::unwrap_used)]

// From the ground up: a module imports only from modules declared above it; `cargo xtask tidy` checks that.

// Floor 0: indices, bytes, names, numbers.
mod index;
mod bit_set;
mod parse_error;
mod bytes;
mod names;
mod leb128;
mod owner;
mod input_id;
mod text;
// Floor 1: vocabulary without logic.
mod format;
mod display;
mod adaptation;
mod json;
mod version_script;
pub mod options;
mod cancel;
mod messages;
pub mod report;
mod code;
pub mod diagnostics;
pub mod timing;
mod threads;
mod leftovers;
pub mod code_generator;
mod library_provider;
// Floor 2: bytes in, finished value out.
mod archive;
#[cfg_attr(
    not(feature = "internals"),
    allow(dead_code, unused_imports, reason = "the link does not read bitcode yet")
)]
mod bitcode;
mod object;
mod stub_library;
pub mod unit;
mod source_lines;
mod variable_lines;
// Floor 3: inputs on their way.
mod foreign;
mod input;
mod generation;
// Floor 4: one phase each.
mod symbols;
mod places;
mod recompile;
mod architecture;
mod hints;
mod context;
mod resolve;
mod chunks;
mod mark_live;
mod merge_strings;
mod one_definition;
// Work before the last input arrives; a link from nothing needs none of it.
mod incremental;
// The phases after resolution and marking.
mod program;
mod features;
mod layout;
mod scan_relocations;
mod exceptions;
mod undefined;
mod relocation_errors;
// Floor 5: bytes out.
mod result;
mod relocate;
mod synthetic;
mod output;
mod map_file;
mod engine_limits;
mod make_report;
mod advice;
// Floor 6: the link.
mod kept_layout;
mod link;
// Floor 7: the linker.
mod linker;

pub use bytes::Bytes;
pub use cancel::CancelToken;
pub use input::{identify, FileKind, FileProvider, InputDescription, InputError};
pub use input_id::InputId;
pub use leftovers::Leftovers;
pub use library_provider::{LibraryProvider, OtherLibrary};
pub use linker::Linker;
pub use messages::{Extraction, ExtractionReport, Message, MessageKind};
pub use result::{LinkResult, Sink};
pub use text::Text;

/// Parts that tests, fuzz targets and tools of this project look into. Not part of the API: anything can change at any time.
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
