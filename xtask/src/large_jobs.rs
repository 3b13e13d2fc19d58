//! Large link jobs. Few sources are compiled, and each object is copied many times under other names of the same length, so that sizes,
//! offsets and relocations stay right.

use std::path::Path;
use std::process::Command;

use crate::workspace::{self, create_folder, run, shown};

/// The jobs. `large-cxx` has 370 C++ objects with debug information; `large-archives` has 2,000 members of archives, as a large Rust
/// program has. Both have about a gigabyte of inputs, and about half of that is in the output.
pub const JOBS: &[&str] = &["large-cxx", "large-archives"];

const SOURCE: &str = include_str!("large_jobs/unit.cpp");
const MAIN: &str =
    "namespace unit0000 { int root(int); }\nint main(int count, char **) { return unit0000::root(count); }\n";

/// What is compiled: an optimization level, and the macros of `unit.cpp`.
type Variant = (&'static str, &'static [&'static str]);

const CXX: &[Variant] = &[
    ("-O0", &["-DFIRST=0", "-DCOMMON=2", "-DOWN=1"]),
    ("-O1", &["-DFIRST=10", "-DCOMMON=2", "-DOWN=2"]),
    ("-O0", &["-DFIRST=20", "-DCOMMON=1", "-DOWN=1"]),
    ("-O1", &["-DFIRST=30", "-DCOMMON=1", "-DOWN=1", "-DREGEX"]),
    ("-O0", &["-DFIRST=40", "-DCOMMON=2", "-DOWN=1"]),
    ("-O1", &["-DFIRST=50", "-DCOMMON=2", "-DOWN=2"]),
];
const MEMBERS: &[Variant] = &[
    ("-O0", &["-DSMALL", "-DFIRST=0", "-DCOMMON=0", "-DOWN=1"]),
    ("-O0", &["-DSMALL", "-DFIRST=10", "-DCOMMON=0", "-DOWN=1"]),
    ("-O1", &["-DSMALL", "-DFIRST=20", "-DCOMMON=0", "-DOWN=2"]),
];

const UNITS: usize = 370;
const MEMBER_UNITS: usize = 2000;
const MEMBERS_PER_ARCHIVE: usize = 20;

/// Makes a job in `folder`, where jobs are.
pub fn build(job: &str, folder: &Path) -> Result<(), String> {
    println!("building {job}");
    let (work, job) = (folder.join("build").join(job), folder.join(job));
    for folder in [&work, &job.join("in"), &job.join("L0")] {
        create_folder(folder)?;
    }
    let mut arguments = vec!["-m", "wasm32", "-LL0", "in/crt1-command.o", "in/main.o"];
    arguments.extend(if job.ends_with("large-cxx") {
        &[][..]
    } else {
        &["-O0", "--no-demangle", "--stack-first"]
    });
    let mut arguments: Vec<String> = arguments.into_iter().map(String::from).collect();
    workspace::write(&work.join("main.cpp"), MAIN)?;
    run(compiler(&work.join("main.cpp"), &job.join("in/main.o")).args(["-g", "-O0"]))?;
    match job.ends_with("large-cxx") {
        true => {
            let objects = compile(&work, CXX)?;
            for number in 0..UNITS {
                let name = format!("in/{number:04}.o");
                workspace::write(&job.join(&name), copy(&objects[number % objects.len()], number, UNITS))?;
                arguments.push(name);
            }
        }
        false => {
            let objects = compile(&work, MEMBERS)?;
            for archive in 0..MEMBER_UNITS / MEMBERS_PER_ARCHIVE {
                let numbers = archive * MEMBERS_PER_ARCHIVE..(archive + 1) * MEMBERS_PER_ARCHIVE;
                let members =
                    numbers.map(|number| copy(&objects[number % objects.len()], number, MEMBER_UNITS));
                let name = format!("in/lib{archive:03}.a");
                workspace::write(&job.join(&name), workspace::archive(&members.collect::<Vec<_>>()))?;
                arguments.push(name);
            }
        }
    }
    add_libraries(&job)?;
    arguments.extend(["-lc++", "-lc++abi", "-lc", "in/builtins.a", "-o", "out.wasm"].map(String::from));
    workspace::write(&job.join("link.rsp"), arguments.join("\n"))
}

fn compiler(source: &Path, object: &Path) -> Command {
    let mut command = Command::new("clang++-22");
    command.args(["--target=wasm32-wasi", "-Wno-deprecated", "-fno-exceptions", "-std=c++20", "-c"]);
    command.arg(source).arg("-o").arg(object);
    command
}

/// Compiles the variants, several at a time.
fn compile(work: &Path, variants: &[Variant]) -> Result<Vec<Vec<u8>>, String> {
    let source = work.join("unit.cpp");
    workspace::write(&source, SOURCE)?;
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    let mut objects = Vec::new();
    for (chunk, variants) in variants.chunks(threads).enumerate() {
        let compile = |number: usize, (level, macros): Variant| {
            let object = work.join(format!("{chunk}-{number}.o"));
            run(compiler(&source, &object).args(["-g", level]).args(macros))?;
            workspace::read(&object)
        };
        let compiled: Vec<Result<Vec<u8>, String>> = std::thread::scope(|scope| {
            let each = variants
                .iter()
                .enumerate()
                .map(|(number, &variant)| scope.spawn(move || compile(number, variant)));
            let running: Vec<_> = each.collect();
            let stopped = || Err("a thread has stopped".to_string());
            running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| stopped())).collect()
        });
        objects.extend(compiled.into_iter().collect::<Result<Vec<_>, _>>()?);
    }
    Ok(objects)
}

