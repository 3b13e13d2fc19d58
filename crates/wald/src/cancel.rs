//! Ending a link early, from another thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Says that a link's result is not wanted any more: see [`Linker::set_cancel_token`](crate::Linker::set_cancel_token).
/// Clones are the same token.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that cancels nothing yet.
    pub fn new() -> Self {
        CancelToken::default()
    }

    /// Cancels the links that have this token, now and later. May be called from any thread.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
