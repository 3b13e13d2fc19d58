//! Keeps merged strings for a link with nearly the same inputs: the next link of a kept linker, or one that waits for the last
//! inputs. Only new strings are looked up and sorted in. Strings without users are removed.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use rayon::prelude::*;

use super::policy;
use crate::merge_strings::{key, merge, sort, starts_of, text, Input, MergedStrings, Sorted, Unique};
use crate::object::Object;

/// A custom section of strings.
#[derive(Clone)]
pub struct Source {
    /// Whose it is.
    pub object: Arc<Object>,
    /// Its position.
    pub section: u32,
}

impl Source {
    fn input(&self) -> Input<'_> {
        let (object, position) = (&*self.object, self.section as usize);
        let strings = object.strings();
        (strings.of(strings.of_section(position)), object.custom_sections[position].data.of(&object.bytes))
    }

    fn key(&self) -> (*const Object, u32) {
        (Arc::as_ptr(&self.object), self.section)
    }
}

/// Pools by the name of the section, shared by the links that may use them.
#[derive(Default)]
pub struct Pools(Mutex<Vec<Named>>);

type Named = (Box<[u8]>, Arc<Pool>);

impl Pools {
    fn get(&self, name: &[u8]) -> Option<Arc<Pool>> {
        let pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.iter().find(|(known, _)| **known == *name).map(|(_, pool)| pool.clone())
    }

    fn put(&self, name: &[u8], pool: Arc<Pool>) {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|(known, _)| **known != *name);
        pools.push((name.into(), pool));
    }

    /// Merges the strings of all sections with a name, and keeps them for later links if there will be any.
    pub fn merge(&self, name: &[u8], sources: &[Source], keep: bool) -> MergedStrings {
        if let Some(merged) = self.get(name).and_then(|pool| pool.merge(sources)) {
            return merged;
        }
        if !keep {
            let inputs: Vec<Input<'_>> = sources.par_iter().map(Source::input).collect();
            return merge(&inputs);
        }
        let pool = Arc::new(Pool::new(sources.to_vec()));
        let merged = pool.sorted.merged();
        self.put(name, pool);
        merged
    }
}

/// Strings of sources that are kept.
struct Pool {
    sources: Vec<Source>,
    sorted: Sorted,
}

/// Sources whose strings were not in the pool, with their results.
#[derive(Default)]
struct Added {
    /// New strings, sorted. Their numbers continue the pool's; inputs are numbers of the link's sources.
    unique: Vec<Unique>,
    /// The numbers of each new source.
    numbers: HashMap<usize, Vec<u32>>,
}

impl Pool {
    fn new(sources: Vec<Source>) -> Pool {
        let inputs: Vec<Input<'_>> = sources.par_iter().map(Source::input).collect();
        let sorted = Sorted::new(&inputs, true);
        Pool { sources, sorted }
    }

    /// `None` if too much is different.
    fn merge(&self, sources: &[Source]) -> Option<MergedStrings> {
        let known: HashMap<_, usize> =
            self.sources.iter().enumerate().map(|(at, source)| (source.key(), at)).collect();
        if known.len() != self.sources.len() {
            return None;
        }
        // Maps sources of the link to the pool and back.
        let in_pool: Vec<Option<usize>> =
            sources.iter().map(|source| known.get(&source.key()).copied()).collect();
        let mut in_link: Vec<Option<u32>> = vec![None; self.sources.len()];
        for (at, pooled) in in_pool.iter().enumerate() {
            if let Some(pooled) = *pooled {
                // An object that is linked twice is not worth it.
                if in_link[pooled].replace(at as u32).is_some() {
                    return None;
                }
            }
        }
        let gone = in_link.iter().filter(|place| place.is_none()).count();
        let new = in_pool.iter().filter(|place| place.is_none()).count();
        if !policy::is_pool_reusable(gone + new, sources.len()) {
            return None;
        }
        let inputs: Vec<Input<'_>> = sources.par_iter().map(Source::input).collect();
        let mut counts = self.sorted.counts();
        for (pooled, place) in in_link.iter().enumerate() {
            if place.is_none() {
                self.sorted.numbers_of(pooled).iter().for_each(|&number| counts[number as usize] -= 1);
            }
        }
        let added = self.add(&inputs, &in_pool, &mut counts);
        let moved = self.find_moved(&inputs, &in_link, &counts, &added);
        let mut merged = self.sorted.place(&inputs, &in_link, &counts, (&added.unique, &moved));
        let places = std::mem::take(&mut merged.offsets);
        merged.starts = starts_of(&inputs);
        let offsets: Vec<Vec<u32>> = (0..sources.len())
            .into_par_iter()
            .with_min_len(16)
            .map(|at| {
                let numbers = match in_pool[at] {
                    Some(pooled) => self.sorted.numbers_of(pooled),
                    None => &added.numbers[&at],
                };
                numbers.iter().map(|&number| places[number as usize]).collect()
            })
            .collect();
        merged.offsets = offsets.concat();
        Some(merged)
    }

