//! The interner: byte strings to small ids, from any thread.
//!
//! Parse tasks intern symbol names and signatures while inputs still arrive; every later phase compares and
//! indexes by id and never hashes a name again. Ids depend on the order of arrival, so nothing that reaches
//! the output may depend on their values.

use std::sync::{Mutex, MutexGuard};

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

const SHARD_BITS: u32 = 6;
const SHARDS: usize = 1 << SHARD_BITS;
const BLOCK: usize = 32 * 1024;

/// Interns byte strings. The id of a string is its position in its shard times the number of shards plus the
/// shard's number, so ids are nearly dense and tables may be indexed by them.
pub struct Interner {
    shards: Vec<Mutex<Shard>>,
}

#[derive(Default)]
struct Shard {
    /// Hashes and positions in `entries`.
    table: HashTable<(u32, u32)>,
    entries: Vec<Entry>,
    /// Blocks of text; a block never grows past its capacity, so no text is copied twice.
    blocks: Vec<Vec<u8>>,
}

#[derive(Clone, Copy)]
struct Entry {
    block: u32,
    start: u32,
    len: u32,
}

/// The hash for a table: it takes its groups from the low bits and tells entries apart by the top ones.
pub(crate) fn spread(hash: u32) -> u64 {
    u64::from(hash) | u64::from(hash) << 32
}

/// The shard of a string. Its table uses the low half of the hash.
fn shard_of(hash: u64) -> usize {
    (hash >> 48) as usize & (SHARDS - 1)
}

impl Shard {
    fn text(&self, entry: Entry) -> &[u8] {
        &self.blocks[entry.block as usize][entry.start as usize..(entry.start + entry.len) as usize]
    }

    #[inline]
    fn find(&self, text: &[u8], hash: u32) -> Option<u32> {
        let is_same = |&(other, position): &(u32, u32)| {
            other == hash && self.text(self.entries[position as usize]) == text
        };
        self.table.find(spread(hash), is_same).map(|&(_, position)| position)
    }

    fn intern(&mut self, text: &[u8], hash: u64) -> u32 {
        let hash = hash as u32;
        if let Some(position) = self.find(text, hash) {
            return position;
        }
        let Shard { table, entries, blocks } = self;
        if blocks.last().is_none_or(|block| block.capacity() - block.len() < text.len()) {
            blocks.push(Vec::with_capacity(text.len().max(BLOCK)));
        }
        let block = blocks.len() - 1;
        let start = blocks[block].len() as u32;
        blocks[block].extend_from_slice(text);
        let position = entries.len() as u32;
        entries.push(Entry { block: block as u32, start, len: text.len() as u32 });
        table.insert_unique(spread(hash), (hash, position), |&(hash, _)| spread(hash));
        position
    }
}

impl Default for Interner {
    fn default() -> Self {
        Interner { shards: (0..SHARDS).map(|_| Mutex::new(Shard::default())).collect() }
    }
}

impl Interner {
    fn lock(&self, shard: usize) -> MutexGuard<'_, Shard> {
        // A panic while a shard is locked cannot leave it half changed in a way that matters: entries are
        // pushed before they become reachable.
        self.shards[shard].lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The id of `text`, the same for the same text on every thread.
    pub fn intern(&self, text: &[u8]) -> u32 {
        let hash = xxh3_64(text);
        let shard = shard_of(hash);
        let position = self.lock(shard).intern(text, hash);
        position << SHARD_BITS | shard as u32
    }

    /// The ids of many strings, in order. Strings of one shard are looked up one after another, so that their cache misses overlap.
    pub fn intern_all<'t>(&self, texts: impl ExactSizeIterator<Item = &'t [u8]>) -> Vec<u32> {
        let texts: Vec<(&[u8], u64)> = texts.map(|text| (text, xxh3_64(text))).collect();
        let mut ends = [0u32; SHARDS];
        texts.iter().for_each(|&(_, hash)| ends[shard_of(hash)] += 1);
        let mut end = 0;
        for count in &mut ends {
            end += *count;
            *count = end - *count;
        }
        // From here on each is the end of what was sorted so far.
        let mut sorted = vec![0u32; texts.len()];
        for (position, &(_, hash)) in texts.iter().enumerate() {
            let end = &mut ends[shard_of(hash)];
            sorted[*end as usize] = position as u32;
            *end += 1;
        }
        let mut ids = vec![0; texts.len()];
        for of_shard in
            sorted.chunk_by(|&a, &b| shard_of(texts[a as usize].1) == shard_of(texts[b as usize].1))
        {
            let shard = shard_of(texts[of_shard[0] as usize].1);
            let mut guard = self.lock(shard);
            for &position in of_shard {
                let (text, hash) = texts[position as usize];
                ids[position as usize] = guard.intern(text, hash) << SHARD_BITS | shard as u32;
            }
        }
        ids
    }

    /// The id of `text`, if it was interned before.
    pub fn find(&self, text: &[u8]) -> Option<u32> {
        let hash = xxh3_64(text);
        let shard = shard_of(hash);
        let guard = self.lock(shard);
        let found = guard.find(text, hash as u32);
        found.map(|position| position << SHARD_BITS | shard as u32)
    }

    /// About how many bytes of memory the strings take.
    pub fn size(&self) -> usize {
        let of_shard = |shard: usize| {
            let shard = self.lock(shard);
            let text: usize = shard.blocks.iter().map(Vec::len).sum();
            text + shard.entries.len() * (std::mem::size_of::<Entry>() + std::mem::size_of::<(u32, u32)>())
        };
        (0..SHARDS).map(of_shard).sum()
    }

    /// Calls `f` with the text of `id`.
    pub fn with<R>(&self, id: u32, f: impl FnOnce(&[u8]) -> R) -> R {
        let guard = self.lock(id as usize & (SHARDS - 1));
        f(guard.text(guard.entries[(id >> SHARD_BITS) as usize]))
    }

    /// A view on all texts known by now, which takes no lock for each. Interning waits until it is dropped.
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot { shards: (0..SHARDS).map(|shard| self.lock(shard)).collect() }
    }
}

/// See [`Interner::snapshot`].
pub struct Snapshot<'a> {
    shards: Vec<MutexGuard<'a, Shard>>,
}

impl Snapshot<'_> {
    /// The text of `id`.
    #[inline]
    pub fn text(&self, id: u32) -> &[u8] {
        let shard = &self.shards[id as usize & (SHARDS - 1)];
        shard.text(shard.entries[(id >> SHARD_BITS) as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_text_same_id() {
        let interner = Interner::default();
        let ids: Vec<u32> =
            (0..10_000).map(|i| interner.intern(format!("name{}", i % 5_000).as_bytes())).collect();
        assert_eq!(ids[..5_000], ids[5_000..]);
        assert_eq!(interner.find(b"name7"), Some(ids[7]));
        assert_eq!(interner.find(b"name7000"), None);
        let texts: Vec<String> = (0..7_000).map(|i| format!("name{}", i * 3 % 7_000)).collect();
        let all = interner.intern_all(texts.iter().map(|text| text.as_bytes()));
        for (text, &id) in texts.iter().zip(&all) {
            assert_eq!(interner.find(text.as_bytes()), Some(id));
        }
        assert_eq!(interner.intern_all([].into_iter()), []);
        let snapshot = interner.snapshot();
        for (i, &id) in ids.iter().take(5_000).enumerate() {
            assert_eq!(snapshot.text(id), format!("name{i}").as_bytes());
        }
    }
}
