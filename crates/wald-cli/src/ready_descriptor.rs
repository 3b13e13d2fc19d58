//! `--ready-fd`: a descriptor on which each line is the path of an input that is complete.

use crate::inputs::{self, Inputs};
use crate::open_files;
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// The line that says that all inputs are complete. A file of this name is `./*`.
const ALL: &[u8] = b"*";

/// What the descriptor says.
pub enum Announcement {
    /// This input is complete.
    Ready(String),
    /// All inputs are complete.
    AllReady,
    /// There will be no more lines.
    End,
    /// It cannot be read.
    Broken(io::Error),
}

/// Starts a thread that passes on the lines until `pass_on` refuses one: it may wait for a line long after the last input,
/// so nobody waits for it.
pub fn listen(descriptor: u32, pass_on: impl Fn(Announcement) -> bool + Send + Sync + 'static) {
    // In this thread, before other files are opened.
    let file = match open_files::inherited(descriptor) {
        Ok(file) => file,
        Err(error) => {
            pass_on(Announcement::Broken(error));
            return;
        }
    };
    let pass_on = std::sync::Arc::new(pass_on);
    let work = {
        let pass_on = pass_on.clone();
        move || {
            let end = match pass_on_lines(BufReader::new(Patient(file)), &*pass_on) {
                Ok(()) => Announcement::End,
                Err(error) => Announcement::Broken(error),
            };
            pass_on(end);
        }
    };
    if let Err(error) = std::thread::Builder::new().spawn(work) {
        pass_on(Announcement::Broken(error));
    }
}

fn pass_on_lines(mut lines: impl BufRead, pass_on: &dyn Fn(Announcement) -> bool) -> io::Result<()> {
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let announcement = match text {
            ALL => Announcement::AllReady,
            path => Announcement::Ready(crate::text::from_bytes(path)),
        };
        // If nobody listens any more, all inputs are in.
        if !text.is_empty() && !pass_on(announcement) {
            return Ok(());
        }
        line.clear();
    }
    Ok(())
}

/// A descriptor that may have been made non-blocking by whoever shares it.
struct Patient(std::mem::ManuallyDrop<std::fs::File>);

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    open_files::wait_readable(&*self.0, Duration::from_secs(60));
                }
                result => return result,
            }
        }
    }
}

/// Finds the input that a line means: as it is named on the command line, or by another path to the same file.
pub struct Names {
    /// Inputs by their path with a resolved folder; those that are symbolic links also by the link's target.
    real: HashMap<PathBuf, usize>,
    /// Real paths of folders.
    folders: HashMap<PathBuf, PathBuf>,
    /// Inputs that are not in `real`, because their folders did not exist when they were last looked for.
    unresolved: Vec<usize>,
}

impl Names {
    /// The names of all inputs.
    pub fn new(inputs: &Inputs) -> Self {
        let unresolved = (0..inputs.file_count()).collect();
        Names { real: HashMap::new(), folders: HashMap::new(), unresolved }
    }

    /// The file that a path means, if it is an input: a build tool may speak of more than this link's inputs.
    pub fn find(&mut self, inputs: &Inputs, path: &str) -> Option<usize> {
        inputs.file(path).or_else(|| self.find_real(inputs, &inputs::simple(path)))
    }

    fn find_real(&mut self, inputs: &Inputs, path: &Path) -> Option<usize> {
        if !folder_of(path).exists() {
            // Folders that do not exist yet are no symbolic links.
            let path = future_path(path);
            let mut files = self.unresolved.iter();
            return files.find(|&&file| future_path(&inputs::simple(inputs.path(file))) == path).copied();
        }
        for file in std::mem::take(&mut self.unresolved) {
            match self.real_paths(&inputs::simple(inputs.path(file))) {
                paths if paths.is_empty() => self.unresolved.push(file),
                paths => paths.into_iter().for_each(|path| _ = self.real.entry(path).or_insert(file)),
            }
        }
        self.real_paths(path).iter().find_map(|path| self.real.get(path)).copied()
    }

    /// The path with its folder resolved, and its target if it is a symbolic link. The file itself need not exist. None if its
    /// folder does not.
    fn real_paths(&mut self, path: &Path) -> Vec<PathBuf> {
        let Some(name) = path.file_name() else { return Vec::new() };
        let folder = folder_of(path);
        if !self.folders.contains_key(folder) {
            let Ok(real) = std::fs::canonicalize(folder) else { return Vec::new() };
            self.folders.insert(folder.to_path_buf(), real);
        }
        let mut paths = vec![self.folders[folder].join(name)];
        if std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
            paths.extend(std::fs::canonicalize(path));
        }
        paths
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A path whose folder may not exist: as much of it resolved as does, and the rest as it is.
fn future_path(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut rest = Vec::new();
    for folder in path.ancestors() {
        if let Ok(mut real) = std::fs::canonicalize(folder) {
            for part in rest.into_iter().rev() {
                match part {
                    Component::ParentDir => _ = real.pop(),
                    part => real.push(part),
                }
            }
            return real;
        }
        rest.extend(folder.components().next_back());
    }
    path
}
