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

/// Whether the id is computed from the output.
pub(super) fn reads_output(id: &BuildId) -> bool {
    matches!(id, BuildId::Fast | BuildId::Sha1)
}

/// The section's contents. An id that is computed from the output has blanks.
pub(super) fn contents(id: &BuildId) -> Vec<u8> {
    let id = match id {
        BuildId::Hex(bytes) => bytes.clone(),
        BuildId::Uuid => uuid(&random_bytes(), 4),
        other => vec![b' '; id_len(other).unwrap_or(0)],
    };
    let mut contents = Vec::new();
    crate::leb128::write_u64(&mut contents, id.len() as u64);
    contents.extend_from_slice(&id);
    contents
}

/// Computes the id from the output, if it is to be, and writes it over the blanks in the contents that start at `at`.
pub(super) fn complete(id: &BuildId, at: usize, output: &mut [u8]) {
    let bytes = match id {
        BuildId::None | BuildId::Hex(_) | BuildId::Uuid => return,
        BuildId::Fast => {
            let hash = tree_hash(output, |piece| xxh3_64(piece).to_le_bytes().to_vec());
            let digest = Sha1::new().chain_update(NAMESPACE).chain_update(hash).finalize();
            uuid(&digest[..16], 5)
        }
        BuildId::Sha1 => tree_hash(output, |piece| Sha1::digest(piece).to_vec()),
    };
    // The length takes one byte.
    output[at + 1..at + 1 + bytes.len()].copy_from_slice(&bytes);
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
