//! Finds the files of `-l`.
//!
//! A link may name hundreds of libraries and folders. Looking for each library in each folder costs a system call per pair. So a
//! folder that often lacked the library is listed once, and the list answers later lookups.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

use wald::diagnostics::{Code, Diagnostic};

use crate::files;
use crate::missing_file;

/// The number of failed lookups after which a folder is listed.
const PATIENCE: u32 = 8;

/// Folders with more entries than this are not listed.
const LARGE: usize = 20_000;

/// The folders of `-L`, and what is known about them.
pub struct LibrarySearch<'a> {
    folders: &'a [String],
    /// By the folder's position.
    known: Vec<Folder>,
    /// Libraries by name and whether shared ones were looked for.
    found: HashMap<(String, bool), Option<String>>,
}

#[derive(Default)]
struct Folder {
    misses: u32,
    entries: Option<HashSet<OsString>>,
    cannot_be_listed: bool,
}

impl<'a> LibrarySearch<'a> {
    /// A search in these folders, in this order.
    pub fn new(folders: &'a [String]) -> Self {
        let known = folders.iter().map(|_| Folder::default()).collect();
        LibrarySearch { folders, known, found: HashMap::new() }
    }

    /// The file of `-l name`: `libname.a` (or `.so`, after `-Bdynamic`) or, for `-l:name`, `name` itself, in the
    /// first folder that has it.
    pub fn find(&mut self, name: &str, is_dynamic: bool) -> Option<String> {
        if let Some(found) = self.found.get(&(name.to_string(), is_dynamic)) {
            return found.clone();
        }
        let found = self.search(name, is_dynamic);
        self.found.insert((name.to_string(), is_dynamic), found.clone());
        found
    }

    /// The error that a library was not found.
    pub fn not_found(&self, name: &str) -> Diagnostic {
        let (note, help) = missing_file::library_help(name, self.folders);
        let error = Diagnostic::error(Code::MissingLibrary, format!("unable to find library -l{name}"))
            .with_note(note);
        match help {
            Some(help) => error.with_help(help),
            None => error,
        }
    }

    fn search(&mut self, name: &str, is_dynamic: bool) -> Option<String> {
        let candidates = match name.strip_prefix(':') {
            Some(file) => vec![file.to_string()],
            None if is_dynamic => vec![format!("lib{name}.so"), format!("lib{name}.a")],
            None => vec![format!("lib{name}.a")],
        };
        for (path, folder) in self.folders.iter().zip(&mut self.known) {
            if let Some(found) = candidates.iter().find_map(|file| folder.find(path, file)) {
                return Some(found);
            }
        }
        None
    }
}

impl Folder {
    /// The path of a file in this folder, if it exists.
    fn find(&mut self, folder: &str, file: &str) -> Option<String> {
        if self.lacks(folder, file) {
            return None;
        }
        let separator = if folder.is_empty() || folder.ends_with('/') { "" } else { "/" };
        let path = format!("{folder}{separator}{file}");
        if files::exists(&crate::text::to_path(&path)) {
            return Some(path);
        }
        self.misses += 1;
        None
    }

    /// Whether the folder is listed without this file.
    fn lacks(&mut self, folder: &str, file: &str) -> bool {
        // On other systems, file names may differ in case.
        if !cfg!(target_os = "linux") || file.contains('/') || self.misses < PATIENCE || self.cannot_be_listed
        {
            return false;
        }
        if self.entries.is_none() {
            self.entries = list(&crate::text::to_path(if folder.is_empty() { "." } else { folder }));
            self.cannot_be_listed = self.entries.is_none();
        }
        let file = crate::text::to_path(file);
        self.entries.as_ref().is_some_and(|entries| !entries.contains(file.as_os_str()))
    }
}

/// The names in a folder. A folder that does not exist has none; `None` if it cannot be listed, or is too large.
fn list(folder: &Path) -> Option<HashSet<OsString>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Some(HashSet::new()),
        Err(_) => return None,
    };
    let mut names = HashSet::new();
    for entry in entries {
        if names.len() == LARGE {
            return None;
        }
        names.insert(entry.ok()?.file_name());
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_folder_that_has_the_library_wins_listed_or_not() {
        let directory = std::env::temp_dir().join(format!("wald-search-{}", std::process::id()));
        let path = |name: &str| directory.join(name).to_str().unwrap().to_string();
        for (folder, file) in [("a", "libx.a"), ("b", "libx.so"), ("b", "libx.a"), ("b", "n")] {
            std::fs::create_dir_all(path(folder)).unwrap();
            std::fs::write(path(&format!("{folder}/{file}")), "").unwrap();
        }
        let folders = [path("missing"), path("a"), path("b") + "/"];
        let mut search = LibrarySearch::new(&folders);
        for _ in 0..2 {
            assert_eq!(search.find("x", false), Some(path("a/libx.a")));
            assert_eq!(search.find("x", true), Some(path("a/libx.a")));
            assert_eq!(search.find(":libx.so", false), Some(path("b/libx.so")));
            assert_eq!(search.find(":../a/libx.a", false), Some(path("a/../a/libx.a")));
            // Now all folders are listed, and all results are known.
            (0..20).for_each(|number| assert_eq!(search.find(&format!("none{number}"), true), None));
            assert_eq!(search.find(":n", true), Some(path("b/n")));
            if cfg!(target_os = "linux") {
                assert!(search.known.iter().all(|folder| folder.entries.is_some()));
            }
            search.found.clear();
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
