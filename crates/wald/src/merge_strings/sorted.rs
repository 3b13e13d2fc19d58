//! Different strings in order, and each one's place among them.

use hashbrown::HashMap;
use rayon::prelude::*;

use super::deduplicate::{deduplicate, shard_of, shards_for, starts_of, Shard};
use super::merged::MergedStrings;
use super::sort::sort;
use super::unique::{Input, Unique};
use crate::object::StringPiece;

/// Strings, deduplicated and sorted.
pub struct Sorted {
    starts: Vec<u32>,
    /// For each string of each input its number among the different ones.
    numbers: Vec<u32>,
    /// The different strings by their hashes.
    pub shards: Vec<Shard>,
    /// Where each shard's numbers start.
    pub bases: Vec<u32>,
    /// All different strings, sorted; `number` counts through all shards.
    pub order: Vec<Unique>,
    /// Whether each is the tail of the one before it.
    is_tail: Vec<bool>,
}

impl Sorted {
    /// The strings of these inputs.
    pub fn new(inputs: &[Input<'_>]) -> Sorted {
        let starts = starts_of(inputs);
        let count = shards_for(starts.last().copied().unwrap_or(0));
        let (shards, numbers) = deduplicate(inputs, &starts, count);
        let mut bases = vec![0];
        for shard in &shards {
            bases.push(bases[bases.len() - 1] + shard.unique().len() as u32);
        }
        let pieces = inputs.iter().flat_map(|(pieces, _)| pieces.iter()).zip(&numbers);
        let number = |(piece, &number): (&StringPiece, &u32)| bases[shard_of(piece.hash, count)] + number;
        let numbers: Vec<u32> = pieces.map(number).collect();
        let with_numbers = shards.iter().zip(&bases);
        let mut order: Vec<Unique> = with_numbers
            .flat_map(|(shard, base)| {
                shard.unique().iter().map(move |unique| Unique { number: base + unique.number, ..*unique })
            })
            .collect();
        sort(&mut order, inputs);
        let tail = |at: usize| at > 0 && order[at].is_tail_of(&order[at - 1], inputs);
        let is_tail = (0..order.len()).into_par_iter().with_min_len(4096).map(tail).collect();
        Sorted { starts, numbers, shards, bases, order, is_tail }
    }

    /// The numbers of an input's strings.
    pub fn numbers_of(&self, input: usize) -> &[u32] {
        &self.numbers[self.starts[input] as usize..self.starts[input + 1] as usize]
    }

    /// How many strings are equal to each, by number.
    pub fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.order.len()];
        for &number in &self.numbers {
            counts[number as usize] += 1;
        }
        counts
    }

    /// The result for just these inputs.
    pub fn merged(&self) -> MergedStrings {
        let mut merged = MergedStrings { offsets: vec![0; self.order.len()], ..MergedStrings::default() };
        for (string, &is_tail) in self.order.iter().zip(&self.is_tail) {
            merged.push(string, is_tail);
        }
        let places = std::mem::take(&mut merged.offsets);
        let numbers = self.numbers.par_iter().with_min_len(4096);
        merged.offsets = numbers.map(|&number| places[number as usize]).collect();
        merged.starts = self.starts.clone();
        merged
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
