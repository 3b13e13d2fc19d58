//! A module of `crates/wald` imports only from modules declared above it in `lib.rs`. So the graph of modules has no cycle, and
//! a reader can start at the top of the list.

use super::source::{is_word, line_of, words, RustFile};
use super::violation::Violation;

const SOURCE: &str = "crates/wald/src/";

/// Checks every file of the library.
pub fn check(files: &[RustFile]) -> Vec<Violation> {
    let library = files.iter().find(|file| file.name.strip_prefix(SOURCE) == Some("lib.rs"));
    let order = library.map(|file| modules(&file.code)).unwrap_or_default();
    let inside =
        files.iter().filter(|file| file.name.starts_with(SOURCE) && !file.name.ends_with("src/lib.rs"));
    inside.flat_map(|file| check_file(file, &order)).collect()
}

/// The modules that `lib.rs` declares, in order.
pub fn modules(library: &str) -> Vec<String> {
    let name = |at: usize| library[at + 3..].trim_start().chars().take_while(|c| is_word(*c)).collect();
    words(library, "mod").map(name).collect()
}

fn check_file(file: &RustFile, order: &[String]) -> Vec<Violation> {
    let path = &file.name[SOURCE.len()..];
    let module = path.split(['/', '.']).next().unwrap_or_default();
    let mut violations = Vec::new();
    let mut add = |line, message| {
        violations.push(Violation { file: file.name.clone(), line, rule: "modules", message });
    };
    let Some(floor) = order.iter().position(|name| name == module) else {
        add(0, format!("module {module} is not declared in lib.rs"));
        return violations;
    };
    // In a file that is a module by itself, `super` is the crate.
    let top = !path.contains('/') || path.ends_with("/mod.rs") && path.matches('/').count() == 1;
    for root in ["crate", "super"].into_iter().filter(|root| top || *root == "crate") {
        for at in words(&file.product, root) {
            for name in imported(&file.product[at + root.len()..]) {
                let line = line_of(&file.product, at);
                match order.iter().position(|known| *known == name) {
                    Some(other) if other <= floor => {}
                    Some(_) => {
                        add(line, format!("module {module} imports {name}, which is declared below it"))
                    }
                    None => {
                        add(line, format!("{root}::{name} is no module: import it from where it is defined"))
                    }
                }
            }
        }
    }
    violations
}

/// The names after `crate`: one after `::`, or each of a list in braces.
fn imported(rest: &str) -> Vec<String> {
    let word = |text: &str| text.trim_start().chars().take_while(|c| is_word(*c)).collect::<String>();
    let Some(rest) = rest.strip_prefix("::") else { return Vec::new() };
    let Some(list) = rest.trim_start().strip_prefix('{') else { return vec![word(rest)] };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(word(&list[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(word(&list[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(file: &str, text: &str) -> Vec<String> {
        let files = [
            RustFile::new(format!("{SOURCE}lib.rs"), "pub mod low;\npub mod middle;\nmod high;\n".into()),
            RustFile::new(format!("{SOURCE}{file}"), text.into()),
        ];
        check(&files).into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn imports_go_down_only() {
        let fine = "use crate::low::X;\nuse crate::{low, middle::{A, B}};\nfn f() { crate::low::g() }";
        assert_eq!(complaints("middle.rs", fine), [""; 0]);
        assert_eq!(complaints("middle/part.rs", "use super::other;"), [""; 0]);
        let up = "module middle imports high, which is declared below it";
        assert_eq!(complaints("middle.rs", "use crate::high::X;"), [up]);
        assert_eq!(complaints("middle/part.rs", "fn f() { crate::high::g() }"), [up]);
        assert_eq!(complaints("middle/mod.rs", "use super::high;"), [up]);
        assert_eq!(complaints("middle.rs", "use crate::{low, high::{A}};"), [up]);
        assert_eq!(
            complaints("middle.rs", "// crate::high\n#[cfg(test)]\nmod tests { use crate::high; }"),
            [""; 0]
        );
        assert_eq!(complaints("middle.rs", "use crate::Thing;").len(), 1);
        assert_eq!(complaints("stray.rs", ""), ["module stray is not declared in lib.rs"]);
    }
}
