//! What documents must contain: the option tables, modules, dependencies, differences.

use super::floors::modules;
use super::source::RustFile;
use super::Violation;
use std::path::Path;

/// Checks that everything is documented.
pub fn check(root: &Path, files: &[RustFile]) -> Vec<Violation> {
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let (guide, architecture, differences) =
        (read("docs/guide.md"), read("ARCHITECTURE.md"), read("docs/differences.md"));
    let mut violations = Vec::new();
    let mut add = |file: &str, message| {
        violations.push(Violation { file: file.into(), line: 0, rule: "documents", message });
    };
    if crate::guide::with_options(&guide).as_deref() != Ok(&guide) {
        add(
            "docs/guide.md",
            "its option tables are not what the option table gives: cargo xtask guide".into(),
        );
    }
    let library = files.iter().find(|file| file.name == "crates/wald/src/lib.rs");
    for module in library.map(|file| modules(&file.code)).unwrap_or_default() {
        if !architecture.contains(&format!("`{module}`")) {
            add("ARCHITECTURE.md", format!("says nothing about module {module}"));
        }
    }
    for dependency in dependencies(root) {
        if !architecture.contains(&format!("`{dependency}`")) {
            add("ARCHITECTURE.md", format!("gives no reason for the dependency {dependency}"));
        }
    }
    for id in difference_ids(root) {
        if !differences.contains(&format!("\n### {id}\n")) {
            add("docs/differences.md", format!("has no entry {id}, to which a link case refers"));
        }
    }
    violations.extend(super::differences::check(&differences));
    violations
}

/// The names in the dependency tables of all packages.
fn dependencies(root: &Path) -> Vec<String> {
    let mut manifests = vec![root.join("xtask/Cargo.toml"), root.join("tests/Cargo.toml")];
    let crates = std::fs::read_dir(root.join("crates")).into_iter().flatten().flatten();
    manifests.extend(crates.map(|entry| entry.path().join("Cargo.toml")));
    let mut names = Vec::new();
    for manifest in manifests {
        let text = std::fs::read_to_string(manifest).unwrap_or_default();
        let mut inside = false;
        for line in text.lines() {
            if line.starts_with('[') {
                inside = line.ends_with("dependencies]");
            } else if let (true, Some((name, _))) = (inside, line.split_once(['=', '.'])) {
                names.push(name.trim().to_string());
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

/// What the link cases say behind `differs:`.
fn difference_ids(root: &Path) -> Vec<String> {
    let areas = std::fs::read_dir(root.join("tests/cases")).into_iter().flatten().flatten();
    let mut ids = Vec::new();
    for case in areas.flat_map(|area| std::fs::read_dir(area.path()).into_iter().flatten().flatten()) {
        let text = std::fs::read_to_string(case.path()).unwrap_or_default();
        ids.extend(
            text.lines().filter_map(|line| line.strip_prefix("differs:")).map(|id| id.trim().to_string()),
        );
    }
    ids.sort();
    ids.dedup();
    ids
}
