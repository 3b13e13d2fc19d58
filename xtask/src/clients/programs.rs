//! The programs that clients build.

/// C++ with the standard library: constructors, templates, streams.
pub const CXX: &str = r#"#include <iostream>
#include <map>
#include <string>
#include <vector>
#include "words.h"
struct Global { std::string text; Global() : text("counted") {} } global;
int main(int argc, char **argv) {
  std::map<std::string, int> count;
  for (auto &word : words()) count[word]++;
  std::cout << global.text;
  for (auto &[word, times] : count) std::cout << " " << word << "=" << times;
  std::cout << std::endl;
}
"#;

/// Its header.
pub const WORDS_H: &str = "#include <string>\n#include <vector>\nstd::vector<std::string> words();\n";

/// Its other file.
pub const WORDS: &str = r#"#include "words.h"
std::vector<std::string> words() { return {"one", "two", "one"}; }
"#;

/// What the C++ program prints.
pub const CXX_SAYS: &str = "counted one=2 two=1";

/// C with libc.
pub const C: &str = r#"#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int by_text(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
int main(void) {
  const char *words[] = {"linker", "archive", "object"};
  qsort(words, 3, sizeof *words, by_text);
  for (int i = 0; i < 3; i++) printf("%s %.1f\n", words[i], i / 2.0);
  return 0;
}
"#;

/// What the C program prints.
pub const C_SAYS: &str = "archive 0.0\nlinker 0.5\nobject 1.0";

/// Rust with std.
pub const RUST: &str = r#"use std::collections::BTreeMap;
fn main() {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for word in "one two one".split(' ') {
        *count.entry(word).or_default() += 1;
    }
    println!("{count:?}");
}
"#;

/// What the Rust program prints.
pub const RUST_SAYS: &str = r#"{"one": 2, "two": 1}"#;

/// A library for wasm-bindgen.
pub const BINDGEN: &str = r#"use wasm_bindgen::prelude::*;
#[wasm_bindgen]
pub fn greet(name: &str) -> String {
    format!("hello, {name}")
}
"#;

/// A Zig program.
pub const ZIG: &str = r#"const std = @import("std");
fn fibonacci(n: u32) u32 {
    return if (n < 2) n else fibonacci(n - 1) + fibonacci(n - 2);
}
export fn answer(n: u32) u32 {
    return fibonacci(n);
}
"#;
