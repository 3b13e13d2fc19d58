//! The toy compiler of `crates/wald/examples/toy`: what it links runs, an edit links to what a fresh compilation gives, and
//! mistakes are told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use xtask::engine;
use xtask::wasi::World;
use xtask::workspace;

/// The compiler, built once.
fn compiler() -> &'static Path {
    static COMPILER: OnceLock<PathBuf> = OnceLock::new();
    COMPILER.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(workspace::root()).args([
            "build",
            "--quiet",
            "--package",
            "wald",
            "--example",
            "toy",
        ]);
        assert!(cargo.status().expect("cargo runs").success());
        workspace::target().join("debug/examples/toy")
    })
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("toy").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a scratch folder");
        Folder(folder)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("the source is written");
    }

    fn compile(&self, args: &[&str]) -> Output {
        Command::new(compiler()).current_dir(&self.0).args(args).output().expect("the compiler runs")
    }

    fn module(&self, args: &[&str]) -> Vec<u8> {
        let output = self.compile(args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(self.0.join("out.wasm")).expect("a module")
    }
}

fn run(module: &[u8]) -> String {
    engine::validate(module).expect("the module is valid");
    engine::run(module, World::new(&["toy"], BTreeMap::new())).expect("the module runs").stdout
}

const EXAMPLE: &str = include_str!("../../crates/wald/examples/toy/fib.toy");

#[test]
fn the_example_runs_and_can_be_edited() {
    let folder = Folder::new("example");
    folder.write("a.toy", EXAMPLE);
    let first = folder.module(&["out.wasm", "a.toy"]);
    let expected = "fib\n0\n5\n55\n610\n6765\ngreatest common divisor\n21\n-2147483648\n";
    assert_eq!(run(&first), expected);
    // Whichever thread is the fastest.
    for _ in 0..10 {
        assert!(folder.module(&["out.wasm", "a.toy"]) == first);
    }

    folder.write("b.toy", &EXAMPLE.replace("fib(n - 1) + fib(n - 2)", "fib(n - 1) + fib(n - 2) * 2"));
    let edited = folder.module(&["out.wasm", "a.toy", "b.toy"]);
    assert_eq!(run(&edited), "fib\n0\n11\n341\n10923\n349525\ngreatest common divisor\n21\n-2147483648\n");
    assert!(edited == folder.module(&["out.wasm", "b.toy"]));
    let said =
        String::from_utf8(folder.compile(&["out.wasm", "a.toy", "b.toy", "a.toy"]).stdout).expect("text");
    assert!(said.contains("a.toy: 3 functions compiled in "), "{said}");
    assert!(said.contains("b.toy: 1 functions compiled in "), "{said}");
    // And back.
    assert!(folder.module(&["out.wasm", "a.toy", "b.toy", "a.toy"]) == first);
}

#[test]
fn a_function_that_is_gone_is_undefined() {
    let folder = Folder::new("gone");
    folder.write("a.toy", "fn helper() { return 7 } fn main() { print helper() }");
    folder.write("b.toy", "fn main() { print helper() }");
    folder.write("c.toy", "fn main() { print 8 }");
    let output = folder.compile(&["out.wasm", "a.toy", "b.toy"]);
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "toy: error: a.toy: undefined symbol: helper");
    assert!(lines[1].starts_with("    note: function main of a.toy, offset "), "{said}");
    assert_eq!(lines.last(), Some(&"toy: not linked"));
    let _ = std::fs::remove_file(folder.0.join("out.wasm"));
    assert_eq!(run(&folder.module(&["out.wasm", "a.toy", "c.toy"])), "8\n");
}

/// The demo's objects define `_start` too, and say so.
#[test]
fn objects_can_be_linked_with() {
    let folder = Folder::new("with");
    folder.write("a.toy", "fn main() { print 1 }");
    let object = workspace::root().join("demo/objects/main.o");
    let output = folder.compile(&["--with", object.to_str().expect("a path"), "out.wasm", "a.toy"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("duplicate symbol: _start"), "{stderr}");
    assert!(stderr.contains("\n>>> defined in a.toy\n"), "{stderr}");
}

#[test]
fn mistakes_are_told() {
    let folder = Folder::new("mistakes");
    for (source, message) in [
        ("fn main() { print x }", "a.toy: line 1: there is no variable x"),
        ("fn main() {\n let = 3 }", "a.toy: line 2: expected a name, found ="),
        ("fn main() { print 2147483648 }", "a.toy: line 1: 2147483648 is no number of 32 bits"),
        ("fn main() { print \"a }", "a.toy: line 1: a string without an end"),
        ("fn main() {", "a.toy: line 1: the source ends too early"),
        ("fn f(a) { } fn main() { f() }", "a.toy: main calls f with 0 arguments, it takes 1"),
        ("fn f() { } fn f() { }", "a.toy: line 1: there is a function f already"),
        ("let x = 3", "a.toy: line 1: expected fn, found let"),
    ] {
        folder.write("a.toy", source);
        let output = folder.compile(&["out.wasm", "a.toy"]);
        assert_eq!(output.status.code(), Some(1), "{source}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), format!("toy: {message}\n"), "{source}");
        assert!(!folder.0.join("out.wasm").exists());
    }
}
