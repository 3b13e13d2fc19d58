//! `wald --component`: another program links, with the same arguments.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of its own for each test, with a copy of Wald in `bin`.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wald-component-test-{}-{test}", std::process::id()));
        for folder in ["bin", "path"] {
            std::fs::create_dir_all(path.join(folder)).unwrap();
        }
        std::fs::hard_link(env!("CARGO_BIN_EXE_wald"), path.join("bin/wald"))
            .or_else(|_| std::fs::copy(env!("CARGO_BIN_EXE_wald"), path.join("bin/wald")).map(|_| ()))
            .unwrap();
        Folder(path)
    }

    /// A program that says where it is and what it gets, and ends with code 7.
    fn add_program(&self, folder: &str) {
        let path = self.0.join(folder).join("wald-component-ld");
        std::fs::write(&path, format!("#!/bin/sh\necho {folder} \"$@\"\nexit 7\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let path = std::env::join_paths([self.0.join("path"), "/bin".into()]).unwrap();
        let mut command = Command::new(self.0.join("bin/wald"));
        command.current_dir(&self.0).env("PATH", path).env_remove("WALD_FLAGS").args(arguments);
        command.output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_program_beside_wald_comes_before_the_one_in_path() {
    let folder = Folder::new("beside");
    folder.add_program("path");
    let line = ["a.o", "--wasi-adapter=none", "--component", "--adapt", "x y", "-o", "out.wasm"];
    let told = |name: &str| format!("{name} a.o --wasi-adapter=none --component --adapt x y -o out.wasm\n");
    assert_eq!(said(&folder.run(&line)), (Some(7), told("path"), String::new()));
    folder.add_program("bin");
    assert_eq!(said(&folder.run(&line)), (Some(7), told("bin"), String::new()));
}

#[test]
fn response_files_are_left_to_the_program() {
    let folder = Folder::new("response");
    folder.add_program("bin");
    std::fs::write(folder.0.join("arguments"), "--component a.o @nested\n").unwrap();
    std::fs::write(folder.0.join("nested"), "\\").unwrap();
    assert_eq!(said(&folder.run(&["@arguments"])), (Some(7), "bin @arguments\n".into(), String::new()));
}

#[test]
fn without_the_program_an_error_says_how_to_get_it() {
    let folder = Folder::new("none");
    let error = "wald: error: --component: wald-component-ld is not installed\n    \
                 note: it is neither beside this program nor in PATH\n    help: cargo install wald-component\n";
    assert_eq!(said(&folder.run(&["--component", "a.o"])), (Some(1), String::new(), error.into()));
    std::fs::write(folder.0.join("path/wald-component-ld"), "").unwrap();
    let (code, _, stderr) = said(&folder.run(&["--component", "a.o"]));
    let shown = Path::new(&folder.0).join("path/wald-component-ld");
    let error = format!("wald: error: --component: cannot start {}: Permission denied\n", shown.display());
    assert_eq!((code, stderr), (Some(1), error));
}
