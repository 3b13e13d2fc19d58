//! `examples/thinlto`, run by the engines that it is written for.

use super::{assert_same, has_tools, wald, wasm_ld, Scratch};

/// The links of the example, with the modules in a folder.
fn arguments(bitcode: &str, natives: &str) -> Vec<String> {
    let module = |name| format!("{bitcode}/{name}.o");
    let flags = ["--no-entry", "--strip-debug"].map(String::from);
    let start = [format!("{natives}/report.o")];
    let modules = ["main", "random", "checksum"].map(module);
    let library = ["--start-lib".into(), module("scramble"), module("unused"), "--end-lib".into()];
    [&flags[..], &start, &modules, &library].concat()
}

/// A local link of the same inputs by both linkers.
fn local_link(scratch: &Scratch, bitcode: &str, natives: &str) -> Vec<u8> {
    let arguments = arguments(bitcode, natives);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let module = scratch.link(wald(), &arguments);
    assert_same(&module, &scratch.link(&wasm_ld(), &arguments), "wald and wasm-ld");
    module
}

/// What ninja does, step by step, without the counts.
fn ninja(scratch: &Scratch) -> Vec<String> {
    let said = scratch.run("ninja", &["-j2"]);
    let mut steps: Vec<String> =
        said.lines().filter_map(|line| Some(line.split_once("] ")?.1.to_string())).collect();
    steps.sort();
    steps
}

fn edit(scratch: &Scratch, source: &str, from: &str, to: &str) {
    let text = String::from_utf8(scratch.read(source)).expect("C is UTF-8");
    assert!(text.contains(from), "{source}");
    // ninja looks at times: some file systems have coarse ones.
    std::thread::sleep(std::time::Duration::from_millis(20));
    std::fs::write(scratch.path(source), text.replace(from, to)).expect("the source is written");
}

#[test]
fn ninja_builds_the_module_of_a_local_link() {
    if !has_tools("ninja_builds_the_module_of_a_local_link", &["ninja"]) {
        return;
    }
    let scratch = Scratch::new("ninja");
    scratch.copy_example();
    assert_eq!(ninja(&scratch).len(), 13);
    let local = local_link(&scratch, "out/bitcode", "out");
    assert_same(&scratch.read("out/app.wasm"), &local, "distributed and local");
    assert_eq!(ninja(&scratch), [""; 0], "nothing is left to do");
    // wasm-ld's own indexes and last link give the same.
    let wasm_ld = wasm_ld();
    scratch.run("rm", &["-r", "out"]);
    let mut command = scratch.command("ninja");
    assert!(command.env("WALD", &wasm_ld).status().is_ok_and(|status| status.success()));
    assert_same(&scratch.read("out/app.wasm"), &local, "distributed with wasm-ld and local");
    scratch.assert_no_leftovers();
}

#[test]
fn an_edit_compiles_only_what_it_must() {
    if !has_tools("an_edit_compiles_only_what_it_must", &["ninja"]) {
        return;
    }
    let scratch = Scratch::new("ninja-edits");
    scratch.copy_example();
    ninja(&scratch);
    edit(&scratch, "src/random.c", ">> 16", ">> 17");
    let with_importer = [
        "BACKEND out/native/main.o",
        "BACKEND out/native/random.o",
        "BITCODE out/bitcode/random.o",
        "INDEX",
        "LINK out/app.wasm",
    ];
    assert_eq!(ninja(&scratch), with_importer);
    edit(&scratch, "src/checksum.c", "~sum;", "sum;");
    let alone =
        ["BACKEND out/native/checksum.o", "BITCODE out/bitcode/checksum.o", "INDEX", "LINK out/app.wasm"];
    assert_eq!(ninja(&scratch), alone);
    // The edit makes the function too large to import: it is decided anew which inputs main.o has.
    edit(&scratch, "src/random.c", "unsigned next_random", "__attribute__((noinline)) unsigned next_random");
    ninja(&scratch);
    assert_same(&scratch.read("out/app.wasm"), &local_link(&scratch, "out/bitcode", "out"), "after edits");
    scratch.assert_no_leftovers();
}

