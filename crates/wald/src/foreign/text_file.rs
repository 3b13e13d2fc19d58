//! Text: sources, pointers to files that are elsewhere, pages that say what went wrong.

use super::answer::{extension, Foreign, TARGET};

/// So much of a file is looked at.
const LOOK: usize = 4096;
/// So much of its first line is shown.
const SHOWN: usize = 60;

/// What a file is, if it is text.
pub fn recognize(bytes: &[u8], name: &str) -> Option<Foreign> {
    let start = &bytes[..bytes.len().min(LOOK)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // The last character may be cut by the limit.
        Err(error) if error.valid_up_to() + 4 > LOOK => {
            std::str::from_utf8(&start[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if text.contains(|character: char| character.is_control() && !character.is_whitespace()) {
        return None;
    }
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let because = match text.lines().next() {
        None => String::new(),
        Some(line) => {
            let shown: String = line.chars().take(SHOWN).collect();
            let more = if shown.len() < line.len() { "…" } else { "" };
            format!("its first line is `{}{more}`", shown.trim_end().replace('\t', " "))
        }
    };
    let found = pointer(text).or_else(|| by_content(text)).or_else(|| by_extension(name));
    let (what, help) = found.unwrap_or_else(|| ("text".into(), String::new()));
    Some(Foreign::new(what, because, help))
}

/// Stand-ins for files that another program fetches.
fn pointer(text: &str) -> Option<(String, String)> {
    if text.starts_with("version https://git-lfs.github.com/spec/") {
        let size = text
            .lines()
            .find_map(|line| line.strip_prefix("size "))
            .and_then(|size| size.parse::<u64>().ok());
        let of = size.map_or_else(String::new, |size| format!(" to a file of {size} bytes"));
        return Some((format!("a Git LFS pointer{of}"), "fetch the file: git lfs pull".into()));
    }
    let is_annex = text.starts_with("/annex/objects/") || text.contains(".git/annex/objects/");
    is_annex.then(|| ("a pointer of git-annex".into(), "fetch the file: git annex get FILE".into()))
}

/// What only the contents tell.
fn by_content(text: &str) -> Option<(String, String)> {
    let lower: String = text.chars().take(256).collect::<String>().to_ascii_lowercase();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| lower.starts_with(prefix));
    let found = |what: &str, help: &str| Some((what.to_string(), help.to_string()));
    if starts(&["<!doctype html", "<html", "<head"]) {
        return found("an HTML page", "download the file again: a server sent this page in its place");
    }
    if starts(&["<?xml"]) {
        return found("XML", "download the file again if a server sent this in its place");
    }
    if starts(&["--- !tapi-tbd", "---\narchs:"]) {
        return found(
            "a list of a macOS library's symbols (.tbd)",
            "use the library that the WASI SDK has in its place",
        );
    }
    if lower.contains("a libtool library file") || lower.contains("a libtool object file") {
        return found("a file of libtool", "pass the file that it names: .libs/NAME.a or .libs/NAME.o");
    }
    if starts(&["/* gnu ld script", "input(", "input (", "group(", "group (", "output_format("]) {
        return found("a linker script", "wasm-ld has no linker scripts: pass the files that it names");
    }
    if starts(&["#!"]) {
        return found("a script", "pass the objects that it makes");
    }
    if without_comments(text, ";;", ("(;", ";)")).starts_with("(component") {
        return found(
            "the text of a component",
            "make it binary with wasm-tools parse; components are not linked here",
        );
    }
    if without_comments(text, ";;", ("(;", ";)")).starts_with("(module") {
        return found(
            "WebAssembly text",
            "text has no symbols to link: write assembly for clang (.s), or link what makes it",
        );
    }
    let ir = ["; moduleid", "source_filename =", "target datalayout", "target triple", "define "];
    if starts(&ir) || lower.contains("\ntarget triple = \"") {
        return found(
            "LLVM IR in text form",
            "compile it: clang --target=wasm32-wasi -c FILE, or llvm-as FILE",
        );
    }
    if starts(&["{", "["]) && lower.trim_end().len() > 1 {
        return found("JSON", "");
    }
    None
}

/// Sources, by the ending of the name.
fn by_extension(name: &str) -> Option<(String, String)> {
    let clang = |language: &str| {
        (format!("{language} source text"), format!("compile it first: clang {TARGET} -c FILE"))
    };
    Some(match &*extension(name) {
        "c" | "h" | "i" => clang("C"),
        "cc" | "cpp" | "cxx" | "c++" | "hpp" | "hh" | "ii" | "cppm" => clang("C++"),
        "m" | "mm" => clang("Objective-C"),
        "s" | "asm" => clang("assembly"),
        "rs" => ("Rust source text".into(), "compile it first: rustc --target wasm32-wasip1".into()),
        "zig" => {
            ("Zig source text".into(), "compile it first: zig build-obj -target wasm32-wasi FILE".into())
        }
        "go" => ("Go source text".into(), "compile it first, with TinyGo: -target=wasi".into()),
        "js" | "mjs" | "ts" => {
            ("JavaScript".into(), "pass it to emcc with --js-library or --pre-js, not to the linker".into())
        }
        "wit" => ("an interface of components (WIT)".into(), "make code of it first: wit-bindgen".into()),
        "d" => ("a list of dependencies".into(), "pass the object beside it".into()),
        _ => return None,
    })
}

/// The text behind white space and comments.
fn without_comments<'t>(mut text: &'t str, line: &str, (open, close): (&str, &str)) -> &'t str {
    loop {
        text = text.trim_start();
        let end = if text.starts_with(line) {
            text.find('\n')
        } else if text.starts_with(open) {
            text.find(close).map(|at| at + close.len())
        } else {
            return text;
        };
        text = end.map_or("", |end| &text[end..]);
    }
}
