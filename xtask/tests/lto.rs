//! The demo's program, compiled for link-time optimization: linked with each variant of `cargo xtask diff --lto`, it gives wasm-ld's
//! bytes, and it says what it should.
//!
//! If a tool is not installed, the tests say so in one line and are skipped.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use xtask::demo::{world, ARGUMENTS};
use xtask::demo_objects::{self, ARCHIVE, OBJECTS};
use xtask::diff::{Linkers, Outcome, LTO_VARIANTS};
use xtask::{engine, job, packages, workspace};

/// A job of the demo's sources, compiled with these flags. `None` if it cannot be compiled.
fn job(name: &str, flags: &[&str]) -> Option<PathBuf> {
    let missing = packages::missing();
    if !missing.is_empty() {
        println!("skipped {name}: not installed: {}", missing.join(" "));
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lto").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    demo_objects::build_with(&folder, flags).expect("the sources compile");
    let inputs: Vec<String> =
        OBJECTS.iter().map(|name| format!("{name}.o")).chain([ARCHIVE.to_string()]).collect();
    std::fs::write(folder.join("link.rsp"), inputs.join("\n")).expect("it is written");
    Some(folder)
}

/// Links with all variants whose names begin with one of `variants`, and runs what is a program.
fn check(folder: &Path, variants: &[&str]) {
    let wald = workspace::build_wald("dev").expect("wald builds");
    let output = folder.join("out.wasm");
    let linkers = Linkers::new(&wald, &output).expect("wasm-ld is installed");
    let expected = std::fs::read_to_string(demo_objects::folder().join("expected.txt")).expect("the file");
    let is_wanted = |name: &str| variants.iter().any(|start| name.starts_with(start));
    for &variant in LTO_VARIANTS.iter().filter(|(name, _)| is_wanted(name)) {
        let (name, options) = variant;
        match linkers.compare(folder, name, variant).expect("both linkers start") {
            Outcome::Different(text) => panic!("{name}: {text}"),
            Outcome::Refused => continue,
            Outcome::Same => {}
        }
        if options.iter().any(|option| ["-r", "-pie", "-shared"].contains(option)) {
            continue;
        }
        let module = job::link(&wald, folder, options, &output).expect("it starts").module.expect("it links");
        engine::validate(&module).expect("the module is valid");
        let finished = engine::run(&module, world(ARGUMENTS).expect("the data")).expect("the program runs");
        assert_eq!((finished.code, finished.stdout.as_str()), (0, expected.as_str()), "{name}");
    }
}

#[test]
fn full_bitcode_with_all_variants() {
    job("full", &["-flto"]).iter().for_each(|folder| check(folder, &[""]));
}

#[test]
fn thin_bitcode_with_all_variants() {
    job("thin", &["-flto=thin"]).iter().for_each(|folder| check(folder, &[""]));
}

#[test]
fn levels_of_the_compiler() {
    for (name, flags) in [("O0", &["-O0"][..]), ("Os", &["-Os", "-g0"]), ("O3", &["-O3", "-mbulk-memory"])] {
        for kind in ["-flto", "-flto=thin"] {
            let folder = job(&format!("{name}{kind}"), &[flags, &[kind]].concat());
            folder.iter().for_each(|folder| check(folder, &["plain", "lto-O1"]));
        }
    }
}

/// Position-independent code takes another way through the code generator.
#[test]
fn position_independent_bitcode() {
    for kind in ["-flto", "-flto=thin"] {
        let folder = job(&format!("pic{kind}"), &[kind, "-fPIC", "-fvisibility=default"]);
        folder.iter().for_each(|folder| check(folder, &["plain", "pie", "shared", "relocatable"]));
    }
}
