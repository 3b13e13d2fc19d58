//! Sorts strings by their reversed text, greatest first, eight bytes at a time.
//!
//! Strings that end alike are compared by what is before the common end, which is read once for each string and not once for
//! each comparison. So the time is linear in the size of the strings, however much of it they have in common.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::tails::{key, order, WIDTH};
use super::unique::{Input, Unique};

/// Up to so many strings are compared with one another.
const FEW: usize = 3;

/// From so many strings on, several threads work on them.
const MANY: usize = 8192;

/// Sorts different strings.
pub fn sort(strings: &mut [Unique], inputs: &[Input<'_>]) {
    strings.par_sort_unstable_by_key(|string| Reverse(string.key));
    let mut runs: Vec<&mut [Unique]> =
        strings.chunk_by_mut(|a, b| a.key == b.key).filter(|run| run.len() > 1).collect();
    runs.par_iter_mut().with_min_len(64).for_each(|run| sort_run(run, inputs));
}

/// Sorts strings whose last eight bytes are equal.
fn sort_run(run: &mut [Unique], inputs: &[Input<'_>]) {
    let mut keyed: Vec<(u64, Unique)> = Vec::new();
    // Parts whose last `depth` bytes are equal.
    let mut parts = vec![(0..run.len(), WIDTH)];
    while let Some((range, depth)) = parts.pop() {
        let part = &mut run[range.clone()];
        if part.len() <= FEW {
            part.sort_unstable_by(|a, b| order(a.text(inputs), b.text(inputs), depth));
            continue;
        }
        let with_key = |string: &Unique| (key(string.text(inputs), depth), *string);
        if part.len() < MANY {
            keyed.clear();
            keyed.extend(part.iter().map(with_key));
            keyed.sort_unstable_by_key(|&(key, _)| Reverse(key));
        } else {
            part.par_iter().map(with_key).collect_into_vec(&mut keyed);
            keyed.par_sort_unstable_by_key(|&(key, _)| Reverse(key));
        }
        let mut start = range.start;
        for equal in keyed.chunk_by(|a, b| a.0 == b.0) {
            let end = start + equal.len();
            if equal.len() > 1 {
                parts.push((start..end, depth + WIDTH));
            }
            start = end;
        }
        part.iter_mut().zip(&keyed).for_each(|(place, (_, string))| *place = *string);
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;
    use crate::object::StringTable;

    #[test]
    fn the_order_is_that_of_reversed_texts() {
        let mut data = Vec::new();
        for number in 0..20_000u32 {
            // Many have long common ends, and many are ends of others.
            let hash = number.wrapping_mul(2_654_435_761);
            let head = hash.to_string();
            let end = "end ".repeat((hash >> 7) as usize % 30);
            data.extend(head[..1 + number as usize % head.len()].bytes().chain(end.bytes()).chain([0]));
        }
        let mut table = StringTable::default();
        let chunk = table.add(&data);
        let inputs: [Input<'_>; 1] = [(table.of(chunk), &data)];
        let mut texts: Vec<&[u8]> = data.split_inclusive(|&byte| byte == 0).collect();
        texts.sort_unstable_by(|a, b| b.iter().rev().cmp(a.iter().rev()));
        texts.dedup();
        let unique = |text: &&[u8]| {
            let start = text.as_ptr() as usize - data.as_ptr() as usize;
            Unique { key: key(text, 0), input: 0, start: start as u32, len: text.len() as u32, number: 0 }
        };
        let mut strings: Vec<Unique> = texts.iter().map(unique).collect();
        strings.sort_unstable_by_key(|string| string.start);
        sort(&mut strings, &inputs);
        let sorted: Vec<&[u8]> = strings.iter().map(|string| string.text(&inputs)).collect();
        assert!(sorted == texts);
        assert!(texts.windows(2).all(|pair| order(pair[0], pair[1], 0) == Ordering::Less));
        assert_eq!(order(texts[7], texts[7], 0), Ordering::Equal);
    }
}
