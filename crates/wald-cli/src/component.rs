//! `wald --component`: leaves the link to `wald-component-ld`, which makes components.
//!
//! That program contains the whole linker. It is a package of its own, because the encoder of components is as large as the linker.

use crate::job::option_error;
use crate::render::Renderer;
use crate::text;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use wald::diagnostics::Diagnostic;

/// The program's file name.
const PROGRAM: &str = if cfg!(windows) { "wald-component-ld.exe" } else { "wald-component-ld" };

/// Runs the program with the same arguments, on Unix in place of this one. Returns the exit code.
pub fn link(args: &[String], variable: &dyn Fn(&str) -> Option<OsString>, out: &mut Renderer) -> i32 {
    let _ = out.check_streams();
    let error = match find(std::env::current_exe().ok().as_deref(), variable("PATH").as_deref()) {
        Some(program) => {
            let mut command = Command::new(&program);
            command.args(args.iter().map(|arg| text::to_path(arg).into_owned()));
            match become_program(&mut command) {
                Ok(code) => return code,
                Err(error) => cannot_start(&program, &error),
            }
        }
        None => not_there(),
    };
    out.show(&error);
    out.finish();
    1
}

fn not_there() -> Diagnostic {
    option_error(format!("--component: {PROGRAM} is not installed"))
        .with_note("it is neither beside this program nor in PATH")
        .with_help("cargo install wald-component")
}

fn cannot_start(program: &Path, error: &std::io::Error) -> Diagnostic {
    let program = text::from_path(program);
    option_error(format!("--component: cannot start {program}: {}", text::error_text(error)))
}

/// The program beside `this` one, or else the first one in `path`. Never this one under another name, which would start itself again.
fn find(this: Option<&Path>, path: Option<&OsStr>) -> Option<PathBuf> {
    let this = this.and_then(|this| this.canonicalize().ok());
    let beside = this.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let folders = beside.into_iter().chain(path.into_iter().flat_map(std::env::split_paths));
    let is_other = |file: &PathBuf| file.is_file() && file.canonicalize().ok() != this;
    folders.map(|folder| folder.join(PROGRAM)).find(is_other)
}

/// Replaces this process. Returns only if that fails.
#[cfg(unix)]
fn become_program(command: &mut Command) -> std::io::Result<i32> {
    Err(std::os::unix::process::CommandExt::exec(command))
}

/// Processes cannot be replaced: this one waits.
#[cfg(not(unix))]
fn become_program(command: &mut Command) -> std::io::Result<i32> {
    command.status().map(|status| status.code().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_beside_this_one_or_in_path_and_another_one() {
        let folder = std::env::temp_dir().join(format!("wald-component-{}", std::process::id()));
        let (bin, other) = (folder.join("bin"), folder.join("other"));
        for folder in [&bin, &other] {
            std::fs::create_dir_all(folder).unwrap();
        }
        let this = bin.join("wald");
        std::fs::write(&this, "").unwrap();
        let path = std::env::join_paths([&other, &bin]).unwrap();
        let found = || find(Some(&this), Some(&path)).map(|file| file.canonicalize().unwrap());
        assert_eq!(found(), None);
        std::fs::write(other.join(PROGRAM), "").unwrap();
        assert_eq!(found(), other.join(PROGRAM).canonicalize().ok());
        std::fs::hard_link(other.join(PROGRAM), bin.join(PROGRAM)).unwrap();
        assert_eq!(found(), bin.join(PROGRAM).canonicalize().ok());
        #[cfg(unix)]
        {
            std::fs::remove_file(bin.join(PROGRAM)).unwrap();
            std::os::unix::fs::symlink(&this, bin.join(PROGRAM)).unwrap();
            assert_eq!(found(), other.join(PROGRAM).canonicalize().ok());
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
