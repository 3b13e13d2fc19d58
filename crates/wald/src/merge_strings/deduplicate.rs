//! Finds the different strings, in parallel.

use std::sync::atomic::{self, AtomicU32};

use rayon::prelude::*;

use super::tails;
use super::unique::{text, Input, Unique};
use crate::cancel::CancelToken;
use crate::object::StringPiece;

/// Where each input's strings start among all, and the end of the last one's.
pub(crate) fn starts_of(inputs: &[Input<'_>]) -> Vec<u32> {
    let mut starts = vec![0];
    let mut count = 0;
    for (pieces, _) in inputs {
        count += pieces.len() as u32;
        starts.push(count);
    }
    starts
}

/// In how many parts so many strings are worked on in parallel.
pub(super) fn shards_for(strings: u32) -> usize {
    let shards = rayon::current_num_threads().next_power_of_two().min(64);
    if strings < 10_000 {
        1
    } else {
        shards
    }
}

pub(super) fn shard_of(hash: u32, shards: usize) -> usize {
    (hash >> 16) as usize & (shards - 1)
}

/// The different strings of those hashes that belong to it.
#[derive(Default)]
pub(crate) struct Shard {
    /// Hashes and positions of the different strings, or [`EMPTY`]. One that finds its place taken is in the next empty one.
    slots: Vec<u64>,
    unique: Vec<Unique>,
    /// The number of its first string, and how far apart those of its strings are. So numbers of all shards are different, and nearly
    /// dense.
    first: u32,
    step: u32,
}

/// A slot that no string has.
const EMPTY: u64 = u64::MAX;

/// How many strings are looked up together. Each look-up waits for memory several times, and those of a batch wait at the same time.
const BATCH: usize = 32;

/// Finds the different strings in so many shards; and for each string of each input the number of the different one. If `stop` is
/// cancelled, the result is incomplete.
pub(super) fn deduplicate(
    inputs: &[Input<'_>],
    starts: &[u32],
    shards: usize,
    stop: &CancelToken,
) -> (Vec<Shard>, Vec<u32>) {
    let count = starts.last().copied().unwrap_or(0);
    let numbers: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(0)).collect();
    let all = (0..shards).into_par_iter();
    let all = all.map(|shard| Shard::of(inputs, starts, (shard, shards), &numbers, stop)).collect();
    (all, numbers.into_iter().map(AtomicU32::into_inner).collect())
}

impl Shard {
    fn of(
        inputs: &[Input<'_>],
        starts: &[u32],
        (number, count): (usize, usize),
        numbers: &[AtomicU32],
        stop: &CancelToken,
    ) -> Shard {
        let mut shard = Shard { first: number as u32, step: count as u32, ..Shard::default() };
        let mut batch = Vec::with_capacity(BATCH);
        for (input, &(pieces, _)) in inputs.iter().enumerate() {
            if stop.is_cancelled() {
                break;
            }
            let slots = &numbers[starts[input] as usize..starts[input + 1] as usize];
            let mut own = (0..).zip(pieces).filter(|(_, piece)| shard_of(piece.hash, count) == number);
            loop {
                batch.clear();
                batch.extend(own.by_ref().map(|(position, _)| position).take(BATCH));
                if batch.is_empty() {
                    break;
                }
                shard.add_batch(inputs, input, &batch, slots);
            }
        }
        shard
    }

    /// The different strings.
    pub(super) fn unique(&self) -> &[Unique] {
        &self.unique
    }

    /// Frees what only [`Shard::find`] needs.
    pub(super) fn forget_places(&mut self) {
        self.slots = Vec::new();
    }

    /// The largest number, and one more.
    pub(super) fn numbers(&self) -> usize {
        self.unique.last().map_or(0, |last| last.number as usize + 1)
    }

    /// The number of a string.
    pub(crate) fn find(&self, hash: u32, text: &[u8], inputs: &[Input<'_>]) -> Option<u32> {
        let slot = self.slots.get(self.slot_of(hash, text, inputs)?)?;
        (*slot != EMPTY).then(|| self.unique[*slot as u32 as usize].number)
    }

    /// Gives these strings of an input their numbers. Each string belongs to one shard, so to one thread; the others read its number
    /// afterwards.
    fn add_batch(&mut self, inputs: &[Input<'_>], input: usize, batch: &[u32], numbers: &[AtomicU32]) {
        let contents = inputs[input];
        debug_assert!(batch.len() <= BATCH);
        let mut first = [EMPTY; BATCH];
        for (slot, &position) in first.iter_mut().zip(batch) {
            *slot =
                self.slots.get(self.home_of(contents.0[position as usize].hash)).copied().unwrap_or(EMPTY);
        }
        let mut likely = [Unique::default(); BATCH];
        for ((likely, &slot), &position) in likely.iter_mut().zip(&first).zip(batch) {
            if slot != EMPTY && (slot >> 32) as u32 == contents.0[position as usize].hash {
                *likely = self.unique[slot as u32 as usize];
            }
        }
        // Looks at the texts without waiting for what is there.
        let mut seen = 0;
        for likely in likely.iter().filter(|likely| likely.len > 0) {
            let text = likely.text(inputs);
            seen ^= text[0] ^ text[text.len() - 1];
        }
        std::hint::black_box(seen);
        for (likely, &position) in likely.iter().zip(batch) {
            let piece = &contents.0[position as usize];
            let text = text(contents, position as usize);
            let number = match likely.len as usize == text.len() && likely.text(inputs) == text {
                true => likely.number,
                false => self.add(inputs, piece, input, text),
            };
            numbers[position as usize].store(number, atomic::Ordering::Relaxed);
        }
    }

    /// The number of a string, which gets the next one if it is new.
    fn add(&mut self, inputs: &[Input<'_>], piece: &StringPiece, input: usize, text: &[u8]) -> u32 {
        if self.unique.len() * 10 >= self.slots.len() * 7 {
            self.grow();
        }
        let Some(slot) = self.slot_of(piece.hash, text, inputs) else { return 0 };
        if self.slots[slot] != EMPTY {
            return self.unique[self.slots[slot] as u32 as usize].number;
        }
        let position = self.unique.len() as u32;
        let number = self.first + position * self.step;
        let (key, len) = (tails::key(text, 0), text.len() as u32);
        self.unique.push(Unique { key, input: input as u32, start: piece.start, len, number });
        self.slots[slot] = u64::from(piece.hash) << 32 | u64::from(position);
        number
    }

    /// The slot of a string, or the empty one that it would get. `None` if there are no slots.
    fn slot_of(&self, hash: u32, text: &[u8], inputs: &[Input<'_>]) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = self.home_of(hash);
        loop {
            let slot = self.slots[at];
            if slot == EMPTY
                || (slot >> 32) as u32 == hash && self.unique[slot as u32 as usize].text(inputs) == text
            {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    /// Where a string with this hash is looked for first.
    #[inline]
    fn home_of(&self, hash: u32) -> usize {
        // The bits that tell the shard are the same for all, so others must decide.
        (u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
            & self.slots.len().wrapping_sub(1)
    }

    #[cold]
    fn grow(&mut self) {
        let count = (self.slots.len() * 2).max(1024);
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; count]);
        for slot in old.into_iter().filter(|&slot| slot != EMPTY) {
            let mut at = self.home_of((slot >> 32) as u32);
            while self.slots[at] != EMPTY {
                at = (at + 1) & (count - 1);
            }
            self.slots[at] = slot;
        }
    }
}
