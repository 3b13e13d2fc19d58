//! Wald: a linker for WebAssembly as a library.
//!
//! [`Linker`] takes inputs in declared order, from any thread and at any time, and gives the bytes that `wasm-ld`
//! 22 would write. The link itself is [`link`], top to bottom.
//!
//! # Linking bytes
//!
//! Nothing is read from or written to files, nothing is printed, and nothing outlives the [`Linker`]: any number of links
//! may run in one process, at the same time.
//!
//! ```
//! use wald::options::Options;
//! use wald::{Bytes, InputDescription, Linker};
//!
//! // In your program these come from your compiler.
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects");
//! # let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
//! # paths.retain(|path| path.extension().is_some_and(|extension| extension == "o" || extension == "a"));
//! # paths.sort();
//! # let objects: Vec<(String, Vec<u8>)> =
//! #     paths.iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
//! let objects: Vec<(String, Vec<u8>)> = objects;
//!
//! let mut linker = Linker::new(Options { output: "app.wasm".into(), ..Options::default() });
//! for (path, bytes) in objects {
//!     let input = linker.declare_input(InputDescription { path, ..InputDescription::default() });
//!     linker.provide(input, Bytes::from(bytes));
//! }
//! let result = linker.finish();
//! for diagnostic in &result.diagnostics {
//!     eprintln!("{diagnostic}");
//! }
//! let module = result.output?.module;
//! assert!(module.starts_with(b"\0asm\x01\0\0\0"));
//! # Ok::<(), wald::diagnostics::LinkFailure>(())
//! ```
//!
//! # Linking while the compiler works
//!
//! Inputs are declared in order, which decides what the module looks like. Their bytes may come at any time, in any order
//! and from any thread; the thread that brings them parses them. [`Linker::prepare`] uses a pause for what can be done before
//! the last input is there. None of that changes a byte of the module.
//!
//! ```
//! # use wald::options::Options;
//! # use wald::{Bytes, InputDescription, Linker};
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects");
//! # let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
//! # paths.retain(|path| path.extension().is_some_and(|extension| extension == "o" || extension == "a"));
//! # paths.sort();
//! # let compile = |path: &std::path::PathBuf| std::fs::read(path).unwrap();
//! # let sources = paths;
//! let mut linker = Linker::new(Options::default());
//! let mut inputs = Vec::new();
//! for source in &sources {
//!     let path = source.display().to_string();
//!     inputs.push(linker.declare_input(InputDescription { path, ..InputDescription::default() }));
//! }
//! std::thread::scope(|scope| {
//!     for (source, &input) in sources.iter().zip(&inputs).rev() {
//!         let linker = &linker;
//!         scope.spawn(move || linker.provide(input, Bytes::from(compile(source))));
//!     }
//!     linker.prepare();
//! });
//! let first = linker.link();
//!
//! // The linker can be kept: after an edit only the new input is parsed.
//! linker.replace(inputs[0]);
//! linker.provide(inputs[0], Bytes::from(compile(&sources[0])));
//! let again = linker.link();
//! assert!(first.output?.module == again.output?.module);
//! # Ok::<(), wald::diagnostics::LinkFailure>(())
//! ```
//!
//! A compiler that has no object files hands over a unit ([`mod@unit`]): functions, data and symbols from memory, each of which can
//! be replaced later.
//!
//! # Diagnostics
//!
//! What is wrong comes back as data, all of it together and in the order of the inputs; messages are worded as `wasm-ld`
//! words them.
//!
//! ```
//! use wald::diagnostics::{Code, Severity};
//! use wald::options::Options;
//! use wald::{Bytes, InputDescription, Linker};
//!
//! let mut linker = Linker::new(Options::default());
//! let describe = |path: &str| InputDescription { path: path.into(), ..InputDescription::default() };
//! let bad = linker.declare_input(describe("bad.o"));
//! let cut = linker.declare_input(describe("cut.o"));
//! linker.provide(cut, Bytes::from(b"\0asm\x01\0\0\0\x01".to_vec()));
//! linker.provide(bad, Bytes::from(b"this is no object".to_vec()));
//! let result = linker.finish();
//! assert!(result.output.is_err());
//! let [first, second] = &result.diagnostics[..] else { panic!("two files are broken") };
//! assert_eq!((first.severity, first.code), (Severity::Error, Code::Parse));
//! assert_eq!(first.message, "unknown file type: bad.o");
//! let place = second.location.as_ref().unwrap();
//! assert_eq!((place.path.as_str(), place.offset), ("cut.o", Some(9)));
//! ```
//!
//! # Threads, and ending early
//!
//! [`Options::threads`](options::Options::threads) says how many threads a link uses. With a number it has a pool of its own,
//! which ends with it. Without a number it is rayon's current pool: call [`Linker::finish`] inside of `pool.install` to choose
//! one; in a pool that was built with `use_current_thread` and one thread the link starts none and is done by the calling one. A [`CancelToken`] ends a link whose result is not wanted any more; a [`Linker`] that is dropped
//! leaves nothing behind.
#![forbid(unsafe_code)]
#![warn(clippy::expect_used, clippy::unwrap_used)]

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
pub mod cancel;
pub mod diagnostics;
pub mod timing;
pub mod threads;
// Floor 2: bytes in, finished value out.
pub mod archive;
pub mod object;
pub mod stub_library;
pub mod unit;
// Floor 3: inputs on their way.
pub mod input;
pub mod architecture;
// Floor 4: one phase each.
pub mod symbols;
pub mod resolve;
pub mod chunks;
pub mod context;
pub mod mark_live;
pub mod merge_strings;
// Work before the last input arrives; a link from nothing needs none of it.
pub mod incremental;
// The phases after resolution and marking.
pub mod program;
pub mod features;
pub mod layout;
pub mod scan_relocations;
// Floor 5: bytes out.
pub mod result;
pub mod relocate;
pub mod synthetic;
pub mod output;
pub mod map_file;
pub mod engine_limits;
// Floor 6: the link.
pub mod link;
// Floor 7: the linker.
pub mod linker;

pub use bytes::Bytes;
pub use cancel::CancelToken;
pub use input::{FileProvider, InputDescription};
pub use linker::Linker;
pub use result::{LinkResult, Output, Sink};
