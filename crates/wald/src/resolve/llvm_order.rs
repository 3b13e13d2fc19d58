//! The iteration order of LLVM's hash tables.
//!
//! In a few places, wasm-ld's result depends on the order in which it iterates over a hash table: which archive member is
//! linked first, or the order of custom sections. To write the same bytes, Wald sorts the keys into that order. Only
//! orders are computed here; nothing is looked up in these tables.

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

/// Order of iteration of an `llvm::DenseMap` keyed by strings.
///
/// The table has 64 buckets at first and doubles when an insertion would take three quarters of them; the
/// hash is the low half of LLVM's own (`hash_bytes`).
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
        place(&mut buckets, items, hash_bytes(key) as u32);
    }
    buckets.into_iter().flatten().map(|(position, _)| position).collect()
}

const SEED: u64 = 0xff51_afd7_ed55_8ccd;
const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;
const K3: u64 = 0xc949_d7c7_509e_6557;

/// LLVM's hash of a byte string: CityHash64 with a fixed seed.
fn hash_bytes(bytes: &[u8]) -> u64 {
    let len = bytes.len() as u64;
    match bytes.len() {
        0 => K2 ^ SEED,
        1..=3 => {
            let (first, middle, last) = (bytes[0], bytes[bytes.len() / 2], bytes[bytes.len() - 1]);
            let y = u64::from(first) + (u64::from(middle) << 8);
            let z = len + (u64::from(last) << 2);
            fold(y.wrapping_mul(K2) ^ z.wrapping_mul(K3) ^ SEED).wrapping_mul(K2)
        }
        4..=8 => mix_two(len + (word32(bytes, 0) << 3), SEED ^ word32(bytes, bytes.len() - 4)),
        9..=16 => {
            let (a, b) = (word(bytes, 0), word(bytes, bytes.len() - 8));
            mix_two(SEED ^ a, b.wrapping_add(len).rotate_right(len as u32)) ^ b
        }
        17..=32 => hash_17_to_32(bytes),
        33..=64 => hash_33_to_64(bytes),
        _ => hash_long(bytes),
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

fn word32(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 4].iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

fn fold(value: u64) -> u64 {
    value ^ value >> 47
}

fn mix_two(low: u64, high: u64) -> u64 {
    const MULTIPLIER: u64 = 0x9ddf_ea08_eb38_2d69;
    let a = fold((low ^ high).wrapping_mul(MULTIPLIER));
    fold((high ^ a).wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER)
}

fn hash_17_to_32(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    let a = word(bytes, 0).wrapping_mul(K1);
    let b = word(bytes, 8);
    let c = word(bytes, len - 8).wrapping_mul(K2);
    let d = word(bytes, len - 16).wrapping_mul(K0);
    let low = a.wrapping_sub(b).rotate_right(43).wrapping_add((c ^ SEED).rotate_right(30)).wrapping_add(d);
    let high = a.wrapping_add((b ^ K3).rotate_right(20)).wrapping_sub(c);
    mix_two(low, high.wrapping_add(len as u64).wrapping_add(SEED))
}

/// One half of the hash of 33 to 64 bytes: from four words and a start value.
fn half(start: u64, last: u64, words: [u64; 2]) -> (u64, u64) {
    let mut a = start;
    let b = a.wrapping_add(last).rotate_right(52);
    let mut c = a.rotate_right(37);
    a = a.wrapping_add(words[0]);
    c = c.wrapping_add(a.rotate_right(7));
    a = a.wrapping_add(words[1]);
    (a.wrapping_add(last), b.wrapping_add(a.rotate_right(31)).wrapping_add(c))
}

fn hash_33_to_64(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    let start =
        (len as u64).wrapping_add(word(bytes, len - 16)).wrapping_mul(K0).wrapping_add(word(bytes, 0));
    let (vf, vs) = half(start, word(bytes, 24), [word(bytes, 8), word(bytes, 16)]);
    let start = word(bytes, 16).wrapping_add(word(bytes, len - 32));
    let (wf, ws) = half(start, word(bytes, len - 8), [word(bytes, len - 24), word(bytes, len - 16)]);
    let r = fold(vf.wrapping_add(ws).wrapping_mul(K2).wrapping_add(wf.wrapping_add(vs).wrapping_mul(K0)));
    fold((SEED ^ r.wrapping_mul(K0)).wrapping_add(vs)).wrapping_mul(K2)
}

/// More than 64 bytes: blocks of 64 stir a state; the last block overlaps.
fn hash_long(bytes: &[u8]) -> u64 {
    let mut h =
        [0, SEED, mix_two(SEED, K1), (SEED ^ K1).rotate_right(49), SEED.wrapping_mul(K1), fold(SEED), 0];
    h[6] = mix_two(h[4], h[5]);
    for block in bytes.chunks_exact(64) {
        stir(&mut h, block);
    }
    if bytes.len() % 64 != 0 {
        stir(&mut h, &bytes[bytes.len() - 64..]);
    }
    let low = mix_two(h[3], h[5]).wrapping_add(fold(h[1]).wrapping_mul(K1)).wrapping_add(h[2]);
    let len = fold(bytes.len() as u64).wrapping_mul(K1);
    mix_two(low, mix_two(h[4], h[6]).wrapping_add(len).wrapping_add(h[0]))
}

fn stir(h: &mut [u64; 7], block: &[u8]) {
    let sum = |values: &[u64]| values.iter().fold(0u64, |sum, value| sum.wrapping_add(*value));
    h[0] = sum(&[h[0], h[1], h[3], word(block, 8)]).rotate_right(37).wrapping_mul(K1);
    h[1] = sum(&[h[1], h[4], word(block, 48)]).rotate_right(42).wrapping_mul(K1);
    h[0] ^= h[6];
    h[1] = sum(&[h[1], h[3], word(block, 40)]);
    h[2] = h[2].wrapping_add(h[5]).rotate_right(33).wrapping_mul(K1);
    (h[3], h[4]) = stir_half(block, h[4].wrapping_mul(K1), h[0].wrapping_add(h[5]));
    (h[5], h[6]) = stir_half(&block[32..], h[2].wrapping_add(h[6]), h[1].wrapping_add(word(block, 16)));
    h.swap(0, 2);
}

fn stir_half(half: &[u8], a: u64, b: u64) -> (u64, u64) {
    let first = a.wrapping_add(word(half, 0));
    let last = word(half, 24);
    let b = b.wrapping_add(first).wrapping_add(last).rotate_right(21);
    let middle = first.wrapping_add(word(half, 8)).wrapping_add(word(half, 16));
    (middle.wrapping_add(last), b.wrapping_add(middle.rotate_right(44)).wrapping_add(first))
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
