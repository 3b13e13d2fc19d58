//! `--thinlto-distributor`, with the distributors of `wald --thinlto-distribute` and with others.

use super::{assert_same, has_tools, text, wald, wasm_ld, Scratch};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const MODULES: [&str; 4] = ["main.o", "random.o", "checksum.o", "libscramble.a"];
const ENGINES: [(&str, &[&str]); 2] = [("ninja", &["ninja"]), ("command", &[])];

/// Bitcode of the example: three objects and an archive.
fn modules(name: &str, flags: &[&str]) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.copy_example();
    std::fs::create_dir(scratch.path("out")).expect("a folder");
    for module in ["main", "random", "checksum", "scramble", "unused", "report"] {
        let (source, object) = (format!("src/{module}.c"), format!("{module}.o"));
        let common = ["--target=wasm32-unknown-unknown", "-O2", "-flto=thin", "-c", &source, "-o", &object];
        scratch.run("clang-22", &[&common[..], flags].concat());
    }
    scratch.run("llvm-ar-22", &["rcs", "libscramble.a", "scramble.o", "unused.o", "report.o"]);
    scratch
}

/// The options for a distributor, and its arguments.
fn distributor(program: &str, arguments: &[&str]) -> Vec<String> {
    let arguments = arguments.iter().map(|argument| format!("--thinlto-distributor-arg={argument}"));
    std::iter::once(format!("--thinlto-distributor={program}")).chain(arguments).collect()
}

/// The options for one of Wald's distributors.
fn walds(arguments: &[&str]) -> Vec<String> {
    distributor(&wald().display().to_string(), &[&["--thinlto-distribute"], arguments].concat())
}

/// Links with these options, to `out/app.wasm`.
fn link(scratch: &Scratch, inputs: &[&str], options: &[String]) -> Output {
    let mut command = scratch.command(wald());
    command.args(["--no-entry", "-o", "out/app.wasm"]).args(inputs).args(options);
    command.output().expect("wald starts")
}

/// The link fails with this error, and leaves nothing.
fn assert_fails(scratch: &Scratch, options: &[String], error: &str) {
    let output = link(scratch, &MODULES, options);
    let said = text(&output);
    let errors = said.lines().filter(|line| line.starts_with("wald: error: ")).collect::<Vec<_>>();
    assert_eq!(errors, [error], "{said}");
    assert_eq!(output.status.code(), Some(1));
    assert!(!scratch.path("out/app.wasm").exists());
    scratch.assert_no_leftovers();
}

/// The link gives the module of wasm-ld with these options. Returns the messages.
fn assert_same_as_wasm_ld(scratch: &Scratch, inputs: &[&str], both: &[&str], options: &[String]) -> String {
    let local = scratch.link(&wasm_ld(), &[&["--no-entry"], inputs, both].concat());
    let output = link(scratch, &[inputs, both].concat(), options);
    assert!(output.status.success(), "{both:?} {options:?}\n{}", text(&output));
    assert_same(&scratch.read("out/app.wasm"), &local, &format!("{both:?} {options:?}"));
    scratch.assert_no_leftovers();
    text(&output)
}

