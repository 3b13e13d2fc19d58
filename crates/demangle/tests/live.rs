//! Compares with `llvm-cxxfilt-22` if it is installed: the names of the libraries on the machine, and random
//! mutations. Most mutations are not names, and both must leave them unchanged.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wald_demangle::Demangler;

const FILTER: &str = "llvm-cxxfilt-22";
const NM: &str = "llvm-nm-22";

/// What both tests may take together is well under a minute.
const BUDGET: Duration = Duration::from_secs(20);

fn installed(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Whether the filter takes the line as one word, and treats it as `llvm::demangle` does: it does not try
/// again without the first underscore, and knows import thunks.
fn one_word(name: &str) -> bool {
    let own = ["___", "__R", "__D", "_.", "__imp_"];
    let word = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$'));
    word && !name.is_empty() && !own.iter().any(|start| name.starts_with(start))
}

/// What LLVM prints for each name; `None` if the filter crashed, as it does on some deeply nested names.
fn filter(names: &[String]) -> Option<Vec<String>> {
    let mut child = Command::new(FILTER).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut stdin = child.stdin.take()?;
    let input = names.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    let lines: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_string).collect();
    (output.status.success() && lines.len() == names.len()).then_some(lines)
}

/// Compares a batch; returns how many names LLVM demangled.
fn compare(names: &[String], wrong: &mut Vec<String>) -> usize {
    let Some(expected) = filter(names) else {
        println!("{FILTER} failed on a batch of {} names: left out", names.len());
        return 0;
    };
    let mut demangler = Demangler::new();
    let mut demangled = 0;
    for (name, expected) in names.iter().zip(expected) {
        let text = demangler.demangle(name.as_bytes()).unwrap_or(name.as_bytes());
        let text = String::from_utf8_lossy(text);
        demangled += usize::from(*name != expected);
        if text != expected {
            wrong.push(format!("{name}\n  LLVM: {expected}\n  here: {text}"));
        }
    }
    demangled
}

/// Libraries and objects: the directories of wasm libraries, of LLVM and of Rust, and what `WALD_NAMES_FROM`
/// names.
fn libraries() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = sysroot.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_string()).unwrap_or_default();
    let mut directories = vec![
        PathBuf::from("/usr/lib/wasm32-wasi"),
        PathBuf::from("/usr/lib/llvm-22/lib"),
        PathBuf::from(sysroot).join("lib"),
    ];
    directories.extend(std::env::var_os("WALD_NAMES_FROM").map(PathBuf::from));
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let kind = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            if path.is_dir() && !path.is_symlink() {
                directories.push(path);
            } else if matches!(kind, "a" | "o" | "so" | "rlib" | "1") {
                found.push(path);
            }
        }
    }
    found
}

fn names_of(library: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for dynamic in [false, true] {
        let mut nm = Command::new(NM);
        nm.args(["--no-demangle", "--just-symbol-name"]).arg(library).stderr(Stdio::null());
        if dynamic {
            nm.arg("--dynamic");
        }
        let Ok(output) = nm.output() else { continue };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        names.extend(text.lines().filter(|name| one_word(name)).map(str::to_string));
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn the_machines_names_print_as_llvm_prints_them() {
    if !installed(FILTER) || !installed(NM) {
        println!("skipped: {FILTER} and {NM} are not installed");
        return;
    }
    let start = Instant::now();
    let (mut names, mut demangled, mut wrong) = (0, 0, Vec::new());
    for library in libraries() {
        if start.elapsed() > BUDGET {
            println!("the time is up: the other libraries are left out");
            break;
        }
        let batch = names_of(&library);
        if batch.is_empty() {
            continue;
        }
        names += batch.len();
        demangled += compare(&batch, &mut wrong);
    }
    println!("{names} names, {demangled} demangled, {} differ, in {:?}", wrong.len(), start.elapsed());
    wrong.truncate(20);
    assert!(wrong.is_empty(), "names differ:\n{}", wrong.join("\n"));
}

#[test]
fn changed_names_are_judged_as_llvm_judges_them() {
    if !installed(FILTER) {
        println!("skipped: {FILTER} is not installed");
        return;
    }
    let names: Vec<&str> =
        include_str!("names.txt").lines().filter_map(|line| line.split('\t').next()).collect();
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below.max(1)
    };
    let start = Instant::now();
    let (mut count, mut demangled, mut wrong) = (0, 0, Vec::new());
    for _ in 0..20 {
        if start.elapsed() > BUDGET {
            break;
        }
        let mut batch = Vec::new();
        while batch.len() < 5000 {
            let mut name = names[random(names.len())].as_bytes().to_vec();
            let other = names[random(names.len())].as_bytes();
            for _ in 0..=random(3) {
                let at = random(name.len());
                let from = random(other.len());
                let piece = &other[from..other.len().min(from + 1 + random(6))];
                let until = name.len().min(at + random(4));
                name.splice(at..until, piece.iter().copied());
            }
            batch.extend(String::from_utf8(name).ok().filter(|name| one_word(name)));
        }
        count += batch.len();
        demangled += compare(&batch, &mut wrong);
    }
    println!("{count} names, {demangled} demangled, {} differ, in {:?}", wrong.len(), start.elapsed());
    wrong.truncate(20);
    assert!(wrong.is_empty(), "names differ:\n{}", wrong.join("\n"));
}
