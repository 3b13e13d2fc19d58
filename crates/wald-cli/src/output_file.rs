//! Writing outputs: all of one or nothing.
//!
//! Every output, the module and each report, is first [staged](stage): written to a temporary file. When all are staged, each
//! takes its name in one rename. Until then older ones stay as they were. What is not a regular file (`/dev/null`, a
//! pipe) is written to directly, when it is staged.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::output_ahead::OutputAhead;
use crate::post_link::Transform;
use crate::standard_streams;
use crate::target::{resolve, Target};
use crate::temporary::Temporary;
use wald::diagnostics::Diagnostic;
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

/// Whether the file can be written, found out before the link: its directory must take a new file. If it is a regular file, the
/// result is that new file.
pub fn check_writable(path: &str) -> io::Result<Option<Temporary>> {
    if path.is_empty() {
        return Ok(None);
    }
    match resolve(path)? {
        Target::Regular(path) => Temporary::create(&path).map(Some),
        _ => Ok(None),
    }
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

/// Where the module goes: a temporary file that takes its parts, or memory if the output is not a regular file or is made of the module.
///
/// Parts are plain writes. Making the module in the mapped file would save a copy. But the blocks of a mapped file are allocated before
/// its data are written, so after a power failure it could be all zeros. Waiting for the data takes longer than the copy (ext4, 5 MB:
/// 6 ms instead of 1.7 ms).
pub struct Place {
    output: String,
    keep_mapped: bool,
    /// The module is not what is written.
    in_memory: bool,
    memory: Vec<u8>,
    /// A file that nothing was written to yet.
    new_file: Option<Temporary>,
    /// The file that takes the parts.
    file: Option<Temporary>,
    /// The first write that failed. What is written after it is lost, too, and does not matter.
    failure: Mutex<Option<io::Error>>,
}

impl Place {
    /// A place for the module that goes to `output`. With `keep_mapped`, the process ends soon.
    pub fn new(output: &str, keep_mapped: bool) -> Self {
        let (output, memory, failure) = (output.to_string(), Vec::new(), Mutex::default());
        Place { output, keep_mapped, in_memory: false, memory, new_file: None, file: None, failure }
    }

    /// A place for the module of which `transform` makes the output.
    pub fn before(transform: Option<&Transform>, output: &str, keep_mapped: bool) -> Self {
        Place { in_memory: transform.is_some(), ..Place::new(output, keep_mapped) }
    }

    /// A place for the next module of the same output.
    pub fn another(&self) -> Self {
        Place { in_memory: self.in_memory, ..Place::new(&self.output, self.keep_mapped) }
    }

    /// Makes the output of the module.
    pub fn transform(&mut self, transform: &Transform) -> Result<(), Box<Diagnostic>> {
        self.memory = transform(std::mem::take(&mut self.memory))?;
        Ok(())
    }

    /// A place for a module that nobody has asked for yet. `None` if the output is not a regular file, or if another file beside it would
    /// have a name meanwhile.
    pub fn ahead(output: &str) -> Option<Self> {
        let Ok(Target::Regular(path)) = resolve(output) else { return None };
        let mut place = Place::new(output, false);
        place.set_new_file(Some(Temporary::create_nameless(&path)?));
        Some(place)
    }

    /// A file that can be made before the module, if the module is what is written.
    pub fn before_module(&self) -> Option<OutputAhead> {
        OutputAhead::new(&self.output).filter(|_| !self.in_memory)
    }

    /// The file that the module will replace, if it is a regular file and all could be written.
    pub fn target(&self) -> Option<&Path> {
        let has_failed = self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        self.file.as_ref().filter(|_| !has_failed).map(Temporary::target)
    }

    /// Makes a module that was made ahead one of now.
    pub fn touch(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), Temporary::touch)
    }

    /// What was written.
    pub fn contents(&self) -> io::Result<Vec<u8>> {
        self.file.as_ref().map_or_else(|| Ok(self.memory.clone()), Temporary::contents)
    }

    /// Gives it the file that [`check_writable`] made.
    pub fn set_new_file(&mut self, file: Option<Temporary>) {
        self.new_file = file;
    }

    /// Stages the module.
    pub fn stage(mut self, stdout: &mut dyn Write) -> io::Result<Staged> {
        if let Some(error) = self.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        if let Some(temporary) = self.file {
            return Ok(Staged(Some(temporary)));
        }
        let staged = match self.new_file.take().filter(|_| self.in_memory) {
            Some(mut file) => file.write_all(&self.memory).map(|()| Staged(Some(file))),
            None => stage(&self.output, &self.memory, stdout),
        };
        if self.keep_mapped {
            std::mem::forget(self.memory);
        }
        staged
    }
}

