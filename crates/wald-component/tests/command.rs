//! The command alone: what it says, and what becomes of its output.

#[path = "same_bytes/folder.rs"]
mod folder;

use folder::Folder;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn command(folder: &Folder, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wald-component-ld"));
    command.current_dir(&folder.path).env_remove("WALD_FLAGS").args(line.split(' '));
    command
}

/// Exit code, standard output and standard error.
fn run(folder: &Folder, line: &str) -> (Option<i32>, String, String) {
    let output = command(folder, line).output().expect("the command starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn with_files() -> Folder {
    let folder = Folder::with_objects("component-command");
    folder.write("broken.wit", "package test:broken;\nworld {\n");
    folder.write("broken.wat", "(module (func)");
    folder.write("worldless.wit", "package test:worldless;\ninterface i { f: func(); }\n");
    folder
}

#[test]
fn mistakes_are_said_and_the_older_output_stays() {
    let folder = with_files();
    folder.write("out.wasm", "old");
    let names = folder.names();
    for (line, said) in [
        (
            "hello.o --wasi-adapter=cli",
            "--wasi-adapter: expected one of command, reactor, proxy, none, but got 'cli'\n",
        ),
        (
            "hello.o --string-encoding=x",
            "--string-encoding: expected one of utf8, utf16, compact-utf16, but got 'x'\n",
        ),
        (
            "hello.o --validate-component=x",
            "--validate-component: expected one of true, false, but got 'x'\n",
        ),
        ("hello.o --skip-wit-component=true", "--skip-wit-component takes no value\n"),
        ("hello.o --adapt=.", "--adapt: '.' has no file name\n"),
        ("hello.o --adapt=a=no.wasm", "--adapt: cannot open no.wasm: No such file or directory\n"),
        ("hello.o --adapt=broken.wat", "--adapt: broken.wat is neither a module nor one in text form\n"),
        ("hello.o --component-type=no.wit", "no.wit: cannot be used as --component-type: No such file"),
        ("hello.o --component-type=broken.wit", "broken.wit: cannot be used as --component-type: "),
        ("hello.o --component-type=worldless.wit", "worldless.wit: cannot be used as --component-type: "),
        (
            "hello.o --wasi-adapter=none",
            "cannot make a component: module requires an import interface named `wasi_snapshot_preview1`\n",
        ),
        ("greeter.o --no-entry", "cannot make a component: "),
        ("hello.o --wasi-adaptor=none", "unknown argument: --wasi-adaptor=none\n"),
    ] {
        let (code, stdout, stderr) = run(&folder, &format!("{line} -o out.wasm"));
        assert!(stderr.starts_with(&format!("wald-component-ld: error: {said}")), "{line}\n{stderr}");
        assert_eq!((code, &*stdout), (Some(1), ""), "{line}");
        assert_eq!(std::fs::read(folder.path.join("out.wasm")).expect("it stays"), b"old", "{line}");
        assert_eq!(folder.names(), names, "{line}");
    }
}

#[test]
fn the_last_argument_may_lack_its_value() {
    let (code, _, stderr) = run(&with_files(), "hello.o --adapt");
    assert_eq!((code, &*stderr), (Some(1), "wald-component-ld: error: --adapt: missing argument\n"));
}

#[test]
fn reasons_and_what_to_do_follow() {
    let folder = with_files();
    let (_, _, stderr) = run(&folder, "hello.o --wasi-adapter=none -o out.wasm");
    assert!(
        stderr.contains("\n    note: failed to resolve import `wasi_snapshot_preview1::fd_write`\n"),
        "{stderr}"
    );
    assert!(
        stderr.ends_with(
            "    help: --wasi-adapter=command, reactor or proxy provides wasi_snapshot_preview1\n"
        ),
        "{stderr}"
    );
    let (_, _, stderr) = run(&folder, "greeter.o --component-type=broken.wit --no-entry -o out.wasm");
    assert!(stderr.contains("\n>>> ") && stderr.contains("broken.wit:2:7"), "{stderr}");
    let (_, _, stderr) = run(&folder, "hello.o --wasi-adapter=none --no-notes -o out.wasm");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let (_, _, stderr) = run(&folder, "hello.o --wasi-adapter=none --diagnostics-format=json -o out.wasm");
    assert!(stderr.contains("\"code\":\"W0026\"") || stderr.contains("\"code\": \"W0026\""), "{stderr}");
}

#[test]
fn version_and_help() {
    let folder = with_files();
    let version = format!(
        "wald-component-ld {} (compatible with wasm-component-ld {})\n",
        env!("CARGO_PKG_VERSION"),
        wald_component::COMPATIBLE
    );
    for line in ["--version", "-V", "hello.o --version -o out.wasm"] {
        assert_eq!(run(&folder, line), (Some(0), version.clone(), String::new()), "{line}");
    }
    for line in ["--help", "-h"] {
        let (code, help, _) = run(&folder, line);
        assert_eq!(code, Some(0));
        assert!(help.contains("\nComponents:\n") && help.contains("\n  --gc-sections"), "{help}");
    }
    assert!(!folder.path.join("out.wasm").exists());
}

#[test]
fn what_is_not_linked_to_the_end_stays_a_module() {
    let folder = with_files();
    for (line, start) in [
        ("hello.o", COMPONENT),
        ("hello.o --component", COMPONENT),
        ("hello.o -r", MODULE),
        ("adder.o --shared --experimental-pic --unresolved-symbols=import-dynamic", MODULE),
        ("hello.o --skip-wit-component", MODULE),
    ] {
        let (code, _, stderr) = run(&folder, &format!("{line} -o out.wasm"));
        assert_eq!(code, Some(0), "{line}\n{stderr}");
        let output = std::fs::read(folder.path.join("out.wasm")).expect("the output is there");
        assert!(output.starts_with(start), "{line}");
    }
}

#[test]
fn standard_output_takes_a_component() {
    let folder = with_files();
    let output = command(&folder, "hello.o -o -").output().expect("the command starts");
    assert!(output.stdout.starts_with(COMPONENT));
}

#[test]
fn a_watched_component_is_made_again() {
    let folder = with_files();
    let mut child = command(&folder, "hello.o --watch -o out.wasm")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let start = Instant::now();
    let wait_for = |wanted: &dyn Fn(&[u8]) -> bool| {
        while !std::fs::read(folder.path.join("out.wasm")).is_ok_and(|bytes| wanted(&bytes)) {
            assert!(start.elapsed() < Duration::from_secs(60), "nothing came");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let has = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    wait_for(&|bytes| bytes.starts_with(COMPONENT) && has(bytes, b"hello\n"));
    let object = std::fs::read(folder.path.join("hello.o")).expect("the object is there");
    let at = object.windows(6).position(|part| part == b"hello\n").expect("its text");
    let mut object = object;
    object[at..at + 5].copy_from_slice(b"HELLO");
    std::fs::write(folder.path.join("new.o"), object).expect("written");
    std::fs::rename(folder.path.join("new.o"), folder.path.join("hello.o")).expect("renamed");
    wait_for(&|bytes| bytes.starts_with(COMPONENT) && has(bytes, b"HELLO\n"));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}
