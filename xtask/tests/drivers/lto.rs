//! Link-time optimization as drivers ask for it: each link gives wasm-ld's bytes, and what was linked runs.

use crate::support::{has_clang, has_target, run, scratch, succeed, wald, Linker, RUST_LIBRARY};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::explain::first_difference;
use xtask::{engine, workspace};

const KINDS: [&str; 2] = ["-flto", "-flto=thin"];

/// Loops become vectors: that differs between full and thin, and between levels.
const SIMD: &[&str] = &["-O2", "-msimd128"];

const WASI: [&str; 3] = ["--target=wasm32-wasi", "--no-wasm-opt", "-Wno-deprecated"];

/// A program of four files: two of bitcode that use each other, and native ones that call them and are called by them.
const PROGRAM: [(&str, &str); 4] = [
    (
        "main.c",
        r#"
#include <stdio.h>
#include <string.h>
int weigh(const char *text);
int count(int (*f)(int), int n);
extern int calls;
static int square(int n) { return n * n; }
int square_of(int n) { return square(n) + calls; }
int main(int argc, char **argv) {
  FILE *file = fopen("in.txt", "r");
  char line[16] = "";
  if (!file || !fgets(line, sizeof line, file)) return 1;
  line[strcspn(line, "\n")] = 0;
  printf("%s %d %d %d\n", argv[1], weigh(line), count(square, 4), calls);
  return argc;
}
"#,
    ),
    (
        "part.c",
        r#"
#include <stdlib.h>
int calls;
int native_sum(const int *numbers, int count);
__attribute__((noinline)) static int letter(char c) { return c - 'a' + 1; }
int weigh(const char *text) {
  int sum = 0;
  for (; *text; text++) calls++, sum += letter(*text);
  return sum;
}
int count(int (*f)(int), int n) {
  int *numbers = malloc(n * sizeof *numbers);
  for (int i = 0; i < n; i++) numbers[i] = f(i);
  int sum = native_sum(numbers, n);
  free(numbers);
  return sum;
}
"#,
    ),
    (
        "native.c",
        r#"
int square_of(int n);
int native_sum(const int *numbers, int count) {
  int sum = square_of(1);
  for (int i = 0; i < count; i++) sum += numbers[i];
  return sum;
}
"#,
    ),
    ("unused.c", "int native_sum(const int *, int);\nint unused(void) { return native_sum(0, 0); }\n"),
];

const CXX_PROGRAM: [(&str, &str); 2] = [
    (
        "main.cc",
        r#"
#include "words.h"
#include <iostream>
struct Global { std::string text; Global() : text("constructed") {} } global;
int main(int argc, char **argv) {
  Words words;
  for (int i = 1; i < argc; i++) words.add(argv[i]);
  std::cout << global.text;
  for (auto &[word, times] : words.count) std::cout << " " << word << "=" << times;
  std::cout << " " << words.longest(words.count.begin()->first) << std::endl;
}
"#,
    ),
    (
        "words.cc",
        r#"
#include "words.h"
#include <algorithm>
#include <sstream>
#include <vector>
void Words::add(std::string word) { count[std::move(word)]++; }
std::string Words::longest(const std::string &first) const {
  std::vector<std::string> all{first};
  for (auto &entry : count) all.push_back(entry.first);
  std::stable_sort(all.begin(), all.end(), [](auto &a, auto &b) { return a.size() > b.size(); });
  std::ostringstream out;
  out << all.front() << "/" << all.size();
  return out.str();
}
"#,
    ),
];

const WORDS: &str = r#"
#include <map>
#include <string>
struct Words {
  std::map<std::string, int> count;
  virtual ~Words() = default;
  virtual void add(std::string word);
  inline int size() const { return count.size(); }
  std::string longest(const std::string &first) const;
};
"#;

/// wasm-ld under the name that Wald has beside it.
fn reference(folder: &Path, name: &str) -> Linker {
    let folder = folder.join("reference");
    std::fs::create_dir_all(&folder).expect("a folder");
    Linker::starting(&workspace::wasm_ld().expect("wasm-ld is installed"), &folder, name)
}

/// Fails if the last link gave other bytes than the one before it, whose output was `ours`.
fn compare(ours: &[u8], output: &Path, what: &str) {
    let theirs = std::fs::read(output).expect("wasm-ld wrote its output");
    if let Some(difference) = first_difference(ours, &theirs) {
        panic!("{what}: {difference}");
    }
}

