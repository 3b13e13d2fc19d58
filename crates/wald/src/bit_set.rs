//! Sets of small numbers, a bit for each: for one thread, and for many.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

/// A set of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BitSet(Vec<u64>);

impl BitSet {
    /// A set that can hold numbers below `size`: none of them, or all.
    pub fn new(size: usize, full: bool) -> Self {
        BitSet(vec![if full { !0 } else { 0 }; size.div_ceil(64)])
    }

    /// The numbers below `size` that are `wanted`, found out in parallel.
    pub fn collect(size: usize, wanted: impl Fn(usize) -> bool + Sync) -> Self {
        let word = |word: usize| {
            let numbers = word * 64..size.min(word * 64 + 64);
            numbers.fold(0, |bits, number| bits | u64::from(wanted(number)) << (number % 64))
        };
        BitSet((0..size.div_ceil(64)).into_par_iter().with_min_len(64).map(word).collect())
    }

    /// Whether `number` is in it.
    #[inline]
    pub fn contains(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 != 0
    }

    /// Whether `number` is in it; numbers it has no room for are not.
    #[inline]
    pub fn contains_checked(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 != 0)
    }

    /// Adds `number`; whether it is new.
    #[inline]
    pub fn insert(&mut self, number: usize) -> bool {
        let word = &mut self.0[number / 64];
        let bit = 1 << (number % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Makes room for numbers below `size`.
    pub fn grow(&mut self, size: usize, full: bool) {
        self.0.resize(size.div_ceil(64).max(self.0.len()), if full { !0 } else { 0 });
    }
}

/// A set that many threads add to.
#[derive(Debug)]
pub struct SharedBitSet(Vec<AtomicU64>);

impl SharedBitSet {
    /// A set that can hold numbers below `size`: none of them, or all.
    pub fn new(size: usize, full: bool) -> Self {
        let word = if full { !0 } else { 0 };
        SharedBitSet((0..size.div_ceil(64)).map(|_| AtomicU64::new(word)).collect())
    }

    /// Whether `number` is in it.
    #[inline]
    pub fn contains(&self, number: usize) -> bool {
        // Relaxed, here and below: no other memory is read because of a bit's value.
        self.0[number / 64].load(Ordering::Relaxed) >> (number % 64) & 1 != 0
    }

    /// Whether `number` is in it; numbers it has no room for are not.
    pub fn contains_checked(&self, number: usize) -> bool {
        number / 64 < self.0.len() && self.contains(number)
    }

    /// Adds `number`; whether it is new. Exactly one thread is told so.
    #[inline]
    pub fn insert(&self, number: usize) -> bool {
        let bit = 1 << (number % 64);
        // Most numbers are there already, and looking is much cheaper than changing.
        !self.contains(number) && self.0[number / 64].fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Adds those numbers of `range` that are in `other`, shifted so that the range begins at `start`.
    pub fn copy_from(&self, other: &SharedBitSet, range: std::ops::Range<usize>, start: usize) {
        let (mut from, mut to) = (range.start, start);
        while from < range.end {
            // What is in one word of both.
            let count = (64 - from % 64).min(64 - to % 64).min(range.end - from);
            let word = other.0[from / 64].load(Ordering::Relaxed) >> (from % 64);
            let bits = word & (!0 >> (64 - count));
            if bits != 0 {
                self.0[to / 64].fetch_or(bits << (to % 64), Ordering::Relaxed);
            }
            from += count;
            to += count;
        }
    }

    /// Makes room for numbers below `size`.
    pub fn grow(&mut self, size: usize, full: bool) {
        let size = size.div_ceil(64).max(self.0.len());
        self.0.resize_with(size, || AtomicU64::new(if full { !0 } else { 0 }));
    }

    /// The numbers in it, in order.
    pub fn numbers(&self) -> Vec<usize> {
        let mut numbers = Vec::new();
        for (position, word) in self.0.iter().enumerate() {
            let mut word = word.load(Ordering::Relaxed);
            while word != 0 {
                numbers.push(position * 64 + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
        numbers
    }

    /// The finished set.
    pub fn into_set(self) -> BitSet {
        BitSet(self.0.into_iter().map(AtomicU64::into_inner).collect())
    }
}

impl Clone for SharedBitSet {
    fn clone(&self) -> Self {
        let copy = |word: &AtomicU64| AtomicU64::new(word.load(Ordering::Relaxed));
        SharedBitSet(self.0.iter().map(copy).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_copied_to_anywhere() {
        let other = SharedBitSet::new(300, false);
        (0..300).filter(|number| number % 3 == 0 || number % 7 == 2).for_each(|number| {
            other.insert(number);
        });
        for (start, end, to) in
            [(0, 300, 0), (0, 64, 64), (5, 5, 9), (63, 66, 1), (70, 299, 33), (128, 192, 7)]
        {
            let set = SharedBitSet::new(400, false);
            set.copy_from(&other, start..end, to);
            let expected: Vec<usize> = (start..end)
                .filter(|&number| other.contains(number))
                .map(|number| number - start + to)
                .collect();
            assert_eq!(set.numbers(), expected);
        }
    }
}