#[test]
fn an_input_that_ninja_does_not_know_is_missing() {
    if !has_tools("an_input_that_ninja_does_not_know_is_missing", &["ninja"]) {
        return;
    }
    let scratch = Scratch::new("ninja-missing");
    scratch.copy_example();
    ninja(&scratch);
    let declarations = String::from_utf8(scratch.read("out/index/imports.dd")).expect("text");
    let without = declarations.replace(" | out/bitcode/random.o", "");
    assert_ne!(declarations, without);
    std::fs::write(scratch.path("out/index/imports.dd"), without).expect("it is written");
    std::fs::remove_file(scratch.path("out/native/main.o")).expect("it was built");
    let output = scratch.command("ninja").output().expect("ninja starts");
    let said = super::text(&output);
    assert!(!output.status.success() && said.contains("FAILED: out/native/main.o"), "{said}");
    assert!(said.contains("out/bitcode/random.o"), "{said}");
    scratch.assert_no_leftovers();
}

/// Bazel in a scratch folder. Its server is ended when this is dropped.
struct Bazel<'a>(&'a Scratch);

impl Bazel<'_> {
    fn run(&self, arguments: &[&str]) -> String {
        let root = format!("--output_user_root={}", self.0.path("root").display());
        self.0.run("bazel", &[&[&root[..]], arguments].concat())
    }

    /// Builds, and returns the actions of these kinds that were run.
    fn build(&self, kinds: &[&str]) -> Vec<String> {
        let linker = format!("--action_env=WALD={}", wald().display());
        let said = self.run(&["build", "--subcommands", &linker, "//:app"]);
        let action = |line: &str| {
            line.split_once("[action '").and_then(|(_, rest)| Some(rest.split_once('\'')?.0.to_string()))
        };
        let mut actions: Vec<String> = said.lines().filter_map(action).collect();
        actions.retain(|action| kinds.iter().any(|kind| action.starts_with(kind)));
        actions.sort();
        actions
    }
}

impl Drop for Bazel<'_> {
    fn drop(&mut self) {
        self.run(&["clean", "--expunge"]);
    }
}

#[test]
fn bazel_builds_the_module_of_a_local_link() {
    if !has_tools("bazel_builds_the_module_of_a_local_link", &["bazel"]) {
        return;
    }
    let scratch = Scratch::new("bazel");
    scratch.copy_example();
    let bazel = Bazel(&scratch);
    assert_eq!(bazel.build(&["ThinLtoBackend"]).len(), 5);
    // The names in indexes are relative to the folder in which Bazel runs actions.
    let bitcode = String::from_utf8(scratch.read("bazel-bin/index/main.o.imports")).expect("text");
    let folder = bitcode.trim_end().strip_suffix("/bitcode/random.o").expect("main.o imports from random.o");
    assert!(folder.starts_with("bazel-out/"), "{folder}");
    let local = local_link(&scratch, "bazel-bin/bitcode", "bazel-bin/objects");
    assert_same(&scratch.read("bazel-bin/app.wasm"), &local, "distributed and local");
    edit(&scratch, "src/random.c", ">> 16", ">> 17");
    let actions = bazel.build(&["Compile", "ThinLtoBackend"]);
    assert_eq!(
        actions,
        ["Compile bitcode/random.o", "ThinLtoBackend main.o", "ThinLtoBackend random.o"],
        "only what the edit concerns"
    );
    edit(&scratch, "src/checksum.c", "~sum;", "sum;");
    let actions = bazel.build(&["Compile", "ThinLtoBackend"]);
    assert_eq!(actions, ["Compile bitcode/checksum.o", "ThinLtoBackend checksum.o"]);
    let local = local_link(&scratch, "bazel-bin/bitcode", "bazel-bin/objects");
    assert_same(&scratch.read("bazel-bin/app.wasm"), &local, "after edits");
}
