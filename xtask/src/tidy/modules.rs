//! Which file of a crate refers to which: the modules of a crate, and what the paths in their code mean.
//!
//! A path counts for the file that defines what it names. A re-export is part of its module's declaration, so it only counts if its
//! file also uses the name. Not seen: calls of methods, which name no file.

use super::source::{is_word, matching_brace, words, RustFile};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// For each file, the files that it refers to, with a name that it uses of each.
pub type References = BTreeMap<String, BTreeMap<String, String>>;

/// The references inside of the crate whose root is `root`.
pub fn references(root: &RustFile, files: &HashMap<&str, &RustFile>) -> References {
    let mut modules = Modules(Vec::new());
    modules.add(root, None, files);
    (0..modules.0.len())
        .map(|number| (modules.0[number].file.name.clone(), modules.used_by(number)))
        .collect()
}

/// The modules of a crate that are files. The first one is the root.
struct Modules<'a>(Vec<Module<'a>>);

struct Module<'a> {
    file: &'a RustFile,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    imports: Vec<Import>,
    /// The code without its imports.
    body: String,
}

struct Import {
    /// The name in this file; `*` for all of them.
    name: String,
    path: Vec<String>,
    /// Whether other modules can use the name too.
    is_public: bool,
}

/// What a path means.
enum Meaning {
    Module(usize),
    /// Something that this module defines.
    Item(usize),
}

