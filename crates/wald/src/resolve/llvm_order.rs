//! The order in which LLVM's hash tables are iterated.
//!
//! In a few places wasm-ld walks a hash table and what it does depends on the order: which archive member is
//! extracted first, in which order custom sections stand. To write the same bytes, Wald puts the keys into the
//! order that such a table would give them. Only orders are computed here; nothing is looked up in these
//! tables.

use xxhash_rust::xxh3::xxh3_64;

/// Order of iteration of an `llvm::StringMap` into which `keys` (all different) were inserted one by one: a
/// permutation of their positions.
///
/// The table has 16 buckets at first and doubles when more than three quarters are taken; probing is
/// quadratic, the hash is the low half of XXH3.
pub fn string_map_order<'a>(keys: impl IntoIterator<Item = &'a [u8]>) -> Vec<usize> {
    let mut table = StringMap::new();
    for (position, key) in keys.into_iter().enumerate() {
        table.insert(position, xxh3_64(key) as u32);
    }
    table.buckets.into_iter().flatten().map(|(position, _)| position).collect()
}

struct StringMap {
    buckets: Vec<Option<(usize, u32)>>,
    items: usize,
}

impl StringMap {
    fn new() -> Self {
        StringMap { buckets: vec![None; 16], items: 0 }
    }

    fn insert(&mut self, position: usize, hash: u32) {
        place(&mut self.buckets, position, hash);
        self.items += 1;
        if self.items * 4 > self.buckets.len() * 3 {
            let mut grown = vec![None; self.buckets.len() * 2];
            for (position, hash) in self.buckets.iter().flatten() {
                place(&mut grown, *position, *hash);
            }
            self.buckets = grown;
        }
    }
}

fn place(buckets: &mut [Option<(usize, u32)>], position: usize, hash: u32) {
    let mask = buckets.len() - 1;
    let mut bucket = hash as usize & mask;
    let mut step = 1;
    while buckets[bucket].is_some() {
        bucket = (bucket + step) & mask;
        step += 1;
    }
    buckets[bucket] = Some((position, hash));
}

/// Order of iteration of an `llvm::DenseMap` keyed by strings with a cached hash.
///
/// The table has 64 buckets at first and doubles when an insertion would take three quarters of them.
pub fn dense_map_order<'a>(keys: impl IntoIterator<Item = &'a [u8]>) -> Vec<usize> {
    let mut buckets: Vec<Option<(usize, u32)>> = vec![None; 64];
    for (items, key) in keys.into_iter().enumerate() {
        if (items + 1) * 4 >= buckets.len() * 3 {
            let mut grown = vec![None; buckets.len() * 2];
            for (position, hash) in buckets.iter().flatten() {
                place(&mut grown, *position, *hash);
            }
            buckets = grown;
        }
        place(&mut buckets, items, xxh3_64(key) as u32);
    }
    buckets.into_iter().flatten().map(|(position, _)| position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_permutations() {
        let keys: Vec<String> = (0..500).map(|i| format!("key{i}")).collect();
        for order in [
            string_map_order(keys.iter().map(|k| k.as_bytes())),
            dense_map_order(keys.iter().map(|k| k.as_bytes())),
        ] {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..500).collect::<Vec<_>>());
            assert_ne!(order, sorted);
        }
    }
}
