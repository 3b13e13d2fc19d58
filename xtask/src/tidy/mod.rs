//! `cargo xtask tidy`: the rules of this repository as code. A test runs them too.
//!
//! [`source`] cuts a Rust file into code, comments and tests; [`files`] has the rules for single files, [`floors`] the
//! one about imports, [`circles`] the one about files that refer to each other, [`documents`] and [`differences`] those about documents. What a lint can check is a lint: see
//! `[workspace.lints]` in `Cargo.toml`, and `clippy.toml`.

pub mod circles;
pub mod differences;
pub mod documents;
pub mod files;
pub mod floors;
pub mod modules;
pub mod source;
pub mod violation;

use crate::workspace;
use source::RustFile;
use std::path::{Path, PathBuf};
use violation::Violation;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask tidy

Checks the rules of this repository:
  modules     a module of crates/wald imports only from modules that are declared above it in lib.rs
  circles     the files of a crate, and the demo's C files, refer to each other in one direction only
  lengths     files have at most 600 lines, link.rs 150
  final       between the phases of link.rs only diagnostics change
  headers     each Rust file starts with a `//!` doc, each script and each file of Python, JavaScript and TypeScript with a comment
  leftovers   no #[ignore]; no blanks at line ends; no paths of one machine
  unsafe      ARCHITECTURE.md names each file that allows itself unsafe code
  documents   each option is in docs/guide.md; each module and each dependency in ARCHITECTURE.md; each way in which a
              link case differs in docs/differences.md, whose entries have one form
  packages    what a package contains as a copy equals its original; one version of each dependency and of Rust
  CI          the workflow runs .ci/run, and that runs every step

Clippy checks the rest: Cargo.toml ([workspace.lints]) and clippy.toml.
";

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    if let Some(arg) = args.first() {
        return Err(format!("takes no argument, but got '{arg}'"));
    }
    let complaints = complaints();
    complaints.iter().for_each(|complaint| println!("{complaint}"));
    match complaints.len() {
        0 => {
            println!("tidy");
            Ok(())
        }
        count => Err(format!("{count} rules are broken")),
    }
}

/// Everything that is wrong, a line each.
pub fn complaints() -> Vec<String> {
    let shown = |violation: Violation| {
        let Violation { file, line, rule, message } = violation;
        format!("{file}:{line}: {message} [{rule}]")
    };
    violations().into_iter().map(shown).collect()
}

/// Everything that is wrong, in order.
pub fn violations() -> Vec<Violation> {
    let root = workspace::root();
    let mut violations = Vec::new();
    let (mut rust_files, mut c_files) = (Vec::new(), Vec::new());
    for path in text_files(root) {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        violations.extend(files::check_text(&name, &text));
        if path.extension().is_some_and(|extension| extension == "rs") {
            let file = RustFile::new(name, text);
            violations.extend(files::check_rust(&file));
            rust_files.push(file);
        } else if path.extension().is_some_and(|extension| extension == "c" || extension == "h") {
            c_files.push((name, text));
        }
    }
    violations.extend(floors::check(&rust_files));
    violations.extend(circles::check(&rust_files));
    violations.extend(circles::check_c(&c_files));
    violations.extend(documents::check(root, &rust_files));
    violations.sort();
    violations
}

/// Every text file that people write here.
fn text_files(root: &Path) -> Vec<PathBuf> {
    const ENDINGS: [&str; 16] = [
        "rs", "md", "toml", "c", "h", "case", "sh", "txt", "py", "js", "mjs", "ts", "mts", "yml", "html",
        "css",
    ];
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // Files without an ending.
            let is_script = !name.contains('.')
                && folder
                    .file_name()
                    .is_some_and(|folder| [".ci", "bin", "debian"].iter().any(|known| folder == *known));
            if path.is_dir() {
                if !["target", ".git", "kept", "corpus", "artifacts", "node_modules", "__pycache__"]
                    .contains(&name.as_str())
                {
                    folders.push(path);
                }
            } else if is_script
                || path.extension().is_some_and(|end| ENDINGS.iter().any(|known| end == *known))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_keeps_its_rules() {
        let complaints = super::complaints();
        assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    }
}