/// Has a clang driver link with Wald and then with wasm-ld. Returns Wald's module.
fn clang_links(driver: &str, folder: &Path, arguments: &[&str]) -> PathBuf {
    let link = |linker: &Linker| {
        let mut command = Command::new(driver);
        command.current_dir(folder).args(WASI).arg(format!("-fuse-ld={}", linker.path.display()));
        succeed(command.args(arguments).args(["-o", "out.wasm"]));
        assert!(linker.was_started());
    };
    let output = folder.join("out.wasm");
    link(&Linker::new(folder, "wald"));
    let module = std::fs::read(&output).expect("the driver wrote its output");
    link(&reference(folder, "wald"));
    compare(&module, &output, &arguments.join(" "));
    output
}

fn compile(driver: &str, folder: &Path, source: &str, arguments: &[&str]) -> String {
    let object = format!("{source}.o");
    let mut command = Command::new(driver);
    succeed(command.current_dir(folder).args(arguments).args(["-c", source, "-o", &object]));
    object
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("the source is written");
    }
}

/// With each optimization level of the compiler, with debug information, and for a link of native objects, full and thin bitcode.
#[test]
fn clang_optimizes_at_link_time() {
    if !has_clang("clang_optimizes_at_link_time") {
        return;
    }
    let folder = scratch("lto-c");
    write(&folder, &PROGRAM);
    let native = compile("clang-22", &folder, "native.c", &[&WASI[..], &["-O1"]].concat());
    for (main, part) in [(KINDS[0], KINDS[0]), (KINDS[1], KINDS[1]), (KINDS[0], KINDS[1])] {
        for options in [&["-O2"][..], &["-O0"], &["-O1"], &["-O3", "-g"], &["-Os"], &["-Oz"], SIMD] {
            let object = |source: &str, kind: &str| {
                compile("clang-22", &folder, source, &[&WASI[..], options, &[kind]].concat())
            };
            let objects = [object("main.c", main), object("part.c", part), object("unused.c", part)];
            let library = format!("lib{}.a", options.concat().replace('-', ""));
            let _ = std::fs::remove_file(folder.join(&library));
            let mut archive = Command::new("llvm-ar-22");
            succeed(archive.current_dir(&folder).args(["rcs", &library, &objects[1], &native, &objects[2]]));
            for inputs in [&[&objects[0], &library][..], &[&native, &objects[1], &objects[0]]] {
                let inputs: Vec<&str> = inputs.iter().map(|name| name.as_str()).collect();
                let module = clang_links("clang-22", &folder, &[options, &[main], &inputs].concat());
                if options == SIMD {
                    // The engine does not have these instructions.
                    continue;
                }
                let finished = run(&module, &["program", "argument"]);
                let expected = "argument 34 18 3\n";
                assert_eq!(
                    (finished.code, finished.stdout.as_str()),
                    (2, expected),
                    "{options:?} {inputs:?}"
                );
            }
        }
    }
}

/// The driver compiles and links with one command, and passes options on to the linker.
#[test]
fn clang_compiles_and_links_at_once() {
    if !has_clang("clang_compiles_and_links_at_once") {
        return;
    }
    let folder = scratch("lto-at-once");
    write(&folder, &PROGRAM);
    let sources = ["main.c", "part.c", "native.c"];
    for kind in KINDS {
        for options in [&["-O2"][..], &["-O2", "-g", "-Wl,--lto-O3,--lto-CGO1"], &["-Os", "-s", "-Wl,-O2"]] {
            let module = clang_links("clang-22", &folder, &[options, &[kind], &sources].concat());
            assert_eq!(run(&module, &["program", "x"]).stdout, "x 34 18 3\n", "{options:?}");
        }
    }
}

#[test]
fn clangxx_optimizes_at_link_time() {
    if !has_clang("clangxx_optimizes_at_link_time") {
        return;
    }
    let folder = scratch("lto-cxx");
    write(&folder, &CXX_PROGRAM);
    write(&folder, &[("words.h", WORDS)]);
    for kind in KINDS {
        for level in ["-O2", "-O0"] {
            let options = [&WASI[..], &[kind, level, "-g", "-fno-exceptions"]].concat();
            let objects =
                ["main.cc", "words.cc"].map(|source| compile("clang++-22", &folder, source, &options));
            let module = clang_links(
                "clang++-22",
                &folder,
                &[kind, level, "-fno-exceptions", &objects[0], &objects[1]],
            );
            let finished = run(&module, &["program", "bb", "a", "bb"]);
            assert_eq!(
                (finished.code, finished.stdout.as_str()),
                (0, "constructed a=1 bb=2 bb/3\n"),
                "{level}"
            );
        }
    }
}

