//! `wald --run COMMAND`: runs one build in which `wasm-ld` is Wald.
//!
//! Compilers find their linker by its name. A temporary folder holds links to this program under all of wasm-ld's names, and
//! the build gets it first in `PATH`, and in `COMPILER_PATH`, which clang searches before its own folder.

use crate::signals;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// The LLVM versions whose name with a number is linked: distributions' clang asks for `wasm-ld-22` first.
const VERSIONS: std::ops::RangeInclusive<u32> = 10..=30;
/// A shell's exit code for a program that does not exist.
const NOT_FOUND: i32 = 127;
/// Its exit code for a program that cannot be run.
const NOT_RUN: i32 = 126;

/// Runs the build and returns its exit code. The error is a message, with the exit code.
pub fn run(command: &[OsString], variable: &dyn Fn(&str) -> Option<OsString>) -> Result<i32, (String, i32)> {
    let (name, arguments) = command.split_first().ok_or(("--run: missing argument".to_string(), 1))?;
    let failed = |error: io::Error| (format!("--run: {}", crate::text::error_text(&error)), 1);
    // Dropped last: no signal ends this process before the folder is removed.
    let _forwarding = signals::Forwarding::begin();
    let folder = Folder::with_links().map_err(failed)?;
    let first = |paths: &str| {
        let old = variable(paths).unwrap_or_default();
        let old = std::env::split_paths(&old).filter(|path| !path.as_os_str().is_empty());
        std::env::join_paths(std::iter::once(folder.0.clone()).chain(old))
            .map_err(|error| (format!("--run: {paths}: {error}"), 1))
    };
    let mut build = Command::new(name);
    build.args(arguments).env("PATH", first("PATH")?).env("COMPILER_PATH", first("COMPILER_PATH")?);
    let mut child = build.spawn().map_err(|error| {
        let code = if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN };
        (
            format!(
                "--run: cannot start {}: {}",
                crate::text::from_os(name),
                crate::text::error_text(&error)
            ),
            code,
        )
    })?;
    signals::forward_to(child.id());
    child.wait().map(exit_code).map_err(failed)
}

/// The exit code, as a shell gives it if a signal ended the build.
fn exit_code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128 + signal;
    }
    status.code().unwrap_or(1)
}

/// A folder for temporary files. Removed when it is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    /// An empty folder.
    pub fn new(name: &str) -> io::Result<Folder> {
        create_folder(name).map(Folder)
    }

    /// The folder with the links.
    fn with_links() -> io::Result<Folder> {
        let program = std::env::current_exe()?;
        let folder = Folder::new("wald-run")?;
        link(&program, &folder.0, "wasm-ld".as_ref())?;
        for version in VERSIONS {
            link(&program, &folder.0, format!("wasm-ld-{version}").as_ref())?;
        }
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A new folder that nobody else can write to.
pub fn create_folder(name: &str) -> io::Result<PathBuf> {
    let mut number = 0;
    loop {
        let path = std::env::temp_dir().join(format!("{name}-{}-{number}", std::process::id()));
        match create_private(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 1000 => number += 1,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The folder for temporary files belongs to the user.
#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

#[cfg(unix)]
fn link(program: &Path, folder: &Path, name: &OsStr) -> io::Result<()> {
    std::os::unix::fs::symlink(program, folder.join(name))
}

/// Symbolic links need a privilege on Windows.
#[cfg(not(unix))]
fn link(program: &Path, folder: &Path, name: &OsStr) -> io::Result<()> {
    let path = folder.join(name).with_extension("exe");
    std::fs::hard_link(program, &path).or_else(|_| std::fs::copy(program, &path).map(|_| ()))
}
