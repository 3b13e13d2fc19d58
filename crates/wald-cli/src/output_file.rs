//! Writing the output: all of it or nothing.
//!
//! The module goes into a temporary file beside the output, which then takes the output's name in one step; until then
//! an older output stays as it was. What is no regular file (`/dev/null`, a pipe) is written to directly, and `-` is
//! standard output.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::mapped_file::NewFile;
use wald::Sink;

/// From this size on an old output is moved aside before the new one takes its name.
const ASIDE_FROM: usize = 64 << 10;

/// Where the output goes.
enum Target {
    StandardOutput,
    /// Exists and is no regular file.
    Special(PathBuf),
    Regular(PathBuf),
}

fn target(path: &str) -> io::Result<Target> {
    if path == "-" {
        return Ok(Target::StandardOutput);
    }
    let host_path = crate::text::to_path(path).into_owned();
    match std::fs::metadata(&host_path) {
        Ok(metadata) if metadata.is_dir() => Err(crate::mapped_file::is_a_directory()),
        Ok(metadata) if !metadata.is_file() => Ok(Target::Special(host_path)),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(error),
        _ => Ok(Target::Regular(host_path)),
    }
}

/// Whether the file could be written, found out before the link: its directory must take a new file.
pub fn check_writable(path: &str) -> io::Result<()> {
    if path.is_empty() {
        return Ok(());
    }
    if let Target::Regular(path) = target(path)? {
        let temporary = Temporary::create(&path)?;
        drop(temporary);
    }
    Ok(())
}

/// Writes the module.
///
/// One plain write, because that is the fastest (ext4, 200 MB: 45 ms; two threads with pwrite take as long).
pub fn write_module(path: &str, module: &[u8], stdout: &mut dyn Write) -> io::Result<()> {
    match target(path)? {
        Target::StandardOutput => {
            stdout.write_all(module)?;
            stdout.flush()
        }
        Target::Special(path) => File::create(path)?.write_all(module),
        Target::Regular(path) => {
            let mut temporary = Temporary::create(&path)?;
            temporary.file().write_all(module)?;
            if module.len() >= ASIDE_FROM {
                temporary.rename_after_moving_aside(&path)
            } else {
                temporary.rename_to(&path)
            }
        }
    }
}

/// Where a module is made: in memory, or, where there was time to prepare it, in the file that it will be.
pub struct Place {
    output: String,
    keep_mapped: bool,
    file: Option<NewFile>,
    memory: Vec<u8>,
    /// In the file, where the module is there.
    size: Option<usize>,
}

