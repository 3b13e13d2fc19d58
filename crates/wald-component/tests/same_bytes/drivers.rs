//! rustc and clang start `wald-component-ld` for components, and what it links has the reference's bytes and runs.
//!
//! A test whose compiler or target is not installed says in one line that it was skipped, and why. Components run if `jco` is in `PATH`
//! (npm's package `@bytecodealliance/jco`). Otherwise only their bytes are compared.

use crate::folder::Folder;
use crate::support::{find_program, Reference};

use libtest_mimic::Trial;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const C: &str = r#"
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  char *text = malloc(16);
  snprintf(text, 16, "%d arguments", argc);
  puts(text);
  return argc == 1;
}
"#;

const RUST: &str = r#"
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    println!("{} arguments", arguments.len());
    std::process::exit((arguments.len() == 1).into());
}
"#;

const LIBC: &str = "/usr/lib/wasm32-wasi";

/// A trial for each driver.
pub fn trials() -> Vec<Trial> {
    let trial = |name: &str, run: fn()| {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    };
    vec![
        trial("rustc for wasm32-wasip2", || rustc("wasm32-wasip2")),
        // A program of WASI 0.1 gets the adapter.
        trial("rustc for wasm32-wasip1", || rustc("wasm32-wasip1")),
        trial("clang with -fuse-ld", clang_with_fuse_ld),
        trial("clang with a folder of programs", clang_with_a_folder_of_programs),
    ]
}

/// A linker that lets the reference link first, and keeps its output. The driver's output must be `out.wasm`.
fn linker(folder: &Folder, reference: &Reference, name: &str) -> PathBuf {
    let script = format!(
        "#!/bin/sh\nset -e\nPATH='{}' '{}' \"$@\"\nmv out.wasm theirs.wasm\nexec '{}' \"$@\"\n",
        reference.search_path().display(),
        reference.program.display(),
        env!("CARGO_BIN_EXE_wald-component-ld")
    );
    folder.write(name, &script);
    let path = folder.path.join(name);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it may be run");
    path
}

/// Compiles, compares with the reference, and runs.
fn link_and_run(folder: &Folder, compiler: &str, arguments: &[&str]) {
    let output = Command::new(compiler)
        .current_dir(&folder.path)
        .args(arguments)
        .args(["-o", "out.wasm"])
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{compiler} {arguments:?}\n{stderr}");
    let component = std::fs::read(folder.path.join("out.wasm")).expect("the output is there");
    assert!(component.starts_with(b"\0asm\x0d\0\x01\0"), "not a component");
    let theirs = std::fs::read(folder.path.join("theirs.wasm")).expect("the linker was started");
    assert!(component == theirs, "the bytes are not the reference's");
    let Some(jco) = find_program("jco") else {
        println!("jco is not installed: the component was not run");
        return;
    };
    let run = |arguments: &[&str]| {
        let output = Command::new(&jco)
            .current_dir(&folder.path)
            .args(["run", "out.wasm"])
            .args(arguments)
            .output()
            .expect("jco starts");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(run(&["one", "two"]), (Some(0), "3 arguments\n".into()));
    assert_eq!(run(&[]), (Some(1), "1 arguments\n".into()));
}

fn rustc(target: &str) {
    let folder = Folder::new("drivers-rust");
    let libraries = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    let libraries = libraries.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    if !libraries.is_ok_and(|path| Path::new(&path).is_dir()) {
        println!("skipped: rustc has no standard library for {target}");
        return;
    }
    folder.write("main.rs", RUST);
    let reference = Reference::new();
    let linker = format!("-Clinker={}", linker(&folder, &reference, "linker").display());
    for more in [&["-O"][..], &["-g"]] {
        let arguments = [&["--target", target, &linker, "main.rs"][..], more].concat();
        link_and_run(&folder, "rustc", &arguments);
    }
}

/// A sysroot for `wasm32-wasip2` that has the C library of WASI 0.1.
fn clang_folder(test: &str) -> Option<Folder> {
    if find_program("clang-22").is_none() || !Path::new(LIBC).join("libc.a").is_file() {
        println!("skipped {test}: clang-22 or wasi-libc is not installed");
        return None;
    }
    let folder = Folder::new("drivers-c");
    for (kind, original) in [("lib", LIBC), ("include", "/usr/include/wasm32-wasi")] {
        std::fs::create_dir_all(folder.path.join("sysroot").join(kind)).expect("a folder");
        let link = folder.path.join("sysroot").join(kind).join("wasm32-wasip2");
        std::os::unix::fs::symlink(original, link).expect("linked");
    }
    folder.write("main.c", C);
    Some(folder)
}

fn clang_with_fuse_ld() {
    let Some(folder) = clang_folder("clang_with_fuse_ld") else { return };
    let reference = Reference::new();
    let linker = format!("-fuse-ld={}", linker(&folder, &reference, "linker").display());
    for level in ["-O2", "-g"] {
        link_and_run(
            &folder,
            "clang-22",
            &["--target=wasm32-wasip2", "--sysroot=sysroot", level, &linker, "main.c"],
        );
    }
}

/// clang looks for `wasm-component-ld` in the folders of `-B`, and passes `--wasm-ld-path`.
fn clang_with_a_folder_of_programs() {
    let Some(folder) = clang_folder("clang_with_a_folder_of_programs") else { return };
    let reference = Reference::new();
    linker(&folder, &reference, "wasm-component-ld");
    let arguments = ["--target=wasm32-wasip2", "--sysroot=sysroot", "-B.", "-O1", "main.c"];
    link_and_run(&folder, "clang-22", &arguments);
}
