//! The parts of the link case runner.
//!
//! A case is one text file under `tests/cases/<area>/`. [`case`] reads it, [`build`] turns its sources into objects
//! and archives, [`link`] runs a linker in a fresh directory and takes down all that it did, [`compare`] says whether
//! two such answers are the same, [`validate`] checks a written module, [`engine`] runs it. `main.rs` puts them
//! together: one trial per case. `tests/README.md` says how to write a case.

pub mod build;
pub mod case;
pub mod compare;
pub mod engine;
pub mod link;
pub mod random;
pub mod tools;
pub mod validate;
