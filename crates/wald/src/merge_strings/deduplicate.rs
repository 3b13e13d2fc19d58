//! Finds the different strings, in parallel.

use std::sync::atomic::{self, AtomicU32};

use hashbrown::HashTable;
use rayon::prelude::*;

use super::tails;
use super::unique::{text, Input, Unique};
use crate::names::spread;
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

pub(crate) fn shard_of(hash: u32, shards: usize) -> usize {
    (hash >> 16) as usize & (shards - 1)
}

/// The different strings of those hashes that belong to it.
#[derive(Default)]
pub(crate) struct Shard {
    /// Hashes and numbers.
    pub(crate) table: HashTable<(u32, u32)>,
    pub(crate) unique: Vec<Unique>,
}

/// Finds the different strings in so many shards; and for each string of each input the number of the different one in its
/// shard.
pub(super) fn deduplicate(inputs: &[Input<'_>], starts: &[u32], shards: usize) -> (Vec<Shard>, Vec<u32>) {
    let count = starts.last().copied().unwrap_or(0);
    let numbers: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(0)).collect();
    let all = (0..shards).into_par_iter();
    let all = all.map(|shard| Shard::of(inputs, starts, (shard, shards), &numbers)).collect();
    (all, numbers.into_iter().map(AtomicU32::into_inner).collect())
}

impl Shard {
    fn of(
        inputs: &[Input<'_>],
        starts: &[u32],
        (number, count): (usize, usize),
        numbers: &[AtomicU32],
    ) -> Shard {
        let mut shard = Shard::default();
        for (input, &contents) in inputs.iter().enumerate() {
            let slots = &numbers[starts[input] as usize..starts[input + 1] as usize];
            for (position, (piece, slot)) in contents.0.iter().zip(slots).enumerate() {
                if shard_of(piece.hash, count) == number {
                    let number = shard.add(inputs, piece, input, text(contents, position));
                    // Each string belongs to one shard, so to one thread; the others read it after this loop.
                    slot.store(number, atomic::Ordering::Relaxed);
                }
            }
        }
        shard
    }

    /// The number of a string, which gets the next one if it is new.
    #[inline]
    fn add(&mut self, inputs: &[Input<'_>], piece: &StringPiece, input: usize, text: &[u8]) -> u32 {
        let same = |&(hash, number): &(u32, u32)| {
            hash == piece.hash && self.unique[number as usize].text(inputs) == text
        };
        if let Some(&(_, number)) = self.table.find(spread(piece.hash), same) {
            return number;
        }
        let number = self.unique.len() as u32;
        let (key, len) = (tails::key(text, 0), text.len() as u32);
        self.unique.push(Unique { key, input: input as u32, start: piece.start, len, number });
        self.table.insert_unique(spread(piece.hash), (piece.hash, number), |&(hash, _)| spread(hash));
        number
    }
}
