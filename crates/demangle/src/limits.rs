//! Bounds on the cost of one name.

use std::cell::Cell;

/// How much one name may cost.
pub(crate) struct Limits<'a> {
    /// Levels of nesting.
    pub depth: u32,
    /// Nodes visited in printing, or rules run while text is written.
    pub steps: usize,
    /// Bytes of text.
    pub output: usize,
    /// Set if `depth` was the reason to give up.
    pub too_deep: &'a Cell<bool>,
}
