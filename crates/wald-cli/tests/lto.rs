//! Link-time optimization as a process sees it: which tool is started, and what is left when it fails.
//!
//! `kept/lto_*.o` are bitcode: `clang-22 --target=wasm32-unknown-unknown -O1 -flto=thin -c` of a `_start` that calls `helper`, and of
//! two versions of `helper`; `lto_full.o` is the first one with `-flto`. `lto_other.o` is a function `other`.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder of its own for each test, also for temporary files.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wald-lto-test-{}-{test}", std::process::id()));
        std::fs::create_dir_all(path.join("tmp")).unwrap();
        let folder = Folder(path);
        for name in ["main", "five", "six", "full", "other"] {
            folder.take(&format!("lto_{name}.o"), &format!("{name}.o"));
        }
        folder
    }

    /// Copies a kept file.
    fn take(&self, kept: &str, name: &str) {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept").join(kept);
        // Replaced by a rename, as a compiler does.
        std::fs::copy(kept, self.0.join("new")).unwrap();
        std::fs::rename(self.0.join("new"), self.0.join(name)).unwrap();
    }

    /// A tool that is a shell script.
    fn tool(&self, path: &str, script: &str) -> PathBuf {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.0).env("TMPDIR", self.0.join("tmp")).env_remove("WALD_LTO_TOOL");
        command.args(["main.o", "five.o", "-o", "out.wasm"]).stdin(Stdio::null());
        command
    }

    fn wald(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_wald"))
    }

    /// Links with a tool that fails. What is said; nothing may be left.
    fn fails(&self, mut command: Command) -> String {
        let Output { status, stderr, .. } = command.output().unwrap();
        assert_eq!(status.code(), Some(1));
        self.has_nothing_left();
        String::from_utf8(stderr).unwrap()
    }

    fn has_nothing_left(&self) {
        assert!(!self.0.join("out.wasm").exists());
        assert_eq!(std::fs::read_dir(self.0.join("tmp")).unwrap().count(), 0);
    }

    fn output(&self) -> Vec<u8> {
        std::fs::read(self.0.join("out.wasm")).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether LLVM's tool and the linker with the kept answers are there; says so if not.
fn has_llvm() -> bool {
    let has = |name: &str| Command::new(name).arg("--version").output().is_ok();
    let there = has("llvm-lto2-22") && has("wasm-ld-22");
    if !there {
        println!("skipped: needs llvm-lto2-22 and wasm-ld-22");
    }
    there
}

/// What the other linker writes of these inputs.
fn reference(folder: &Folder, inputs: &[&str]) -> Vec<u8> {
    let mut command = Command::new("wasm-ld-22");
    command.current_dir(&folder.0).args(inputs).args(["-o", "out.wasm"]);
    assert!(command.status().unwrap().success());
    let bytes = folder.output();
    std::fs::remove_file(folder.0.join("out.wasm")).unwrap();
    bytes
}

#[test]
fn a_tool_that_fails_says_why() {
    let folder = Folder::new("fails");
    let tool = folder.tool("bad", "echo 'a.ll:1: something is wrong' >&2; exit 3");
    let mut command = folder.wald();
    command.arg(format!("--lto-tool={}", tool.display()));
    assert_eq!(folder.fails(command), "wald: error: a.ll:1: something is wrong\n");
    let mut command = folder.wald();
    command.env("WALD_LTO_TOOL", folder.tool("silent", "exit 3"));
    let said = folder.fails(command);
    assert!(said.ends_with("silent failed (exit status: 3)\n"), "{said}");
}

#[test]
fn a_tool_that_is_killed_is_an_error() {
    let folder = Folder::new("killed");
    let mut command = folder.wald();
    command.env("WALD_LTO_TOOL", folder.tool("dies", "echo working >&2; kill -9 $$"));
    let said = folder.fails(command);
    assert!(said.contains("dies failed (signal: 9") && said.contains("help: name another one"), "{said}");
}

#[test]
fn a_missing_tool_is_one_error_with_ways_out() {
    let folder = Folder::new("missing");
    let mut command = folder.wald();
    command.env("PATH", folder.0.join("tmp"));
    let said = folder.fails(command);
    assert!(
        said.starts_with("wald: error: main.o: LLVM bitcode needs llvm-lto2, which was not found\n"),
        "{said}"
    );
    for way in ["llvm-22", "--lto-tool=PATH", "rust-lld", "without -flto"] {
        assert!(said.contains(way), "{way}: {said}");
    }
    let mut command = folder.wald();
    command.arg("--lto-tool=./no/such/tool");
    let said = folder.fails(command);
    assert!(
        said.starts_with("wald: error: cannot start ./no/such/tool: No such file or directory\n"),
        "{said}"
    );
}

#[test]
fn a_tool_older_than_the_compiler_is_named() {
    let folder = Folder::new("older");
    let script =
        "case $1 in --version) echo 'LLVM version 19.1.7';; *) echo 'Invalid record' >&2; exit 1;; esac";
    let mut command = folder.wald();
    command.env("WALD_LTO_TOOL", folder.tool("llvm-lto2", script));
    let said = folder.fails(command);
    assert!(said.starts_with("wald: error: Invalid record\n"), "{said}");
    assert!(
        said.contains(".o was written by LLVM 22.1.8, and ") && said.contains("is of LLVM 19.1.7"),
        "{said}"
    );
}

#[test]
fn the_tool_beside_the_replaced_linker_is_the_first_choice() {
    let folder = Folder::new("beside");
    folder.tool("bin/llvm-lto2", "echo 'the right one' >&2; exit 1");
    folder.tool("path/llvm-lto2-22", "echo 'another one' >&2; exit 1");
    let linker = folder.0.join("bin/wasm-ld");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_wald"), &linker).unwrap();
    let mut command = folder.command(&linker);
    command.env("PATH", folder.0.join("path"));
    assert_eq!(folder.fails(command), "wasm-ld: error: the right one\n");
    // Found in PATH, as a compiler starts it.
    let mut command = folder.command("wasm-ld");
    command.env("PATH", std::env::join_paths([folder.0.join("path"), folder.0.join("bin")]).unwrap());
    assert_eq!(folder.fails(command), "wasm-ld: error: the right one\n");
    std::fs::remove_file(folder.0.join("bin/llvm-lto2")).unwrap();
    let mut command = folder.command(&linker);
    command.env("PATH", folder.0.join("path"));
    assert_eq!(folder.fails(command), "wasm-ld: error: another one\n");
    // Beside the compiler.
    std::fs::rename(folder.0.join("path/llvm-lto2-22"), folder.0.join("tmp-tool")).unwrap();
    folder.tool("llvm/clang", "exit 1");
    folder.tool("llvm/llvm-lto2", "echo 'of clang' >&2; exit 1");
    std::os::unix::fs::symlink("../llvm/clang", folder.0.join("path/clang")).unwrap();
    let mut command = folder.command(&linker);
    command.env("PATH", folder.0.join("path"));
    assert_eq!(folder.fails(command), "wasm-ld: error: of clang\n");
}

/// Starts a link whose tool waits, and gives the tool's process.
fn start_slow(folder: &Folder) -> (Child, String) {
    let tool = folder.tool("slow", "echo $$ > \"$TMPDIR/../pid\"; exec sleep 60");
    let mut command = folder.wald();
    command.env("WALD_LTO_TOOL", tool).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    // The test's time limit is that of the tool.
    let mut pid = String::new();
    while !pid.ends_with('\n') {
        std::thread::sleep(Duration::from_millis(5));
        pid = std::fs::read_to_string(folder.0.join("pid")).unwrap_or_default();
    }
    (child, pid.trim().to_string())
}

#[test]
fn signals_end_the_tool_and_leave_nothing() {
    // A shell may have told its background jobs to ignore SIGINT, and nohup SIGHUP.
    for signal in [libc::SIGTERM, libc::SIGUSR1] {
        let folder = Folder::new(&format!("signal{signal}"));
        let (mut child, tool) = start_slow(&folder);
        let kill =
            Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let start = Instant::now();
        let status = child.wait().unwrap();
        assert!(start.elapsed() < Duration::from_secs(10));
        assert_eq!(status.signal(), Some(signal));
        assert!(!Path::new("/proc").join(&tool).exists() || !Path::new("/proc/self").exists());
        folder.has_nothing_left();
    }
}

#[test]
fn folders_of_killed_links_are_removed_by_the_next() {
    if !Path::new("/proc/self").exists() {
        return println!("skipped: needs /proc");
    }
    let folder = Folder::new("abandoned");
    let (mut child, tool) = start_slow(&folder);
    child.kill().unwrap();
    child.wait().unwrap();
    let _ = Command::new("kill").arg(&tool).status();
    assert_eq!(std::fs::read_dir(folder.0.join("tmp")).unwrap().count(), 1);
    let mut command = folder.wald();
    command.env("WALD_LTO_TOOL", folder.tool("bad", "exit 1"));
    folder.fails(command);
}

#[test]
fn another_linker_generates_the_same_code() {
    if !has_llvm() {
        return;
    }
    let folder = Folder::new("linker");
    for inputs in [["main.o", "five.o"], ["main.o", "full.o"]] {
        let expected = reference(&folder, &inputs);
        for tool in ["wasm-ld-22", "llvm-lto2-22"] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
            command
                .current_dir(&folder.0)
                .args(inputs)
                .args(["-o", "out.wasm"])
                .arg(format!("--lto-tool={tool}"));
            let output = command.output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
            assert!(folder.output() == expected, "{tool} {inputs:?}");
        }
    }
    std::fs::remove_file(folder.0.join("out.wasm")).unwrap();
    let mut command = folder.wald();
    command.args(["--lto-tool=wasm-ld-22", "--save-temps"]);
    assert!(folder.fails(command).contains("--save-temps needs llvm-lto2"));
}

