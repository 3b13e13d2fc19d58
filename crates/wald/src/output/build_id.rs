//! The build id: a hash of the file as it is with blanks in the id's place.
//! See <https://github.com/WebAssembly/tool-conventions/blob/main/BuildId.md>.

use rayon::prelude::*;
use sha1::{Digest, Sha1};
use xxhash_rust::xxh3::xxh3_64;

use crate::options::BuildId;

/// The file is hashed in pieces of this size, then the hashes are.
const PIECE: usize = 1024 * 1024;
/// Name space of the UUIDs that LLVM's linkers make of a fast hash.
const NAMESPACE: [u8; 16] =
    [0xa1, 0xfa, 0x48, 0x2d, 0x0e, 0x22, 0x03, 0x8d, 0x33, 0x8b, 0x52, 0x1c, 0xd6, 0xd2, 0x12, 0xb2];

fn id_len(id: &BuildId) -> Option<usize> {
    match id {
        BuildId::None => None,
        BuildId::Fast | BuildId::Uuid => Some(16),
        BuildId::Sha1 => Some(20),
        BuildId::Hex(bytes) => Some(bytes.len()),
    }
}

/// Size of the section's contents: a length and the id.
pub(super) fn size(id: &BuildId) -> Option<u64> {
    id_len(id).map(|len| (crate::leb128::size_u64(len as u64) + len) as u64)
}

/// Computes the id and writes it at `at`.
pub(super) fn write(id: &BuildId, at: usize, buffer: &mut [u8]) {
    let Some(len) = id_len(id) else { return };
    let mut prefix = Vec::new();
    crate::leb128::write_u64(&mut prefix, len as u64);
    buffer[at..at + prefix.len()].copy_from_slice(&prefix);
    buffer[at + prefix.len()..at + prefix.len() + len].fill(b' ');
    let bytes = match id {
        BuildId::None => return,
        BuildId::Hex(bytes) => bytes.clone(),
        BuildId::Fast => {
            let hash = tree_hash(buffer, |piece| xxh3_64(piece).to_le_bytes().to_vec());
            let digest = Sha1::new().chain_update(NAMESPACE).chain_update(hash).finalize();
            uuid(&digest[..16], 5)
        }
        BuildId::Sha1 => tree_hash(buffer, |piece| Sha1::digest(piece).to_vec()),
        BuildId::Uuid => uuid(&random_bytes(), 4),
    };
    buffer[at + prefix.len()..at + prefix.len() + len].copy_from_slice(&bytes);
}

fn tree_hash(buffer: &[u8], hash: impl Fn(&[u8]) -> Vec<u8> + Sync) -> Vec<u8> {
    let pieces: Vec<Vec<u8>> = buffer.par_chunks(PIECE).map(&hash).collect();
    hash(&pieces.concat())
}

fn uuid(bytes: &[u8], version: u8) -> Vec<u8> {
    let mut id = bytes.to_vec();
    id[6] = id[6] & 0x0f | version << 4;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

/// Sixteen bytes that differ from link to link: the standard library seeds its hash tables with randomness of
/// the operating system's.
fn random_bytes() -> Vec<u8> {
    use std::hash::{BuildHasher, Hasher};
    let half = || std::collections::hash_map::RandomState::new().build_hasher().finish().to_le_bytes();
    // An engine without a system has no clock, and no randomness either.
    let has_clock = !cfg!(all(target_family = "wasm", target_os = "unknown"));
    let time = has_clock.then(|| std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH));
    let time = time.and_then(Result::ok).map_or(0, |time| time.as_nanos() as u64);
    let seed = [half(), half(), time.to_le_bytes()].concat();
    Sha1::digest(seed)[..16].to_vec()
}