#[test]
fn both_engines_give_the_module_of_a_local_link() {
    for (engine, tools) in ENGINES {
        if !has_tools("both_engines_give_the_module_of_a_local_link", tools) {
            continue;
        }
        let scratch = modules(&format!("engines-{engine}"), &["-msimd128", "-g"]);
        let options = walds(&[engine, "-j2"]);
        for both in [
            &[][..],
            &["--lto-O0"],
            &["--lto-O1"],
            &["--lto-O3"],
            &["--lto-CGO0"],
            &["-pie", "--experimental-pic", "--unresolved-symbols=import-dynamic"],
            &["-mllvm", "-inline-threshold=0"],
            &["-mllvm", "-mattr=+sign-ext"],
        ] {
            assert_same_as_wasm_ld(&scratch, &MODULES, both, &options);
        }
        // Absolute names, names outside of the working folder, and the rest as one module of full LTO.
        let absolute = scratch.path("main.o").display().to_string();
        let outside = format!("../engines-{engine}/random.o");
        let full = [
            "--target=wasm32-unknown-unknown",
            "-O2",
            "-flto",
            "-msimd128",
            "-c",
            "src/checksum.c",
            "-o",
            "full.o",
        ];
        scratch.run("clang-22", &full);
        let inputs = [&absolute[..], &outside, "full.o", "libscramble.a"];
        assert_same_as_wasm_ld(&scratch, &inputs, &[], &options);
        // No job at all.
        scratch.run("clang-22", &["--target=wasm32-unknown-unknown", "-c", "src/unused.c", "-o", "native.o"]);
        assert_same_as_wasm_ld(&scratch, &["native.o"], &["--export=unused"], &distributor("false", &[]));
    }
}

#[test]
fn position_independent_and_other_modules_keep_their_models_in_an_object() {
    if !has_tools("position_independent_and_other_modules_keep_their_models_in_an_object", &[]) {
        return;
    }
    let scratch = modules("models", &[]);
    let pic = [
        "--target=wasm32-unknown-unknown",
        "-O2",
        "-flto=thin",
        "-fPIC",
        "-c",
        "src/checksum.c",
        "-o",
        "checksum.o",
    ];
    scratch.run("clang-22", &pic);
    let linker = |linker: &Path, options: &[String]| {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        scratch.link(linker, &[&["-r", "main.o", "random.o", "checksum.o"], &options[..]].concat())
    };
    assert_same(&linker(wald(), &walds(&["command"])), &linker(&wasm_ld(), &[]), "-r");
}

