//! Files as bytes: small ones are read, others are mapped.
//!
//! Mapped bytes are the page cache's own: no copy, no private memory. For a very small file a read is cheaper than a mapping and
//! its page fault.

#![allow(unsafe_code, reason = "maps files")]

use crate::identity::Identity;
use crate::truncated_input::{self, Registered};
use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use wald::Bytes;

/// From this size on a file is mapped.
const MAP_FROM: u64 = 16 * 1024;

/// What reading a file gave.
pub struct Contents {
    /// The bytes.
    pub bytes: Bytes,
    /// What the file was known by when it was opened.
    pub identity: Identity,
    /// It did not change while it was read.
    pub is_steady: bool,
    /// It is mapped: a change of the file changes the bytes.
    pub is_mapped: bool,
}

/// A mapping and what tells of its truncation.
struct Mapped {
    map: Mmap,
    _registered: Registered,
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.map
    }
}

/// The contents of a file, which is opened once. With `keep`, a mapping stays until the process ends; with `ahead`, all its
/// pages are mapped at once and not when they are needed.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
#[cfg_attr(not(target_os = "linux"), allow(unused_variables))]
pub fn read(path: &Path, keep: bool, ahead: bool) -> io::Result<Contents> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.len() >= MAP_FROM {
        if let Some(map) = map(&file, metadata.len()) {
            #[cfg(target_os = "linux")]
            if ahead {
                // Only a hint: older systems do not know it.
                let _ = map.advise(memmap2::Advice::PopulateRead);
            }
            let _registered = truncated_input::register(map.as_ptr(), map.len(), path);
            let mapped = Mapped { map, _registered };
            let bytes = if keep {
                // It stays until the process ends, which removes ten thousand mappings in one go for a fraction of what
                // removing them one by one costs.
                let mapped: &'static Mapped = Box::leak(Box::new(mapped));
                Bytes::from(&mapped.map[..])
            } else {
                Bytes::from_owner(mapped)
            };
            return Ok(Contents {
                bytes,
                identity: Identity::from(&metadata),
                is_steady: true,
                is_mapped: true,
            });
        }
    }
    let (bytes, identity, is_steady) = read_to_end(file, &metadata)?;
    let bytes = if keep { Bytes::from(&*bytes.leak()) } else { Bytes::from(bytes) };
    Ok(Contents { bytes, identity, is_steady, is_mapped: false })
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
/// The contents of a file in memory.
pub fn read(path: &Path, _: bool, _: bool) -> io::Result<Contents> {
    let bytes = crate::files::read(path)?;
    Ok(Contents { identity: Identity::from(&bytes), bytes, is_steady: true, is_mapped: false })
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
/// The contents of a file in memory.
pub fn copy(path: &Path) -> io::Result<Contents> {
    read(path, false, false)
}

/// The contents of a file that may change while they are in use: they are copied.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub fn copy(path: &Path) -> io::Result<Contents> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let (bytes, identity, is_steady) = read_to_end(file, &metadata)?;
    Ok(Contents { bytes: Bytes::from(bytes), identity, is_steady, is_mapped: false })
}

fn read_to_end(mut file: File, metadata: &std::fs::Metadata) -> io::Result<(Vec<u8>, Identity, bool)> {
    if metadata.is_dir() {
        return Err(is_a_directory());
    }
    let identity = Identity::from(metadata);
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0).saturating_add(1));
    file.read_to_end(&mut bytes)?;
    // What is read from a pipe or a device is what it is.
    let is_steady = !metadata.is_file() || Identity::of_file(&file)? == identity;
    Ok((bytes, identity, is_steady))
}

/// `None` if the system allows no more mappings (on Linux 65,530 per process). The caller then reads the file.
fn map(file: &File, length: u64) -> Option<Mmap> {
    let length = usize::try_from(length).ok()?;
    // SAFETY: the mapping is private and read-only. What remains is that another process shortens or changes the file
    // while we link. If it is shortened, `truncated_input` ends the process with a message. If it is changed, the library
    // checks all that it reads against the bytes' bounds, and the file's other identity is found before the output is
    // written.
    unsafe { MmapOptions::new().len(length).map(file).ok() }
}

/// The error that reading a directory gives.
pub fn is_a_directory() -> io::Error {
    io::Error::from_raw_os_error(if cfg!(unix) { 21 } else { 5 })
}
