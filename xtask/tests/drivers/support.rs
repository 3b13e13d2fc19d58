//! What the tests of drivers share.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use xtask::engine::{self, Finished};
use xtask::packages;
use xtask::wasi::World;
use xtask::workspace;

/// The linker under test, built once.
pub fn wald() -> &'static Path {
    static WALD: OnceLock<PathBuf> = OnceLock::new();
    WALD.get_or_init(|| workspace::build_wald("dev").expect("wald builds"))
}

/// A linker that starts Wald and writes down that it was started: the output alone cannot show it, for wasm-ld writes the
/// same bytes.
pub struct Linker {
    pub path: PathBuf,
    pub log: PathBuf,
}

impl Linker {
    pub fn new(folder: &Path, name: &str) -> Linker {
        Linker::starting(wald(), folder, name)
    }

    /// A linker of the same kind that starts another program.
    pub fn starting(program: &Path, folder: &Path, name: &str) -> Linker {
        let (path, log) = (folder.join(name), folder.join("started"));
        let script =
            format!("#!/bin/sh\necho started >>'{}'\nexec '{}' \"$@\"\n", log.display(), program.display());
        std::fs::write(&path, script).expect("the script is written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it may be run");
        Linker { path, log }
    }

    pub fn was_started(&self) -> bool {
        self.log.is_file()
    }
}

/// A fresh folder for one test.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drivers").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a scratch folder");
    folder
}

/// Runs a driver in a folder; its messages are the test's.
pub fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

pub fn run(module: &Path, args: &[&str]) -> Finished {
    let module = std::fs::read(module).expect("the driver wrote its output");
    engine::validate(&module).expect("the module is valid");
    let files = BTreeMap::from([("in.txt".to_string(), b"one\ntwo\n".to_vec())]);
    engine::run(&module, World::new(args, files)).expect("the module runs")
}

/// Whether clang 22 and the libraries for WASI are there; says so if not.
pub fn has_clang(test: &str) -> bool {
    let missing = packages::missing();
    if !missing.is_empty() {
        println!("skipped {test}: not installed: {}", missing.join(" "));
    }
    missing.is_empty()
}

/// Compiles and links by a clang driver with libc for WASI.
pub fn clang(driver: &str, folder: &Path, source: (&str, &str), options: &[String]) -> PathBuf {
    std::fs::write(folder.join(source.0), source.1).expect("the source is written");
    let mut command = Command::new(driver);
    command
        .current_dir(folder)
        .args(["--target=wasm32-wasi", "--no-wasm-opt", "-Wno-deprecated"])
        .args(options);
    succeed(command.arg(source.0).args(["-o", "out.wasm"]));
    folder.join("out.wasm")
}

/// Whether rustc has the standard library of a target; says so if not.
pub fn has_target(test: &str, target: &str) -> bool {
    let sysroot = workspace::output_of("rustc", &["--print", "sysroot"]).unwrap_or_default();
    let there = Path::new(&sysroot).join("lib/rustlib").join(target).join("lib").is_dir();
    if !there {
        println!("skipped {test}: rustc has no standard library for {target} (rustup target add {target})");
    }
    there
}

/// A Rust library that allocates: `answer` is its only export.
pub const RUST_LIBRARY: &str = r#"
use std::collections::BTreeMap;
#[no_mangle]
pub extern "C" fn answer(count: u32) -> u32 {
    let squares: BTreeMap<u32, String> = (0..count).map(|n| (n, (n * n).to_string())).collect();
    squares.values().map(|text| text.len() as u32).sum()
}
"#;