/// A file that lost its name to the module. Dropping it frees its blocks, which takes as long as writing a part of them.
pub struct Old(#[allow(dead_code, reason = "held, not read")] File);

impl Place {
    /// A place for the module that goes to `output`. With `keep_mapped`, the process ends soon.
    pub fn new(output: &str, keep_mapped: bool) -> Self {
        Place { output: output.to_string(), keep_mapped, file: None, memory: Vec::new(), size: None }
    }

    /// Makes room for `size` bytes. Pages that were written to before are there at once. Room that is there already may be
    /// given back, but does not grow: a module that needs more goes into memory first.
    pub fn prepare(&mut self, size: usize) {
        if let Some(file) = self.file.as_mut().filter(|_| size > 0) {
            return file.shrink(size);
        }
        if !self.memory.is_empty() || size == 0 {
            return;
        }
        if let Ok(Target::Regular(path)) = target(&self.output) {
            let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
            self.file = NewFile::create(directory.unwrap_or(Path::new(".")), size);
        }
        if self.file.is_none() && self.memory.try_reserve_exact(size).is_ok() {
            self.memory.resize(size, 1);
        }
    }

    /// How large the module is.
    pub fn size(&self) -> usize {
        self.size.unwrap_or(self.memory.len())
    }

    /// Writes the module to where it belongs. Gives back what stood there before, which can be freed when there is time.
    pub fn write(self, stdout: &mut dyn Write) -> io::Result<Option<Old>> {
        let (Some(file), Some(size)) = (self.file, self.size) else {
            let written = write_module(&self.output, &self.memory, stdout);
            if self.keep_mapped {
                std::mem::forget(self.memory);
            }
            return written.map(|()| None);
        };
        let Target::Regular(path) = target(&self.output)? else {
            // It became something else while the link was running.
            let mut file = file;
            return write_module(&self.output, &file.bytes()[..size], stdout).map(|()| None);
        };
        // A file that is open keeps its blocks when it loses its name.
        let old = File::open(&path).ok().map(Old);
        let temporary = Temporary::make(&path, |path| file.name(size, path))?;
        if self.keep_mapped {
            std::mem::forget(file);
        }
        temporary.rename_after_moving_aside(&path)?;
        Ok(old)
    }
}

impl Sink for Place {
    fn place(&mut self, size: usize) -> Option<&mut [u8]> {
        match &mut self.file {
            Some(file) if size <= file.room() => {
                self.size = Some(size);
                Some(&mut file.bytes()[..size])
            }
            _ => {
                self.size = None;
                self.memory.place(size)
            }
        }
    }
}

/// Writes a text file (map, reports) where the user asked for it; `-` is standard output.
pub fn write_text(path: &str, text: &str, stdout: &mut dyn Write) -> io::Result<()> {
    if path == "-" {
        return stdout.write_all(text.as_bytes());
    }
    File::create(crate::text::to_path(path))?.write_all(text.as_bytes())
}

/// A new file that goes away unless it is renamed.
struct Temporary {
    path: PathBuf,
    file: Option<File>,
}

impl Temporary {
    /// Makes `output.tmpXXXXXXX`. Its permissions are those of an executable, less what the umask takes.
    fn create(output: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o777);
        Temporary::make(output, |path| options.open(path))
    }

    /// Makes it by `open`, which must not take a name that exists.
    fn make(output: &Path, mut open: impl FnMut(&Path) -> io::Result<File>) -> io::Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let mut path = output.as_os_str().to_os_string();
            path.push(format!(".tmp{:x}-{count:x}", std::process::id()));
            let path = PathBuf::from(path);
            match open(&path) {
                Ok(file) => return Ok(Temporary { path, file: Some(file) }),
                // Left by a process that was killed: take the next name.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn file(&mut self) -> &mut File {
        self.file.as_mut().expect("open until it is renamed")
    }

    /// As [`rename_to`](Self::rename_to), but never onto an existing file: ext4 answers such a rename by writing the new
    /// file's blocks to the disk at once, which for 5 MB takes 4 ms instead of 0.3 ms.
    fn rename_after_moving_aside(self, output: &Path) -> io::Result<()> {
        let mut aside = self.path.as_os_str().to_os_string();
        aside.push("-old");
        let aside = PathBuf::from(aside);
        let moved = std::fs::rename(output, &aside).is_ok();
        let result = self.rename_to(output);
        if moved {
            let _ = match result {
                Ok(()) => std::fs::remove_file(&aside),
                Err(_) => std::fs::rename(&aside, output),
            };
        }
        result
    }

    fn rename_to(mut self, output: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, output)?;
        self.file = None;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
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
        let size = 3 * ASIDE_FROM;
        for module in [vec![1; 10], vec![2; size], vec![3; size], vec![4; 10]] {
            write_module(path.to_str().unwrap(), &module, &mut Vec::new()).unwrap();
            assert!(std::fs::read(&path).unwrap() == module);
        }
        check_writable(path.to_str().unwrap()).unwrap();
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_place_that_was_prepared_becomes_the_output() {
        let directory = std::env::temp_dir().join(format!("wald-place-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("out.wasm");
        let plain = directory.join("plain.wasm");
        let written = |module: &[u8], room: usize| {
            let mut place = Place::new(path.to_str().unwrap(), false);
            place.prepare(room);
            place.prepare(room + 1);
            place.prepare(room.saturating_sub(5000));
            place.place(module.len()).unwrap().copy_from_slice(module);
            place.write(&mut Vec::new()).unwrap();
            assert!(std::fs::read(&path).unwrap() == module);
        };
        // It fits when some room was given back, it does not, nothing was prepared; on an older output and without one.
        let size = 3 * ASIDE_FROM;
        for room in [size + 5000, size, size - 1, 0] {
            written(&vec![room as u8; size], room);
            written(&vec![7; size / 100], room);
            std::fs::remove_file(&path).unwrap();
            written(&vec![8; size], room);
        }
        // A link that fails leaves the older output, and nothing else.
        let mut place = Place::new(path.to_str().unwrap(), false);
        place.prepare(size);
        place.place(size).unwrap().fill(9);
        drop(place);
        assert!(std::fs::read(&path).unwrap() == vec![8; size]);
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);

        written(&[1; 10], 100);
        write_module(plain.to_str().unwrap(), &[1; 10], &mut Vec::new()).unwrap();
        let permissions = |path: &Path| std::fs::metadata(path).unwrap().permissions();
        assert_eq!(permissions(&path), permissions(&plain));
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_dash_is_standard_output() {
        let mut stdout = Vec::new();
        write_module("-", b"module", &mut stdout).unwrap();
        assert_eq!(stdout, b"module");
    }
}