/// The object of the unit with this number. It calls two other ones, so that all are needed: 2n + 1 and 2n + 2, or later ones.
fn copy(object: &[u8], number: usize, count: usize) -> Vec<u8> {
    let next = number + 1 + number % (count / 2 - 1);
    let mut copy = object.to_vec();
    for (name, unit) in [("UNIT0000", number), ("NEXT0000", next % count), ("ALSO0000", (next + 1) % count)] {
        replace(&mut copy, name.as_bytes(), format!("unit{unit:04}").as_bytes());
    }
    copy
}

/// Replaces a text by one of the same length.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|&byte| byte == from[0]) {
        at += found;
        if bytes[at..].starts_with(from) {
            bytes[at..at + from.len()].copy_from_slice(to);
        }
        at += 1;
    }
}

/// Copies what clang++ would link.
fn add_libraries(job: &Path) -> Result<(), String> {
    let ask = |question: &str| {
        let answer = workspace::output_of("clang-22", &["--target=wasm32-wasi", "-Wno-deprecated", question]);
        answer.ok_or_else(|| format!("clang-22 does not answer {question}"))
    };
    let copies = [
        ("-print-file-name=crt1-command.o", "in/crt1-command.o"),
        ("-print-libgcc-file-name", "in/builtins.a"),
        ("-print-file-name=libc.a", "L0/libc.a"),
        ("-print-file-name=libc++.a", "L0/libc++.a"),
        ("-print-file-name=libc++abi.a", "L0/libc++abi.a"),
    ];
    for (question, name) in copies {
        let from = ask(question)?;
        std::fs::copy(&from, job.join(name))
            .map_err(|error| format!("{}: {error}", shown(Path::new(&from))))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_other_names_and_needs_two_others() {
        let object = b"aUNIT0000NEXT0000bALSO0000UNIT000";
        assert_eq!(copy(object, 3, 20), b"aunit0003unit0007bunit0008UNIT000");
        for number in 0..20 {
            let names = copy(b"UNIT0000NEXT0000ALSO0000", number, 20);
            assert!(names[..8] != names[8..16] && names[8..16] != names[16..] && names[..8] != names[16..]);
        }
    }
}
