//! Wald inside JavaScript: Node links what the command links, and Chromium uses the page.
//!
//! A test whose tools are not installed says in one line that it was skipped, and why.

#![cfg(unix)]

mod browser;

use serde_json::{json, Value};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use xtask::workspace::{find_program, root};
use xtask::{demo_objects, packages, web};

/// What each set of kept objects is linked with, in turn.
const OPTIONS: &[&[&str]] = &[
    &[],
    &["--no-entry", "--export-all", "--no-gc-sections"],
    &["-r"],
    &["--no-entry", "--allow-undefined", "--strip-all", "-O2"],
    &["--shared", "--experimental-pic", "--no-entry"],
    &["--no-entry", "--emit-relocs", "--build-id"],
    &["--no-entry", "--import-memory", "--shared-memory", "--max-memory=131072", "--print-gc-sections"],
];

/// Modules that are larger are left out.
const LARGE: u64 = 1 << 28;

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("web").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The page and the package, made once. `None` if rustc cannot build them.
fn built(test: &str) -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        packages::has_rust_target(web::TARGET).then(|| {
            let folder = scratch("page");
            let module = web::build_module().expect("the module is built");
            web::assemble(&module, &folder).expect("the page is made");
            folder
        })
    });
    if folder.is_none() {
        println!("skipped {test}: rustc has no standard library for {}", web::TARGET);
    }
    folder.as_deref()
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

