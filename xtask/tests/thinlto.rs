//! Distributed ThinLTO gives the bytes of a local link: the examples with ninja and Bazel, and the distributors.
//!
//! A test that needs a tool that is not installed says so in one line and is skipped.

#![cfg(unix)]

#[path = "thinlto/distributors.rs"]
mod distributors;
#[path = "thinlto/examples.rs"]
mod examples;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use xtask::workspace::{self, find_program};

/// The tools that every test needs.
const TOOLS: [&str; 3] = ["clang-22", "llvm-lto2-22", "wasm-ld-22"];

/// The linker under test, built once.
fn wald() -> &'static Path {
    static WALD: OnceLock<PathBuf> = OnceLock::new();
    WALD.get_or_init(|| workspace::build_wald("dev").expect("wald builds"))
}

/// Whether all tools are there; says so if not.
fn has_tools(test: &str, more: &[&str]) -> bool {
    let mut tools = TOOLS.iter().chain(more);
    match tools.find(|tool| find_program(tool).is_none()) {
        Some(tool) => println!("skipped {test}: {tool} is not installed"),
        None => return true,
    }
    false
}

/// A fresh folder for one test, with a folder for temporary files.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("thinlto").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("tmp")).expect("a scratch folder");
        Scratch(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A command in this folder.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.0).env("TMPDIR", self.path("tmp")).env("WALD", wald());
        command
    }

    /// Runs a command that must succeed, and returns what it printed.
    fn run(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> String {
        let mut command = self.command(program);
        let output = command.args(arguments).output().expect("the program starts");
        assert!(output.status.success(), "{command:?}\n{}", text(&output));
        text(&output)
    }

    /// Links by a linker in a folder of its own, with all paths from here, and returns the module.
    fn link(&self, linker: &Path, arguments: &[&str]) -> Vec<u8> {
        let output = format!("{}.out", linker.file_name().expect("a name").to_string_lossy());
        std::fs::create_dir_all(self.path(&output)).expect("a folder");
        let output = format!("{output}/app.wasm");
        self.run(linker, &[arguments, &["-o", &output]].concat());
        self.read(&output)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn script(&self, name: &str, lines: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, format!("#!/bin/sh\n{lines}")).expect("the script is written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it may be run");
        path.display().to_string()
    }

    /// Nothing is left of temporary files.
    fn assert_no_leftovers(&self) {
        let left: Vec<_> = std::fs::read_dir(self.path("tmp")).expect("the folder").collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// Copies the example's sources, or all of it.
    fn copy_example(&self) {
        let example = workspace::root().join("examples/thinlto");
        self.run("cp", &["-r", &format!("{}/.", example.display()), "."]);
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn wasm_ld() -> PathBuf {
    workspace::wasm_ld().expect("it is there")
}

fn assert_same(one: &[u8], other: &[u8], what: &str) {
    if let Some(difference) = xtask::explain::first_difference(one, other) {
        panic!("{what}: {difference}");
    }
}
