//! The file system as the command uses it. `wasm32-unknown-unknown` has none: there it is a table in memory, which an embedder fills
//! before a link and empties after it.

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use system::{exists, names_in, read, read_to_string};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use table::{exists, names_in, read, read_to_string, write};

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod system {
    use std::ffi::OsString;
    use std::io;
    use std::path::Path;

    /// Whether a file or folder exists.
    pub fn exists(path: &Path) -> bool {
        path.exists()
    }

    /// The bytes of a file.
    pub fn read(path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    /// The text of a file.
    pub fn read_to_string(path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }

    /// The names in a folder, in any order, at most `most` of them. Entries that cannot be read are left out.
    pub fn names_in(folder: &Path, most: usize) -> io::Result<Vec<OsString>> {
        Ok(std::fs::read_dir(folder)?.take(most).flatten().map(|entry| entry.file_name()).collect())
    }
}

/// Files in memory. Other systems have it for its tests.
#[cfg_attr(not(all(target_family = "wasm", target_os = "unknown")), allow(dead_code))]
pub mod table {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::ffi::OsString;
    use std::io::{self, ErrorKind};
    use std::path::{Component, Path, PathBuf};
    use wald::Bytes;

    struct File {
        bytes: Bytes,
        /// By the command, and not by the embedder.
        is_written: bool,
    }

    thread_local! {
        /// By path, without `.` and `..`.
        static FILES: RefCell<BTreeMap<PathBuf, File>> = const { RefCell::new(BTreeMap::new()) };
    }

    fn not_found() -> io::Error {
        io::Error::new(ErrorKind::NotFound, "No such file or directory")
    }

    /// The path as the table has it. The working directory is the root of relative paths.
    pub fn key(path: &Path) -> PathBuf {
        let mut key = PathBuf::new();
        for component in path.components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir => _ = key.pop(),
                other => key.push(other),
            }
        }
        key
    }

    /// Adds a file, or replaces it.
    pub fn insert(path: &Path, bytes: Bytes) {
        FILES.with_borrow_mut(|files| files.insert(key(path), File { bytes, is_written: false }));
    }

    /// Writes an output.
    pub fn write(path: &Path, bytes: Bytes) {
        FILES.with_borrow_mut(|files| files.insert(key(path), File { bytes, is_written: true }));
    }

    /// Empties the table, and returns what was written, by path.
    pub fn take() -> Vec<(PathBuf, Bytes)> {
        let files = FILES.take().into_iter().filter(|(_, file)| file.is_written);
        files.map(|(path, file)| (path, file.bytes)).collect()
    }

    /// A file, or the error of a folder.
    pub fn read(path: &Path) -> io::Result<Bytes> {
        let path = key(path);
        FILES.with_borrow(|files| match files.get(&path) {
            Some(file) => Ok(file.bytes.clone()),
            None if has_below(files, &path) => Err(io::Error::new(ErrorKind::IsADirectory, "Is a directory")),
            None => Err(not_found()),
        })
    }

    /// Whether a path or one below it is in the table.
    fn has_below(files: &BTreeMap<PathBuf, File>, path: &Path) -> bool {
        files.range(path.to_path_buf()..).next().is_some_and(|(file, _)| file.starts_with(path))
    }

    /// The text of a file.
    pub fn read_to_string(path: &Path) -> io::Result<String> {
        let text = String::from_utf8(read(path)?.to_vec());
        text.map_err(|_| io::Error::new(ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
    }

    /// Whether there is a file, or one below this folder.
    pub fn exists(path: &Path) -> bool {
        let path = key(path);
        FILES.with_borrow(|files| has_below(files, &path))
    }

    /// The names in a folder, in order and each once, at most `most` of them.
    pub fn names_in(folder: &Path, most: usize) -> io::Result<Vec<OsString>> {
        let folder = key(folder);
        let mut names: Vec<OsString> = FILES.with_borrow(|files| {
            let below = files.range(folder.clone()..).map_while(|(file, _)| file.strip_prefix(&folder).ok());
            below.filter_map(|rest| rest.iter().next()).map(OsString::from).collect()
        });
        names.sort_unstable();
        names.dedup();
        names.truncate(most);
        match names.is_empty() {
            true => Err(not_found()),
            false => Ok(names),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn paths_are_found_as_files_and_as_folders() {
            for name in ["a.o", "lib/libx.a", "lib/sub/liby.a", "lib.o"] {
                insert(Path::new(name), Bytes::from(name.as_bytes().to_vec()));
            }
            write(Path::new("./out/../out.wasm"), Bytes::from(vec![1]));
            let kind = |path: &str| read(Path::new(path)).map_err(|error| error.kind());
            assert_eq!(read(Path::new("./lib//libx.a")).unwrap().as_ref(), b"lib/libx.a");
            assert_eq!(kind("lib").map(|_| ()), Err(ErrorKind::IsADirectory));
            assert_eq!(kind("li").map(|_| ()), Err(ErrorKind::NotFound));
            assert!(exists(Path::new("lib/sub")) && !exists(Path::new("lib/libx")));
            assert_eq!(names_in(Path::new("lib"), 9).unwrap(), ["libx.a", "sub"]);
            assert_eq!(names_in(Path::new("."), 2).unwrap(), ["a.o", "lib"]);
            assert!(names_in(Path::new("nowhere"), 9).is_err());
            let written: Vec<PathBuf> = take().into_iter().map(|(path, _)| path).collect();
            assert_eq!(written, [Path::new("out.wasm")]);
            assert!(!exists(Path::new("a.o")));
        }
    }
}