#[test]
fn awaited_bitcode_is_linked_when_it_is_complete() {
    if !has_llvm() {
        return;
    }
    let folder = Folder::new("await");
    let expected = reference(&folder, &["main.o", "six.o"]);
    for late in ["main", "six"] {
        let name = format!("{late}.o");
        std::fs::remove_file(folder.0.join(&name)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
        // The other one was there before. It is newer than this file.
        let newer = concat!("--await-newer=", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        command.current_dir(&folder.0).args(["--await-inputs", newer, "main.o", "six.o", "-o", "out.wasm"]);
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        folder.take(&format!("lto_{late}.o"), &name);
        assert!(child.wait().unwrap().success());
        assert!(folder.output() == expected, "{late}");
    }
}

#[test]
fn an_awaited_input_that_changes_during_the_link_is_linked_again() {
    if !has_llvm() {
        return;
    }
    let folder = Folder::new("await-change");
    let expected = reference(&folder, &["main.o", "five.o"]);
    let path = folder.0.display();
    // Long after all inputs were looked at, the compiler's run replaces one.
    let script = format!(
        "if mkdir {path}/begun 2>/dev/null; then sleep 0.3; cp {path}/five.o {path}/new; mv {path}/new {path}/helper.o; fi
        exec llvm-lto2-22 \"$@\""
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
    command.current_dir(&folder.0).env("WALD_LTO_TOOL", folder.tool("llvm-lto2", &script));
    let newer = concat!("--await-newer=", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    command.args(["--threads=2", "--await-inputs", newer, "main.o", "helper.o", "-o", "out.wasm"]);
    let mut child = command.spawn().unwrap();
    folder.take("lto_six.o", "helper.o");
    assert!(child.wait().unwrap().success());
    assert!(folder.0.join("begun").exists());
    assert!(folder.output() == expected);
}

#[test]
fn a_watched_module_is_compiled_again() {
    if !has_llvm() {
        return;
    }
    let folder = Folder::new("watch");
    let reference = |kept: &str| reference(&folder, &["main.o", kept, "other.o", "--export=other"]);
    let (five, six, full) = (reference("five.o"), reference("six.o"), reference("full.o"));
    // Counts what the tool adds to its cache.
    let script = "cd ${3%/*}; before=$(ls cache | wc -l); cd - >/dev/null; llvm-lto2-22 \"$@\"; code=$?
        cd ${3%/*}; echo $(($(ls cache | wc -l) - before)) >> \"$TMPDIR/../added\"; exit $code";
    folder.take("lto_five.o", "helper.o");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wald"));
    command.current_dir(&folder.0).env("TMPDIR", folder.0.join("tmp"));
    command.env("WALD_LTO_TOOL", folder.tool("llvm-lto2", script));
    command.args(["--watch", "main.o", "helper.o", "other.o", "--export=other", "-o", "out.wasm"]);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    // The name section holds no names of inputs, so the modules are those of the links above.
    for (kept, expected) in [("five", &five), ("six", &six), ("full", &full), ("five", &five)] {
        folder.take(&format!("lto_{kept}.o"), "helper.o");
        let start = Instant::now();
        while std::fs::read(folder.0.join("out.wasm")).unwrap_or_default() != *expected {
            assert!(start.elapsed() < Duration::from_secs(20), "{kept}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // `helper` is inlined where it is called. The last but one is merged, not thin.
    let added = std::fs::read_to_string(folder.0.join("added")).unwrap();
    assert_eq!(added.split_whitespace().collect::<Vec<_>>(), ["3", "2", "1", "2"]);
    assert_eq!(std::fs::read_dir(folder.0.join("tmp")).unwrap().count(), 0);
}
