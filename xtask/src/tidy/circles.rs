//! The files of a crate, and the C files of the demo, refer to each other in one direction only. So each can be understood after
//! those that it refers to, and be moved or tested without the others.

use super::modules::{references, References};
use super::source::{code_of, is_word, words, RustFile};
use super::violation::Violation;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

const DEMO: &str = "demo/src/";

/// Checks every crate.
pub fn check(files: &[RustFile]) -> Vec<Violation> {
    let by_name: HashMap<&str, &RustFile> = files.iter().map(|file| (file.name.as_str(), file)).collect();
    let roots = files.iter().filter(|file| is_root(&file.name, &by_name));
    roots.flat_map(|root| violations(&references(root, &by_name))).collect()
}

/// Checks the C files of the demo: names and texts.
pub fn check_c(files: &[(String, String)]) -> Vec<Violation> {
    let files: Vec<CFile> =
        files.iter().filter_map(|(name, text)| Some(CFile::new(name.strip_prefix(DEMO)?, text))).collect();
    let of_file = |file: &CFile| {
        let used = files.iter().filter_map(|other| Some((DEMO.to_string() + &other.name, file.uses(other)?)));
        (DEMO.to_string() + &file.name, used.collect())
    };
    violations(&files.iter().map(of_file).collect())
}

/// Whether a file is the root of a crate: of a library, a program, a test or an example.
fn is_root(name: &str, files: &HashMap<&str, &RustFile>) -> bool {
    let Some((folder, file)) = name.rsplit_once('/') else { return true };
    let has_root = |name: &str| files.contains_key(format!("{folder}/{name}.rs").as_str());
    let is_target = ["tests", "examples", "targets"].iter().any(|name| folder.ends_with(&format!("/{name}")));
    matches!(file, "lib.rs" | "main.rs") || is_target && !has_root("main") && !has_root("lib")
}

/// One violation for each circle; of overlapping ones only for some.
fn violations(references: &References) -> Vec<Violation> {
    let (mut violations, mut reported) = (Vec::new(), HashSet::new());
    for file in references.keys() {
        if reported.contains(file) {
            continue;
        }
        if let Some(circle) = shortest_circle(file, references) {
            let steps = circle.iter().zip(circle.iter().cycle().skip(1));
            let steps =
                steps.map(|(from, to)| format!("{} uses {} of ", short(from), references[*from][*to]));
            let message =
                format!("files refer to each other in a circle: {}{}", String::from_iter(steps), short(file));
            reported.extend(circle);
            violations.push(Violation { file: file.clone(), line: 0, rule: "circles", message });
        }
    }
    violations
}

/// A file's name without the folder of its crate.
fn short(file: &str) -> &str {
    file.rsplit_once("/src/").map_or(file, |(_, name)| name)
}

