//! Programs of several modules, threads, 64-bit memory, exceptions and branch hints: each link gives wasm-ld's bytes, and Node runs what
//! was linked. Sources and small loaders in JavaScript are in `tests/dynamic`.
//!
//! A test whose tools are not installed says in one line that it was skipped, and why.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use xtask::{engine, workspace};

const WASM32: &str = "--target=wasm32-unknown-unknown";
const PIC: &[&str] = &[WASM32, "-fPIC", "-fvisibility=default"];
const THREADS: &[&str] = &[WASM32, "-matomics", "-mbulk-memory"];

/// A folder with a program's files, in which it is built, linked by both linkers, and run.
struct Program {
    folder: PathBuf,
}

impl Program {
    /// Copies the files; `None` if something is missing that the test needs.
    fn new(test: &str, files: &[&str]) -> Option<Program> {
        let needed = ["clang-22", "clang++-22", "llvm-ar-22", "wasm-ld-22", "node"];
        let missing: Vec<&str> =
            needed.into_iter().filter(|tool| workspace::find_program(tool).is_none()).collect();
        if !missing.is_empty() {
            println!("skipped {test}: not installed: {}", missing.join(" "));
            return None;
        }
        let version = Command::new("node").arg("--version").output().expect("node starts");
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        let major: u32 = version.trim_start_matches('v').split('.').next()?.parse().unwrap_or(0);
        if major < 20 {
            println!("skipped {test}: needs Node 20, this is {}", version.trim());
            return None;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dynamic").join(test);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a scratch folder");
        let sources = workspace::root().join("xtask/tests/dynamic");
        for file in files {
            std::fs::copy(sources.join(file), folder.join(file)).expect("the file is there");
        }
        Some(Program { folder })
    }

