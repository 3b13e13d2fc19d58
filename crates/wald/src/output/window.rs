//! The output in pieces, and consecutive pieces in windows. A window is what one task fills; it fits the processor's cache, so that it
//! can be written to a file at little cost.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::cancel::CancelToken;
use crate::result::Sink;

/// About how many bytes one task writes.
const WINDOW: u64 = 256 * 1024;

/// About how many bytes a piece has, if its contents can be divided.
pub(super) const PIECE: u64 = 64 * 1024;

/// How a piece of the output is made.
pub(super) enum Work<'p> {
    /// Made while planning.
    Bytes(Cow<'p, [u8]>),
    /// Nothing but zeros.
    Zeros,
    /// Functions of the output, by position.
    Functions(Range<usize>),
    /// Parts of a data segment.
    SegmentParts(usize, Range<usize>),
    /// Parts of a custom section.
    CustomParts(usize, Range<usize>),
    /// A part of the name section.
    Names(usize),
}

struct Piece<'p> {
    size: u64,
    work: Work<'p>,
}

/// The output, piece after piece.
#[derive(Default)]
pub(super) struct Pieces<'p> {
    list: Vec<Piece<'p>>,
    size: u64,
}

impl<'p> Pieces<'p> {
    /// Adds a piece.
    pub(super) fn add(&mut self, size: u64, work: Work<'p>) {
        if size > 0 {
            self.size += size;
            self.list.push(Piece { size, work });
        }
    }

    /// Adds bytes that are known.
    pub(super) fn add_bytes(&mut self, bytes: impl Into<Cow<'p, [u8]>>) {
        let bytes = bytes.into();
        self.add(bytes.len() as u64, Work::Bytes(bytes));
    }

    /// Adds zeros.
    pub(super) fn add_zeros(&mut self, mut size: u64) {
        while size > 0 {
            let part = size.min(WINDOW);
            self.add(part, Work::Zeros);
            size -= part;
        }
    }

    /// Size of all pieces so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Cuts the output into windows: offset, size, pieces.
    fn windows(&self) -> Vec<(u64, u64, &[Piece<'p>])> {
        let mut windows = Vec::new();
        let (mut offset, mut size, mut first) = (0, 0, 0);
        for (position, piece) in self.list.iter().enumerate() {
            if size > 0 && size + piece.size > WINDOW {
                windows.push((offset, size, &self.list[first..position]));
                (offset, size, first) = (offset + size, 0, position);
            }
            size += piece.size;
        }
        windows.push((offset, size, &self.list[first..]));
        windows
    }

    /// Makes all pieces in `memory`, which has their size.
    pub(super) fn fill(&self, memory: &mut [u8], cancel: &CancelToken, make: Make<'_, 'p>) {
        let mut rest = memory;
        let windows = self.windows().into_iter();
        let slices: Vec<_> =
            windows.map(|(_, size, pieces)| (take(&mut rest, size as usize), pieces)).collect();
        slices.into_par_iter().with_max_len(1).filter(|_| !cancel.is_cancelled()).for_each(
            |(slice, pieces)| {
                fill_window(slice, pieces, make);
            },
        );
    }

    /// Makes all pieces, and hands them to `sink` window by window.
    pub(super) fn send(&self, sink: &dyn Sink, cancel: &CancelToken, make: Make<'_, 'p>) {
        let buffers = Mutex::new(Vec::new());
        let buffers = || buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let windows = self.windows().into_par_iter().with_max_len(1);
        windows.filter(|_| !cancel.is_cancelled()).for_each(|(offset, size, pieces)| {
            let mut buffer: Vec<u8> = buffers().pop().unwrap_or_default();
            if buffer.len() < size as usize {
                buffer.resize(size as usize, 0);
            }
            let window = &mut buffer[..size as usize];
            fill_window(window, pieces, make);
            sink.write_at(offset, window);
            // One that is larger than usual is not kept.
            if buffer.len() as u64 <= 2 * WINDOW {
                buffers().push(buffer);
            }
        });
    }
}

/// Makes a piece in memory of its size. Writes every byte, whatever its old value.
pub(super) type Make<'m, 'p> = &'m (dyn Fn(&Work<'p>, &mut [u8]) + Sync);

fn fill_window<'p>(window: &mut [u8], pieces: &[Piece<'p>], make: Make<'_, 'p>) {
    if cfg!(debug_assertions) {
        // This lets tests see a byte that was forgotten.
        window.fill(0xaa);
    }
    let mut rest = window;
    for piece in pieces {
        make(&piece.work, take(&mut rest, piece.size as usize));
    }
}

/// Cuts `len` bytes off the front of what is left.
pub(super) fn take<'b>(rest: &mut &'b mut [u8], len: usize) -> &'b mut [u8] {
    let (front, back) = std::mem::take(rest).split_at_mut(len);
    *rest = back;
    front
}
