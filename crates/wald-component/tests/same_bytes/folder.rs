//! Folders for tests, with the objects.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A new folder for one test, removed when it is dropped.
pub struct Folder {
    pub path: PathBuf,
}

impl Folder {
    /// An empty one.
    pub fn new(name: &str) -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wald-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a scratch folder");
        Folder { path }
    }

    /// One with the objects and WIT files of the tests.
    pub fn with_objects(name: &str) -> Folder {
        let folder = Folder::new(name);
        let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/objects");
        for entry in std::fs::read_dir(objects).expect("the objects are there") {
            let entry = entry.expect("a file");
            std::fs::copy(entry.path(), folder.path.join(entry.file_name())).expect("copied");
        }
        folder
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }

    /// The names of what is in it.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.path).expect("the folder is there");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
