//! What a kept linker keeps of the thin modules' code, so that only modules are compiled again that changed.
//!
//! LLVM knows best what an object depends on, so its own cache decides: while the tool runs, its cache is a folder in the workspace.
//! In between, the files are in memory. Nothing has to be tidied up when the process ends, however it ends.

use super::workspace::Workspace;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io;

/// What the names of LLVM's files begin with. Others are incomplete.
const COMPLETE: &str = "llvmcache-";

/// Objects by their names in the cache.
#[derive(Default)]
pub struct KeptObjects(HashMap<OsString, Kept>);

struct Kept {
    object: Vec<u8>,
    /// Whether the generation that is going on has used it.
    is_used: bool,
}

impl KeptObjects {
    /// Makes the folder of the cache, with all that is kept.
    pub fn restore(&self, workspace: &Workspace) -> io::Result<()> {
        let folder = workspace.cache();
        fs::create_dir(&folder)?;
        self.0.iter().try_for_each(|(name, kept)| fs::write(folder.join(name), &kept.object))
    }

    /// Keeps the objects that the tool wrote or used.
    pub fn keep(&mut self, workspace: &Workspace) -> io::Result<()> {
        let outputs = workspace.outputs()?;
        let outputs: HashSet<Vec<u8>> =
            outputs.into_iter().map(|(_, path)| fs::read(path)).collect::<io::Result<_>>()?;
        for entry in fs::read_dir(workspace.cache())? {
            let entry = entry?;
            let name = entry.file_name();
            if !name.to_string_lossy().starts_with(COMPLETE) {
                continue;
            }
            let object = fs::read(entry.path())?;
            if outputs.contains(&object) {
                self.0.insert(name, Kept { object, is_used: true });
            }
        }
        Ok(())
    }

    /// Drops what this generation has not used.
    pub fn end_generation(&mut self) {
        self.0.retain(|_, kept| std::mem::take(&mut kept.is_used));
    }

    /// Drops everything.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}
