//! What was seen of a file when it was read, so that it can be compared with the file later.

use crate::identity::Identity;
use crate::mapped_file::Contents;
use std::time::Instant;

/// A file as it was when it was read.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The file.
    pub path: String,
    /// What was read; `None` if the file did not exist.
    pub identity: Option<Identity>,
    /// It did not change while it was read.
    pub is_steady: bool,
    /// A change of the file changes the bytes that were read.
    pub is_mapped: bool,
    /// When reading began.
    pub started: Instant,
    /// It may be missing: the list of names beside an archive.
    pub is_optional: bool,
    /// What was read, if it is a copy.
    pub bytes: Option<wald::Bytes>,
}

/// Reads a file and notes what was seen.
pub fn see(
    path: &str,
    is_optional: bool,
    sights: &mut Vec<Sight>,
    read: impl FnOnce() -> std::io::Result<Contents>,
) -> std::io::Result<wald::Bytes> {
    let started = Instant::now();
    let contents = read();
    let (identity, is_steady, is_mapped) = contents.as_ref().map_or((None, true, false), |contents| {
        (Some(contents.identity), contents.is_steady, contents.is_mapped)
    });
    let bytes = contents.as_ref().ok().filter(|contents| !contents.is_mapped);
    let bytes = bytes.map(|contents| contents.bytes.clone());
    sights.push(Sight {
        path: path.to_string(),
        identity,
        is_steady,
        is_mapped,
        started,
        is_optional,
        bytes,
    });
    contents.map(|contents| contents.bytes)
}
