//! What documents must mention: options, modules, dependencies, differences.

use super::floors::modules;
use super::source::RustFile;
use super::Violation;
use std::ffi::OsString;
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
    for option in options().into_iter().filter(|option| !mentions(&guide, option)) {
        add("docs/guide.md", format!("says nothing about {option}"));
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
        if !differences.contains(&format!("## {id}\n")) {
            add("docs/differences.md", format!("has no entry {id}, to which a link case refers"));
        }
    }
    violations
}

/// Whether a text has the option and not only a longer one that begins like it.
fn mentions(text: &str, option: &str) -> bool {
    text.match_indices(option).any(|(at, _)| {
        let behind = text[at + option.len()..].chars().next();
        behind.is_none_or(|c| !c.is_alphanumeric() && c != '-')
    })
}

/// Every option that the help shows, as it is shown first.
fn options() -> Vec<String> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut host = wald_cli::Host {
        stdout: &mut stdout,
        stderr: &mut stderr,
        stdout_is_terminal: false,
        stderr_is_terminal: false,
        shuffle: None,
        ends_process: false,
    };
    wald_cli::run(&["wald", "--help"].map(OsString::from), &mut host);
    let help = String::from_utf8_lossy(&stdout).into_owned();
    let lines = help.lines().filter(|line| line.starts_with("  -") && !line.contains("Alias for"));
    let mut options: Vec<String> = lines
        .filter_map(|line| line.split_whitespace().next())
        .map(|word| word.split(['=', '<']).next().unwrap_or(word).to_string())
        .collect();
    options.dedup();
    // An alias whose help stands on the next line is documented with its option, or not at all.
    let aliases = alias_lines(&help);
    options.retain(|option| !aliases.contains(option));
    options
}

fn alias_lines(help: &str) -> Vec<String> {
    let lines: Vec<&str> = help.lines().collect();
    let pairs = lines.windows(2).filter(|pair| pair[1].trim_start().starts_with("Alias for"));
    pairs
        .filter_map(|pair| pair[0].split_whitespace().next())
        .map(|word| word.split(['=', '<']).next().unwrap_or(word).to_string())
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_and_told_apart() {
        let options = options();
        assert!(
            options.iter().any(|option| option == "--gc-sections")
                && options.iter().any(|option| option == "-o")
        );
        assert!(options.len() > 80, "{options:?}");
        assert!(mentions("see `--export=x`", "--export") && !mentions("see --export-all", "--export"));
    }
}
