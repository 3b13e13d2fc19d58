//! "Faster edit–run loops" of the guide, followed with real build tools: after an edit, a link server links, and nobody can tell.
//!
//! A test whose tools are not installed says so in one line and is skipped.

#![cfg(unix)]

#[path = "drivers/support.rs"]
#[allow(dead_code, reason = "the tests of drivers use the rest")]
mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use support::{has_clang, has_target, run, wald};
use xtask::{engine, workspace};

/// What never ends would end here.
const PATIENCE: Duration = Duration::from_secs(600);
/// A client that is not greeted soon links by itself, which a busy machine makes likely. So many edits are tried until one is served.
const TRIES: usize = 20;

const MAIN: &str = "#include <stdio.h>\nint number(void);\nint main(void) { printf(\"%d\\n\", number()); }\n";

/// A source whose function returns a number.
fn number(number: usize) -> String {
    format!("int unused(void);\nint number(void) {{ return {number}; }}\n")
}

/// A project with servers of its own. All ends with this value.
struct Project {
    folder: PathBuf,
    /// The file that is edited.
    source: PathBuf,
    /// Its text for a number.
    text: fn(usize) -> String,
    output: PathBuf,
    /// The build tool, as it is started each time.
    build: fn(&Path) -> Command,
    /// Runs the module. Returns its number.
    answer: fn(&Path) -> usize,
}

/// What the program prints.
fn printed(module: &Path) -> usize {
    run(module, &["program"]).stdout.trim().parse().expect("a number")
}

