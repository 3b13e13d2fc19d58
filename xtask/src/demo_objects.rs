//! The demo's object files: which there are, and how they are made from `demo/src`.
//!
//! They are kept in the repository so that the demo runs without a compiler. Paths in their debug information are
//! relative, so that the same compiler makes the same bytes everywhere.

use crate::workspace::{self, output_of};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program's own objects, in the order in which they are linked.
pub const OBJECTS: &[&str] = &["main", "commands", "index", "query", "stop_words", "watch", "heap", "wasi"];

/// The members of `libdemo.a`. Nothing needs `base64` and `matrix`.
pub const MEMBERS: &[&str] = &["format", "sort", "memory", "roman", "base64", "matrix"];

/// The archive.
pub const ARCHIVE: &str = "libdemo.a";

const FLAGS: &[&str] = &[
    "--target=wasm32-unknown-unknown",
    "-std=c17",
    "-O2",
    "-g",
    "-ffreestanding",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fdebug-compilation-dir=.",
];

/// The folder of sources, data and objects.
pub fn folder() -> PathBuf {
    workspace::root().join("demo")
}

/// The compiler's version, if it is installed.
pub fn compiler() -> Option<String> {
    output_of("clang-22", &["--version"]).map(|text| text.lines().next().unwrap_or_default().to_string())
}

/// Compiles all sources into `into`.
pub fn build(into: &Path) -> Result<(), String> {
    build_with(into, &[])
}

/// The same with more flags for the compiler.
pub fn build_with(into: &Path, flags: &[&str]) -> Result<(), String> {
    let resources = output_of("clang-22", &["-print-resource-dir"])
        .ok_or("clang-22 is not installed (cargo xtask test installs it on Debian)")?;
    workspace::create_folder(into)?;
    for name in OBJECTS.iter().chain(MEMBERS) {
        let object = into.join(format!("{name}.o"));
        let mut clang = Command::new("clang-22");
        clang
            .current_dir(folder())
            .args(FLAGS)
            .args(flags)
            .arg(format!("-ffile-prefix-map={resources}=clang"));
        workspace::run(clang.arg("-c").arg(format!("src/{name}.c")).arg("-o").arg(object))?;
    }
    let _ = std::fs::remove_file(into.join(ARCHIVE));
    let members: Vec<String> = MEMBERS.iter().map(|name| format!("{name}.o")).collect();
    // D: no times and owners, so that the same objects make the same archive.
    workspace::run(Command::new("llvm-ar-22").current_dir(into).arg("rcsD").arg(ARCHIVE).args(&members))?;
    for member in members {
        let _ = std::fs::remove_file(into.join(member));
    }
    Ok(())
}
