//! The real compiler drivers start Wald, and what it links runs.
//!
//! A test whose driver or target is not installed says in one line that it was skipped, and why.

#![cfg(unix)]

#[path = "drivers/lto.rs"]
mod lto;
#[path = "drivers/support.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::{clang, has_clang, has_target, run, scratch, succeed, wald, Linker, RUST_LIBRARY};
use xtask::{engine, workspace};

const C: &str = r#"
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  FILE *file = fopen("in.txt", "r");
  char line[16] = "";
  if (!file || !fgets(line, sizeof line, file)) return 1;
  printf("%d %s %s", argc, argv[1], line);
  return atoi("3");
}
"#;

const CXX: &str = r#"
#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <vector>
struct Global { std::string text; Global() : text("constructed") {} } global;
int main(int argc, char **argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  std::sort(words.begin(), words.end());
  std::map<std::string, int> count;
  for (auto &word : words) count[word]++;
  std::cout << global.text;
  for (auto &[word, times] : count) std::cout << " " << word << "=" << times;
  std::cout << std::endl;
}
"#;

#[test]
fn clang_with_fuse_ld() {
    for (name, level) in [("c-fuse-ld", "-O2"), ("c-fuse-ld-g", "-g")] {
        if !has_clang("clang_with_fuse_ld") {
            return;
        }
        let folder = scratch(name);
        let linker = Linker::new(&folder, "wald");
        let options = [level.to_string(), format!("-fuse-ld={}", linker.path.display())];
        let finished = run(&clang("clang-22", &folder, ("a.c", C), &options), &["program", "argument"]);
        assert!(linker.was_started());
        assert_eq!((finished.code, finished.stdout.as_str()), (3, "2 argument one\n"));
    }
}

