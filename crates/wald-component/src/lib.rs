//! Links WebAssembly components, such as programs for WASI 0.2, in one process.
//!
//! [`run`] is the command `wald-component-ld`: Wald links a core module in memory, [`encode`] makes a component of it with the crate
//! `wit-component`, and the component becomes the output. Programs that link with the library `wald` call [`encode`] themselves:
//!
//! ```
//! let options = wald_component::Options::default();
//! // A core module without imports and exports.
//! let component = wald_component::encode(b"\0asm\x01\0\0\0".to_vec(), &options)?;
//! // The fifth byte is 13, the version of components.
//! assert!(component.starts_with(b"\0asm\x0d\0\x01\0"));
//! # Ok::<(), wald_component::Error>(())
//! ```
#![forbid(unsafe_code)]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod adapter;
mod arguments;
mod encode;
mod error;
mod exports;
mod option_table;
mod options;
mod plan;

pub use adapter::Adapter;
pub use encode::encode;
pub use error::Error;
pub use option_table::COMPATIBLE;
pub use options::{Options, StringEncoding, WasiAdapter};

use std::ffi::OsString;
use wald_cli::Host;

/// Runs the command `wald-component-ld`. `args` begins with the program's name. The result is the exit code.
pub fn run(args: &[OsString], host: &mut Host) -> i32 {
    wald_cli::run_with_post_link(args, host, &plan::Planner)
}
