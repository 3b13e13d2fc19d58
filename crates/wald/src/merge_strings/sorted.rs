//! Different strings in order, and each one's place among them.

use hashbrown::HashMap;
use rayon::prelude::*;

use super::deduplicate::{deduplicate, shard_of, shards_for, starts_of, Shard};
use super::merged::MergedStrings;
use super::sort::sort;
use super::unique::{Input, Unique};
use crate::cancel::CancelToken;

/// Strings, deduplicated and sorted.
pub struct Sorted {
    starts: Vec<u32>,
    /// For each string of each input its number among the different ones.
    numbers: Vec<u32>,
    /// The different strings by their hashes.
    shards: Vec<Shard>,
    /// All different strings, sorted.
    pub order: Vec<Unique>,
    /// Whether each is the tail of the one before it.
    is_tail: Vec<bool>,
    /// The largest number, and one more. Not every smaller one is used.
    largest: usize,
}

impl Sorted {
    /// The strings of these inputs. They can be looked up if `keep` is set.
    pub fn new(inputs: &[Input<'_>], keep: bool) -> Sorted {
        Sorted::make(inputs, keep, &CancelToken::new())
    }

    /// The same, to be looked up. `None` if `stop` is cancelled meanwhile.
    pub fn until(inputs: &[Input<'_>], stop: &CancelToken) -> Option<Sorted> {
        let sorted = Sorted::make(inputs, true, stop);
        (!stop.is_cancelled()).then_some(sorted)
    }

    fn make(inputs: &[Input<'_>], keep: bool, stop: &CancelToken) -> Sorted {
        let starts = starts_of(inputs);
        let count = shards_for(starts.last().copied().unwrap_or(0));
        let (mut shards, numbers) = deduplicate(inputs, &starts, count, stop);
        if !keep {
            shards.iter_mut().for_each(Shard::forget_places);
        }
        let largest = shards.iter().map(Shard::numbers).max().unwrap_or(0);
        let mut order = Vec::with_capacity(shards.iter().map(|shard| shard.unique().len()).sum());
        for shard in &shards {
            order.extend_from_slice(shard.unique());
        }
        if !keep {
            shards.clear();
        }
        if stop.is_cancelled() {
            order.clear();
        }
        sort(&mut order, inputs);
        let tail = |at: usize| at > 0 && order[at].is_tail_of(&order[at - 1], inputs);
        let is_tail = (0..order.len()).into_par_iter().with_min_len(4096).map(tail).collect();
        Sorted { starts, numbers, shards, order, is_tail, largest }
    }

    /// The number of a string with this hash.
    pub fn find(&self, hash: u32, text: &[u8], inputs: &[Input<'_>]) -> Option<u32> {
        self.shards[shard_of(hash, self.shards.len())].find(hash, text, inputs)
    }

    /// The numbers of an input's strings.
    pub fn numbers_of(&self, input: usize) -> &[u32] {
        &self.numbers[self.starts[input] as usize..self.starts[input + 1] as usize]
    }

    /// How many strings are equal to each, by number.
    pub fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.largest];
        for &number in &self.numbers {
            counts[number as usize] += 1;
        }
        counts
    }

    /// Whether the string at this position is the tail of the one before it.
    pub(super) fn is_tail(&self, at: usize) -> bool {
        self.is_tail[at]
    }

    /// How many numbers there are. Not every one is used.
    pub fn numbers(&self) -> usize {
        self.largest
    }

    /// The result for just these inputs.
    pub fn merged(&self) -> MergedStrings {
        self.merged_and_places().0
    }

    /// The same, and the offset of each string by its number.
    pub(super) fn merged_and_places(&self) -> (MergedStrings, Vec<u32>) {
        let mut merged = MergedStrings { offsets: vec![0; self.largest], ..MergedStrings::default() };
        for (string, &is_tail) in self.order.iter().zip(&self.is_tail) {
            merged.push(string, is_tail);
        }
        let places = std::mem::take(&mut merged.offsets);
        let numbers = self.numbers.par_iter().with_min_len(4096);
        merged.offsets = numbers.map(|&number| places[number as usize]).collect();
        merged.starts = self.starts.clone();
        (merged, places)
    }

    /// Gives every string its place: the result's offsets are by number. `in_link` says which input each of these inputs is in
    /// the link, `counts` how often each string is there; `added` are other inputs' strings, sorted, and `moved` those that
    /// are taken from another input than before.
    pub fn place(
        &self,
        inputs: &[Input<'_>],
        in_link: &[Option<u32>],
        counts: &[u32],
        (added, moved): (&[Unique], &HashMap<u32, Unique>),
    ) -> MergedStrings {
        let mut merged = MergedStrings { offsets: vec![0; counts.len()], ..MergedStrings::default() };
        let mut new = added.iter().peekable();
        // The previous string: all strings that end with a string directly precede it.
        let mut before: Option<Unique> = None;
        let mut pooled_before = false;
        for (at, pooled) in self.order.iter().enumerate() {
            if counts[pooled.number as usize] == 0 {
                pooled_before = false;
                continue;
            }
            let string = match in_link[pooled.input as usize] {
                Some(input) => Unique { input, ..*pooled },
                None => moved[&pooled.number],
            };
            while let Some(&next) = new.next_if(|next| next.is_before(&string, inputs)) {
                let tail = before.is_some_and(|before| next.is_tail_of(&before, inputs));
                merged.push(&next, tail);
                (before, pooled_before) = (Some(next), false);
            }
            let tail = match before {
                Some(_) if pooled_before => self.is_tail[at],
                Some(before) => string.is_tail_of(&before, inputs),
                None => false,
            };
            merged.push(&string, tail);
            (before, pooled_before) = (Some(string), true);
        }
        for next in new {
            let tail = before.is_some_and(|before| next.is_tail_of(&before, inputs));
            merged.push(next, tail);
            before = Some(*next);
        }
        merged
    }
}
