//! The result of a link, and where its bytes go.

use crate::diagnostics::{Diagnostic, LinkFailure};
use crate::leftovers::Leftovers;
use crate::messages::{ExtractionReport, Message};
use crate::report::Report;
use crate::text::Text;
use crate::timing::Timing;

/// The result of a link. `M` is the module's bytes, or `()` if a [`Sink`] took them.
#[non_exhaustive]
pub struct LinkResult<M = Vec<u8>> {
    /// The module, unless the link failed.
    pub module: Result<M, LinkFailure>,
    /// The link map, if it was asked for. A link that fails only when its output is checked has one, too.
    pub map: Option<Text>,
    /// Why archive members were linked, if that was asked for. A link that fails after it has resolved all symbols has a
    /// report, too.
    pub extractions: Option<ExtractionReport>,
    /// What the module is made of, if that was asked for.
    pub report: Option<Box<Report>>,
    /// Lines that options asked for, such as `--trace`, in order.
    pub messages: Vec<Message>,
    /// Errors, warnings and notes in order; at least one error if the link failed.
    pub diagnostics: Vec<Diagnostic>,
    /// How long the phases took.
    pub timing: Timing,
    /// What can be dropped later.
    pub leftovers: Leftovers,
}

impl LinkResult<()> {
    /// The same result with the bytes that a sink took.
    pub fn with_module(self, module: Vec<u8>) -> LinkResult {
        let LinkResult { module: result, map, extractions, report, messages, diagnostics, timing, leftovers } =
            self;
        let module = result.map(|()| module);
        LinkResult { module, map, extractions, report, messages, diagnostics, timing, leftovers }
    }
}

/// Where the module's bytes go: a buffer that is used again, the memory of an engine, a file.
pub trait Sink: Send + Sync {
    /// Whether to pass the module of `size` bytes in parts to [`Sink::write_at`], so that it is never in memory as a whole. By default, no.
    /// A module whose build id is computed from its bytes is always made in memory.
    ///
    /// Called at most once per link, when the size is known. After `true` the link fails only if it is cancelled.
    fn takes_parts(&mut self, size: u64) -> bool {
        let _ = size;
        false
    }

    /// Takes a part of the module, which belongs at this offset. Called from several threads at once, with parts in any order that do not
    /// overlap.
    fn write_at(&self, offset: u64, part: &[u8]) {
        let _ = (offset, part);
    }

    /// Returns memory for a module of `size` bytes. Its contents are not read, and every byte is written.
    ///
    /// Called at most once per link, when the size is known and nothing but `None` can fail any more: `None` means that there
    /// is no room, and the link fails.
    fn place(&mut self, size: usize) -> Option<&mut [u8]>;
}

/// Keeps its memory from link to link.
impl Sink for Vec<u8> {
    fn place(&mut self, size: usize) -> Option<&mut [u8]> {
        // The system provides zeroed memory without a copy, but the only safe request for it ends the process if it fails. So for a
        // large module, `try_reserve_exact` asks first whether there is enough.
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
