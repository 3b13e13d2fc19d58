//! The published crates as a stranger gets them.
//!
//! The packages are unpacked side by side outside of the workspace. Their own tests run there, and the programs in the
//! documentation of `wald` are built and run against them as a project of their own.

use crate::workspace::{self, cargo, create_folder, read, shown, write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The published crates, in the order in which they are published.
pub const CRATES: [&str; 5] = ["wald-demangle", "wald", "wald-cli", "wald-capi", "wald-component"];

/// The programs: their names, and the files that contain them.
const PROGRAMS: [(&str, &str); 4] =
    [("bytes", "lib.rs"), ("threads", "lib.rs"), ("diagnostics", "lib.rs"), ("unit", "unit/mod.rs")];

/// Packages and tries the crates. `with_tests` also runs their own tests.
pub fn run(with_tests: bool) -> Result<(), String> {
    let mut command = cargo(&["package", "--quiet", "--no-verify", "--allow-dirty"]);
    command.args(CRATES.iter().flat_map(|name| ["--package", name]));
    workspace::run(&mut command)?;
    let folder = unpacked();
    let _ = std::fs::remove_dir_all(&folder);
    let result = check(&folder, with_tests);
    let _ = std::fs::remove_dir_all(&folder);
    result
}

/// A folder outside of the workspace, the same in each run: the tests contain its path, and cargo does not compile them again
/// if it changes.
fn unpacked() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    workspace::target().hash(&mut hasher);
    std::env::temp_dir().join(format!("wald-packages-{:016x}", hasher.finish()))
}

fn check(folder: &Path, with_tests: bool) -> Result<(), String> {
    create_folder(&folder.join("programs/src/bin"))?;
    let version = env!("CARGO_PKG_VERSION");
    for name in CRATES {
        let package = workspace::target().join(format!("package/{name}-{version}.crate"));
        // `-m`: in a package, all files have the same old time, so cargo would use what it built of an earlier package.
        workspace::run(Command::new("tar").arg("-xzmf").arg(package).arg("-C").arg(folder))?;
        for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            if !folder.join(format!("{name}-{version}")).join(file).is_file() {
                return Err(format!("the package {name} has no {file}"));
            }
        }
    }
    write(&folder.join("Cargo.toml"), manifest(version))?;
    // The versions that the repository is tested with.
    let lock = workspace::root().join("Cargo.lock");
    std::fs::copy(&lock, folder.join("Cargo.lock")).map_err(|error| format!("{}: {error}", shown(&lock)))?;
    write(&folder.join("programs/Cargo.toml"), PROGRAMS_MANIFEST.replace("VERSION", version))?;
    let library = folder.join(format!("wald-{version}"));
    for (name, text) in programs(&library)? {
        write(&folder.join(format!("programs/src/bin/{name}.rs")), text)?;
    }
    for (name, _) in PROGRAMS {
        workspace::run(outside(folder).args(["run", "--quiet", "--package", "programs", "--bin", name]))?;
        println!("the program '{name}' of the documentation runs against the package");
    }
    if with_tests {
        let mut command = outside(folder);
        workspace::run(command.args([
            "test",
            "--quiet",
            "--no-fail-fast",
            "--workspace",
            "--exclude",
            "programs",
        ]))?;
    }
    Ok(())
}

const PROGRAMS_MANIFEST: &str = "\
[package]
name = \"programs\"
version = \"0.0.0\"
edition = \"2021\"

[dependencies]
wald = \"VERSION\"
";

/// A workspace of the unpacked packages, in which they find each other as if they were published.
fn manifest(version: &str) -> String {
    let members: Vec<String> = CRATES.iter().map(|name| format!("\"{name}-{version}\"")).collect();
    let patches: String =
        CRATES.iter().map(|name| format!("{name} = {{ path = \"{name}-{version}\" }}\n")).collect();
    format!(
        "[workspace]\nresolver = \"2\"\nmembers = [\"programs\", {}]\n\n[patch.crates-io]\n{patches}",
        members.join(", ")
    )
}

/// Cargo in the temporary folder, with an output folder that the next run finds again.
fn outside(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder).env("CARGO_TARGET_DIR", workspace::target().join("package-check"));
    command
}

/// The programs, from the packaged sources.
fn programs(library: &Path) -> Result<Vec<(&'static str, String)>, String> {
    let mut found = Vec::new();
    let mut file_before: Option<(PathBuf, std::vec::IntoIter<String>)> = None;
    for (name, file) in PROGRAMS {
        let path = library.join("src").join(file);
        let mut blocks = match file_before.take() {
            Some((before, blocks)) if before == path => blocks,
            _ => code_blocks(&String::from_utf8_lossy(&read(&path)?)).into_iter(),
        };
        let block = blocks.next().ok_or_else(|| format!("{file} has no program '{name}'"))?;
        found.push((name, program(&block, library)));
        file_before = Some((path, blocks));
    }
    Ok(found)
}

/// The code blocks in a file's `//!` documentation, with the lines that rustdoc hides.
fn code_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut inside = false;
    for line in text.lines().map_while(|line| line.strip_prefix("//!")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        if line.starts_with("```") {
            inside = !inside;
            if inside {
                blocks.push(String::new());
            }
        } else if let (true, Some(block)) = (inside, blocks.last_mut()) {
            *block += line.strip_prefix("# ").unwrap_or(line);
            block.push('\n');
        }
    }
    blocks
}

/// A program with the block as its `main`. Its inputs are those of the package.
fn program(block: &str, library: &Path) -> String {
    let folder = format!("{:?}", library.display().to_string());
    // What tells rustdoc the error's type.
    let lines = block.lines().filter(|line| !line.starts_with("Ok::<"));
    let body: String = lines.map(|line| format!("    {line}\n")).collect();
    let body = body.replace("env!(\"CARGO_MANIFEST_DIR\")", &folder);
    format!("//! From the documentation.\n\nfn main() -> Result<(), Box<dyn std::error::Error>> {{\n{body}    Ok(())\n}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_cut_from_the_documentation() {
        let text = "//! A.\n//!\n//! ```\n//! # let hidden = 1;\n//! run(hidden)?;\n//! # Ok::<(), E>(())\n//! ```\nfn f() {}\n//! ```\n";
        let blocks = code_blocks(text);
        assert_eq!(blocks, ["let hidden = 1;\nrun(hidden)?;\nOk::<(), E>(())\n"]);
        let program = program(&blocks[0], Path::new("x"));
        assert!(program.ends_with("    let hidden = 1;\n    run(hidden)?;\n    Ok(())\n}\n"), "{program}");
    }

    #[test]
    fn every_named_program_is_there() {
        let programs = programs(&workspace::root().join("crates/wald")).unwrap();
        assert!(programs.iter().all(|(_, text)| text.contains("Linker")));
        assert_eq!(programs.len(), PROGRAMS.len());
    }
}
