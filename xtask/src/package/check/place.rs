//! An empty place: a folder with the packages, an empty home, and a path that starts with what is installed there.

use crate::demo::{world, ARGUMENTS};
use crate::demo_objects::{self, ARCHIVE, OBJECTS};
use crate::{engine, workspace};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The result of a check. `Some` is the reason why nothing was tried.
pub type Outcome = Result<Option<String>, String>;

/// A place for one check.
pub struct Place {
    /// Everything below is in it.
    pub root: PathBuf,
    /// The packages. Lines run here.
    pub files: PathBuf,
    /// The user's home.
    pub home: PathBuf,
    /// For temporary files.
    pub temporary: PathBuf,
}

impl Place {
    /// Makes an empty place. The last one of this name is removed.
    pub fn new(name: &str) -> Result<Place, String> {
        let root = workspace::target().join("packages-installed").join(name);
        let _ = std::fs::remove_dir_all(&root);
        let [files, home, temporary] = ["files", "home", "temporary"].map(|name| root.join(name));
        for folder in [&files, &home, &temporary] {
            workspace::create_folder(folder)?;
        }
        Ok(Place { root, files, home, temporary })
    }

    /// A command in the folder with the packages. `first` are folders with programs.
    pub fn command(&self, program: &str, first: &[PathBuf]) -> Result<Command, String> {
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(first.iter().cloned().chain(std::env::split_paths(&rest)));
        let path = path.map_err(|error| error.to_string())?;
        // The program is looked up here: some systems look in this process's path.
        let found =
            std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
        let mut command = Command::new(found.unwrap_or_else(|| program.into()));
        command.current_dir(&self.files).env_clear();
        command
            .env("PATH", path)
            .env("HOME", &self.home)
            .env("TMPDIR", &self.temporary)
            .env("LC_ALL", "C.UTF-8");
        Ok(command)
    }

    /// Runs a line of the README.
    pub fn shell(&self, line: &str, first: &[PathBuf], variables: &[(&str, &str)]) -> Result<String, String> {
        let mut command = self.command("sh", first)?;
        output(command.args(["-c", line]).envs(variables.iter().copied()))
    }

    /// Links the demo with a command, and runs the program. `first` are the folders in which the command must be.
    pub fn links(&self, command: &str, arguments: &[&str], first: &[PathBuf]) -> Result<(), String> {
        let mut command = self.command(command, first)?;
        let program = PathBuf::from(command.get_program());
        if !first.iter().any(|folder| program.starts_with(folder)) {
            return Err(format!("{} was not installed here", program.display()));
        }
        let objects = demo_objects::folder().join("objects");
        command.args(arguments).args(OBJECTS.iter().map(|name| objects.join(format!("{name}.o"))));
        output(command.arg(objects.join(ARCHIVE)).args(["-o", "demo.wasm"]))?;
        runs(&self.files.join("demo.wasm"))
    }

    /// Copies the demo's objects to the folder with the packages.
    pub fn copy_objects(&self) -> Result<(), String> {
        let objects = demo_objects::folder().join("objects");
        let names = OBJECTS.iter().map(|name| format!("{name}.o")).chain([ARCHIVE.into()]);
        for name in names {
            workspace::write(&self.files.join(&name), workspace::read(&objects.join(&name))?)?;
        }
        Ok(())
    }
}

/// Runs the demo's program.
pub fn runs(module: &Path) -> Result<(), String> {
    let bytes = workspace::read(module)?;
    engine::validate(&bytes)?;
    let finished = engine::run(&bytes, world(ARGUMENTS)?)?;
    let expected = workspace::read(&demo_objects::folder().join("expected.txt"))?;
    if finished.code != 0 || finished.stdout.as_bytes() != expected {
        return Err(format!("the program ended with {}\n{}", finished.code, finished.stdout));
    }
    let _ = std::fs::remove_file(module);
    Ok(())
}

/// What a command prints. If it fails, that is the error.
pub fn output(command: &mut Command) -> Result<String, String> {
    let Output { status, stdout, stderr } =
        command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if !status.success() {
        return Err(format!("{command:?}: {status}\n{}{}", text(&stdout), text(&stderr)));
    }
    Ok(text(&stdout) + &text(&stderr))
}

/// An error unless a condition holds.
pub fn ensure(condition: bool, otherwise: &str) -> Result<(), String> {
    if condition {
        Ok(())
    } else {
        Err(otherwise.into())
    }
}