    /// Looks up the strings of the sources that the pool does not know, and counts them.
    fn add(&self, inputs: &[Input<'_>], in_pool: &[Option<usize>], counts: &mut Vec<u32>) -> Added {
        let pooled: Vec<Input<'_>> = self.sources.par_iter().map(Source::input).collect();
        let mut added = Added::default();
        let mut by_text: HashMap<&[u8], u32> = HashMap::new();
        for (at, &contents) in inputs.iter().enumerate().filter(|(at, _)| in_pool[*at].is_none()) {
            let mut numbers = Vec::with_capacity(contents.0.len());
            for (position, piece) in contents.0.iter().enumerate() {
                let text = text(contents, position);
                let number = match self.sorted.find(piece.hash, text, &pooled) {
                    Some(number) => number,
                    None => *by_text.entry(text).or_insert_with(|| {
                        let number = counts.len() as u32;
                        counts.push(0);
                        let (key, len) = (key(text, 0), text.len() as u32);
                        let (input, start) = (at as u32, piece.start);
                        added.unique.push(Unique { key, input, start, len, number });
                        number
                    }),
                };
                counts[number as usize] += 1;
                numbers.push(number);
            }
            added.numbers.insert(at, numbers);
        }
        sort(&mut added.unique, inputs);
        added
    }

    /// Moves strings whose first source is gone to another source.
    fn find_moved(
        &self,
        inputs: &[Input<'_>],
        in_link: &[Option<u32>],
        counts: &[u32],
        added: &Added,
    ) -> HashMap<u32, Unique> {
        let mut moved = HashMap::new();
        if in_link.iter().all(Option::is_some) {
            return moved;
        }
        let lost =
            |unique: &&Unique| in_link[unique.input as usize].is_none() && counts[unique.number as usize] > 0;
        let mut lost: HashMap<u32, Unique> =
            self.sorted.order.iter().filter(lost).map(|unique| (unique.number, *unique)).collect();
        let mut find = |input: u32, numbers: &[u32], pieces: &[crate::object::StringPiece]| {
            for (number, piece) in numbers.iter().zip(pieces) {
                if let Some(unique) = lost.remove(number) {
                    moved.insert(*number, Unique { input, start: piece.start, ..unique });
                }
            }
        };
        for (pooled, place) in in_link.iter().enumerate() {
            if let Some(place) = *place {
                find(place, self.sorted.numbers_of(pooled), self.sources[pooled].input().0);
            }
        }
        for (&at, numbers) in &added.numbers {
            find(at as u32, numbers, inputs[at].0);
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Bytes;
    use crate::leb128::write_u64;
    use crate::merge_strings::merge;
    use crate::object::Interners;

    fn source(interners: &Interners, strings: &[u8]) -> Source {
        let mut bytes = crate::format::HEADER.to_vec();
        for (name, contents) in [(&b"linking"[..], &[2][..]), (b".debug_str", strings)] {
            let mut section = Vec::new();
            write_u64(&mut section, name.len() as u64);
            section.extend_from_slice(name);
            section.extend_from_slice(contents);
            bytes.push(0);
            write_u64(&mut bytes, section.len() as u64);
            bytes.extend_from_slice(&section);
        }
        let object = Object::parse(Bytes::from(bytes), interners).unwrap();
        let strings = object.strings();
        let section = (0..2).position(|section| strings.of_section(section).is_empty()).unwrap();
        Source { object: Arc::new(object), section: 1 - section as u32 }
    }

    /// Short strings over few letters: many are equal, and many are others' tails.
    fn strings(random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..random(40) {
            let long = if random(4) == 0 { &b"a long tail"[..] } else { b"" };
            out.extend((0..random(4)).map(|_| b'a' + random(3) as u8));
            out.extend_from_slice(long);
            out.push(0);
        }
        out.push(0);
        out
    }

    #[test]
    fn a_pool_gives_what_merging_anew_gives() {
        let mut state = 1u64;
        let mut random = move |below: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % below
        };
        let interners = Interners::default();
        let mut used = 0;
        for _ in 0..300 {
            let mut sources: Vec<Source> =
                (0..20).map(|_| source(&interners, &strings(&mut random))).collect();
            let pool = Pool::new(sources.clone());
            for _ in 0..random(4) {
                let position = random(sources.len());
                match random(3) {
                    0 => _ = sources.remove(position),
                    1 => sources.insert(position, source(&interners, &strings(&mut random))),
                    _ => sources[position] = source(&interners, &strings(&mut random)),
                }
            }
            let Some(found) = pool.merge(&sources) else { continue };
            used += 1;
            let inputs: Vec<Input<'_>> = sources.par_iter().map(Source::input).collect();
            let expected = merge(&inputs);
            let written = |merged: &MergedStrings| {
                let mut out = vec![0; merged.size as usize];
                merged.write(|input| inputs[input as usize].1, 0..merged.strings.len(), &mut out);
                out
            };
            assert_eq!(found.size, expected.size);
            assert_eq!(written(&found), written(&expected));
            assert_eq!((found.starts, found.offsets), (expected.starts, expected.offsets));
        }
        assert!(used > 200);
    }
}