/// Links in this process. Returns the exit code, and what is printed on standard output and standard error.
fn link(arguments: &[String]) -> (i32, String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = {
        let mut host = wald_cli::Host::new(&mut stdout, &mut stderr);
        let arguments: Vec<OsString> =
            std::iter::once("wald".into()).chain(arguments.iter().map(OsString::from)).collect();
        wald_cli::run(&arguments, &mut host)
    };
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (code, text(stdout), text(stderr))
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Whether LLVM would be needed, which only the command can start.
fn has_bitcode(files: &[PathBuf]) -> bool {
    let starts = |bytes: &[u8]| bytes.windows(4).any(|four| four == b"BC\xc0\xde");
    files.iter().any(|file| starts(&std::fs::read(file).expect("a file")))
}

/// Links some inputs and describes the job with its result.
fn job(inputs: &[PathBuf], options: &[&str], output: &Path) -> Value {
    let _ = std::fs::remove_file(output);
    let mut arguments: Vec<String> = options.iter().map(|option| option.to_string()).collect();
    let inputs: Vec<String> = inputs.iter().map(|path| path.display().to_string()).collect();
    arguments.extend(["-o".into(), output.display().to_string()]);
    let mut native = arguments.clone();
    native.extend(inputs.iter().cloned());
    native.push("--diagnostics-format=json".into());
    let (code, stdout, stderr) = link(&native);
    let module = output.exists().then(|| output.display().to_string());
    json!({ "args": arguments, "inputs": inputs, "code": code, "stdout": stdout, "stderr": stderr, "module": module })
}

/// The demo with several options, and the kept objects of all link cases.
fn jobs(folder: &Path) -> Vec<Value> {
    let mut number = 0;
    let mut output = || {
        number += 1;
        folder.join(format!("{number}.wasm"))
    };
    let objects = demo_objects::folder().join("objects");
    let mut demo: Vec<PathBuf> =
        demo_objects::OBJECTS.iter().map(|name| objects.join(format!("{name}.o"))).collect();
    demo.push(objects.join(demo_objects::ARCHIVE));
    let mut jobs: Vec<Value> = OPTIONS.iter().map(|options| job(&demo, options, &output())).collect();
    let mut areas: Vec<PathBuf> = std::fs::read_dir(root().join("tests/kept"))
        .expect("a folder")
        .map(|entry| entry.expect("a folder").path())
        .collect();
    // Archives there may name bitcode, which only the command can have compiled.
    areas.retain(|area| !area.file_name().is_some_and(|name| name.to_string_lossy().contains("lto")));
    areas.sort();
    let cases = areas.iter().flat_map(|area| {
        let mut cases: Vec<PathBuf> =
            std::fs::read_dir(area).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        cases.sort();
        cases
    });
    let sets = cases.map(|case| files_in(&case.join("in"))).filter(|files| !files.is_empty());
    for (at, files) in sets.filter(|files| !has_bitcode(files)).enumerate() {
        let output = output();
        jobs.push(job(&files, OPTIONS[at % OPTIONS.len()], &output));
        // Two of them would not fit into an engine's memory.
        if std::fs::metadata(&output).is_ok_and(|module| module.len() > LARGE) {
            jobs.pop();
            let _ = std::fs::remove_file(&output);
        }
    }
    jobs
}

#[test]
fn node_links_what_the_command_links() {
    const NAME: &str = "node_links_what_the_command_links";
    let Some(node) = find_program("node") else { return println!("skipped {NAME}: node is not installed") };
    let Some(built) = built(NAME) else { return };
    let folder = scratch("node");
    let jobs = jobs(&folder);
    let linked = jobs.iter().filter(|job| job["code"] == 0).count();
    assert!(linked > 100 && jobs.len() - linked > 100, "{linked} of {} jobs link", jobs.len());
    let list = folder.join("jobs.json");
    std::fs::write(&list, Value::from(jobs).to_string()).expect("a file");
    let script = root().join("xtask/tests/web/node.mjs");
    let result = Command::new(node).arg(script).arg(built.join("npm/wald-wasm")).arg(&list).output();
    let result = result.expect("node starts");
    assert!(result.status.success(), "{}", said(&result));
}

/// The two packages agree on how one calls the other.
#[test]
fn the_package_with_the_command_links_by_the_module_if_it_has_no_program() {
    const NAME: &str = "the_package_with_the_command_links_by_the_module_if_it_has_no_program";
    let Some(node) = find_program("node") else { return println!("skipped {NAME}: node is not installed") };
    let Some(built) = built(NAME) else { return };
    let folder = scratch("fallback");
    let package = folder.join("node_modules/@wald/linker");
    std::fs::create_dir_all(package.join("lib")).expect("a folder");
    for file in files_in(&root().join("packages/npm/lib")) {
        std::fs::copy(&file, package.join("lib").join(file.file_name().expect("a file"))).expect("a copy");
    }
    let manifest = json!({ "name": "@wald/linker", "main": "lib/index.js" }).to_string();
    std::fs::write(package.join("package.json"), manifest).expect("a file");
    std::os::unix::fs::symlink(built.join("npm/wald-wasm"), folder.join("node_modules/wald-wasm"))
        .expect("a link");
    std::fs::copy(root().join("xtask/tests/web/fallback.mjs"), folder.join("fallback.mjs")).expect("a copy");
    let objects = demo_objects::folder().join("objects");
    let mut inputs: Vec<PathBuf> =
        demo_objects::OBJECTS.iter().map(|name| objects.join(format!("{name}.o"))).collect();
    inputs.push(objects.join(demo_objects::ARCHIVE));
    let mut command = Command::new(node);
    command.current_dir(&folder).arg("fallback.mjs").arg(folder.join("theirs.wasm")).args(&inputs);
    let result = command.output().expect("node starts");
    assert!(result.status.success(), "{}", said(&result));
    let ours = job(&inputs, &[], &folder.join("out.wasm"));
    assert_eq!(ours["code"], 0);
    let [theirs, ours] =
        ["theirs.wasm", "out.wasm"].map(|name| std::fs::read(folder.join(name)).expect("a module"));
    assert!(theirs == ours);
}

#[test]
fn the_module_imports_nothing_and_is_small() {
    const NAME: &str = "the_module_imports_nothing_and_is_small";
    let Some(built) = built(NAME) else { return };
    let module = std::fs::read(built.join("wald.wasm")).expect("the module");
    for payload in wasmparser::Parser::new(0).parse_all(&module) {
        if let wasmparser::Payload::ImportSection(imports) = payload.expect("a module") {
            let first = imports.into_iter().next();
            panic!("it imports {first:?}");
        }
    }
    assert!(module.len() < 4_000_000, "{} bytes", module.len());
}

#[test]
fn a_browser_links_and_runs() {
    const NAME: &str = "a_browser_links_and_runs";
    let Some(browser::Tools { node, browser, playwright }) = browser::tools(NAME) else { return };
    let Some(built) = built(NAME) else { return };
    let folder = scratch("pictures");
    let script = root().join("xtask/tests/web/page.mjs");
    let expected = demo_objects::folder().join("expected.txt");
    let result =
        Command::new(node).args([&script, &playwright, &browser, built, &expected, &folder]).output();
    let result = result.expect("node starts");
    assert!(result.status.success(), "{}", said(&result));
    // How long things took.
    print!("{}", String::from_utf8_lossy(&result.stdout));
}