const RUST_PROGRAM: &str = r#"
use std::collections::BTreeMap;
mod words {
    pub fn count(text: &str) -> super::BTreeMap<String, usize> {
        let mut counts = super::BTreeMap::new();
        text.split_whitespace().for_each(|word| *counts.entry(word.to_string()).or_default() += 1);
        counts
    }
}
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let text = std::fs::read_to_string("in.txt").unwrap_or_default();
    let threads: Vec<Box<dyn Fn() -> usize>> = vec![Box::new(|| 1), Box::new(|| 2)];
    let sum: usize = threads.iter().map(|each| each()).sum();
    println!("{:?} {} {sum}", words::count(&words.join(" ")), text.lines().count());
    std::process::exit(words.len() as i32);
}
"#;

/// Has rustc write bitcode, and both linkers link it, with each optimization level. `check` runs the module.
fn rustc_links(name: &str, source: &str, options: &[&str], check: impl Fn(&Path)) {
    let folder = scratch(name);
    write(&folder, &[("a.rs", source)]);
    let output = folder.join("out.wasm");
    for levels in [&["-O"][..], &["-Copt-level=0", "-g"], &["-Copt-level=s", "-Cpanic=abort"]] {
        let link = |linker: &Linker| {
            let mut command = Command::new("rustc");
            command.current_dir(&folder).args(options).args(levels).args(["a.rs", "-oout.wasm"]);
            command.args(["-Clinker-plugin-lto", "-Cstrip=none"]);
            succeed(command.arg(format!("-Clinker={}", linker.path.display())));
            assert!(linker.was_started());
        };
        link(&Linker::new(&folder, "wald"));
        check(&output);
        let module = std::fs::read(&output).expect("rustc wrote its output");
        link(&reference(&folder, "wald"));
        compare(&module, &output, &levels.join(" "));
    }
}

#[test]
fn rustc_optimizes_a_program_at_link_time() {
    let test = "rustc_optimizes_a_program_at_link_time";
    if !has_target(test, "wasm32-wasip1") || !has_clang(test) {
        return;
    }
    rustc_links("lto-rust", RUST_PROGRAM, &["--target=wasm32-wasip1"], |module| {
        let finished = run(module, &["program", "b", "a", "b"]);
        assert_eq!((finished.code, finished.stdout.as_str()), (3, "{\"a\": 1, \"b\": 2} 2 3\n"));
    });
}

#[test]
fn rustc_optimizes_a_library_at_link_time() {
    let test = "rustc_optimizes_a_library_at_link_time";
    if !has_target(test, "wasm32-unknown-unknown") || !has_clang(test) {
        return;
    }
    let options = ["--target=wasm32-unknown-unknown", "--crate-type=cdylib"];
    rustc_links("lto-rust-library", RUST_LIBRARY, &options, |module| {
        let module = std::fs::read(module).expect("rustc wrote its output");
        engine::validate(&module).expect("the module is valid");
        assert_eq!(engine::call(&module, "answer", 12), Ok(22));
    });
}

/// Starts a linker. Returns its module.
fn link(program: &Path, folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = folder.join("out.wasm");
    let _ = std::fs::remove_file(&output);
    succeed(Command::new(program).current_dir(folder).args(arguments).args(["-o", "out.wasm"]));
    std::fs::read(&output).expect("the linker wrote its output")
}

/// Starts both linkers with the same arguments. Returns Wald's module.
fn linkers(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let module = link(wald(), folder, arguments);
    link(&workspace::wasm_ld().expect("wasm-ld is installed"), folder, arguments);
    compare(&module, &folder.join("out.wasm"), &arguments.join(" "));
    module
}

