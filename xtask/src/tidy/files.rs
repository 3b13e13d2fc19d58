//! Rules for single files that no lint knows. The lints are in `Cargo.toml` and `clippy.toml`.

use super::source::{line_of, RustFile};
use super::violation::Violation;

const FILE_LINES: usize = 600;
/// The link is told in one file that one can read at a sitting.
const LINK_LINES: usize = 150;

/// The beginnings of paths that exist on somebody's machine only. Cut in two, so that this file does not break its rule.
const MACHINE_PATHS: &[(&str, &str)] =
    &[("/wo", "rk/"), ("/tm", "p/"), ("/ro", "ot/"), ("/ho", "me/"), ("/Us", "ers/")];

/// Endings of files with programs, and how the comment starts that must be their first line after `#!`.
const SCRIPTS: &[(&str, &str)] = &[
    (".py", "\"\"\""),
    (".js", "// "),
    (".mjs", "// "),
    (".ts", "// "),
    (".mts", "// "),
    (".sh", "# "),
    (".yml", "# "),
];

/// Rules for every text file.
pub fn check_text(name: &str, text: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut add = |line: usize, rule, message: String| {
        violations.push(Violation { file: name.into(), line, rule, message });
    };
    // In a case or a list of names, blanks at the end of a line can be what it is about.
    let is_case = name.ends_with(".case") || name.ends_with(".txt");
    for (index, line) in text.lines().enumerate() {
        if !is_case && line != line.trim_end() {
            add(index + 1, "blanks", "blanks at the end of the line".into());
        }
        for (head, tail) in MACHINE_PATHS {
            let path = format!("{head}{tail}");
            let starts_path =
                |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || ".-_/}".contains(c));
            if line.match_indices(&path).any(|(at, _)| starts_path(at)) {
                add(index + 1, "machine-path", format!("a path of one machine: {path}…"));
            }
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        add(text.lines().count(), "blanks", "the last line has no end".into());
    }
    violations.extend(check_script(name, text));
    violations
}

/// Rules for programs in other languages than Rust. What npm runs and what Debian's packages run has no ending.
fn check_script(name: &str, text: &str) -> Vec<Violation> {
    let comment = match SCRIPTS.iter().find(|(ending, _)| name.ends_with(ending)) {
        Some((_, comment)) => comment,
        None if name.starts_with("packages/") && text.starts_with("#!") => {
            if text.starts_with("#!/usr/bin/env node") {
                "// "
            } else {
                "# "
            }
        }
        None => return Vec::new(),
    };
    let mut violations = Vec::new();
    let mut add = |line, rule, message: String| {
        violations.push(Violation { file: name.into(), line, rule, message });
    };
    let mut lines = text.lines().skip_while(|line| line.starts_with("#!"));
    // GitHub reads the other files of its folder.
    let is_form = name.starts_with(".github/");
    let is_comment =
        |line: &str| line.starts_with(comment) || comment.starts_with("//") && line.starts_with("/** ");
    if !is_form && !lines.next().is_some_and(is_comment) {
        add(1, "header", format!("does not begin with a comment: {comment}"));
    }
    let count = text.lines().count();
    if count > FILE_LINES {
        add(count, "file-length", format!("has {count} lines, {FILE_LINES} are allowed"));
    }
    let is_javascript = comment.starts_with("//");
    for (index, line) in text.lines().enumerate() {
        if is_javascript && line.trim_start().starts_with("debugger") {
            add(index + 1, "leftover", "debugger is left".into());
        }
    }
    violations
}

/// Rules for every Rust file.
pub fn check_rust(file: &RustFile) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut add = |line: usize, rule, message: String| {
        violations.push(Violation { file: file.name.clone(), line, rule, message });
    };
    if !file.text.starts_with("//! ") {
        add(1, "header", "does not begin with a //! doc".into());
    }
    let lines = file.text.lines().count();
    let is_link = file.name == "crates/wald/src/link.rs";
    let limit = if is_link { LINK_LINES } else { FILE_LINES };
    if lines > limit {
        add(lines, "file-length", format!("has {lines} lines, {limit} are allowed"));
    }
    if is_link {
        let phases = file.code.find("\nfn link(").unwrap_or(file.code.len());
        let changes = file.code[phases..].match_indices("mut ").map(|(at, _)| phases + at + "mut ".len());
        let may_change = |at: &usize| {
            file.code[*at..].starts_with("Diagnostics") || file.code[*at..].starts_with("dyn Sink")
        };
        for at in changes.filter(|at| !may_change(at)) {
            add(line_of(&file.code, at), "final", "between phases only diagnostics change".into());
        }
    }
    for (at, _) in file.code.match_indices("#[ignore") {
        add(line_of(&file.code, at), "leftover", "#[ignore is left".into());
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(name: &str, text: &str) -> Vec<&'static str> {
        let file = RustFile::new(name.into(), text.into());
        let mut found = check_text(name, text);
        if name.ends_with(".rs") {
            found.extend(check_rust(&file));
        }
        found.iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn each_rule_can_be_broken() {
        assert_eq!(rules("crates/a/src/b.rs", "//! Fine.\nfn f() -> u8 { 1 }\n"), [""; 0]);
        assert_eq!(rules("a.mjs", "// Fine.\nf();\n"), [""; 0]);
        assert_eq!(rules("a.js", "f();\n  debugger;\n"), ["header", "leftover"]);
        assert_eq!(rules("a.ts", &format!("// x\n{}", "\n".repeat(600))), ["file-length"]);
        assert_eq!(rules("a.rs", "fn f() {}\n"), ["header"]);
        assert_eq!(rules("a.rs", "//! x \n"), ["blanks"]);
        assert_eq!(rules("a.rs", "//! x"), ["blanks"]);
        let scripts = |name, text: &str| {
            check_text(name, text).iter().map(|violation| violation.rule).collect::<Vec<_>>()
        };
        assert_eq!(scripts("a.py", "\"\"\"Does it.\"\"\"\n"), [""; 0]);
        assert_eq!(scripts("a.py", "import os\n"), ["header"]);
        assert_eq!(scripts("a.d.ts", "// Types.\n"), [""; 0]);
        assert_eq!(scripts("a.js", "'use strict';\n"), ["header"]);
        assert_eq!(scripts("a.mjs", &format!("// x\n{}", "\n".repeat(600))), ["file-length"]);
        assert_eq!(scripts("packages/npm/bin/a", "#!/usr/bin/env node\n// Runs.\n"), [""; 0]);
        assert_eq!(scripts("packages/debian/a", "#!/bin/sh\nset -e\n"), ["header"]);
        assert_eq!(scripts("packages/debian/control", "Package: a\n"), [""; 0]);
        assert_eq!(rules("a.rs", &format!("//! see {}{}x\n", "/wo", "rk/")), ["machine-path"]);
        assert_eq!(rules("a.rs", "//! see ./work/x and some/tmp/y\n"), [""; 0]);
        assert_eq!(rules("a.rs", "//! x\n#[ignore]\nfn f() {} // #[ignore]\n"), ["leftover"]);
        assert_eq!(rules("a.rs", &format!("//! x\n{}", "\n".repeat(600))), ["file-length"]);
        assert_eq!(
            rules("crates/wald/src/link.rs", &format!("//! x\n{}", "\n".repeat(150))),
            ["file-length"]
        );
        assert_eq!(
            rules(
                "crates/wald/src/link.rs",
                "//! x\nfn link(d: &mut Diagnostics) { let mut symbols = f(); }\n"
            ),
            ["final"]
        );
    }
}