/// A wrapper that runs a job in an empty folder with copies of its declared inputs.
const ISOLATE: &str = "\
set -e
inputs=$1 output=$2; shift 2
folder=$(mktemp -d); trap 'rm -rf \"$folder\"' EXIT
IFS=,; for file in $inputs; do mkdir -p \"$folder/$(dirname \"$file\")\"; cp \"$file\" \"$folder/$file\"; done
(cd \"$folder\"; env -i PATH=\"$PATH\" \"$@\")
cp \"$folder/$output\" \"$output\"
";

#[test]
fn jobs_need_nothing_but_their_declared_inputs() {
    for (engine, tools) in ENGINES {
        if !has_tools("jobs_need_nothing_but_their_declared_inputs", tools) {
            continue;
        }
        let scratch = modules(&format!("isolated-{engine}"), &[]);
        let wrapper = scratch.script("isolate", ISOLATE);
        let options = walds(&[engine, &wrapper, "{inputs}", "{outputs}"]);
        // Absolute paths too are below the folder in which jobs run.
        let absolute = scratch.path("main.o").display().to_string();
        for both in [&[][..], &["--lto-O1"]] {
            let inputs = [&absolute[..], "random.o", "checksum.o", "libscramble.a"];
            let said = assert_same_as_wasm_ld(&scratch, &inputs, both, &options);
            assert_eq!(said, "", "no job ran without the wrapper");
        }
        // One input is missing: clang's exit code is 0, and the object empty.
        let forgets =
            scratch.script("forgets", &ISOLATE.replace("for file", "inputs=${inputs%,*}; for file"));
        let said = assert_same_as_wasm_ld(
            &scratch,
            &MODULES,
            &[],
            &walds(&[engine, &forgets, "{inputs}", "{outputs}"]),
        );
        assert!(said.contains(&format!("wald: note: main.o: {forgets} failed")), "{said}");
    }
}

#[test]
fn a_job_that_fails_remotely_is_run_here() {
    for (engine, tools) in ENGINES {
        if !has_tools("a_job_that_fails_remotely_is_run_here", tools) {
            continue;
        }
        let scratch = modules(&format!("fallback-{engine}"), &[]);
        for (name, lines, reason) in [
            ("fails", "exit 3\n", " (exit status: 3)"),
            ("garbage", "for last; do :; done; echo x >\"$last\"; exit 1\n", " (exit status: 1)"),
            ("dies", "kill -9 $$\n", " (signal: 9 (SIGKILL))"),
        ] {
            // The wrapper fails for one job only.
            let lines = format!("case \"$*\" in *'-o random.o.native.o') {lines}\nesac\nexec \"$@\"\n");
            let wrapper = scratch.script(name, &lines);
            let said = assert_same_as_wasm_ld(&scratch, &MODULES, &[], &walds(&[engine, &wrapper]));
            let reason = if engine == "ninja" { "" } else { reason };
            let note =
                format!("wald: note: random.o: {wrapper} failed{reason}; running the job without it\n");
            assert!(said.contains(&note), "{said}");
            assert_eq!(said.matches("note: ").count(), 1, "{said}");
        }
        let said = assert_same_as_wasm_ld(&scratch, &MODULES, &[], &walds(&[engine, "no-such-wrapper"]));
        assert_eq!(said.matches("no-such-wrapper failed").count(), 5, "{said}");
        assert_fails(
            &scratch_without_module(&scratch),
            &[&walds(&[engine, "false"])[..], &["--thinlto-remote-compiler-arg=-fnothing".into()]].concat(),
            &format!(
                "wald: error: no objects of main.o and 4 more modules: {} failed (exit status: 1)",
                wald().display()
            ),
        );
    }
}

/// The same folder, without the module of an earlier link.
fn scratch_without_module(scratch: &Scratch) -> Scratch {
    let _ = std::fs::remove_file(scratch.path("out/app.wasm"));
    Scratch(scratch.0.clone())
}

#[test]
fn distributors_that_fail_are_one_error() {
    if !has_tools("distributors_that_fail_are_one_error", &[]) {
        return;
    }
    let scratch = modules("failures", &[]);
    let program = |name: &str, lines: &str| distributor(&scratch.script(name, lines), &[]);
    let folder = scratch.0.display();
    assert_fails(
        &scratch,
        &program("fails", "echo the reason; exit 7\n"),
        &format!(
            "wald: error: no objects of main.o and 4 more modules: {folder}/fails failed (exit status: 7)"
        ),
    );
    let said = text(&link(&scratch, &MODULES, &program("fails", "echo the reason; exit 7\n")));
    assert!(said.ends_with("    note: the reason\n"), "{said}");
    assert_fails(
        &scratch,
        &program("dies", "sleep 60 & kill -9 $$\n"),
        &format!("wald: error: no objects of main.o and 4 more modules: {folder}/dies failed (signal: 9 (SIGKILL))"),
    );
    // It runs all jobs but one.
    let all = format!("'{}' --thinlto-distribute command \"$1\"", wald().display());
    assert_fails(
        &scratch,
        &program("forgets", &format!("{all}; rm checksum.o.native.o\n")),
        &format!("wald: error: no object of checksum.o: {folder}/forgets did not write any"),
    );
    assert_fails(
        &scratch,
        &program("garbage", &format!("{all}; echo text >checksum.o.native.o\n")),
        "wald: error: app.wasm.lto.checksum.o: invalid magic number",
    );
    assert_fails(
        &scratch,
        &distributor("./no-such-program", &[]),
        &format!("wald: error: cannot start {folder}/no-such-program: No such file or directory"),
    );
}

/// Waits until something is so.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn signal(name: &str, process: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), process]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill -{name} {process}");
}

