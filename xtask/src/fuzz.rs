//! `cargo xtask fuzz`: runs the fuzz targets for a fixed time, from the inputs that the repository keeps.
//!
//! Seeds are the findings of earlier runs in `fuzz/seeds`, kept small by `--keep`, the objects and archives of the link cases,
//! and the bitcode of the library's tests.
//! A run works on a copy of them in `fuzz/corpus`.

use crate::arguments::Arguments;
use crate::workspace::{self, create_folder, find_program, read, root, write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `--help` prints.
pub const HELP: &str = "\
USAGE: cargo xtask fuzz [TARGET...] [--minutes N] [--seconds N] [--keep]

Runs each fuzz target (all of them without names; `fuzz/README.md` lists them) for 10 minutes. Stops with an error at the
first finding. Needs: rustup toolchain install nightly, cargo install cargo-fuzz.

  --minutes N   how long each target runs
  --seconds N   the same in seconds
  --keep        afterwards keeps a small part of the corpus with the same coverage in fuzz/seeds
";

/// The targets, in the order in which they run.
const TARGETS: &[&str] = &["archive", "bitcode", "object", "link", "demangle", "link_differential"];
/// What separates two inputs of a link target.
const NEXT: &[u8] = b"--NEXT--";
/// The largest kept seed, in bytes.
const LARGEST_SEED: u64 = 4096;

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let mut args = Arguments::new(args);
    let seconds = match (args.number("minutes")?, args.number("seconds")?) {
        (_, Some(seconds)) => seconds,
        (minutes, None) => minutes.unwrap_or(10) * 60,
    };
    let keep = args.flag("keep");
    let names = args.words()?;
    if let Some(unknown) = names.iter().find(|name| !TARGETS.contains(&name.as_str())) {
        return Err(format!("unknown fuzz target {unknown} (there are: {})", TARGETS.join(" ")));
    }
    if find_program("cargo-fuzz").is_none() {
        return Err("needs cargo-fuzz: cargo install cargo-fuzz".into());
    }
    for target in TARGETS.iter().filter(|target| names.is_empty() || names.iter().any(|name| name == *target))
    {
        if *target == "link_differential" && find_program("wasm-ld-22").is_none() {
            println!("skipped {target}: wasm-ld-22 is not installed");
            continue;
        }
        let corpus = root().join("fuzz/corpus").join(target);
        let count = copy_seeds(target, &corpus)?;
        println!("== {target}: {count} seeds, {seconds} s");
        fuzz(target, &corpus, seconds)?;
        if keep {
            keep_seeds(target, &corpus)?;
        }
    }
    Ok(())
}

fn cargo_fuzz(command: &str, target: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["+nightly", "fuzz", command, target]).current_dir(root());
    cargo
}

fn fuzz(target: &str, corpus: &Path, seconds: usize) -> Result<(), String> {
    let mut cargo = cargo_fuzz("run", target);
    cargo.arg(corpus).args(["--", "-timeout=10", "-malloc_limit_mb=1024", "-rss_limit_mb=4096"]);
    // The largest objects of the cases are data; what matters is found with small inputs.
    cargo.args([&format!("-max_total_time={seconds}"), "-max_len=65536", "-print_final_stats=1"]);
    workspace::run(&mut cargo)
}

/// Copies the kept seeds of a target, and what the link cases have for it. Returns how many there are.
fn copy_seeds(target: &str, corpus: &Path) -> Result<usize, String> {
    create_folder(corpus)?;
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for path in files_below(&root().join("fuzz/seeds").join(kept_name(target))) {
        seeds.push(read(&path)?);
    }
    if target == "bitcode" {
        let kept = files_below(&root().join("crates/wald/tests/objects/bitcode"));
        let kept = kept.iter().filter(|path| path.extension().is_some_and(|extension| extension == "bc"));
        for path in kept {
            seeds.push(read(path)?);
        }
    }
    let inputs = files_below(&root().join("tests/kept"));
    let inputs = inputs.iter().filter(|path| path.parent().is_some_and(|folder| folder.ends_with("in")));
    let is_kind = |path: &Path, kind: &str| path.extension().is_some_and(|found| found == kind);
    let kinds: &[&str] = match target {
        "archive" => &["a"],
        "object" => &["o"],
        "link" | "link_differential" => &["a", "o"],
        _ => &[],
    };
    let inputs = inputs.filter(|path| kinds.iter().any(|kind| is_kind(path, kind)));
    let inputs = inputs.filter(|path| target != "link_differential" || !differs(path));
    match target {
        "archive" | "object" => {
            inputs.map(|path| read(path)).try_for_each(|bytes| bytes.map(|bytes| seeds.push(bytes)))?
        }
        _ => {
            let mut folder = PathBuf::new();
            for path in inputs {
                // One link a case: a byte of options, then its inputs.
                match (path.parent(), seeds.last_mut()) {
                    (Some(parent), Some(link)) if parent == folder => {
                        link.extend(NEXT);
                        link.extend(read(path)?);
                    }
                    (parent, _) => {
                        folder = parent.map(Path::to_path_buf).unwrap_or_default();
                        seeds.push([b"\x41".to_vec(), read(path)?].concat());
                    }
                }
            }
        }
    }
    for (number, seed) in seeds.iter().enumerate() {
        write(&corpus.join(format!("seed-{number}")), seed)?;
    }
    Ok(seeds.len())
}

/// Whether the link case of a kept input shows a deliberate difference from wasm-ld, or is about bitcode, for which the fuzzed library has no
/// code generator.
fn differs(input: &Path) -> bool {
    let case =
        input.ancestors().nth(2).and_then(|folder| folder.strip_prefix(root().join("tests/kept")).ok());
    if case.is_some_and(|case| case.starts_with("lto")) {
        return true;
    }
    let text = case
        .map(|case| root().join("tests/cases").join(case).with_extension("case"))
        .map(std::fs::read_to_string);
    text.is_none_or(|text| text.is_ok_and(|text| text.lines().any(|line| line.starts_with("differs:"))))
}

/// Both link targets take the same inputs.
fn kept_name(target: &str) -> &str {
    if target == "link_differential" {
        "link"
    } else {
        target
    }
}

/// Writes the smallest part of the corpus with the same coverage, as far as its files are small, to `fuzz/seeds`.
fn keep_seeds(target: &str, corpus: &Path) -> Result<(), String> {
    workspace::run(cargo_fuzz("cmin", target).arg(corpus))?;
    let kept = root().join("fuzz/seeds").join(kept_name(target));
    if target != "link_differential" {
        let _ = std::fs::remove_dir_all(&kept);
    }
    create_folder(&kept)?;
    for path in files_below(corpus) {
        let bytes = read(&path)?;
        if bytes.len() as u64 <= LARGEST_SEED {
            // By content, so that a later run renames nothing.
            write(&kept.join(format!("{:016x}", hash(&bytes))), &bytes)?;
        }
    }
    Ok(())
}

/// FNV-1a: a name that depends on the bytes alone.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// All files below a folder, sorted; none if the folder does not exist.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => files.push(entry.path()),
            }
        }
    }
    files.sort();
    files
}
