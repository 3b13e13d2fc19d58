//! Reports: a browser shows the page, and other tools read the modules that they are about.
//!
//! A test whose tools are not installed says in one line that it was skipped, and why.

#![cfg(unix)]

mod browser;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use xtask::workspace::{find_program, output_of, root};

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Links in this process. Returns what is printed on standard output.
fn link(arguments: &[OsString]) -> String {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = {
        let mut host = wald_cli::Host::new(&mut stdout, &mut stderr);
        wald_cli::run(arguments, &mut host)
    };
    assert_eq!(code, 0, "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("text")
}

/// Links the demo's objects.
fn link_demo(output: &Path, options: &[String]) -> String {
    let objects = root().join("crates/wald/tests/objects");
    let mut inputs: Vec<PathBuf> =
        std::fs::read_dir(objects).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    inputs.retain(|path| path.extension().is_some_and(|extension| extension == "o" || extension == "a"));
    inputs.sort();
    let mut arguments: Vec<OsString> = vec!["wasm-ld".into(), "-o".into(), output.into()];
    arguments.extend(options.iter().map(OsString::from));
    arguments.extend(inputs.into_iter().map(OsString::from));
    link(&arguments)
}

#[test]
fn a_browser_shows_the_page() {
    let Some(browser::Tools { node, browser, playwright }) = browser::tools("a_browser_shows_the_page")
    else {
        return;
    };
    let folder = scratch("page");
    let (page, older, output) =
        (folder.join("report.html"), folder.join("older.json"), folder.join("out.wasm"));
    link_demo(&output, &["--no-gc-sections".into(), format!("--report={}", older.display())]);
    link_demo(&output, &[format!("--report={}", page.display())]);
    let script = root().join("xtask/tests/report/page.mjs");
    let result = Command::new(node).args([&script, &playwright, &browser, &page, &older, &folder]).output();
    let result = result.expect("node starts");
    assert!(result.status.success(), "{}", said(&result));
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

const SOURCE: &str =
    "int square(int x) {\n  return x * x;\n}\nint _start(int x) {\n  return square(x) + 1;\n}\n";

/// A module with debug information, and the address of its second function in the code section. `None` without clang.
fn module_with_debug_information(name: &str) -> Option<(PathBuf, u64)> {
    let clang = find_program("clang-22")?;
    let folder = scratch(name);
    let (source, object, output) = (folder.join("main.c"), folder.join("main.o"), folder.join("out.wasm"));
    std::fs::write(&source, SOURCE).expect("a file");
    let flags = ["--target=wasm32-unknown-unknown", "-g", "-O1", "-fno-inline", "-c", "-o"];
    let compiled = Command::new(clang).args(flags).arg(&object).arg(&source).status();
    assert!(compiled.is_ok_and(|status| status.success()));
    link(&["wasm-ld".into(), "-o".into(), output.clone().into(), "--export=square".into(), object.into()]);
    let module = std::fs::read(&output).expect("a module");
    let mut place = None;
    let mut section = 0;
    for payload in wasmparser::Parser::new(0).parse_all(&module) {
        match payload.expect("a module") {
            wasmparser::Payload::CodeSectionStart { range, .. } => section = range.start,
            wasmparser::Payload::CodeSectionEntry(body) => {
                let mut operators = body.get_operators_reader().expect("operators");
                operators.read().expect("an operator");
                place = Some((operators.original_position() - section) as u64);
            }
            _ => {}
        }
    }
    Some((output, place.expect("a function")))
}

#[test]
fn llvm_reads_the_debug_information() {
    const NAME: &str = "llvm_reads_the_debug_information";
    let Some(dwarfdump) = find_program("llvm-dwarfdump-22") else {
        return println!("skipped {NAME}: llvm-dwarfdump-22 is not installed");
    };
    let Some((module, address)) = module_with_debug_information("dwarfdump") else {
        return println!("skipped {NAME}: clang-22 is not installed");
    };
    let verified = Command::new(&dwarfdump).arg("--verify").arg(&module).output().expect("it starts");
    assert!(verified.status.success(), "{}", said(&verified));
    let found = Command::new(dwarfdump).arg(format!("--lookup={address:#x}")).arg(&module).output();
    let found = said(&found.expect("it starts"));
    assert!(found.contains("DW_AT_name\t(\"_start\")") && found.contains("main.c"), "{found}");
}

#[test]
fn wasm_tools_finds_source_lines() {
    const NAME: &str = "wasm_tools_finds_source_lines";
    let Some(wasm_tools) = find_program("wasm-tools") else {
        return println!("skipped {NAME}: wasm-tools is not installed");
    };
    let Some((module, address)) = module_with_debug_information("addr2line") else {
        return println!("skipped {NAME}: clang-22 is not installed");
    };
    let found = Command::new(wasm_tools)
        .args(["addr2line", "--code-section-relative"])
        .args([module.display().to_string(), format!("{address:#x}")])
        .output();
    let found = said(&found.expect("it starts"));
    assert!(found.contains("_start") && found.contains("main.c:5"), "{found}");
}

#[test]
fn twiggy_reads_what_wald_links() {
    const NAME: &str = "twiggy_reads_what_wald_links";
    let Some(twiggy) = find_program("twiggy") else {
        return println!("skipped {NAME}: twiggy is not installed");
    };
    let output = scratch("twiggy").join("out.wasm");
    link_demo(&output, &[]);
    let module = output.display().to_string();
    let top =
        output_of(&twiggy.display().to_string(), &["top", "-n", "20", &module]).expect("twiggy reads it");
    assert!(top.contains("Shallow Bytes") && top.contains("function"), "{top}");
}
