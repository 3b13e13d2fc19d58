//! `cargo xtask api`: the public API of a crate as text, so that a change of it is seen in a review.
//!
//! rustdoc writes the API as JSON. Items are named by their public paths; what they look like is cut out of the source, because
//! that part of the JSON changes with each version of Rust. The flag is unstable, so the compiler is told to accept it.

use crate::arguments::Arguments;
use crate::workspace;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::process::Command;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask api [--bless] [--count]

Compares the public API of the published crates with crates/*/api.txt: one line per item. `--bless` writes the files anew;
read their diff before you commit it. `--count` only prints the number of items.
";

/// The published crates with a Rust API.
const CRATES: [(&str, &str); 4] = [
    ("wald", "wald"),
    ("wald-cli", "wald-cli"),
    ("wald-component", "wald-component"),
    ("wald-demangle", "demangle"),
];

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let mut args = Arguments::new(args);
    let (bless, count) = (args.flag("bless"), args.flag("count"));
    if let [word, ..] = &args.words()?[..] {
        return Err(format!("unexpected argument: {word}"));
    }
    let mut different = Vec::new();
    for (package, folder) in CRATES {
        let lines = public_items(package)?;
        if count {
            println!("{package}: {} items", lines.len());
            continue;
        }
        let text = lines.into_iter().map(|line| line + "\n").collect::<String>();
        let path = workspace::root().join("crates").join(folder).join("api.txt");
        if bless {
            workspace::write(&path, text)?;
        } else if std::fs::read_to_string(&path).unwrap_or_default() != text {
            different.push(format!("crates/{folder}/api.txt"));
        }
    }
    match &different[..] {
        [] => Ok(()),
        files => Err(format!(
            "the public API is not that of {}: run `cargo xtask api --bless` and read the diff",
            files.join(", ")
        )),
    }
}

/// The public items of a library, sorted.
pub fn public_items(package: &str) -> Result<BTreeSet<String>, String> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["rustdoc", "--quiet", "--package", package, "--lib", "--"])
        .args(["-Zunstable-options", "--output-format=json", "--cap-lints=allow"])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", workspace::target().join("api"))
        .current_dir(workspace::root())
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("cargo rustdoc: {status}")),
        Err(error) => return Err(format!("cargo rustdoc: {error}")),
    }
    let name = package.replace('-', "_");
    let path = workspace::target().join("api/doc").join(format!("{name}.json"));
    let json: Value = serde_json::from_slice(&workspace::read(&path)?).map_err(|error| error.to_string())?;
    let mut api = Api { json: &json, sources: HashMap::new(), lines: BTreeSet::new() };
    api.module(&json["root"], &name);
    Ok(api.lines)
}

struct Api<'a> {
    json: &'a Value,
    /// The source files, by lines.
    sources: HashMap<String, Vec<String>>,
    lines: BTreeSet<String>,
}

impl<'a> Api<'a> {
    /// The item of an id, if it is one of this crate.
    fn item(&self, id: &Value) -> Option<&'a Value> {
        let key = match id {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.json["index"].get(&key)
    }

    fn module(&mut self, id: &Value, path: &str) {
        let Some(module) = self.item(id) else { return };
        for id in list(&module["inner"]["module"]["items"]) {
            let Some(item) = self.item(id).filter(|item| is_public(item)) else { continue };
            let import = &item["inner"]["use"];
            if import.is_null() {
                self.named(id, item["name"].as_str().unwrap_or_default(), path);
            } else {
                let name = import["name"].as_str().unwrap_or_default();
                self.named(&import["id"], name, path);
            }
        }
    }

    /// An item under a public name.
    fn named(&mut self, id: &Value, name: &str, parent: &str) {
        let path = format!("{parent}::{name}");
        let Some(item) = self.item(id) else {
            self.lines.insert(format!("pub use {path}"));
            return;
        };
        let Some((kind, inner)) = item["inner"].as_object().and_then(|inner| inner.iter().next()) else {
            return;
        };
        let marks = if is_non_exhaustive(item) { "#[non_exhaustive] " } else { "" };
        match kind.as_str() {
            "module" => {
                self.lines.insert(format!("pub mod {path}"));
                self.module(id, &path);
            }
            "struct" | "enum" | "union" | "trait" => {
                self.lines.insert(format!("{marks}pub {kind} {path}"));
                let fields = list(&inner["kind"]["plain"]["fields"]);
                for id in fields.iter().chain(list(&inner["items"])) {
                    self.member(id, &path);
                }
                list(&inner["variants"]).iter().for_each(|id| self.variant(id, &path));
                list(&inner["impls"]).iter().for_each(|id| self.implementation(id, &path));
            }
            _ => {
                let text = self.source(item);
                self.lines.insert(format!("{marks}{path}: {text}"));
            }
        }
    }

    /// A field, or a method of a trait or of a type.
    fn member(&mut self, id: &Value, path: &str) {
        let Some(item) = self.item(id) else { return };
        let name = item["name"].as_str().unwrap_or_default();
        let text = self.source(item);
        self.lines.insert(format!("{path}::{name}: {text}"));
    }

    fn variant(&mut self, id: &Value, path: &str) {
        let Some(item) = self.item(id) else { return };
        let name = item["name"].as_str().unwrap_or_default();
        let is_plain = item["inner"]["variant"]["kind"] == "plain";
        let text = if is_plain { String::new() } else { format!(": {}", self.source(item)) };
        self.lines.insert(format!("{path}::{name}{text}"));
    }

    fn implementation(&mut self, id: &Value, path: &str) {
        let Some(item) = self.item(id) else { return };
        let of = &item["inner"]["impl"];
        if of["is_synthetic"] == true || !of["blanket_impl"].is_null() {
            return;
        }
        if of["trait"].is_null() {
            for id in list(&of["items"]) {
                if self.item(id).is_some_and(is_public) {
                    self.member(id, path);
                }
            }
            return;
        }
        let name = of["trait"]["path"].as_str().unwrap_or_default();
        let name = name.rsplit("::").next().unwrap_or(name);
        // Part of how `derive(PartialEq)` works.
        if name != "StructuralPartialEq" {
            self.lines.insert(format!("impl {name} for {path}{}", arguments(&of["trait"]["args"])));
        }
    }

    /// What an item looks like in the source, without its body, in one line.
    fn source(&mut self, item: &Value) -> String {
        let span = &item["span"];
        let file = span["filename"].as_str().unwrap_or_default();
        let lines = self.sources.entry(file.to_string()).or_insert_with(|| {
            let text = std::fs::read_to_string(workspace::root().join(Path::new(file))).unwrap_or_default();
            text.lines().map(str::to_string).collect()
        });
        let line = |end: &str| span[end][0].as_u64().unwrap_or(1) as usize;
        let lines = lines.get(line("begin") - 1..line("end")).unwrap_or_default();
        let lines = lines.iter().map(|line| line.trim()).filter(|line| {
            let is_comment = line.starts_with("//");
            !is_comment && !line.starts_with("#[")
        });
        let text = lines.collect::<Vec<_>>().join(" ");
        let is_function = !item["inner"]["function"].is_null();
        let text = match text.find(" {").filter(|_| is_function) {
            Some(body) => &text[..body],
            None => &text,
        };
        text.trim_end_matches([',', ';', ' ']).replace("( ", "(").replace(", )", ")").replace(",)", ")")
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn is_public(item: &Value) -> bool {
    item["visibility"] == "public"
        && !list(&item["attrs"]).iter().any(|attribute| text_of(attribute).contains("doc(hidden)"))
}

fn is_non_exhaustive(item: &Value) -> bool {
    list(&item["attrs"]).iter().any(|attribute| text_of(attribute).contains("non_exhaustive"))
}

fn text_of(attribute: &Value) -> String {
    attribute.to_string()
}

/// The types of a trait, such as that of `From`.
fn arguments(arguments: &Value) -> String {
    let types = list(&arguments["angle_bracketed"]["args"]).iter().filter_map(|argument| {
        let of = &argument["type"];
        let path = of["resolved_path"]["path"].as_str().or_else(|| of["primitive"].as_str());
        Some(path?.rsplit("::").next()?.to_string())
    });
    let types: Vec<String> = types.collect();
    if types.is_empty() {
        String::new()
    } else {
        format!(" ({})", types.join(", "))
    }
}
