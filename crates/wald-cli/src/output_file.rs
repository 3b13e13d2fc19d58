//! Writing outputs: all of one or nothing.
//!
//! Every output, the module and each report, is first [staged](stage): written to a temporary file. When all are staged, each
//! takes its name in one rename. Until then older ones stay as they were. What is not a regular file (`/dev/null`, a
//! pipe) is written to directly, when it is staged.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::standard_streams;
use crate::target::{resolve, Target};
use crate::temporary::Temporary;
use wald::Sink;

/// An output that is written but does not have its name yet. Dropping it leaves everything as it was.
pub struct Staged(Option<Temporary>);

impl Staged {
    /// Gives it its name.
    pub fn commit(self) -> io::Result<()> {
        self.0.map_or(Ok(()), Temporary::commit)
    }
}

/// An output that is written bit by bit and gets its name when it is complete. Its name is a path, also `-`.
pub enum Draft {
    /// Will replace a regular file.
    New(Temporary),
    /// A device, a pipe: it is written to as it is.
    Direct(File),
}

impl Draft {
    /// Begins it.
    pub fn open(path: &str) -> io::Result<Draft> {
        let path = if path == "-" { "./-" } else { path };
        Ok(match resolve(path)? {
            Target::StandardOutput => Draft::Direct(standard_streams::descriptor(1)?),
            Target::Descriptor(number) => Draft::Direct(standard_streams::descriptor(number)?),
            Target::Special(path) => Draft::Direct(open_special(&path)?),
            Target::Regular(path) => Draft::New(Temporary::create(&path)?),
        })
    }

    /// Gives it its name.
    pub fn commit(self) -> io::Result<()> {
        match self {
            Draft::New(temporary) => temporary.commit(),
            Draft::Direct(_) => Ok(()),
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Draft::New(temporary) => temporary.write(bytes),
            Draft::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open_special(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).truncate(true).open(path)
}

/// Whether the file can be written, found out before the link: its directory must take a new file.
pub fn check_writable(path: &str) -> io::Result<()> {
    if path.is_empty() {
        return Ok(());
    }
    if let Target::Regular(path) = resolve(path)? {
        drop(Temporary::create(&path)?);
    }
    Ok(())
}

/// Writes an output for [`Staged::commit`]; `-` is standard output.
///
/// One plain write, because that is the fastest (ext4, 200 MB: 45 ms; two threads with pwrite take as long).
pub fn stage(path: &str, bytes: &[u8], stdout: &mut dyn Write) -> io::Result<Staged> {
    match resolve(path)? {
        Target::StandardOutput => stdout.write_all(bytes).and_then(|()| stdout.flush())?,
        Target::Descriptor(number) => standard_streams::descriptor(number)?.write_all(bytes)?,
        Target::Special(path) => open_special(&path)?.write_all(bytes)?,
        Target::Regular(path) => {
            let mut temporary = Temporary::create(&path)?;
            temporary.write_all(bytes)?;
            return Ok(Staged(Some(temporary)));
        }
    }
    Ok(Staged(None))
}

/// Writes an output at once.
pub fn write(path: &str, bytes: &[u8], stdout: &mut dyn Write) -> io::Result<()> {
    stage(path, bytes, stdout)?.commit()
}

/// Where a module is made before it is written: memory.
///
/// Building it in the mapped file would save a copy. But the blocks of a mapped file are allocated before its data are
/// written, so after a power failure it could be all zeros. Waiting for the data takes longer than the copy (ext4, 5 MB: 6 ms
/// instead of 1.7 ms).
pub struct Place {
    output: String,
    keep_mapped: bool,
    memory: Vec<u8>,
}

impl Place {
    /// A place for the module that goes to `output`. With `keep_mapped`, the process ends soon.
    pub fn new(output: &str, keep_mapped: bool) -> Self {
        Place { output: output.to_string(), keep_mapped, memory: Vec::new() }
    }

    /// Makes room for `size` bytes, with its memory pages touched. Room that was made before is kept.
    pub fn prepare(&mut self, size: usize) {
        if self.memory.is_empty() && self.memory.try_reserve_exact(size).is_ok() {
            self.memory.resize(size, 1);
        }
    }

    /// How large the module is.
    pub fn size(&self) -> usize {
        self.memory.len()
    }

    /// Stages the module.
    pub fn stage(self, stdout: &mut dyn Write) -> io::Result<Staged> {
        let staged = stage(&self.output, &self.memory, stdout);
        if self.keep_mapped {
            std::mem::forget(self.memory);
        }
        staged
    }
}

impl Sink for Place {
    fn place(&mut self, size: usize) -> Option<&mut [u8]> {
        self.memory.place(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_replace_older_ones_and_nothing_is_left_beside() {
        let directory = std::env::temp_dir().join(format!("wald-output-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("out.wasm");
        let text = path.to_str().unwrap();
        let size = 200_000;
        for module in [vec![1; 10], vec![2; size], vec![3; size], vec![4; 10]] {
            write(text, &module, &mut Vec::new()).unwrap();
            assert!(std::fs::read(&path).unwrap() == module);
        }
        check_writable(text).unwrap();
        // Until it is committed nothing has happened.
        drop(stage(text, b"new", &mut Vec::new()).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), vec![4; 10]);
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_place_that_was_prepared_becomes_the_output() {
        let directory = std::env::temp_dir().join(format!("wald-place-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("out.wasm");
        // It fits, it just fits, it does not, nothing was prepared.
        let size = 200_000;
        for room in [size + 5000, size, size - 1, 0] {
            for module in [vec![room as u8; size], vec![7; size / 100]] {
                let mut place = Place::new(path.to_str().unwrap(), false);
                place.prepare(room);
                place.prepare(room + 1);
                place.place(module.len()).unwrap().copy_from_slice(&module);
                assert_eq!(place.size(), module.len());
                place.stage(&mut Vec::new()).unwrap().commit().unwrap();
                assert!(std::fs::read(&path).unwrap() == module);
            }
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_dash_is_standard_output() {
        let mut stdout = Vec::new();
        write("-", b"module", &mut stdout).unwrap();
        assert_eq!(stdout, b"module");
    }
}
