//! Shared read-only bytes: what an input hands to the link, however it came by them.

use std::ops::Range;
use std::sync::Arc;

/// A cheaply cloned handle on bytes that somebody owns: a mapped file, a vector, a compiler's buffer.
#[derive(Clone)]
pub struct Bytes(Kind);

#[derive(Clone)]
enum Kind {
    /// Bytes that stay for good are reached without asking anybody: the link reads them in many places.
    Static(&'static [u8]),
    Owned {
        owner: Arc<dyn AsRef<[u8]> + Send + Sync>,
        range: Range<usize>,
    },
}

impl Bytes {
    /// All the bytes of `owner`, which must give the same bytes at every call.
    pub fn from_owner(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        let range = 0..owner.as_ref().len();
        Bytes(Kind::Owned { owner: Arc::new(owner), range })
    }

    /// A part of these bytes, sharing the owner. `range` must lie inside.
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

    /// How many bytes.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kind::Static(bytes) => bytes.len(),
            Kind::Owned { range, .. } => range.len(),
        }
    }

    /// Whether there are none.
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
