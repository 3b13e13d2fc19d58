//! What `--await-inputs` knows of a file that it waits for.

use crate::identity::Identity;
use crate::inputs::Taken;
use crate::observer::FileId;
use crate::sight::Sight;

/// What is known about one file.
#[derive(Default)]
pub struct AwaitedFile {
    /// What reading it gave. `None` while it is missing or being read.
    pub taken: Option<Taken>,
    /// It may be read when it is complete: without a descriptor all files, else those that were named.
    pub is_named: bool,
    /// It was read once.
    pub is_known: bool,
    /// It was named and may be read at once.
    pub is_due: bool,
    /// It was named again while it was being read.
    pub is_named_again: bool,
    /// What was read because of it, as the observer knows it: the list of names beside an archive, members of a thin one.
    pub others: Vec<Other>,
    /// What it was known by when `others` were.
    pub identity: Option<Identity>,
}

impl AwaitedFile {
    /// What was seen when it was read.
    pub fn sights(&self) -> &[Sight] {
        self.taken.as_ref().map_or(&[], |taken| &taken.sights)
    }
}

/// A file that an input refers to.
pub struct Other {
    /// The file.
    pub file: FileId,
    /// It may be missing.
    pub is_optional: bool,
}
