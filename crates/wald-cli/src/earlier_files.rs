//! `--await-inputs`: which of the files count that were there before the link started.
//!
//! The compiler may be about to replace an object that an earlier build left. Nothing about the object says so, and nothing
//! about the build's processes: with one job, or above a limit of load, the compiler starts long after the linker. So such a file counts
//! only if it was written after this process started, if it is newer than the file of `--await-newer`, or if no build writes it.

use crate::identity::Identity;
use crate::inputs::Inputs;
use crate::observer::{FileId, Observer};
use crate::open_files;
use crate::text::to_path;
use std::path::Path;
use std::time::SystemTime;

/// The files that were there when the link started.
pub struct EarlierFiles {
    /// What they were known by; `None` for files that were not there, and those that count all the same.
    known: Vec<Option<Identity>>,
}

impl EarlierFiles {
    /// No file was there.
    pub fn none(inputs: &Inputs) -> Self {
        EarlierFiles { known: vec![None; inputs.file_count()] }
    }

    /// Looks which files are there. The observer has them first, in order. Files that are newer than `newer_than` count, and
    /// those that were written after `start` although nobody looked yet.
    pub fn new(
        inputs: &Inputs,
        observer: &mut Observer,
        newer_than: Option<&Identity>,
        start: Option<SystemTime>,
        threads: usize,
    ) -> Self {
        let files: Vec<FileId> = (0..inputs.file_count()).collect();
        observer.look_at(&files, threads);
        let known = files.into_iter().map(|file| {
            let path = to_path(inputs.path(file));
            let is_late = |identity: &Identity| start.is_some_and(|start| identity.was_changed_since(start));
            let is_new = |identity: &Identity| {
                newer_than.is_some_and(|than| identity.is_newer_than(than))
                    || (is_late(identity) && open_files::is_local(&path))
            };
            let counts = inputs.is_library(file) || observer.is_special(file) || is_of_compiler(&path);
            observer
                .identity(file)
                .filter(|identity| !counts && !is_new(identity) && open_files::may_be_written(&path))
        });
        EarlierFiles { known: known.collect() }
    }

    /// Whether the file counts when it is complete, as of the last look.
    pub fn counts(&self, file: FileId, observer: &Observer) -> bool {
        self.known[file].is_none_or(|known| {
            let is_same = observer.identity(file).is_some_and(|identity| identity.has_data_of(&known));
            !is_same || observer.is_heard_to_be_written(file)
        })
    }
}

/// Whether a file is one that compilers come with. They are often in a folder that the user can write to.
fn is_of_compiler(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    (name.starts_with("crt") && name.ends_with(".o"))
        || (name.starts_with("libclang_rt.") && name.ends_with(".a"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_compilers() {
        for path in ["/usr/lib/wasm32-wasi/crt1.o", "crt1-command.o", "x/libclang_rt.builtins-wasm32.a"] {
            assert!(is_of_compiler(Path::new(path)), "{path}");
        }
        for path in ["main.o", "crt1", "crt/main.o", "libclang.a", "crtx.a"] {
            assert!(!is_of_compiler(Path::new(path)), "{path}");
        }
    }
}