/// What TinyGo passes: one thin module for the whole program, C files of it and of the runtime, LLVM's options for processor and
/// features, and a cache.
#[test]
fn tinygo_links_a_thin_module() {
    if !has_clang("tinygo_links_a_thin_module") {
        return;
    }
    const SOURCES: [(&str, &str); 4] = [
        (
            "main.c",
            r#"
int native(int n);
int helper(int n);
extern int table[];
__attribute__((export_name("add"))) int add(int n) { return helper(n) + native(n) + table[n & 3]; }
void _start(void) { table[0] = helper(1); }
"#,
        ),
        ("helper.c", "int table[4] = {1, 2, 3, 4};\nint helper(int n) { long long x = n; return (int)(x * 3 / 2); }\n"),
        ("asm.c", "int native(int n) { return n << 8 >> 8; }\n"),
        ("more.c", "#include <string.h>\nvoid *memset(void *to, int c, size_t n) { char *p = to; while (n--) *p++ = c; return to; }\n"),
    ];
    let folder = scratch("lto-tinygo");
    write(&folder, &SOURCES);
    let target =
        ["--target=wasm32-unknown-wasi", "-Oz", "-mbulk-memory", "-mnontrapping-fptoint", "-mno-multivalue"];
    let thin = [&target[..], &["-flto=thin", "-mno-reference-types", "-msign-ext"]].concat();
    compile("clang-22", &folder, "main.c", &thin);
    compile("clang-22", &folder, "helper.c", &thin);
    compile("clang-22", &folder, "asm.c", &target);
    compile("clang-22", &folder, "more.c", &thin);
    succeed(Command::new("llvm-ar-22").current_dir(&folder).args(["rcs", "lib.a", "asm.c.o", "more.c.o"]));
    let features =
        "-mattr=+bulk-memory,+mutable-globals,+nontrapping-fptoint,+sign-ext,-multivalue,-reference-types";
    let fixed = ["--stack-first", "--no-demangle", "-L", ".", "main.c.o", "helper.c.o", "lib.a"];
    let llvm = ["-mllvm", "-mcpu=generic", "-mllvm", features];
    let header = ["-mllvm", "--rotation-max-header-size=0"];
    for (level, options) in [("--lto-O0", &[][..]), ("--lto-O1", &[]), ("--lto-O2", &header)] {
        for debug in [&["--strip-debug", "--compress-relocations"][..], &[]] {
            let cache = "--thinlto-cache-dir=cache/thinlto";
            let arguments = [&fixed[..], &llvm, &[level, cache], options, debug].concat();
            let (ours, theirs) =
                (Cached::by(&folder, wald(), &arguments), Cached::reference(&folder, &arguments));
            assert_eq!(ours.entries.len(), 3, "{level}");
            // Their names are keys that all settings are part of.
            assert_eq!(ours.entries, theirs.entries, "{level}");
            // The second link finds all objects in the cache.
            let module = linkers(&folder, &arguments);
            assert!(ours.module == module && theirs.module == module);
            engine::validate(&module).expect("the module is valid");
            assert_eq!(engine::call(&module, "add", 6), Ok(18));
        }
    }
}

/// What a link with an empty cache leaves.
struct Cached {
    module: Vec<u8>,
    /// Names and contents of the cached objects.
    entries: BTreeMap<String, Vec<u8>>,
}

impl Cached {
    fn reference(folder: &Path, arguments: &[&str]) -> Cached {
        Cached::by(folder, &workspace::wasm_ld().expect("wasm-ld is installed"), arguments)
    }

    fn by(folder: &Path, program: &Path, arguments: &[&str]) -> Cached {
        let cache = folder.join("cache");
        let _ = std::fs::remove_dir_all(&cache);
        std::fs::create_dir(&cache).expect("a folder");
        let module = link(program, folder, arguments);
        let mut entries = BTreeMap::new();
        for entry in std::fs::read_dir(cache.join("thinlto")).expect("there is a cache") {
            let path = entry.expect("it can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with("llvmcache-") {
                entries.insert(name, std::fs::read(path).expect("it can be read"));
            }
        }
        Cached { module, entries }
    }
}

