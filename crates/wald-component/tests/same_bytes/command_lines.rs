//! Command lines for both linkers.

use crate::folder::Folder;
use crate::support::Reference;
use libtest_mimic::{Failed, Trial};
use std::path::Path;
use std::process::{Command, Output};

/// One command line a line, without `-o` and its value; arguments between spaces. A line that starts with `!` must fail.
const CASES: &str = "
hello.o
hello.o --wasi-adapter command
hello.o --wasi-adapter=reactor
hello.o --no-entry --wasi-adapter=proxy --export=say
hello.o --no-entry
!hello.o --wasi-adapter=none
hello.o --wasi-adapter=none --skip-wit-component
hello.o --wasi-adapter=none --wasi-adapter=command
hello.o --validate-component true
hello.o --validate-component=false --merge-imports-based-on-semver=false
hello.o --realloc-via-memory-grow
hello.o --return-call-ref
hello.o --strip-all --append-lld-flag --initial-memory=1048576
hello.o --append-lld-flag=--gc-sections -L --adapt
hello.o --entry say --Map=map.txt
hello.o -m wasm32 -L. -l:hello.o --allow-multiple-definition --entry _start
hello.o --build-id
-flavor wasm hello.o
@arguments.txt
!@missing.txt
greeter.o --no-entry --component-type greeter.wit
greeter.o --no-entry --component-type=greeter.wit --string-encoding=utf16
greeter.o --no-entry --string-encoding compact-utf16 --component-type=greeter.wit --wasi-adapter=none
greeter.o hello.o --component-type=greeter.wit
greeter.o --no-entry --component-type=greeter.wit --validate-component=true
adder.o greeter.o --no-entry --component-type=greeter.wit --component-type=adder.wit --adapt=old.wat
adder.o greeter.o --no-entry --component-type=adder.wit --component-type=greeter.wit --adapt old=old.wat
adder.o --no-entry --component-type=adder.wit --adapt=old=old.wat --strip-debug
adder.o --no-entry --component-type=folder --adapt=old=old.wat
adder.o --shared --experimental-pic --unresolved-symbols=import-dynamic
adder.o -shared --experimental-pic --unresolved-symbols=import-dynamic
!adder.o --no-entry --component-type=adder.wit
!adder.o --no-entry --component-type=adder.wit --adapt=other=old.wat
!adder.o --no-entry --adapt=missing.wat
!adder.o --no-entry --adapt=broken.wat
!adder.o --no-entry --adapt=
!adder.o --no-entry --component-type=missing.wit --adapt=old=old.wat
!adder.o --no-entry --component-type=broken.wit --adapt=old=old.wat
!adder.o --no-entry --component-type=worldless.wit --adapt=old=old.wat
!greeter.o --no-entry
!greeter.o --no-entry --component-type=greeter.wit --reject-legacy-names
!greeter.o --no-entry --component-type=greeter.wit --component-type=adder.wit
!greeter.o --no-entry --component-type=greeter.wit --string-encoding=latin1
!hello.o --wasi-adapter=cli
!hello.o --wasi-adapter
!hello.o --validate-component=maybe
!hello.o --reject-legacy-names=true
!hello.o --no-such-option
!hello.o missing.o
!hello.o hello.o
!greeter.o
";

/// A trial for each command line.
pub fn trials() -> Vec<Trial> {
    let lines = CASES.lines().filter(|line| !line.is_empty());
    lines.map(|line| Trial::test(line, move || compare(line))).collect()
}

/// What a linker did in a folder of its own.
struct Run {
    folder: Folder,
    output: Output,
    component: Option<Vec<u8>>,
}

fn run(program: &Path, line: &str, search: Option<&Path>) -> Result<Run, Failed> {
    let folder = Folder::with_objects("same-bytes");
    folder.write("arguments.txt", "hello.o\n--wasi-adapter \"reactor\" '--append-lld-flag=-s'\n");
    folder.write("broken.wit", "package test:broken;\nworld {\n");
    folder.write("broken.wat", "(module (func)");
    folder.write("worldless.wit", "package test:worldless;\ninterface i { f: func(); }\n");
    folder.write("folder/adder.wit", include_str!("../objects/adder.wit"));
    let mut command = Command::new(program);
    if let Some(search) = search {
        command.env("PATH", search);
    }
    command.current_dir(&folder.path).args(line.split(' ')).args(["-o", "out.wasm"]).env_remove("WALD_FLAGS");
    let output = command.output().map_err(|error| format!("{}: {error}", program.display()))?;
    let component = std::fs::read(folder.path.join("out.wasm")).ok();
    Ok(Run { folder, output, component })
}

fn compare(line: &str) -> Result<(), Failed> {
    let (must_fail, line) = match line.strip_prefix('!') {
        Some(line) => (true, line),
        None => (false, line),
    };
    let reference = Reference::new();
    let theirs = run(&reference.program, line, Some(reference.search_path()))?;
    let ours = run(Path::new(env!("CARGO_BIN_EXE_wald-component-ld")), line, None)?;
    let stderr = String::from_utf8_lossy(&ours.output.stderr).into_owned();
    let said = String::from_utf8_lossy(&theirs.output.stderr).into_owned();
    check(ours.output.status.success() != must_fail, &format!("the exit code is wrong\n{stderr}"))?;
    check(
        theirs.output.status.success() != must_fail,
        &format!("the reference's exit code is wrong\n{said}"),
    )?;
    if must_fail {
        check(ours.output.status.code() == Some(1), "the exit code is not 1")?;
        check(stderr.contains("wald-component-ld: error: "), &stderr)?;
        check(!ours.folder.names().iter().any(|name| name.starts_with("out.wasm")), "a file was left")?;
    }
    check(
        ours.component.is_some() != must_fail,
        "there must be an output if and only if the exit code is 0",
    )?;
    check(ours.component == theirs.component, "the bytes are not the reference's")
}

fn check(holds: bool, message: &str) -> Result<(), Failed> {
    match holds {
        true => Ok(()),
        false => Err(message.into()),
    }
}
