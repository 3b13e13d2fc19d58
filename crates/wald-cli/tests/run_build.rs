//! `wald --run`: one build in which wasm-ld is Wald.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of its own for each test, also for temporary files.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wald-run-test-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
        command.current_dir(&self.0).env("TMPDIR", &self.0).arg("--run").args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Folders that a run has left.
    fn left(&self) -> usize {
        let entries = std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name());
        entries.filter(|name| name.to_string_lossy().starts_with("wald-run-")).count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_name_of_wasm_ld_is_wald() {
    let folder = Folder::new("names");
    let script = "wasm-ld --version && wasm-ld-22 --version && wasm-ld-10 --version && wasm-ld-30 --version";
    let output = folder.run(&["sh", "-c", script]);
    let version = Command::new(env!("CARGO_BIN_EXE_wald")).arg("--version").output().unwrap().stdout;
    assert_eq!(output.stdout, version.repeat(4));
    assert_eq!((output.status.code(), folder.left()), (Some(0), 0));
    let output = folder.run(&["wasm-ld-22", "--no-such-option"]);
    assert_eq!(output.stderr, b"wasm-ld-22: error: unknown argument: --no-such-option\n");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_exit_code_is_the_commands() {
    let folder = Folder::new("code");
    assert_eq!(folder.run(&["sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(folder.run(&["sh", "-c", "kill -9 $$"]).status.code(), Some(137));
    let missing = folder.run(&["no-such-command"]);
    assert_eq!(missing.status.code(), Some(127));
    assert_eq!(
        String::from_utf8(missing.stderr).unwrap(),
        "wald: error: --run: cannot start no-such-command: No such file or directory\n"
    );
    assert_eq!(folder.left(), 0);
}

#[test]
fn it_must_be_the_first_argument_and_have_a_command() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_wald")).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(&["--run"]), (Some(1), "wald: error: --run: missing argument\n".into()));
    let (code, said) = run(&["a.o", "--run", "make"]);
    assert!(
        code == Some(1) && said.starts_with("wald: error: --run: must be the first argument\n"),
        "{said}"
    );
}

#[test]
fn signals_go_to_the_command() {
    let folder = Folder::new("signals");
    let script = "trap 'echo heard; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let mut run = folder.command(&["sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = std::io::BufReader::new(run.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    assert_eq!(line, "ready\n");
    assert!(Command::new("kill").arg(run.id().to_string()).status().unwrap().success());
    std::io::Read::read_to_string(&mut stdout, &mut line).unwrap();
    assert_eq!(line, "ready\nheard\n");
    assert_eq!((run.wait().unwrap().code(), folder.left()), (Some(3), 0));
}

#[test]
fn clang_links_by_wald() {
    let folder = Folder::new("clang");
    if !Path::new("/usr/bin/clang-22").exists() || !Path::new("/usr/lib/wasm32-wasi").exists() {
        println!("skipped clang_links_by_wald: clang-22 and wasi-libc are not installed");
        return;
    }
    std::fs::write(folder.0.join("hello.c"), "int main(void) { return 0; }\n").unwrap();
    let clang = ["clang-22", "--target=wasm32-wasi", "hello.c", "-o", "hello.wasm", "-Wno-deprecated"];
    let output = folder.run(&[&clang[..], &["-Wl,--verbose-link"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("wasm-ld-22: command line: -m wasm32"), "{said}");
    assert!(std::fs::read(folder.0.join("hello.wasm")).unwrap().starts_with(b"\0asm"));
    assert_eq!(folder.run(&[&clang[..], &["-Wl,--no-such-option"]].concat()).status.code(), Some(1));
    assert_eq!(folder.left(), 0);
}