/// The files of the shortest circle that starts at `start`.
fn shortest_circle<'a>(start: &'a String, references: &'a References) -> Option<Vec<&'a String>> {
    let mut came_from: BTreeMap<&String, &String> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for next in references.get(file)?.keys() {
            if next == start {
                let mut circle = vec![file];
                while let Some(before) = came_from.get(circle[circle.len() - 1]) {
                    circle.push(before);
                }
                circle.reverse();
                return Some(circle);
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}

/// A C file: what it defines for others, and its code.
struct CFile {
    name: String,
    code: String,
    text: String,
    defined: Vec<String>,
}

impl CFile {
    fn new(name: &str, text: &str) -> CFile {
        let code = code_of(text);
        let is_definition = |line: &&str| {
            let is_other = ["static ", "extern ", "typedef ", "#", "}", "struct "];
            line.starts_with(is_word)
                && !is_other.iter().any(|start| line.starts_with(start))
                && (line.ends_with(['{', '}', ';', ',']))
                && !line.contains(" static ")
        };
        let defined = match name.ends_with(".c") {
            true => code.lines().filter(is_definition).filter_map(defined_name).collect(),
            false => Vec::new(),
        };
        CFile { name: name.into(), code, text: text.into(), defined }
    }

    /// What it uses of another file: its header, or a name that only the other one defines.
    fn uses(&self, other: &CFile) -> Option<String> {
        let header = format!("#include \"{}\"", other.name);
        if self.text.lines().any(|line| line == header) {
            return Some("its declarations".into());
        }
        let is_used =
            |name: &&String| !self.defined.contains(name) && words(&self.code, name).next().is_some();
        other.defined.iter().find(is_used).cloned().filter(|_| self.name.ends_with(".c"))
    }
}

/// The name that a line at the left edge defines: the last one before its parameters, brackets or value.
fn defined_name(line: &str) -> Option<String> {
    let line = match line.strip_prefix("__attribute__") {
        Some(rest) => &rest[rest.find("))")? + 2..],
        None => line,
    };
    let end = line.find(['(', '[', '=', ';'])?;
    let start = line[..end].trim_end();
    let name = &start[start.trim_end_matches(is_word).len()..];
    (!name.is_empty() && name.len() < start.len()).then(|| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<RustFile> =
            files.iter().map(|(name, text)| RustFile::new(format!("a/src/{name}"), (*text).into())).collect();
        check(&files).into_iter().map(|violation| violation.message).collect()
    }

    const ROOT: (&str, &str) = ("lib.rs", "mod a; mod b;");

    #[test]
    fn a_circle_is_named() {
        let up = ("b.rs", "use crate::a::{self, X}; fn g() { a::f() }");
        let circle = "files refer to each other in a circle: a.rs uses crate::b::g of b.rs uses X of a.rs";
        assert_eq!(circles(&[ROOT, ("a.rs", "pub struct X; pub fn f() { crate::b::g() }"), up]), [circle]);
        assert_eq!(circles(&[ROOT, ("a.rs", "pub struct X; pub fn f() {} // crate::b::g"), up]), [""; 0]);
        let test = "pub struct X; pub fn f() {} #[cfg(test)] mod t { use crate::b::g; }";
        assert_eq!(circles(&[ROOT, ("a.rs", test), up]), [""; 0]);
    }

    #[test]
    fn a_module_declares_its_children_but_does_not_use_them() {
        let child = ("a/child.rs", "use super::Thing; pub struct Part(Thing);");
        let plain = "mod child; pub use child::Part; pub struct Thing;";
        assert_eq!(circles(&[("lib.rs", "mod a;"), ("a.rs", plain), child]), [""; 0]);
        assert_eq!(circles(&[("lib.rs", "mod a;"), ("a/mod.rs", plain), child]), [""; 0]);
        for using in ["pub fn f(_: Part) {}", "pub fn f() { child::g() }", "pub fn f() { self::child::g() }"]
        {
            let text = format!("{plain} {using}");
            assert_eq!(circles(&[("lib.rs", "mod a;"), ("a.rs", &text), child]).len(), 1, "{using}");
        }
        // What a child takes from its parent may be another child's.
        let facade = "mod child; mod low; pub use low::Thing; pub use child::Part; pub fn f(_: Part) {}";
        assert_eq!(
            circles(&[("lib.rs", "mod a;"), ("a.rs", facade), ("a/low.rs", "pub struct Thing;"), child]),
            [""; 0]
        );
    }

    #[test]
    fn a_circle_can_be_of_three_and_through_other_names() {
        let files = |last| {
            [
                ("lib.rs", "mod a; mod b; mod c; pub use c::deep as shown;"),
                ("a.rs", "use crate::b::g; pub fn f() { g() }"),
                ("b.rs", "use crate::{c::{self as low, deep::{y, z}}}; pub fn g() { low::h() }"),
                ("c/mod.rs", "pub mod deep; pub fn h() {}"),
                ("c/deep.rs", last),
            ]
        };
        assert_eq!(circles(&files("pub fn y() {} pub fn z() {}")), [""; 0]);
        assert_eq!(circles(&files("use super::super::a as top; pub fn y() { top::f() }")).len(), 1);
        assert_eq!(circles(&files("pub fn y() { crate::shown::z() }")), [""; 0]);
    }

    #[test]
    fn super_in_a_module_without_a_file_is_the_file() {
        let low = ("a/low.rs", "mod inner { use super::*; pub fn f() { super::g() } }");
        assert_eq!(
            circles(&[("lib.rs", "mod a;"), ("a.rs", "mod low; pub fn h() { low::g() }"), low]),
            [""; 0]
        );
        let up = ("a/low.rs", "mod inner { pub fn f() { super::super::h() } }");
        assert_eq!(
            circles(&[("lib.rs", "mod a;"), ("a.rs", "mod low; pub fn h() { low::g() }"), up]).len(),
            1
        );
    }

    #[test]
    fn c_files_are_checked_too() {
        let circles = |files: &[(&str, &str)]| {
            let files: Vec<_> =
                files.iter().map(|(name, text)| (format!("{DEMO}{name}"), (*text).into())).collect();
            check_c(&files).len()
        };
        let low = ("low.c", "#include \"low.h\"\nint table[] = {\nint twice(int x) { return 2 * x; }\n");
        let high = ("high.c", "#include \"low.h\"\nvoid run(void) {\n  twice(table[0]);\n}\n");
        assert_eq!(circles(&[low, high, ("low.h", "int twice(int x);\n")]), 0);
        let calls = ("low.c", "int twice(int x) { return run(), x; }\n");
        assert_eq!(circles(&[calls, high]), 1);
        let weak = "__attribute__((weak)) void run(void) {}\nint twice(int x) { return run(), x; }\n";
        assert_eq!(circles(&[("low.c", weak), high]), 0);
        assert_eq!(
            circles(&[
                ("low.c", "int a;\nint b(void) {\n  return c;\n}\n"),
                ("c.c", "int c = 1;\nint d(void) {\n  return a;\n}\n")
            ]),
            1
        );
    }
}
