//! What one task writes.

/// A slice of the output and how it is filled.
pub(crate) struct Job<'b> {
    pub(crate) slice: &'b mut [u8],
    pub(crate) work: Work,
}

/// How a slice is filled.
pub(crate) enum Work {
    /// Functions of the output, by position.
    Functions(std::ops::Range<usize>),
    /// Parts of a data segment.
    SegmentParts(usize, std::ops::Range<usize>),
    /// Parts of a custom section.
    CustomParts(usize, std::ops::Range<usize>),
    /// A part of the name section.
    Names(usize),
}

/// Cuts `len` bytes off the front of what is left.
pub(crate) fn take<'b>(rest: &mut &'b mut [u8], len: usize) -> &'b mut [u8] {
    let (front, back) = std::mem::take(rest).split_at_mut(len);
    *rest = back;
    front
}
