//! What documents must contain: the option tables, modules, dependencies, differences. Also what CI must run, and which
//! files are copies of others.

use super::floors::modules;
use super::source::RustFile;
use super::violation::Violation;
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
    for page in crate::diagnostics::pages(root) {
        let text = std::fs::read_to_string(&page).unwrap_or_default();
        let file = page.strip_prefix(root).unwrap_or(&page).to_string_lossy();
        match crate::diagnostics::with_examples(root, &page, &text) {
            Ok(new) if new == text => {}
            Ok(_) => add(&file, "its examples are not what the cases say: cargo xtask diagnostics".into()),
            Err(error) => add(&file, error),
        }
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
    for file in files.iter().filter(|file| file.code.contains("allow(unsafe_code")) {
        let name = file.name.rsplit_once('/').map_or(file.name.as_str(), |(_, name)| name);
        let is_named = architecture.contains(&format!("`{name}`"))
            || architecture.contains(&format!("`{}`", file.name))
            || file.name.starts_with("crates/wald-capi/src/");
        if !is_named {
            add("ARCHITECTURE.md", format!("does not say why {} has unsafe code", file.name));
        }
    }
    for path in named_paths(&read("CONTRIBUTING.md")).filter(|path| !root.join(path).exists()) {
        add("CONTRIBUTING.md", format!("names {path}, which does not exist"));
    }
    for (file, message) in ci(&read) {
        add(file, message);
    }
    for (copy, original) in copies(root) {
        if std::fs::read(root.join(&copy)).ok() != std::fs::read(root.join(&original)).ok() {
            add(&copy, format!("is not the same as {original}, of which it is a copy for the package"));
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

/// The paths of files and folders in a document. Those with a part in capitals, such as AREA, are examples.
fn named_paths(text: &str) -> impl Iterator<Item = &str> {
    let is_path =
        |word: &&str| ["crates/", "tests/", "xtask/", "docs/"].iter().any(|start| word.starts_with(start));
    let is_example =
        |word: &str| word.split('/').any(|part| part.starts_with("AREA") || part.starts_with("NAME"));
    text.split('`').skip(1).step_by(2).filter(is_path).filter(move |word| !is_example(word))
}

/// What must agree between the workflow for CI, the script that it shares with developers, and the manifests.
fn ci(read: &impl Fn(&str) -> String) -> Vec<(&'static str, String)> {
    const WORKFLOW: &str = ".github/workflows/ci.yml";
    const SCRIPT: &str = ".ci/run";
    let (workflow, script, manifest) = (read(WORKFLOW), read(SCRIPT), read("Cargo.toml"));
    let mut complaints = Vec::new();
    let mut need = |file, text: &str, wanted: &str| {
        if !text.contains(wanted) {
            complaints.push((file, format!("does not run or name: {wanted}")));
        }
    };
    let version = |manifest: &str, key: &str| {
        let line = manifest.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
        line.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_string()
    };
    let rust = version(&manifest, "rust-version");
    need(WORKFLOW, &workflow, "- run: .ci/run\n");
    need(WORKFLOW, &workflow, &format!("cargo +{rust}.0 check --locked"));
    for name in crate::package::crates::CRATES {
        need(WORKFLOW, &workflow, &format!("-p {name}"));
    }
    for step in ["test", "tidy", "demo", "package"] {
        need(SCRIPT, &script, &format!("step cargo xtask {step}"));
    }
    for step in ["cargo fmt", "cargo clippy", "cargo doc", "fuzz/Cargo.toml"] {
        need(SCRIPT, &script, step);
    }
    for name in ["wald", "wald-cli", "wald-capi", "wald-component", "demangle"] {
        let readme = format!("crates/{name}/README.md");
        if !read(&readme).contains(&format!("Minimum Rust version: {rust}.")) {
            complaints.push(("Cargo.toml", format!("its rust-version {rust} is not the one in {readme}")));
        }
    }
    let wasmparser = version(&manifest, "wasmparser");
    if version(&read("fuzz/Cargo.toml"), "wasmparser") != wasmparser {
        complaints
            .push(("fuzz/Cargo.toml", format!("has another wasmparser than the workspace: {wasmparser}")));
    }
    complaints
}

/// Files that the packages contain as copies, because a package cannot refer to files outside of it.
fn copies(root: &Path) -> Vec<(String, String)> {
    let mut copies = Vec::new();
    let objects = std::fs::read_dir(root.join("demo/objects")).into_iter().flatten().flatten();
    let objects: Vec<String> =
        objects.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    for name in ["wald", "wald-cli", "wald-capi"] {
        copies.extend(objects.iter().map(|object| {
            (format!("crates/{name}/tests/objects/{object}"), format!("demo/objects/{object}"))
        }));
    }
    for name in ["wald", "wald-cli", "wald-capi", "wald-component", "demangle"] {
        let licences = ["LICENSE-MIT", "LICENSE-APACHE"];
        copies.extend(licences.map(|file| (format!("crates/{name}/{file}"), file.to_string())));
    }
    let kept = [
        ("common_a", "common/relocatable/in/a"),
        ("common_b", "common/relocatable/in/b"),
        ("ctor_with_signature", "constructors/ctor_with_signature/in/a"),
        ("runtime_relocation", "shared/small_answers/in/bad"),
    ];
    copies.extend(kept.map(|(copy, original)| {
        (format!("crates/wald-cli/tests/kept/{copy}.o"), format!("tests/kept/{original}.o"))
    }));
    copies
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

/// The entries that link cases name after `differs:`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_between_backquotes() {
        let text = "`crates/a.rs`, `cargo test`, crates/b.rs, `tests/cases/AREA/NAME.case`\n```sh\ncrates/c\n```\n`docs/d.md`";
        assert_eq!(named_paths(text).collect::<Vec<_>>(), ["crates/a.rs", "docs/d.md"]);
    }
}
