//! Where things are: the workspace, the linkers, LLVM's tools; and how other programs are started.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Cargo's output folder.
pub fn target() -> PathBuf {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    // Cargo resolves a relative path against its working directory, which is ours.
    if folder.is_absolute() {
        folder
    } else if std::env::var_os("CARGO_TARGET_DIR").is_some() {
        std::env::current_dir().unwrap_or_default().join(folder)
    } else {
        root().join(folder)
    }
}

/// Cargo, in the workspace.
pub fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root()).env("CARGO_TARGET_DIR", target());
    command
}

/// Starts a program, waits, and makes a failure an error.
pub fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} failed ({status})")),
        Err(error) => Err(format!("{name} cannot be started: {error}")),
    }
}

/// What a program prints, if it succeeds.
pub fn output_of(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// Builds the `wald` command and returns its path.
pub fn build_wald(profile: &str) -> Result<PathBuf, String> {
    build("wald-cli", "wald", profile)
}

/// Builds the `wald-component-ld` command and returns its path.
pub fn build_component_ld(profile: &str) -> Result<PathBuf, String> {
    build("wald-component", "wald-component-ld", profile)
}

fn build(package: &str, program: &str, profile: &str) -> Result<PathBuf, String> {
    run(&mut cargo(&["build", "--quiet", "--package", package, "--profile", profile]))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target().join(folder).join(format!("{program}{}", std::env::consts::EXE_SUFFIX)))
}

/// The `wald` that `WALD_BIN` names, or else the release build, made now.
pub fn wald_to_measure() -> Result<PathBuf, String> {
    match std::env::var_os("WALD_BIN") {
        Some(path) => Ok(path.into()),
        None => build_wald("release"),
    }
}

/// The file of a program in `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The reference linker.
pub fn wasm_ld() -> Result<PathBuf, String> {
    find_program("wasm-ld-22").ok_or_else(|| {
        "wasm-ld-22 is not installed (package lld-22); it is what Wald is compared with".into()
    })
}

/// The linker of the Rust toolchain.
pub fn rust_lld() -> Option<PathBuf> {
    let root = output_of("rustc", &["--print", "sysroot"])?;
    let host = output_of("rustc", &["--print", "host-tuple"])?;
    let path = Path::new(&root).join("lib/rustlib").join(host).join("bin/rust-lld");
    path.is_file().then_some(path)
}

/// Reads a file; the error names it.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", shown(path)))
}

/// Writes a file; the error names it.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), String> {
    std::fs::write(path, bytes).map_err(|error| format!("{}: {error}", shown(path)))
}

/// An archive of objects, without a symbol table, which neither linker reads.
pub fn archive(members: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (number, member) in members.iter().enumerate() {
        let name = format!("m{number}.o/");
        let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, member.len());
        bytes.extend(header.as_bytes());
        bytes.extend(member);
        if member.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// Makes a folder and those above it.
pub fn create_folder(path: &Path) -> Result<(), String> {
    std::fs::create_dir_all(path).map_err(|error| format!("{}: {error}", shown(path)))
}

/// A path for display: relative to the workspace if it is inside.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// A size in words.
pub fn size(bytes: usize) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=9_999_999 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
