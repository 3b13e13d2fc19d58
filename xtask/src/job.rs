//! A link job: running a linker on it and taking down what it did.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a linker did.
#[derive(PartialEq, Eq)]
pub struct Answer {
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// The module, if one was written.
    pub module: Option<Vec<u8>>,
    /// What it said on standard error, and on standard output before that.
    pub said: String,
}

/// A command that links the job in `folder` to `output`. Both linkers are started under the name `wasm-ld`, which is what
/// their messages begin with.
pub fn command(linker: &Path, folder: &Path, arguments: &[&str], output: &Path) -> Command {
    let mut command = named(linker);
    command.current_dir(folder).arg("@link.rsp").args(arguments).arg("-o").arg(output);
    command
}

/// The linker under the name `wasm-ld`, except on Windows, where a program's name is always its file's.
#[cfg_attr(not(unix), allow(unused_mut))]
fn named(linker: &Path) -> Command {
    let mut command = Command::new(linker);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, "wasm-ld");
    command
}

/// Links, and reads what came out.
pub fn link(linker: &Path, folder: &Path, arguments: &[&str], output: &Path) -> Result<Answer, String> {
    answer(command(linker, folder, arguments, output), linker, output)
}

/// Links one object, as `-r` writes it.
pub fn link_object(
    linker: &Path,
    object: &Path,
    arguments: &[&str],
    output: &Path,
) -> Result<Answer, String> {
    let mut command = named(linker);
    command.arg(object).args(arguments).arg("-o").arg(output);
    answer(command, linker, output)
}

fn answer(mut command: Command, linker: &Path, output: &Path) -> Result<Answer, String> {
    let _ = fs::remove_file(output);
    let ran = command.output().map_err(|error| format!("{} cannot be started: {error}", linker.display()))?;
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    Ok(Answer { code: ran.status.code(), module: fs::read(output).ok(), said })
}

/// The files that a job may read: all in the folders beside `link.rsp`.
pub fn inputs(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = entries(folder).into_iter().filter(|path| path.is_dir()).collect();
    while let Some(next) = folders.pop() {
        for path in entries(&next) {
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
