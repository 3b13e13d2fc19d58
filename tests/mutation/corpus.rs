//! What is mutated: the kept inputs of all cases, grouped as the cases link them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wald::{Bytes, FileProvider};
use wald_tests::case::{self, Case};

/// Everything there is to mutate.
pub struct Corpus {
    /// Inputs that are linked together.
    pub groups: Vec<Group>,
}

/// The inputs of one link.
pub struct Group {
    /// The case's name.
    pub case: String,
    /// In the order of the command line.
    pub inputs: Vec<Input>,
    files: Arc<BTreeMap<String, Bytes>>,
}

/// One of them.
pub struct Input {
    /// As the command line has it.
    pub path: String,
    /// What it holds.
    pub bytes: Bytes,
    /// Between `--start-lib` and `--end-lib`.
    pub lazy: bool,
    /// Behind `--whole-archive`.
    pub whole_archive: bool,
}

/// The case's files, for thin archives.
pub struct Files(Arc<BTreeMap<String, Bytes>>);

impl FileProvider for Files {
    fn read(&self, path: &std::path::Path) -> io::Result<Bytes> {
        self.0.get(&*path.to_string_lossy()).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Group {
    /// The case's files, for thin archives.
    pub fn files(&self) -> Files {
        Files(Arc::clone(&self.files))
    }
}

impl Corpus {
    /// Reads the cases and their kept inputs.
    pub fn read() -> Result<Corpus, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let cases = root.join("cases");
        let mut groups = Vec::new();
        for path in case::find(&cases) {
            let case = Case::read(&cases, &path)?;
            let inputs = root.join("kept").join(&case.name).join("in");
            let mut files = BTreeMap::new();
            for file in wald_tests::build::files_below(&inputs) {
                let full: PathBuf = inputs.join(&file);
                let bytes = std::fs::read(&full).map_err(|e| format!("{}: {e}", full.display()))?;
                files.insert(file.to_string_lossy().replace('\\', "/"), Bytes::from(bytes));
            }
            let files = Arc::new(files);
            let mut known: Vec<Vec<String>> = Vec::new();
            for link in &case.links {
                let inputs = inputs_of(link, &files);
                let paths = inputs.iter().map(|input| input.path.clone()).collect();
                if !inputs.is_empty() && !known.contains(&paths) {
                    known.push(paths);
                    groups.push(Group { case: case.name.clone(), inputs, files: Arc::clone(&files) });
                }
            }
        }
        match groups.is_empty() {
            true => Err("there are no cases with kept inputs".into()),
            false => Ok(Corpus { groups }),
        }
    }
}

/// The objects and archives that a command line names.
fn inputs_of(link: &[String], files: &BTreeMap<String, Bytes>) -> Vec<Input> {
    let (mut lazy, mut whole_archive) = (false, false);
    let mut inputs = Vec::new();
    for argument in link {
        match argument.as_str() {
            "--start-lib" => lazy = true,
            "--end-lib" => lazy = false,
            "--whole-archive" => whole_archive = true,
            "--no-whole-archive" => whole_archive = false,
            path => {
                let bytes =
                    files.get(path).filter(|bytes| bytes.starts_with(b"\0asm") || bytes.starts_with(b"!<"));
                if let Some(bytes) = bytes {
                    inputs.push(Input { path: path.into(), bytes: bytes.clone(), lazy, whole_archive });
                }
            }
        }
    }
    inputs
}
