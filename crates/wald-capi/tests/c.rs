//! Programs in C use the library: built with the C compiler, against the static and the shared library, and under valgrind.
//!
//! A test whose program is not there says in one line that it was skipped, and why.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo put libwald_c.a and libwald_c.so: beside this test.
fn libraries() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_path_buf()
}

fn has(program: &str, test: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        println!("skipped {test}: there is no {program}");
    }
    there
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    output
}

/// The sanitizer that the library was built with: see `cargo xtask sanitize`.
fn sanitizer() -> Option<String> {
    std::env::var("WALD_SANITIZER").ok()
}

/// The C compiler. GCC has another sanitizer runtime than rustc, so a sanitized library needs clang.
fn compiler() -> Command {
    let Some(sanitizer) = sanitizer() else { return Command::new("cc") };
    let mut clang = Command::new("clang-22");
    clang.arg(format!("-fsanitize={sanitizer}"));
    clang
}

/// Builds a C program against the static library.
fn build(source: &Path, name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut cc = compiler();
    cc.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g"]).arg(source);
    cc.arg("-I").arg(root().join("include")).arg("-o").arg(&program);
    // Bitcode that defines `helper`: clang-22 --target=wasm32-unknown-unknown -O1 -flto=thin -c.
    cc.arg(format!("-DBITCODE=\"{}\"", root().join("tests/bitcode/helper.bc").display()));
    cc.arg(libraries().join("libwald_c.a")).args(["-lpthread", "-ldl", "-lm"]);
    run(&mut cc);
    program
}

/// The demo's objects and its archive.
fn objects() -> Vec<PathBuf> {
    let folder = root().join("tests/objects");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "o" || extension == "a"));
    paths.sort();
    paths
}

/// Runs a C program with the demo's objects, and again under valgrind.
fn check(name: &str, says: &str) {
    check_with(name, says, &objects());
}

/// The same with other arguments.
fn check_with(name: &str, says: &str, arguments: &[PathBuf]) {
    if !has("cc", name) {
        return;
    }
    let program = build(&root().join(format!("tests/{name}.c")), name);
    let output = run(Command::new(&program).args(arguments));
    assert_eq!(output.stdout, says.as_bytes());
    if sanitizer().is_none() && has("valgrind", &format!("{name} under valgrind")) {
        let mut valgrind = Command::new("valgrind");
        valgrind.args([
            "-q",
            "--error-exitcode=9",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite,indirect",
        ]);
        let output = run(valgrind.arg(&program).args(arguments));
        assert_eq!(output.stdout, says.as_bytes());
    }
}

#[test]
fn a_c_program_uses_everything() {
    check("everything", "everything works\n");
}

#[test]
fn older_and_newer_programs_pass_structs_of_other_sizes() {
    check("sizes", "all sizes work\n");
}

/// With objects of the link cases, which the package does not have.
#[test]
fn explanations_are_read() {
    let kept = root().join("../../tests/kept/diagnostics");
    if !kept.exists() {
        println!("skipped explanations_are_read: there are no link cases");
        return;
    }
    let names = ["undefined_c/in/main.o", "undefined_c/in/util.o", "undefined_libraries/in/main.o"];
    let library = "undefined_libraries/in/libwasi-emulated-signal.a";
    let arguments: Vec<PathBuf> = names.into_iter().chain([library]).map(|name| kept.join(name)).collect();
    check_with("explanations", "explanations work\n", &arguments);
}

/// The example of the README, with the shared library.
#[test]
fn the_readme_s_program_links() {
    if !has("cc", "the_readme_s_program_links") {
        return;
    }
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let code = readme.split("```c\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("main.c"), code).unwrap();
    std::fs::copy(libraries().join("libwald_c.so"), folder.join("libwald.so.0")).unwrap();
    let mut cc = compiler();
    cc.current_dir(&folder).args(["-std=c11", "-Wall", "-Wextra", "-Werror", "main.c", "-o", "main"]);
    cc.arg("-I").arg(root().join("include")).args(["libwald.so.0", "-Wl,-rpath,."]);
    run(&mut cc);
    let _ = std::fs::remove_file(folder.join("app.wasm"));
    run(Command::new("./main").current_dir(&folder).args(objects()));
    let module = std::fs::read(folder.join("app.wasm")).unwrap();
    assert!(module.starts_with(b"\0asm\x01\0\0\0"));

    // An input that does not exist is told, and nothing is written.
    std::fs::remove_file(folder.join("app.wasm")).unwrap();
    let output = Command::new("./main").current_dir(&folder).arg("missing.o").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.starts_with("error: cannot open missing.o: No such file or directory\n"), "{stderr}");
    assert!(!folder.join("app.wasm").exists());
}

/// C++ takes the header as well.
#[test]
fn the_header_is_c_plus_plus_too() {
    if !has("c++", "the_header_is_c_plus_plus_too") {
        return;
    }
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("header.cc");
    std::fs::write(&source, "#include <wald.h>\nint main() { return wald_version() == nullptr; }\n").unwrap();
    let mut cxx = Command::new("c++");
    cxx.args(["-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I"]).arg(root().join("include"));
    run(cxx.arg(source));
}
