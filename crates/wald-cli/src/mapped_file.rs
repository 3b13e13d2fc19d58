//! Files as bytes: small ones are read, others are mapped.
//!
//! Mapped bytes are the page cache's own: no copy, no private memory. For a very small file a read is cheaper than a mapping and
//! its page fault.

#![allow(unsafe_code)]

use crate::identity::Identity;
use crate::truncated_input::{self, Registered};
use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use wald::bytes::Bytes;

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

/// The contents of a file that may change while they are in use: they are copied.
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

/// `None` where the system gives no more mappings (Linux: 65,530 a process): such a file is read.
fn map(file: &File, length: u64) -> Option<Mmap> {
    let length = usize::try_from(length).ok()?;
    // SAFETY: the mapping is private and read-only. What remains is that another process shortens or changes the file
    // while we link. If it is shortened, `truncated_input` ends the process with a message. If it is changed, the library
    // checks all that it reads against the bytes' bounds, and the file's other identity is found before the output is
    // written.
    unsafe { MmapOptions::new().len(length).map(file).ok() }
}

/// A file without a name yet, mapped for writing. It goes away unless it gets a name.
#[cfg(target_os = "linux")]
pub struct NewFile {
    file: File,
    /// As long as the file was at first.
    map: memmap2::MmapMut,
    room: usize,
}

#[cfg(target_os = "linux")]
impl NewFile {
    /// A file of `size` bytes in `directory`, whose pages are there already. `None` where the file system knows no files
    /// without a name, or has no room.
    pub fn create(directory: &Path, size: usize) -> Option<NewFile> {
        use std::os::fd::AsRawFd;
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::OpenOptions::new();
        // The permissions are those of an executable, less what the umask takes.
        options.read(true).write(true).custom_flags(libc::O_TMPFILE).mode(0o777);
        let file = options.open(directory).ok()?;
        let length = libc::off_t::try_from(size).ok()?;
        // With blocks of its own: where a full disk would be noticed while the mapping is written, the process would end.
        // SAFETY: the descriptor is open.
        if unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) } != 0 {
            return None;
        }
        // SAFETY: nobody else has the file: it has no name.
        let map = unsafe { MmapOptions::new().len(size).map_mut(&file) }.ok()?;
        // Only a hint: older systems do not know it.
        let _ = map.advise(memmap2::Advice::PopulateWrite);
        Some(NewFile { file, map, room: size })
    }

    /// How many bytes there is room for.
    pub fn room(&self) -> usize {
        self.room
    }

    /// Gives back what is behind `size` bytes: at the end, that would take longer.
    pub fn shrink(&mut self, size: usize) {
        // Where it fails, the file is as it was.
        if size < self.room && self.file.set_len(size as u64).is_ok() {
            self.room = size;
        }
    }

    /// The bytes to write.
    pub fn bytes(&mut self) -> &mut [u8] {
        // What the mapping has behind them has no file any more.
        &mut self.map[..self.room]
    }

    /// Gives the first `size` bytes the name `path`, which must be free.
    pub fn name(&self, size: usize, path: &Path) -> io::Result<File> {
        use std::os::fd::AsRawFd;
        use std::os::unix::ffi::OsStrExt;
        self.file.set_len(size as u64)?;
        let old = std::ffi::CString::new(format!("/proc/self/fd/{}", self.file.as_raw_fd()))?;
        let new = std::ffi::CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: both are texts with a NUL at their end.
        let linked = unsafe {
            libc::linkat(libc::AT_FDCWD, old.as_ptr(), libc::AT_FDCWD, new.as_ptr(), libc::AT_SYMLINK_FOLLOW)
        };
        match linked {
            0 => self.file.try_clone(),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Elsewhere there are no such files.
#[cfg(not(target_os = "linux"))]
pub enum NewFile {}

#[cfg(not(target_os = "linux"))]
impl NewFile {
    /// None.
    pub fn create(_: &Path, _: usize) -> Option<NewFile> {
        None
    }

    /// None.
    pub fn room(&self) -> usize {
        match *self {}
    }

    /// None.
    pub fn shrink(&mut self, _: usize) {
        match *self {}
    }

    /// None.
    pub fn bytes(&mut self) -> &mut [u8] {
        match *self {}
    }

    /// None.
    pub fn name(&self, _: usize, _: &Path) -> io::Result<File> {
        match *self {}
    }
}

/// The error that reading a directory gives.
pub fn is_a_directory() -> io::Error {
    io::Error::from_raw_os_error(if cfg!(unix) { 21 } else { 5 })
}
