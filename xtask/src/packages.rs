//! The packages that the tests need, and bringing them on Debian.

use crate::workspace::{find_program, output_of, root};
use std::process::Command;

/// Package, and a file or program that shows on systems without dpkg that it is installed.
const PACKAGES: &[(&str, &str)] = &[
    ("clang-22", "clang++-22"),
    ("lld-22", "wasm-ld-22"),
    ("llvm-22", "llvm-config-22"),
    ("llvm-22-tools", "yaml2obj-22"),
    ("wasi-libc", "/usr/lib/wasm32-wasi/libc.a"),
    ("libclang-rt-22-dev-wasm32", "/usr/lib/llvm-22/lib/clang/22/lib/wasi/libclang_rt.builtins-wasm32.a"),
    ("libc++-22-dev-wasm32", "/usr/lib/wasm32-wasi/libc++.a"),
    ("libc++abi-22-dev-wasm32", "/usr/lib/wasm32-wasi/libc++abi.a"),
    ("valgrind", "valgrind"),
    // Runs the example of distributed ThinLTO.
    ("ninja-build", "ninja"),
    // Makes system calls fail, for tests/faults.
    ("strace", "strace"),
];

/// Targets of rustc that are tested.
const RUST_TARGETS: &[&str] = &["wasm32-unknown-unknown", "wasm32-wasip1", "wasm32-wasip2"];

/// Whether rustc has the standard library of a target.
pub fn has_rust_target(target: &str) -> bool {
    let folder = super::workspace::output_of("rustc", &["--print", "target-libdir", "--target", target]);
    folder.is_some_and(|folder| std::path::Path::new(folder.trim()).is_dir())
}

/// Adds the standard libraries of Rust's targets if rustup manages the toolchain. Without them, their tests are skipped.
pub fn bring_rust_targets() -> Result<(), String> {
    let sysroot = output_of("rustc", &["--print", "sysroot"]).unwrap_or_default();
    let libraries = std::path::Path::new(&sysroot).join("lib/rustlib");
    let missing: Vec<&str> =
        RUST_TARGETS.iter().copied().filter(|target| !libraries.join(target).join("lib").is_dir()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    println!("rustup target add {list}");
    match Command::new("rustup").args(["target", "add"]).args(&missing).current_dir(root()).status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("not here: rustc's standard library for {list} (rustup target add {list})")),
    }
}

/// The packages that are not there.
pub fn missing() -> Vec<&'static str> {
    let is_there = |package: &str, sign: &str| {
        let status = output_of("dpkg-query", &["-W", "-f", "${Status}", package]);
        let known_to_dpkg = status.is_some_and(|status| status == "install ok installed");
        known_to_dpkg
            || find_program(sign).is_some()
            || (sign.starts_with('/') && std::path::Path::new(sign).exists())
    };
    PACKAGES.iter().filter(|(package, sign)| !is_there(package, sign)).map(|(package, _)| *package).collect()
}

/// Installs what is missing, if that is possible: on Debian as root. The error says what is still missing, and why.
pub fn bring() -> Result<(), String> {
    let wanted = missing();
    if wanted.is_empty() {
        return Ok(());
    }
    let list = wanted.join(" ");
    if find_program("apt-get").is_none() {
        return Err(format!("not here: {list} (packages' names on Debian; this system has no apt-get)"));
    }
    if output_of("id", &["-u"]).as_deref() != Some("0") {
        return Err(format!("not here: {list} (as root: apt-get install {list})"));
    }
    println!("installing {list}");
    // A stale package list or a missing source shows itself when the install fails.
    let _ = Command::new("apt-get").args(["update", "-q"]).status();
    let installed = Command::new("apt-get")
        .args(["install", "-q", "-y", "--no-install-recommends"])
        .args(&wanted)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status();
    match installed {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!(
            "not here: {list} (apt-get could not install them; LLVM's packages for Debian are at https://apt.llvm.org)"
        )),
    }
}
