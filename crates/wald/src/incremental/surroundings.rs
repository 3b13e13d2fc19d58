//! What work before the link needs of its linker.

use crate::object::Interners;
use crate::options::Options;
use crate::timing::Timer;

/// What work before the link needs of its linker.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The options of the link.
    pub options: &'a Options,
    /// Names and signatures.
    pub interners: &'a Interners,
    /// The number of threads; `None` for the caller's.
    pub threads: Option<usize>,
    /// Measures the work.
    pub timer: &'a Timer,
}
