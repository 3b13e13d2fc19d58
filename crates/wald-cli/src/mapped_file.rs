//! Files as bytes: small ones are read, others are mapped.
//!
//! The only unsafe code of the command is here. Mapped bytes are the page cache's own: no copy, no private memory. For a
//! very small file a read is cheaper than a mapping and its page fault.

#![allow(unsafe_code)]

use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use wald::bytes::Bytes;

/// From this size on a file is mapped.
const MAP_FROM: u64 = 16 * 1024;

/// The bytes of a file, which is opened once. With `keep`, a mapping stays until the process ends; with `ahead`, all its
/// pages are mapped at once and not when they are needed.
pub fn read(path: &Path, keep: bool, ahead: bool) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.len() >= MAP_FROM {
        if let Some(map) = map(&file, metadata.len()) {
            #[cfg(target_os = "linux")]
            if ahead {
                // Only a hint: older systems do not know it.
                let _ = map.advise(memmap2::Advice::PopulateRead);
            }
            if keep {
                // It stays until the process ends, which removes ten thousand mappings in one go for a fraction of what
                // removing them one by one costs.
                let map: &'static Mmap = Box::leak(Box::new(map));
                return Ok(Bytes::from(&map[..]));
            }
            return Ok(Bytes::from_owner(map));
        }
    }
    if metadata.is_dir() {
        return Err(is_a_directory());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0).saturating_add(1));
    file.read_to_end(&mut bytes)?;
    Ok(if keep { Bytes::from(&*bytes.leak()) } else { Bytes::from(bytes) })
}

/// The bytes of a file that may change while they are in use: they are copied.
pub fn copy(path: &Path) -> io::Result<Bytes> {
    if std::fs::metadata(path)?.is_dir() {
        return Err(is_a_directory());
    }
    Ok(Bytes::from(std::fs::read(path)?))
}

/// `None` where the system gives no more mappings (Linux: 65,530 a process): such a file is read.
fn map(file: &File, length: u64) -> Option<Mmap> {
    let length = usize::try_from(length).ok()?;
    // SAFETY: the mapping is private and read-only. What remains is that another process shortens or changes the file
    // while we link. That would be a mistake in the build (an input that is still being written); every linker that maps
    // its inputs, wasm-ld among them, lives with it. The library checks all that it reads against the bytes' bounds.
    unsafe { MmapOptions::new().len(length).map(file).ok() }
}

/// The error that reading a directory gives.
pub fn is_a_directory() -> io::Error {
    io::Error::from_raw_os_error(if cfg!(unix) { 21 } else { 5 })
}
