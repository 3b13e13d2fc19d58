//! Memory that can be freed after the result of a link was used.

/// Memory that a link used and nothing needs any more. Dropping it takes a few milliseconds for a large link. A process that is
/// about to exit can pass it to [`std::mem::forget`] instead, because the system frees its memory faster.
///
/// It includes what the link used of the inputs, even if they are replaced or removed afterwards. Between two links of the same
/// [`Linker`](crate::Linker), drop the earlier result.
#[derive(Default)]
pub struct Leftovers(Vec<Box<dyn Send>>);

impl Leftovers {
    /// Adds a value.
    pub(crate) fn add(&mut self, value: impl Send + 'static) {
        self.0.push(Box::new(value));
    }
}
