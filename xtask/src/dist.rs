//! `cargo xtask dist`: what is installed.

use crate::workspace::{self, shown};
use std::path::Path;
use std::process::Command;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask dist

Builds target/dist: bin/wald without debug information, the names bin/wasm-ld and bin/wasm-ld-22 (links to it),
share/man/man1/wald.1, and the completions for bash, zsh and fish where those shells look for them. For programs in C: include/wald.h, lib/libwald.a, lib/libwald.so and
lib/pkgconfig/wald.pc.
";

/// Shell, and its file below `share`.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "bash-completion/completions/wald"),
    // bash loads a file by the command's name.
    ("bash", "bash-completion/completions/wasm-ld"),
    ("bash", "bash-completion/completions/wasm-ld-22"),
    ("zsh", "zsh/site-functions/_wald"),
    ("fish", "fish/vendor_completions.d/wald.fish"),
    // So does fish.
    ("fish", "fish/vendor_completions.d/wasm-ld.fish"),
    ("fish", "fish/vendor_completions.d/wasm-ld-22.fish"),
];

/// The names that compilers look for. Debian's clang asks for the one with LLVM's version first.
const NAMES: &[&str] = &["wasm-ld", "wasm-ld-22"];

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    if let Some(arg) = args.first() {
        return Err(format!("takes no argument, but got '{arg}'"));
    }
    let wald = workspace::build_wald("dist")?;
    let dist = workspace::root().join("target/dist");
    let _ = std::fs::remove_dir_all(&dist);
    let binary = dist.join("bin").join(program("wald"));
    workspace::create_folder(&dist.join("bin"))?;
    std::fs::copy(&wald, &binary).map_err(|error| format!("{}: {error}", shown(&binary)))?;
    for name in NAMES {
        link(&dist.join("bin").join(program(name)), &program("wald"))?;
    }
    let mut texts = vec![("--print-man-page".to_string(), "man/man1/wald.1")];
    texts.extend(COMPLETIONS.iter().map(|(shell, file)| (format!("--print-completions={shell}"), *file)));
    for (option, file) in texts {
        let path = dist.join("share").join(file);
        if let Some(folder) = path.parent() {
            workspace::create_folder(folder)?;
        }
        let output = Command::new(&binary).arg(&option).output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("wald {option} failed"));
        }
        workspace::write(&path, output.stdout)?;
    }
    c_library(&dist)?;
    println!("{} holds bin/wald, its man page and completions, and the library for C", shown(&dist));
    Ok(())
}

/// Header, libraries and what pkg-config reads.
fn c_library(dist: &Path) -> Result<(), String> {
    workspace::run(&mut workspace::cargo(&[
        "build",
        "--quiet",
        "--package",
        "wald-capi",
        "--profile",
        "dist",
    ]))?;
    let source = workspace::root().join("crates/wald-capi");
    for folder in ["include", "lib/pkgconfig"] {
        workspace::create_folder(&dist.join(folder))?;
    }
    let copy = |from: &Path, to: &str| match std::fs::copy(from, dist.join(to)) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{}: {error}", shown(from))),
    };
    copy(&source.join("include/wald.h"), "include/wald.h")?;
    let built = workspace::target().join("dist");
    copy(&built.join("libwald_c.a"), "lib/libwald.a")?;
    // Elsewhere shared libraries have other names.
    if cfg!(target_os = "linux") {
        copy(&built.join("libwald_c.so"), "lib/libwald.so.0")?;
        link(&dist.join("lib/libwald.so"), "libwald.so.0")?;
    }
    let text = String::from_utf8_lossy(&workspace::read(&source.join("wald.pc.in"))?)
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"));
    workspace::write(&dist.join("lib/pkgconfig/wald.pc"), text)
}

/// A program's file name.
fn program(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// Makes `path` another name of `target`, which is beside it.
#[cfg(unix)]
fn link(path: &Path, target: &str) -> Result<(), String> {
    std::os::unix::fs::symlink(target, path).map_err(|error| format!("{}: {error}", shown(path)))
}

/// Symbolic links need a privilege on Windows.
#[cfg(not(unix))]
fn link(path: &Path, target: &str) -> Result<(), String> {
    let copied = std::fs::copy(path.with_file_name(target), path);
    copied.map(|_| ()).map_err(|error| format!("{}: {error}", shown(path)))
}