    /// Runs a tool in the folder; it must succeed.
    fn tool(&self, tool: &str, args: &[&str]) {
        let output = Command::new(tool).current_dir(&self.folder).args(args).output();
        let output = output.unwrap_or_else(|error| panic!("{tool}: {error}"));
        assert!(output.status.success(), "{tool} {args:?}\n{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Compiles a source to the object of the same name.
    fn compile(&self, source: &str, flags: &[&str]) {
        let driver = if source.ends_with(".cc") { "clang++-22" } else { "clang-22" };
        self.tool(driver, &[flags, &["-O1", "-c", source]].concat());
    }

    fn wald() -> &'static Path {
        static WALD: OnceLock<PathBuf> = OnceLock::new();
        WALD.get_or_init(|| workspace::build_wald("dev").expect("wald builds"))
    }

    /// Links by both linkers, which must do the same; the output is left in the folder.
    fn link(&self, arguments: &str, output: &str) {
        let wald = Program::wald();
        let reference = self.link_by(&workspace::wasm_ld().expect("wasm-ld-22 is there"), arguments, output);
        let ours = self.link_by(wald, arguments, output);
        assert_eq!(text(&ours.0.stderr), text(&reference.0.stderr), "{arguments}");
        assert!(ours.0.status.success() && reference.0.status.success(), "{}", text(&ours.0.stderr));
        assert!(ours.1 == reference.1, "{arguments}: the bytes differ");
        engine::validate(&ours.1).expect("the module is valid");
    }

    fn link_by(&self, linker: &Path, arguments: &str, output: &str) -> (Output, Vec<u8>) {
        use std::os::unix::process::CommandExt;
        let path = self.folder.join(output);
        let _ = std::fs::remove_file(&path);
        let mut command = Command::new(linker);
        command.arg0("wasm-ld").current_dir(&self.folder).args(arguments.split_whitespace());
        let ran = command.args(["-o", output]).output().expect("the linker starts");
        (ran, std::fs::read(&path).unwrap_or_default())
    }

    /// The option that turns on a feature in Node; empty if this version of Node has no option for it.
    fn engine_options(&self, option: &str) -> Vec<String> {
        let known = self.node(&["--v8-options"]).contains(option);
        known.then(|| option.to_string()).into_iter().collect()
    }

    /// Runs a script; what it prints.
    fn node(&self, args: &[impl AsRef<std::ffi::OsStr> + std::fmt::Debug]) -> String {
        let output = Command::new("node").current_dir(&self.folder).args(args).output().expect("node starts");
        assert!(output.status.success(), "node {args:?}\n{}", text(&output.stderr));
        text(&output.stdout)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A main module and a side module, as emscripten links them: the main module at a fixed place, and as a position
/// independent executable; loaded by a dynamic loader in JavaScript.
#[test]
fn main_module_and_side_module() {
    let files = ["main.c", "side.c", "loader.js", "main_and_side.js"];
    let Some(program) = Program::new("main_module_and_side_module", &files) else { return };
    for source in ["main.c", "side.c"] {
        program.compile(source, PIC);
    }
    let dynamic = "--unresolved-symbols=import-dynamic --experimental-pic";
    program.link(&format!("side.o -shared {dynamic}"), "side.so");
    program.link(&format!("side.o -shared {dynamic} --extra-features=extended-const"), "side-extended.so");
    let imports = "--no-entry --import-memory";
    let fixed = "--export-all --import-table --growable-table --table-base=1";
    program.link(&format!("main.o {imports} {dynamic} {fixed}"), "main.wasm");
    program.link(&format!("main.o -pie --export-dynamic {imports} {dynamic}"), "main-pie.wasm");
    program.link(&format!("main.o side.so -pie --export-dynamic {imports} {dynamic}"), "main-needs.wasm");
    let extended = program.engine_options("--experimental-wasm-extended-const");
    for main in ["main.wasm", "main-pie.wasm", "main-needs.wasm"] {
        for side in ["side.so", "side-extended.so"] {
            let script = ["main_and_side.js", main, side].map(String::from);
            assert_eq!(program.node(&[&extended[..], &script].concat()), "212 true\n", "{main} {side}");
        }
    }
}

/// The base and the patch of a program that is changed while it runs, with the options that dioxus passes.
#[test]
fn hot_patch() {
    let files = ["base.c", "patch.c", "loader.js", "patch.js"];
    let Some(program) = Program::new("hot_patch", &files) else { return };
    program.compile("base.c", &[WASM32]);
    program.compile("patch.c", PIC);
    program.tool("llvm-ar-22", &["rcs", "libbase.a", "base.o"]);
    let exports = "--export=__stack_pointer --export=counter --export=current --export=helper";
    let base =
        "--whole-archive libbase.a --no-whole-archive --no-gc-sections --growable-table --export-table \
                --export-memory --emit-relocs --no-demangle";
    program.link(&format!("{base} {exports}"), "base.wasm");
    let patch = "patch.o --import-memory --import-table --growable-table --export main --export=new_helper \
                 --allow-undefined --no-demangle --no-entry --pie --experimental-pic";
    program.link(patch, "patch.wasm");
    assert_eq!(program.node(&["patch.js", "base.wasm", "patch.wasm"]), "6 601 1 902\n");
}

/// Workers that share a memory, each with a stack and thread-local data of its own, as emscripten's pthreads.
#[test]
fn threads_in_workers() {
    let Some(program) = Program::new("threads_in_workers", &["threads.c", "threads.js"]) else { return };
    program.compile("threads.c", THREADS);
    let exports = ["__stack_pointer", "__wasm_call_ctors", "stack_of", "begin", "work", "count", "own"];
    let exports: Vec<String> = exports.iter().map(|name| format!("--export={name}")).collect();
    let shared = "threads.o --no-entry --shared-memory --import-memory --max-memory=1048576";
    program.link(&format!("{shared} {}", exports.join(" ")), "threads.wasm");
    assert_eq!(program.node(&["threads.js", "threads.wasm"]), "6 7 8 3000 5\n");
}

/// The entry and the import of wasip1-threads, with the few functions of a libc that they need.
#[test]
fn wasip1_threads() {
    let files = ["wasi_threads.c", "wasi_thread_start.s", "wasi_threads.js"];
    let Some(program) = Program::new("wasip1_threads", &files) else { return };
    let target = ["--target=wasm32-wasip1-threads", "-matomics", "-mbulk-memory"];
    program.compile("wasi_threads.c", &target);
    program.compile("wasi_thread_start.s", &target);
    let options = "--import-memory --export-memory --shared-memory --max-memory=1048576 --export=result";
    program.link(&format!("wasi_threads.o wasi_thread_start.o {options}"), "threads.wasm");
    assert_eq!(program.node(&["wasi_threads.js", "threads.wasm"]), "2310 true\n");
}

#[test]
fn memory64() {
    let Some(program) = Program::new("memory64", &["memory64.c", "memory64.js"]) else { return };
    program.compile("memory64.c", &["--target=wasm64-unknown-unknown"]);
    program.link("-mwasm64 memory64.o --no-entry --export=run", "run.wasm");
    let flag = program.engine_options("--experimental-wasm-memory64");
    let script = ["memory64.js", "run.wasm"].map(String::from);
    assert_eq!(program.node(&[&flag[..], &script].concat()), format!("{}\n", 8i64 << 32 | 105));
}

/// Both proposals for exceptions. Node 20 runs the first, and newer engines also the second.
#[test]
fn exceptions() {
    let files = ["exceptions.cc", "tag.s", "exceptions.js"];
    let Some(program) = Program::new("exceptions", &files) else { return };
    program.compile("tag.s", &[WASM32, "-mexception-handling"]);
    for legacy in [true, false] {
        let choice = format!("-wasm-use-legacy-eh={legacy}");
        program.compile("exceptions.cc", &[WASM32, "-fwasm-exceptions", "-mllvm", &choice]);
        program.link("exceptions.o tag.o --no-entry --export=run", "run.wasm");
        let flag = program.engine_options("--experimental-wasm-exnref");
        if !legacy && flag.is_empty() {
            println!("not run: this Node knows only the first proposal for exceptions");
            continue;
        }
        let script = ["exceptions.js", "run.wasm"].map(String::from);
        assert_eq!(program.node(&[&flag[..], &script].concat()), "10 7020\n");
    }
}

/// Hints of two objects, merged into the one section that the engine reads. `tests/cases/custom/code_metadata.case` checks its
/// contents, this test that the engine accepts it.
#[test]
fn branch_hints() {
    let Some(program) = Program::new("branch_hints", &["hints.s", "more_hints.s", "hints.js"]) else {
        return;
    };
    for source in ["hints", "more_hints"] {
        let flags = ["-triple=wasm32-unknown-unknown", "-filetype=obj"];
        let (source, object) = (format!("{source}.s"), format!("{source}.o"));
        program.tool("llvm-mc-22", &[&flags[..], &[&source, "-o", &object]].concat());
    }
    let flag = program.engine_options("--experimental-wasm-branch-hinting");
    for more in ["", "--compress-relocations --strip-debug", "--no-gc-sections"] {
        let arguments =
            format!("hints.o more_hints.o --no-entry --export=count --merge-code-metadata {more}");
        let (ran, module) = program.link_by(Program::wald(), &arguments, "run.wasm");
        assert!(ran.status.success(), "{}", text(&ran.stderr));
        engine::validate(&module).expect("the module is valid");
        let script = ["hints.js", "run.wasm"].map(String::from);
        assert_eq!(program.node(&[&flag[..], &script].concat()), "31\n", "{more}");
    }
}
