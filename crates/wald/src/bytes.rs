//! Shared read-only bytes of inputs.

use std::ops::Range;
use std::sync::Arc;

/// A handle to bytes with an owner, such as a mapped file, a vector or a compiler's buffer. Cheap to clone.
#[derive(Clone)]
pub struct Bytes(Kind);

#[derive(Clone)]
enum Kind {
    /// Static bytes need no indirection through an owner.
    Static(&'static [u8]),
    Owned {
        owner: Arc<dyn AsRef<[u8]> + Send + Sync>,
        range: Range<usize>,
    },
}

impl Bytes {
    /// All bytes of `owner`, which must return the same bytes at every call.
    pub fn from_owner(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        let range = 0..owner.as_ref().len();
        Bytes(Kind::Owned { owner: Arc::new(owner), range })
    }

    /// A part of these bytes, with the same owner.
    ///
    /// # Panics
    /// If `range` is out of bounds.
    pub fn slice(&self, range: Range<usize>) -> Self {
        match &self.0 {
            Kind::Static(bytes) => Bytes(Kind::Static(&bytes[range])),
            Kind::Owned { owner, range: whole } => {
                assert!(range.start <= range.end && range.end <= whole.len());
                let start = whole.start + range.start;
                Bytes(Kind::Owned { owner: owner.clone(), range: start..start + range.len() })
            }
        }
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kind::Static(bytes) => bytes.len(),
            Kind::Owned { range, .. } => range.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl AsRef<[u8]> for Bytes {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Kind::Static(bytes) => bytes,
            Kind::Owned { owner, range } => &(**owner).as_ref()[range.clone()],
        }
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_ref()
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from_owner(bytes)
    }
}

impl From<&'static [u8]> for Bytes {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes(Kind::Static(bytes))
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bytes({})", self.len())
    }
}