impl Sink for Place {
    fn takes_parts(&mut self, size: u64) -> bool {
        if self.in_memory {
            return false;
        }
        // The link may be a repeated one.
        self.failure = Mutex::default();
        self.file = self.new_file.take();
        if let Some(file) = &self.file {
            self.failure = Mutex::new(file.begin(size).err());
            return cfg!(unix);
        }
        // What is wrong with the target is found again when the module is staged.
        let Ok(Target::Regular(path)) = resolve(&self.output) else { return false };
        match Temporary::create(&path) {
            Ok(file) => self.file = Some(file),
            Err(error) => self.failure = Mutex::new(Some(error)),
        }
        cfg!(unix)
    }

    #[cfg(unix)]
    fn write_at(&self, offset: u64, part: &[u8]) {
        let Some(file) = &self.file else { return };
        if let Err(error) = file.write_at(offset, part) {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    fn place(&mut self, size: usize) -> Option<&mut [u8]> {
        (self.file, self.failure) = (None, Mutex::default());
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
    fn a_module_that_comes_in_parts_is_complete() {
        let directory = std::env::temp_dir().join(format!("wald-place-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("out.wasm");
        for size in [300_000, 5, 200_000] {
            let mut place = Place::new(path.to_str().unwrap(), false);
            assert!(place.takes_parts(size));
            // The first link was repeated.
            place.write_at(1, b"earlier");
            assert!(place.takes_parts(size));
            for offset in (0..size).rev().step_by(2) {
                place.write_at(offset, &[offset as u8, 7][..(size - offset).min(2) as usize]);
            }
            if size % 2 == 0 {
                place.write_at(0, &[9]);
            }
            place.stage(&mut Vec::new()).unwrap().commit().unwrap();
            let written = std::fs::read(&path).unwrap();
            assert_eq!(written.len() as u64, size);
            assert!((1..size)
                .all(|at| written[at as usize] == if at % 2 == (size - 1) % 2 { at as u8 } else { 7 }));
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_module_that_cannot_be_written_is_an_error_when_it_is_staged() {
        let directory = std::env::temp_dir().join(format!("wald-nowhere-{}", std::process::id()));
        let mut place = Place::new(directory.join("out.wasm").to_str().unwrap(), false);
        assert!(place.takes_parts(5));
        place.write_at(0, b"bytes");
        assert!(place.stage(&mut Vec::new()).is_err());
    }

    #[test]
    fn a_repeated_link_forgets_that_the_first_could_not_be_written() {
        let directory = std::env::temp_dir().join(format!("wald-later-{}", std::process::id()));
        let path = directory.join("out.wasm");
        let mut place = Place::new(path.to_str().unwrap(), false);
        assert!(place.takes_parts(5));
        std::fs::create_dir_all(&directory).unwrap();
        assert!(place.takes_parts(5));
        place.write_at(0, b"bytes");
        place.stage(&mut Vec::new()).unwrap().commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"bytes");
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_dash_is_standard_output() {
        let mut stdout = Vec::new();
        write("-", b"module", &mut stdout).unwrap();
        assert_eq!(stdout, b"module");
    }
}