impl<'a> Modules<'a> {
    fn add(
        &mut self,
        file: &'a RustFile,
        parent: Option<usize>,
        files: &HashMap<&str, &'a RustFile>,
    ) -> usize {
        let code = &without_inline_modules(if file.product.is_empty() { &file.code } else { &file.product });
        let (imports, body) = split_imports(code);
        let number = self.0.len();
        self.0.push(Module { file, parent, children: BTreeMap::new(), imports, body });
        let stem = file.name.trim_end_matches(".rs");
        let folder = match stem.rsplit_once('/') {
            Some((folder, "mod")) => folder,
            Some((folder, _)) if parent.is_none() => folder,
            _ => stem,
        };
        for at in words(code, "mod") {
            let rest = code[at + 3..].trim_start();
            let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
            if !rest[name.len()..].trim_start().starts_with(';') {
                continue;
            }
            let paths = [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")];
            if let Some(child) = paths.iter().find_map(|path| files.get(path.as_str())) {
                let child = self.add(child, Some(number), files);
                self.0[number].children.insert(name, child);
            }
        }
        number
    }

    fn used_by(&self, number: usize) -> BTreeMap<String, String> {
        let module = &self.0[number];
        let mut used = BTreeMap::new();
        let mut add = |owner: usize, name: &str| {
            if owner != number {
                used.entry(self.0[owner].file.name.clone()).or_insert_with(|| name.to_string());
            }
        };
        for import in &module.imports {
            let is_used = !import.is_public || words(&module.body, &import.name).next().is_some();
            match self.meaning(number, &import.path, &mut HashSet::new()) {
                Some(Meaning::Item(owner)) if is_used => add(owner, &import.name),
                Some(Meaning::Module(owner)) if import.name == "*" => add(owner, "*"),
                _ => {}
            }
        }
        for path in paths(&module.body) {
            if let Some(Meaning::Item(owner)) = self.meaning(number, &path, &mut HashSet::new()) {
                add(owner, &path.join("::"));
            }
        }
        used
    }

    /// `None` if it is not from this crate. `seen` are the imports that led here.
    fn meaning<'s>(
        &'s self,
        number: usize,
        path: &'s [String],
        seen: &mut HashSet<(usize, &'s str)>,
    ) -> Option<Meaning> {
        let (first, mut rest) = path.split_first()?;
        let mut module = match first.as_str() {
            "crate" => 0,
            "self" => number,
            "super" => self.0[number].parent?,
            name => match self.named(number, name, seen)? {
                Meaning::Module(module) => module,
                item => return Some(item),
            },
        };
        while let Some((name, after)) = rest.split_first() {
            module = match name.as_str() {
                "super" => self.0[module].parent?,
                name => match self.named(module, name, seen) {
                    Some(Meaning::Module(module)) => module,
                    Some(item) => return Some(item),
                    None => return Some(Meaning::Item(module)),
                },
            };
            rest = after;
        }
        Some(Meaning::Module(module))
    }

    /// What a child module or an import gives a name to.
    fn named<'s>(
        &'s self,
        number: usize,
        name: &'s str,
        seen: &mut HashSet<(usize, &'s str)>,
    ) -> Option<Meaning> {
        let module = &self.0[number];
        if let Some(&child) = module.children.get(name) {
            return Some(Meaning::Module(child));
        }
        let import = module.imports.iter().find(|import| import.name == name)?;
        seen.insert((number, name)).then(|| self.meaning(number, &import.path, seen))?
    }
}

/// The code as if what is in `mod name { }` was the file's own: there, `super` is the file.
fn without_inline_modules(code: &str) -> String {
    let mut flat = code.to_string();
    for at in words(code, "mod") {
        let name = code[at + "mod".len()..].trim_start();
        let rest = name.trim_start_matches(is_word).trim_start();
        let open = code.len() - rest.len();
        if let (true, Some(close)) = (rest.starts_with('{'), matching_brace(code, open)) {
            let inside =
                flat[open..close].replace("super::", "self::\x20").replace("self::\x20super", "super");
            flat.truncate(open);
            flat += &inside;
            flat += &code[flat.len()..];
        }
    }
    flat
}

/// The imports of a file, and its code without them.
fn split_imports(code: &str) -> (Vec<Import>, String) {
    let (mut imports, mut body) = (Vec::new(), code.to_string());
    for at in words(code, "use") {
        let Some(len) = code[at..].find(';') else { continue };
        let before = code[..at].trim_end();
        let is_public = before.ends_with("pub") || before.ends_with(')');
        let tree = &code[at + "use".len()..at + len];
        // `use<'a>` of a return type is none.
        if tree.starts_with(char::is_whitespace) {
            add_imports(tree, &[], is_public, &mut imports);
            body.replace_range(at..at + len, &" ".repeat(len));
        }
    }
    (imports, body)
}

/// Adds what `tree`, which follows `prefix`, imports.
fn add_imports(tree: &str, prefix: &[String], is_public: bool, imports: &mut Vec<Import>) {
    let segments = |text: &str| -> Vec<String> {
        let segments = text.split("::").map(str::trim).filter(|segment| !segment.is_empty());
        prefix.iter().cloned().chain(segments.map(str::to_string)).collect()
    };
    if let Some((before, list)) = tree.split_once('{') {
        let prefix = segments(before);
        let list = list.trim_end().strip_suffix('}').unwrap_or(list);
        split_list(list).into_iter().for_each(|part| add_imports(part, &prefix, is_public, imports));
        return;
    }
    let (path, name) = match tree.split_once(" as ") {
        Some((path, name)) => (path, Some(name.trim().to_string())),
        None => (tree, None),
    };
    let mut path = segments(path);
    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
        path.pop();
    }
    let last = path.last().cloned().unwrap_or_default();
    if last == "*" {
        path.pop();
    }
    // `use name;` would be its own meaning.
    if path.len() > 1 || path.first().is_some_and(|first| first != &last) {
        imports.push(Import { name: name.unwrap_or(last), path, is_public });
    }
}

/// The parts between the commas that are in no braces.
fn split_list(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// The paths of at least two names, each once.
fn paths(code: &str) -> BTreeSet<Vec<String>> {
    let mut paths = BTreeSet::new();
    let mut rest = code;
    while let Some(at) = rest.find("::") {
        let start = rest[..at].trim_end_matches(is_word).len();
        let end = rest[at..].find(|c| !is_word(c) && c != ':').map_or(rest.len(), |end| at + end);
        let path = rest[start..end].trim_end_matches(':');
        if !path.starts_with(':') && path.contains("::") {
            paths.insert(path.split("::").map(str::to_string).collect());
        }
        rest = &rest[end..];
    }
    paths
}