/// Whether a process exists and has not ended.
fn is_running(process: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    status.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[test]
#[cfg(target_os = "linux")]
fn signals_end_all_processes() {
    for (engine, tools) in ENGINES {
        if !has_tools("signals_end_all_processes", tools) {
            continue;
        }
        let scratch = modules(&format!("signals-{engine}"), &[]);
        // Each wrapper notes its number and that of a child, and hangs.
        let wrapper = scratch.script(
            "hangs",
            &format!("sleep 600 & echo $$ $! >>'{}'; wait\n", scratch.path("numbers").display()),
        );
        // To the linker, or to the distributor only. A shell may have told its background jobs to ignore SIGINT, and nohup SIGHUP.
        for (name, to_distributor) in [("TERM", false), ("USR1", false), ("TERM", true)] {
            let _ = std::fs::remove_file(scratch.path("numbers"));
            let mut command = scratch.command(wald());
            command
                .args(["--no-entry", "-o", "out/app.wasm"])
                .args(MODULES)
                .args(walds(&[engine, "-j2", &wrapper]));
            let linker = command.stderr(Stdio::piped()).spawn().expect("wald starts");
            let numbers = || std::fs::read_to_string(scratch.path("numbers")).unwrap_or_default();
            wait_until("two jobs run", || numbers().lines().count() == 2);
            let target = match to_distributor {
                false => linker.id().to_string(),
                true => children(linker.id()),
            };
            signal(name, &target);
            let output = linker.wait_with_output().expect("it ends");
            let said = text(&output);
            match to_distributor {
                false => assert_eq!((output.status.code(), &said[..]), (None, ""), "the signal ends it"),
                true => assert!(
                    output.status.code() == Some(1) && said.contains("failed (signal: 15 (SIGTERM))"),
                    "{said}"
                ),
            }
            let numbers = numbers();
            wait_until("all ended", || !numbers.split_whitespace().any(is_running));
            assert_eq!(numbers.lines().count(), 2, "no job was started afterwards");
            assert!(!scratch.path("out/app.wasm").exists());
            scratch.assert_no_leftovers();
        }
    }
}

/// The only child of a process.
fn children(process: u32) -> String {
    let path = format!("/proc/{process}/task");
    let tasks = std::fs::read_dir(path).expect("Linux has it").map(|task| task.expect("a task").path());
    let all: String =
        tasks.map(|task| std::fs::read_to_string(task.join("children")).unwrap_or_default()).collect();
    all.trim().to_string()
}

#[test]
fn indexes_name_modules_as_those_of_wasm_ld() {
    if !has_tools("indexes_name_modules_as_those_of_wasm_ld", &[]) {
        return;
    }
    let scratch = modules("index", &[]);
    let absolute = |name: &str| scratch.path(name).display().to_string();
    let inputs = [absolute("main.o"), absolute("random.o"), "checksum.o".into(), absolute("libscramble.a")];
    let arguments =
        ["--no-entry", "--thinlto-index-only=list", "--thinlto-emit-imports-files", "-o", "app.wasm"];
    let written = |linker: &Path| {
        let names = || {
            let all =
                std::fs::read_dir(&scratch.0).expect("the folder").map(|entry| entry.expect("a file").path());
            let is_written = |path: &PathBuf| {
                let name = path.to_string_lossy();
                name.ends_with(".imports") || name.ends_with(".thinlto.bc") || name.ends_with("/list")
            };
            all.filter(is_written).collect::<Vec<_>>()
        };
        names().iter().for_each(|path| std::fs::remove_file(path).expect("it is ours"));
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        scratch.run(linker, &[&inputs[..], &arguments].concat());
        let read = |path: PathBuf| (path.clone(), std::fs::read(path).expect("it is there"));
        names().into_iter().map(read).collect::<BTreeMap<_, _>>()
    };
    let ours = written(wald());
    let imports = String::from_utf8_lossy(&ours[&scratch.path("main.o.imports")]).into_owned();
    assert!(imports.contains(&absolute("random.o")), "{imports}");
    assert_eq!(ours.len(), 13, "two files for each of six modules, and the list");
    assert!(ours == written(&wasm_ld()));
}
