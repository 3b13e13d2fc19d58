//! `cargo xtask diagnostics`: fills in the examples of `docs/diagnostics.md` and of the pages of `wald --explain`.
//!
//! An example is a link of a case under `tests/cases`: the case has what Wald prints (`wald.N.notes`), and `tests/kept` what wasm-ld
//! prints. The cases' own test links with both, so an example cannot be wrong.

use crate::workspace::{read, root, write};
use std::path::{Path, PathBuf};

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask diagnostics

Writes the examples of docs/diagnostics.md and crates/wald-cli/src/explain from the link cases that they name. A test fails if
they are out of date.
";

const START: &str = "<!-- case: ";
const END: &str = "<!-- end of case -->";

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    if let Some(arg) = args.first() {
        return Err(format!("takes no argument, but got '{arg}'"));
    }
    for page in pages(root()) {
        let text = String::from_utf8(read(&page)?).map_err(|error| error.to_string())?;
        write(&page, with_examples(root(), &page, &text)?)?;
    }
    Ok(())
}

/// The files with examples.
pub fn pages(root: &Path) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(root.join("crates/wald-cli/src/explain"));
    let mut pages: Vec<PathBuf> = folder.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    pages.sort();
    pages.push(root.join("docs/diagnostics.md"));
    pages
}

/// The text of a page with its examples as the cases have them.
pub fn with_examples(root: &Path, page: &Path, text: &str) -> Result<String, String> {
    let mut new = String::new();
    let mut lines = text.lines();
    // The document shows both linkers.
    let shows_both = page.ends_with("diagnostics.md");
    while let Some(line) = lines.next() {
        new += line;
        new.push('\n');
        let Some(words) = line.strip_prefix(START).and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        new += &example(root, words, shows_both).map_err(|error| format!("{}: {error}", page.display()))?;
        lines.by_ref().find(|line| *line == END).ok_or_else(|| format!("{}: no {END}", page.display()))?;
        new += END;
        new.push('\n');
    }
    Ok(new)
}

/// An example: the files that `words` names after case and link, the command, and what is printed.
fn example(root: &Path, words: &str, shows_both: bool) -> Result<String, String> {
    let mut words = words.split(' ');
    let (name, link) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let case = root.join("tests/cases").join(name).with_extension("case");
    let case = std::fs::read_to_string(&case).map_err(|error| format!("{}: {error}", case.display()))?;
    let number: usize = link.parse().map_err(|_| format!("{name}: bad number of a link: {link}"))?;
    let command = case.lines().filter_map(|line| line.strip_prefix("link: ")).nth(number.wrapping_sub(1));
    let command = command.ok_or_else(|| format!("{name} has no link {number}"))?;
    let mut text = String::new();
    for file in words {
        let source = section(&case, file).ok_or_else(|| format!("{name} has no file {file}"))?;
        let language = file.rsplit('.').next().unwrap_or_default();
        text += &format!("`{file}`:\n\n```{language}\n{source}```\n\n");
    }
    let notes = section(&case, &format!("wald.{number}.notes"));
    let wald = notes.or_else(|| section(&case, &format!("wald.{number}.stderr")));
    let wald = wald.ok_or_else(|| format!("{name} does not say what Wald prints in link {number}"))?;
    if shows_both {
        let kept = root.join("tests/kept").join(name).join(format!("{number}.stderr"));
        let reference = std::fs::read_to_string(kept).unwrap_or_default();
        text += &format!("wasm-ld 22:\n\n{}", block(command, &reference));
        text += &format!("Wald:\n\n{}", block(command, &wald));
    } else {
        text += &block(command, &wald);
    }
    Ok(text.trim_end().to_string() + "\n")
}

fn block(command: &str, printed: &str) -> String {
    let printed = if printed.is_empty() { "(nothing)\n" } else { printed };
    format!("```console\n$ wasm-ld {command}\n{printed}```\n\n")
}

/// A section of a case.
fn section(case: &str, name: &str) -> Option<String> {
    let mut lines =
        case.lines().skip_while(|line| line.strip_prefix("--- ") != Some(name)).skip(1).peekable();
    lines.peek()?;
    let is_inside = |line: &&str| !line.starts_with("--- ") || line.starts_with("--- !");
    Some(lines.take_while(is_inside).map(|line| format!("{line}\n")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_examples_are_replaced() {
        let root = std::env::temp_dir().join(format!("wald-examples-{}", std::process::id()));
        std::fs::create_dir_all(root.join("tests/cases/a")).unwrap();
        let case = "# X\nlink: b.o\nlink: a.o -o x\n--- a.c\nint a;\n--- wald.2.notes\nwasm-ld: note: n\n";
        std::fs::write(root.join("tests/cases/a/b.case"), case).unwrap();
        let page = format!("before\n{START}a/b 2 a.c -->\nstale\n{END}\nafter\n");
        let new = with_examples(&root, Path::new("W0001.md"), &page).unwrap();
        let wanted = "```c\nint a;\n```\n\n```console\n$ wasm-ld a.o -o x\nwasm-ld: note: n\n```\n<!-- end";
        assert!(new.starts_with("before\n") && new.ends_with("\nafter\n"), "{new}");
        assert!(new.contains(wanted) && !new.contains("stale"), "{new}");
        assert_eq!(with_examples(&root, Path::new("W0001.md"), &new).as_ref(), Ok(&new));
        for wrong in ["a/c 1", "a/b 3", "a/b 1", "a/b 2 c.c"] {
            assert!(with_examples(&root, Path::new("x"), &format!("{START}{wrong} -->\n{END}\n")).is_err());
        }
        std::fs::remove_dir_all(&root).unwrap();
    }
}
