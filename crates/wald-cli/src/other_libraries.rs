//! The libraries in the folders of `-L`: to say which one defines an undefined symbol.

use crate::files;
use crate::mapped_file;
use crate::text::{from_path, to_path};
use std::collections::HashSet;
use std::ffi::OsString;
use wald::{LibraryProvider, OtherLibrary};

/// So many libraries are looked at. A build folder can have more, but one that is searched for system libraries has not.
const MOST: usize = 1000;

/// The folders of `-L`, which are listed only when the library asks.
pub struct OtherLibraries {
    /// In the order of the search.
    pub folders: Vec<String>,
    /// Whether files are copied because they may change while they are in use.
    pub copies: bool,
}

impl LibraryProvider for OtherLibraries {
    fn libraries(&self) -> Vec<OtherLibrary> {
        let mut seen = HashSet::new();
        let mut libraries = Vec::new();
        for folder in &self.folders {
            for file in archives(folder) {
                if libraries.len() == MOST {
                    return libraries;
                }
                // The first folder that has a library wins.
                if seen.insert(file.clone()) {
                    libraries.extend(self.open(folder, &file));
                }
            }
        }
        libraries
    }
}

impl OtherLibraries {
    fn open(&self, folder: &str, file: &OsString) -> Option<OtherLibrary> {
        let file = from_path(file.as_ref());
        let name = file.strip_prefix("lib")?.strip_suffix(".a")?;
        // As a search for `-l` spells it.
        let separator = if folder.is_empty() || folder.ends_with('/') { "" } else { "/" };
        let path = to_path(&format!("{folder}{separator}{file}")).into_owned();
        let contents = match self.copies {
            true => mapped_file::copy(&path),
            false => mapped_file::read(&path, false, false),
        };
        let mut library = OtherLibrary::new(format!("-l{name}"), path, contents.ok()?.bytes);
        library.folder = folder.into();
        Some(library)
    }
}

/// The names of a folder's static libraries, sorted. A folder that cannot be listed has none.
fn archives(folder: &str) -> Vec<OsString> {
    let folder = if folder.is_empty() { "." } else { folder };
    let names = files::names_in(&to_path(folder), usize::MAX).unwrap_or_default();
    let is_library = |name: &OsString| {
        let name = name.as_encoded_bytes();
        name.starts_with(b"lib") && name.ends_with(b".a")
    };
    let mut names: Vec<OsString> = names.into_iter().filter(is_library).collect();
    names.sort_unstable();
    names
}
