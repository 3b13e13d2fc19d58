//! The folder in which the tool works: a copy of each module under the name that LLVM knows it by.
//!
//! LLVM writes names of modules into indexes, and beside modules it writes more files. So a module keeps its path: the tool runs in
//! a folder deep enough for the `..` of all paths. Absolute paths begin with `.` there instead of `/`: the names have the same length,
//! and with hardly an exception the same order.

use super::commas::Commas;
use super::renamed::Renamed;
use crate::text::{to_bytes, to_path};
use std::io;
use std::path::{Component, Path, PathBuf};
use wald::code_generator::BitcodeModule;

/// What the names of the folders begin with.
const NAME: &str = "wald-lto";

/// A folder of its own, with everything that the tool reads and writes. Removed when it is dropped.
pub struct Workspace {
    root: PathBuf,
    /// Where the tool is started.
    pub working_folder: PathBuf,
    /// For each module, what the tool calls it.
    pub names: Vec<String>,
}

impl Workspace {
    /// An empty folder.
    pub fn new() -> io::Result<Workspace> {
        remove_abandoned();
        let root = crate::run_build::create_folder(NAME)?;
        let working_folder = root.clone();
        Ok(Workspace { root, working_folder, names: Vec::new() })
    }

    /// A folder with these modules. `rename` gives the name of a module.
    pub fn with_modules(
        modules: &[BitcodeModule<'_>],
        rename: impl Fn(&str) -> String,
    ) -> io::Result<Workspace> {
        let mut workspace = Workspace::new()?;
        let names: Vec<String> = modules.iter().map(|module| rename(&module.name)).collect();
        let depth = names.iter().map(|name| steps_up(to_path(name).as_ref())).max().unwrap_or(0);
        for _ in 0..depth {
            workspace.working_folder.push("d");
        }
        workspace.working_folder.push("m");
        std::fs::create_dir_all(&workspace.working_folder)?;
        let commas = Commas::new(modules);
        for (module, name) in modules.iter().zip(names) {
            let name = match commas.is_empty() {
                true => workspace.add(&name, module.bytes)?,
                false => workspace.add(&name, &commas.hide(module.bytes))?,
            };
            workspace.names.push(name);
        }
        Ok(workspace)
    }

    /// Writes a module. Returns the name that the tool can open it by.
    fn add(&self, name: &str, bytes: &[u8]) -> io::Result<String> {
        // LLVM splits its arguments at commas.
        let mut name = name.replace(',', "+");
        if to_path(&name).is_absolute() {
            name = name.strip_prefix('/').map_or(name.replace(':', "+"), |rest| format!(".{rest}"));
        }
        loop {
            let path = self.working_folder.join(to_path(&name));
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            match std::fs::File::create_new(&path) {
                Ok(mut file) => {
                    io::Write::write_all(&mut file, bytes)?;
                    return Ok(name);
                }
                // The same file twice, or names that differ by what cannot be kept.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => name.push('+'),
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives modules their own names in indexes and lists. `names` are those that LLVM should have written.
    pub fn renamed(&self, names: impl IntoIterator<Item = String>) -> Renamed {
        let bytes = |name: &str| to_bytes(name).into_owned();
        Renamed::new(self.names.iter().zip(names).map(|(tool, own)| (bytes(tool), bytes(&own))))
    }

    /// The path of the tool's cache, if it has one that ends with the workspace.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// A path for the jobs of a distributor.
    pub fn jobs(&self) -> PathBuf {
        self.root.join("jobs.json")
    }

    /// A path for what a distributor writes to its standard streams.
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// A path for the tool's output.
    pub fn output(&self) -> PathBuf {
        self.root.join("out")
    }

    /// The tool's outputs: what their names have behind that of [`Workspace::output`], and their paths. Sorted.
    pub fn outputs(&self) -> io::Result<Vec<(String, PathBuf)>> {
        let mut outputs = Vec::new();
        for entry in std::fs::read_dir(&self.root)? {
            let path = entry?.path();
            let name = path.file_name().map(crate::text::from_os).unwrap_or_default();
            if let Some(rest) = name.strip_prefix("out.") {
                outputs.push((rest.to_string(), path));
            }
        }
        outputs.sort();
        Ok(outputs)
    }

    /// The path of a part of the merged module.
    pub fn part(&self, number: &str) -> PathBuf {
        self.root.join(format!("part{number}"))
    }

    /// The path of another output.
    pub fn numbered_output(&self, number: usize) -> PathBuf {
        self.root.join(format!("out{number}"))
    }

    /// A path for the tool's arguments.
    pub fn arguments(&self) -> PathBuf {
        self.root.join("arguments")
    }

    /// The path of a file that the tool writes beside a module.
    pub fn beside(&self, module: usize, suffix: &str) -> PathBuf {
        self.working_folder.join(to_path(&format!("{}{suffix}", self.names[module])))
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// Removes folders of processes that were killed outright.
fn remove_abandoned() {
    let processes = Path::new("/proc");
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else { return };
    // Without a list of processes nobody can tell.
    if !processes.join("self").exists() {
        return;
    }
    for entry in entries.flatten() {
        let name = crate::text::from_os(&entry.file_name());
        let process = name.strip_prefix(NAME).and_then(|rest| rest.strip_prefix('-')?.split('-').next());
        let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if process.filter(is_number).is_some_and(|process| !processes.join(process).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// By how many folders a relative path leaves the folder that it starts in.
fn steps_up(path: &Path) -> usize {
    let (mut depth, mut most) = (0isize, 0);
    for component in path.components() {
        match component {
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            _ => {}
        }
        most = most.max(-depth);
    }
    most as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_their_folder() {
        for (path, steps) in
            [("a.o", 0), ("d/a.o", 0), ("../a.o", 1), ("a/../../b.o", 1), ("../../x/../a.o", 2)]
        {
            assert_eq!(steps_up(Path::new(path)), steps, "{path}");
        }
    }
}
