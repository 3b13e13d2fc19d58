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

/// Lets tests see a byte that was forgotten.
const FORGOTTEN: u8 = 0xaa;

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
    /// It is in the last output, at this offset.
    Kept(u64),
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

    /// Adds what is in the last output, at this offset.
    pub(super) fn add_kept(&mut self, size: u64, from: u64) {
        match self.list.last_mut() {
            Some(Piece { size: before, work: Work::Kept(start) }) if *start + *before == from => {
                *before += size;
                self.size += size;
            }
            _ => self.add(size, Work::Kept(from)),
        }
    }

    /// Adds pieces. `find` says which of them are in the last output, and at which offset there; it gets their new offset.
    pub(super) fn add_all(&mut self, pieces: Pieces<'p>, find: impl Fn(&Work<'p>, u64) -> Option<u64>) {
        for Piece { size, work } in pieces.list {
            match find(&work, self.size) {
                Some(from) => self.add_kept(size, from),
                None => self.add(size, work),
            }
        }
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

    /// Makes all pieces in `bytes`, which holds the last output: first moves those that are there. `false` if there is not enough
    /// memory.
    pub(super) fn renew(&self, bytes: &mut Vec<u8>, cancel: &CancelToken, make: Make<'_, 'p>) -> bool {
        let size = self.size as usize;
        if size > bytes.capacity() {
            // The next output may be a little larger.
            let more = size + size / 32 - bytes.len();
            if bytes.try_reserve_exact(more).is_err() {
                return false;
            }
        }
        bytes.resize(size.max(bytes.len()), 0);
        let (mut moves, mut offset) = (Vec::new(), 0);
        for piece in &self.list {
            if let Work::Kept(from) = piece.work {
                moves.push((from as usize, offset, piece.size as usize));
            }
            offset += piece.size as usize;
        }
        let move_piece = |bytes: &mut Vec<u8>, (from, to, size)| bytes.copy_within(from..from + size, to);
        // Both lists of places ascend. So what moves up must not do so before what follows it, and what moves down not after.
        for run in moves.chunk_by(|a, b| (a.1 > a.0) == (b.1 > b.0)) {
            match run[0].1 > run[0].0 {
                true => run.iter().rev().for_each(|&piece| move_piece(bytes, piece)),
                false => {
                    run.iter().filter(|piece| piece.0 != piece.1).for_each(|&piece| move_piece(bytes, piece))
                }
            }
        }
        bytes.truncate(size);
        let mut rest = &mut bytes[..];
        let pieces = self.list.iter().map(|piece| (take(&mut rest, piece.size as usize), &piece.work));
        let made: Vec<_> = pieces.filter(|(_, work)| !matches!(work, Work::Kept(_))).collect();
        let made = made.into_par_iter().with_max_len(1).filter(|_| !cancel.is_cancelled());
        made.for_each(|(slice, work)| {
            if cfg!(debug_assertions) {
                slice.fill(FORGOTTEN);
            }
            make(work, slice);
        });
        true
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

/// Hands the finished output to `sink`, window by window.
pub(super) fn send_bytes(bytes: &[u8], sink: &dyn Sink, cancel: &CancelToken) {
    let windows = bytes.par_chunks(WINDOW as usize).enumerate().filter(|_| !cancel.is_cancelled());
    windows.for_each(|(number, window)| sink.write_at(number as u64 * WINDOW, window));
}

/// Copies the finished output.
pub(super) fn copy_bytes(bytes: &[u8], memory: &mut [u8]) {
    let windows = bytes.par_chunks(WINDOW as usize).zip(memory.par_chunks_mut(WINDOW as usize));
    windows.for_each(|(from, to)| to.copy_from_slice(from));
}

fn fill_window<'p>(window: &mut [u8], pieces: &[Piece<'p>], make: Make<'_, 'p>) {
    if cfg!(debug_assertions) {
        window.fill(FORGOTTEN);
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