/// The demo's script feeds a parallel build to a linker that waits, and compares with a link from nothing.
#[test]
fn a_parallel_build_feeds_the_linker() {
    if !has_clang("a_parallel_build_feeds_the_linker") {
        return;
    }
    let folder = scratch("parallel-clang");
    std::fs::write(folder.join("a.c"), C).expect("the source is written");
    std::fs::write(folder.join("b.c"), "int unused(void) { return 1; }\n").expect("the source is written");
    let linker = Linker::new(&folder, "wald");
    let script = workspace::root().join("demo/parallel-clang.sh");
    let mut command = Command::new(script);
    let output =
        command.arg(&folder).args(["--", "-g"]).env("WALD", &linker.path).output().expect("bash runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(stdout.starts_with("linked 2 objects while they were compiled: the same "), "{stdout}{stderr}");
    assert!(linker.was_started());
}

/// `-B` names a folder in which clang looks for programs first.
#[test]
fn clang_with_a_folder_of_programs() {
    if !has_clang("clang_with_a_folder_of_programs") {
        return;
    }
    let folder = scratch("c-folder");
    // Debian's clang asks for the name with the version.
    let linker = Linker::new(&folder, "wasm-ld-22");
    std::fs::copy(&linker.path, folder.join("wasm-ld")).expect("copied");
    let options = ["-O1".to_string(), format!("-B{}", folder.display())];
    assert_eq!(run(&clang("clang-22", &folder, ("a.c", C), &options), &["program", "x"]).stdout, "2 x one\n");
    assert!(linker.was_started());
}

/// clang 22 ignores the option for WebAssembly, with a warning. A driver that heeds it must be served.
#[test]
fn clang_with_ld_path() {
    if !has_clang("clang_with_ld_path") {
        return;
    }
    let folder = scratch("c-ld-path");
    let linker = Linker::new(&folder, "wald");
    let option = format!("--ld-path={}", linker.path.display());
    std::fs::write(folder.join("a.c"), C).expect("the source is written");
    let dry = Command::new("clang-22")
        .current_dir(&folder)
        .args(["--target=wasm32-wasi", "-Wno-deprecated", "-###", "a.c"])
        .arg(&option)
        .output()
        .expect("clang starts");
    // The programs that it would start, in quotes.
    let started = format!("\"{}\"", linker.path.display());
    if !String::from_utf8_lossy(&dry.stderr).contains(&started) {
        println!(
            "skipped clang_with_ld_path: this clang ignores --ld-path= for WebAssembly; -fuse-ld= works"
        );
        return;
    }
    assert_eq!(
        run(&clang("clang-22", &folder, ("a.c", C), &[option]), &["program", "x"]).stdout,
        "2 x one\n"
    );
    assert!(linker.was_started());
}

#[test]
fn clang_passes_on_what_wald_says() {
    if !has_clang("clang_passes_on_what_wald_says") {
        return;
    }
    let folder = scratch("c-error");
    std::fs::write(folder.join("a.c"), "int nowhere(void); int main(void) { return nowhere(); }")
        .expect("written");
    let output = Command::new("clang-22")
        .current_dir(&folder)
        .args(["--target=wasm32-wasi", "-Wno-deprecated", "a.c", "-o", "out.wasm"])
        .arg(format!("-fuse-ld={}", wald().display()))
        .output()
        .expect("clang starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("wald: error:"), "{said}");
    assert!(said.contains("undefined symbol: nowhere"), "{said}");
    assert!(!folder.join("out.wasm").exists());
}

#[test]
fn clangxx_with_libcxx() {
    if !has_clang("clangxx_with_libcxx") {
        return;
    }
    let folder = scratch("cxx");
    let linker = Linker::new(&folder, "wald");
    let options = ["-O2".into(), "-fno-exceptions".into(), format!("-fuse-ld={}", linker.path.display())];
    let finished = run(&clang("clang++-22", &folder, ("a.cc", CXX), &options), &["program", "b", "a", "b"]);
    assert!(linker.was_started());
    assert_eq!((finished.code, finished.stdout.as_str()), (0, "constructed a=1 b=2\n"));
}

const RUST_PROGRAM: &str = r#"
fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    words.sort();
    let text = std::fs::read_to_string("in.txt").unwrap_or_default();
    println!("{} {}", words.join("+"), text.lines().count());
    std::process::exit(words.len() as i32);
}
"#;

/// A cargo package; gives back its folder.
fn package(name: &str, file: &str, source: &str, kind: &str) -> PathBuf {
    let folder = scratch(name);
    std::fs::create_dir_all(folder.join("src")).expect("written");
    let manifest =
        format!("[package]\nname = \"out\"\nversion = \"0.0.0\"\nedition = \"2021\"\n{kind}\n[workspace]\n");
    std::fs::write(folder.join("Cargo.toml"), manifest).expect("written");
    std::fs::write(folder.join("src").join(file), source).expect("written");
    folder
}

/// Builds a package for a target with Wald as its linker, debug and release; gives back both modules.
fn cargo(folder: &Path, target: &str) -> [PathBuf; 2] {
    [("debug", None), ("release", Some("--release"))].map(|(profile, option)| {
        let linker = Linker::new(folder, "wald");
        let _ = std::fs::remove_file(&linker.log);
        let mut command = Command::new("cargo");
        command.current_dir(folder).args(["build", "--quiet", "--offline", "--target", target]).args(option);
        command.env("RUSTFLAGS", format!("-Clinker={}", linker.path.display()));
        command.env("CARGO_TARGET_DIR", folder.join("target")).env_remove("CARGO_ENCODED_RUSTFLAGS");
        succeed(&mut command);
        assert!(linker.was_started(), "{profile}");
        folder.join("target").join(target).join(profile).join("out.wasm")
    })
}

#[test]
fn cargo_for_wasm32_unknown_unknown() {
    if !has_target("cargo_for_wasm32_unknown_unknown", "wasm32-unknown-unknown") {
        return;
    }
    let folder = package("rust-library", "lib.rs", RUST_LIBRARY, "[lib]\ncrate-type = [\"cdylib\"]");
    for module in cargo(&folder, "wasm32-unknown-unknown") {
        let module = std::fs::read(module).expect("cargo wrote its output");
        engine::validate(&module).expect("the module is valid");
        assert_eq!(engine::call(&module, "answer", 12), Ok(22));
    }
}

#[test]
fn cargo_for_wasm32_wasip1() {
    if !has_target("cargo_for_wasm32_wasip1", "wasm32-wasip1") {
        return;
    }
    let folder = package("rust-program", "main.rs", RUST_PROGRAM, "");
    for module in cargo(&folder, "wasm32-wasip1") {
        let finished = run(&module, &["program", "b", "a"]);
        assert_eq!((finished.code, finished.stdout.as_str()), (2, "a+b 2\n"));
    }
}

/// rustc calls a linker of this name with `-flavor wasm`.
#[test]
fn rustc_with_a_linker_named_rust_lld() {
    if !has_target("rustc_with_a_linker_named_rust_lld", "wasm32-unknown-unknown") {
        return;
    }
    let folder = scratch("rust-lld");
    let linker = Linker::new(&folder, "rust-lld");
    std::fs::write(folder.join("a.rs"), RUST_LIBRARY).expect("written");
    let mut command = Command::new("rustc");
    command.current_dir(&folder).args([
        "--target=wasm32-unknown-unknown",
        "--crate-type=cdylib",
        "a.rs",
        "-oout.wasm",
    ]);
    succeed(command.arg(format!("-Clinker={}", linker.path.display())));
    assert!(linker.was_started());
    let module = std::fs::read(folder.join("out.wasm")).expect("rustc wrote its output");
    assert_eq!(engine::call(&module, "answer", 12), Ok(22));
}
