//! What a link gives back to its caller, and where its bytes go.

use crate::diagnostics::{Diagnostic, LinkFailure};
use crate::timing::Timing;

/// What a link gives. `M` is the module's bytes, or nothing where a [`Sink`] took them.
pub struct LinkResult<M = Vec<u8>> {
    /// The module and what was asked for beside it, unless the link failed.
    pub output: Result<Output<M>, LinkFailure>,
    /// Everything that is to be said, in order; at least one error where the link failed.
    pub diagnostics: Vec<Diagnostic>,
    /// How long the phases took.
    pub timing: Timing,
}

/// A finished link.
pub struct Output<M = Vec<u8>> {
    /// The module's bytes.
    pub module: M,
    /// The link map, where it was asked for.
    pub map: Option<String>,
}

impl LinkResult<()> {
    /// The same with the bytes that a sink took.
    pub fn with_module(self, module: Vec<u8>) -> LinkResult {
        let LinkResult { output, diagnostics, timing } = self;
        LinkResult { output: output.map(|Output { map, .. }| Output { module, map }), diagnostics, timing }
    }
}

/// Where the module's bytes go: a buffer that is used again, a mapped file, the memory of an engine.
pub trait Sink: Send {
    /// The place for a module of `size` bytes. What stands there is not read, and every byte is written.
    ///
    /// Asked once in a link, when its size is known and no error can come any more, except that `None` is one: there
    /// is no room.
    fn place(&mut self, size: usize) -> Option<&mut [u8]>;
}

/// Keeps its memory from link to link.
impl Sink for Vec<u8> {
    fn place(&mut self, size: usize) -> Option<&mut [u8]> {
        // Zeroed memory comes from the system untouched, but only by a way that ends the process where there is none:
        // so large ones are asked for twice.
        const LARGE: usize = 1 << 26;
        if size <= self.len() {
            self.truncate(size);
        } else if size <= self.capacity() {
            self.resize(size, 0);
        } else if size < LARGE || Vec::<u8>::new().try_reserve_exact(size.saturating_add(size / 32)).is_ok() {
            // The next module may be a little larger.
            *self = vec![0; size.saturating_add(size / 32)];
            self.truncate(size);
        } else {
            return None;
        }
        Some(self)
    }
}
