//! Keeps merged strings for a link with nearly the same inputs: the next link of a kept linker, or one that waits for the last
//! inputs. Only new strings are looked up and sorted in. Strings without users are removed.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use rayon::prelude::*;

use super::policy;
use crate::cancel::CancelToken;
use crate::merge_strings::{
    key, merge, sort, starts_of, text, Finished, Input, MergedStrings, Sorted, Unique,
};
use crate::object::{Object, StringPiece};

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

    /// Merges them for a link that will have more, unless `stop` is cancelled meanwhile.
    pub fn prepare(&self, name: &[u8], sources: Vec<Source>, stop: &CancelToken) {
        if self.get(name).is_some_and(|pool| pool.is_near(&sources)) {
            return;
        }
        let inputs: Vec<Input<'_>> = sources.par_iter().map(Source::input).collect();
        let Some(sorted) = Sorted::until(&inputs, stop) else { return };
        let finished = Some(Finished::new(&sorted));
        self.put(name, Arc::new(Pool { sources, sorted, finished }));
    }
}

/// Strings of sources that are kept.
struct Pool {
    sources: Vec<Source>,
    sorted: Sorted,
    /// Their result, if it was made before the link.
    finished: Option<Finished>,
}

/// Sources of a link and of a pool.
struct Pairing {
    /// For each source of the link which of the pool's it is.
    in_pool: Vec<Option<usize>>,
    /// The same the other way round.
    in_link: Vec<Option<u32>>,
    /// How many sources only one of them has.
    different: usize,
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
        Pool { sources, sorted, finished: None }
    }

    /// Whether a pool of these sources would not differ enough to be worth making.
    fn is_near(&self, sources: &[Source]) -> bool {
        self.pair(sources).is_some_and(|pairing| policy::is_pool_near(pairing.different, sources.len()))
    }

    /// `None` if an object is linked twice, which is not worth it.
    fn pair(&self, sources: &[Source]) -> Option<Pairing> {
        let known: HashMap<_, usize> =
            self.sources.iter().enumerate().map(|(at, source)| (source.key(), at)).collect();
        if known.len() != self.sources.len() {
            return None;
        }
        let in_pool: Vec<Option<usize>> =
            sources.iter().map(|source| known.get(&source.key()).copied()).collect();
        let mut in_link: Vec<Option<u32>> = vec![None; self.sources.len()];
        for (at, pooled) in in_pool.iter().enumerate() {
            if let Some(pooled) = *pooled {
                if in_link[pooled].replace(at as u32).is_some() {
                    return None;
                }
            }
        }
        let gone = in_link.iter().filter(|place| place.is_none()).count();
        let new = in_pool.iter().filter(|place| place.is_none()).count();
        Some(Pairing { in_pool, in_link, different: gone + new })
    }

    /// `None` if too much is different.
    fn merge(&self, sources: &[Source]) -> Option<MergedStrings> {
        let Pairing { in_pool, in_link, different } = self.pair(sources)?;
        if !policy::is_pool_reusable(different, sources.len()) {
            return None;
        }
        let inputs: Vec<Input<'_>> = sources.par_iter().map(Source::input).collect();
        let added = self.add(&inputs, &in_pool);
        let is_all_there = in_link.iter().copied().collect::<Option<Vec<u32>>>();
        if let (Some(finished), Some(in_link)) = (&self.finished, is_all_there) {
            return Some(self.extend(finished, (&inputs, &in_pool, &in_link), &added));
        }
        let mut counts = self.sorted.counts();
        counts.resize(counts.len() + added.unique.len(), 0);
        for &number in added.numbers.values().flatten() {
            counts[number as usize] += 1;
        }
        for (pooled, place) in in_link.iter().enumerate() {
            if place.is_none() {
                self.sorted.numbers_of(pooled).iter().for_each(|&number| counts[number as usize] -= 1);
            }
        }
        let moved = self.find_moved(&inputs, &in_link, &counts, &added);
        let mut merged = self.sorted.place(&inputs, &in_link, &counts, (&added.unique, &moved));
        let places = std::mem::take(&mut merged.offsets);
        merged.starts = starts_of(&inputs);
        merged.offsets = fill(&merged.starts, |at, offsets| {
            let numbers = match in_pool[at] {
                Some(pooled) => self.sorted.numbers_of(pooled),
                None => &added.numbers[&at],
            };
            offsets.iter_mut().zip(numbers).for_each(|(offset, &number)| *offset = places[number as usize]);
        });
        Some(merged)
    }

    /// The result with more sources.
    fn extend(
        &self,
        finished: &Finished,
        (inputs, in_pool, in_link): (&[Input<'_>], &[Option<usize>], &[u32]),
        added: &Added,
    ) -> MergedStrings {
        let extended = finished.extend(&self.sorted, (inputs, in_link), &added.unique);
        let mut new = vec![0; added.unique.len()];
        for (string, &offset) in added.unique.iter().zip(&extended.added) {
            new[string.number as usize - self.sorted.numbers()] = offset;
        }
        let starts = starts_of(inputs);
        let offsets = fill(&starts, |at, offsets| match in_pool[at] {
            Some(pooled) => {
                let old = finished.offsets_of(pooled);
                offsets.iter_mut().zip(old).for_each(|(offset, &old)| *offset = extended.offset(old));
            }
            None => {
                for (offset, &number) in offsets.iter_mut().zip(&added.numbers[&at]) {
                    *offset = match (number as usize).checked_sub(self.sorted.numbers()) {
                        Some(position) => new[position],
                        None => extended.offset(finished.place(number)),
                    };
                }
            }
        });
        MergedStrings { starts, offsets, ..extended.merged }
    }

    /// Looks up the strings of the sources that the pool does not know.
    fn add(&self, inputs: &[Input<'_>], in_pool: &[Option<usize>]) -> Added {
        let pooled: Vec<Input<'_>> = self.sources.par_iter().map(Source::input).collect();
        let new: Vec<usize> = (0..inputs.len()).filter(|&at| in_pool[at].is_none()).collect();
        let find = |&at: &usize| -> Vec<Option<u32>> {
            let pieces = inputs[at].0.iter().enumerate();
            let find = |(position, piece): (usize, &StringPiece)| {
                self.sorted.find(piece.hash, text(inputs[at], position), &pooled)
            };
            pieces.map(find).collect()
        };
        let found: Vec<Vec<Option<u32>>> = new.par_iter().map(find).collect();
        let mut added = Added::default();
        let mut by_text: HashMap<&[u8], u32> = HashMap::new();
        let first = self.sorted.numbers() as u32;
        for (&at, found) in new.iter().zip(&found) {
            let number_of = |(position, found): (usize, &Option<u32>)| {
                found.unwrap_or_else(|| {
                    let text = text(inputs[at], position);
                    *by_text.entry(text).or_insert_with(|| {
                        let number = first + added.unique.len() as u32;
                        let (key, len) = (key(text, 0), text.len() as u32);
                        let (input, start) = (at as u32, inputs[at].0[position].start);
                        added.unique.push(Unique { key, input, start, len, number });
                        number
                    })
                })
            };
            let numbers = found.iter().enumerate().map(number_of).collect();
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
        let mut find = |input: u32, numbers: &[u32], pieces: &[StringPiece]| {
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

/// The offsets of all inputs' strings: `write` fills in those of an input.
fn fill(starts: &[u32], write: impl Fn(usize, &mut [u32]) + Sync) -> Vec<u32> {
    let mut offsets = vec![0; starts.last().map_or(0, |&end| end as usize)];
    let mut rest = &mut offsets[..];
    let mut parts = Vec::with_capacity(starts.len());
    for range in starts.windows(2) {
        let (part, more) = std::mem::take(&mut rest).split_at_mut((range[1] - range[0]) as usize);
        parts.push(part);
        rest = more;
    }
    parts.into_par_iter().with_min_len(16).enumerate().for_each(|(at, part)| write(at, part));
    offsets
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
        for _ in 0..1000 {
            let mut sources: Vec<Source> =
                (0..20).map(|_| source(&interners, &strings(&mut random))).collect();
            let mut pool = Pool::new(sources.clone());
            let only_more = random(2) == 0;
            if random(4) > 0 {
                pool.finished = Some(Finished::new(&pool.sorted));
            }
            for _ in 0..random(6) {
                let position = random(sources.len() + 1);
                match if only_more || position == sources.len() { 1 } else { random(3) } {
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
        assert!(used > 700);
    }

    #[test]
    fn a_preparation_that_is_cancelled_changes_nothing() {
        let interners = Interners::default();
        let sources: Vec<Source> = (0..9u8).map(|at| source(&interners, &[b'a' + at, 0])).collect();
        let (pools, stop) = (Pools::default(), CancelToken::new());
        pools.prepare(b".debug_str", sources[..4].to_vec(), &stop);
        let before = pools.get(b".debug_str").unwrap();
        stop.cancel();
        pools.prepare(b".debug_str", sources.clone(), &stop);
        assert!(Arc::ptr_eq(&before, &pools.get(b".debug_str").unwrap()));
        pools.prepare(b".debug_str", sources, &CancelToken::new());
        assert_eq!(pools.get(b".debug_str").unwrap().sources.len(), 9);
    }
}