/// A program with exceptions, `setjmp` and destructors.
const EMCC_SOURCES: [(&str, &str); 5] = [
    (
        "main.cc",
        r#"
extern "C" int jump(int n);
int risky(int n);
struct Global { int value; Global(); ~Global(); } global;
int main() {
  try { return risky(global.value); } catch (int n) { return n + jump(n); }
}
"#,
    ),
    (
        "risky.cc",
        r#"
struct Global { int value; Global(); ~Global(); };
void log(int n) asm("log_number");
Global::Global() : value(3) {}
Global::~Global() { log(value); }
int risky(int n) { Global local; if (n > 2) throw n; return n; }
"#,
    ),
    (
        "jump.c",
        r#"
typedef struct { long words[64]; } jmp_buf[1];
int setjmp(jmp_buf) __attribute__((returns_twice));
void longjmp(jmp_buf, int) __attribute__((noreturn));
static jmp_buf buffer;
__attribute__((noinline)) static void leave(int n) { longjmp(buffer, n); }
int jump(int n) { int code = setjmp(buffer); if (!code) leave(n); return code; }
"#,
    ),
    (
        "exit.c",
        "int __cxa_atexit(void (*f)(void *), void *a, void *d) { return 0; }\n\
         int __THREW__, __threwValue, __wasm_lpad_context[3];\nvoid *_ZTIi[2];\n",
    ),
    (
        "tags.s",
        ".tagtype __cpp_exception i32\n.globl __cpp_exception\n__cpp_exception:\n\
         .tagtype __c_longjmp i32\n.globl __c_longjmp\n__c_longjmp:\n",
    ),
];
/// How exceptions work in C++, how `setjmp` works in C, and the passes of the linker that go with them.
const EMCC_SCHEMES: [(&[&str], &[&str], &[&str]); 3] = [
    (
        &["-fexceptions", "-mllvm", "-enable-emscripten-cxx-exceptions"],
        &["-mllvm", "-enable-emscripten-sjlj"],
        &["-enable-emscripten-cxx-exceptions", "-enable-emscripten-sjlj"],
    ),
    (&["-fignore-exceptions"], &[], &["-enable-emscripten-sjlj"]),
    (
        &["-fwasm-exceptions", "-mllvm", "-wasm-enable-eh"],
        &["-mexception-handling", "-mllvm", "-wasm-enable-sjlj"],
        &["-wasm-enable-eh", "-exception-model=wasm", "-wasm-enable-sjlj", "-wasm-use-legacy-eh=false"],
    ),
];

/// What emcc passes: options for LLVM's passes, among them how exceptions and `setjmp` are implemented, and a reference to
/// `__cxa_atexit`, which may appear only when code is generated.
#[test]
fn emcc_chooses_how_exceptions_work() {
    if !has_clang("emcc_chooses_how_exceptions_work") {
        return;
    }
    let folder = scratch("lto-emcc");
    write(&folder, &EMCC_SOURCES);
    write(
        &folder,
        &[("libc.imports", "#STUB\n# what JavaScript provides\nlog_number\ninvoke_i: setThrew\n")],
    );
    let target = ["--target=wasm32-unknown-emscripten", "-O2"];
    compile("clang-22", &folder, "exit.c", &target);
    compile("clang-22", &folder, "tags.s", &["--target=wasm32-unknown-emscripten", "-mexception-handling"]);
    let mut archive = Command::new("llvm-ar-22");
    succeed(archive.current_dir(&folder).args(["rcs", "libc.a", "exit.c.o", "tags.s.o"]));
    for kind in KINDS {
        for (exceptions, jumps, passes) in EMCC_SCHEMES {
            let options = [&target[..], &[kind], exceptions].concat();
            compile("clang++-22", &folder, "main.cc", &options);
            compile("clang++-22", &folder, "risky.cc", &options);
            compile("clang-22", &folder, "jump.c", &[&target[..], &[kind], jumps].concat());
            let mut arguments = vec!["main.cc.o", "risky.cc.o", "jump.c.o", "libc.imports", "libc.a"];
            for pass in ["-combiner-global-alias-analysis=false", "-disable-lsr"].iter().chain(passes) {
                arguments.extend(["-mllvm", pass]);
            }
            arguments.extend(["-u__cxa_atexit", "--import-undefined", "--import-memory", "--strip-debug"]);
            arguments.extend(["--export=main", "--export-if-defined=__start_em_asm", "--export-table"]);
            arguments.extend(["-z", "stack-size=65536", "--no-growable-memory", "--initial-memory=16777216"]);
            arguments.extend(["--no-entry", "--stack-first", "--table-base=1"]);
            let module = linkers(&folder, &arguments);
            engine::validate(&module).expect("the module is valid");
        }
    }
}