impl Project {
    /// A project of C files.
    fn of_c(files: &[(&str, &str)], output: &str, build: fn(&Path) -> Command) -> Project {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // A short path: sockets have short ones.
        let folder = std::env::temp_dir().join(format!("wx{}-{count}", std::process::id()));
        std::fs::create_dir_all(folder.join("run")).expect("a folder");
        for (name, text) in files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("written");
        }
        let (source, output) = (folder.join("number.c"), folder.join(output));
        std::fs::write(&source, number(0)).expect("written");
        Project { folder, source, text: number, output, build, answer: printed }
    }

    /// Runs a command with or without servers, and returns when it has ended and its pipes are closed.
    fn output(&self, mut command: Command, mode: &str) -> Output {
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.env("XDG_RUNTIME_DIR", self.folder.join("run")).env("WALD_SERVER", mode);
        // What cargo and make tell the tests that they run.
        let variables =
            ["WALD_FLAGS", "MAKEFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "CARGO_TARGET_DIR"];
        variables.iter().for_each(|name| _ = command.env_remove(name));
        let (sender, receiver) = mpsc::channel();
        let shown = format!("{command:?}");
        std::thread::spawn(move || _ = sender.send(command.output()));
        let output = receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{shown} does not end"));
        output.unwrap_or_else(|error| panic!("{shown}: {error}"))
    }

    /// Builds, and returns the module.
    fn build(&self, mode: &str) -> Vec<u8> {
        let output = self.output((self.build)(&self.folder), mode);
        assert!(output.status.success(), "{output:?}");
        std::fs::read(&self.output).expect("the build wrote its output")
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.source, text).expect("written");
    }

    fn ask(&self, option: &str) -> Vec<u8> {
        let mut command = Command::new(wald());
        command.arg(option);
        let output = self.output(command, "off");
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    fn servers(&self) -> Vec<Value> {
        serde_json::from_slice(&self.ask("--server-status=json")).expect("JSON")
    }

    /// How many links the servers have made.
    fn links(&self) -> u64 {
        self.servers().iter().filter_map(|server| server["links"].as_u64()).sum()
    }

    /// Waits until something holds. `false` if it does not within this time.
    fn wait(&self, time: Duration, condition: impl Fn() -> bool) -> bool {
        let start = Instant::now();
        while !condition() {
            if start.elapsed() > time {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Edits, builds, runs, and builds the same without a server. Returns whether a server has linked.
    fn edit(&self, number: usize) -> bool {
        let before = self.links();
        self.write(&(self.text)(number));
        let module = self.build("auto");
        assert_eq!((self.answer)(&self.output), number);
        // The server counts after it has answered.
        let served = self.wait(Duration::from_secs(1), || self.links() > before);
        // The same text is a change to build tools.
        self.write(&(self.text)(number));
        assert!(self.build("off") == module, "{} of {number}: other bytes", self.output.display());
        served
    }

    /// Follows the guide.
    fn follow(&self) {
        self.build("auto");
        assert_eq!((self.answer)(&self.output), 0);
        // The build is over, and the server is there: it kept no pipe of the build open.
        let all_ready = || {
            let servers = self.servers();
            !servers.is_empty() && servers.iter().all(|server| server["starting"] == false)
        };
        assert!(self.wait(PATIENCE, all_ready), "{:?}", self.servers());
        self.check_descriptors();
        let served = (1..=TRIES).find(|&number| self.edit(number));
        let number = served.unwrap_or_else(|| panic!("no edit was served: {:?}", self.servers()));
        let module = std::fs::read(&self.output).expect("the module");
        self.write("no source of any language");
        let output = self.output((self.build)(&self.folder), "auto");
        assert!(!output.status.success(), "{output:?}");
        assert!(std::fs::read(&self.output).expect("the old module") == module);
        let served = (number + 1..=number + TRIES).any(|number| self.edit(number));
        assert!(served, "no edit was served after a mistake: {:?}", self.servers());
        self.check_descriptors();
    }

    /// The servers have no pipe of the build and no file of make's job server.
    fn check_descriptors(&self) {
        for server in self.servers() {
            let entries = std::fs::read_dir(format!("/proc/{}/fd", server["pid"])).into_iter().flatten();
            let files = entries.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
            let names: Vec<String> = files.map(|path| path.display().to_string()).collect();
            assert!(
                !names.iter().any(|name| name.starts_with("pipe:") || name.contains("GMfifo")),
                "{names:?}"
            );
        }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // A failed test is on its way out: another panic would hide its words.
        let mut command = Command::new(wald());
        command.arg("--server-stop").env("XDG_RUNTIME_DIR", self.folder.join("run"));
        let _ = command.stdout(Stdio::null()).status();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Whether programs are installed; says so if not.
fn has_tools(test: &str, tools: &[&str]) -> bool {
    let missing = tools.iter().find(|tool| workspace::find_program(tool).is_none());
    missing.iter().for_each(|tool| println!("skipped {test}: {tool} is not installed"));
    missing.is_none() && has_clang(test)
}

const MAKEFILE: &str = "\
CC = clang-22
CFLAGS = --target=wasm32-wasi -Wno-deprecated -O1
OBJECTS = main.o number.o

all: app.wasm other.txt

app.wasm: $(OBJECTS)
\t$(LINK_PREFIX)$(CC) $(CFLAGS) --no-wasm-opt $(LDFLAGS) $(OBJECTS) -o $@

%.o: %.c
\t$(CC) $(CFLAGS) -c $< -o $@

other.txt: number.c
\tcp number.c other.txt
";

#[test]
fn make_serves_edits() {
    if !has_tools("make_serves_edits", &["make"]) {
        return;
    }
    let build = |_: &Path| {
        let mut command = Command::new("make");
        command.arg("-j4").arg(format!("LDFLAGS=-fuse-ld={}", wald().display()));
        command
    };
    Project::of_c(&[("main.c", MAIN), ("Makefile", MAKEFILE)], "app.wasm", build).follow();
}

/// A recipe with `+` gets the pipe of make's job server, and so does the linker. make complains about each token that is missing at its
/// end, and a make below it would wait for one that nobody gives back.
#[test]
fn the_job_server_of_make_is_left_alone() {
    if !has_tools("the_job_server_of_make_is_left_alone", &["make"]) {
        return;
    }
    const OUTER: &str =
        "all: one two\none:\n\t+$(MAKE) -C inner LDFLAGS=$(LDFLAGS)\ntwo:\n\ttouch two\n.PHONY: all one\n";
    let build = |_: &Path| {
        let mut command = Command::new("make");
        command.arg("-j3").arg(format!("LDFLAGS=-fuse-ld={}", wald().display()));
        command
    };
    let inner = MAKEFILE.replace("$(LINK_PREFIX)", "+");
    let files = [("Makefile", OUTER), ("inner/Makefile", &inner), ("inner/main.c", MAIN)];
    let mut project = Project::of_c(&files, "inner/app.wasm", build);
    project.source = project.folder.join("inner/number.c");
    project.write(&number(0));
    project.follow();
    // Once more, for what make says.
    project.write(&number(77));
    let output = project.output(build(&project.folder), "auto");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !said.contains("jobserver"), "{said}");
}

#[test]
fn ninja_serves_edits() {
    const BUILD: &str = "\
flags = --target=wasm32-wasi -Wno-deprecated -O1
rule cc
  command = clang-22 $flags -MD -MF $out.d -c $in -o $out
  depfile = $out.d
  deps = gcc
rule link
  command = clang-22 $flags --no-wasm-opt $in -o $out
build main.o: cc main.c
build number.o: cc number.c
build app.wasm: link main.o number.o
";
    if !has_tools("ninja_serves_edits", &["ninja"]) {
        return;
    }
    let build = |_: &Path| {
        let mut command = Command::new(wald());
        command.args(["--run", "ninja"]);
        command
    };
    Project::of_c(&[("main.c", MAIN), ("build.ninja", BUILD)], "app.wasm", build).follow();
}

#[test]
fn cmake_serves_edits() {
    const LISTS: &str = "\
cmake_minimum_required(VERSION 3.20)
project(app C)
add_library(parts STATIC number.c)
add_executable(app main.c)
target_link_libraries(app PRIVATE parts)
target_link_options(app PRIVATE --no-wasm-opt)
";
    if !has_tools("cmake_serves_edits", &["cmake", "ninja"]) {
        return;
    }
    let build = |_: &Path| {
        let mut command = Command::new("cmake");
        command.args(["--build", "build"]);
        command
    };
    let project = Project::of_c(&[("main.c", MAIN), ("CMakeLists.txt", LISTS)], "build/app", build);
    let mut command = Command::new("cmake");
    command.args(["-B", "build", "-G", "Ninja", "-DCMAKE_SYSTEM_NAME=Generic"]);
    command.args(["-DCMAKE_C_COMPILER=clang-22", "-DCMAKE_C_COMPILER_TARGET=wasm32-wasi"]);
    command.arg(format!("-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld={}", wald().display()));
    let output = project.output(command, "auto");
    assert!(output.status.success(), "{output:?}");
    project.follow();
}

#[test]
fn cargo_serves_edits() {
    const MANIFEST: &str =
        "[package]\nname = \"app\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n";
    if !has_target("cargo_serves_edits", "wasm32-wasip1") {
        return;
    }
    let build = |_: &Path| {
        let mut command = Command::new("cargo");
        command.args(["build", "--quiet", "--offline", "--target", "wasm32-wasip1"]);
        command.env("CARGO_TARGET_WASM32_WASIP1_LINKER", wald());
        command
    };
    let output = "target/wasm32-wasip1/debug/app.wasm";
    let mut project = Project::of_c(&[("Cargo.toml", MANIFEST)], output, build);
    std::fs::create_dir(project.folder.join("src")).expect("a folder");
    project.source = project.folder.join("src/main.rs");
    project.text = |number| {
        format!("fn number() -> usize {{ {number} }}\nfn main() {{ println!(\"{{}}\", number()); }}\n")
    };
    project.write(&(project.text)(0));
    project.follow();
}

/// What emcc does, step by step: objects and a list of JavaScript's functions in a new folder for each link, wasm-ld by its path, and a
/// tool that rewrites the module in place.
const EMCC: &str = r#"#!/bin/sh
set -e
temp=$(mktemp -d "$PWD/emscripten_temp_XXXXXX")
trap 'rm -rf "$temp"' EXIT
for name in main number; do
  clang-22 --target=wasm32-unknown-emscripten -O1 -fignore-exceptions -mllvm -combiner-global-alias-analysis=false \
    -mllvm -enable-emscripten-sjlj -mllvm -disable-lsr -c $name.c -o "$temp/$name.o"
done
printf '#STUB\nemscripten_get_now:\nabort\n' >"$temp/libemscripten_js_symbols.so"
./llvm/wasm-ld -o app.wasm "$temp/main.o" "$temp/number.o" -L"$PWD/lib" "$temp/libemscripten_js_symbols.so" \
  -mllvm -combiner-global-alias-analysis=false -mllvm -enable-emscripten-sjlj -mllvm -disable-lsr \
  --strip-debug --export=answer --export-if-defined=__start_em_asm --export-if-defined=main --export-table \
  -z stack-size=65536 --no-growable-memory --initial-heap=16777216 --no-entry --stack-first --table-base=1
cp app.wasm "$temp/linked"
printf '\000\005\004note' | cat "$temp/linked" - >app.wasm
"#;

#[test]
fn emscripten_serves_edits() {
    const MAIN: &str = "int number(void);\nint answer(int more) { return number() + more; }\n";
    if !has_clang("emscripten_serves_edits") {
        return;
    }
    let build = |folder: &Path| {
        let mut command = Command::new("sh");
        command.arg(folder.join("emcc"));
        command
    };
    let files = [("main.c", MAIN), ("emcc", EMCC)];
    let mut project = Project::of_c(&files, "app.wasm", build);
    std::fs::create_dir(project.folder.join("llvm")).expect("a folder");
    std::os::unix::fs::symlink(wald(), project.folder.join("llvm/wasm-ld")).expect("a link");
    project.answer = |module| {
        let module = std::fs::read(module).expect("the module");
        engine::validate(&module).expect("the module is valid");
        usize::try_from(engine::call(&module, "answer", 0).expect("it runs")).expect("a number")
    };
    project.follow();
}
