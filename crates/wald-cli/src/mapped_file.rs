//! Files as bytes: small ones are read, large ones are mapped.
//!
//! The only unsafe code of the command is here. For a small file two system calls and a copy are cheaper than a mapping
//! and its page faults.

#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use wald::Bytes;

/// From this size on a file is mapped.
const MAP_FROM: u64 = 64 * 1024;

/// The bytes of a file, which is opened once.
pub fn read(path: &Path) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.len() >= MAP_FROM {
        // SAFETY: the mapping is private and read-only. What remains is that another process shortens or changes the
        // file while we link. That would be a mistake in the build (an input that is still being written); every
        // linker that maps its inputs, wasm-ld among them, lives with it. The library bounds-checks all it reads.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        return Ok(Bytes::from_owner(map));
    }
    if metadata.is_dir() {
        return Err(io::Error::from_raw_os_error(if cfg!(unix) { 21 } else { 5 }));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    file.read_to_end(&mut bytes)?;
    Ok(Bytes::from(bytes))
}
