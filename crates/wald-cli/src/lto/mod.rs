//! Link-time optimization: has LLVM's own tool, `llvm-lto2`, generate code from bitcode.
//!
//! [`Generator`] is the command's [`CodeGenerator`](wald::code_generator::CodeGenerator). It writes the modules to a temporary
//! folder ([`workspace`]), starts the tool with wasm-ld's settings ([`command`]), and reads the objects. What options ask to be
//! kept goes where wasm-ld writes it ([`products`]). With `--thinlto-distributor`, the tool only writes indexes, and a program of the
//! user has the thin modules compiled ([`distributed`]).

mod cache;
mod command;
mod commas;
mod compiler;
mod distributed;
mod generator;
mod kept_objects;
mod options;
mod other_linker;
mod parts;
mod process;
mod products;
mod renamed;
mod said;
mod symbol_dump;
mod tool;
mod workspace;

pub use generator::Generator;
pub use options::{check_cache_policy, check_counts, check_replacements, LtoSettings};
pub use other_linker::arguments as link_arguments;
