//! The reference, and what else the tests share.

use crate::folder::Folder;
use std::path::{Path, PathBuf};

/// The reference, in a folder in which it finds its linker.
pub struct Reference {
    pub program: PathBuf,
    names: Folder,
}

impl Reference {
    /// This program under the reference's name.
    pub fn new() -> Self {
        let this = std::env::current_exe().expect("this program");
        let names = Folder::new("component-names");
        let linker = find_program("wasm-ld-22").and_then(|path| path.canonicalize().ok());
        link(&names, linker.as_deref().unwrap_or(&this), "wasm-ld");
        Reference { program: link(&names, &this, "wasm-component-ld"), names }
    }

    /// The folder in which the reference finds `wasm-ld`.
    pub fn search_path(&self) -> &Path {
        &self.names.path
    }
}

/// Gives a program another name in a folder.
fn link(folder: &Folder, program: &Path, name: &str) -> PathBuf {
    let path = folder.path.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    #[cfg(unix)]
    std::os::unix::fs::symlink(program, &path).expect("linked");
    #[cfg(not(unix))]
    std::fs::copy(program, &path).expect("copied");
    path
}

/// The file of a program in `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
