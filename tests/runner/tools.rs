//! Finds LLVM 22's tools. Without them the cases run from the kept objects and expectations alone.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version whose answers are kept in `tests/kept`. Another one may assemble an object or word a message
/// otherwise: it is then said, and live comparison is left out.
pub const LLVM_VERSION: &str = "22.1.8";

/// LLVM's tools and the reference linker.
#[derive(Debug, Clone)]
pub struct Tools {
    /// Directory with `clang`, `llc`, `llvm-mc`, `llvm-ar`, `llvm-as`, `opt` and `yaml2obj`.
    pub directory: PathBuf,
    /// The reference linker.
    pub wasm_ld: PathBuf,
}

/// The tools, or why there are none.
pub fn find() -> Result<Tools, String> {
    let output = Command::new("llvm-config-22")
        .arg("--bindir")
        .output()
        .map_err(|_| "llvm-config-22 is not installed".to_string())?;
    let directory = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    for tool in ["clang", "llc", "llvm-mc", "llvm-ar", "llvm-as", "opt", "yaml2obj", "wasm-ld"] {
        if !directory.join(tool).exists() {
            return Err(format!("{tool} 22 is not installed"));
        }
    }
    for tool in ["llvm-mc", "wasm-ld"] {
        let output =
            Command::new(directory.join(tool)).arg("--version").output().map_err(|e| e.to_string())?;
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        if !version.contains(LLVM_VERSION) {
            return Err(format!("{tool} is not version {LLVM_VERSION}: {}", version.trim()));
        }
    }
    let wasm_ld = directory.join("wasm-ld");
    Ok(Tools { directory, wasm_ld })
}

/// Why no bitcode can be linked with the answers that are kept, or `None` if it can.
///
/// Wald starts `llvm-lto2-22` for that. Another version of LLVM generates other code.
pub fn no_code_generator() -> Option<String> {
    const TOOL: &str = "llvm-lto2-22";
    let Ok(output) = Command::new(TOOL).arg("--version").output() else {
        return Some(format!("{TOOL} is not installed"));
    };
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    match version.contains(LLVM_VERSION) {
        true => None,
        false => Some(format!("{TOOL} is not version {LLVM_VERSION}")),
    }
}

/// `WALD_BIN`, or the `wald` that this profile builds.
pub fn find_wald() -> Result<PathBuf, String> {
    if let Some(path) = env::var_os("WALD_BIN") {
        return Ok(path.into());
    }
    let executable = env::current_exe().map_err(|e| e.to_string())?;
    let profile = executable.parent().and_then(Path::parent).ok_or("no target directory")?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "wald-cli", "--bin", "wald", "--target-dir"]);
    cargo.arg(profile.parent().ok_or("no target directory")?);
    if profile.file_name().is_some_and(|name| name != "debug") {
        cargo.arg("--profile").arg(profile.file_name().unwrap_or_default());
    }
    match cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status() {
        Ok(status) if status.success() => Ok(profile.join(format!("wald{}", env::consts::EXE_SUFFIX))),
        _ => Err("building wald failed".into()),
    }
}
