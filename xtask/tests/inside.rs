//! Wald runs inside of a WebAssembly engine, linked by itself, and writes the bytes that it writes outside.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use wald::options::Options;
use wald::{Bytes, InputDescription, Linker};
use xtask::engine;
use xtask::packages;
use xtask::wasi::World;
use xtask::workspace;

const TARGET: &str = "wasm32-wasip1";

/// The demo's objects and archives.
fn files() -> BTreeMap<String, Vec<u8>> {
    let folder = workspace::root().join("demo/objects");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "o" || extension == "a") {
            let name = path.file_name().unwrap().to_str().unwrap().to_string();
            files.insert(name, std::fs::read(path).unwrap());
        }
    }
    assert!(files.len() >= 5);
    files
}

/// Builds the library, or for `inside` the example, for a target in a folder of its own.
fn build(target: &str, what: &[&str], folder: &Path) {
    let wald = workspace::build_wald("dev").expect("wald builds");
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(workspace::root()).args([
        "build",
        "--quiet",
        "--package",
        "wald",
        "--target",
        target,
    ]);
    // Without optimisation the engine would be busy for minutes.
    command.args(["--release"]).args(what).arg("--target-dir").arg(folder);
    command.env("CARGO_TARGET_WASM32_WASIP1_LINKER", wald).env("CARGO_PROFILE_RELEASE_LTO", "off");
    let output = command.output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn inside_of_an_engine_it_links_the_same_bytes() {
    if !packages::has_rust_target(TARGET) {
        println!("skipped: rustc has no standard library for {TARGET}");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("inside");
    build(TARGET, &["--example", "inside"], &folder);
    let module = std::fs::read(folder.join(TARGET).join("release/examples/inside.wasm")).unwrap();
    engine::validate(&module).unwrap();
    let files = files();
    let mut args = vec!["inside"];
    args.extend(files.keys().map(String::as_str));
    let finished = engine::run(&module, World::new(&args, files.clone())).unwrap();
    assert_eq!((finished.code, finished.stderr.as_str()), (0, ""));

    let mut options = Options::default();
    options.output = "inside.wasm".into();
    let mut linker = Linker::new(options);
    for (path, bytes) in files {
        let input = linker.declare_input(InputDescription::new(path));
        linker.provide(input, Bytes::from(bytes)).unwrap();
    }
    let outside = linker.finish().module.unwrap();
    let digits: String = outside.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(finished.stdout.trim_end() == digits, "other bytes");
}

#[test]
fn it_builds_for_engines_without_a_system() {
    let target = "wasm32-unknown-unknown";
    if !packages::has_rust_target(target) {
        println!("skipped: rustc has no standard library for {target}");
        return;
    }
    build(target, &["--lib"], &Path::new(env!("CARGO_TARGET_TMPDIR")).join("inside"));
}
